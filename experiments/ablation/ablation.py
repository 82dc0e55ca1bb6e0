"""Groups, depth, embeddings and distillation on equal terms: equal tokens, and equal time.

    python -m experiments.ablation.ablation                       # goes on where it was stopped
    python -m experiments.ablation.ablation --minutes 60          # and stops by itself
    python -m experiments.ablation.ablation --write docs/ablations.md

``ablation.toml`` names the arms. Each is pretrained on as many tokens as all the others, and once
more for the CPU time that the reference takes, then fine-tuned. Its cost is counted (operations)
and measured (CPU time in the engine, all arms in turn, random weights). Stop it at any moment, by
Ctrl-C or otherwise: what is done stays done, and a run that was going on goes on from its last
checkpoint to the same weights. One JSON file a run lies in OUTPUT/results.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiments.ablation.plan import BUDGETS, Plan, Run
from experiments.ablation.table import read_results, render
from experiments.page import ROOT, replace_part
from squeezebert import files
from squeezebert.benchmark.cpu_time import least_cpu_ms, text_call
from squeezebert.benchmark.random_model import write_random_model
from squeezebert.complexity import count
from squeezebert.engine import Engine
from squeezebert.errors import ConfigError, SqueezeBertError
from squeezebert.machine import describe_machine
from squeezebert.scored_runs import PRECISIONS, interrupted_after, train_and_score
from squeezebert.training.loop.start import start_tokenizer
from squeezebert.training.pretraining.pretrain import open_corpus, pretrain
from squeezebert.training.pretraining.word_vectors import reference_embeddings

TOKENS = 128
"""The length of a text whose cost is told."""

PROBE_STEPS = (4, 16)
"""Training is timed by the difference of two short runs, so that what comes before and after the
steps does not count.
"""
PROBE_ROUNDS = 3
PROBE_TOKENS = 1024
"""Held-out text of these runs, whose evaluation is not timed."""

PAGE = """\
# Ablations on equal terms

Groups, depth against width, the embedding bottleneck, and training from scratch against
distillation: what each costs, and what it reaches on as many tokens and in as much time as the
others. `experiments/ablation/ablation.toml` names the arms.

