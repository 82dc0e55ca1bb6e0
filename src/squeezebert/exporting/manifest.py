"""What an export says of itself: ``export.json``."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from squeezebert import files
from squeezebert.exporting.verify import Agreement

MANIFEST = "export.json"


@dataclass(frozen=True, kw_only=True)
class ExportedFile:
    """One model file.

    Args:
        path: In the export's directory.
        precision: ``float32`` or ``int8``.
        size_mb: Of the file.
        agreement: With our engine in float32.
        cpu_ms: CPU time of one sample text's input on one thread of this machine, all files of the
            export in turn.
    """

    path: str
    precision: str
    size_mb: float
    agreement: Agreement
    cpu_ms: float


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """An export.

    Args:
        format: ``onnx`` or ``executorch``.
        source: The model's name.
        task: What it is for; None for a bare encoder.
        max_length: The most tokens of an input.
        opset: Of ONNX; None for another format.
        texts: How many inputs were compared, of which data.
        data: The sample data by name.
        files: What was written.
        machine: Where it was verified, in words.
        versions: Of what made and verified it.
    """

    format: str
    source: str
    task: str | None
    max_length: int
    opset: int | None
    texts: int
    data: tuple[str, ...]
    files: tuple[ExportedFile, ...]
    machine: str
    versions: Mapping[str, str]

    def write(self, directory: Path) -> None:
        """Into ``export.json``."""
        content = dataclasses.asdict(self)
        files.write_text(directory / MANIFEST, json.dumps(content, indent=2) + "\n")
