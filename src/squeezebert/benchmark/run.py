"""Measures a model: all settings and shapes that fit into the time."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from squeezebert import checkpoint
from squeezebert.benchmark import operations, plan
from squeezebert.benchmark.limits import measure_limits
from squeezebert.benchmark.plan import Shape
from squeezebert.benchmark.random_model import write_random_model
from squeezebert.benchmark.schema import Benchmark, StageTiming, Timing
from squeezebert.benchmark.subjects import open_subject
from squeezebert.benchmark.turns import FIRST_PASS, Item, Wish, first_pass, take_turns
from squeezebert.checkpoint.hub import resolve
from squeezebert.config import PRESETS, EncoderConfig
from squeezebert.engine import PRECISIONS, available_isas
from squeezebert.errors import InvalidInputError
from squeezebert.machine import describe_machine, installed_versions

SECONDS = 30.0
"""How long it takes by default, loading included."""

LIMITS_SHARE = 0.16
"""The part of the time that goes to the machine's own limits, half of it at either end."""

EXPECTED_SHARE = 0.2
"""Of its peak, that a setting is taken to reach until it has been measured."""


def benchmark(
    model: str,
    *,
    seconds: float = SECONDS,
    isas: Sequence[str] = (),
    precisions: Sequence[str] = (),
    threads: Sequence[int] = (),
    lengths: Sequence[int] = plan.LENGTHS,
    batches: Sequence[int] = plan.BATCHES,
    command: str = "",
    progress: Callable[[str, float], None] | None = None,
) -> Benchmark:
    """Measures the encoder of a model on this machine.

    The first instruction set, with the most threads, runs all lengths and batches in each
    precision; fewer threads and the other instruction sets run a few of them.

    Args:
        model: A model directory, the name of a shipped model or of one on the Hugging Face hub;
            or a preset such as ``squeezebert-base``, with random weights.
        seconds: About how long it may take. What there is no time for is left out, and named.
        isas: Instruction sets; all that run here, best first, where empty.
        precisions: As :meth:`squeezebert.engine.Engine.load` takes them; all three, and ``auto``
            where that is a mixture, where empty.
        threads: Thread counts; one and all usable cores where empty.
        lengths: Tokens of a text alone.
        batches: Texts at a time, of 128 tokens.
        command: What was typed, for the record.
        progress: Told what is done and which share of the time has gone.

    Raises:
        CheckpointError, ConfigError, InvalidInputError: As
            :meth:`squeezebert.engine.Engine.load`; an instruction set that does not run here.
    """
    started = time.monotonic()

    def gone() -> float:
        return time.monotonic() - started

    def say(what: str) -> None:
        if progress is not None:
            progress(what, gone() / seconds)

    with ExitStack() as stack:
        say("loading the model")
        directory = _directory(model, stack)
        config = checkpoint.read_config(directory)
        isas = tuple(isas) or tuple(available_isas())
        first = open_subject(directory, isa=isas[0], precision="auto", threads=None)
        counts = sorted(set(threads) or {1, first.engine.threads}, reverse=True)
        if not precisions:
            mixed = "," in first.setting.precision
            precisions = ("auto", *PRECISIONS) if mixed else PRECISIONS
        say("measuring what the machine can do")
        limits = measure_limits(isas, counts, 0.5 * LIMITS_SHARE * seconds)
        wishes = _wishes(config, isas, precisions, counts, lengths, batches)

        def guess(wish: Wish) -> float:
            precision = wish.precision if wish.precision in PRECISIONS else PRECISIONS[-1]
            return EXPECTED_SHARE * 1e9 * limits.peaks[wish.isa, precision, wish.threads]

        items, left_out = first_pass(
            wishes,
            started + FIRST_PASS * seconds,
            open_subject=lambda wish: open_subject(
                directory, isa=wish.isa, precision=wish.precision, threads=wish.threads
            ),
            guess=guess,
            advance=lambda: say("measuring"),
        )
        take_turns(
            items,
            started + (1 - 0.5 * LIMITS_SHARE) * seconds,
            advance=lambda: say("measuring"),
        )
        # Others may have had the cores before: the better of two counts.
        limits = limits.best_with(measure_limits(isas, counts, 0.5 * LIMITS_SHARE * seconds))
    return Benchmark(
        model=model if model in PRESETS else Path(model).name or model,
        shape=config.to_dict(),
        machine=describe_machine(max(counts)),
        versions=installed_versions(),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        command=command,
        seconds=gone(),
        isas=isas,
        timings=tuple(_timing(item) for item in items if not item.profiled),
        stages=tuple(row for item in items if item.profiled for row in _stage_timings(item)),
        peaks=limits.peak_rows(),
        bandwidths=limits.bandwidth_rows(),
        left_out=tuple(str(wish) for wish in left_out),
    )


