"""What a trained model is for: the content of ``task.json``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

TaskName = Literal["masked_lm", "text_classification", "token_classification"]
TASK_NAMES: tuple[TaskName, ...] = ("masked_lm", "text_classification", "token_classification")

ProblemType = Literal["single_label", "multi_label", "regression"]

Scheme = Literal["IOB1", "IOB2", "IOBES", "BILOU", "IO", "words"]
SCHEMES: tuple[Scheme, ...] = ("IOB1", "IOB2", "IOBES", "BILOU", "IO", "words")
"""How tags of words name entities; ``words``: labels of words."""

WordRule = Literal["conll", "pre_tokens"]


@dataclass(frozen=True, kw_only=True)
class TaskSpec:
    """All that is needed to use a model but its weights, shape and vocabulary.

    Args:
        task: One of :data:`TASK_NAMES`.
        labels: The head's outputs in order; empty for masked LM.
        problem_type: Text classification only.
        max_length: Longest model input in tokens, special ones included.
        languages: ISO 639-1 codes the model is meant for.
        temperature: Logits are divided by it before they become probabilities; fitted on the
            dev set so that confidences are calibrated.
        transitions: Token classification only: a score for each label after each other one, which
            the tags of a text are decided together by (:mod:`squeezebert.tasks.decoding`). Empty:
            words are decided one by one.
        words: Token classification only: how a raw text is cut into words. ``conll``: as the CoNLL
            data are, names with hyphens whole, which is what models fine-tuned here have learned
            from (:mod:`squeezebert.data.words`). ``pre_tokens``: by the model's own tokenizer, as
            ``transformers`` does with ``aggregation_strategy="first"``; for its checkpoints.
    """

    task: TaskName
    labels: tuple[str, ...] = ()
    problem_type: ProblemType = "single_label"
    max_length: int = 512
    languages: tuple[str, ...] = ()
    temperature: float = 1.0
    transitions: tuple[tuple[float | None, ...], ...] = ()
    words: WordRule = "conll"
