"""Checkpoints as others leave them: decoders of their own, bfloat16, wrappers, shards, links."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from torch import Tensor

from squeezebert import checkpoint
from squeezebert.backends import open_backend
from squeezebert.batch import RaggedBatch
from squeezebert.cli.main import run
from squeezebert.config import EncoderConfig
from squeezebert.config_fields import ACTIVATION_NAMES, HARMLESS, HEAD, REFUSED, SHAPE
from squeezebert.errors import CheckpointError, ConfigError, InvalidInputError
from squeezebert.model import TaskModel, load_model, save_model
from squeezebert.model.encoder import ACTIVATIONS
from squeezebert.pipeline import load
from squeezebert.tokenizer import Tokenizer
from squeezebert.wordpiece import SPECIAL_TOKENS

IDS = np.array([2, 7, 4, 9, 3], dtype=np.int32)
BATCH = RaggedBatch.of([IDS])
SIZES: dict[str, Any] = {
    "vocab_size": 40,
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 12,
}


def theirs(kind: str, directory: Path, **fields: Any) -> Any:
    """A model of ``transformers`` with random weights, saved."""
    torch.manual_seed(0)
    config: Any = transformers.BertConfig(**SIZES, **fields)
    model: Any = getattr(transformers, kind)(config).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    model.save_pretrained(directory)
    return model


def logits(model: Any) -> np.ndarray[Any, Any]:
    with torch.inference_mode():
        return model(torch.from_numpy(IDS).long()[None]).logits[0].numpy()


def ours(directory: Path, backend: str = "torch") -> np.ndarray[Any, Any]:
    return open_backend(backend, directory).logits(BATCH)


def change(directory: Path, **fields: Any) -> None:
    path = directory / checkpoint.CONFIG
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def tensors(directory: Path) -> dict[str, Tensor]:
    return load_file(directory / checkpoint.WEIGHTS)


@pytest.mark.parametrize("tie", [False, True, None])
def test_a_decoder_of_its_own_is_used(
    tie: bool | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    expected = logits(theirs("BertForMaskedLM", tmp_path / "a", tie_word_embeddings=False))
    # Whatever the config says: transformers 5 goes by the weights, and so do we, with a word.
    change(tmp_path / "a", tie_word_embeddings=tie)
    np.testing.assert_allclose(ours(tmp_path / "a"), expected, atol=1e-4)
    assert ("the decoder is used" in caplog.text) is (tie is not False)
    np.testing.assert_allclose(ours(tmp_path / "a", "transformers"), expected, atol=1e-4)
    model = load_model(tmp_path / "a")
    assert isinstance(model, TaskModel)
    save_model(model, tmp_path / "b")
    np.testing.assert_allclose(ours(tmp_path / "b"), expected, atol=1e-4)
    back: Any = transformers.BertForMaskedLM.from_pretrained(tmp_path / "b")
    np.testing.assert_allclose(logits(back.eval()), expected, atol=1e-4)
    for verb in ("convert", "quantize"):
        flags = ["--no-data"] if verb == "quantize" else ["--storage", "float32"]
        assert run([verb, str(tmp_path / "a"), *flags, "-o", str(tmp_path / verb)]) == 0
        bound = 0.2 if verb == "quantize" else 1e-4
        np.testing.assert_allclose(ours(tmp_path / verb), expected, atol=bound)


def test_a_decoder_that_is_not_there_is_missed(tmp_path: Path) -> None:
    theirs("BertForMaskedLM", tmp_path)
    change(tmp_path, tie_word_embeddings=False)
    with pytest.raises(CheckpointError, match=r"lacks the tensor cls\.predictions\.decoder"):
        load_model(tmp_path)


def test_a_decoder_of_its_own_is_packed(tmp_path: Path) -> None:
    theirs("BertForMaskedLM", tmp_path / "a", tie_word_embeddings=False)
    save_model(load_model(tmp_path / "a"), tmp_path / "b", storage="panels")
    stored = load_file(tmp_path / "b" / checkpoint.WEIGHTS)
    assert stored["cls.predictions.decoder.weight"].ndim == 5
    assert stored["bert.embeddings.word_embeddings.weight"].ndim == 2


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_numbers_of_other_widths(dtype: torch.dtype, tmp_path: Path) -> None:
    model = theirs("BertForSequenceClassification", tmp_path)
    model.to(dtype)
    save_file(model.state_dict(), tmp_path / checkpoint.WEIGHTS, metadata={"format": "pt"})
    expected = logits(model.float())
    np.testing.assert_allclose(ours(tmp_path)[0], expected, atol=1e-4)
    read = checkpoint.read_tensors(tmp_path)
    assert {value.dtype for value in read.values()} == {np.dtype(np.float32)}
    name = "bert.pooler.dense.weight"
    assert (read[name] == model.state_dict()[name].numpy()).all()


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "model.", "model.module."])
@pytest.mark.parametrize("file", ["model.safetensors", "pytorch_model.bin"])
def test_what_wrappers_put_before_names_is_taken_off(
    prefix: str, file: str, tmp_path: Path
) -> None:
    expected = logits(theirs("BertForSequenceClassification", tmp_path))
    wrapped = {prefix + name: value for name, value in tensors(tmp_path).items()}
    (tmp_path / checkpoint.WEIGHTS).unlink()
    if file.endswith(".bin"):
        torch.save(wrapped, tmp_path / file)
    else:
        save_file(wrapped, tmp_path / file)
    np.testing.assert_allclose(ours(tmp_path)[0], expected, atol=1e-4)


def shard(directory: Path, kind: str) -> None:
    """Cuts the weights of ``directory`` into two files and an index."""
    content = tensors(directory)
    (directory / checkpoint.WEIGHTS).unlink()
    names = sorted(content)
    stem, ending = {"bin": ("pytorch_model", "bin"), "safetensors": ("model", "safetensors")}[kind]
    weight_map: dict[str, str] = {}
    for index, part in enumerate((names[:7], names[7:]), start=1):
        file = f"{stem}-0000{index}-of-00002.{ending}"
        piece = {name: content[name] for name in part}
        if kind == "bin":
            torch.save(piece, directory / file)
        else:
            save_file(piece, directory / file)
        weight_map |= dict.fromkeys(part, file)
    index_file = directory / f"{stem}.{ending}.index.json"
    index_file.write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))


@pytest.mark.parametrize("kind", ["bin", "safetensors"])
def test_shards(kind: str, tmp_path: Path) -> None:
    model = tmp_path / "model"
    expected = logits(theirs("BertForSequenceClassification", model))
    size = sum(value.numel() * 4 for value in tensors(model).values())
    shard(model, kind)
    np.testing.assert_allclose(ours(model)[0], expected, atol=1e-4)
    assert checkpoint.size_on_disk(model) >= size
    assert run(["quantize", str(model), "--no-data", "-o", str(tmp_path / "int8")]) == 0
    np.testing.assert_allclose(ours(tmp_path / "int8")[0], expected, atol=0.2)
    next(model.glob("*-00002-of-00002.*")).unlink()
    with pytest.raises(CheckpointError, match=r"there is no weight file .*00002-of-00002"):
        load_model(model)


@pytest.mark.parametrize("kind", ["bin", "safetensors"])
def test_the_links_of_a_hugging_face_cache_are_followed(kind: str, tmp_path: Path) -> None:
    snapshot = tmp_path / "models--x--y" / "snapshots" / "0a1b"
    blobs = tmp_path / "models--x--y" / "blobs"
    expected = logits(theirs("BertForSequenceClassification", snapshot))
    shard(snapshot, kind)
    blobs.mkdir()
    for number, path in enumerate(sorted(snapshot.iterdir())):
        shutil.move(path, blobs / str(number))
        path.symlink_to(Path("../../blobs") / str(number))
    np.testing.assert_allclose(ours(snapshot)[0], expected, atol=1e-4)


def test_a_directory_without_weights_says_so(tmp_path: Path) -> None:
    theirs("BertForSequenceClassification", tmp_path)
    (tmp_path / checkpoint.WEIGHTS).unlink()
    with pytest.raises(CheckpointError, match="there are no weights in"):
        load_model(tmp_path)
    torch.save({}, tmp_path / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match=r"only an old pytorch_model\.bin"):
        checkpoint.read_tensors(tmp_path)


@pytest.mark.parametrize("backend", ["engine", "torch", "transformers"])
def test_one_output_is_a_number(backend: str, tmp_path: Path) -> None:
    expected = logits(theirs("BertForSequenceClassification", tmp_path, num_labels=1))
    spec = checkpoint.read_spec(tmp_path)
    assert spec is not None
    assert (spec.labels, spec.problem_type) == (("LABEL_0",), "regression")
    answer = open_backend(backend, tmp_path, precision="float32").logits(BATCH)
    np.testing.assert_allclose(answer[0], expected, atol=1e-4)


def test_every_field_of_their_configs_has_its_place() -> None:
    known = {*SHAPE, *HEAD, *REFUSED, *HARMLESS}
    for kind in (transformers.BertConfig, transformers.SqueezeBertConfig):
        config: Any = kind()
        missing = set(config.to_dict()) - known
        assert not missing, f"what becomes of these fields of {kind.__name__}? {missing}"


def test_the_fields_are_those_of_our_config_and_documented(root: Path) -> None:
    assert set(SHAPE) == set(EncoderConfig.__dataclass_fields__)
    page = (root / "docs" / "checkpoints.md").read_text(encoding="utf-8")
    for name in (*SHAPE, *HEAD, *REFUSED, *HARMLESS):
        assert f"`{name}`" in page, name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("is_decoder", True),
        ("is_decoder", 1),
        ("add_cross_attention", True),
        ("is_encoder_decoder", True),
        ("position_embedding_type", "relative_key"),
        ("pruned_heads", {"0": [1]}),
        ("quantization_config", {"quant_method": "bitsandbytes"}),
        ("hidden_act", "tanh"),
        ("hidden_act", None),
        ("layer_norm_eps", "1e-12"),
        ("tie_word_embeddings", "no"),
        ("classifier_dropout", 2),
        ("vocab_size", 2.0),
        ("num_hidden_layers", 10**9),
        ("vocab_size", 10**30),
        ("intermediate_size", True),
    ],
)
def test_fields_that_change_what_is_computed_are_refused(
    name: str, value: object, tiny_bert_config: EncoderConfig
) -> None:
    with pytest.raises(ConfigError, match=name):
        EncoderConfig.from_dict(tiny_bert_config.to_dict() | {name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("is_decoder", False),
        ("use_cache", True),
        ("chunk_size_feed_forward", 4),
        ("position_embedding_type", "absolute"),
        ("pruned_heads", {}),
        ("pad_token_id", None),
        ("torchscript", True),
        ("something_new", [1]),
    ],
)
def test_fields_that_change_nothing_are_left_alone(
    name: str, value: object, tiny_bert_config: EncoderConfig
) -> None:
    assert EncoderConfig.from_dict(tiny_bert_config.to_dict() | {name: value}) == tiny_bert_config


@pytest.mark.parametrize("name", ACTIVATION_NAMES)
def test_activations_are_theirs(name: str, tiny_bert_config: EncoderConfig) -> None:
    from transformers.activations import ACT2FN

    config = EncoderConfig.from_dict(tiny_bert_config.to_dict() | {"hidden_act": name})
    x = torch.linspace(-6, 6, 101)
    expected = ACT2FN[name](x)
    torch.testing.assert_close(ACTIVATIONS[config.hidden_act](x), expected, atol=2e-6, rtol=1e-5)


def test_the_dropout_of_a_classifier_is_its_own(tmp_path: Path) -> None:
    theirs("BertForSequenceClassification", tmp_path, classifier_dropout=0.3)
    model = load_model(tmp_path)
    assert isinstance(model, TaskModel)
    assert model.head.dropout.p == 0.3  # pyright: ignore
    save_model(model, tmp_path / "b")
    assert json.loads((tmp_path / "b" / "config.json").read_text())["classifier_dropout"] == 0.3


def test_labels_that_cannot_be_are_told_with_the_model(tmp_path: Path) -> None:
    theirs("BertForSequenceClassification", tmp_path, num_labels=3)
    Tokenizer.from_vocabulary([*SPECIAL_TOKENS, "a"], lowercase=True).save(tmp_path)
    for fields in (
        {"id2label": {"0": "a", "1": "a", "2": "b"}},
        {"id2label": {"0": "a", "1": "b", "2": "c"}, "problem_type": "regression"},
    ):
        change(tmp_path, **fields)
        with pytest.raises(ConfigError, match=f"the model {tmp_path}: "):
            load(tmp_path)
    change(tmp_path, architectures=None)
    with pytest.raises(InvalidInputError, match='"architectures": '):
        load(tmp_path)
