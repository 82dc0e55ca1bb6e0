"""Models on disk: their directory, Hugging Face's names of their weights, the engine's panels, the
models that ship, and where a name leads.
"""

from squeezebert.checkpoint.directory import (
    ARCHITECTURES,
    CONFIG,
    INDEX,
    SCALE_SUFFIX,
    TASK,
    WEIGHTS,
    Storage,
    has_safetensors,
    head_kind,
    quantize_rows,
    read_config,
    read_json,
    read_labels,
    read_spec,
    read_tensors,
    size_on_disk,
    write_checkpoint,
)

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
    "write_checkpoint",
]
