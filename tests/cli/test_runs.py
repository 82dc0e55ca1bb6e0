from __future__ import annotations

from pathlib import Path

import pytest

from squeezebert import training
from squeezebert.cli import runs
from squeezebert.cli.main import EXIT_ERROR, run


@pytest.mark.parametrize("verb", [["train", "masked_lm"], ["pretrain"]])
@pytest.mark.parametrize("missing", ["torch", "accelerate"])
def test_a_missing_package_names_the_command_that_installs_it(
    verb: list[str],
    missing: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(training, "find_spec", lambda name: None if name == missing else name)
    assert run([*verb, "--output", str(tmp_path / "run")]) == EXIT_ERROR
    complaint = capsys.readouterr().err
    assert repr(missing) in complaint
    assert 'pip install "squeezebert[train]"' in complaint


def test_the_recipe_of_a_run_to_be_resumed(tmp_path: Path) -> None:
    given, saved = tmp_path / "given.toml", tmp_path / "recipe.toml"
    assert runs.recipe_file(None, tmp_path, resume=True) is None
    saved.touch()
    assert runs.recipe_file(None, tmp_path, resume=True) == saved
    assert runs.recipe_file(None, tmp_path, resume=False) is None
    assert runs.recipe_file(given, tmp_path, resume=True) == given


def test_settings_win_and_keep_what_follows_the_first_equals_sign() -> None:
    given = runs.overrides(
        data=("corpus", "sources", ['a "b".txt', "c"]),
        model="mini",
        settings=["model.start=base", "name = a=b"],
    )
    assert given == {
        "corpus.sources": '["a \\"b\\".txt", "c"]',
        "model.start": "base",
        "name": "a=b",
    }
