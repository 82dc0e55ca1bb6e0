"""The compact form of a model, with what it loses measured and written down."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from squeezebert import checkpoint
from squeezebert.checkpoint.hub import resolve
from squeezebert.engine import Engine
from squeezebert.engine.precision import METADATA_KEY
from squeezebert.errors import InvalidInputError
from squeezebert.files import appearing
from squeezebert.quantization.choice import choose, step_costs
from squeezebert.quantization.compact import add_metadata, read_float32, write_copy
from squeezebert.quantization.data import default_datasets
from squeezebert.quantization.measures import Measure, StatesMeasure, TaskMeasure, Trial

if TYPE_CHECKING:
    from squeezebert.data.catalog import Dataset

__all__ = ["Quantized", "Trial", "default_datasets", "quantize"]

TOLERANCE = 0.1
"""Points: what int8 may lose on a task and still count as lossless."""


@dataclass(frozen=True, kw_only=True)
class Quantized:
    """What :func:`quantize` wrote and found.

    Args:
        directory: The compact model.
        original_mb: Of the weights as float32.
        compact_mb: Of the weights written.
        isa: The instruction set that was measured.
        trials: What was measured, float32 first; empty where nothing was.
        chosen: What the checkpoint records; None where nothing was measured.
        lossless: Whether ``chosen`` is within the tolerance.
        measure: How it was measured; None where nothing was.
    """

    directory: Path
    original_mb: float
    compact_mb: float
    isa: str
    trials: Sequence[Trial]
    chosen: Trial | None
    lossless: bool
    measure: Measure | None


def quantize(
    model: str | Path,
    output: str | Path,
    *,
    datasets: Sequence[Dataset] = (),
    texts: Sequence[str] = (),
    texts_name: str = "texts",
    tolerance: float = TOLERANCE,
    threads: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> Quantized:
    """Writes the compact form of a model: int8 weights that the engine maps and multiplies where
    they lie. With data it measures what that loses, and records the fastest choice of precisions
    that loses nothing to speak of; ``precision="auto"`` takes it.

    Args:
        model: A model directory, the name of a shipped model, or one on the Hugging Face hub.
        output: The directory to write; it must not hold anything yet. Appears whole or not at all.
        datasets: Labeled data of the model's task, on which its score is compared.
        texts: Texts on which the tokens' last states are compared; for models without a task.
        texts_name: What to call the texts.
        tolerance: Points (hundredths of the score) that count as nothing.
        threads: Of the engine in measuring; all cores where None.
        progress: Told what is done next.

    Raises:
        CheckpointError: no such model, a damaged one, or a disk that takes nothing.
        DataError: data that the model's task cannot use.
        InvalidInputError: an output that exists, data for a model without a task, or both kinds
            of data.
        MissingDependencyError: an old ``pytorch_model.bin`` without torch to read it.
    """
    source, output = resolve(model), Path(output)
    say = progress or _say_nothing
    if datasets and texts:
        raise InvalidInputError("give labeled data or texts to measure on, not both")
    if tolerance < 0:
        raise InvalidInputError(f"tolerance is {tolerance}, expected 0 or more points")
    spec = checkpoint.read_spec(source)
    if datasets and spec is None:
        raise InvalidInputError(
            f"the model {model} has no head for a task that data could score",
            hint="measure on plain texts",
        )
    config = checkpoint.read_config(source)
    tensors = read_float32(source)
    with appearing(output) as compact:
        say("writing int8 weights")
        write_copy(source, compact, tensors, "panels")
        engine = Engine.load(compact, precision="int8", threads=1)
        measure: Measure | None = None
        if datasets:
            measure = TaskMeasure(datasets, threads=threads)
        elif texts:
            longest = config.max_position_embeddings if spec is None else spec.max_length
            measure = StatesMeasure(
                source, texts, name=texts_name, longest=longest, threads=threads
            )
        trials: list[Trial] = []
        chosen = None
        if measure is not None:
            original = source
            if not checkpoint.has_safetensors(source):
                original = compact / "float32"
                write_copy(source, original, tensors, "float32")
            costs = step_costs(config, masked_lm=engine.head == "masked_lm")
            trials, chosen = choose(
                measure, original, compact, costs, tolerance=tolerance, progress=say
            )
            if original != source:
                shutil.rmtree(original)
            record = _record(measure, trials, chosen, tolerance, engine.isa)
            add_metadata(compact / checkpoint.WEIGHTS, METADATA_KEY, json.dumps(record))
    return Quantized(
        directory=output,
        original_mb=sum(value.nbytes for value in tensors.values()) / 1e6,
        compact_mb=checkpoint.size_on_disk(output) / 1e6,
        isa=engine.isa,
        trials=trials,
        chosen=chosen,
        lossless=chosen is not None and _is_lossless(chosen, tolerance),
        measure=measure,
    )


def _say_nothing(what: str) -> None:
    del what


def _is_lossless(trial: Trial, tolerance: float) -> bool:
    return trial.loss <= tolerance + 1e-9


def _record(
    measure: Measure, trials: Sequence[Trial], chosen: Trial, tolerance: float, isa: str
) -> dict[str, Any]:
    """What the checkpoint says of itself; :mod:`squeezebert.engine.precision` reads the first."""
    return {
        "precision": dict(chosen.precision),
        "lossless": _is_lossless(chosen, tolerance),
        "tolerance": tolerance,
        "score": measure.score,
        "data": [
            {"name": name, "split": measure.splits[name], "texts": count}
            for name, count in measure.texts.items()
        ],
        "trials": {
            trial.name: {name: round(score, 6) for name, score in trial.scores.items()}
            for trial in trials
        },
        "date": datetime.now(UTC).date().isoformat(),
        "isa": isa,
        "squeezebert": metadata.version("squeezebert"),
    }
