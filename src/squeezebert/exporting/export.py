"""From a model directory to a directory for ONNX Runtime, optimum and transformers.js, or for
ExecuTorch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from squeezebert.config import EncoderConfig
from squeezebert.errors import InvalidInputError, MissingDependencyError
from squeezebert.exporting.layout import write_layout
from squeezebert.exporting.manifest import Manifest
from squeezebert.exporting.parameters import Parameters
from squeezebert.exporting.subject import Subject
from squeezebert.exporting.verified import Precision, verified
from squeezebert.exporting.verify import Exported
from squeezebert.files import appearing, writing
from squeezebert.spec import TaskName

ONNX_FILES: dict[Precision, str] = {
    "float32": "onnx/model.onnx",
    "int8": "onnx/model_quantized.onnx",
}
"""Where optimum and transformers.js look."""

PTE_FILES: dict[Precision, str] = {"float32": "model.pte", "int8": "model_quantized.pte"}
"""Programs of ExecuTorch."""


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
    _check(precisions)
    for package in ("onnx", "onnxruntime"):
        _require(package, "onnx", "ONNX")
    from squeezebert.exporting.graph import OPSET
    from squeezebert.exporting.session import OnnxModel

    def write(subject: Subject, precision: Precision, path: Path) -> None:
        _write(subject.parameters, precision, path)

    return _export(
        Subject.find(model),
        Path(output),
        {one: ONNX_FILES[one] for one in precisions},
        write=write,
        load=OnnxModel,
        kind="onnx",
        opset=OPSET,
        packages=["onnx", "onnxruntime"],
        progress=progress,
    )


def export_executorch(
    model: str | Path,
    output: str | Path,
    *,
    precisions: Sequence[Precision] = ("float32", "int8"),
    progress: Callable[[str], None] = lambda _: None,
) -> Manifest:
    """Writes a model as programs of ExecuTorch for its XNNPACK backend, with its tokenizer, and
    verifies them on the sample texts in the runtime of the wheel. Nothing is at ``output`` unless
    all of it is right.

    Args:
        model: A model directory, the name of a shipped model, or one on the Hugging Face hub.
        output: The directory to make.
        precisions: Which files to write.
        progress: Is told what is being done.

    Raises:
        InvalidInputError, CheckpointError: as for :func:`export_onnx`.
        MissingDependencyError: ``executorch`` or ``torch`` is not installed.
    """
    _check(precisions)
    for package in ("torch", "executorch"):
        _require(package, "executorch", "ExecuTorch")
    from squeezebert.exporting.pte import PteModel, lower_apart

    def write(subject: Subject, precision: Precision, path: Path) -> None:
        progress(f"lowering it in {precision}, which takes minutes")
        lower_apart(subject.source, path, int8=precision == "int8")

    return _export(
        Subject.find(model),
        Path(output),
        {one: PTE_FILES[one] for one in precisions},
        write=write,
        load=PteModel,
        kind="executorch",
        opset=None,
        packages=["executorch", "torch", "torchao"],
        progress=progress,
    )


def _export(
    subject: Subject,
    output: Path,
    written: Mapping[Precision, str],
    *,
    write: Callable[[Subject, Precision, Path], None],
    load: Callable[[Path, EncoderConfig, TaskName | None], Exported],
    kind: str,
    opset: int | None,
    packages: Sequence[str],
    progress: Callable[[str], None],
) -> Manifest:
    """What all formats have in common: a directory that appears once it has been verified. The
    arguments are those of :func:`~squeezebert.exporting.verified.verified`; ``write`` makes a file.
    """
    with appearing(output) as directory, writing(output):
        write_layout(subject, directory)
        for precision, name in written.items():
            progress(f"writing {name}")
            write(subject, precision, directory / name)
        progress("comparing it with the engine")
        manifest = verified(
            subject, directory, written, load, kind=kind, opset=opset, packages=packages
        )
        manifest.write(directory)
    return manifest


def _check(precisions: Sequence[str]) -> None:
    unknown = [name for name in precisions if name not in ONNX_FILES]
    if unknown or not precisions:
        raise InvalidInputError(
            f"the precisions are {list(precisions)}, expected some of {', '.join(ONNX_FILES)}"
        )


def _require(package: str, extra: str, format_name: str) -> None:
    if find_spec(package) is None:
        raise MissingDependencyError.for_extra(package, extra, f"an export to {format_name}")


def _write(parameters: Parameters, precision: Precision, path: Path) -> None:
    import onnx

    from squeezebert.exporting.float32 import Float32Products
    from squeezebert.exporting.int8 import Int8Products
    from squeezebert.exporting.model import build

    graph = build(parameters, Float32Products() if precision == "float32" else Int8Products())
    path.parent.mkdir(exist_ok=True)
    onnx.save(graph, path)
    onnx.checker.check_model(path, full_check=True)
