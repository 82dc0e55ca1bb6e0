"""The tokens of a text, as a tokenizer gives them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tokenizers
from numpy.typing import NDArray

from squeezebert.errors import InvalidInputError
from squeezebert.tokenizer_files import library_errors


@dataclass(frozen=True, eq=False)
class Encoded:
    """The tokens of one text, without special tokens.

    Args:
        ids: (length,) int32.
        offsets: (length, 2) int32, half-open character ranges in the text (in the word, for
            :meth:`Tokenizer.encode_words`).
        word_ids: (length,) int32, the index of the word that each token belongs to; zeros for
            running text.
    """

    ids: NDArray[np.int32]
    offsets: NDArray[np.int32]
    word_ids: NDArray[np.int32]

    @classmethod
    def of(
        cls, ids: Sequence[int], offsets: Sequence[tuple[int, int]], word_ids: Sequence[int]
    ) -> Encoded:
        """The same out of plain numbers."""
        return cls(
            ids=np.array(ids, dtype=np.int32),
            offsets=np.array(offsets, dtype=np.int32).reshape(-1, 2),
            word_ids=np.array(word_ids, dtype=np.int32),
        )

    def __len__(self) -> int:
        return len(self.ids)


def encode_batch(inner: tokenizers.Tokenizer, texts: Sequence[str]) -> list[tokenizers.Encoding]:
    """What the library makes of texts.

    Raises:
        InvalidInputError: something that is not a string, or holds a lone surrogate.
    """
    check_strings(texts)
    try:
        with library_errors("the tokenizer cannot read a text"):
            return inner.encode_batch(list(texts), add_special_tokens=False)
    except (TypeError, UnicodeEncodeError) as error:
        # The library takes UTF-8; a lone surrogate has none.
        raise InvalidInputError(
            f"a text cannot be written as UTF-8: {error}",
            hint="its bytes were not UTF-8: convert them, or in Python decode them with "
            "errors='replace'",
        ) from error


def check_strings(texts: Sequence[str]) -> None:
    """Refuses what is not a string, by its place."""
    for index, text in enumerate(texts):
        if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidInputError(f"text {index} is a {type(text).__name__}, expected a string")
