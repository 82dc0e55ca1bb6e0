"""The native engine against `transformers` on checkpoints that are written in other ways: decoders
of their own, shards behind links, wrappers' names, other activations, bfloat16, a single label.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from squeezebert.engine import PROJECTION_KINDS, Engine, _native
from squeezebert.errors import CheckpointError

transformers = pytest.importorskip("transformers")

IDS = np.array([2, 17, 45, 8, 71, 3, 2, 9, 3], np.int32)
ENDS = np.array([0, 6, 9], np.int32)

SHAPE = {
    "vocab_size": 80,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 24,
}
FAMILIES: dict[str, dict[str, Any]] = {"Bert": {}, "SqueezeBert": {"embedding_size": 32}}

both_types = pytest.mark.parametrize("family", FAMILIES)


def saved(family: str, head: str, directory: Path, **settings: Any) -> Any:
    """A random model of `transformers`, saved by itself."""
    config = getattr(transformers, f"{family}Config")(**SHAPE, **FAMILIES[family], **settings)
    torch.manual_seed(3)
    model = getattr(transformers, f"{family}For{head}")(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    model.save_pretrained(directory)
    return model


def logits_of(model: Any) -> np.ndarray:
    """Of the two texts one after the other: (tokens, outputs), or (texts, outputs)."""
    rows: list[torch.Tensor] = []
    for start, end in itertools.pairwise(ENDS):
        with torch.no_grad():
            ids = torch.from_numpy(IDS[start:end]).long()[None]
            rows.append(model(input_ids=ids).logits.flatten(0, -2))
    return torch.cat(rows).float().numpy()


def engine_logits(directory: Path, precision: str = "float32") -> np.ndarray:
    return Engine.load(directory, precision=precision, threads=1).logits(IDS, ENDS)


def rewrite(
    directory: Path, change: Callable[[str, torch.Tensor], tuple[str, torch.Tensor]]
) -> None:
    path = directory / "model.safetensors"
    tensors = dict(change(name, tensor) for name, tensor in load_file(path).items())
    save_file(tensors, path, metadata={"format": "pt"})


@both_types
def test_a_decoder_of_its_own(family: str, tmp_path: Path) -> None:
    model = saved(family, "MaskedLM", tmp_path, tie_word_embeddings=False)
    expected = logits_of(model)
    embeddings = model.get_input_embeddings().weight
    assert not torch.equal(model.cls.predictions.decoder.weight, embeddings)
    np.testing.assert_allclose(engine_logits(tmp_path), expected, rtol=0, atol=1e-4)
    scale = np.abs(expected).max()
    for precision, share in (("bf16", 0.05), ("int8", 0.1)):
        received = engine_logits(tmp_path, precision)
        np.testing.assert_allclose(received, expected, rtol=0, atol=share * scale)
    exact = Engine.load(tmp_path, precision="float32", threads=1)
    best = exact.top_k(IDS, ENDS, positions=[4], k=5)
    assert best.ids[0].tolist() == np.argsort(-expected[4], kind="stable")[:5].tolist()
    mixed = {
        "vocabulary": "int8",
        **dict.fromkeys(set(exact.precision) - {"vocabulary"}, "float32"),
    }
    rounded = Engine.load(tmp_path, precision=mixed, threads=1).logits(IDS, ENDS)
    assert 0 < np.abs(rounded - expected).max() < 0.05 * scale


@both_types
def test_a_decoder_beside_what_it_is_said_to_be_tied_to(family: str, tmp_path: Path) -> None:
    """`transformers` uses it where its values differ, with a warning."""
    model = saved(family, "MaskedLM", tmp_path, tie_word_embeddings=False)
    config = json.loads((tmp_path / "config.json").read_text())
    del config["tie_word_embeddings"]
    (tmp_path / "config.json").write_text(json.dumps(config))
    np.testing.assert_allclose(engine_logits(tmp_path), logits_of(model), rtol=0, atol=1e-4)


def test_a_decoder_that_is_missing_is_told(tmp_path: Path) -> None:
    saved("Bert", "MaskedLM", tmp_path, tie_word_embeddings=True)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"tie_word_embeddings": False}))
    with pytest.raises(
        CheckpointError, match=r"lacks the tensor cls\.predictions\.decoder\.weight"
    ):
        engine_logits(tmp_path)


@pytest.mark.parametrize("wrapper", ["module.", "_orig_mod.", "model.", "module._orig_mod."])
def test_names_of_a_wrapped_model(wrapper: str, tmp_path: Path) -> None:
    model = saved("Bert", "TokenClassification", tmp_path, num_labels=3)
    rewrite(tmp_path, lambda name, tensor: (wrapper + name, tensor))
    np.testing.assert_allclose(engine_logits(tmp_path), logits_of(model), rtol=0, atol=1e-5)


@both_types
def test_weights_in_bfloat16(family: str, tmp_path: Path) -> None:
    model = saved(family, "TokenClassification", tmp_path, num_labels=3)
    rewrite(tmp_path, lambda name, tensor: (name, tensor.to(torch.bfloat16)))
    expected = logits_of(model.to(torch.bfloat16).float())
    np.testing.assert_allclose(engine_logits(tmp_path), expected, rtol=0, atol=1e-5)


@both_types
@pytest.mark.parametrize(
    "name",
    [
        "gelu",
        "gelu_python",
        "gelu_new",
        "gelu_fast",
        "gelu_accurate",
        "gelu_pytorch_tanh",
        "gelu_python_tanh",
        "relu",
        "silu",
        "swish",
    ],
)
def test_activations(family: str, name: str, tmp_path: Path) -> None:
    if name not in transformers.activations.ACT2FN:
        pytest.skip(f"this transformers has no {name}")
    model = saved(family, "TokenClassification", tmp_path, num_labels=3, hidden_act=name)
    native = _native.Model(os.fsencode(tmp_path), ["float32"] * len(PROJECTION_KINDS), 1)
    received = native.logits(IDS, ENDS, None, None)
    np.testing.assert_allclose(received, logits_of(model), rtol=0, atol=1e-5)


def test_shards_behind_the_links_of_a_cache(tmp_path: Path) -> None:
    """As the hub's library lays models out: snapshots of links into blobs."""
    model = saved("Bert", "TokenClassification", tmp_path / "whole", num_labels=3)
    model.save_pretrained(tmp_path / "parts", max_shard_size="20KB")
    blobs = tmp_path / "models--some--model" / "blobs"
    snapshot = blobs.parent / "snapshots" / ("0123456789" * 4)
    blobs.mkdir(parents=True)
    snapshot.mkdir(parents=True)
    files = sorted((tmp_path / "parts").iterdir())
    assert len(files) > 3
    for number, path in enumerate(files):
        path.rename(blobs / f"{number:040x}")
        (snapshot / path.name).symlink_to(f"../../blobs/{number:040x}")
    np.testing.assert_allclose(engine_logits(snapshot), logits_of(model), rtol=0, atol=1e-5)


def test_a_single_label(tmp_path: Path) -> None:
    model = saved("Bert", "SequenceClassification", tmp_path, num_labels=1)
    received = engine_logits(tmp_path)
    assert received.shape == (2, 1)
    np.testing.assert_allclose(received, logits_of(model), rtol=0, atol=1e-5)