<!-- ablation:begin (made by experiments/ablation/ablation.py) -->
<!-- ablation:end -->
"""
"""What ``--write`` begins a page with."""


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    add = parser.add_argument
    add("--plan", type=Path, default=Path(__file__).with_name("ablation.toml"))
    add("--output", type=Path, default=ROOT / "build" / "ablation", help="runs and results")
    add("--cache", type=Path, help="tokenized text, which runs can share [OUTPUT/corpus]")
    add("--arms", nargs="+", metavar="ARM", help="some of the plan's")
    add("--budgets", nargs="+", choices=BUDGETS, default=BUDGETS)
    add("--seeds", type=int, default=1, help="of every arm and budget")
    add("--tokens", type=int, help="instead of the plan's")
    add("--limit", type=int, help="only the first so many texts of each dev set")
    add("--minutes", type=float, help="stop after so many, to be called again")
    add(
        "--write",
        type=Path,
        metavar="FILE",
        help="a Markdown file with a marked part, or a new one",
    )
    options = parser.parse_args(argv)
    if options.seeds < 1 or (options.tokens is not None and options.tokens < 1):
        parser.error("--seeds and --tokens take 1 or more")
    if options.minutes is not None and options.minutes <= 0:
        parser.error("--minutes takes more than 0")
    options.cache = options.cache or options.output / "corpus"
    return options


def main(argv: Sequence[str] | None = None) -> int:
    """Runs what is left to be run, and tells the tables of what is done.

    Returns:
        0 where all is done, 1 where an arm failed, 3 where there is more to do.
    """
    options = arguments(argv)
    try:
        plan = Plan.load(options.plan)
        if options.tokens:
            plan = dataclasses.replace(plan, tokens=options.tokens)
        unknown = [arm for arm in options.arms or () if arm not in plan.arms]
        if unknown:
            raise ConfigError(
                f"{options.plan} has no arm {unknown[0]!r}",
                hint=f"its arms are {', '.join(plan.arms)}",
            )
        if options.write is not None:
            # Now, so that hours of work do not end in an error.
            begin_page(options.write)
        failed: dict[str, str] = {}
        stopped = False
        try:
            with interrupted_after(options.minutes):
                work(plan, options, failed)
        except KeyboardInterrupt:
            stopped = True
        text = render(plan, read_results(options.output), read_costs(options.output))
        print(text)
        if options.write is not None:
            replace_part(options.write, "ablation", text)
    except (SqueezeBertError, ValueError) as error:
        say(f"error: {error}")
        return 2
    for what, why in failed.items():
        say(f"{what} failed: {why}")
    if stopped:
        say("stopped: the same command goes on")
    return 3 if stopped else int(bool(failed))


def begin_page(page: Path) -> None:
    """Writes a new page with an empty part for the tables, or looks whether an old one has it.

    Raises:
        ConfigError: a page without the marks.
    """
    if not page.is_file():
        files.write_text(page, PAGE)
    elif "<!-- ablation:begin" not in page.read_text(encoding="utf-8"):
        raise ConfigError(
            f"{page} has no part marked 'ablation'",
            hint="put in the lines <!-- ablation:begin --> and <!-- ablation:end -->",
        )


def work(plan: Plan, options: argparse.Namespace, failed: dict[str, str]) -> None:
    """All that is left to do; an arm that fails leaves the others alone."""
    arms = [arm for arm in plan.arms if options.arms is None or arm in options.arms]
    costs = take_costs(plan, options.output, [plan.reference, *arms])
    if plan.vectors:
        make_vectors(plan, options.cache, [plan.reference, *arms])
    if "time" in options.budgets:
        take_training_times(plan, options, costs, [plan.reference, *arms], failed)
    runs = plan.runs(arms, options.budgets, options.seeds)
    for number, run in enumerate(runs, start=1):
        if run.arm in failed:
            continue
        say(f"{run.name}: run {number} of {len(runs)}")
        try:
            make(plan, run, options, costs)
        except SqueezeBertError as error:
            failed[run.arm] = str(error)


# --- costs ----------------------------------------------------------------------------------------


def read_costs(output: Path) -> dict[str, dict[str, Any]]:
    """What ``costs.json`` holds: by arm, and under ``machine`` where it was measured."""
    path = output / "costs.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def save_costs(output: Path, costs: Mapping[str, Any]) -> None:
    """Writes ``costs.json``."""
    output.mkdir(parents=True, exist_ok=True)
    files.write_text(output / "costs.json", json.dumps(costs, indent=2) + "\n")


def take_costs(plan: Plan, output: Path, arms: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Operations and CPU time of each arm. Where one is missing all are measured, in turn."""
    costs = read_costs(output)
    shapes = {arm: plan.shape(arm) for arm in dict.fromkeys([*arms, *costs.keys() & plan.arms])}
    if all(costs.get(arm, {}).get("shape") == shape.to_dict() for arm, shape in shapes.items()):
        return costs
    say(f"measuring {len(shapes)} arms in the engine")
    # Arms of one shape, such as a distilled one, cost the same.
    different = list(dict.fromkeys(shapes.values()))
    with tempfile.TemporaryDirectory() as folder:
        engines = []
        for number, shape in enumerate(different):
            directory = write_random_model(shape, Path(folder) / str(number))
            engines += [Engine.load(directory, precision=p, threads=1) for p in PRECISIONS]
        calls = [text_call(engine, TOKENS) for engine in engines]
        least = iter(least_cpu_ms(calls, rounds=200, seconds=2.0 * len(calls)))
    measured = {shape: {name: next(least) for name in PRECISIONS} for shape in different}
    for arm, shape in shapes.items():
        counted = count(shape, tokens=TOKENS)
        before = costs.get(arm, {})
        costs[arm] = {
            # Its training was timed with another shape.
            **(before if before.get("shape") == shape.to_dict() else {}),
            "shape": shape.to_dict(),
            "parameters": counted.parameters,
            "gflop": counted.gflop,
            "cpu_ms": measured[shape],
        }
    costs["machine"] = {"cpu": describe_machine(1).cpu, "isa": engines[0].isa}
    save_costs(output, costs)
    return costs


def take_training_times(
    plan: Plan,
    options: argparse.Namespace,
    costs: dict[str, dict[str, Any]],
    arms: Sequence[str],
    failed: dict[str, str],
) -> None:
    """CPU microseconds that training takes a token: short runs of all arms in turn, the least of
    each. What an arm's teachers cost counts.
    """
    missing = [arm for arm in dict.fromkeys(arms) if "training_us" not in costs[arm]]
    if not missing:
        return
    # Only ratios within one run mean anything, so the reference is measured with each newcomer.
    taking = list(dict.fromkeys([plan.reference, *missing]))
    # Kept as they come, so that a stop loses one of them at most.
    probes: dict[str, dict[str, list[float]]] = costs.setdefault("probes", {})
    tokens: dict[str, int] = costs.setdefault("step_tokens", {})
    for round_ in range(PROBE_ROUNDS):
        say(f"timing training steps, round {round_ + 1} of {PROBE_ROUNDS}")
        for arm, steps in itertools.product(taking, PROBE_STEPS):
            seconds = probes.setdefault(arm, {}).setdefault(str(steps), [])
            if arm in failed or len(seconds) > round_:
                continue
            try:
                taken, tokens[arm] = probe(plan, options.cache, arm, steps)
            except SqueezeBertError as error:
                failed[arm] = str(error)
                continue
            seconds.append(taken)
            save_costs(options.output, costs)
    if plan.reference in failed:
        raise ConfigError(f"{plan.reference}, the reference: {failed[plan.reference]}")
    found = token_times({arm: probes[arm] for arm in taking if arm not in failed}, tokens)
    scale = costs[plan.reference].setdefault("training_us", found[plan.reference])
    for arm, microseconds in found.items():
        costs[arm]["training_us"] = microseconds * scale / found[plan.reference]
    del costs["probes"], costs["step_tokens"]
    save_costs(options.output, costs)


