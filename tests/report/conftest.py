"""Reports of several shapes: a pair on three tasks, many models, one model, awkward values."""

from __future__ import annotations

import dataclasses
import json
import math
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from squeezebert.comparison.schema import (
    DatasetInfo,
    Difference,
    ExampleRow,
    Latency,
    LengthLatency,
    Machine,
    Repetition,
    Report,
    Result,
    Settings,
    Shown,
    Spread,
    Training,
)
from squeezebert.comparison.study import beside_study
from squeezebert.structured import build
from squeezebert.tasks.resampling import Interval

EXAMPLES = json.loads(Path(__file__).with_name("examples.json").read_text(encoding="utf-8"))
TOPICS = ("business", "culture", "politics", "science", "sport", "technology")
ENTITIES = ("LOC", "MISC", "ORG", "PER")
MAIN = {
    "masked_lm": "average_cosine_similarity",
    "text_classification": "accuracy",
    "token_classification": "entity_f1",
}


def make_result(
    label: str,
    task: str,
    dataset: str,
    *,
    score: float,
    cpu: float,
    baseline: str,
    baseline_cpu: float,
    family: str = "squeezebert",
    backend: str = "torch",
    texts: int = 400,
    parameters: int = 5_200_000,
    size_mb: float = 5.4,
    labels: tuple[str, ...] | None = None,
    main: str | None = None,
    memory: float | None = 410.0,
) -> Result:
    """One result whose numbers hang together."""
    chance = random.Random(f"{label}{task}{dataset}")
    main = main or MAIN[task]
    passes = tuple(
        Repetition(
            cpu_seconds=cpu * (1 + 0.03 * chance.uniform(-1, 1)),
            wall_seconds=cpu * 1.02 * (1 + 0.03 * chance.uniform(-1, 1)),
        )
        for _ in range(5)
    )
    speedup = baseline_cpu / cpu
    p50 = 900 * cpu / texts
    if labels is None:
        labels = {"text_classification": TOPICS, "token_classification": ENTITIES}.get(task, ())
    scores = {main: score}
    if task == "text_classification":
        scores |= {"accuracy": score, "macro_f1": score - 0.011, "matthews": score - 0.04}
        scores["ece"] = 0.021 + 0.1 * (1 - score)
    elif task == "token_classification":
        scores |= {"entity_f1": score, "entity_precision": score + 0.012}
        scores |= {"entity_recall": score - 0.013, "token_accuracy": 1 - (1 - score) / 5}
    else:
        scores |= {"accuracy": score - 0.31, "top5_accuracy": score - 0.12, "perplexity": 21.3}
        scores |= {"average_cosine_similarity": score, "random_pair_cosine": 0.0004}
        scores |= {"most_frequent_cosine": 0.121, "masked_tokens": 5120.0, main: score}
    return Result(
        model=label,
        label=label,
        family=family,
        task=task,
        dataset=dataset,
        backend=backend,
        scores=scores,
        main_score=main,
        cpu_seconds=cpu,
        wall_seconds=cpu * 1.02,
        texts_per_second=texts / (cpu * 1.02),
        tokens_per_second=texts * 31 / (cpu * 1.02),
        latency_ms=Latency(p50=p50, p95=1.6 * p50, p99=2.1 * p50),
        peak_memory_mb=memory,
        parameters=parameters,
        gflop=parameters * 6.2e-8,
        size_mb=size_mb,
        speedup=speedup,
        speedup_spread=Spread(median=speedup, low=0.94 * speedup, high=1.07 * speedup),
        speedup_wall=0.98 * speedup,
        is_baseline=label == baseline,
        baseline=baseline,
        texts=texts,
        tokens=texts * 31,
        mean_tokens=31.0,
        repetitions=passes,
        latency_by_length=tuple(
            LengthLatency(
                tokens=tokens,
                p50=p50 * (0.5 + tokens / 40),
                p95=1.3 * p50 * (0.5 + tokens / 40),
                p99=1.7 * p50 * (0.5 + tokens / 40),
            )
            for tokens in (8, 16, 32, 64, 128, 256)
        ),
        per_class={
            name: {
                "precision": min(1.0, score + chance.uniform(-0.07, 0.05)),
                "recall": min(1.0, score + chance.uniform(-0.07, 0.05)),
                "f1": min(1.0, score + chance.uniform(-0.06, 0.04)),
                "support": float(chance.randrange(40, 600)),
            }
            for name in labels
        },
        confusion=_confusion(labels, score, chance) if task != "masked_lm" else None,
        labels=labels if task != "masked_lm" else (),
    )


def without_score(result: Result) -> Result:
    """The same without the score by which models are ranked."""
    scores = {name: value for name, value in result.scores.items() if name != result.main_score}
    return dataclasses.replace(result, scores=scores)


