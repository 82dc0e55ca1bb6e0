"""An exported model in ONNX Runtime, as tasks ask it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from squeezebert.batch import RaggedBatch
from squeezebert.config import EncoderConfig
from squeezebert.errors import CheckpointError
from squeezebert.spec import TaskName

Float32 = NDArray[np.float32]


SATURATION_OPTION = "session.x64quantprecision"
"""Of ONNX Runtime. Its int8 products on x86 processors without VNNI add pairs in 16 bits, which
overflow; "1" has it take a slower and exact way there. It changes nothing elsewhere."""


def session_options(threads: int) -> Any:
    """ONNX Runtime's options for an exported model: so many threads, and exact products in int8
    whatever the processor.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry(SATURATION_OPTION, "1")
    return options


class OnnxModel:
    """A session over one file, on padded batches.

    Args:
        path: The file.
        config: The shape of the model.
        task: What it is for; None for a bare encoder.
        threads: How many threads a call may use.

    Raises:
        CheckpointError: a file that ONNX Runtime does not take.
    """

    def __init__(
        self, path: Path, config: EncoderConfig, task: TaskName | None, *, threads: int = 1
    ) -> None:
        import onnxruntime

        options = session_options(threads)
        self.config = config
        self._task = task
        try:
            self._session: Any = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # classes of its own, derived from Exception alone
            raise CheckpointError(f"ONNX Runtime does not take {path}: {error}") from error

    def logits(self, batch: RaggedBatch, positions: NDArray[np.int64] | None = None) -> Float32:
        """See :class:`squeezebert.tasks.base.Model`; of a bare encoder its last hidden states,
        (tokens, hidden_size).
        """
        input_ids, mask, token_type_ids = batch.padded(self.config.pad_token_id)
        feeds = {
            "input_ids": input_ids,
            "attention_mask": mask.astype(np.int64),
            "token_type_ids": token_type_ids.astype(np.int64),
        }
        (outputs,) = self._session.run(None, feeds)
        if self._task == "text_classification":
            return outputs
        rows: Float32 = outputs[mask]
        return rows if positions is None else rows[positions]
