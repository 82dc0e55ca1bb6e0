"""What a run was measured on."""

from __future__ import annotations

import platform
from importlib import metadata
from pathlib import Path

from squeezebert.comparison.machine import describe_machine, installed_versions

PACKAGES = ("onnxruntime", "openvino", "nncf", "onnx", "onnxslim")
"""Whose versions are told beside those that a comparison tells."""

FLAGS = {
    "avx2": "AVX2",
    "avx_vnni": "AVX-VNNI",
    "avx512f": "AVX-512",
    "avx512_vnni": "AVX512-VNNI",
    "avx512_bf16": "AVX512-BF16",
    "amx_int8": "AMX-INT8",
    "amx_bf16": "AMX-BF16",
    "asimddp": "NEON dotprod",
    "i8mm": "NEON i8mm",
    "bf16": "NEON bf16",
}
"""What ``/proc/cpuinfo`` calls the instructions that matter, and what people do."""


def cpu_name() -> str:
    """The processor's model."""
    return describe_machine(1).cpu


def describe(threads: int) -> str:
    """The machine in one sentence."""
    machine = describe_machine(threads)
    flags = ", ".join(name for flag, name in FLAGS.items() if flag in _flags()) or "unknown"
    used = f"{machine.cores} cores, {threads} threads used"
    return f"{machine.cpu}, {used} ({flags}), {platform.system()}"


def versions() -> dict[str, str]:
    """Versions by name."""
    result = installed_versions()
    for name in PACKAGES:
        try:
            result[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return result


def _flags() -> set[str]:
    information = Path("/proc/cpuinfo")
    if not information.is_file():
        return set()
    for line in information.read_text(encoding="utf-8", errors="replace").splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return set(value.split())
    return set()
