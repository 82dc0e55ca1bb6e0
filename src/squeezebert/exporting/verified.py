"""What was written, measured and held against our engine: the same for every format."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

from squeezebert.batch import RaggedBatch
from squeezebert.benchmark.cpu_time import least_cpu_ms
from squeezebert.config import EncoderConfig
from squeezebert.exporting.manifest import ExportedFile, Manifest
from squeezebert.exporting.subject import Subject
from squeezebert.exporting.verify import Asked, Exported, agreement, check, sample_names
from squeezebert.machine import describe_sentence, installed_versions
from squeezebert.spec import TaskName

Precision = Literal["float32", "int8"]

ROUNDS = 12
"""In which all files are timed in turn."""


def verified(
    subject: Subject,
    directory: Path,
    written: Mapping[Precision, str],
    load: Callable[[Path, EncoderConfig, TaskName | None], Exported],
    *,
    kind: str,
    opset: int | None,
    packages: Sequence[str],
) -> Manifest:
    """Asks each file what our engine is asked, and times it; what is to be said of the export.

    Args:
        subject: The model.
        directory: Of the export.
        written: The files in it, by precision.
        load: Reads one of them.
        kind: The format.
        opset: Of ONNX.
        packages: What made and verified it.

    Raises:
        CheckpointError: a file that cannot be read or answers in another way.
    """
    spec, config = subject.parameters.spec, subject.parameters.config
    task = None if spec is None else spec.task
    asked, expected = subject.ask()
    models: dict[Precision, Exported] = {
        one: load(directory / name, config, task) for one, name in written.items()
    }
    times = _times(list(models.values()), asked[0])
    found: list[ExportedFile] = []
    for (precision, model), cpu_ms in zip(models.items(), times, strict=True):
        alike = agreement(model, spec, asked, expected)
        check(alike, precision, f"{subject.name} in {precision}")
        name = written[precision]
        found.append(
            ExportedFile(
                path=name,
                precision=precision,
                size_mb=round((directory / name).stat().st_size / 1e6, 3),
                agreement=alike,
                cpu_ms=round(cpu_ms, 3),
            )
        )
    return Manifest(
        format=kind,
        source=subject.name,
        task=task,
        max_length=subject.max_length,
        opset=opset,
        texts=sum(len(one.batch) for one in asked),
        data=tuple(sample_names(spec)),
        files=tuple(found),
        machine=describe_sentence(threads=1),
        versions=installed_versions(packages),
    )


def _times(models: Sequence[Exported], asked: Asked) -> list[float]:
    """CPU milliseconds of the first text of ``asked``, by model: the least of several rounds."""
    batch = RaggedBatch.of([asked.batch.input_ids[: asked.batch.cu_seqlens[1]]])
    return least_cpu_ms([partial(model.logits, batch) for model in models], rounds=ROUNDS)
