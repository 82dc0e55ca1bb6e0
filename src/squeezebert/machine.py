"""What was measured on: the processor, its memory, the versions."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

PACKAGES = ("squeezebert", "numpy", "tokenizers", "torch", "transformers")
"""Whose versions a report names, where they are installed."""


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


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Where it was measured.

    ``threads`` is the number the models could use; ``memory_mb`` is None where unknown.
    """

    cpu: str
    cores: int
    threads: int
    system: str
    memory_mb: float | None = None


def describe_machine(threads: int) -> Machine:
    """This machine, ``threads`` of which the models may use."""
    return Machine(
        cpu=_cpu_name(),
        cores=available_cores(),
        threads=threads,
        system=f"{platform.system()} {platform.release()} {platform.machine()}".strip(),
        memory_mb=_memory_mb(),
    )


def available_cores() -> int:
    """How many cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def installed_versions(more: Sequence[str] = ()) -> dict[str, str]:
    """Versions by name, ``python`` first.

    Args:
        more: Packages beside :data:`PACKAGES`.
    """
    versions = {"python": platform.python_version()}
    for name in (*PACKAGES, *more):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def describe_sentence(threads: int) -> str:
    """This machine in one sentence, with the instructions that matter."""
    machine = describe_machine(threads)
    known = set(_processor_line("flags", "Features").split())
    flags = ", ".join(name for flag, name in FLAGS.items() if flag in known) or "unknown"
    used = f"{machine.cores} cores, {threads} threads used"
    return f"{machine.cpu}, {used} ({flags}), {platform.system()}"


def _cpu_name() -> str:
    named = _processor_line("model name", "Hardware", "Model")
    return named or platform.processor() or platform.machine() or "unknown"


def _processor_line(*names: str) -> str:
    """The first line of ``/proc/cpuinfo`` of one of these names; empty where there is none."""
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() in names:
                return value.strip()
    return ""


def _memory_mb() -> float | None:
    names = getattr(os, "sysconf_names", {})
    if "SC_PHYS_PAGES" not in names or "SC_PAGE_SIZE" not in names:
        return None
    return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)
