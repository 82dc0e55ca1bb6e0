"""``squeezebert export``: a model for other run-times."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from squeezebert.cli import screen
from squeezebert.cli.options import json_option, output_option
from squeezebert.shown import shown

if TYPE_CHECKING:
    from squeezebert.exporting import ExportedFile, Manifest, Precision

PRECISIONS: dict[str, tuple[Precision, ...]] = {
    "both": ("float32", "int8"),
    "float32": ("float32",),
    "int8": ("int8",),
}


@click.command()
@click.argument("model", metavar="NAME_OR_DIR")
@output_option
@click.option(
    "--format",
    "kind",
    type=click.Choice(["onnx", "executorch"]),
    default="onnx",
    show_default=True,
    help="ONNX Runtime, optimum and transformers.js read onnx; executorch is for phones.",
)
@click.option(
    "--precision",
    type=click.Choice(list(PRECISIONS)),
    default="both",
    show_default=True,
    help="Which files to write.",
)
@json_option
def export(
    *,
    model: str,
    output: Path,
    kind: Literal["onnx", "executorch"],
    precision: str,
    as_json: bool,
) -> None:
    r"""Write a model for other run-times, and verify it on the sample texts.

    The directory holds onnx/model.onnx and onnx/model_quantized.onnx (int8) with config.json and
    the tokenizer, as optimum and transformers.js load them, or model.pte and model_quantized.pte
    for ExecuTorch's XNNPACK backend; and export.json, which says what was verified.

    \b
    squeezebert export squeezebert-mini-news --output build/news-onnx
    squeezebert export runs/ner --precision int8 --output runs/ner-onnx
    squeezebert export squeezebert-mini-news --format executorch --output build/news-pte
    """
    from squeezebert.exporting import export_executorch, export_onnx

    write = export_onnx if kind == "onnx" else export_executorch
    with screen.progress() as bar:
        stage = bar.add_task("")

        def say(what: str) -> None:
            bar.update(stage, description=shown(what))
            bar.refresh()

        manifest = write(model, output, precisions=PRECISIONS[precision], progress=say)
    if as_json:
        screen.print_json_lines([{"directory": str(output), **dataclasses.asdict(manifest)}])
        return
    for line in _lines(manifest):
        screen.say(line)
    screen.note(f"wrote {output}")


def _lines(manifest: Manifest) -> list[str]:
    lines = [_line(one) for one in manifest.files]
    lines.append(
        f"Compared with the engine in float32 on {manifest.texts} texts of "
        f"{', '.join(manifest.data)}; all is in export.json."
    )
    return lines


def _line(one: ExportedFile) -> str:
    found = one.agreement
    same = ""
    if found.same_answers is not None:
        same = f", {found.same_answers} of {found.answers} answers alike"
    return (
        f"{one.path}: {one.size_mb:.1f} MB, {one.cpu_ms:.3g} ms a text; differs by at most "
        f"{found.max_difference:.2g}, {found.mean_difference:.2g} on average{same}"
    )
