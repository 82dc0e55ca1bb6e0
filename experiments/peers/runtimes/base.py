"""What the worker asks of a run-time, and what padded run-times share.

Axes: ``tokens`` is the sum of all lengths, ``sequences`` their number, ``longest`` the longest.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from squeezebert.batch import RaggedBatch

Float32 = NDArray[np.float32]

PAD = 0
"""What stands where a shorter sequence has no token; the attention mask hides it."""


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What a run-time is to load.

    Args:
        checkpoint: A directory that ``transformers`` reads.
        compact: The same model as an int8 file of ours.
        cache: Where exported graphs are kept.
        precision: ``float32``, ``bf16`` or ``int8``.
        graph: Which of its exports, where it has several.
        threads: How many threads a call may use.
        isa: The instruction set to keep to, or None.
    """

    checkpoint: Path
    compact: Path
    cache: Path
    precision: str
    graph: str
    threads: int
    isa: str | None


class Runtime(Protocol):
    """A loaded model. Its times are taken around :meth:`call` alone."""

    padded: bool
    """Whether a batch costs its longest sequence times their number."""

    def many_shapes(self) -> None:
        """Calls of ever new shapes follow: the chance to get ready for it."""
        ...

    def inputs(self, batch: RaggedBatch) -> Any:
        """The batch in the run-time's own form."""
        ...

    def call(self, inputs: Any) -> Any:
        """Runs the encoder."""
        ...

    def hidden(self, outputs: Any, batch: RaggedBatch) -> Float32:
        """The last hidden states, (tokens, hidden_size)."""
        ...

    def first(self, outputs: Any, batch: RaggedBatch) -> Float32:
        """The state of the first token of each sequence, (sequences, hidden_size)."""
        ...


class PaddedRuntime:
    """A run-time that takes rectangles and gives NumPy arrays (sequences, longest, hidden_size)."""

    padded = True

    def many_shapes(self) -> None:
        """See :class:`Runtime`; nothing to do."""

    def array(self, outputs: Any) -> NDArray[Any]:
        """What :meth:`Runtime.call` gave as an array (sequences, longest, hidden_size)."""
        return outputs

    def hidden(self, outputs: Any, batch: RaggedBatch) -> Float32:
        """See :class:`Runtime`."""
        mask = batch.padded(PAD)[1]
        return self.array(outputs)[mask].astype(np.float32)

    def first(self, outputs: Any, batch: RaggedBatch) -> Float32:
        """See :class:`Runtime`."""
        del batch
        return self.array(outputs)[:, 0].astype(np.float32)


def feeds(batch: RaggedBatch) -> dict[str, NDArray[np.int64]]:
    """The batch as graphs take it: ids and mask, (sequences, longest) each, by name."""
    input_ids, mask, _ = batch.padded(PAD)
    return {"input_ids": input_ids, "attention_mask": mask.astype(np.int64)}
