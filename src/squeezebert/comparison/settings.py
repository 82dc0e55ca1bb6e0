"""What a comparison is told: which models take part under what, and how they are measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from squeezebert.backends import DEFAULT_BACKEND
from squeezebert.errors import InvalidInputError


@dataclass(frozen=True, kw_only=True)
class CompareSettings:
    """How :func:`squeezebert.compare` measures.

    Args:
        backends: What runs the models; every model under each of them.
        precisions: In what the engine computes; every model in each of them.
        baseline: What speed is compared with: the name of a model; ``transformers``, each model's
            double under Hugging Face's own code; or None, the first BERT on the data set.
        repetitions: Passes over each data set.
        limit: The most texts of a data set, drawn at random by ``seed``; all where None.
        threads: CPU threads of each model; all usable cores where None.
        batch_tokens: The most tokens of a batch; what suits each backend where None.
        block_texts: Texts that a model answers before the next model's turn.
        warmup_texts: Texts that each model answers before time is taken.
        latency_texts: Texts for the latency at batch 1.
        pseudo_texts: Documents of a masked-LM data set for the pseudo-perplexity, which takes a run
            of the model for each of their tokens; 0 leaves it out.
        examples: The most texts a data set on which the models differ, to be shown.
        memory: Whether to try each model in a process of its own and measure its peak memory.
        reference: A file of reference embeddings for masked LM; see
            :func:`squeezebert.comparison.reference.choose_reference` for None.
        seed: Of what is drawn: the limit, the latency's texts, the examples shown.

    Raises:
        InvalidInputError: a number that cannot be.

    >>> CompareSettings(repetitions=0)
    Traceback (most recent call last):
    squeezebert.errors.InvalidInputError: repetitions is 0, expected 1 or more
    """

    backends: Sequence[str] = (DEFAULT_BACKEND,)
    precisions: Sequence[str] = ("auto",)
    baseline: str | None = None
    repetitions: int = 3
    limit: int | None = None
    threads: int | None = None
    batch_tokens: int | None = None
    block_texts: int = 32
    warmup_texts: int = 16
    latency_texts: int = 50
    pseudo_texts: int = 4
    examples: int = 8
    memory: bool = True
    reference: Path | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        least = {
            "repetitions": 1,
            "limit": 1,
            "threads": 1,
            "batch_tokens": 1,
            "block_texts": 1,
            "warmup_texts": 1,
            "latency_texts": 1,
            "pseudo_texts": 0,
            "examples": 0,
            "seed": 0,
        }
        for name, lowest in least.items():
            value = getattr(self, name)
            if value is not None and value < lowest:
                raise InvalidInputError(f"{name} is {value}, expected {lowest} or more")
