from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from squeezebert.cli.main import EXIT_ERROR, run
from squeezebert.config import EncoderConfig
from squeezebert.model import HeadConfig, build_model, save_model
from squeezebert.spec import TaskSpec
from squeezebert.tasks import ReferenceEmbeddings
from squeezebert.tokenizer import Tokenizer
from squeezebert.wordpiece import SPECIAL_TOKENS

QUICK = ["--repetitions", "1", "--threads", "1", "--limit", "6"]


def test_writes_the_report(
    models: dict[str, Path],
    data: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["compare", "--output", str(tmp_path / "out"), *QUICK]
    for task in ("text_classification", "token_classification"):
        words += ["--data", f"{task}:{data[task]}"]
        words += ["--model", str(models[task]), "--model", str(models[f"bert_{task}"])]
    assert run(words) == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert report["schema"] == 1
    assert report["command"].startswith("squeezebert compare --output ")
    assert [result["task"] for result in report["results"]] == [
        "text_classification",
        "text_classification",
        "token_classification",
        "token_classification",
    ]
    assert {dataset["texts"] for dataset in report["datasets"]} == {6}
    for name in ("report.md", "report.html", "tradeoff.svg"):
        assert (tmp_path / "out" / name).stat().st_size > 0
    shown = capsys.readouterr()
    assert "bert-text_classification" in shown.out
    assert str(tmp_path / "out" / "report.html") in shown.err


def test_several_precisions_and_backends_stand_side_by_side(
    models: dict[str, Path], data: dict[str, Path], tmp_path: Path
) -> None:
    words = ["--data", f"text_classification:{data['text_classification']}", *QUICK]
    words += ["--model", str(models["text_classification"]), "--output", str(tmp_path / "out")]
    words += ["--precision", "int8", "--precision", "float32"]
    words += ["--backend", "engine", "--backend", "torch"]
    assert run(["compare", *words]) == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    told = [(item["backend"], item["precision"]) for item in report["results"]]
    assert told == [("engine", "int8"), ("engine", "float32"), ("torch", "float32")]
    text = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    isa = report["results"][0]["instruction_set"]
    assert f"engine on {isa}" in text
    assert "engine, int8" in text


def test_an_unknown_data_set_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["compare", "--data", "agnews", "--output", str(tmp_path)]) == EXIT_ERROR
    complaint = capsys.readouterr().err
    assert "agnews" in complaint
    assert "did you mean 'ag_news'" in complaint


def test_a_file_is_for_what_the_models_do(
    models: dict[str, Path],
    data: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = ["--output", str(tmp_path / "out")]
    file = tmp_path / "names.txt"  # by its ending also for a masked LM
    file.write_bytes(data["token_classification"].read_bytes())
    model = ["--model", str(models["token_classification"])]
    assert run(["compare", "--data", str(file), *model, *out, *QUICK]) == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert [one["task"] for one in report["datasets"]] == ["token_classification"]
    assert run(["compare", "--data", str(file), *out]) == EXIT_ERROR
    complaint = capsys.readouterr().err
    assert "could be for masked_lm or token_classification" in complaint
    assert f":{file}" in complaint


def test_a_file_has_the_labels_that_the_model_takes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = EncoderConfig(
        vocab_size=40,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=512,
    )
    head = HeadConfig(kind="text_classification", labels=("value",), problem_type="regression")
    model, data = tmp_path / "model", tmp_path / "marks.csv"
    spec = TaskSpec(task="text_classification", labels=("value",), problem_type="regression")
    save_model(build_model(config, head), model, spec=spec)
    words = [f"w{number}" for number in range(35)]
    Tokenizer.from_vocabulary([*SPECIAL_TOKENS, *words], lowercase=True).save(model)
    data.write_text("text,label\nw1 w2,0.5\nw3,1.5\nw4 w5,2.0\n")
    arguments = ["compare", "--data", str(data), "-m", str(model), "--repetitions", "1"]
    assert run([*arguments, "--output", str(tmp_path / "out")]) == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert "pearson" in str(report["results"][0]["scores"])
    words = ["--text", "label", "--label", "label", "--output", str(tmp_path / "other")]
    assert run([*arguments, *words]) == EXIT_ERROR
    assert "the column 'label' is both a text and the label" in capsys.readouterr().err


def test_no_shipped_model_fits(
    data: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    word = str(data["text_classification"])  # a .csv or .tsv holds texts with labels
    assert run(["compare", "--data", word, "--output", str(tmp_path)]) == EXIT_ERROR
    assert "no shipped model fits" in capsys.readouterr().err


def test_the_baseline_is_one_of_the_models(
    models: dict[str, Path],
    data: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    word = f"text_classification:{data['text_classification']}"
    model = str(models["text_classification"])
    words = ["--data", word, "--model", model, "--baseline", "elmo", "--output", str(tmp_path)]
    assert run(["compare", *words, *QUICK]) == EXIT_ERROR
    assert "elmo" in capsys.readouterr().err


def test_masked_models_are_compared_in_the_given_vectors(
    models: dict[str, Path],
    data: dict[str, Path],
    tmp_path: Path,
    tiny_vocabulary: tuple[str, ...],
    capsys: pytest.CaptureFixture[str],
) -> None:
    vectors = np.random.default_rng(0).normal(size=(len(tiny_vocabulary), 4))
    tokenizer = Tokenizer.from_vocabulary(tiny_vocabulary, lowercase=True)
    ReferenceEmbeddings.from_embeddings(tokenizer, vectors).save(tmp_path / "own.safetensors")
    words = ["--data", f"masked_lm:{data['masked_lm']}", "--model", str(models["masked_lm"])]
    words += ["--reference", str(tmp_path / "own.safetensors"), "--output", str(tmp_path / "out")]
    assert run(["compare", *words, *QUICK]) == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert report["settings"]["reference"] == "the word vectors of own.safetensors"
    assert -1.0 <= report["results"][0]["scores"]["average_cosine_similarity"] <= 1.0


def test_a_classical_model_takes_part(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["compare", "--data", "sample_ner_de", "--model", "squeezebert-mini-ner", "--classical"]
    assert run([*words, "--output", str(tmp_path), *QUICK]) == 0
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert [result["family"] for result in report["results"]] == ["squeezebert", "classical"]
    assert report["results"][1]["training"]["texts"] > 100
    shown = capsys.readouterr()
    assert "CRF over word shapes (classical) is no neural network" in shown.out


def test_a_single_file_has_no_train_part_of_its_own(
    models: dict[str, Path],
    data: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["--data", f"text_classification:{data['text_classification']}", "--classical"]
    words += ["--model", str(models["text_classification"]), "--output", str(tmp_path)]
    assert run(["compare", *words]) == EXIT_ERROR
    assert "only repeat what it has seen" in capsys.readouterr().err


def test_parts_stand_side_by_side(
    models: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for part, texts in (("dev", 3), ("test", 5)):
        (tmp_path / f"{part}.csv").write_text("text,label\n" + "a cat,good\n" * texts)
    words = ["compare", "--output", str(tmp_path / "out"), *QUICK]
    words += ["--model", str(models["text_classification"])]
    assert run(words) == EXIT_ERROR
    assert "with --data, --dev or --test" in capsys.readouterr().err
    assert run([*words, "--dev", str(tmp_path / "dev.csv"), "--test", str(tmp_path)]) == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert [(one["split"], one["texts"]) for one in report["datasets"]] == [("dev", 3), ("test", 5)]
