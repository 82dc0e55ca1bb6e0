"""What a model has, without torch, beside what it has there."""

from __future__ import annotations

import pytest

from squeezebert.config import EncoderConfig
from squeezebert.exporting.parameters import shapes
from squeezebert.model import HeadConfig, build_model
from squeezebert.model.encoder import Encoder


@pytest.mark.parametrize(
    ("task", "labels"),
    [("masked_lm", ()), ("text_classification", ("a", "b", "c")), ("token_classification", ("O",))],
)
@pytest.mark.parametrize("shape", ["squeezebert", "bert", "bottleneck"])
def test_shapes_are_those_of_the_torch_model(
    task: str, labels: tuple[str, ...], shape: str, shapes_by_name: dict[str, EncoderConfig]
) -> None:
    config = shapes_by_name[shape]
    model = build_model(config, HeadConfig(kind=task, labels=labels))
    theirs = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    if task == "masked_lm":
        theirs.pop("head.decoder.weight")  # tied
    assert shapes(config, task, len(labels)) == theirs


def test_shapes_of_a_bare_encoder(tiny_config: EncoderConfig) -> None:
    model = Encoder(tiny_config, with_pooler=False)
    theirs = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    assert shapes(tiny_config, None, 0) == theirs
