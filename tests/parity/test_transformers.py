"""Our models against Hugging Face's, both ways, for every head and both model types."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from squeezebert.config import BERT_BASE, SQUEEZEBERT_BASE, EncoderConfig
from squeezebert.errors import CheckpointError
from squeezebert.model import HeadConfig, build_model, load_model, save_model
from squeezebert.model.encoder import Encoder

transformers = pytest.importorskip("transformers")

TINY = EncoderConfig(
    vocab_size=80,
    embedding_size=32,
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=64,
    max_position_embeddings=24,
)
TINY_BERT = dataclasses.replace(
    TINY,
    model_type="bert",
    q_groups=1,
    k_groups=1,
    v_groups=1,
    intermediate_groups=1,
    output_groups=1,
)
CONFIGS = {"squeezebert": TINY, "bert": TINY_BERT}
LABELS = ("O", "B-PER", "I-PER")
HEADS = {
    "masked_lm": ("ForMaskedLM", HeadConfig(kind="masked_lm")),
    "text_classification": (
        "ForSequenceClassification",
        HeadConfig(kind="text_classification", labels=LABELS),
    ),
    "token_classification": (
        "ForTokenClassification",
        HeadConfig(kind="token_classification", labels=LABELS),
    ),
    "question_answering": ("ForQuestionAnswering", HeadConfig(kind="question_answering")),
    "multiple_choice": ("ForMultipleChoice", HeadConfig(kind="multiple_choice")),
}
TOLERANCE = 1e-5

both_types = pytest.mark.parametrize("model_type", CONFIGS)
every_head = pytest.mark.parametrize("kind", HEADS)


def inputs(kind: str, vocab_size: int = 80, length: int = 13) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    shape = (2, 3, length) if kind == "multiple_choice" else (2, length)
    mask = torch.ones(shape, dtype=torch.long)
    mask[-1, ..., length - 4 :] = 0
    return {
        "input_ids": torch.randint(5, vocab_size, shape, generator=generator),
        "attention_mask": mask,
        "token_type_ids": torch.randint(0, 2, shape, generator=generator),
    }


def randomise(model: torch.nn.Module, spread: float = 0.1) -> None:
    """Biases and LayerNorms too, which start at 0 and 1 and would hide a mix-up."""
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * spread)


def theirs_of(kind: str, config: EncoderConfig, spread: float = 0.1) -> Any:
    family = {"squeezebert": "SqueezeBert", "bert": "Bert"}[config.model_type]
    values = config.to_dict()
    values.pop("model_type")
    if HEADS[kind][1].labels:
        values["id2label"] = dict(enumerate(LABELS))
        values["label2id"] = {label: index for index, label in enumerate(LABELS)}
    hf_config = getattr(transformers, f"{family}Config")(**values)
    model = getattr(transformers, family + HEADS[kind][0])(hf_config)
    randomise(model, spread)
    model.tie_weights()
    return model.eval()


def assert_same_output(ours: Any, theirs: Any, batch: dict[str, torch.Tensor]) -> None:
    with torch.no_grad():
        got, expected = ours(**batch), theirs(**batch)
    names = [n for n in ("logits", "start_logits", "end_logits") if hasattr(got, n)]
    assert names
    seen = batch["attention_mask"].bool()
    for name in names:
        a, b = getattr(got, name), getattr(expected, name)
        assert a.shape == b.shape
        if a.shape[:2] == seen.shape:  # what stands at padding does not count
            a, b = a[seen], b[seen]
        torch.testing.assert_close(a, b, atol=TOLERANCE, rtol=TOLERANCE)


@both_types
@every_head
def test_what_transformers_saves_we_load(model_type: str, kind: str, tmp_path: Path) -> None:
    theirs = theirs_of(kind, CONFIGS[model_type])
    theirs.save_pretrained(tmp_path)
    ours = load_model(tmp_path)
    assert ours.head_config.kind == kind
    assert_same_output(ours, theirs, inputs(kind))


@both_types
@every_head
def test_what_we_save_transformers_loads(model_type: str, kind: str, tmp_path: Path) -> None:
    ours = build_model(CONFIGS[model_type], HEADS[kind][1])
    randomise(ours)
    ours.eval()
    save_model(ours, tmp_path)
    auto = {
        "ForMaskedLM": "AutoModelForMaskedLM",
        "ForSequenceClassification": "AutoModelForSequenceClassification",
        "ForTokenClassification": "AutoModelForTokenClassification",
        "ForQuestionAnswering": "AutoModelForQuestionAnswering",
        "ForMultipleChoice": "AutoModelForMultipleChoice",
    }[HEADS[kind][0]]
    theirs, report = getattr(transformers, auto).from_pretrained(tmp_path, output_loading_info=True)
    assert not report["unexpected_keys"]
    assert not report["mismatched_keys"]
    # Their SqueezeBERT has a pooler under every head; token-level heads have no use for it.
    assert all("pooler" in name for name in report["missing_keys"])
    assert_same_output(ours, theirs.eval(), inputs(kind))
    if HEADS[kind][1].labels:
        assert theirs.config.id2label == dict(enumerate(LABELS))


@both_types
@every_head
def test_round_trip_is_bit_exact(model_type: str, kind: str, tmp_path: Path) -> None:
    ours = build_model(CONFIGS[model_type], HEADS[kind][1])
    randomise(ours)
    save_model(ours, tmp_path)
    back = load_model(tmp_path)
    assert back.head_config == ours.head_config
    expected = ours.state_dict()
    assert back.state_dict().keys() == expected.keys()
    for name, value in back.state_dict().items():
        assert torch.equal(value, expected[name]), name
        assert value.is_contiguous(), name


@both_types
def test_old_bin_files_load_weights_only(model_type: str, tmp_path: Path) -> None:
    theirs = theirs_of("token_classification", CONFIGS[model_type])
    theirs.config.architectures = [type(theirs).__name__]
    theirs.config.save_pretrained(tmp_path)
    torch.save(theirs.state_dict(), tmp_path / "pytorch_model.bin")
    assert_same_output(load_model(tmp_path), theirs, inputs("token_classification"))


def test_a_bin_file_that_would_run_code_is_refused(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return (print, ("run",))

    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    torch.save({"bert.x": Evil()}, tmp_path / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match="not a readable weight file"):
        load_model(tmp_path)


@both_types
def test_bare_encoders_both_ways(model_type: str, tmp_path: Path) -> None:
    config = CONFIGS[model_type]
    family = {"squeezebert": "SqueezeBert", "bert": "Bert"}[model_type]
    values = config.to_dict()
    values.pop("model_type")
    theirs = getattr(transformers, f"{family}Model")(
        getattr(transformers, f"{family}Config")(**values)
    )
    randomise(theirs)
    theirs.eval().save_pretrained(tmp_path / "theirs")
    ours = load_model(tmp_path / "theirs")
    assert isinstance(ours, Encoder)
    batch = inputs("masked_lm")
    seen = batch["attention_mask"].bool()
    with torch.no_grad():
        got, expected = ours(**batch), theirs(**batch)
    torch.testing.assert_close(
        got.last_hidden_state[seen], expected.last_hidden_state[seen], atol=1e-5, rtol=1e-5
    )
    torch.testing.assert_close(got.pooler_output, expected.pooler_output, atol=1e-5, rtol=1e-5)
    save_model(ours, tmp_path / "ours")
    again = transformers.AutoModel.from_pretrained(tmp_path / "ours").eval()
    with torch.no_grad():
        torch.testing.assert_close(
            again(**batch).last_hidden_state[seen], expected.last_hidden_state[seen]
        )


def test_hidden_states_and_attentions_match_bert() -> None:
    theirs = theirs_of("masked_lm", TINY_BERT)
    theirs.set_attn_implementation("eager")
    batch = inputs("masked_lm")
    ours = build_model(TINY_BERT, HEADS["masked_lm"][1]).eval()
    from squeezebert.checkpoint import names as huggingface
    from squeezebert.model.io import export_tensors

    assert set(export_tensors(ours)) <= set(theirs.state_dict())
    names = huggingface.names(TINY_BERT, ours.state_dict(), question_answering=False)
    state = {name: value.numpy() for name, value in theirs.state_dict().items()}
    loaded = {
        mine: torch.from_numpy(huggingface.import_tensor(mine, state[name], 1).copy())
        for mine, name in names.items()
    }
    loaded["head.decoder.weight"] = loaded["encoder.embeddings.word.weight"]
    ours.load_state_dict(loaded)
    with torch.no_grad():
        got = ours.encoder(**batch, output_attentions=True, output_hidden_states=True)
        expected = theirs.bert(**batch, output_attentions=True, output_hidden_states=True)
    assert len(got.attentions) == 2
    assert len(got.hidden_states) == 3
    for a, b in zip(got.attentions, expected.attentions, strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(a.sum(-1), torch.ones_like(a.sum(-1)))
    for a, b in zip(got.hidden_states, expected.hidden_states, strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)


def test_old_spellings_of_bert_base_uncased_load(tmp_path: Path) -> None:
    """The hub's oldest BERTs say gamma and beta and carry the second objective's head."""
    theirs = theirs_of("masked_lm", TINY_BERT)
    state = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
            "LayerNorm.bias", "LayerNorm.beta"
        ): value
        for name, value in theirs.state_dict().items()
    }
    state["cls.seq_relationship.weight"] = torch.zeros(2, 32)
    state["bert.pooler.dense.weight"] = torch.zeros(32, 32)
    state["bert.embeddings.position_ids"] = torch.arange(24)
    theirs.config.architectures = ["BertForPreTraining"]
    theirs.config.save_pretrained(tmp_path)
    torch.save(state, tmp_path / "pytorch_model.bin")
    assert_same_output(load_model(tmp_path), theirs, inputs("masked_lm"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("missing", "lacks the tensor bert.encoder.layer.1.output.dense.weight"),
        ("extra", "has tensors that the model does not: bert.surplus"),
        ("shape", r"bert.encoder.layer.1.output.dense.weight .* has shape \(3, 3\)"),
    ],
)
def test_a_wrong_tensor_is_named(change: str, message: str, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    save_model(build_model(TINY_BERT, HEADS["masked_lm"][1]), tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    name = "bert.encoder.layer.1.output.dense.weight"
    if change == "missing":
        del tensors[name]
    elif change == "extra":
        tensors["bert.surplus"] = torch.zeros(1)
    else:
        tensors[name] = torch.zeros(3, 3)
    save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(CheckpointError, match=message):
        load_model(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("config", [SQUEEZEBERT_BASE, BERT_BASE], ids=["squeezebert", "bert"])
@every_head
def test_base_size(config: EncoderConfig, kind: str, tmp_path: Path) -> None:
    # Numbers as wide as a trained model's: sums over 768 inputs of a spread of 0.1 would give
    # activations so large that float32 itself rounds them by more than the tolerance.
    theirs = theirs_of(kind, config, spread=0.02)
    theirs.save_pretrained(tmp_path)
    assert_same_output(load_model(tmp_path), theirs, inputs(kind, vocab_size=30522, length=64))
