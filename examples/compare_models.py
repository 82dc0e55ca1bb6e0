"""A comparison from Python: the numbers to work with, and the files to look at."""

from __future__ import annotations

from pathlib import Path

import squeezebert
from squeezebert.report import write_report


def main() -> None:
    """Compares the shipped pair on a part of the sample news."""
    report = squeezebert.compare(
        ["squeezebert-mini-news", "bert-mini-news"],
        [squeezebert.open_dataset("sample_news", task="text_classification")],
        squeezebert.CompareSettings(limit=40, repetitions=1),
    )
    for result in report.results:
        print(
            f"{result.label:24} accuracy {result.scores['accuracy']:.3f}  "
            f"{result.cpu_seconds:.2f} CPU s  {result.speedup:.2f} times as fast as the baseline"
        )
    files = write_report(report, Path("comparison"))
    print(files.html)


if __name__ == "__main__":
    main()
