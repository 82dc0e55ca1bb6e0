from __future__ import annotations

import csv
import json
import random
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from squeezebert.errors import DataError, InvalidInputError
from squeezebert.pipeline import Pipeline
from squeezebert.predicting import answering
from squeezebert.predicting.job import Job, State
from squeezebert.predicting.outputs import as_cell

WORDS = ["the", "cat", "dog", "sat", "on", "mat", "ran", "home", "good", "bad", "ada", "london"]

MakeJob = Callable[..., Job]


def texts(count: int, seed: int = 0) -> list[str]:
    """Some blank, some with what tables must quote."""
    draw = random.Random(seed)
    made = [" ".join(draw.choices(WORDS, k=draw.randint(1, 9))) for _ in range(count)]
    made[3::17] = [""] * len(made[3::17])
    made[5::19] = [f'{text}, "so"' for text in made[5::19]]
    return made


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    elif path.suffix == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as parquet

        parquet.write_table(pa.Table.from_pylist(rows), path, row_group_size=100)
    elif path.suffix == ".tsv":
        lines = ["\t".join(rows[0]), *("\t".join(map(str, row.values())) for row in rows)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    else:
        with path.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    return path


def read(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    if path.suffix == ".parquet":
        import pyarrow.parquet as parquet

        return parquet.read_table(path).to_pylist()
    if path.suffix == ".tsv":
        head, *lines = path.read_text(encoding="utf-8").splitlines()
        return [dict(zip(head.split("\t"), line.split("\t"), strict=True)) for line in lines]
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


FORMATS = ("csv", "tsv", "jsonl", "parquet")


@pytest.mark.parametrize("target", FORMATS)
@pytest.mark.parametrize("source", FORMATS)
def test_every_row_has_the_answer_that_its_text_gets_in_memory(
    source: str, target: str, job: MakeJob, classifier: Pipeline[Any], tmp_path: Path
) -> None:
    given = [{"id": number, "text": text} for number, text in enumerate(texts(150))]
    file = write(tmp_path / f"in.{source}", given)
    output = tmp_path / f"out.{target}"
    state = job(classifier, file, output, scores=True).run()
    assert state.progress.rows == state.progress.written == 150
    assert state.progress.blank == sum(not row["text"] for row in given)
    typed = source in ("jsonl", "parquet")
    expected = [
        {
            "id": row["id"] if typed else str(row["id"]),
            "text": row["text"],
            "label": answer and answer.label,
            "score": answer and answer.score,
            "scores": answer and dict(answer.probabilities),
            "truncated_tokens": answer and answer.truncated_tokens,
        }
        for row in given
        for answer in [classifier(row["text"]) if row["text"] else None]
    ]
    if target in ("csv", "tsv"):
        expected = [{name: as_cell(value) for name, value in row.items()} for row in expected]
    written = read(output)
    if target == "parquet":
        for row in written:
            row["scores"] = None if row["scores"] is None else dict(row["scores"])
    assert written == expected
    assert not (tmp_path / f"out.{target}.partial").exists()


def test_entities_are_json_in_a_table_and_lists_in_the_others(
    job: MakeJob, tagger: Pipeline[Any], tmp_path: Path
) -> None:
    given = [{"text": "ada ran home to london"}, {"text": "the cat sat"}]
    file = write(tmp_path / "in.csv", given)
    found = {}
    for ending in ("csv", "jsonl", "parquet"):
        output = tmp_path / f"out.{ending}"
        job(tagger, file, output).run()
        found[ending] = [row["entities"] for row in read(output)]
    assert [json.loads(cell) for cell in found["csv"]] == found["jsonl"] == found["parquet"]
    for entity in found["jsonl"][0]:
        assert given[0]["text"][entity["start"] : entity["end"]] == entity["text"]


def test_pairs_are_two_columns(job: MakeJob, classifier: Pipeline[Any], tmp_path: Path) -> None:
    rows = [{"text": "good cat", "next": "the cat sat"}, {"text": "bad dog", "next": ""}]
    output = tmp_path / "out.jsonl"
    job(classifier, write(tmp_path / "in.csv", rows), output, reading={"pair": "next"}).run()
    expected = [classifier((row["text"], row["next"])).score for row in rows]
    assert [row["score"] for row in read(output)] == expected


def test_an_empty_line_of_a_table_is_a_row(
    job: MakeJob, classifier: Pipeline[Any], tmp_path: Path
) -> None:
    file = tmp_path / "in.csv"
    file.write_text("id,text\n1,good cat\n\n2,bad dog\n\n")
    output = tmp_path / "out.csv"
    job(classifier, file, output).run()
    assert [row["id"] for row in read(output)] == ["1", "", "2", ""]
    assert [bool(row["label"]) for row in read(output)] == [True, False, True, False]


def test_a_column_of_the_input_is_never_hidden(
    job: MakeJob, classifier: Pipeline[Any], tmp_path: Path
) -> None:
    file = write(tmp_path / "in.csv", [{"text": "good cat", "label": "mine"}])
    output = tmp_path / "out.csv"
    with pytest.raises(InvalidInputError, match="has the column 'label' already") as caught:
        job(classifier, file, output).run()
    assert caught.value.hint is not None
    assert "--prefix" in caught.value.hint
    assert not output.exists()
    job(classifier, file, output, prefix="predicted_").run()
    (row,) = read(output)
    assert row["label"] == "mine"
    assert row["predicted_label"] in {"good", "bad"}


def test_json_lines_may_bring_a_taken_name_late(
    job: MakeJob, classifier: Pipeline[Any], tmp_path: Path
) -> None:
    rows: list[dict[str, Any]] = [{"text": "good cat"}, {"text": "bad dog", "label": "mine"}]
    file = write(tmp_path / "in.jsonl", rows)
    with pytest.raises(InvalidInputError, match=r"in\.jsonl:2 has the column 'label' already"):
        job(classifier, file, tmp_path / "out.jsonl").run()


def test_fields_that_only_some_objects_have_become_columns(
    job: MakeJob, classifier: Pipeline[Any], tmp_path: Path
) -> None:
    rows = [
        {"text": "good cat", "year": 1999},
        {"text": "bad dog", "tags": ["a", "b"], "year": 2.5},
        {"text": "mat", "ok": True},
    ]
    file = write(tmp_path / "in.jsonl", rows)
    job(classifier, file, tmp_path / "out.csv").run()
    table = read(tmp_path / "out.csv")
    assert [row["tags"] for row in table] == ["", '["a", "b"]', ""]
    assert [row["year"] for row in table] == ["1999", "2.5", ""]
    job(classifier, file, tmp_path / "out.parquet").run()
    table = read(tmp_path / "out.parquet")
    assert [row["year"] for row in table] == [1999.0, 2.5, None]
    assert [row["tags"] for row in table] == [None, '["a", "b"]', None]
    assert [row["ok"] for row in table] == [None, None, True]


def test_arrow_types_of_other_columns_are_kept(
    job: MakeJob, classifier: Pipeline[Any], tmp_path: Path
) -> None:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    table = pa.table(
        {
            "when": pa.array([1, 2_000_000_001, None], pa.timestamp("ns")),
            "text": ["good cat", "bad dog", None],
            "kind": pa.array(["a", "b", "a"]).dictionary_encode(),
            "price": pa.array([1, 2, 3], pa.decimal128(9, 2)),
        }
    )
    parquet.write_table(table, tmp_path / "in.parquet")
    job(classifier, tmp_path / "in.parquet", tmp_path / "out.parquet").run()
    written = parquet.read_table(tmp_path / "out.parquet")
    assert written.select(table.column_names).cast(table.schema).equals(table)
    assert written.schema.field("when").type == pa.timestamp("ns")
    job(classifier, tmp_path / "in.parquet", tmp_path / "out.jsonl").run()
    assert read(tmp_path / "out.jsonl")[1]["when"] == "1970-01-01 00:00:02.000000001"


DIRTY = "id,text\n1,good cat\n2\n3,bad dog\n4,a,b\n5,mat\n"


def test_bad_rows_stop_or_are_left_out_or_told(
    job: MakeJob, classifier: Pipeline[Any], tmp_path: Path
) -> None:
    file = tmp_path / "in.csv"
    file.write_text(DIRTY)
    output = tmp_path / "out.csv"
    with pytest.raises(DataError, match=r"in\.csv:3: 1 column, expected 2"):
        job(classifier, file, output).run()
    assert not output.exists()
    # The same job goes on with another choice: nothing was left out so far.
    state = job(classifier, file, output, bad_rows="skip").run()
    assert (state.before, state.progress.bad) == (1, 2)
    assert [row["id"] for row in read(output)] == ["1", "3", "5"]
    assert not (tmp_path / "out.bad.jsonl").exists()
    state = job(classifier, file, output, bad_rows="report", restart=True).run()
    assert [row["id"] for row in read(output)] == ["1", "3", "5"]
    told = read(tmp_path / "out.bad.jsonl")
    assert [(row["file"], row["line"]) for row in told] == [(str(file), 3), (str(file), 5)]
    assert told[0]["reason"].startswith("1 column, expected 2")


def test_a_quote_that_never_ends_is_not_left_out_in_silence(
    job: MakeJob, classifier: Pipeline[Any], tmp_path: Path
) -> None:
    file = tmp_path / "in.csv"
    file.write_text('id,text\n1,good cat\n2,"bad dog\n3,mat\n4,home\n')
    with pytest.raises(DataError, match=r"in\.csv:3: a row that is not well quoted"):
        job(classifier, file, tmp_path / "out.csv", bad_rows="skip").run()


class Killed(BaseException):
    """Stands for SIGKILL: nothing handles it."""


def interrupted(make: Callable[[], Job], draw: random.Random, pieces: int) -> int:
    """Runs a job that dies after some pieces, and garbage behind its last one, again and again
    until it ends; how often it died.
    """
    deaths = 0

    def die(state: State) -> None:
        if draw.random() < 1.0 / pieces:
            raise Killed

    while True:
        try:
            make().run(die)
        except Killed:
            deaths += 1
            partial = make().output.with_name(f"{make().output.name}.partial")
            for name in ("journal.jsonl", "rows.csv", "rows.jsonl", "bad.jsonl"):
                if (partial / name).exists():
                    with (partial / name).open("ab") as stream:
                        stream.write(b'{"rows": 9'[: draw.randint(0, 9)])
            if (partial / "parts").exists():
                (partial / "parts" / f"{draw.randint(50, 99):09}.parquet").write_bytes(b"PAR1")
        else:
            return deaths


@pytest.mark.parametrize("target", ["csv", "jsonl", "parquet"])
def test_a_job_that_dies_goes_on_and_gives_the_same(
    target: str,
    job: MakeJob,
    classifier: Pipeline[Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(answering, "CHUNK_CHARACTERS", 400)
    lines = [f"{number},{json.dumps(text)[1:-1]}" for number, text in enumerate(texts(200))]
    lines = [line.replace(', \\"so\\"', "") for line in lines]
    lines[20::31] = ["broken"] * len(lines[20::31])
    file = tmp_path / "in.csv"
    file.write_text("id,text\n" + "\n".join(lines) + "\n")
    whole = tmp_path / f"whole.{target}"
    job(classifier, file, whole, bad_rows="report").run()
    output = tmp_path / f"out.{target}"
    deaths = interrupted(
        lambda: job(classifier, file, output, bad_rows="report"), random.Random(1), 3
    )
    assert deaths > 2
    assert read(output) == read(whole)
    assert read(tmp_path / "out.bad.jsonl") == read(tmp_path / "whole.bad.jsonl")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["in.csv", whole.name, output.name, "out.bad.jsonl", "whole.bad.jsonl"]
    )


@pytest.fixture
def begun(
    job: MakeJob, classifier: Pipeline[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Job]:
    """Makes jobs on one that died after its first piece."""
    monkeypatch.setattr(answering, "CHUNK_CHARACTERS", 400)
    given = [{"id": number, "text": text} for number, text in enumerate(texts(200))]
    write(tmp_path / "in.csv", given)

    def make(**settings: Any) -> Job:
        pipeline = settings.pop("pipeline", classifier)
        given = settings.pop("given", tmp_path / "in.csv")
        return job(pipeline, given, tmp_path / "out.csv", **settings)

    def die(state: State) -> None:
        raise Killed

    with pytest.raises(Killed):
        make().run(die)
    return make


def test_another_model_is_refused(begun: Callable[..., Job], tagger: Pipeline[Any]) -> None:
    with pytest.raises(InvalidInputError, match="was begun with another model"):
        begun(pipeline=tagger).run()


def test_another_choice_is_refused(begun: Callable[..., Job]) -> None:
    with pytest.raises(InvalidInputError, match="another choice of predictions") as caught:
        begun(choices={"--threshold": 0.5}).run()
    assert caught.value.hint is not None
    assert "--restart" in caught.value.hint
    begun(choices={"--threshold": 0.5}, restart=True).run()


def test_another_file_is_refused(begun: Callable[..., Job], tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_bytes((tmp_path / "in.csv").read_bytes())
    with pytest.raises(InvalidInputError, match="another input"):
        begun(given=other).run()


def test_rows_that_are_answered_must_stay_what_they_were(
    begun: Callable[..., Job], tmp_path: Path
) -> None:
    file = tmp_path / "in.csv"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join([lines[0], "0,changed\n", *lines[2:]]))
    with pytest.raises(DataError, match="some have changed"):
        begun().run()
    file.write_text("".join(lines[:3]))
    with pytest.raises(DataError, match="has 2 rows, but"):
        begun().run()
    # What follows them may change.
    file.write_text("".join([*lines, "200,one more\n"]))
    assert begun().run().progress.rows == 201


def test_only_one_process_at_a_time(begun: Callable[..., Job]) -> None:
    def second(state: State) -> None:
        with pytest.raises(InvalidInputError, match="another process is writing"):
            begun().run()
        raise Killed

    with pytest.raises(Killed):
        begun().run(second)


def test_an_output_that_is_there_is_replaced_on_request_only(
    job: MakeJob, classifier: Pipeline[Any], tmp_path: Path
) -> None:
    file = write(tmp_path / "in.csv", [{"text": "good cat"}])
    output = tmp_path / "out.csv"
    output.write_text("precious")
    with pytest.raises(InvalidInputError, match="is there already"):
        job(classifier, file, output).run()
    assert output.read_text() == "precious"
    job(classifier, file, output, restart=True).run()
    assert len(read(output)) == 1


def test_a_folder_is_read_in_order_and_without_the_output(
    job: MakeJob, classifier: Pipeline[Any], tmp_path: Path
) -> None:
    for name in ("b", "a"):
        write(tmp_path / f"{name}.csv", [{"text": f"{name} cat"}, {"text": "dog"}])
    output = tmp_path / "out.csv"
    for _ in range(2):
        job(classifier, tmp_path, output, restart=True).run()
        assert [row["text"] for row in read(output)] == ["a cat", "dog", "b cat", "dog"]
    job(classifier, tmp_path / "[ab].csv", tmp_path / "glob.csv").run()
    assert read(tmp_path / "glob.csv") == read(output)


def test_memory_does_not_grow_with_the_file(
    job: MakeJob, classifier: Pipeline[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "CHUNK_CHARACTERS", 50_000)

    def peak(rows: int) -> int:
        file = tmp_path / f"{rows}.csv"
        with file.open("w") as stream:
            stream.write("id,text\n")
            for number in range(rows):
                stream.write(f"{number},{'the cat ' * 100}\n")
        tracemalloc.start()
        job(classifier, file, tmp_path / f"{rows}.jsonl").run()
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    small, large = peak(300), peak(1_500)
    assert large < 1.5 * small


def test_a_kill_while_a_done_job_is_removed_leaves_nothing_in_its_place(
    job: MakeJob,
    classifier: Pipeline[Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file, output = tmp_path / "in.csv", tmp_path / "out.csv"
    file.write_text("text\ngood cat\n")

    def killed(path: Path, ignore_errors: bool = False) -> None:
        if path.exists():
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("squeezebert.predicting.partial.shutil.rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            job(classifier, file, output).run()
    whole = output.read_text()
    assert not (tmp_path / "out.csv.partial").exists()
    with pytest.raises(InvalidInputError, match="is there already"):
        job(classifier, file, output).run()
    job(classifier, file, output, restart=True).run()
    assert output.read_text() == whole
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "out.csv"]
