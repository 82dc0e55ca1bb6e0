"""Growing a grouped model out of a dense one, in three steps.

1. The dense model's features are put in the order that suits groups best, and
2. the diagonal blocks of its projections are kept
   (:mod:`~squeezebert.training.surgery.regrouping`), and where a narrower word table is wanted,
   that is made (:mod:`~squeezebert.training.surgery.bottleneck`).
3. :func:`fit`: every projection is solved anew, from the first block on, so that on some text the
   grouped model's states come as near to the dense one's as least squares can bring them; each
   block makes up for what those before it have lost.

The result is a start for distillation: seconds of arithmetic bring what minutes of training do
(docs/log.md). The reordered dense model is the teacher whose hidden states can be compared with the
student's feature by feature.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from squeezebert.files import appearing
from squeezebert.model import HeadConfig, TaskModel, attach_head, load_model, save_model
from squeezebert.model.encoder import Block, Encoder
from squeezebert.model.grouped_linear import GroupedLinear
from squeezebert.training.loop.hardware import seed_everything
from squeezebert.training.loop.start import start_tokenizer
from squeezebert.training.pretraining.pretrain import PretrainingBatches, open_corpus
from squeezebert.training.recipe.run import PretrainRecipe
from squeezebert.training.surgery.bottleneck import narrow_embeddings
from squeezebert.training.surgery.regrouping import blocks_of, cut_to_groups, encoder_of, regroup

FIT_TOKENS = 1 << 16
"""Of the corpus, for the fit."""

COUNTED_TOKENS = 1 << 20
"""Of the corpus, which tell a narrower word table how often words occur."""


@dataclass(frozen=True)
class Growth:
    """What came of growing.

    Args:
        energy: The share of the squared weights that the kept blocks have; one over the number of
            groups by chance.
        cut: Distance of the last hidden states from the dense model's on other text, in units of
            their variance, with the blocks as they were cut.
        fitted: The same after the fit.
    """

    energy: float
    cut: float
    fitted: float


def grow(
    recipe: PretrainRecipe,
    groups: int,
    output: Path,
    teacher: Path,
    *,
    embedding_size: int | None = None,
) -> Growth:
    """Writes the grouped model that grows out of ``recipe.model.start``, and the dense model in the
    same order of features.

    Args:
        recipe: Whose start, tokenizer and corpus are used.
        groups: Of all projections but that after attention.
        output: A new directory for the grouped model, with a masked-LM head.
        teacher: A new directory for the dense one.
        embedding_size: Of the grouped model's word table; as wide as the dense one's by default.

    Raises:
        ConfigError: a model that cannot be grouped so, or a word table that cannot be narrowed so.
        InvalidInputError: an output that is there already.
        CheckpointError, DataError: a model or text that cannot be read.
    """
    tokenizer = start_tokenizer(recipe.model)
    dense = load_model(recipe.model.start)
    seed_everything(recipe.loop.seed, 0)
    energy = regroup(dense, groups, seed=recipe.loop.seed)
    grown = cut_to_groups(dense, groups)

    streams = open_corpus(recipe, tokenizer, output.parent)
    packed = PretrainingBatches(recipe, streams, tokenizer).packed

    def read(tokens: int) -> Tensor:
        count = min(tokens // recipe.corpus.sequence_length, packed.per_epoch)
        return torch.from_numpy(packed.rows(0, np.arange(count)))

    text = read(FIT_TOKENS)
    other = torch.from_numpy(packed.rows(1, np.arange(min(64, len(text)))))
    if embedding_size is not None:
        if not isinstance(grown, Encoder):  # a head's output layer is as wide as the word table
            grown = grown.encoder
        narrow_embeddings(grown, embedding_size, read(COUNTED_TOKENS))
    cut = _distance(grown, dense, other)
    fit(grown, dense, text)
    fitted = _distance(grown, dense, other)

    if isinstance(grown, Encoder):
        grown = attach_head(grown, HeadConfig(kind="masked_lm"))
    with appearing(output) as student_files, appearing(teacher) as teacher_files:
        for model, directory in ((grown, student_files), (dense, teacher_files)):
            save_model(model, directory)
            tokenizer.save(directory)
    return Growth(energy, cut, fitted)


@torch.no_grad()
def _distance(grown: TaskModel | Encoder, dense: TaskModel | Encoder, ids: Tensor) -> float:
    ours, theirs = (encoder_of(model)(ids).last_hidden_state for model in (grown, dense))
    spread = theirs.flatten(0, 1).var(dim=0, unbiased=False).mean()
    return float((ours - theirs).square().mean() / spread)


RIDGE = 0.01
"""How hard solved weights are held to those they replace, as a share of the inputs' mean square."""

FIT_BATCH = 64
"""Sequences at a time."""