def with_nans(report: Report) -> Report:
    """The same with NaN for all that the last result measured (such a report has no JSON)."""
    nan = math.nan
    *others, last = report.results
    broken = dataclasses.replace(
        last,
        scores=dict.fromkeys(last.scores, nan),
        cpu_seconds=nan,
        wall_seconds=nan,
        texts_per_second=math.inf,
        latency_ms=Latency(p50=nan, p95=nan, p99=nan),
        latency_by_length=(LengthLatency(tokens=8, p50=nan, p95=nan, p99=nan),),
        peak_memory_mb=nan,
        gflop=nan,
        size_mb=nan,
        speedup=nan,
        speedup_spread=Spread(median=nan, low=nan, high=nan),
        speedup_wall=nan,
        per_class={name: {"f1": nan} for name in last.per_class},
    )
    return dataclasses.replace(report, results=(*others, broken))


def _confusion(
    labels: tuple[str, ...], score: float, chance: random.Random
) -> tuple[tuple[int, ...], ...]:
    size = len(labels)
    rows = []
    for at in range(size):
        total = chance.randrange(50, 260)
        row = [0] * size
        row[at] = round(total * score)
        for _ in range(total - row[at]):
            row[chance.choice([other for other in range(size) if other != at or size == 1])] += 1
        rows.append(tuple(row))
    return tuple(rows)


def make_report(results: tuple[Result, ...], **changes: object) -> Report:
    """A report around some results."""
    infos = {
        (result.task, result.dataset): DatasetInfo(
            name=result.dataset,
            task=result.task,
            split="test",
            texts=result.texts,
            labels=result.labels,
            languages=("en",),
        )
        for result in results
    }
    values: dict[str, object] = {
        "date": "2026-01-31T12:00:00+00:00",
        "command": "squeezebert compare squeezebert-mini bert-mini --task all --repetitions 5",
        "versions": {"python": "3.11.8", "torch": "2.13.0", "squeezebert": "0.1.0"},
        "machine": Machine(
            cpu="Example 9000 processor", cores=8, threads=2, system="Linux 6.1", memory_mb=16384.0
        ),
        "settings": Settings(
            repetitions=5,
            block_texts=32,
            warmup_texts=16,
            batch_tokens=4096,
            latency_texts=100,
            seed=0,
            reference="bert-mini",
        ),
        "baseline": "BERT-mini",
        "datasets": tuple(infos.values()),
        "results": results,
    }
    return Report(**{**values, **changes})


def examples(fast: str, slow: str) -> tuple[ExampleRow, ...]:
    """Texts on which two models differ."""
    names = {"fast": fast, "slow": slow}
    rows = [build(ExampleRow, values, "examples") for values in EXAMPLES]
    return tuple(
        dataclasses.replace(
            row,
            predictions=tuple(
                dataclasses.replace(one, label=names[one.label]) for one in row.predictions
            ),
        )
        for row in rows
    )


def pair_results() -> tuple[Result, ...]:
    """SqueezeBERT and BERT on three tasks."""
    values = {
        ("masked_lm", "sample_dialogues"): ((0.5932, 4.12), (0.6143, 6.54)),
        ("text_classification", "sample_news"): ((0.8933, 2.71), (0.9067, 4.39)),
        ("token_classification", "sample_ner_en"): ((0.7712, 1.43), (0.7955, 2.01)),
    }
    results = []
    for (task, dataset), (fast, slow) in values.items():
        common = {"baseline": "BERT-mini", "baseline_cpu": slow[1]}
        results.append(
            make_result("SqueezeBERT-mini", task, dataset, score=fast[0], cpu=fast[1], **common)
        )
        results.append(
            make_result(
                "BERT-mini",
                task,
                dataset,
                score=slow[0],
                cpu=slow[1],
                family="bert",
                parameters=8_100_000,
                size_mb=8.3,
                **common,
            )
        )
    return tuple(results)


@pytest.fixture
def pair() -> Report:
    """The demo's shape: a pair of models on three tasks, with examples and the study."""
    results = pair_results()
    return make_report(
        results,
        examples=examples("SqueezeBERT-mini", "BERT-mini"),
        study=beside_study(results),
        notes=(
            "sample_news is small: a difference of one text is 0.7 points.",
            "The machine was shared; only ratios within this run mean anything.",
        ),
    )


@pytest.fixture
def many() -> Report:
    """Six models on four data sets, two of one task; close points."""
    models = (
        ("BERT-mini", "bert", 0.0, 4.4, "torch"),
        ("SqueezeBERT-mini", "squeezebert", -0.012, 2.9, "torch"),
        ("SqueezeBERT-mini, transformers", "squeezebert", -0.0125, 3.1, "transformers"),
        ("BERT-mini, transformers", "bert", 0.0005, 4.5, "transformers"),
        ("SqueezeBERT-small", "squeezebert", 0.009, 5.6, "torch"),
        ("squeezebert-uncased-distilled-longer", "squeezebert", 0.021, 11.9, "torch"),
    )
    places = (
        ("masked_lm", "dailydialog_dedup", 0.71, 2.1),
        ("text_classification", "ag_news", 0.905, 8.0),
        ("text_classification", "bbc_news", 0.967, 1.0),
        ("token_classification", "conll2003_en", 0.842, 1.9),
    )
    return make_report(
        tuple(
            make_result(
                name,
                task,
                dataset,
                score=score + shift,
                cpu=cpu * size,
                baseline="BERT-mini",
                baseline_cpu=4.4 * size,
                family=family,
                backend=backend,
                texts=int(1000 * size),
            )
            for task, dataset, score, size in places
            for name, family, shift, cpu, backend in models
        )
    )


