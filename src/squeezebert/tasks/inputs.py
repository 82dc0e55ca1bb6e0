"""What every task checks before it works: texts that are texts and fit, logits that are numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from squeezebert.data.messages import listed
from squeezebert.errors import ConfigError, DataError, InvalidInputError
from squeezebert.spec import TaskName, TaskSpec


def check_text(value: object, place: str) -> str:
    """``value`` if it is a string that UTF-8 can hold. Any other character is allowed, NUL
    included.

    Args:
        value: What the caller gave.
        place: Where it stands, for the message: ``data.csv:7`` or ``text 3``.

    Raises:
        InvalidInputError: not a string, or half of a surrogate pair.

    >>> check_text("fine", "text 0")
    'fine'
    """
    if not isinstance(value, str):
        raise InvalidInputError(
            f"{place} is {value!r:.40} of type {type(value).__name__}, expected a string"
        )
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidInputError(
            f"{place} holds half of a surrogate pair, {value[error.start]!a}, "
            f"at character {error.start}",
            hint="its bytes were not UTF-8: convert them, or in Python decode them with "
            "errors='replace'",
        ) from error
    return value


def check_single_text(value: object, place: str) -> str:
    """The same for a task that takes no pairs, whose message says so.

    Raises:
        InvalidInputError: a pair, or as for :func:`check_text`.
    """
    if isinstance(value, tuple):
        parts: tuple[object, ...] = value
        raise InvalidInputError(
            f"{place} is a tuple of {len(parts)}, expected a string",
            hint="pairs are tuples of two strings, for text classification only",
        )
    return check_text(value, place)


def check_spec(spec: TaskSpec, task: TaskName, shortest: int) -> None:
    """Refuses a spec that is for another task or leaves no room for a token.

    Args:
        spec: What ``task.json`` holds.
        task: The task that was asked for.
        shortest: The least ``max_length`` that the task can work with.

    Raises:
        ConfigError: see above.
    """
    if spec.task != task:
        raise ConfigError(f"the spec is for {spec.task!r}, expected {task!r}")
    if spec.max_length < shortest:
        raise ConfigError(
            f"max_length is {spec.max_length}, expected at least {shortest} for {task}"
        )
    if not 0.0 < spec.temperature < float("inf"):
        raise ConfigError(f"temperature is {spec.temperature}, expected a number above 0")
    if len(set(spec.labels)) != len(spec.labels):
        raise ConfigError(f"the labels {', '.join(spec.labels)} hold one twice")


def unknown_label(message: str, kind: str, labels: Sequence[str]) -> DataError:
    """The error for an answer in the data that the model does not have.

    Args:
        message: Where, and which.
        kind: What they are called, such as ``labels``.
        labels: The model's.
    """
    return DataError(
        message,
        hint=f"the model's {kind} are {listed(labels, 24)}; where the same go by other names, "
        "say which is which (evaluate --label-map OLD=NEW,…, or --label-map position; label_map "
        "of a recipe's data set)",
    )


def check_logits(logits: NDArray[np.float32], shape: tuple[int, ...]) -> None:
    """Refuses a model's answer that has the wrong shape or is not a number; a NaN would
    otherwise pass for a low score, or even a high one.

    Raises:
        InvalidInputError: see above.
    """
    if logits.shape != shape:
        raise InvalidInputError(
            f"the model gave logits of shape {logits.shape}, expected {shape}",
            hint="the head and task.json disagree about the labels or the vocabulary",
        )
    if np.isnan(logits).any():
        raise InvalidInputError(
            "the model gave NaN logits", hint="its weights are broken or its training diverged"
        )


def cut_lengths(lengths: list[int], room: int) -> list[int]:
    """How many tokens of one or two texts stay: the longer one is cut until both fit or are
    level, then both (as the ``tokenizers`` library's ``longest_first`` does).
    """
    if len(lengths) == 1:
        return [min(lengths[0], room)]
    short, long = sorted(lengths)
    long = min(long, max(short, room - short))
    if short + long > room:
        short, long = room // 2, room - room // 2
    return [short, long] if lengths[0] <= lengths[1] else [long, short]
