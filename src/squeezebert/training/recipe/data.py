"""The sections of a recipe that say which text is read, and how its tokens are masked."""

from __future__ import annotations

from dataclasses import dataclass

from squeezebert.data.data_recipe import require
from squeezebert.errors import ConfigError


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
