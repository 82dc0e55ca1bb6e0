"""The sections of a recipe that say what is read: data sets, text, and how tokens are masked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from squeezebert.data.bad_rows import BadRows
from squeezebert.data.tables import EmptyText
from squeezebert.errors import ConfigError


def require(condition: bool, name: str, value: object, expected: str) -> None:
    """Refuses a setting that cannot be."""
    if not condition:
        raise ConfigError(f"{name} is {value!r}, expected {expected}")


@dataclass(frozen=True, kw_only=True)
class DataSource:
    """One data set: a known name, a file or a directory, and how to read it.

    Args:
        path: A known data set's name, a file, or a directory with ``train`` and ``dev`` files.
        split: Which part of it; empty: ``train`` or ``dev``, by the list that the source is in.
        text: Column of the text, or several that are joined. This and the next few are for a
            person's own files; see :func:`squeezebert.data.open_dataset`.
        label: Column of the label.
        pair: Column of the second text of a pair; empty: none.
        delimiter: What stands between columns; empty: by the file's suffix.
        quoted: Whether ``"`` quotes a cell of a table; left out: by the delimiter.
        empty: What to do with empty texts of a table: ``error``, ``skip`` or ``keep``.
        scheme: How entities are tagged, see :mod:`squeezebert.data.tags`; empty: found out.
        token_column: Where the word stands in CoNLL columns.
        tag_column: Where its tag stands.
        encoding: Of the file.
        bad_rows: What to do with rows that cannot be read: ``error``, ``skip`` or ``report``.
        label_map: Renames this set's labels (for token classification entity types, without ``B-``
            and ``I-``, or whole tags, or labels of words); a label renamed to the empty string is
            dropped: its examples for text classification, its entities for token classification.
        types: The entity types that this set's annotators looked for, after ``label_map``; empty:
            all. A word that they left untagged is then not learned to be none of the others.
        limit: At most that many examples, spread evenly over the set; 0: all.
        repeat: How many times an epoch reads the set, so that a small good one counts beside a
            large one. Training sets only.
    """

    path: str
    split: str = ""
    text: tuple[str, ...] = ("text",)
    label: str = "label"
    pair: str = ""
    delimiter: str = ""
    quoted: bool | None = None
    empty: EmptyText = "error"
    scheme: Literal["", "IOB1", "IOB2", "IOBES", "BILOU", "IO", "words"] = ""
    token_column: int = 0
    tag_column: int = -1
    encoding: str = "utf-8"
    bad_rows: BadRows = "error"
    label_map: Mapping[str, str] = field(default_factory=dict[str, str])
    types: tuple[str, ...] = ()
    limit: int = 0
    repeat: int = 1

    def __post_init__(self) -> None:
        require(self.repeat >= 1, "repeat", self.repeat, "1 or more")


@dataclass(frozen=True, kw_only=True)
class DataRecipe:
    """``[data]``: what a model is fine-tuned on.

    Args:
        train: Data sets to train on, joined in this order. A plain string stands for a
            :class:`DataSource` with that path.
        dev: Data sets to measure on; empty: the ``dev`` split of those in ``train`` that have
            one, else a share of the training data.
        dev_share: The share of the training examples that becomes the dev set where there is no
            other.
        labels: Classes (entity types, without ``B-`` and ``I-``, for token classification) in
            the order of the head's outputs; empty: those of the training data.
    """

    train: tuple[DataSource, ...] = ()
    dev: tuple[DataSource, ...] = ()
    dev_share: float = 0.1
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require(0 < self.dev_share < 1, "dev_share", self.dev_share, "a share in (0, 1)")
        require(len(set(self.labels)) == len(self.labels), "labels", self.labels, "no label twice")


@dataclass(frozen=True, kw_only=True)
class MaskingRecipe:
    """``[masking]``: the masked-LM objective (Devlin et al. 2019, section 3.1).

    Of the chosen tokens 80 % are shown as ``[MASK]``, 10 % as another token, 10 % as they are.

    Args:
        rate: The share of the tokens to predict. 0.15 is BERT's; up to 0.4 is used (Wettig et al.
            2023).
        whole_words: Mask all pieces of a word together.
        sentence_order: Pretraining only: also learn whether two neighboring segments stand in
            their order (Lan et al. 2020; SqueezeBERT's second objective). Its head is dropped
            when the model is saved.
    """

    rate: float = 0.15
    whole_words: bool = False
    sentence_order: bool = False

    def __post_init__(self) -> None:
        require(0 < self.rate < 1, "rate", self.rate, "a share in (0, 1)")


@dataclass(frozen=True, kw_only=True)
class CorpusSource:
    """Text to pretrain on.

    Args:
        path: A file, plain, ``.gz`` or ``.xz``, or a directory of such (``.txt``, ``.jsonl``): text
            in which a blank line ends a document, dialogues with ``__eou__``, or JSON lines with
            ``text`` or ``turns``. Relative paths are looked up here, then in the folder of the
            data sets (``SQUEEZEBERT_DATA``).
        weight: How many times an epoch reads it; 0.5 reads a random half.
        turns: Each line is a turn of a dialogue, so ``[SEP]`` stands between lines too, as in the
            inputs of the masked-LM task.
        taught: Whether teachers teach on it; set it to false for languages that they don't know.
    """

    path: str
    weight: float = 1.0
    turns: bool = False
    taught: bool = True

    def __post_init__(self) -> None:
        require(self.weight > 0, "weight", self.weight, "more than 0")


@dataclass(frozen=True, kw_only=True)
class CorpusRecipe:
    """``[corpus]``: the text of a pretraining run.

    Args:
        sources: Files and directories. A plain string stands for a source of weight 1.
        sequence_length: Tokens a sequence, ``[CLS]`` and the last ``[SEP]`` included.
        held_out_every: Every so-manieth stretch of about 512 tokens is held out for the dev loss.
        held_out_tokens: At most that many tokens of it are measured. Which are masked depends on
            the text, the vocabulary and this number alone, so that runs compare whatever their
            masking, length and batches.
        separate_documents: Tokens see those of their own document only; without it, all of their
            sequence.
        sentences: Each sequence is one sentence, padded to the longest of its batch, and what is
            made is an encoder of sentences without a head; for ``distillation.vectors``.
        cache: Where tokenized text is kept, so that runs can share it; empty: in the output
            directory.
        shards: Where ``squeezebert tokenize`` wrote this corpus; if set, that is read, and no
            text.
    """

    sources: tuple[CorpusSource, ...] = ()
    sequence_length: int = 128
    held_out_every: int = 200
    held_out_tokens: int = 32_768
    separate_documents: bool = False
    sentences: bool = False
    cache: str = ""
    shards: str = ""

    def __post_init__(self) -> None:
        require(self.sequence_length >= 8, "sequence_length", self.sequence_length, "8 or more")
        require(self.held_out_every >= 2, "held_out_every", self.held_out_every, "2 or more")
        require(self.held_out_tokens >= 1, "held_out_tokens", self.held_out_tokens, "1 or more")
        if self.sentences and (self.separate_documents or self.shards):
            raise ConfigError(
                "corpus.sentences goes neither with separate_documents nor with shards",
                hint="a sentence is a sequence of its own, cut out of the text itself",
            )
