"""What classical models reach on the rows that ours are trained on: docs/results.md tells it beside
ours.

``python -m experiments.classical [DATA ...]`` fits and scores each, a line of JSON a set.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

from squeezebert.classical import fit_classical
from squeezebert.data import open_dataset
from squeezebert.data.sources import SOURCES
from squeezebert.spec import TaskSpec

SETS = ("ag_news", "conll2003_en", "conll2003_de")


def main(argv: Sequence[str] | None = None) -> None:
    """See the module's text."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n\n")[0])
    parser.add_argument("data", nargs="*", default=SETS, metavar="DATA", help="known data sets")
    for name in parser.parse_args(argv).data:
        print(json.dumps(dataclasses.asdict(fitted_and_scored(name))), flush=True)


@dataclass(frozen=True)
class Scored:
    """A classical model's scores on the test part, and CPU seconds of fitting and of answering."""

    data: str
    model: str
    rows: int
    scores: dict[str, float]
    fit_cpu_seconds: float
    answer_cpu_seconds: float


def fitted_and_scored(name: str) -> Scored:
    """Fits what fits the data set's task."""
    task = SOURCES[name].task
    train, test = (open_dataset(name, task=task, split=split) for split in ("train", "test"))
    spec = TaskSpec(task=task, labels=train.labels, problem_type=train.problem_type)
    model = fit_classical(spec, train.examples)
    begun = time.process_time()
    features = model.features(test.examples, with_labels=True)
    scores = model.task.score(test.examples, features, model.reduced(test.examples, features))
    return Scored(
        data=name,
        model=model.name,
        rows=len(train),
        scores={key: round(value, 4) for key, value in scores.values.items()},
        fit_cpu_seconds=round(model.watch.cpu_seconds, 1),
        answer_cpu_seconds=round(time.process_time() - begun, 1),
    )


if __name__ == "__main__":
    main()
