"""Partitions in any order, by processes that die: the output is that of one process."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from squeezebert.errors import DataError, InvalidInputError, SqueezeBertError
from squeezebert.pipeline import Pipeline
from squeezebert.predicting.gold import Gold
from squeezebert.predicting.job import State
from squeezebert.scaleout import partitions
from squeezebert.scaleout.divided import DividedJob
from squeezebert.scaleout.partitions import MOST_TRIES, Done, Partition

MakeJob = Callable[..., Any]

WORDS = ["the", "cat", "dog", "sat", "on", "mat", "ran", "home", "good", "bad", "ada", "london"]


@dataclass
class Here:
    """A cluster in this process, out of several that answer in turn, in any order."""

    seed: int = 0
    lose: Callable[[Done], bool] = lambda done: False

    def answer(
        self,
        files: int,
        cut: Callable[[int], list[Partition]],
        make: Callable[[], Callable[[Partition], Done]],
    ) -> Iterator[Done]:
        draw = random.Random(self.seed)
        every = [part for file in range(files) for part in cut(file)]
        draw.shuffle(every)
        workers = [make() for _ in range(3)]
        for part in every:
            done = draw.choice(workers)(part)
            if draw.random() < 0.3:  # the same again, by another that knows nothing of it
                assert draw.choice(workers)(part).earlier
            if not self.lose(done):
                yield done


def rows(count: int, seed: int = 0) -> list[str]:
    """Of `id,text`: some without a text, some quoted over two lines, some that are no rows."""
    draw = random.Random(seed)
    made = [f"{n},{' '.join(draw.choices(WORDS, k=draw.randint(1, 9)))}" for n in range(count)]
    made[3::17] = [f"{number}," for number in range(len(made[3::17]))]
    made[5::19] = ['7,"good\ncat"'] * len(made[5::19])
    made[20::31] = ["broken"] * len(made[20::31])
    return made


@pytest.fixture
def given(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for number, count in enumerate((130, 0, 71)):
        lines = "\n".join(["id,text", *rows(count, number)])
        (folder / f"{number}.csv").write_text(f"{lines}\n")
    return folder


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "parquet"])
@pytest.mark.parametrize("task", ["classifier", "tagger"])
def test_as_one_process_does_it(
    ending: str, task: str, job: MakeJob, given: Path, tmp_path: Path, request: Any
) -> None:
    pipeline: Pipeline[Any] = request.getfixturevalue(task)
    one, many = tmp_path / f"one.{ending}", tmp_path / f"many.{ending}"
    alone = job(pipeline, given, one, bad_rows="report").run()
    told: list[State] = []
    divided = DividedJob(job=job(pipeline, given, many, bad_rows="report"), rows=16)
    state = divided.run(Here(), told.append)
    assert one.read_bytes() == many.read_bytes()
    bad = [(tmp_path / f"{name}.bad.jsonl").read_bytes() for name in ("one", "many")]
    assert bad[0] == bad[1]
    for count in ("rows", "written", "blank", "bad", "foreign"):
        assert getattr(state.progress, count) == getattr(alone.progress, count)
    assert state.read == pytest.approx(1.0)
    assert [s.read for s in told] == sorted(s.read for s in told)
    assert len(told) == 9 + 1 + 5
    assert not (tmp_path / f"many.{ending}.partial").exists()


def test_parquet_keeps_its_types(job: MakeJob, classifier: Pipeline[Any], tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    texts = [line.partition(",")[2] for line in rows(90)]
    table = pa.table({"when": pa.array(range(90), pa.timestamp("ns")), "text": texts})
    parquet.write_table(table, tmp_path / "in.parquet", row_group_size=25)
    one, many = tmp_path / "one.parquet", tmp_path / "many.parquet"
    job(classifier, tmp_path / "in.parquet", one).run()
    DividedJob(job=job(classifier, tmp_path / "in.parquet", many), rows=7).run(Here())
    assert parquet.read_table(many).schema.field("when").type == pa.timestamp("ns")
    assert one.read_bytes() == many.read_bytes()


class Killed(BaseException):
    """Stands for SIGKILL: nothing handles it."""


def test_a_killed_job_goes_on_with_the_rest(
    job: MakeJob, classifier: Pipeline[Any], given: Path, tmp_path: Path
) -> None:
    job(classifier, given, tmp_path / "one.csv", bad_rows="skip").run()
    output = tmp_path / "many.csv"
    divided = DividedJob(job=job(classifier, given, output, bad_rows="skip"), rows=16)

    def die(state: State) -> None:
        if state.progress.rows > state.before + 40:
            raise Killed

    deaths = 0
    for seed in range(9):
        try:
            state = divided.run(Here(seed), die)
        except Killed:
            deaths += 1
            assert not output.exists()
        else:
            break
    assert deaths > 1
    assert 0 < state.before < state.progress.rows
    assert output.read_bytes() == (tmp_path / "one.csv").read_bytes()


def test_rows_that_changed_are_answered_anew(
    job: MakeJob, classifier: Pipeline[Any], given: Path, tmp_path: Path
) -> None:
    output = tmp_path / "many.csv"
    divided = DividedJob(job=job(classifier, given, output, bad_rows="skip"), rows=16)
    with pytest.raises(DataError, match="2 of 15 partitions did not come back"):
        divided.run(Here(lose=lambda done: done.partition.index == 1))
    changed = given / "0.csv"
    changed.write_text(changed.read_text().replace("0,", "0,london ", 1))
    state = divided.run(Here())
    assert state.before == 130 + 71 - 16
    job(classifier, given, tmp_path / "one.csv", bad_rows="skip").run()
    assert output.read_bytes() == (tmp_path / "one.csv").read_bytes()


def test_a_partition_that_comes_twice_is_noticed(
    job: MakeJob, classifier: Pipeline[Any], given: Path, tmp_path: Path
) -> None:
    class Twice(Here):
        def answer(self, *given: Any) -> Iterator[Done]:
            for done in super().answer(*given):
                yield from (done, done)

    with pytest.raises(DataError, match="came twice"):
        DividedJob(job=job(classifier, given, tmp_path / "o.csv", bad_rows="skip")).run(Twice())


def test_a_bad_row_stops_the_job(
    job: MakeJob, classifier: Pipeline[Any], given: Path, tmp_path: Path
) -> None:
    output = tmp_path / "o.csv"
    with pytest.raises(DataError, match="1 column, expected 2"):
        DividedJob(job=job(classifier, given, output), rows=16).run(Here())
    assert not output.exists()


def test_a_file_that_changes_under_way_is_noticed(
    job: MakeJob, classifier: Pipeline[Any], given: Path, tmp_path: Path
) -> None:
    class Changing(Here):
        def answer(self, files: int, cut: Any, make: Any) -> Iterator[Done]:
            def late(file: int) -> list[Partition]:
                found = cut(file)
                path = given / f"{file}.csv"
                path.write_text(path.read_text().replace("cat", "dog"))
                return found

            return super().answer(files, late, make)

    with pytest.raises(DataError, match="not what it was when its rows were counted"):
        DividedJob(job=job(classifier, given, tmp_path / "o.csv", bad_rows="skip")).run(Changing())


def test_a_partition_on_which_processes_die_is_given_up(
    job: MakeJob,
    classifier: Pipeline[Any],
    given: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Dying(Here):
        def answer(self, files: int, cut: Any, make: Any) -> Iterator[Done]:
            part = cut(0)[1]
            for _ in range(MOST_TRIES):
                with pytest.raises(Killed):
                    make()(part)
            yield make()(part)

    def die(*_: object, **__: object) -> None:
        raise Killed

    divided = DividedJob(job=job(classifier, given, tmp_path / "o.csv", bad_rows="skip"), rows=16)
    with monkeypatch.context() as patched:
        patched.setattr(partitions, "open_output", die)
        with pytest.raises(SqueezeBertError, match=r"0\.csv, rows 17 to 32: .* died 4 times"):
            divided.run(Dying())
    assert divided.run(Here()).progress.rows == 201


def test_another_model_on_a_machine_is_refused(
    job: MakeJob, classifier: Pipeline[Any], given: Path, tmp_path: Path
) -> None:
    made = job(classifier, given, tmp_path / "o.csv")
    with pytest.raises(InvalidInputError, match="has another model in"):
        partitions.Answerer(made, tmp_path, here=str(tmp_path), model=("0" * 32, "engine in int8"))
    with pytest.raises(DataError, match="is not there on"):
        partitions.Answerer(made, tmp_path / "no", here="/", model=("", ""))


def test_long_texts_make_small_partitions(
    job: MakeJob,
    classifier: Pipeline[Any],
    given: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(partitions, "PARTITION_CHARACTERS", 200)
    one, many = tmp_path / "one.csv", tmp_path / "many.csv"
    told: list[State] = []
    DividedJob(job=job(classifier, given, many, bad_rows="skip")).run(Here(), told.append)
    assert len(told) > 15
    job(classifier, given, one, bad_rows="skip").run()
    assert one.read_bytes() == many.read_bytes()


def test_one_process_does_not_go_on_with_it(
    job: MakeJob, classifier: Pipeline[Any], given: Path, tmp_path: Path
) -> None:
    output = tmp_path / "o.csv"
    begun = job(classifier, given, output, bad_rows="skip")
    with pytest.raises(DataError, match="did not come back"):
        DividedJob(job=begun).run(Here(lose=lambda done: True))
    with pytest.raises(InvalidInputError, match="another number of rows in a partition"):
        begun.run()
    assert json.loads((tmp_path / "o.csv.partial" / "job.json").read_text())["format"] == "csv"


def test_agreement_adds_up(job: MakeJob, classifier: Pipeline[Any], tmp_path: Path) -> None:
    file = tmp_path / "in.csv"
    labels = ("good", "bad", "", "fine")
    lines = [f"{labels[n % 4]},{text}" for n, text in enumerate(WORDS * 9)]
    file.write_text("\n".join(["kind,text", *lines]) + "\n")
    gold = Gold(spec=classifier.task.spec, column="kind")
    made = [
        job(classifier, file, tmp_path / name, gold=gold, reading={"label": "kind"})
        for name in ("one.parquet", "many.parquet")
    ]
    alone = made[0].run().progress.agreement
    assert (alone.rows, alone.unknown, alone.first_unknown) == (81, 27, "fine")
    assert DividedJob(job=made[1], rows=16).run(Here()).progress.agreement == alone
