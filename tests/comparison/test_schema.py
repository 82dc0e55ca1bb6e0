from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from squeezebert.comparison.schema import (
    DatasetInfo,
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
    StudyPair,
)
from squeezebert.comparison.study import STUDY
from squeezebert.errors import CheckpointError, DataError

RESULT = Result(
    model="bert-mini",
    label="bert-mini",
    family="bert",
    task="text_classification",
    dataset="news",
    backend="torch",
    scores={"accuracy": 0.5},
    main_score="accuracy",
    cpu_seconds=2.0,
    wall_seconds=1.0,
    texts_per_second=10.0,
    tokens_per_second=100.0,
    latency_ms=Latency(p50=1.0, p95=2.0, p99=3.0),
    peak_memory_mb=None,
    parameters=7,
    gflop=0.1,
    size_mb=1.5,
    speedup=1.0,
    speedup_spread=Spread(median=1.0, low=1.0, high=1.0),
    speedup_wall=1.0,
    is_baseline=True,
    baseline="bert-mini",
    texts=10,
    tokens=100,
    mean_tokens=10.0,
    repetitions=(Repetition(cpu_seconds=2.0, wall_seconds=1.0),),
    latency_by_length=(LengthLatency(tokens=8, p50=1.0, p95=2.0, p99=3.0),),
    per_class={"é": {"f1": 0.5, "support": 10.0}},
    confusion=((1, 2), (3, 4)),
    labels=("é", "b"),
)

REPORT = Report(
    date="2026-01-31T12:00:00+00:00",
    command="squeezebert compare",
    versions={"python": "3.11.8"},
    machine=Machine(cpu="a CPU", cores=2, threads=1, system="Linux", memory_mb=1e3),
    settings=Settings(
        repetitions=1,
        block_texts=32,
        warmup_texts=8,
        batch_tokens=2048,
        latency_texts=50,
        seed=0,
    ),
    baseline="bert-mini",
    datasets=(DatasetInfo(name="news", task="text_classification", split="test", texts=10),),
    results=(RESULT,),
    examples=(
        ExampleRow(
            dataset="news",
            task="text_classification",
            text="“A text”",
            gold="é",
            predictions=(Shown(label="bert-mini", prediction="b", right=False),),
        ),
    ),
    study=(StudyPair(study=STUDY[0], ours=None), StudyPair(study=STUDY[1], ours=STUDY[1])),
    notes=("A note.",),
)


def _changed(**changes: Any) -> str:
    return json.dumps(json.loads(REPORT.to_json()) | changes)


def _changed_result(**changes: Any) -> str:
    values = json.loads(REPORT.to_json())
    values["results"][0] |= changes
    return json.dumps(values)


def test_a_report_comes_back_whole() -> None:
    assert Report.from_json(REPORT.to_json()) == REPORT


def test_the_fields_of_schema_1() -> None:
    values = json.loads(REPORT.to_json())
    assert values["schema"] == 1
    assert {"machine", "results"} <= values.keys()
    assert {
        "model", "task", "dataset", "backend", "scores", "cpu_seconds", "wall_seconds",
        "texts_per_second", "latency_ms", "peak_memory_mb", "parameters", "gflop", "size_mb",
        "speedup",
    } <= values["results"][0].keys()  # fmt: skip
    assert values["results"][0]["latency_ms"] == {"p50": 1.0, "p95": 2.0, "p99": 3.0}


def test_a_file_is_written_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "new" / "report.json"
    REPORT.save(path)
    assert Report.load(path) == REPORT
    before = path.read_bytes()

    def full(self: Path, target: Path) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(CheckpointError, match="disk full"):
        REPORT.save(path)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["report.json"]


def test_fields_of_later_versions_are_left_out() -> None:
    assert Report.from_json(_changed(color="green")) == REPORT
    assert Report.from_json(_changed_result(joules=3)) == REPORT


def test_whole_numbers_do_for_floats() -> None:
    read = Report.from_json(_changed_result(cpu_seconds=2)).results[0].cpu_seconds
    assert isinstance(read, float)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[]", "schema None, expected 1"),
        (_changed(schema=2), "schema 2, expected 1"),
        (_changed(machine=None), r"report\.machine is None, expected an object"),
        (_changed(machine={"cpu": "x"}), r"report\.machine has no field 'cores'"),
        (_changed(results={}), r"report\.results is \{\}"),
        (_changed(notes=[1]), r"report\.notes\[0\] is 1, expected a string"),
        (
            _changed_result(parameters=True),
            "parameters is True, expected a whole number",
        ),
        (_changed_result(is_baseline=1), r"results\[0\]\.is_baseline is 1, expected true or false"),
        (_changed_result(scores={"accuracy": "high"}), r"scores\.accuracy is 'high'"),
        (_changed_result(peak_memory_mb="much"), "peak_memory_mb is 'much', expected a number"),
        (
            _changed_result(confusion=[[1, 2.5]]),
            r"confusion\[0\]\[1\] is 2\.5, expected",
        ),
    ],
)
def test_what_is_no_report_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Report.from_json(text)
