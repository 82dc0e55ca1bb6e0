"""Models on disk: their directory, Hugging Face's names of their weights, the engine's panels, the
models that ship, and where a name leads.
"""

from squeezebert.checkpoint.directory import (
    ARCHITECTURES,
    CONFIG,
    TASK,
    Storage,
    head_kind,
    quantize_rows,
    read_config,
    read_labels,
    read_spec,
    size_on_disk,
    write_checkpoint,
)
from squeezebert.checkpoint.weights import (
    INDEX,
    SCALE_SUFFIX,
    WEIGHTS,
    has_safetensors,
    read_tensors,
    weight_files,
)
from squeezebert.structured import read_json

__all__ = [
    "ARCHITECTURES",
    "CONFIG",
    "INDEX",
    "SCALE_SUFFIX",
    "TASK",
    "WEIGHTS",
    "Storage",
    "has_safetensors",
    "head_kind",
    "quantize_rows",
    "read_config",
    "read_json",
    "read_labels",
    "read_spec",
    "read_tensors",
    "size_on_disk",
    "weight_files",
    "write_checkpoint",
]
