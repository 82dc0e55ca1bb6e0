"""Where the sets of a study come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.loopback_hub.server import Hub
from squeezebert.errors import CheckpointError, InvalidInputError
from squeezebert.spec import TASK_NAMES
from squeezebert.study.hub import HubUnreachable
from squeezebert.study.sets import USUAL, choose_sets
from squeezebert.study.sources import SOURCES, Sources


def chosen(tmp_path: Path, *told: str, tasks: tuple[str, ...] = TASK_NAMES) -> dict[str, str]:
    sets, _ = choose_sets(tasks, told, Sources(tmp_path / SOURCES), tmp_path / "data")
    return {one.title: one.origin for one in sets}


@pytest.mark.usefixtures("no_data")
def test_sets_come_from_the_hub_and_what_may_not_be_passed_on_is_left_out(
    hub: Hub, tmp_path: Path
) -> None:
    sets, left_out = choose_sets(TASK_NAMES, (), Sources(tmp_path / SOURCES), tmp_path / "data")
    assert {one.title: [split for split, _ in one.parts] for one in sets} == {
        "DailyDialog": ["train", "dev", "test"],
        "News by category": ["train"],
        "CoNLL-2003, English": ["train", "dev", "test"],
    }
    assert [one.is_here for one in sets] == [False] * 3
    # Its own branch holds a script only, which nobody runs.
    assert sets[2].repository is not None
    assert sets[2].repository.revision == "refs/convert/parquet"
    assert len(left_out) == 1
    assert "CoNLL-2003, German: it may not be passed on" in left_out[0]


def test_the_data_directory_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for usual in USUAL:
        for name in usual.known[:1]:
            folder = tmp_path / name.removesuffix("_dedup")
            folder.mkdir()
            for file in (
                *("eng.train", "eng.testb", "deu.train", "deu.testb"),
                *("dialogues_train.txt", "dialogues_test.txt", "bbc.jsonl"),
            ):
                (folder / file).touch()
    monkeypatch.setenv("SQUEEZEBERT_DATA", str(tmp_path))
    # No hub is served: nothing asks one.
    assert chosen(tmp_path) == {
        "DailyDialog": "dailydialog_dedup here",
        "News by category": "bbc_news here",
        "CoNLL-2003, English": "conll2003_en here",
        "CoNLL-2003, German": "conll2003_de here",
    }


def test_what_is_told_takes_the_place_of_its_task(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "names").mkdir()
    assert chosen(
        tmp_path,
        "sample_news",
        f"token_classification:{tmp_path / 'names'}",
        "token_classification:sample_ner_de",
        "masked_lm:hf://datasets/pixelsandpointers/better_daily_dialog@main",
    ) == {
        "better_daily_dialog": "pixelsandpointers/better_daily_dialog on the hub",
        "sample_news": "sample_news, which comes with squeezebert",
        "names": "a directory of yours",
        "sample_ner_de": "sample_ner_de, which comes with squeezebert",
    }


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("sample_nws", "no data set is called 'sample_nws'"),
        ("translation:sample_news", "no data set is called 'translation:sample_news'"),
        ("text_classification:/nowhere", "/nowhere is no directory"),
        ("text_classification:sample_ner_en", "is no directory and no known set"),
        ("sample_ner_en", "is for token_classification, which --tasks leaves out"),
    ],
)
def test_words_that_name_no_set(tmp_path: Path, word: str, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        chosen(tmp_path, word, tasks=("text_classification",))


def test_a_set_given_twice(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="the set sample_news is given twice"):
        chosen(tmp_path, "sample_news", "sample_news", tasks=("text_classification",))


@pytest.mark.usefixtures("no_data")
def test_a_repository_without_rows(hub: Hub, tmp_path: Path) -> None:
    hub.put("datasets/someone/pictures", {"README.md": b"", "a.png": b""})
    hub.put("datasets/someone/pictures", {"README.md": b""}, "refs/convert/parquet")
    with pytest.raises(CheckpointError, match="holds no table of rows to train on"):
        chosen(tmp_path, "masked_lm:hf://datasets/someone/pictures", tasks=("masked_lm",))


@pytest.mark.usefixtures("no_data")
def test_an_account_that_was_renamed(hub: Hub, tmp_path: Path) -> None:
    for key in [key for key in hub.repositories if "pixelsandpointers" in key[0]]:
        files = hub.repositories.pop(key)
    hub.put("datasets/benjaminbeilharz/better_daily_dialog", files)
    assert chosen(tmp_path, tasks=("masked_lm",)) == {
        "DailyDialog": "benjaminbeilharz/better_daily_dialog on the hub"
    }


@pytest.mark.usefixtures("no_data")
def test_without_network(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(HubUnreachable):
        chosen(tmp_path)
