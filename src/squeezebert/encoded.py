"""The tokens of a text, as a tokenizer gives them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


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

    def __len__(self) -> int:
        return len(self.ids)
