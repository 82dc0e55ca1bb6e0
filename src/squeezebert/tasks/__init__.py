"""The tasks, one file each: encode, decode and score, without any framework."""

from __future__ import annotations

from typing import Any

from squeezebert.errors import ConfigError
from squeezebert.spec import TASK_NAMES, ProblemType, TaskName, TaskSpec
from squeezebert.tasks.base import IGNORE_INDEX, Features, Scores, Task
from squeezebert.tasks.calibration import fit_temperature
from squeezebert.tasks.filled_mask import Candidate, FilledMask, FilledMasks
from squeezebert.tasks.masked_lm import MaskedLM
from squeezebert.tasks.masking import mask_tokens
from squeezebert.tasks.reference import ReferenceEmbeddings
from squeezebert.tasks.text_classification import (
    Classification,
    MultiClassification,
    Regression,
    TextClassification,
    TextPrediction,
)
from squeezebert.tasks.token_classification import Entities, Entity, TokenClassification
from squeezebert.tokenizer import Tokenizer

__all__ = [
    "IGNORE_INDEX",
    "TASK_NAMES",
    "Candidate",
    "Classification",
    "Entities",
    "Entity",
    "Features",
    "FilledMask",
    "FilledMasks",
    "MaskedLM",
    "MultiClassification",
    "ProblemType",
    "ReferenceEmbeddings",
    "Regression",
    "Scores",
    "Task",
    "TaskName",
    "TaskSpec",
    "TextClassification",
    "TextPrediction",
    "TokenClassification",
    "fit_temperature",
    "make_task",
    "mask_tokens",
]


def make_task(
    spec: TaskSpec, tokenizer: Tokenizer, *, reference: ReferenceEmbeddings | None = None
) -> Task[Any, Any, Any]:
    """The task that ``spec`` names, with its default options.

    Args:
        spec: What ``task.json`` holds.
        tokenizer: The model's.
        reference: Masked LM only: the table for the average cosine similarity.

    Raises:
        ConfigError: an unknown task, or a spec that cannot be.

    >>> tokenizer = Tokenizer.from_vocabulary(
    ...     ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], lowercase=True
    ... )
    >>> make_task(TaskSpec(task="masked_lm"), tokenizer).name
    'masked_lm'
    """
    if spec.task == "masked_lm":
        return MaskedLM(spec, tokenizer, reference=reference)
    if spec.task == "text_classification":
        return TextClassification(spec, tokenizer)
    if spec.task == "token_classification":
        return TokenClassification(spec, tokenizer)
    raise ConfigError(f"no task is called {spec.task!r}, expected one of {', '.join(TASK_NAMES)}")
