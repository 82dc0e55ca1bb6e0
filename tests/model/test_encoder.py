"""What the encoder promises beyond parity: each point is one that transformers' lacks."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from squeezebert.config import EncoderConfig
from squeezebert.errors import InvalidInputError
from squeezebert.model import Encoder, HeadConfig, TaskModel, attach_head, build_model
from squeezebert.model.heads import HeadKind

IDS = torch.tensor([[2, 9, 8, 7, 3], [2, 6, 3, 0, 0]])
MASK = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
LABELS = ("a", "b", "c")
KINDS: list[HeadKind] = [
    "masked_lm",
    "text_classification",
    "token_classification",
    "question_answering",
    "multiple_choice",
]


def head(kind: HeadKind) -> HeadConfig:
    return HeadConfig(kind=kind, labels=LABELS if "classification" in kind else ())


@pytest.fixture
def encoder(tiny_config: EncoderConfig) -> Encoder:
    torch.manual_seed(0)
    config = dataclasses.replace(tiny_config, initializer_range=0.3)
    return Encoder(config).eval()


def test_layer_norm_eps_is_honoured_everywhere(tiny_config: EncoderConfig) -> None:
    config = dataclasses.replace(tiny_config, layer_norm_eps=0.125)
    model = build_model(config, head("masked_lm"))
    norms = [m for m in model.modules() if isinstance(m, torch.nn.LayerNorm)]
    assert len(norms) == 2 + 2 * config.num_hidden_layers
    assert {norm.eps for norm in norms} == {0.125}


def test_positions_start_as_waves(tiny_config: EncoderConfig) -> None:
    config = dataclasses.replace(tiny_config, initializer_range=0.05)
    table = Encoder(config).embeddings.position.weight.detach()
    assert table.std().item() == pytest.approx(0.05, rel=0.2)
    products = table @ table.T
    # As near as far apart, wherever in the text: what makes "the next word" one thing to learn.
    for distance in (0, 1, 5):
        diagonal = products.diagonal(distance)
        torch.testing.assert_close(diagonal, diagonal[:1].expand_as(diagonal))
    assert products[3, 3] > products[3, 4] > products[3, 8]


def test_attentions_are_probabilities_and_do_not_change_the_answer(encoder: Encoder) -> None:
    plain = encoder(IDS, MASK)
    told = encoder(IDS, MASK, output_attentions=True)
    torch.testing.assert_close(plain.last_hidden_state, told.last_hidden_state)
    assert plain.attentions is None
    assert told.attentions is not None
    for probabilities in told.attentions:
        assert probabilities.shape == (2, 4, 5, 5)
        torch.testing.assert_close(probabilities.sum(-1), torch.ones(2, 4, 5))
        assert torch.all(probabilities[1, :, :, 3:] == 0)  # padding is never looked at


def test_padding_changes_nothing(encoder: Encoder) -> None:
    padded = encoder(IDS, MASK).last_hidden_state[1, :3]
    alone = encoder(IDS[1:, :3]).last_hidden_state[0]
    torch.testing.assert_close(padded, alone)


@pytest.mark.parametrize("training", [False, True])
def test_documents_of_a_row_do_not_see_each_other(encoder: Encoder, training: bool) -> None:
    """As if the others were padding; both routes of attention, on the way forward and back."""
    encoder.train(training)
    documents = torch.tensor([[0, 0, 1, 1, 1], [0, 1, 1, 2, 2]])
    packed = encoder(IDS, document_ids=documents).last_hidden_state
    for row in range(2):
        for number in range(3):
            own = documents[row] == number
            alone = encoder(IDS[row : row + 1], own[None]).last_hidden_state[0]
            torch.testing.assert_close(packed[row, own], alone[own])
    padded = encoder(IDS, MASK, document_ids=documents).last_hidden_state
    torch.testing.assert_close(padded[1, :3], packed[1, :3])
    one = encoder(IDS, document_ids=torch.full_like(IDS, 5)).last_hidden_state
    torch.testing.assert_close(one, encoder(IDS).last_hidden_state)
    assert not torch.allclose(one, packed)


def test_a_row_of_padding_alone_is_not_nan(encoder: Encoder) -> None:
    for wanted in (False, True):
        output = encoder(IDS, torch.zeros_like(MASK), output_attentions=wanted)
        assert torch.isfinite(output.last_hidden_state).all()


def test_training_and_evaluation_take_different_routes_to_the_same_values(encoder: Encoder) -> None:
    """On CPU training writes attention and groups out; without dropout the values must agree."""
    expected = encoder(IDS, MASK).last_hidden_state
    torch.testing.assert_close(encoder.train()(IDS, MASK).last_hidden_state, expected)


def test_gradient_checkpointing_gives_the_same_gradients(encoder: Encoder) -> None:
    encoder.train()
    gradients: list[list[torch.Tensor]] = []
    for wanted in (False, True):
        encoder.gradient_checkpointing = wanted
        encoder.zero_grad()
        encoder(IDS, MASK).last_hidden_state.square().sum().backward()
        gradients.append(
            [p.grad.clone() for p in encoder.blocks.parameters() if p.grad is not None]
        )
    assert gradients[0]
    for plain, recomputed in zip(*gradients, strict=True):
        torch.testing.assert_close(plain, recomputed)


def test_forward_hooks_fire_in_every_block(encoder: Encoder) -> None:
    fired: list[str] = []
    for name, module in encoder.named_modules():
        if name.endswith((".query", ".output", ".intermediate")):
            module.register_forward_hook(lambda *_, name=name: fired.append(name))
    encoder(IDS, MASK)
    assert len(fired) == 3 * encoder.config.num_hidden_layers


def test_bottleneck_and_odd_groups(tiny_config: EncoderConfig) -> None:
    config = dataclasses.replace(
        tiny_config, embedding_size=12, q_groups=2, k_groups=8, v_groups=16, output_groups=32
    )
    model = build_model(config, head("masked_lm")).eval()
    assert model.encoder.embeddings.word.weight.shape[1] == 12
    assert model(IDS, MASK).logits.shape == (2, 5, config.vocab_size)


@pytest.mark.parametrize("kind", KINDS)
def test_output_shapes(kind: HeadKind, tiny_config: EncoderConfig) -> None:
    model = build_model(tiny_config, head(kind)).eval()
    if kind == "multiple_choice":
        assert model(IDS[None], MASK[None]).logits.shape == (1, 2)
    elif kind == "question_answering":
        output = model(IDS, MASK)
        assert output.start_logits.shape == output.end_logits.shape == (2, 5)
    else:
        shapes = {
            "masked_lm": (2, 5, tiny_config.vocab_size),
            "text_classification": (2, 3),
            "token_classification": (2, 5, 3),
        }
        assert model(IDS, MASK).logits.shape == shapes[kind]


def test_masked_lm_positions_are_rows_of_the_whole(tiny_config: EncoderConfig) -> None:
    model = build_model(tiny_config, head("masked_lm")).eval()
    positions = torch.tensor([7, 1])
    whole = model(IDS, MASK).logits.flatten(0, 1)
    torch.testing.assert_close(model(IDS, MASK, positions=positions).logits, whole[positions])
    with pytest.raises(InvalidInputError, match="positions given to a question_answering head"):
        build_model(tiny_config, head("question_answering"))(IDS, positions=positions)


def test_masked_lm_decoder_is_tied(tiny_config: EncoderConfig) -> None:
    model = build_model(tiny_config, head("masked_lm"))
    assert model.head.decoder.weight is model.encoder.embeddings.word.weight
    moved = attach_head(Encoder(tiny_config), head("masked_lm"))
    assert moved.head.decoder.weight is moved.encoder.embeddings.word.weight


@pytest.mark.parametrize("kind", KINDS)
def test_attach_head_keeps_the_encoder(kind: HeadKind, encoder: Encoder) -> None:
    model = attach_head(encoder, head(kind)).eval()
    assert model.encoder.blocks is encoder.blocks
    torch.testing.assert_close(
        model.encoder(IDS, MASK).last_hidden_state, encoder(IDS, MASK).last_hidden_state
    )


@pytest.mark.parametrize("kind", ["masked_lm", "text_classification", "token_classification"])
@pytest.mark.parametrize("grouped", [True, False], ids=["squeezebert", "bert"])
def test_exports_whole_with_dynamic_batch_and_length(
    kind: HeadKind, grouped: bool, tiny_config: EncoderConfig, tiny_bert_config: EncoderConfig
) -> None:
    model = build_model(tiny_config if grouped else tiny_bert_config, head(kind)).eval()
    rows, columns = torch.export.Dim("rows", min=2), torch.export.Dim("columns", min=2, max=64)
    shape = {0: rows, 1: columns}
    program = torch.export.export(
        model, (IDS, MASK, torch.zeros_like(IDS)), dynamic_shapes=(shape, shape, shape)
    )
    other = torch.randint(5, tiny_config.vocab_size, (3, 9))
    inputs = (other, torch.ones_like(other), torch.zeros_like(other))
    torch.testing.assert_close(program.module()(*inputs).logits, model(*inputs).logits)


@pytest.mark.slow
@pytest.mark.parametrize("grouped", [True, False], ids=["squeezebert", "bert"])
def test_compiles_without_a_graph_break(
    grouped: bool, tiny_config: EncoderConfig, tiny_bert_config: EncoderConfig
) -> None:
    config = tiny_config if grouped else tiny_bert_config
    model: TaskModel = build_model(config, head("token_classification")).eval()
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(IDS, MASK).logits, model(IDS, MASK).logits)
    model.train()
    compiled(IDS, MASK).logits.sum().backward()
    assert model.encoder.blocks[0].attention.query.weight.grad is not None
