from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest

import squeezebert.tasks as tasks
from squeezebert.errors import ConfigError
from squeezebert.tokenizer import Tokenizer
from squeezebert.wordpiece import SPECIAL_TOKENS

TOKENIZER = Tokenizer.from_vocabulary([*SPECIAL_TOKENS, "a", "b"], lowercase=True)


def test_makes_each_task() -> None:
    labels = {"text_classification": ("x", "y"), "token_classification": ("O", "B-X", "I-X")}
    for name in tasks.TASK_NAMES:
        spec = tasks.TaskSpec(task=name, labels=labels.get(name, ()))
        task = tasks.make_task(spec, TOKENIZER)
        assert task.name == name
        assert task.spec is spec


def test_hands_the_reference_on() -> None:
    reference = tasks.ReferenceEmbeddings(["a", "b"], [[1.0], [2.0]])
    task = tasks.make_task(tasks.TaskSpec(task="masked_lm"), TOKENIZER, reference=reference)
    assert isinstance(task, tasks.MaskedLM)
    assert task.reference is reference


def test_unknown_task() -> None:
    spec = dataclasses.replace(tasks.TaskSpec(task="masked_lm"), task="translation")  # pyright: ignore
    with pytest.raises(ConfigError, match=r"'translation', expected one of masked_lm,"):
        tasks.make_task(spec, TOKENIZER)


def test_no_framework_is_imported() -> None:
    code = (
        "import sys, squeezebert.tasks; "
        "print(sorted({'torch', 'transformers', 'sklearn', 'scipy'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
