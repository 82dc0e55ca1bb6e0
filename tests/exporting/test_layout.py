"""The files beside the graphs, as others read them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from squeezebert.checkpoint import read_spec
from squeezebert.exporting import export_onnx
from squeezebert.tasks import make_task
from squeezebert.tokenizer import Tokenizer

Write = Callable[..., Path]


@pytest.fixture(scope="module")
def exported(write_model: Write, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("layout")
    source = write_model(folder / "model", kind="tokens")
    (source / "LICENSE").write_text("terms")
    export_onnx(source, folder / "onnx")
    return folder / "onnx"


def test_the_files_are_where_optimum_and_transformers_js_look(exported: Path) -> None:
    found = {str(path.relative_to(exported)) for path in exported.rglob("*") if path.is_file()}
    assert found == {
        "LICENSE",
        "config.json",
        "export.json",
        "onnx/model.onnx",
        "onnx/model_quantized.onnx",
        "task.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "vocab.txt",
    }


def test_transformers_reads_the_config(exported: Path) -> None:
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(exported)
    assert config.model_type == "bert"
    assert config.architectures == ["BertForTokenClassification"]
    assert config.id2label == {0: "O", 1: "B-LOC", 2: "I-LOC"}
    assert not {"q_groups", "embedding_size"} & set(
        json.loads((exported / "config.json").read_text())
    )


def test_their_tokenizers_give_our_ids(exported: Path) -> None:
    import tokenizers
    from transformers import AutoTokenizer

    text, pair = "The cat sat, on a mat.", "Ada ran home!"
    ours = Tokenizer.load(exported)
    first, second = (encoded.ids.tolist() for encoded in ours.encode([text, pair]))
    single = [ours.cls_id, *first, ours.sep_id]
    both = [*single, *second, ours.sep_id]
    plain = tokenizers.Tokenizer.from_file(str(exported / "tokenizer.json"))
    theirs = AutoTokenizer.from_pretrained(exported)
    assert plain.encode(text).ids == theirs(text)["input_ids"] == single
    assert plain.encode(text, pair).ids == theirs(text, pair)["input_ids"] == both
    assert plain.encode(text, pair).type_ids == [0] * len(single) + [1] * (len(second) + 1)
    assert theirs.model_max_length == 32
    assert theirs.mask_token == "[MASK]"


def test_task_json_goes_with_the_logits_as_they_are(exported: Path) -> None:
    spec = read_spec(exported)
    assert spec is not None
    assert spec.temperature == 1.0
    assert spec.transitions[0] == pytest.approx((0.5 / 0.6, 0.0, None))
    assert make_task(spec, Tokenizer.load(exported)).spec == spec
