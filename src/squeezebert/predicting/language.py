"""What language a text seems to be in, by py3langid: word parts counted, no network, 97 languages.

It is right about a sentence nearly always and about a few words often wrong. So a text is told to
be in another language than the model's only where there is enough of it and little doubt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from squeezebert.errors import InvalidInputError, MissingDependencyError

SHORTEST = 20
"""Letters; a shorter text is not judged."""

SUREST = 0.9
"""The least probability of another language than the model's own."""

SHARE = 0.1
"""Of the texts whose language is told: the least that makes it a language of all of them."""

_READ = 1000
"""Characters that are looked at."""

_SAMPLE = 500
"""Texts that are looked at, of many."""


class LanguageCheck:
    """Tells which language a text is in.

    Args:
        languages: ISO 639-1 codes that the model was made for.

    Raises:
        InvalidInputError: a model that does not say its languages.
        MissingDependencyError: no py3langid.
    """

    def __init__(self, languages: Sequence[str]) -> None:
        if not languages:
            raise InvalidInputError(
                "the model does not say which languages it was made for",
                hint='name them in its task.json, for example "languages": ["en"]',
            )
        self._language = identifier()

    def __call__(self, text: str) -> str:
        """The ISO 639-1 code; empty where the text is too short to tell, or in doubt.

        Args:
            text: Of any length; its beginning is looked at.
        """
        return self._language(text)


def identifier() -> Callable[[str], str]:
    """What tells the language of a text; see :class:`LanguageCheck`.

    Raises:
        MissingDependencyError: no py3langid.
    """
    try:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier
    except ImportError as error:
        raise MissingDependencyError.for_extra(
            "py3langid", "language", "telling a text's language"
        ) from error
    known: Any = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)

    def language(text: str) -> str:
        start = text[:_READ]
        if sum(map(str.isalpha, start)) < SHORTEST:
            return ""
        code, probability = known.classify(start)
        return str(code) if probability >= SUREST else ""

    return language


def languages_of(texts: Sequence[str]) -> tuple[str, ...]:
    """The languages that texts of one data set are in, the most frequent first; none where they are
    too short to tell, or in doubt.

    Args:
        texts: All of them; some are looked at.

    Raises:
        MissingDependencyError: no py3langid.
    """
    language = identifier()
    some = texts[:: max(len(texts) // _SAMPLE, 1)]
    told = Counter(filter(None, map(language, some)))
    if not told:  # single words, maybe; together they are many
        told = Counter(filter(None, [language(" ".join(some))]))
    return tuple(code for code, count in told.most_common() if count >= SHARE * told.total())
