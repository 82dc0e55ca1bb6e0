"""What a comparison found: the dataclasses behind ``report.json``, schema 1.

::

    Report ─┬─ machine    Machine        where it was measured
            ├─ settings   Settings       how it was measured
            ├─ datasets   DatasetInfo    one an evaluated data set
            ├─ results    Result         one a model, backend and data set
            ├─ differences  Difference   pairs of models on a data set, tested
            ├─ examples   ExampleRow     texts on which the models differ
            └─ study      StudyPair      the study's table and ours, row by row

The names in the JSON are the names of the fields. ``docs/comparison.md`` explains each of them.
Fields may be added under schema 1; a field that changes its meaning makes it schema 2.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from squeezebert import files
from squeezebert.errors import DataError
from squeezebert.machine import Machine
from squeezebert.structured import build
from squeezebert.tasks.resampling import Interval, PairedDifference

SCHEMA = 1


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How it was measured, as the report tells it; what was asked for is
    :class:`squeezebert.comparison.settings.CompareSettings`.

    ``limit`` is None where data sets were used whole. ``batch_tokens`` is the most that any model
    took; each result names its own. ``reference`` names the embedding table of
    the average cosine similarity, None without a masked-LM data set; ``pseudo_texts`` is the number
    of documents behind ``pseudo_perplexity``.
    """

    repetitions: int
    block_texts: int
    warmup_texts: int
    batch_tokens: int
    latency_texts: int
    seed: int
    limit: int | None = None
    pseudo_texts: int = 0
    reference: str | None = None


@dataclass(frozen=True, kw_only=True)
class DatasetInfo:
    """A data set as it was used: ``texts`` examples of ``split`` (after ``limit``)."""

    name: str
    task: str
    split: str
    texts: int
    labels: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    license: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Latency:
    """Percentiles of the time from one raw text to its prediction, in milliseconds."""

    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, kw_only=True)
class LengthLatency(Latency):
    """The latency of inputs of exactly ``tokens`` tokens, special ones included."""

    tokens: int


@dataclass(frozen=True, kw_only=True)
class Spread:
    """The median, lowest and highest over the repetitions."""

    median: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Repetition:
    """One pass over the data set."""

    cpu_seconds: float
    wall_seconds: float


@dataclass(frozen=True, kw_only=True)
class Training:
    """What fitting a model took: texts, and seconds of the process and by the clock."""

    texts: int
    cpu_seconds: float
    wall_seconds: float


@dataclass(frozen=True, kw_only=True)
class Result:
    """One model under one backend on one data set.

    Args:
        model: The model's name, as given.
        label: What to call it in tables and plots; unique within its data set.
        family: ``squeezebert`` or ``bert`` (grouped or not), or ``classical``.
        task, dataset, backend: What was run, on what, by what.
        precision: In what it computed: ``float32``, ``int8``, …; ``""`` in older reports.
        instruction_set: What of the processor it used, by the backend's name for it.
        batch_tokens: The most tokens of a batch, padding included where the backend pads; 0 in
            older reports.
        scores: Scores by their fixed names; higher is not always better (perplexity).
        main_score: The name in ``scores`` by which models are ranked.
        cpu_seconds: Process CPU seconds over the data set, all threads, median of the repetitions.
        wall_seconds: The same by the clock on the wall.
        texts_per_second, tokens_per_second: By ``wall_seconds``; special tokens count. What a
            classical model has no tokens or layers for is None, here and below.
        latency_ms: At batch 1.
        peak_memory_mb: Largest resident size of a fresh process that loads the model and predicts
            a few texts; None where the system does not tell.
        parameters: All of them, head included.
        gflop: 2e-9 times the multiply-adds of one input of ``mean_tokens`` tokens.
        size_mb: Of the weight files on disk, 1e6 bytes.
        speedup: The baseline's CPU seconds over this one's, median of the repetitions.
        speedup_spread: Lowest and highest of the repetitions beside it.
        speedup_wall: The same by ``wall_seconds``.
        is_baseline: Whether ``speedup`` is 1 by definition.
        baseline: The label of the result it was compared with.
        texts, tokens, mean_tokens: Sizes of the data set under this model's tokenizer.
        repetitions: Each pass over the data set.
        latency_by_length: From short to long.
        per_class: ``{label: {"precision", "recall", "f1", "support"}}``.
        confusion: (labels, labels) counts, true label by row, or None.
        labels: The names of the confusion matrix's rows.
        intervals: 95 % bootstrap intervals over the texts, by the names of scores that are sums
            over texts.
        training: What fitting it took, where the comparison itself did that; else None.
    """

    model: str
    label: str
    family: str
    task: str
    dataset: str
    backend: str
    scores: Mapping[str, float]
    main_score: str
    cpu_seconds: float
    wall_seconds: float
    texts_per_second: float
    tokens_per_second: float | None
    latency_ms: Latency
    peak_memory_mb: float | None
    parameters: int
    gflop: float | None
    size_mb: float | None
    speedup: float
    speedup_spread: Spread
    speedup_wall: float
    is_baseline: bool
    baseline: str
    texts: int
    tokens: int
    mean_tokens: float
    repetitions: tuple[Repetition, ...]
    latency_by_length: tuple[LengthLatency, ...] = ()
    per_class: Mapping[str, Mapping[str, float]] = field(
        default_factory=dict[str, dict[str, float]]
    )
    confusion: tuple[tuple[int, ...], ...] | None = None
    labels: tuple[str, ...] = ()
    precision: str = ""
    instruction_set: str = ""
    batch_tokens: int = 0
    training: Training | None = None
    intervals: Mapping[str, Interval] = field(default_factory=dict[str, Interval])

    @property
    def is_classical(self) -> bool:
        """Whether it is a classical model, which was fitted here and has no layers."""
        return self.family == "classical"


