"""What scikit-learn hands over, as examples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from squeezebert.data.examples import TextExample, TokenExample
from squeezebert.errors import InvalidInputError

DEV_SHARE = 0.1
"""Of the rows, held out to keep the best weights and to calibrate probabilities; 20 at most a
class."""

Texts = Sequence[Any] | NDArray[Any]


def of_texts(tags: Any) -> Any:
    """What scikit-learn is told of an estimator: it takes texts, no arrays of numbers."""
    tags.input_tags.string = True
    tags.input_tags.one_d_array = True
    tags.input_tags.two_d_array = False
    return tags


def texts_of(values: Texts) -> list[Any]:
    """The rows of a list, an array, a column of a data frame.

    Raises:
        InvalidInputError: one string instead of several, or something else.
    """
    if isinstance(values, str) or not hasattr(values, "__len__"):
        raise InvalidInputError(
            f"X is of type {type(values).__name__}, expected a list, array or column of texts"
        )
    rows: Any = values
    if getattr(rows, "ndim", 1) == 2 and rows.shape[1] == 1:  # a data frame of one column
        rows = np.asarray(rows)[:, 0]
    elif getattr(rows, "ndim", 1) != 1:
        raise InvalidInputError(
            f"X has the shape {tuple(rows.shape)}, expected a row of texts",
            hint="select the column of the texts",
        )
    return list(rows)


def one_text(text: object) -> str:
    """A row that is one text.

    Raises:
        InvalidInputError: it is none.
    """
    if not isinstance(text, str):
        raise InvalidInputError(f"X holds {text!r:.80}, expected texts")
    return str(text)


def text_example(text: object, label: str | None) -> TextExample:
    """A row that is a text or a pair of texts, with its class."""
    if isinstance(text, (tuple, list)) and len(text) == 2:
        return TextExample(text=one_text(text[0]), pair=one_text(text[1]), label=label)
    return TextExample(text=one_text(text), label=label)


def sentences_of(values: Texts, tags: Sequence[Sequence[str]] | None) -> list[TokenExample]:
    """Rows that are sentences in words, with their tags.

    Raises:
        InvalidInputError: a row that is a string, or rows and tags that do not go together.
    """
    rows = texts_of(values)
    if tags is not None and len(rows) != len(tags):
        raise InvalidInputError(f"X has {len(rows)} rows, but y {len(tags)}")
    examples: list[TokenExample] = []
    for at, words in enumerate(rows):
        if isinstance(words, str):
            raise InvalidInputError(
                f"row {at} of X is a string, expected a sequence of words",
                hint="split it into words first; raw texts go to squeezebert.load(...)",
            )
        own = None if tags is None else [str(tag) for tag in tags[at]]
        examples.append(TokenExample.from_words([one_text(word) for word in words], own))
    return examples


def held_out(codes: NDArray[np.int64], seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of the rows to train on, and of those held out: a tenth of each class."""
    order = np.random.default_rng(seed).permutation(len(codes))
    wanted = {
        code: min(20, max(1, round(DEV_SHARE * count)))
        for code, count in Counter(codes.tolist()).items()
    }
    dev: list[int] = []
    train: list[int] = []
    for at in order.tolist():
        code = int(codes[at])
        if wanted[code]:
            wanted[code] -= 1
            dev.append(at)
        else:
            train.append(at)
    return np.array(sorted(train), dtype=np.int64), np.array(sorted(dev), dtype=np.int64)
