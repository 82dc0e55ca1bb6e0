"""GLUE's official scores, from logits to the number, against scikit-learn and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from sklearn import metrics as sk

from squeezebert.data.examples import TextExample
from squeezebert.data.sources import SOURCES
from squeezebert.errors import InvalidInputError
from squeezebert.tasks import TaskSpec, TextClassification
from squeezebert.tasks.glue import GLUE_TASKS, choose_glue_tasks, official_scores
from squeezebert.tokenizer import Tokenizer


def scored(name: str, labels: tuple[str, ...], kind: str, true: list, logits: np.ndarray) -> dict:
    tokenizer = Tokenizer.from_vocabulary(
        ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], lowercase=True
    )
    spec = TaskSpec(
        task="text_classification",
        labels=labels,
        problem_type=kind,  # type: ignore[arg-type]
        max_length=8,
    )
    task = TextClassification(spec, tokenizer)
    examples = [TextExample(text="a", pair="b", label=label) for label in true]
    features = task.encode(examples, with_labels=True)
    kept = [task.reduce(item, row) for item, row in zip(features, logits, strict=True)]
    return official_scores(GLUE_TASKS[name], task.score(examples, features, kept))


@pytest.mark.parametrize("name", [name for name in GLUE_TASKS if name != "stsb"])
def test_classes(name: str) -> None:
    labels = SOURCES[name].labels
    draw = np.random.default_rng(1)
    logits = draw.normal(size=(200, len(labels))).astype(np.float32)
    # Half of them right, so that no score is one of chance.
    true = np.where(
        draw.random(200) < 0.5, logits.argmax(axis=1), draw.integers(len(labels), size=200)
    )
    predicted = logits.argmax(axis=1)
    found = scored(name, labels, "single_label", [labels[at] for at in true], logits)
    expected = {
        "accuracy": sk.accuracy_score(true, predicted),
        "matthews": sk.matthews_corrcoef(true, predicted),
    }
    if "f1" in GLUE_TASKS[name].scores:
        positive = labels.index(GLUE_TASKS[name].positive)
        assert positive == 1  # GLUE's own code for it, the one that its F1 is about
        expected["f1"] = sk.f1_score(true, predicted, pos_label=positive)
    assert found == pytest.approx({key: expected[key] for key in found}, abs=1e-12)
    assert tuple(found) == GLUE_TASKS[name].scores


def test_similarities() -> None:
    draw = np.random.default_rng(2)
    true = np.round(draw.uniform(0, 5, size=100), 1)
    logits = (true + draw.normal(size=100)).astype(np.float32)
    found = scored("stsb", ("value",), "regression", true.tolist(), logits[:, None])
    assert found == pytest.approx(
        {
            "pearson": scipy.stats.pearsonr(true, logits).statistic,
            "spearman": scipy.stats.spearmanr(true, logits).statistic,
        },
        abs=1e-6,
    )


def test_every_task_is_known_data_with_a_dev_split() -> None:
    for name, task in GLUE_TASKS.items():
        assert "train" in SOURCES[name].files
        for dev in task.dev:
            assert "dev" in SOURCES[dev].files
            assert SOURCES[dev].labels == SOURCES[name].labels
        assert task.by_hub == (SOURCES[name].hub is not None)


def test_tasks_that_need_no_network_are_the_default() -> None:
    assert set(choose_glue_tasks()) == {"cola", "sst2", "mrpc", "stsb", "rte", "wnli"}
    assert list(choose_glue_tasks(["mnli", "sst2"])) == ["sst2", "mnli"]
    with pytest.raises(InvalidInputError, match=r"no task 'sts-b'(?s:.*)did you mean 'stsb'"):
        choose_glue_tasks(["sts-b"])
