"""A trained encoder under another vocabulary, such as that of another language.

What an encoder has learnt of how words make sentences carries over to other languages; its word
table does not. There are two ways to begin a new one:

* Following FOCUS (Dobler & de Melo 2023), tokens that both vocabularies have keep their embeddings,
  and every other token starts as a mixture of these: of those that it resembles in word vectors
  made from text of the new language (``squeezebert vectors``).
* Where the old vocabulary reads the new one's languages too, a token starts as the mean of the old
  tokens that spell it.

Masked LM goes on from there.
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
from squeezebert.unigram import WORD_START

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
        shared: Kept their embeddings, or those of the one old token that spells them.
        mixed: Became mixtures.
        drawn: Occur in no text that the vectors were made from, or have letters that the old
            vocabulary lacks: drawn at random, as far from one another as the old ones are.
    """

    shared: int
    mixed: int
    drawn: int


def transplant(
    start: str,
    tokenizer: Tokenizer,
    vectors: ReferenceEmbeddings | None,
    output: Path,
    *,
    seed: int = 0,
) -> Transplant:
    """Writes a masked LM with the encoder of ``start`` and the vocabulary of ``tokenizer``.

    Args:
        start: A model directory, shipped model or hub name.
        tokenizer: The new one.
        vectors: Word vectors of its tokens; None to start each as the mean of the old tokens that
            spell it.
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
    if vectors is None:
        rows, found = spelled_rows(table, old, tokenizer, seed=seed)
    else:
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


def spelled_rows(
    table: NDArray[np.float32], old: Tokenizer, new: Tokenizer, *, seed: int
) -> tuple[NDArray[np.float32], Transplant]:
    """A word table for ``new`` in which each token is the mean of the old tokens that spell it.

    Args:
        table: (old vocabulary, size).
        old: Its tokenizer.
        new: The other one.
        seed: Of tokens that are drawn at random.

    Returns:
        (new vocabulary, size), and how its rows came about.
    """
    theirs = (old.pad_id, old.unk_id, old.cls_id, old.sep_id, old.mask_id)
    special = dict(zip(new.roles, theirs, strict=True))
    rng = np.random.default_rng(seed)
    mean, deviation = table.mean(axis=0), table.std(axis=0)
    rows = np.empty((new.vocab_size, table.shape[1]), dtype=np.float32)
    lengths: list[int] = []
    for row, token in zip(rows, new.tokens, strict=True):
        if token in special:
            ids = [special[token]]
        else:
            ids = [index for index in _spelled(token, new, old) if index != old.unk_id]
        row[:] = table[ids].mean(axis=0) if ids else rng.normal(mean, deviation)
        lengths.append(len(ids))
    shared, drawn = lengths.count(1), lengths.count(0)
    return rows, Transplant(shared, len(lengths) - shared - drawn, drawn)


def _spelled(token: str, new: Tokenizer, old: Tokenizer) -> list[int]:
    """The old tokens that stand where a new one stood, in a word or at its beginning."""
    if new.kind == "WordPiece":
        inside, letters = token.startswith("##"), token.removeprefix("##")
    else:
        inside, letters = not token.startswith(WORD_START), token.removeprefix(WORD_START)
    normalizer, model = old.library.normalizer, old.library.model
    letters = letters if normalizer is None else normalizer.normalize_str(letters)
    if old.kind == "WordPiece":
        return [piece.id for piece in model.tokenize("##" * inside + letters)]
    pieces = model.tokenize(WORD_START * (not inside) + letters)
    # The mark of a word's beginning stands alone where no piece begins with it and goes on so.
    if len(pieces) > 1 and pieces[0].value == WORD_START:
        pieces = pieces[1:]
    return [piece.id for piece in pieces]


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
