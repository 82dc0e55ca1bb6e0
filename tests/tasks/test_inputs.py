from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from squeezebert.errors import ConfigError, InvalidInputError
from squeezebert.spec import TaskSpec
from squeezebert.tasks.inputs import check_logits, check_spec, check_text


@given(st.text())
def test_any_text_that_utf8_can_hold_passes(text: str) -> None:
    assert check_text(text, "here") is text


@pytest.mark.parametrize("value", [None, 3, b"bytes", ["a"], float("nan")])
def test_other_things_do_not(value: object) -> None:
    with pytest.raises(InvalidInputError, match=r"^data\.csv:3 is .* expected a string"):
        check_text(value, "data.csv:3")


def test_a_lone_surrogate_is_placed() -> None:
    with pytest.raises(InvalidInputError, match=r"text 0 .*'\\ud800', at character 2\nhint:"):
        check_text("ab\ud800c", "text 0")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (TaskSpec(task="masked_lm"), "is for 'masked_lm'"),
        (TaskSpec(task="text_classification", max_length=3), "max_length is 3"),
        (TaskSpec(task="text_classification", temperature=0.0), "temperature is 0"),
        (TaskSpec(task="text_classification", temperature=float("nan")), "temperature is nan"),
        (TaskSpec(task="text_classification", labels=("a", "b", "a")), "one twice"),
    ],
)
def test_specs_that_cannot_be(spec: TaskSpec, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_spec(spec, "text_classification", shortest=4)


def test_logits_must_be_numbers_of_the_right_shape() -> None:
    check_logits(np.array([-np.inf, 1.0], dtype=np.float32), (2,))
    with pytest.raises(InvalidInputError, match=r"shape \(2,\), expected \(3,\)"):
        check_logits(np.zeros(2, dtype=np.float32), (3,))
    with pytest.raises(InvalidInputError, match="NaN"):
        check_logits(np.array([np.nan], dtype=np.float32), (1,))
