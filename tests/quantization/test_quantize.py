"""Compact models as they stand on disk, and what they record."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import safetensors
import torch
from safetensors.numpy import load_file, save_file

from squeezebert import checkpoint
from squeezebert.checkpoint.hub import resolve
from squeezebert.checkpoint.panels import LAYOUT, LAYOUT_KEY
from squeezebert.config import EncoderConfig
from squeezebert.data.catalog import Dataset, open_dataset
from squeezebert.data.examples import TextExample
from squeezebert.data.soft_labels import write_soft_labels
from squeezebert.engine import PROJECTION_KINDS, Engine
from squeezebert.engine.precision import METADATA_KEY, recorded_precision
from squeezebert.errors import CheckpointError, InvalidInputError, MissingDependencyError
from squeezebert.model import HeadConfig, build_model, save_model
from squeezebert.model.encoder import Encoder
from squeezebert.quantization import default_datasets, quantize
from squeezebert.quantization.compact import add_metadata, read_float32
from squeezebert.spec import TaskSpec
from squeezebert.tokenizer import Tokenizer

LABELS = ("bad", "good")
SPEC = TaskSpec(task="text_classification", labels=LABELS, max_length=32)
TEXTS = [("good", "the cat sat on the mat"), ("bad", "the dog ran home")] * 10


@pytest.fixture
def model(tmp_path: Path, tiny_config: EncoderConfig, tiny_vocabulary: tuple[str, ...]) -> Path:
    torch.manual_seed(0)
    built = build_model(tiny_config, HeadConfig(kind="text_classification", labels=LABELS))
    directory = tmp_path / "model"
    save_model(built, directory, spec=SPEC)
    Tokenizer.from_vocabulary(tiny_vocabulary, lowercase=True).save(directory)
    (directory / "README.md").write_text("# A card\n", encoding="utf-8")
    (directory / "metrics.jsonl").write_text("{}\n", encoding="utf-8")
    return directory


@pytest.fixture
def data(tmp_path: Path) -> Dataset:
    table = tmp_path / "reviews.csv"
    rows = "".join(f"{label},{text} {n}\n" for n, (label, text) in enumerate(TEXTS))
    table.write_text("label,text\n" + rows, encoding="utf-8")
    return open_dataset(table, task="text_classification")


def metadata(path: Path) -> dict[str, str]:
    with safetensors.safe_open(path, framework="numpy") as file:
        return file.metadata()


def test_a_compact_model_has_its_weights_in_panels_and_the_files_that_go_with_them(
    model: Path, tmp_path: Path
) -> None:
    done = quantize(model, tmp_path / "compact")
    weights = tmp_path / "compact" / checkpoint.WEIGHTS
    assert metadata(weights)[LAYOUT_KEY] == LAYOUT
    assert METADATA_KEY not in metadata(weights)
    assert done.trials == []
    assert done.chosen is None
    assert not done.lossless
    kept = {path.name for path in (tmp_path / "compact").iterdir()}
    assert {"README.md", "task.json", "tokenizer.json", "config.json"} < kept
    assert "metrics.jsonl" not in kept
    assert checkpoint.read_config(tmp_path / "compact") == checkpoint.read_config(model)
    assert checkpoint.read_spec(tmp_path / "compact") == SPEC


def test_a_measured_model_records_what_auto_takes(
    model: Path, data: Dataset, tmp_path: Path
) -> None:
    done = quantize(model, tmp_path / "compact", datasets=[data], threads=1)
    assert done.chosen is not None
    assert [trial.name for trial in done.trials][:2] == ["float32", "int8"]
    assert done.trials[0].loss == 0.0
    assert done.trials[0].same == 1.0
    recorded = recorded_precision(tmp_path / "compact")
    assert recorded == dict(done.chosen.precision)
    assert Engine.load(tmp_path / "compact").precision == recorded
    record = json.loads(metadata(tmp_path / "compact" / checkpoint.WEIGHTS)[METADATA_KEY])
    assert record["data"] == [{"name": data.name, "split": "file", "texts": len(data)}]
    assert record["score"] == "accuracy"
    assert record["lossless"] is done.lossless is True
    assert set(record["trials"]) == {trial.name for trial in done.trials}


def test_a_record_moves_no_packed_tensor_off_its_alignment(model: Path, tmp_path: Path) -> None:
    quantize(model, tmp_path / "compact")
    path = tmp_path / "compact" / checkpoint.WEIGHTS
    before = load_file(path)
    add_metadata(path, "note", "x" * 77)
    assert metadata(path)["note"] == "x" * 77
    assert metadata(path)[LAYOUT_KEY] == LAYOUT
    after = load_file(path)
    assert before.keys() == after.keys()
    assert all(np.array_equal(before[name], after[name]) for name in before)
    assert int.from_bytes(path.read_bytes()[:8], "little") % 64 == 56  # and 8 bytes before it


@pytest.mark.parametrize("source", ["squeezebert-mini-news", "squeezebert-mini-ner"])
def test_int8_weights_are_not_rounded_again(source: str, tmp_path: Path) -> None:
    done = quantize(source, tmp_path / "compact")
    assert done.compact_mb < 0.3 * done.original_mb
    before = checkpoint.read_tensors(resolve(source))
    after = checkpoint.read_tensors(tmp_path / "compact")
    assert before.keys() == after.keys()
    for name, value in before.items():
        np.testing.assert_allclose(after[name], value, rtol=3e-7, err_msg=name)


def test_an_encoder_without_a_head_is_measured_by_its_token_states(
    tmp_path: Path, tiny_bert_config: EncoderConfig, tiny_vocabulary: tuple[str, ...]
) -> None:
    torch.manual_seed(0)
    save_model(Encoder(tiny_bert_config).eval(), tmp_path / "model")
    Tokenizer.from_vocabulary(tiny_vocabulary, lowercase=True).save(tmp_path / "model")
    texts = [text for _, text in TEXTS]
    done = quantize(
        tmp_path / "model", tmp_path / "compact", texts=texts, texts_name="lines", tolerance=0.5
    )
    assert done.measure is not None
    assert done.measure.score == "token_cosine"
    assert done.trials[0].scores == {"lines": pytest.approx(1.0)}
    assert 0.99 < done.trials[1].scores["lines"] < 1.0
    assert done.lossless


def test_a_tolerance_of_nothing_ends_with_the_best_and_says_that_it_loses(
    tmp_path: Path, tiny_config: EncoderConfig, tiny_vocabulary: tuple[str, ...]
) -> None:
    torch.manual_seed(0)
    save_model(Encoder(tiny_config).eval(), tmp_path / "model")
    Tokenizer.from_vocabulary(tiny_vocabulary, lowercase=True).save(tmp_path / "model")
    done = quantize(tmp_path / "model", tmp_path / "compact", texts=["the cat"], tolerance=0.0)
    assert done.chosen is not None
    assert not done.lossless
    assert done.chosen.loss == min(trial.loss for trial in done.trials[1:])
    record = json.loads(metadata(tmp_path / "compact" / checkpoint.WEIGHTS)[METADATA_KEY])
    assert record["lossless"] is False


def test_what_a_checkpoint_of_old_spelling_holds_beside_weights_is_left_out(
    model: Path, tmp_path: Path
) -> None:
    path = model / checkpoint.WEIGHTS
    tensors = load_file(path)
    norm = next(name for name in tensors if name.endswith("embeddings.LayerNorm.weight"))
    gamma = norm.replace(".weight", ".gamma")
    tensors[gamma] = tensors.pop(norm)
    tensors["transformer.embeddings.position_ids"] = np.arange(8, dtype=np.int64)[None]
    save_file(tensors, path)
    names = set(read_float32(model))
    assert norm in names
    assert gamma not in names
    assert not any("position_ids" in name for name in names)


def test_an_old_weight_file_is_read_by_torch(model: Path, tmp_path: Path, data: Dataset) -> None:
    tensors = load_file(model / checkpoint.WEIGHTS)
    (model / checkpoint.WEIGHTS).unlink()
    state = {name: torch.from_numpy(value) for name, value in tensors.items()}
    torch.save(state, model / "pytorch_model.bin")
    done = quantize(model, tmp_path / "compact", datasets=[data])
    assert done.chosen is not None
    assert not (tmp_path / "compact" / "float32").exists()
    assert checkpoint.has_safetensors(tmp_path / "compact")


def test_torch_is_named_where_it_is_missing(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (model / checkpoint.WEIGHTS).rename(model / "pytorch_model.bin")
    monkeypatch.setitem(__import__("sys").modules, "squeezebert.model.io", None)
    with pytest.raises(MissingDependencyError, match="pytorch_model"):
        quantize(model, tmp_path / "compact")


def test_weights_that_are_no_numbers_are_refused_and_nothing_is_left(
    model: Path, tmp_path: Path
) -> None:
    tensors = load_file(model / checkpoint.WEIGHTS)
    tensors["classifier.bias"][0] = np.nan
    save_file(tensors, model / checkpoint.WEIGHTS)
    with pytest.raises(CheckpointError, match=r"classifier\.bias .*not finite"):
        quantize(model, tmp_path / "compact")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model"]


def test_a_failure_on_the_way_leaves_nothing_behind(model: Path, tmp_path: Path) -> None:
    wrong = Dataset(
        name="wrong", task="text_classification", split="dev", examples=[], labels=LABELS
    )
    wrong = dataclasses.replace(
        wrong, examples=open_dataset("sample_news", task="text_classification").examples[:2]
    )
    with pytest.raises(Exception, match="label"):
        quantize(model, tmp_path / "compact", datasets=[wrong])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model"]


def test_what_is_there_is_not_overwritten(model: Path, tmp_path: Path) -> None:
    (tmp_path / "compact").mkdir()
    quantize(model, tmp_path / "compact")  # an empty directory is as good as none
    with pytest.raises(InvalidInputError, match="is there already"):
        quantize(model, tmp_path / "compact")
    with pytest.raises(InvalidInputError, match="is there already"):
        quantize(model, model / "README.md")


def test_wrong_arguments_are_refused(model: Path, data: Dataset, tmp_path: Path) -> None:
    output = tmp_path / "compact"
    with pytest.raises(InvalidInputError, match="not both"):
        quantize(model, output, datasets=[data], texts=["a"])
    with pytest.raises(InvalidInputError, match="tolerance"):
        quantize(model, output, tolerance=-1.0)
    (model / "task.json").unlink()
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    config["architectures"] = ["SqueezeBertModel"]
    (model / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(InvalidInputError, match="no head for a task"):
        quantize(model, output, datasets=[data])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("squeezebert-mini-news", {"sample_news"}),
        ("bert-mini-mlm", {"sample_dialogues"}),
        ("squeezebert-mini-ner", {"sample_ner_en", "sample_ner_de"}),
    ],
)
def test_by_default_a_model_is_measured_on_the_dev_part_of_its_own_data(
    name: str, expected: set[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SQUEEZEBERT_DATA", str(tmp_path))  # no public sets
    directory = resolve(name)
    spec = checkpoint.read_spec(directory)
    assert spec is not None
    found = default_datasets(directory, spec)
    assert {dataset.name for dataset in found} == expected
    assert {dataset.split for dataset in found} == {"dev"}


def test_what_a_teacher_labeled_measures_nothing(model: Path, tmp_path: Path) -> None:
    soft = tmp_path / "soft.safetensors"
    example = TextExample(text="a", soft=np.full(len(SPEC.labels), 1 / len(SPEC.labels)))
    write_soft_labels(soft, [example] * 40, SPEC.labels)
    (model / "recipe.toml").write_text(f"[data]\ntrain = ['{soft}']", encoding="utf-8")
    assert default_datasets(model, SPEC) == []


@pytest.mark.parametrize("recipe", ["", "not toml [", "data = 3", "[data]\ntrain = [1]"])
def test_a_recipe_of_another_kind_names_no_data(model: Path, recipe: str) -> None:
    (model / "recipe.toml").write_text(recipe, encoding="utf-8")
    assert default_datasets(model, SPEC) == []


def test_every_kind_of_product_stands_in_a_record(
    model: Path, data: Dataset, tmp_path: Path
) -> None:
    done = quantize(model, tmp_path / "compact", datasets=[data])
    assert done.chosen is not None
    assert tuple(done.chosen.precision) == PROJECTION_KINDS
