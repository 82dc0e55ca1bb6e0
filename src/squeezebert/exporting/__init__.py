"""Models for other people's run-times: ONNX, with what optimum and transformers.js read beside it.

Graphs are made of our arrays with the ``onnx`` package alone; torch has no part in it.
"""

from squeezebert.exporting.export import ONNX_FILES, Precision, export_onnx
from squeezebert.exporting.manifest import MANIFEST, ExportedFile, Manifest
from squeezebert.exporting.verify import Agreement

__all__ = [
    "MANIFEST",
    "ONNX_FILES",
    "Agreement",
    "ExportedFile",
    "Manifest",
    "Precision",
    "export_onnx",
]
