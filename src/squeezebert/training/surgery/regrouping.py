"""The order of a dense model's features that suits groups best, and the blocks kept in it.

The features of a hidden state can stand in any order: a model computes the same if all that reads
and writes them is put in that order too. So can the wide features of the feed-forward network, and
the heads. What is looked for is the order in which most of the weights' energy (their squares)
falls into the diagonal blocks that a grouped projection has: features, heads and wide features are
divided among the groups in turn, the others held, until nothing is gained. Each such step is a
balanced assignment, solved exactly.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn

from squeezebert.config import GROUP_FIELDS, EncoderConfig
from squeezebert.errors import ConfigError
from squeezebert.model import TaskModel, build_model
from squeezebert.model.encoder import Block, Encoder
from squeezebert.model.grouped_linear import GroupedLinear
from squeezebert.model.heads import MaskedLMHead, SentenceHead

TRIALS, ROUNDS = 4, 30
"""Random first orders, which end within a hundredth of one another, and steps of each at most."""

Model = TypeVar("Model", bound=TaskModel | Encoder)
Squares = NDArray[np.float64]
Groups = NDArray[np.int64]
"""(n,): the group of each of n features or heads; all groups are of one size."""


def regroup(model: TaskModel | Encoder, groups: int, *, seed: int = 0) -> float:
    """Puts the features and heads of a dense model in the order that suits ``groups`` best, in
    place; what it computes stays the same.

    Args:
        model: All projections dense.
        groups: Divides the widths and the number of heads.
        seed: Of the first orders.

    Returns:
        The share of the squared weights that stands in the diagonal blocks of what SqueezeBERT
        groups; in a random order it would be one over ``groups``.

    Raises:
        ConfigError: a model that is grouped already, or groups that do not divide it.
    """
    _check(model.config, groups)
    draw = np.random.default_rng(seed)
    energies = [_Energy.of(block, model.config) for block in blocks_of(encoder_of(model))]
    orders = [_search(energies, groups, draw) for _ in range(TRIALS)]
    best = max(orders, key=lambda order: order.energy)
    hidden = _apply(encoder_of(model), best)
    if isinstance(model, TaskModel):
        _apply_to_head(model, hidden)
    return best.energy


def cut_to_groups(model: Model, groups: int) -> Model:
    """The SqueezeBERT whose projections are the diagonal blocks of a dense model's; all else is
    taken over as it is, the projection after attention, which stays dense, too.

    Args:
        model: Dense; see :func:`regroup`.
        groups: Divides the widths and the number of heads.

    Raises:
        ConfigError: as :func:`regroup`.
    """
    _check(model.config, groups)
    counts = dict.fromkeys(GROUP_FIELDS, groups) | {"post_attention_groups": 1}
    config = dataclasses.replace(model.config, model_type="squeezebert", **counts)
    grown = (
        build_model(config, model.head_config)
        if isinstance(model, TaskModel)
        else Encoder(config, with_pooler=model.pooler is not None)
    )
    theirs = model.state_dict()
    with torch.no_grad():
        for name, tensor in grown.state_dict().items():
            same = tensor.shape == theirs[name].shape
            tensor.copy_(theirs[name] if same else _diagonal(theirs[name], groups))
    return cast(Model, grown.train(model.training))


def _check(config: EncoderConfig, groups: int) -> None:
    if any(getattr(config, field) != 1 for field in GROUP_FIELDS):
        raise ConfigError("the model is grouped already", hint="grow a dense model, such as BERT")
    for name in ("hidden_size", "intermediate_size", "num_attention_heads"):
        value = getattr(config, name)
        if groups < 2 or value % groups:
            raise ConfigError(f"{groups} groups do not divide the model's {name} of {value}")


def encoder_of(model: TaskModel | Encoder) -> Encoder:
    """The encoder, with a head or without."""
    return model if isinstance(model, Encoder) else model.encoder


def blocks_of(encoder: Encoder) -> list[Block]:
    """Its blocks, as what they are."""
    return [block for block in encoder.blocks if isinstance(block, Block)]


def _diagonal(weight: Tensor, groups: int) -> Tensor:
    """(1, inputs, outputs) to (groups, inputs / groups, outputs / groups)."""
    cut = weight[0].unflatten(1, (groups, -1)).unflatten(0, (groups, -1))
    return torch.stack([cut[group, :, group] for group in range(groups)])


# --- the search -----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Energy:
    """Squared weights of a block's grouped projections, each projection's scaled to a sum of 1.

    Args:
        heads: (A, H) from the hidden state to each head's queries, keys and values.
        wide: (F, H) between the hidden state and each wide feature, both ways.
    """

    heads: Squares
    wide: Squares

    @staticmethod
    def of(block: Block, config: EncoderConfig) -> _Energy:
        attention = block.attention
        heads = sum(
            _share(layer).reshape(config.hidden_size, config.num_attention_heads, -1).sum(2).T
            for layer in (attention.query, attention.key, attention.value)
        )
        return _Energy(np.asarray(heads), _share(block.intermediate).T + _share(block.output))


def _share(layer: GroupedLinear) -> Squares:
    """(inputs, outputs)."""
    squares = layer.weight.detach()[0].double().square().cpu().numpy()
    return squares / squares.sum()


@dataclass(frozen=True, eq=False)
class _Order:
    """Which group everything goes to: hidden features, and each block's heads and wide features."""

    energy: float
    hidden: Groups
    heads: list[Groups]
    wide: list[Groups]


