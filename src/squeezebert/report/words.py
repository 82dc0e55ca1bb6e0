"""How a number, a score's name and a comparison read in a report.

A missing value (None, NaN, infinite) reads as an en dash everywhere.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

MISSING = "–"
MINUS = "−"

TASK_TITLES = {
    "masked_lm": "Masked language modeling",
    "text_classification": "Text classification",
    "token_classification": "Token classification",
}

_TITLES = {
    "average_cosine_similarity": "average cosine similarity",
    "random_pair_cosine": "cosine of random pairs",
    "most_frequent_cosine": "cosine of the most frequent token",
    "cosine_coverage": "tokens with a cosine",
    "cross_entropy": "masked cross-entropy",
    "pseudo_perplexity": "pseudo-perplexity",
    "ece": "calibration error (ECE)",
    "entity_f1": "entity F1",
    "entity_precision": "entity precision",
    "entity_recall": "entity recall",
    "macro_f1": "macro F1",
    "micro_f1": "micro F1",
    "matthews": "Matthews correlation",
}
# Fragments of names: what counts parts of a whole reads as a percentage, what is bounded by 1 has
# differences in hundredths ("points"), and of what measures errors less is better.
_SHARES = ("accuracy", "f1", "precision", "recall", "exact_match", "ece", "coverage")
_BOUNDED = ("cosine", "correlation", "matthews", "pearson", "spearman")
_LOWER_IS_BETTER = ("perplexity", "entropy", "loss", "error", "ece")


@dataclass(frozen=True)
class Measure:
    """What a score's name says about its values.

    Args:
        name: As in ``Result.scores``.

    >>> Measure("entity_f1").show(0.8412)
    '84.1%'
    >>> Measure("entity_f1").difference(0.8412, 0.8533)
    '−1.2'
    >>> Measure("perplexity").higher_is_better
    False
    """

    name: str

    def _has(self, fragments: tuple[str, ...]) -> bool:
        words = f"_{self.name.lower()}_"
        return any(re.search(f"_{part}s?_", words) for part in fragments)

    @property
    def title(self) -> str:
        """The name in words."""
        if self.name in _TITLES:
            return _TITLES[self.name]
        words = self.name.replace("_", " ").strip() or MISSING
        return re.sub(r"\btop ?(\d+)\b", r"top-\1", words).replace("f1", "F1")

    @property
    def is_share(self) -> bool:
        """Whether it reads as a percentage."""
        return self._has(_SHARES)

    @property
    def has_points(self) -> bool:
        """Whether its differences read in points, hundredths of the score."""
        return self.is_share or self._has(_BOUNDED)

    @property
    def higher_is_better(self) -> bool:
        """False for errors and perplexities."""
        return not self._has(_LOWER_IS_BETTER)

    def show(self, value: float | None) -> str:
        """The value as it stands in a table."""
        if value is None or not math.isfinite(value):
            return MISSING
        if self.is_share and -1 <= value <= 1:
            return f"{signed(100 * value, 1)}%"
        return signed(value, 3) if self.has_points else significant(value)

    def points(self, value: float | None, baseline: float | None) -> float | None:
        """How much better than the baseline, in points; None where that has no meaning."""
        if value is None or baseline is None or not self.has_points:
            return None
        gain = 100 * (value - baseline) * (1 if self.higher_is_better else -1)
        return gain if math.isfinite(gain) else None

    def difference(self, value: float | None, baseline: float | None) -> str:
        """``value - baseline`` with its sign: in points where it has them, else as it is."""
        if value is None or baseline is None or not math.isfinite(value - baseline):
            return MISSING
        if self.has_points:
            return signed(100 * (value - baseline), 1, plus=True)
        text = significant(value - baseline)
        return text if text.startswith(MINUS) or text == "0" else f"+{text}"


def signed(value: float | None, decimals: int, *, plus: bool = False) -> str:
    """A number with a true minus sign, without a sign where it rounds to zero.

    >>> signed(-0.04, 1), signed(2.25, 1, plus=True), signed(None, 1)
    ('0.0', '+2.2', '–')
    """
    if value is None or not math.isfinite(value):
        return MISSING
    text = f"{abs(value):,.{decimals}f}"
    if not float(text.replace(",", "")):
        return text
    return f"{MINUS if value < 0 else '+' if plus else ''}{text}"


def significant(value: float | None, digits: int = 3) -> str:
    """A number to a few significant digits, whole numbers in full.

    >>> significant(0.012345), significant(62.666), significant(1234.5), significant(0)
    ('0.0123', '62.7', '1,234', '0')
    """
    if value is None or not math.isfinite(value):
        return MISSING
    if value == 0:
        return "0"
    if abs(value) >= 1e7 or abs(value) < 1e-6:
        return f"{value:.{digits - 1}e}".replace("-", MINUS)
    # Rounded first, because 9.996 has one decimal less than 9.99.
    size = math.floor(math.log10(abs(float(f"{value:.{digits - 1}e}"))))
    return signed(value, max(0, digits - 1 - size))


def times(value: float | None, decimals: int = 2) -> str:
    """A ratio.

    >>> times(1.4211), times(12.3456), times(0.004321), times(float("nan"))
    ('1.42×', '12.3×', '0.0043×', '–')
    """
    if value is None or not math.isfinite(value):
        return MISSING
    if 0 < value < 0.095:
        return f"{significant(value, decimals)}×"
    return f"{value:.{decimals if value < 10 else max(0, decimals - 1)}f}×"


def count(value: float | None) -> str:
    """A large number in thousands or millions.

    >>> count(51_100_000), count(8_812), count(312)
    ('51.1 M', '8.8 k', '312')
    """
    if value is None or not math.isfinite(value):
        return MISSING
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.1f} {unit}"
    return f"{value:,.0f}"


def task_title(task: str) -> str:
    """The task in words."""
    return TASK_TITLES.get(task, task.replace("_", " ").capitalize())


def shorten(text: str, length: int) -> str:
    """Cut in the middle, because names of models differ at their ends.

    >>> shorten("squeezebert-mini-ner-en", 15)
    'squeeze…-ner-en'
    """
    if len(text) <= length:
        return text
    head = length // 2
    return f"{text[:head]}…{text[len(text) - (length - head - 1) :]}"


def listed(items: list[str]) -> str:
    """``a, b and c``."""
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)
