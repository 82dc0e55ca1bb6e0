"""A narrower word table: the embeddings of a trained encoder through a bottleneck.

Words, positions and token types are turned to the directions in which the words differ most, and
only as many of these are kept as the bottleneck is wide (the singular value decomposition of the
word table, its rows weighted by the root of how often a word occurs). Then the kept directions are
turned once more, at random, so that no number of a row tells much more than another: one int8
scale serves a whole row. The mean of a row, which LayerNorm takes away, is the least telling
direction of all. The projection back to the hidden size is solved by
least squares, after LayerNorm, which now stands in the bottleneck. The table shrinks, and with it
the output layer of masked LM, whose weights it is.
"""

from __future__ import annotations

import dataclasses

import torch
from jaxtyping import Int
from torch import Tensor, nn

from squeezebert.errors import ConfigError
from squeezebert.model.encoder import Embeddings, Encoder

BATCH = 64
"""Sequences at a time."""

RIDGE = 1e-4
"""How hard the projection is held to zero, as a share of its inputs' mean square."""


@torch.no_grad()
def narrow_embeddings(encoder: Encoder, size: int, input_ids: Int[Tensor, "B S"]) -> None:
    """Puts a bottleneck into an encoder that has none, in place.

    Args:
        encoder: In evaluation mode.
        size: Of the bottleneck, below the hidden size.
        input_ids: (B, S) sequences of text without padding; a million tokens tell how often words
            occur.

    Raises:
        ConfigError: an encoder that has a bottleneck, or a size that is none.
    """
    config = encoder.config
    if config.has_bottleneck:
        raise ConfigError("the model has a bottleneck already", hint="leave its embeddings as wide")
    if not 0 < size < config.hidden_size:
        raise ConfigError(
            f"a bottleneck of {size} is none in a model of hidden size {config.hidden_size}"
        )
    wide = encoder.embeddings
    narrow = Embeddings(dataclasses.replace(config, embedding_size=size)).to(wide.word.weight)
    narrow.train(wide.training)
    turn = _principal_directions(wide.word.weight, input_ids, size) @ _evening_rotation(size)
    for table, source in (
        (narrow.word, wide.word),
        (narrow.position, wide.position),
        (narrow.token_type, wide.token_type),
    ):
        table.weight.copy_((source.weight.double() @ turn).to(table.weight))
    _solve_projection(narrow, wide, input_ids)
    encoder.embeddings = narrow
    encoder.config = dataclasses.replace(config, embedding_size=size)


def _principal_directions(table: Tensor, input_ids: Tensor, size: int) -> Tensor:
    """(H, size), float64, the least telling first."""
    rows = table.double()
    counts = torch.bincount(input_ids.flatten(), minlength=len(rows)).to(rows)
    covariance = (rows * (counts + 1).sqrt()[:, None]).mT @ rows
    return torch.linalg.eigh(covariance).eigenvectors[:, -size:]


def _evening_rotation(size: int) -> Tensor:
    """(size, size), float64: random, but for what goes to the mean, the first direction."""
    generator = torch.Generator().manual_seed(0)
    columns = torch.randn(size, size, generator=generator, dtype=torch.float64)
    columns[:, 0] = 1.0
    return torch.linalg.qr(columns).Q.mT


def _solve_projection(narrow: Embeddings, wide: Embeddings, input_ids: Tensor) -> None:
    """Least squares from the narrow embeddings, after LayerNorm, to the wide ones."""
    assert isinstance(narrow.projection, nn.Linear)
    hidden, size = narrow.projection.weight.shape
    projection, narrow.projection = narrow.projection, nn.Identity()
    zeros = projection.weight.new_zeros
    xx = zeros(size + 1, size + 1, dtype=torch.float64)
    xy = zeros(size + 1, hidden, dtype=torch.float64)
    for ids in input_ids.split(BATCH):
        types = torch.zeros_like(ids)
        x = narrow(ids, types).flatten(0, 1).double()
        x = torch.cat([x, x.new_ones(len(x), 1)], dim=1)
        xx += x.mT @ x
        xy += x.mT @ wide(ids, types).flatten(0, 1).double()
    diagonal = xx.diagonal()
    diagonal[:-1] += RIDGE * diagonal[:-1].mean()  # the bias is free
    solved = torch.linalg.solve(xx, xy)
    projection.weight.copy_(solved[:-1].mT)
    projection.bias.copy_(solved[-1])
    narrow.projection = projection