def _search(energies: Sequence[_Energy], groups: int, draw: np.random.Generator) -> _Order:
    width = energies[0].heads.shape[1]
    hidden = draw.permutation(np.repeat(np.arange(groups), width // groups))
    total = sum(e.heads.sum() + e.wide.sum() for e in energies)
    best: _Order | None = None
    for _ in range(ROUNDS):
        members = np.eye(groups)[hidden]
        heads = [_divide(e.heads @ members) for e in energies]
        wide = [_divide(e.wide @ members) for e in energies]
        gains = sum(
            e.heads.T @ np.eye(groups)[a] + e.wide.T @ np.eye(groups)[f]
            for e, a, f in zip(energies, heads, wide, strict=True)
        )
        hidden = _divide(np.asarray(gains))
        energy = float(np.asarray(gains)[np.arange(width), hidden].sum() / total)
        if best is not None and energy <= best.energy * (1 + 1e-9):
            break
        best = _Order(energy, hidden, heads, wide)
    assert best is not None
    return best


def _divide(gains: Squares) -> Groups:
    """Groups of one size from what each of n would gain in each group, (n, groups).

    >>> _divide(np.array([[3.0, 0.0], [2.0, 0.0], [1.0, 0.0], [0.0, 0.0]])).tolist()
    [0, 0, 1, 1]
    """
    count, groups = gains.shape
    rows, seats = linear_sum_assignment(np.repeat(gains, count // groups, axis=1), maximize=True)
    assigned = np.empty(count, dtype=np.int64)
    assigned[rows] = seats // (count // groups)
    return assigned


# --- the new order --------------------------------------------------------------------------------


@torch.no_grad()
def _apply(encoder: Encoder, order: _Order) -> Tensor:
    """Reorders all but the head; the order of the hidden features."""
    hidden = _sorted(order.hidden)
    config, embeddings = encoder.config, encoder.embeddings
    if config.has_bottleneck:
        assert isinstance(embeddings.projection, nn.Linear)
        _reorder(embeddings.projection.weight, 0, hidden)
        _reorder(embeddings.projection.bias, 0, hidden)
    else:
        for table in (embeddings.word, embeddings.position, embeddings.token_type):
            _reorder(table.weight, 1, hidden)
        _reorder_norm(embeddings.layer_norm, hidden)
    for block, heads, wide in zip(blocks_of(encoder), order.heads, order.wide, strict=True):
        within = torch.arange(config.head_size)
        features = (_sorted(heads)[:, None] * config.head_size + within).flatten()
        attention = block.attention
        for layer in (attention.query, attention.key, attention.value):
            _reorder_projection(layer, hidden, features)
        _reorder_projection(block.post_attention, features, hidden)
        _reorder_projection(block.intermediate, hidden, _sorted(wide))
        _reorder_projection(block.output, _sorted(wide), hidden)
        _reorder_norm(block.attention_layer_norm, hidden)
        _reorder_norm(block.output_layer_norm, hidden)
    if encoder.pooler is not None:
        _reorder(encoder.pooler.dense.weight, 1, hidden)
    return hidden


@torch.no_grad()
def _apply_to_head(model: TaskModel, hidden: Tensor) -> None:
    head = model.head
    if isinstance(head, MaskedLMHead):
        _reorder(head.transform.weight, 1, hidden)
        if not model.config.has_bottleneck:  # the decoder's inputs are as the embeddings
            _reorder(head.transform.weight, 0, hidden)
            _reorder(head.transform.bias, 0, hidden)
            _reorder_norm(head.layer_norm, hidden)
            if not head.is_tied:
                _reorder(head.decoder.weight, 1, hidden)
    elif not isinstance(head, SentenceHead):  # which reads what the pooler gives
        assert isinstance(head.classifier, nn.Linear)
        _reorder(head.classifier.weight, 1, hidden)


def _sorted(groups: Groups) -> Tensor:
    """The order in which groups stand together."""
    return torch.from_numpy(np.argsort(groups, kind="stable"))


def _reorder(tensor: Tensor, axis: int, order: Tensor) -> None:
    tensor.copy_(tensor.index_select(axis, order.to(tensor.device)))


def _reorder_projection(layer: GroupedLinear, inputs: Tensor, outputs: Tensor) -> None:
    _reorder(layer.weight, 1, inputs)
    _reorder(layer.weight, 2, outputs)
    _reorder(layer.bias, 0, outputs)


def _reorder_norm(norm: nn.LayerNorm, order: Tensor) -> None:
    _reorder(norm.weight, 0, order)
    _reorder(norm.bias, 0, order)