def _directory(model: str, stack: ExitStack) -> Path:
    if model in PRESETS and not Path(model).exists():
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="squeezebert-")))
        return write_random_model(PRESETS[model], folder)
    return resolve(model)


def _wishes(
    config: EncoderConfig,
    isas: Sequence[str],
    precisions: Sequence[str],
    counts: Sequence[int],
    lengths: Sequence[int],
    batches: Sequence[int],
) -> list[Wish]:
    """All that could be measured, the most wanted first."""
    longest = config.max_position_embeddings
    shapes = plan.all_shapes(lengths, batches, longest)
    if not shapes:
        raise InvalidInputError(
            f"no shape is left to measure: the model has positions for {longest} tokens",
            hint="ask for shorter lengths",
        )
    few = plan.few_shapes(shapes)
    rest = sorted((one for one in shapes if one not in few), key=lambda one: one.tokens)
    alone = [shape for shape in rest if shape.batch == 1]
    others = [(isas[0], count) for count in counts[1:]] + [(isa, counts[0]) for isa in isas[1:]]

    def on(isa: str, count: int, shapes: Sequence[Shape], *, profiled: bool = False) -> list[Wish]:
        return [
            Wish(isa, precision, count, shape, profiled)
            for shape in shapes
            for precision in precisions
        ]

    main, usual, larger = (isas[0], counts[0]), few[:1], few[1:]
    wishes = on(*main, usual) + on(*main, usual, profiled=True) + on(*main, alone)
    for other in others:
        wishes += on(*other, usual)
    wishes += on(*main, larger) + on(*main, larger, profiled=True)
    for other in others:
        wishes += on(*other, larger)
    return wishes + on(*main, [shape for shape in rest if shape not in alone])


def _timing(item: Item) -> Timing:
    return Timing(
        setting=item.subject.setting,
        batch=item.shape.batch,
        length=item.shape.length,
        calls=len(item.ms),
        min_ms=min(item.ms),
        median_ms=statistics.median(item.ms),
        giga_operations=1e-9 * item.work.operations,
        intensity=item.work.intensity,
    )


def _stage_timings(item: Item) -> list[StageTiming]:
    engine, shape = item.subject.engine, item.shape
    work = operations.stage_work(
        engine.config, engine.precision, batch=shape.batch, length=shape.length
    )
    # Of the time that threads spent, the shares are the stages'; of the call, the time.
    spent = {
        stage: statistics.median(one[stage] for one in item.stages_s) for stage in item.stages_s[0]
    }
    total = sum(spent.values()) or 1.0
    call_ms = statistics.median(item.ms)
    nothing = operations.Work(0.0, 0.0)
    return [
        StageTiming(
            setting=item.subject.setting,
            batch=shape.batch,
            length=shape.length,
            stage=stage,
            ms=call_ms * seconds / total,
            share=seconds / total,
            giga_operations=1e-9 * work.get(stage, nothing).operations,
            intensity=work.get(stage, nothing).intensity,
        )
        for stage, seconds in spent.items()
    ]
