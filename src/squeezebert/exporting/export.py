"""From a model directory to a directory for ONNX Runtime, optimum and transformers.js."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from squeezebert.batch import RaggedBatch
from squeezebert.benchmark.cpu_time import least_cpu_ms
from squeezebert.errors import InvalidInputError, MissingDependencyError
from squeezebert.exporting.layout import write_layout
from squeezebert.exporting.manifest import ExportedFile, Manifest
from squeezebert.exporting.parameters import Parameters
from squeezebert.exporting.subject import Subject
from squeezebert.exporting.verify import Asked, agreement, check, sample_names
from squeezebert.files import appearing, writing
from squeezebert.machine import describe_sentence, installed_versions

if TYPE_CHECKING:
    from squeezebert.exporting.session import OnnxModel

Precision = Literal["float32", "int8"]

ONNX_FILES: dict[Precision, str] = {
    "float32": "onnx/model.onnx",
    "int8": "onnx/model_quantized.onnx",
}
"""Where optimum and transformers.js look."""

ROUNDS = 12
"""In which all files are timed in turn."""


def export_onnx(
    model: str | Path,
    output: str | Path,
    *,
    precisions: Sequence[Precision] = ("float32", "int8"),
    progress: Callable[[str], None] = lambda _: None,
) -> Manifest:
    """Writes a model for ONNX Runtime, with its tokenizer, and verifies it on the sample texts.
    Nothing is at ``output`` unless all of it is right.

    Args:
        model: A model directory, the name of a shipped model, or one on the Hugging Face hub.
        output: The directory to make.
        precisions: Which files to write.
        progress: Is told what is being done.

    Raises:
        InvalidInputError: no precision or an unknown one, a head that is not exported, or something
            at ``output`` already.
        CheckpointError: no such model, a damaged one, an export that does not answer as ours, or a
            disk that does not take it.
        MissingDependencyError: ``onnx`` or ``onnxruntime`` is not installed.
    """
    unknown = [name for name in precisions if name not in ONNX_FILES]
    if unknown or not precisions:
        raise InvalidInputError(
            f"the precisions are {list(precisions)}, expected some of {', '.join(ONNX_FILES)}"
        )
    for package in ("onnx", "onnxruntime"):
        _require(package)
    subject, output = Subject.find(model), Path(output)
    with appearing(output) as directory, writing(output):
        write_layout(subject, directory)
        paths: dict[Precision, Path] = {one: directory / ONNX_FILES[one] for one in precisions}
        for precision, path in paths.items():
            progress(f"writing {ONNX_FILES[precision]}")
            _write(subject.parameters, precision, path)
        progress("comparing it with the engine")
        manifest = _verify(subject, paths)
        manifest.write(directory)
    return manifest


def _require(package: str) -> None:
    from importlib.util import find_spec

    if find_spec(package) is None:
        raise MissingDependencyError.for_extra(package, "onnx", "an export to ONNX")


def _write(parameters: Parameters, precision: Precision, path: Path) -> None:
    import onnx

    from squeezebert.exporting.float32 import Float32Products
    from squeezebert.exporting.int8 import Int8Products
    from squeezebert.exporting.model import build

    graph = build(parameters, Float32Products() if precision == "float32" else Int8Products())
    path.parent.mkdir(exist_ok=True)
    onnx.save(graph, path)
    onnx.checker.check_model(path, full_check=True)


def _verify(subject: Subject, paths: Mapping[Precision, Path]) -> Manifest:
    from squeezebert.exporting.graph import OPSET
    from squeezebert.exporting.session import OnnxModel

    spec, config = subject.parameters.spec, subject.parameters.config
    task = None if spec is None else spec.task
    asked, expected = subject.ask()
    models: dict[Precision, OnnxModel] = {
        precision: OnnxModel(path, config, task) for precision, path in paths.items()
    }
    times = _times(list(models.values()), asked[0])
    found: list[ExportedFile] = []
    for (precision, model), cpu_ms in zip(models.items(), times, strict=True):
        alike = agreement(model, spec, asked, expected)
        check(alike, precision, f"{subject.name} in {precision}")
        size = paths[precision].stat().st_size / 1e6
        found.append(
            ExportedFile(
                path=ONNX_FILES[precision],
                precision=precision,
                size_mb=round(size, 3),
                agreement=alike,
                cpu_ms=round(cpu_ms, 3),
            )
        )
    return Manifest(
        format="onnx",
        source=subject.name,
        task=task,
        max_length=subject.max_length,
        opset=OPSET,
        texts=sum(len(one.batch) for one in asked),
        data=tuple(sample_names(spec)),
        files=tuple(found),
        machine=describe_sentence(threads=1),
        versions=installed_versions(["onnx", "onnxruntime"]),
    )


def _times(models: Sequence[OnnxModel], asked: Asked) -> list[float]:
    """CPU milliseconds of the first text of ``asked``, by model: the least of several rounds."""
    batch = RaggedBatch.of([asked.batch.input_ids[: asked.batch.cu_seqlens[1]]])
    return least_cpu_ms([partial(model.logits, batch) for model in models], rounds=ROUNDS)
