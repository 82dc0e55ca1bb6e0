"""Several models over several data sets, side by side; ``docs/comparison.md`` tells the method."""

from __future__ import annotations

from squeezebert.comparison.measure import Progress
from squeezebert.comparison.run import compare
from squeezebert.comparison.schema import Report
from squeezebert.comparison.settings import CompareSettings

__all__ = ["CompareSettings", "Progress", "Report", "compare"]
