"""What `train` starts from where nobody says, by the languages of the texts."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path

import pytest

from squeezebert.cli.main import run
from squeezebert.cli.starts import best_start

ENGLISH = "The minister said that the new law will come into force on Monday"
GERMAN = "Der Minister sagte, dass das neue Gesetz am Montag in Kraft treten wird"
FRENCH = "Le ministre a dit que la nouvelle loi entrera en vigueur ce lundi matin"


def train(texts: list[str], folder: Path, *more: str) -> list[str]:
    """The languages and the start of a run of one step."""
    file = folder / "mail.csv"
    rows = [f'"{text} {n}",{"good" if n % 2 else "bad"}\n' for n, text in enumerate(texts * 4)]
    file.write_text("text,label\n" + "".join(rows))
    words = ["train", "text_classification", "--data", str(file), "--output", str(folder / "run")]
    settings = ("max_length=16", "loop.max_steps=1", "loop.tensorboard=false", "loop.batch_size=2")
    words += [word for setting in settings for word in ("--set", setting)]
    assert run([*words, *more]) == 0
    recipe = tomllib.loads((folder / "run" / "recipe.toml").read_text())
    return [*recipe.get("languages", ()), recipe["model"]["start"]]


@pytest.mark.parametrize(
    ("texts", "languages"),
    [([ENGLISH], ["en"]), ([GERMAN], ["de"]), ([GERMAN, GERMAN, ENGLISH], ["de", "en"])],
)
def test_the_texts_tell_their_language(
    texts: list[str], languages: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start = "squeezebert-small-mlm" if languages == ["en"] else "squeezebert-bilingual-mlm"
    assert train(texts, tmp_path) == [*languages, start]
    told = capsys.readouterr().err
    said = " ".join(f"--language {code}" for code in languages)
    assert f"{said}: what the texts look to be in" in told
    assert f"--model {start}: the start that suits" in told
    assert "warning" not in told
    spec = json.loads((tmp_path / "run" / "task.json").read_text())
    assert spec["languages"] == languages


def test_a_language_that_no_start_knows_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train([FRENCH], tmp_path) == ["fr", "squeezebert-bilingual-mlm"]
    assert "squeezebert-bilingual-mlm does not know the language fr" in capsys.readouterr().err


def test_what_is_said_is_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train([ENGLISH], tmp_path, "--language", "de") == ["de", "squeezebert-bilingual-mlm"]
    assert "look to be in" not in capsys.readouterr().err


def test_a_start_that_was_chosen_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = "squeezebert-small-mlm"
    assert train([GERMAN], tmp_path, "--model", name) == ["de", name]
    assert f"{name} does not know the language de" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("texts", "installed", "why"),
    [
        (["1 2"], True, "too short to tell"),
        ([GERMAN], False, 'pip install "squeezebert[language]"'),
    ],
)
def test_english_is_assumed_where_nothing_tells(
    texts: list[str],
    installed: bool,
    why: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if not installed:
        monkeypatch.setitem(sys.modules, "py3langid.langid", None)
    assert train(texts, tmp_path) == ["squeezebert-small-mlm"]
    told = capsys.readouterr().err
    assert "--language en: assumed" in told
    assert why in told


def test_entities_start_from_a_model_that_finds_some() -> None:
    assert best_start("token_classification", ["en", "de"]) == "squeezebert-bilingual-ner"