@dataclass(frozen=True, kw_only=True)
class Difference(PairedDifference):
    """Two models on one data set, by the score that they are ranked by.

    Args:
        task, dataset: On what.
        first, second: Their labels.
        measure: The score's name.
        difference: The first's score minus the second's.
        low, high: Its 95 % bootstrap interval, the same texts drawn for both.
        p_value: By approximate randomization; below 0.05 it is more than noise.
    """

    task: str
    dataset: str
    first: str
    second: str
    measure: str


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One model's answer, to be shown: ``right`` says whether it is the gold answer."""

    label: str
    prediction: str
    right: bool


@dataclass(frozen=True, kw_only=True)
class ExampleRow:
    """A text on which the models differ, with every model's answer in the order of the results."""

    dataset: str
    task: str
    text: str
    gold: str
    predictions: tuple[Shown, ...]


@dataclass(frozen=True, kw_only=True)
class StudyCell:
    """A score and a CPU time of one model."""

    model: str
    score: float
    cpu_seconds: float


@dataclass(frozen=True, kw_only=True)
class StudyRow:
    """SqueezeBERT and BERT on one data set by one measure.

    >>> row = StudyRow(task="text_classification", data="news", measure="accuracy",
    ...     squeezebert=StudyCell(model="SqueezeBERT", score=0.9, cpu_seconds=2.0),
    ...     bert=StudyCell(model="BERT", score=0.95, cpu_seconds=3.0))
    >>> row.speedup
    1.5
    """

    task: str
    data: str
    measure: str
    squeezebert: StudyCell
    bert: StudyCell

    @property
    def speedup(self) -> float:
        """How many times less CPU time SqueezeBERT takes."""
        return self.bert.cpu_seconds / self.squeezebert.cpu_seconds


@dataclass(frozen=True, kw_only=True)
class StudyPair:
    """A row of the study's table beside the same row measured here, where there is one."""

    study: StudyRow
    ours: StudyRow | None


@dataclass(frozen=True, kw_only=True)
class Report:
    """All of a comparison.

    Args:
        date: When it began, ISO 8601 with time zone.
        command: The command line that made it, or ``""``.
        versions: Versions by package name, ``python`` among them.
        baseline: The baseline as chosen: a model's name or ``transformers``.
        notes: Sentences a reader must know (limits, repeated texts, …).

    Raises:
        DataError: ``from_json`` or ``load`` meets another schema or a field of the wrong kind.

    >>> report = Report(date="2026-01-31T12:00:00+00:00", command="", baseline="bert",
    ...     machine=Machine(cpu="a CPU", cores=2, threads=1, system="Linux"),
    ...     settings=Settings(repetitions=3, block_texts=32, warmup_texts=8, batch_tokens=4096,
    ...         latency_texts=50, seed=0), versions={"python": "3.11.8"}, datasets=(), results=())
    >>> Report.from_json(report.to_json()) == report
    True
    """

    date: str
    command: str
    versions: Mapping[str, str]
    machine: Machine
    settings: Settings
    baseline: str
    datasets: tuple[DatasetInfo, ...]
    results: tuple[Result, ...]
    differences: tuple[Difference, ...] = ()
    examples: tuple[ExampleRow, ...] = ()
    study: tuple[StudyPair, ...] = ()
    notes: tuple[str, ...] = ()

    def to_json(self) -> str:
        """The text of ``report.json``."""
        values = {"schema": SCHEMA, **dataclasses.asdict(self)}
        return json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Report:
        """The report in ``text``. Fields that this version does not know are left out."""
        try:
            values = json.loads(text)
        except json.JSONDecodeError as error:
            raise DataError(f"the report is not JSON: {error}") from error
        schema = values.get("schema") if isinstance(values, dict) else None
        if schema != SCHEMA:
            raise DataError(
                f"the report has schema {schema!r}, expected {SCHEMA}",
                hint="read it with the version of squeezebert that wrote it",
            )
        return build(cls, values, "report")

    def save(self, path: Path) -> None:
        """Writes ``report.json``; nobody ever sees half of it."""
        files.write_text(path, self.to_json())

    @classmethod
    def load(cls, path: Path) -> Report:
        """Reads what :meth:`save` wrote."""
        return cls.from_json(path.read_text(encoding="utf-8"))
