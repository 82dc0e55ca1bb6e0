from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from squeezebert.errors import InvalidInputError
from squeezebert.tasks.calibration import fit_temperature
from squeezebert.tasks.metrics import calibration_error, log_softmax, sigmoid, softmax


def _sampled(temperature: float, items: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Logits that are too sure by ``temperature``, and labels drawn from the honest ones."""
    rng = np.random.default_rng(1)
    honest = rng.normal(size=(items, 4)) * 2
    labels = (np.cumsum(softmax(honest), axis=1) < rng.random((items, 1))).sum(axis=1)
    return honest * temperature, np.minimum(labels, 3)


@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
def test_recovers_the_temperature_and_calibrates(temperature: float) -> None:
    logits, labels = _sampled(temperature)
    fitted = fit_temperature(logits, labels)
    assert fitted == pytest.approx(temperature, rel=0.05)
    probabilities = softmax(logits / fitted)
    right = probabilities.argmax(axis=1) == labels
    assert calibration_error(probabilities.max(axis=1), right) < 0.015


def test_agrees_with_scipy() -> None:
    logits, labels = _sampled(2.0, items=300)

    def loss(temperature: float) -> float:
        return -float(log_softmax(logits / temperature)[np.arange(300), labels].mean())

    best = minimize_scalar(loss, bounds=(0.05, 20.0), method="bounded", options={"xatol": 1e-8})
    assert fit_temperature(logits, labels) == pytest.approx(best.x, rel=1e-3)


def test_yes_or_no_labels() -> None:
    rng = np.random.default_rng(2)
    honest = rng.normal(size=(20_000, 3)) * 2
    flags = (rng.random(honest.shape) < sigmoid(honest)).astype(np.float32)
    assert fit_temperature(honest * 2.5, flags) == pytest.approx(2.5, rel=0.05)


def test_stays_in_its_range() -> None:
    all_right = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert fit_temperature(all_right, np.array([0, 1])) == pytest.approx(0.05, rel=1e-3)
    assert fit_temperature(all_right, np.array([1, 0])) == pytest.approx(20.0, rel=1e-3)
    assert fit_temperature(np.zeros((0, 3)), np.zeros(0, dtype=np.int64)) == 1.0


@pytest.mark.parametrize(
    ("logits", "labels"),
    [
        (np.zeros((3, 2)), np.zeros(2, dtype=np.int64)),
        (np.zeros(3), np.zeros(3, dtype=np.int64)),
        (np.array([[np.nan, 0.0]]), np.array([0])),
    ],
)
def test_refuses_what_does_not_fit(logits: np.ndarray, labels: np.ndarray) -> None:
    with pytest.raises(InvalidInputError):
        fit_temperature(logits, labels)
