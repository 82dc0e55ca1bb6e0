"""Models for other people's run-times: ONNX, with what optimum and transformers.js read beside it,
and ExecuTorch.

ONNX's graphs are made of our arrays with the ``onnx`` package alone; torch has a part only in what
is for ExecuTorch.
"""

from squeezebert.exporting.export import (
    ONNX_FILES,
    PTE_FILES,
    export_executorch,
    export_onnx,
)
from squeezebert.exporting.manifest import MANIFEST, ExportedFile, Manifest
from squeezebert.exporting.verified import Precision
from squeezebert.exporting.verify import Agreement

__all__ = [
    "MANIFEST",
    "ONNX_FILES",
    "PTE_FILES",
    "Agreement",
    "ExportedFile",
    "Manifest",
    "Precision",
    "export_executorch",
    "export_onnx",
]
