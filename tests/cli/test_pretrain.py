from __future__ import annotations

import json
from pathlib import Path

import pytest

from squeezebert.cli.main import EXIT_ERROR, run
from squeezebert.tokenizer import Tokenizer

SHAPE = (
    "model.shape={embedding_size = 16, hidden_size = 32, num_hidden_layers = 1, "
    "num_attention_heads = 2, intermediate_size = 32}"
)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "text.txt"
    sentence = "The cat sat on the mat, and the dog ran home to the good mat in London. "
    path.write_text((sentence * 40 + "\n\n") * 12, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def tokenizer(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("vocabulary")
    text = corpus.read_text(encoding="utf-8")
    Tokenizer.train([text], vocab_size=80, lowercase=True).save(directory)
    return directory


def words(corpus: Path, tokenizer: Path, output: Path, *more: str) -> list[str]:
    given = ["pretrain", "--data", str(corpus), "--tokenizer", str(tokenizer)]
    given += ["--model", "squeezebert-mini", "--set", SHAPE, "--output", str(output)]
    for setting in (
        "loop.max_steps=4",
        "loop.batch_size=4",
        "loop.torch_threads=1",
        "loop.tensorboard=false",
        "corpus.sequence_length=32",
        "corpus.held_out_every=4",
    ):
        given += ["--set", setting]
    return [*given, *more]


def test_writes_a_model_that_predicts(
    corpus: Path, tokenizer: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "run"
    assert run(words(corpus, tokenizer, output)) == 0
    shown = capsys.readouterr()
    assert shown.out.splitlines()[-1] == str(output)
    assert "complete: 4 steps" in shown.err

    assert run(["predict", str(output), "the [MASK] sat", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["masks"][0]["candidates"]

    # The finished run stays as it is; a recipe need not be named again.
    assert run(["pretrain", "--output", str(output), "--resume"]) == 0
    assert run(words(corpus, tokenizer, output)) == EXIT_ERROR
    assert "--resume" in capsys.readouterr().err


def test_without_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["pretrain", "--output", str(tmp_path / "run")]) == EXIT_ERROR
    assert "corpus.sources" in capsys.readouterr().err


@pytest.mark.parametrize("setting", ["loop.steps=3", "loop.batch_size=many"])
def test_a_wrong_setting_is_named(
    setting: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["pretrain", "--set", setting, "--output", str(tmp_path / "run")]) == EXIT_ERROR
    assert setting.partition("=")[0].removeprefix("loop.") in capsys.readouterr().err


@pytest.mark.parametrize("setting", ["loop.max_steps", "=3"])
def test_a_setting_without_key_or_value(
    setting: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["pretrain", "--set", setting, "--output", str(tmp_path / "run")]) == EXIT_ERROR
    assert "KEY=VALUE" in capsys.readouterr().err
