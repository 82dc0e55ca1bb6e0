"""What a benchmark found: the dataclasses behind ``benchmark.json``, schema 1.

::

    Benchmark ─┬─ machine     Machine       where it was measured
               ├─ timings     Timing        one a setting and shape: a call of the whole encoder
               ├─ stages      StageTiming   what such a call spends its time on
               ├─ peaks       Peak          what the processor's cores can compute
               └─ bandwidths  Bandwidth     what they can read, by level of the caches

The names in the JSON are the names of the fields, and of the properties that are figures.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from squeezebert.comparison.schema import Machine

SCHEMA = 1


@dataclass(frozen=True, kw_only=True)
class Setting:
    """How the engine ran.

    Args:
        isa: The instruction set.
        precision: ``int8``, ``bf16``, ``float32``, or a mixture as
            :func:`squeezebert.engine.describe_precision` says it.
        threads: How many a call may use.
    """

    isa: str
    precision: str
    threads: int

    @property
    def main_precision(self) -> str:
        """That of most products, under whose roof it runs."""
        return self.precision.partition(",")[0]

    def __str__(self) -> str:
        """For notes."""
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        return f"{self.precision} on {self.isa}, {threads}"


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Calls of the encoder on ``batch`` sequences of ``length`` tokens.

    Args:
        setting: How it ran.
        batch, length: The shape.
        calls: How many were timed.
        min_ms, median_ms: Of a call, by the clock on the wall.
        giga_operations: 10⁹ operations of a call; a multiply-add is two.
        intensity: Operations for each byte that a call must move at least: weights once, ids in,
            states out.
    """

    setting: Setting
    batch: int
    length: int
    calls: int
    min_ms: float
    median_ms: float
    giga_operations: float
    intensity: float

    @property
    def tokens_per_second(self) -> float:
        """By the median."""
        return 1e3 * self.batch * self.length / self.median_ms

    @property
    def texts_per_second(self) -> float:
        """By the median."""
        return 1e3 * self.batch / self.median_ms

    @property
    def giga_operations_per_second(self) -> float:
        """By the fastest call, as peaks are those of the fastest window."""
        return 1e3 * self.giga_operations / self.min_ms


@dataclass(frozen=True, kw_only=True)
class StageTiming:
    """A stage's part of a call.

    Args:
        setting: How it ran.
        batch, length: The shape.
        stage: As the engine names it.
        ms: Of the threads' time in a call, their number divided out; median.
        share: Of the call's time, all stages together being 1.
        giga_operations: 10⁹ operations of the stage's products; 0 where it has none.
        intensity: Operations for each byte of its weights, inputs and outputs; 0 where it has
            no products.
    """

    setting: Setting
    batch: int
    length: int
    stage: str
    ms: float
    share: float
    giga_operations: float
    intensity: float

    @property
    def giga_operations_per_second(self) -> float:
        """While the stage runs."""
        return 1e3 * self.giga_operations / self.ms if self.ms > 0 else 0.0


@dataclass(frozen=True, kw_only=True)
class Peak:
    """10⁹ operations a second of all threads together, with all operands in registers."""

    isa: str
    precision: str
    threads: int
    giga_operations_per_second: float


@dataclass(frozen=True, kw_only=True)
class Bandwidth:
    """10⁹ bytes a second that all threads together read from a cache, or from memory (level 0),
    each from ``bytes`` of its own.
    """

    threads: int
    level: int
    bytes: int
    gigabytes_per_second: float

    @property
    def name(self) -> str:
        """``L1``, …, ``memory``."""
        return f"L{self.level}" if self.level else "memory"


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """All that was found.

    Args:
        model: What it is called.
        shape: The model's sizes.
        machine: Where.
        versions: Of the software.
        date: ISO 8601, UTC.
        command: What was typed.
        seconds: How long it took.
        isas: The instruction sets that were measured, best first.
        timings, stages, peaks, bandwidths: See each.
        left_out: What there was no time for.
    """

    model: str
    shape: Mapping[str, Any]
    machine: Machine
    versions: Mapping[str, str]
    date: str
    command: str
    seconds: float
    isas: tuple[str, ...]
    timings: tuple[Timing, ...]
    stages: tuple[StageTiming, ...]
    peaks: tuple[Peak, ...]
    bandwidths: tuple[Bandwidth, ...]
    left_out: tuple[str, ...] = ()
    schema: int = SCHEMA

    def peak(self, setting: Setting) -> float | None:
        """10⁹ operations a second that ``setting`` could reach; None where not measured."""
        for peak in self.peaks:
            if (peak.isa, peak.precision, peak.threads) == (
                setting.isa,
                setting.main_precision,
                setting.threads,
            ):
                return peak.giga_operations_per_second
        return None

    @property
    def main_threads(self) -> int:
        """The most threads that were measured."""
        return max(timing.setting.threads for timing in self.timings)

    def to_json(self) -> str:
        """Indented JSON."""
        return json.dumps(_plain(self), indent=2, ensure_ascii=False) + "\n"


def _plain(value: Any) -> Any:
    """Dataclasses as objects with their fields and the figures that follow from them."""
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    if not dataclasses.is_dataclass(value):
        return value
    result = {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    for name in ("tokens_per_second", "texts_per_second", "giga_operations_per_second"):
        if hasattr(value, name):
            result[name] = getattr(value, name)
    return result