@pytest.fixture
def single() -> Report:
    """One model on one data set: nothing to compare."""
    return make_report(
        (
            make_result(
                "BERT-mini",
                "text_classification",
                "sample_news",
                score=0.9067,
                cpu=4.39,
                baseline="BERT-mini",
                baseline_cpu=4.39,
                family="bert",
            ),
        )
    )


@pytest.fixture
def versus() -> Callable[..., Report]:
    """``versus((score, baseline's score, cpu, baseline's cpu), …)``: two models called "new" and
    "old", one data set a tuple. ``task`` and ``main`` hold for all of them.
    """

    def build(
        *rows: tuple[float, float, float, float],
        task: str = "text_classification",
        main: str | None = None,
    ) -> Report:
        results = []
        for at, (score, base_score, cpu, base_cpu) in enumerate(rows):
            common = {"task": task, "dataset": f"set{at}", "baseline": "old", "main": main}
            common["baseline_cpu"] = base_cpu
            results.append(make_result("new", score=score, cpu=cpu, **common))
            results.append(
                make_result("old", score=base_score, cpu=base_cpu, family="bert", **common)
            )
        return make_report(tuple(results))

    return build


@pytest.fixture
def tested(versus: Callable[..., Report]) -> Report:
    """Two models and a classical one, with intervals and tests: the models are within noise."""
    report = versus((0.900, 0.906, 1.0, 1.4))
    new, old = report.results
    bar = make_result(
        "TF-IDF (classical)", new.task, new.dataset,
        score=0.936, cpu=0.2, baseline="old", baseline_cpu=1.4, family="classical",
    )  # fmt: skip
    bar = dataclasses.replace(
        bar,
        backend="scikit-learn",
        gflop=None,
        size_mb=None,
        tokens_per_second=None,
        training=Training(texts=700, cpu_seconds=1.5, wall_seconds=1.6),
    )
    around = {"accuracy": Interval(low=0.85, high=0.95)}
    results = tuple(dataclasses.replace(one, intervals=around) for one in (new, old, bar))
    common = {"task": new.task, "dataset": new.dataset, "measure": "accuracy"}
    common |= {"low": -0.01, "high": 0.01}
    return dataclasses.replace(
        report,
        results=results,
        differences=(
            Difference(first="old", second="new", difference=0.006, p_value=0.4, **common),
            Difference(first="old", second=bar.label, difference=-0.03, p_value=0.01, **common),
            Difference(first="new", second=bar.label, difference=-0.036, p_value=0.06, **common),
        ),
    )


@pytest.fixture
def missing(pair: Report) -> Report:
    """The pair with NaN for all that the last result measured."""
    return with_nans(pair)


EVIL = "<script>alert('x')</script>"


@pytest.fixture
def awkward() -> Report:
    """Markup in every text, very long names, missing and extreme values, a perplexity."""
    long = "a-model-with-a-very-long-name-that-nobody-would-choose-but-somebody-will-v2-final"
    labels = (EVIL, "R&D | ops", *(f"class_{at:02}" for at in range(14)))
    common = {
        "task": "text_classification",
        "dataset": f"data {EVIL}",
        "baseline": long,
        "baseline_cpu": 0.004,
        "labels": labels,
    }
    lm = {"task": "masked_lm", "dataset": "corpus", "baseline": long, "main": "perplexity"}
    results = (
        make_result(long, score=1.0, cpu=0.004, family="bert", **common),
        without_score(make_result(EVIL, score=0.5, cpu=0.9, memory=None, **common)),
        make_result("[bold]x[/bold] *y* `z`", score=0.0, cpu=123456.789, **common),
        make_result(long, score=12.5, cpu=10.0, baseline_cpu=10.0, family="bert", **lm),
        make_result(EVIL, score=14.25, cpu=12.5, baseline_cpu=10.0, **lm),
    )
    row = ExampleRow(
        dataset=f"data {EVIL}",
        task="text_classification",
        text=f"{EVIL} " + "unbreakable" * 30,
        gold=EVIL,
        predictions=(
            Shown(label=long, prediction=EVIL, right=True),
            Shown(label=EVIL, prediction="R&D | ops", right=False),
        ),
    )
    return make_report(
        results,
        examples=(row,),
        notes=(EVIL,),
        command=f"squeezebert compare '{EVIL}' ```",
        study=beside_study(()),
        baseline=long,
    )
