"""Parameters and operations of a model, counted from its shape alone.

A multiply-add is one multiplication with its addition; a FLOP count is twice that. Counted are
the products: projections (a bias is one more input, always 1), attention's two, the heads'.
LayerNorm, softmax, activations and adding up embeddings are left out: together under half a
percent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from squeezebert.config import EncoderConfig
from squeezebert.errors import InvalidInputError

Kind = Literal["embeddings", "grouped", "dense", "attention", "norm", "head"]
KINDS: tuple[Kind, ...] = ("embeddings", "grouped", "dense", "attention", "norm", "head")


@dataclass(frozen=True, kw_only=True)
class HeadShape:
    """The head whose cost is counted.

    Args:
        kind: A head's name, as in :class:`squeezebert.model.HeadConfig`.
        outputs: Labels of a classification head; of no meaning for others.
    """

    kind: str
    outputs: int = 0


@dataclass(frozen=True, kw_only=True)
class Row:
    """One layer's share.

    Args:
        name: Where it stands in the model: ``embeddings.word``, ``blocks.0.query``, ….
        kind: What sort of computation it is.
        parameters: Numbers to store.
        multiply_adds: For one input of the length counted.
    """

    name: str
    kind: Kind
    parameters: int
    multiply_adds: int


@dataclass(frozen=True)
class Complexity:
    """What a model stores and computes for one input.

    Args:
        rows: Layer by layer, in the order of the computation.
        tokens: The input's length.
    """

    rows: tuple[Row, ...]
    tokens: int

    @property
    def parameters(self) -> int:
        """All numbers to store, tied ones once."""
        return sum(row.parameters for row in self.rows)

    @property
    def multiply_adds(self) -> int:
        """All products for one input."""
        return sum(row.multiply_adds for row in self.rows)

    @property
    def gflop(self) -> float:
        """10⁹ floating-point operations for one input, a multiply-add being two."""
        return 2e-9 * self.multiply_adds

    def by_kind(self) -> dict[Kind, tuple[int, int]]:
        """``{kind: (parameters, multiply_adds)}`` in a fixed order, kinds of no share left out."""
        sums: dict[Kind, tuple[int, int]] = {}
        for kind in KINDS:
            rows = [row for row in self.rows if row.kind == kind]
            if rows:
                sums[kind] = (
                    sum(row.parameters for row in rows),
                    sum(row.multiply_adds for row in rows),
                )
        return sums


def count(
    config: EncoderConfig,
    head: HeadShape | None = None,
    tokens: int = 128,
    *,
    positions: int | None = None,
) -> Complexity:
    """Counts a model layer by layer.

    Args:
        config: The shape of the encoder.
        head: What stands on it; a bare encoder with its pooler where None.
        tokens: Length of the input, special tokens included.
        positions: How many tokens a masked LM answers for; all where None.

    Raises:
        InvalidInputError: fewer than one token, or more than the model has positions for.

    >>> from squeezebert.config import BERT_BASE, SQUEEZEBERT_BASE
    >>> for base in (SQUEEZEBERT_BASE, BERT_BASE):
    ...     cost = count(base, tokens=128)
    ...     print(f"{cost.parameters / 1e6:.1f} M parameters, {cost.gflop:.1f} GFLOP")
    51.1 M parameters, 7.4 GFLOP
    109.5 M parameters, 22.4 GFLOP
    """
    if not 1 <= tokens <= config.max_position_embeddings:
        raise InvalidInputError(
            f"{tokens} tokens asked for, expected 1 to {config.max_position_embeddings}",
            hint="the model has no positions for more",
        )
    rows = [*_embeddings(config, tokens)]
    for index in range(config.num_hidden_layers):
        rows += _block(config, index, tokens)
    rows += _head(config, head, tokens, tokens if positions is None else positions)
    return Complexity(tuple(rows), tokens)


def _embeddings(config: EncoderConfig, tokens: int) -> list[Row]:
    size = config.embedding_size
    tables = {
        "word": config.vocab_size,
        "position": config.max_position_embeddings,
        "token_type": config.type_vocab_size,
    }
    rows = [
        Row(name=f"embeddings.{name}", kind="embeddings", parameters=n * size, multiply_adds=0)
        for name, n in tables.items()
    ]
    rows.append(_norm("embeddings.layer_norm", size))
    if config.has_bottleneck:
        rows.append(_dense("embeddings.projection", "dense", size, config.hidden_size, tokens))
    return rows


def _block(config: EncoderConfig, index: int, tokens: int) -> list[Row]:
    projections = {
        name: _projection(f"blocks.{index}.{name}", *sizes, tokens)
        for name, sizes in config.projection_sizes().items()
    }
    attention = Row(
        name=f"blocks.{index}.attention",
        kind="attention",
        parameters=0,
        multiply_adds=2 * tokens * tokens * config.hidden_size,
    )
    return [
        projections["query"],
        projections["key"],
        projections["value"],
        attention,
        projections["post_attention"],
        _norm(f"blocks.{index}.attention_layer_norm", config.hidden_size),
        projections["intermediate"],
        projections["output"],
        _norm(f"blocks.{index}.output_layer_norm", config.hidden_size),
    ]


def _head(config: EncoderConfig, head: HeadShape | None, tokens: int, positions: int) -> list[Row]:
    hidden, size = config.hidden_size, config.embedding_size
    pooler = _dense("pooler", "head", hidden, hidden, 1)
    if head is None:
        return [pooler]
    match head.kind:
        case "masked_lm":
            # A matrix that is the word embeddings' is counted there: only the bias is new.
            own = 0 if config.tie_word_embeddings else size * config.vocab_size
            decoder = Row(
                name="head.decoder",
                kind="head",
                parameters=own + config.vocab_size,
                multiply_adds=positions * (size + 1) * config.vocab_size,
            )
            transform = _dense("head.transform", "head", hidden, size, positions)
            return [transform, _norm("head.layer_norm", size), decoder]
        case "text_classification":
            return [pooler, _dense("head.classifier", "head", hidden, head.outputs, 1)]
        case "multiple_choice":
            return [pooler, _dense("head.classifier", "head", hidden, 1, 1)]
        case "token_classification":
            return [_dense("head.classifier", "head", hidden, head.outputs, tokens)]
        case "question_answering":
            return [_dense("head.classifier", "head", hidden, 2, tokens)]
        case _:
            raise InvalidInputError(f"no head is called {head.kind!r}")


def _projection(name: str, inner: int, outer: int, groups: int, tokens: int) -> Row:
    return Row(
        name=name,
        kind="grouped" if groups > 1 else "dense",
        parameters=inner * outer // groups + outer,
        multiply_adds=tokens * (inner // groups + 1) * outer,
    )


def _dense(name: str, kind: Kind, inner: int, outer: int, rows: int) -> Row:
    return Row(
        name=name,
        kind=kind,
        parameters=inner * outer + outer,
        multiply_adds=rows * (inner + 1) * outer,
    )


def _norm(name: str, size: int) -> Row:
    return Row(name=name, kind="norm", parameters=2 * size, multiply_adds=0)
