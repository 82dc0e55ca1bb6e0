from __future__ import annotations

from typing import Any

import pytest

from squeezebert.errors import ConfigError
from squeezebert.training.recipe.file import flatten, to_mapping
from squeezebert.training.recipe.run import (
    RUN_ONLY,
    CorpusRecipe,
    CorpusSource,
    DataRecipe,
    FinetuneRecipe,
    LoopRecipe,
    MaskingRecipe,
    OptimizerRecipe,
    PretrainRecipe,
)


@pytest.mark.parametrize(
    ("section", "values"),
    [
        (OptimizerRecipe, {"learning_rate": -1.0}),
        (OptimizerRecipe, {"warmup": 1.0}),
        (OptimizerRecipe, {"final": 1.5}),
        (OptimizerRecipe, {"weight_decay": -0.1}),
        (OptimizerRecipe, {"beta2": 1.0}),
        (OptimizerRecipe, {"epsilon": 0.0}),
        (OptimizerRecipe, {"max_grad_norm": -1.0}),
        (LoopRecipe, {"epochs": 0.0}),
        (LoopRecipe, {"batch_size": 0}),
        (LoopRecipe, {"accumulation": 0}),
        (LoopRecipe, {"max_minutes": -1.0}),
        (LoopRecipe, {"seed": -1}),
        (MaskingRecipe, {"rate": 0.0}),
        (CorpusSource, {"path": "a.txt", "weight": 0.0}),
        (CorpusRecipe, {"sequence_length": 4}),
        (CorpusRecipe, {"held_out_every": 1}),
        (DataRecipe, {"dev_share": 1.0}),
        (DataRecipe, {"labels": ("a", "a")}),
        (FinetuneRecipe, {"task": "masked_lm", "max_length": 2}),
    ],
)
def test_refuses_what_cannot_be(section: type[Any], values: dict[str, Any]) -> None:
    name = list(values)[-1]
    with pytest.raises(ConfigError, match=name):
        section(**values)


def test_what_a_resumed_run_may_change_exists() -> None:
    known = flatten(to_mapping(PretrainRecipe())).keys()
    assert known >= RUN_ONLY
