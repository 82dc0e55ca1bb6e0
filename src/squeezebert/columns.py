"""Texts out of other people's columns, and predictions as their frames; none of them is imported
unless it is asked for by name.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, Protocol, TypeAlias, cast

from squeezebert.errors import InvalidInputError, MissingDependencyError
from squeezebert.spec import TaskName
from squeezebert.tasks import MultiClassification, TextPrediction

FrameLibrary: TypeAlias = Literal["pandas", "polars", "pyarrow"]
"""What a frame of predictions may be one of."""

LIBRARIES: tuple[FrameLibrary, ...] = ("pandas", "polars", "pyarrow")


class _ToList(Protocol):
    """A Series of pandas or polars."""

    def to_list(self) -> list[Any]: ...


class _Tolist(Protocol):
    """An array of NumPy."""

    def tolist(self) -> Any: ...


class _ToPylist(Protocol):
    """An array of pyarrow."""

    def to_pylist(self) -> list[Any]: ...


Column: TypeAlias = _ToList | _Tolist | _ToPylist
"""A Series of pandas or polars, an array of NumPy or pyarrow."""

Text: TypeAlias = str | tuple[str, str]
"""A text, or a pair of texts for text classification."""

Texts: TypeAlias = list[str] | list[tuple[str, str]] | list[Text]
"""Several texts. A tuple will not do: one of two strings is a pair."""

Several: TypeAlias = Texts | Column | Iterator[Text]
"""Several texts as a list, as a column of another library, or one after the other."""

_METHODS = ("to_pylist", "to_list", "tolist")


def items_of(given: object) -> Iterable[object] | None:
    """The items of a list, a column or an iterator; None for anything else, such as a set, which
    has no order, or a whole frame.

    >>> import numpy as np
    >>> items_of(np.array(["good", "bad"]))
    ['good', 'bad']
    >>> items_of({"good", "bad"}) is None
    True
    """
    if isinstance(given, list | Iterator):
        return cast("Iterable[object]", given)
    if hasattr(given, "columns") or hasattr(given, "column_names"):
        return None
    for name in _METHODS:
        method = getattr(given, name, None)
        if method is not None:
            items = method()
            return cast("list[object]", items) if isinstance(items, list) else None
    if isinstance(given, Sequence) and not isinstance(given, str | bytes | tuple):
        return cast("Sequence[object]", given)
    return None


def refusal(given: object) -> InvalidInputError:
    """The error for something that holds no texts in order."""
    is_frame = hasattr(given, "columns") or hasattr(given, "column_names")
    return InvalidInputError(
        f"the input is of type {type(given).__name__}, expected a string, or strings as a list, a "
        "column (pandas, polars, NumPy, pyarrow) or an iterator",
        hint="give one of its columns" if is_frame else None,
    )


def make_frame(
    task: TaskName, given: object, predictions: Sequence[Any], library: FrameLibrary | None
) -> Any:
    """Predictions as a frame: of ``library``, else of the one that ``given`` is from, else of
    pandas.

    Text classification gives a row a text, ``label`` and ``score`` (and ``labels``, where a text
    may have several), under the index that a Series of pandas has. The other tasks give a row an
    entity (``row``, ``text``, ``type``, ``start``, ``end``, ``score``) or a candidate for a gap
    (``row``, ``token``, ``start``, ``end``, ``score``), where ``row`` counts the texts from 0.

    Raises:
        InvalidInputError: no such library.
        MissingDependencyError: it is not installed.
    """
    own = type(given).__module__.partition(".")[0]
    name = library or (own if own in LIBRARIES else "pandas")
    if name not in LIBRARIES:
        raise InvalidInputError(f"the library is {name!r}, expected one of {', '.join(LIBRARIES)}")
    try:
        module: Any = importlib.import_module(name)
    except ImportError as error:
        raise MissingDependencyError(
            f"a frame of {name} needs the package {name!r}, which is not installed",
            hint=f"pip install {name}",
        ) from error
    by_text = task == "text_classification"
    columns = _of_texts(predictions) if by_text else _of_parts(task, predictions)
    if name == "pandas":
        # The same index, so that both can be joined.
        index = getattr(given, "index", None) if by_text and own == "pandas" else None
        return module.DataFrame(columns, index=index)
    return module.DataFrame(columns) if name == "polars" else module.table(columns)


def _of_texts(predictions: Sequence[TextPrediction]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {
        "label": [one.label for one in predictions],
        "score": [one.score for one in predictions],
    }
    if any(isinstance(one, MultiClassification) for one in predictions):
        columns["labels"] = [
            list(one.labels) if isinstance(one, MultiClassification) else [] for one in predictions
        ]
    return columns


def _of_parts(task: TaskName, predictions: Sequence[Any]) -> dict[str, list[Any]]:
    """One row an entity, or a candidate for a gap; ``row`` is the number of its text."""
    names = ("text", "type", "start", "end", "score")
    parts = [(row, part) for row, found in enumerate(predictions) for part in found]
    if task == "masked_lm":
        names = ("token", "start", "end", "score")
        parts = [(row, one) for row, gap in parts for one in gap.candidates]
    columns: dict[str, list[Any]] = {"row": [row for row, _ in parts]}
    return columns | {name: [getattr(part, name) for _, part in parts] for name in names}
