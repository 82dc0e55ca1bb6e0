"""What the page asks, answered by the native engine as the page's own would."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from squeezebert.engine import _native
from squeezebert.errors import InvalidInputError
from squeezebert.spec import TaskSpec


class NativeAnswers:
    """Models that are opened when they are first asked.

    Args:
        bundles: Their files by name.
        specs: What each is for.
    """

    def __init__(self, bundles: Mapping[str, Path], specs: Mapping[str, TaskSpec]) -> None:
        self._bundles, self._specs = bundles, specs
        self._models: dict[str, _native.TextModel] = {}

    def answer(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Answers a question of the page (``web/src/answers.ts`` has the forms). Positions count
        as JavaScript's strings do, in UTF-16.

        Args:
            question: ``model``, ``call`` (``classify``, ``tag``, ``fill`` or ``suggest``),
                ``text``, and ``topK`` and ``cursor`` where the call has them.

        Returns:
            ``answer``, and the ``milliseconds`` that it took.

        Raises:
            InvalidInputError: a question that cannot be answered.
        """
        name, call = _get(question, "model", str), _get(question, "call", str)
        text = _get(question, "text", str)
        if name not in self._bundles:
            raise InvalidInputError(f"there is no model {name!r}")
        if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
            raise InvalidInputError("the text holds half a character (a lone surrogate)")
        if name not in self._models:
            self._models[name] = _native.TextModel(str(self._bundles[name]), 1)
        model = self._models[name]
        places = _Places(text)
        begin = time.perf_counter()
        match call:
            case "classify":
                answer = _classification(model.classify(text, None), self._specs[name].labels)
            case "tag":
                answer = _entities(model.tag(text), text, places)
            case "fill":
                answer = _gaps(model.fill(text, _get(question, "topK", int)), places)
            case "suggest":
                cursor = places.character(_get(question, "cursor", int))
                answer = _words(model.suggest(text, cursor, _get(question, "topK", int)), places)
            case _:
                raise InvalidInputError(
                    f"call is {call!r}, expected classify, tag, fill or suggest"
                )
        return {"answer": answer, "milliseconds": 1e3 * (time.perf_counter() - begin)}


def _classification(scores: Sequence[float], labels: Sequence[str]) -> Any:
    best = sorted(zip(labels, scores, strict=True), key=lambda pair: -pair[1])
    return {
        "label": best[0][0],
        "scores": [{"label": label, "score": score} for label, score in best],
    }


def _entities(found: Sequence[tuple[str, int, int, float]], text: str, places: _Places) -> Any:
    return [
        {
            "type": kind,
            "text": text[start:end],
            "start": places.utf16(start),
            "end": places.utf16(end),
            "score": score,
        }
        for kind, start, end, score in found
    ]


def _gaps(
    found: Sequence[tuple[int, int, Sequence[tuple[str, float, str]]]], places: _Places
) -> Any:
    return [
        {
            "start": places.utf16(start),
            "end": places.utf16(end),
            "candidates": [{"token": token, "score": score} for token, score, _ in candidates],
        }
        for start, end, candidates in found
    ]


def _words(found: tuple[int, int, Sequence[tuple[str, str, float]]], places: _Places) -> Any:
    start, end, words = found
    return {
        "start": places.utf16(start),
        "end": places.utf16(end),
        "words": [{"word": word, "kind": kind, "score": score} for word, kind, score in words],
    }


class _Places:
    """Positions of a text in characters and in UTF-16."""

    def __init__(self, text: str) -> None:
        self._before = [0]
        for character in text:
            self._before.append(self._before[-1] + (2 if character > "\uffff" else 1))

    def utf16(self, character: int) -> int:
        return self._before[character]

    def character(self, utf16: int) -> int:
        if not 0 <= utf16 <= self._before[-1]:
            raise InvalidInputError(f"cursor is {utf16}, which is behind the text's end")
        return bisect_right(self._before, utf16) - 1  # within a character: its beginning


def _get(question: Mapping[str, Any], name: str, kind: type[Any]) -> Any:
    value = question.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise InvalidInputError(f"{name} is {value!r}, expected {kind.__name__}")
    return value
