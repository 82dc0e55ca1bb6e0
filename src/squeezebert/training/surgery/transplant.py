"""A trained encoder under another vocabulary, such as that of another language.

What an encoder has learnt of how words make sentences carries over to other languages; its word
table does not. Following FOCUS (Dobler & de Melo 2023), tokens that both vocabularies have keep
their embeddings, and every other token starts as a mixture of these: of those that it resembles in
word vectors made from text of the new language (``squeezebert vectors``). Masked LM goes on from
there.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from squeezebert.checkpoint.hub import resolve
from squeezebert.errors import ConfigError
from squeezebert.files import appearing
from squeezebert.model import HeadConfig, TaskModel, build_model, load_model, save_model
from squeezebert.model.heads import MaskedLMHead
from squeezebert.tasks.reference import ReferenceEmbeddings
from squeezebert.tokenizer import Tokenizer

SIMILAR = 64
"""How many shared tokens a mixture is made of at most; sparsemax leaves most of them out."""

SHARPNESS = 3.0
"""What cosines are multiplied by before sparsemax: the higher, the fewer tokens are mixed."""

FEWEST = 32
"""Shared tokens with word vectors below which there is nothing to go by."""


@dataclass(frozen=True)
class Transplant:
    """What came of it, in numbers of tokens.

    Args:
        shared: Kept their embeddings.
        mixed: Became mixtures.
        drawn: Occur in no text that the vectors were made from: drawn at random, as far from one
            another as the old ones are.
    """

    shared: int
    mixed: int
    drawn: int


def transplant(
    start: str, tokenizer: Tokenizer, vectors: ReferenceEmbeddings, output: Path, *, seed: int = 0
) -> Transplant:
    """Writes a masked LM with the encoder of ``start`` and the vocabulary of ``tokenizer``.

    Args:
        start: A model directory, shipped model or hub name.
        tokenizer: The new one.
        vectors: Word vectors of its tokens.
        output: A new directory.
        seed: Of tokens that are drawn at random.

    Raises:
        ConfigError: the vocabularies share too little that ``vectors`` know.
        InvalidInputError: an output that is there already.
        CheckpointError: a model that cannot be read.
    """
    loaded = load_model(start)
    old = Tokenizer.load(start if Path(start).exists() else resolve(start))
    encoder = loaded.encoder if isinstance(loaded, TaskModel) else loaded
    table = encoder.embeddings.word.weight.detach().float().numpy()
    rows, found = new_rows(table, old, tokenizer, vectors, seed=seed)

    config = dataclasses.replace(
        encoder.config, vocab_size=tokenizer.vocab_size, pad_token_id=tokenizer.pad_id
    )
    torch.manual_seed(seed)
    model = build_model(config, HeadConfig(kind="masked_lm"))
    for name in ("position", "token_type", "layer_norm", "projection"):
        setattr(model.encoder.embeddings, name, getattr(encoder.embeddings, name))
    model.encoder.blocks = encoder.blocks
    with torch.no_grad():
        model.encoder.embeddings.word.weight.copy_(torch.from_numpy(rows))
    if isinstance(loaded, TaskModel) and isinstance(loaded.head, MaskedLMHead):
        assert isinstance(model.head, MaskedLMHead)
        model.head.transform, model.head.layer_norm = loaded.head.transform, loaded.head.layer_norm
    with appearing(output) as directory:
        save_model(model, directory)
        tokenizer.save(directory)
    return found


def new_rows(
    table: NDArray[np.float32],
    old: Tokenizer,
    new: Tokenizer,
    vectors: ReferenceEmbeddings,
    *,
    seed: int,
) -> tuple[NDArray[np.float32], Transplant]:
    """A word table for ``new`` out of one for ``old``.

    Args:
        table: (old vocabulary, size).
        old: Its tokenizer.
        new: The other one.
        vectors: Of the tokens of ``new``.
        seed: Of tokens that are drawn at random.

    Returns:
        (new vocabulary, size), and how its rows came about.

    Raises:
        ConfigError: the vocabularies share too little that ``vectors`` know.
    """
    tokens = new.tokens
    lower = old.lowercase and not new.lowercase
    places = [
        old.token_id(token.lower() if lower and index not in new.special_ids else token)
        for index, token in enumerate(tokens)
    ]
    origin = np.array([-1 if place is None else place for place in places])
    known = vectors.rows(tokens)
    anchors = np.flatnonzero((origin >= 0) & (known >= 0))
    if len(anchors) < FEWEST:
        raise ConfigError(
            f"the vocabularies share {len(anchors)} tokens that the word vectors know, "
            f"expected {FEWEST} or more",
            hint="make the vectors with `squeezebert vectors` and the new tokenizer",
        )
    rng = np.random.default_rng(seed)
    rows = rng.normal(table.mean(axis=0), table.std(axis=0), (len(tokens), table.shape[1]))
    rows[origin >= 0] = table[origin[origin >= 0]]
    mixed = np.flatnonzero((origin < 0) & (known >= 0))
    theirs = vectors.vectors[known[anchors]]
    for part in np.array_split(mixed, max(len(mixed) // 1024, 1)):
        cosines = vectors.vectors[known[part]] @ theirs.T
        near = np.argpartition(-cosines, min(SIMILAR, len(anchors)) - 1, axis=1)[:, :SIMILAR]
        weights = sparsemax(SHARPNESS * np.take_along_axis(cosines, near, axis=1))
        rows[part] = np.einsum("tn,tnd->td", weights, table[origin[anchors[near]]])
    shared = int((origin >= 0).sum())
    counts = Transplant(shared, len(mixed), len(tokens) - shared - len(mixed))
    return rows.astype(np.float32), counts


def sparsemax(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    """Each row's nearest point among the distributions (Martins & Astudillo 2016): like softmax,
    but low scores get nothing.

    >>> sparsemax(np.array([[1.0, 0.8, -1.0]])).round(2).tolist()
    [[0.6, 0.4, 0.0]]
    """
    descending = -np.sort(-scores.astype(np.float64), axis=1)
    above = np.cumsum(descending, axis=1) - 1.0
    counts = np.arange(1, scores.shape[1] + 1)
    support = (counts * descending > above).sum(axis=1, keepdims=True)
    threshold = np.take_along_axis(above, support - 1, axis=1) / support
    return np.maximum(scores - threshold, 0.0)
