"""A classifier and a tagger with random weights, and rows to answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from squeezebert.checkpoint.hub import resolve
from squeezebert.config import EncoderConfig
from squeezebert.pipeline import Pipeline, load
from squeezebert.predicting.columns import Appended
from squeezebert.predicting.inputs import Inputs
from squeezebert.predicting.job import Job
from squeezebert.spec import TaskSpec
from squeezebert.tokenizer import Tokenizer

SPECS = {
    "text_classification": TaskSpec(
        task="text_classification", labels=("bad", "good"), max_length=32, languages=("en",)
    ),
    "token_classification": TaskSpec(
        task="token_classification", labels=("O", "B-PER", "I-PER"), max_length=32
    ),
}


@pytest.fixture(scope="session")
def directories(
    tmp_path_factory: pytest.TempPathFactory,
    tiny_config: EncoderConfig,
    tiny_vocabulary: tuple[str, ...],
) -> dict[str, Path]:
    import torch

    from squeezebert.model import HeadConfig, build_model, save_model

    made: dict[str, Path] = {}
    for task, spec in SPECS.items():
        torch.manual_seed(0)
        made[task] = tmp_path_factory.mktemp("model") / task
        model = build_model(tiny_config, HeadConfig(kind=spec.task, labels=spec.labels))
        save_model(model, made[task], spec=spec)
        Tokenizer.from_vocabulary(tiny_vocabulary, lowercase=True).save(made[task])
    return made


@pytest.fixture(scope="session")
def classifier(directories: dict[str, Path]) -> Pipeline[Any]:
    return load(directories["text_classification"], threads=1)


@pytest.fixture(scope="session")
def tagger(directories: dict[str, Path]) -> Pipeline[Any]:
    return load(directories["token_classification"], threads=1)


@pytest.fixture
def job(directories: dict[str, Path]) -> Callable[..., Job]:
    """Makes a job of a pipeline, an input and an output, as the command line does."""

    def make(
        pipeline: Pipeline[Any],
        given: Path | str,
        output: Path,
        *,
        scores: bool = False,
        prefix: str = "",
        reading: dict[str, Any] | None = None,
        **settings: Any,
    ) -> Job:
        return Job(
            pipeline=pipeline,
            directory=resolve(directories[pipeline.task.name]),
            inputs=Inputs(str(given), without=output, **(reading or {})),
            output=output,
            appended=Appended(spec=pipeline.task.spec, scores=scores, prefix=prefix),
            **{"choices": {}, **settings},
        )

    return make