@torch.no_grad()
def fit(
    grown: TaskModel | Encoder, dense: TaskModel | Encoder, input_ids: Int[Tensor, "B S"]
) -> None:
    """Solves the grouped projections anew, in place, by least squares.

    Queries, keys, values and wide features aim at the dense model's own; what a block adds to the
    hidden state aims at the dense model's state itself, so that errors do not add up.

    Args:
        grown: From :func:`cut_to_groups`, in evaluation mode.
        dense: What it was cut from, in evaluation mode.
        input_ids: (B, S) sequences of text without padding; tens of thousands of tokens are
            plenty.
    """
    ours, theirs = encoder_of(grown), encoder_of(dense)
    device = next(ours.parameters()).device
    chunks = [ids.to(device) for ids in input_ids.split(FIT_BATCH)]
    states = [(_embed(ours, ids), _embed(theirs, ids)) for ids in chunks]
    for block, target in zip(blocks_of(ours), blocks_of(theirs), strict=True):
        attention = block.attention
        pairs = [
            (attention.query, target.attention.query),
            (attention.key, target.attention.key),
            (attention.value, target.attention.value),
        ]
        solvers = [_LeastSquares(layer) for layer, _ in pairs]
        for x, y in states:
            for solver, (_, layer) in zip(solvers, pairs, strict=True):
                solver.add(x, layer(y))
        for solver in solvers:
            solver.solve()

        solver = _LeastSquares(block.post_attention)
        attended = [
            (_context(block, x), y + target.post_attention(_context(target, y))) for x, y in states
        ]
        for (x, _), (context, aim) in zip(states, attended, strict=True):
            solver.add(context, aim - x)
        solver.solve()
        states = [
            (
                block.attention_layer_norm(x + block.post_attention(context)),
                target.attention_layer_norm(aim),
            )
            for (x, _), (context, aim) in zip(states, attended, strict=True)
        ]

        solver = _LeastSquares(block.intermediate)
        for x, y in states:
            solver.add(x, target.intermediate(y))
        solver.solve()

        solver = _LeastSquares(block.output)
        aims = [y + target.output(target.activation(target.intermediate(y))) for _, y in states]
        for (x, _), aim in zip(states, aims, strict=True):
            solver.add(block.activation(block.intermediate(x)), aim - x)
        solver.solve()
        states = [
            (
                block.output_layer_norm(x + block.output(block.activation(block.intermediate(x)))),
                target.output_layer_norm(aim),
            )
            for (x, _), aim in zip(states, aims, strict=True)
        ]


def _embed(encoder: Encoder, ids: Tensor) -> Tensor:
    embedded: Tensor = encoder.embeddings(ids, torch.zeros_like(ids))
    return embedded


def _context(block: Block, x: Tensor) -> Tensor:
    context, _ = block.attention(x, None, with_probabilities=False)
    return context


class _LeastSquares:
    """The weights of a grouped projection that map inputs to targets best.

    Args:
        layer: Gets the weights; those it has are what the ridge holds to.
    """

    def __init__(self, layer: GroupedLinear) -> None:
        self._layer = layer
        groups, inputs, outputs = layer.weight.shape
        zeros = layer.weight.new_zeros
        self._count = 0
        self._x = zeros(groups, inputs, dtype=torch.float64)
        self._y = zeros(groups, outputs, dtype=torch.float64)
        self._xx = zeros(groups, inputs, inputs, dtype=torch.float64)
        self._xy = zeros(groups, inputs, outputs, dtype=torch.float64)

    def add(self, x: Float[Tensor, "B S i"], y: Float[Tensor, "B S o"]) -> None:
        """Counts inputs and what should come of them."""
        groups = self._layer.groups
        a, b = (
            t.flatten(0, 1).unflatten(-1, (groups, -1)).transpose(0, 1).double() for t in (x, y)
        )
        self._count += a.shape[1]
        self._x += a.sum(dim=1)
        self._y += b.sum(dim=1)
        self._xx += a.mT @ a
        self._xy += a.mT @ b

    def solve(self) -> None:
        """Sets weight and bias."""
        layer, count = self._layer, self._count
        x, y = self._x / count, self._y / count
        xx = self._xx / count - x[:, :, None] * x[:, None, :]
        xy = self._xy / count - x[:, :, None] * y[:, None, :]
        ridge = RIDGE * xx.diagonal(dim1=1, dim2=2).mean(dim=1)[:, None, None]
        eye = torch.eye(xx.shape[1], dtype=xx.dtype, device=xx.device)
        weight = torch.linalg.solve(xx + ridge * eye, xy + ridge * layer.weight.double())
        layer.weight.copy_(weight)
        layer.bias.copy_((y - (x[:, None, :] @ weight)[:, 0]).flatten())
