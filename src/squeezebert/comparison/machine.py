"""What a comparison ran on."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

from squeezebert.comparison.schema import Machine

PACKAGES = ("squeezebert", "numpy", "tokenizers", "torch", "transformers")
"""Whose versions a report names, where they are installed."""


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


def installed_versions() -> dict[str, str]:
    """Versions by name, ``python`` first."""
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def _cpu_name() -> str:
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() in ("model name", "Hardware", "Model"):
                return value.strip()
    return platform.processor() or platform.machine() or "unknown"


def _memory_mb() -> float | None:
    names = getattr(os, "sysconf_names", {})
    if "SC_PHYS_PAGES" not in names or "SC_PAGE_SIZE" not in names:
        return None
    return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)
