"""Jobs as the tests of `predict` make them, and clusters that are no machines."""

from __future__ import annotations

from tests.predicting.conftest import classifier, directories, job, tagger

__all__ = ["classifier", "directories", "job", "tagger"]
