"""What language a text seems to be in, by py3langid: word parts counted, no network, 97 languages.

It is right about a sentence nearly always and about a few words often wrong. So a text is told to
be in another language than the model's only where there is enough of it and little doubt.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from squeezebert.errors import InvalidInputError, MissingDependencyError

SHORTEST = 20
"""Letters; a shorter text is not judged."""

SUREST = 0.9
"""The least probability of another language than the model's own."""

_READ = 1000
"""Characters that are looked at."""


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
        try:
            from py3langid.langid import MODEL_FILE, LanguageIdentifier
        except ImportError as error:
            raise MissingDependencyError.for_extra(
                "py3langid", "language", "telling a text's language"
            ) from error
        self._languages = frozenset(languages)
        self._identifier: Any = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)

    def __call__(self, text: str) -> str:
        """The ISO 639-1 code; empty where the text is too short to tell, or in doubt.

        Args:
            text: Of any length; its beginning is looked at.
        """
        start = text[:_READ]
        if sum(map(str.isalpha, start)) < SHORTEST:
            return ""
        language, probability = self._identifier.classify(start)
        return str(language) if probability >= SUREST else ""
