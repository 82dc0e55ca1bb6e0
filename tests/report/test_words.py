from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from squeezebert.report.words import (
    Measure,
    count,
    listed,
    shorten,
    signed,
    significant,
    times,
)


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf])
def test_a_missing_value_is_a_dash(value: float | None) -> None:
    assert {significant(value), signed(value, 2), times(value), count(value)} == {"–"}
    assert Measure("accuracy").show(value) == Measure("perplexity").show(value) == "–"
    assert Measure("accuracy").difference(value, 0.5) == "–"
    assert Measure("accuracy").points(0.5, value) is None


@pytest.mark.parametrize(
    ("name", "title", "shown", "higher"),
    [
        ("accuracy", "accuracy", "62.5%", True),
        ("token_accuracy", "token accuracy", "62.5%", True),
        ("entity_f1", "entity F1", "62.5%", True),
        ("top5_accuracy", "top-5 accuracy", "62.5%", True),
        ("average_cosine_similarity", "average cosine similarity", "0.625", True),
        ("matthews", "Matthews correlation", "0.625", True),
        ("ece", "calibration error (ECE)", "62.5%", False),
        ("perplexity", "perplexity", "0.625", False),
        ("pseudo_perplexity", "pseudo-perplexity", "0.625", False),
        ("mean_absolute_error", "mean absolute error", "0.625", False),
        ("something_new", "something new", "0.625", True),
    ],
)
def test_what_a_name_says(name: str, title: str, shown: str, higher: bool) -> None:
    measure = Measure(name)
    assert (measure.title, measure.show(0.625), measure.higher_is_better) == (title, shown, higher)


def test_differences_are_points_where_scores_are_bounded() -> None:
    assert Measure("accuracy").difference(0.89, 0.90) == "−1.0"
    assert Measure("average_cosine_similarity").difference(0.70, 0.65) == "+5.0"
    assert Measure("accuracy").difference(0.90004, 0.9) == "0.0"
    assert Measure("perplexity").difference(12.5, 10.0) == "+2.50"
    assert Measure("perplexity").points(12.5, 10.0) is None


def test_points_are_positive_for_the_better() -> None:
    assert Measure("accuracy").points(0.92, 0.9) == pytest.approx(2)
    assert Measure("ece").points(0.02, 0.05) == pytest.approx(3)


def test_a_share_out_of_range_is_not_called_a_percentage() -> None:
    assert Measure("accuracy").show(12.5) == "12.500"


@given(st.floats(min_value=1e-5, max_value=9e6))
def test_significant_digits_stay_near_the_value(value: float) -> None:
    read = float(significant(value).replace(",", "").replace("−", "-"))
    assert read == pytest.approx(value, rel=0.0051)


def test_extreme_values_stay_short() -> None:
    assert significant(1.5e-9) == "1.50e−09"
    assert len(significant(-1e300)) < 12


@given(st.text(max_size=60), st.integers(min_value=3, max_value=40))
def test_shortened_texts_fit(text: str, length: int) -> None:
    assert len(shorten(text, length)) <= length
    if len(text) <= length:
        assert shorten(text, length) == text


def test_lists() -> None:
    assert [listed(list("abc")[:size]) for size in range(4)] == ["", "a", "a and b", "a, b and c"]