def token_times(
    probes: Mapping[str, Mapping[str, Sequence[float]]], tokens: Mapping[str, int]
) -> dict[str, float]:
    """CPU microseconds a token by arm: what the longer runs took more than the shorter ones.

    Where a busy machine leaves no difference, whole runs are compared for all arms.
    """
    few, many = PROBE_STEPS
    most = {arm: min(taken[str(many)]) for arm, taken in probes.items()}
    more = {arm: seconds - min(probes[arm][str(few)]) for arm, seconds in most.items()}
    steps = many - few
    if min(more.values()) <= 0:
        more, steps = most, many
    return {arm: 1e6 * seconds / (tokens[arm] * steps) for arm, seconds in more.items()}


def probe(plan: Plan, cache: Path, arm: str, steps: int) -> tuple[float, int]:
    """CPU seconds of a run of so many steps, and the tokens of a step."""
    recipe = plan.pretraining(
        arm,
        tokens=0,
        seed=0,
        cache=cache,
        held_out_tokens=PROBE_TOKENS,
        max_steps=steps,
        evaluate_steps=0,
        tensorboard=False,
    )
    with tempfile.TemporaryDirectory() as folder:
        start = time.process_time()
        result = pretrain(recipe, Path(folder) / "run")
        return time.process_time() - start, result.tokens // result.steps


# --- runs -----------------------------------------------------------------------------------------


def make_vectors(plan: Plan, cache: Path, arms: Sequence[str]) -> None:
    """The word vectors that arms start from, as far as there are none yet."""
    for arm in arms:
        path = plan.vectors_file(arm, cache)
        if path.is_file():
            continue
        size = plan.shape(arm).embedding_size
        say(f"counting word vectors of {size} dimensions")
        recipe = plan.pretraining(arm, tokens=1, seed=0, cache=cache)
        tokenizer = start_tokenizer(recipe.model)
        streams = open_corpus(recipe, tokenizer, cache)
        train = (stream.train for stream in streams)
        reference_embeddings(train, tokenizer, dimensions=size).save(path)


def budget_tokens(plan: Plan, run: Run, costs: Mapping[str, Mapping[str, Any]]) -> int:
    """How many tokens a run reads."""
    if run.budget == "tokens":
        return plan.tokens
    ratio = costs[plan.reference]["training_us"] / costs[run.arm]["training_us"]
    return round(plan.tokens * ratio)


def make(
    plan: Plan, run: Run, options: argparse.Namespace, costs: Mapping[str, Mapping[str, Any]]
) -> None:
    """One run, from pretraining to its JSON file, as far as that is not done yet."""
    path = options.output / "results" / f"{run.name}.json"
    tokens = budget_tokens(plan, run, costs)
    about = {"tokens": tokens, "limit": options.limit, "finetune": [t.name for t in plan.finetune]}
    if path.is_file() and json.loads(path.read_text(encoding="utf-8"))["about"] == about:
        return
    directory = options.output / "runs" / run.name
    recipe = plan.pretraining(run.arm, tokens=tokens, seed=run.seed, cache=options.cache)
    trained = pretrain(recipe, directory / "pretrained", resume=True)
    scores: dict[str, dict[str, dict[str, float]]] = {}
    for task in plan.finetune:
        finetuning = plan.finetuning(task, directory / "pretrained", seed=run.seed)
        scored = train_and_score(
            finetuning,
            directory / task.name,
            tests=[finetuning.data.train[0].path],
            split="dev",
            limit=options.limit,
        )
        (by_precision,) = scored.scores.values()
        scores[task.name] = {
            precision: {one.main: one.values[one.main]} for precision, one in by_precision.items()
        }
    content = {
        "about": about,
        **dataclasses.asdict(run),
        "seconds": trained.seconds,
        "pretraining": dict(trained.scores),
        "scores": scores,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_text(path, json.dumps(content, indent=2) + "\n")


def say(text: str) -> None:
    """To the person who waits."""
    print(f"ablation: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
