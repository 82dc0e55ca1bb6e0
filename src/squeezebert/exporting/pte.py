"""A model as a program of ExecuTorch: lowering it, and running it in the runtime of the wheel."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from squeezebert.batch import RaggedBatch
from squeezebert.config import EncoderConfig
from squeezebert.errors import CheckpointError
from squeezebert.exporting.conv2d import Conv2dModel
from squeezebert.exporting.parameters import Parameters
from squeezebert.exporting.subject import Subject
from squeezebert.spec import TaskName

Float32 = NDArray[np.float32]

MOST_TEXTS = 8
"""Of a batch: memory is laid out for the largest."""


def lower_apart(source: Path, path: Path, *, int8: bool) -> None:
    """:func:`lower` in a process of its own: one that has lowered two models and then runs them has
    crashed, in ExecuTorch 1.5.1.

    Args:
        source: The model's directory.
        path: The file.
        int8: As for :func:`lower`.

    Raises:
        CheckpointError: it does not succeed; the message ends with what was told last.
    """
    kind = "int8" if int8 else "float32"
    command = [sys.executable, "-W", "ignore", "-m", __name__, str(source), str(path), kind]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        told = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise CheckpointError(f"ExecuTorch cannot lower {source} in {kind}: {told[-1]}")


def lower(parameters: Parameters, path: Path, *, max_length: int, int8: bool) -> None:
    """Writes a model as a program that XNNPACK runs as far as it can.

    Args:
        parameters: Weights and shape.
        path: The file.
        max_length: The most tokens of an input.
        int8: Whether weights are int8 with a scale a channel, and what meets them is rounded to
            int8 when it is known. Heads stay float32.
    """
    inputs = _inputs(parameters.config.vocab_size, 2, min(16, max_length))
    axes = {
        0: torch.export.Dim("batch", max=MOST_TEXTS),
        1: torch.export.Dim("length", max=max_length),
    }
    shapes = (axes, axes, axes)
    exir = import_module("executorch.exir")
    xnnpack = import_module("executorch.backends.xnnpack.partition.xnnpack_partitioner")
    with torch.no_grad():
        model: Any = Conv2dModel(parameters, int8=int8).eval()
        program = torch.export.export(model, inputs, dynamic_shapes=shapes)
        if int8:
            rounded = _rounded(program.module(), inputs)
            program = torch.export.export(rounded, inputs, dynamic_shapes=shapes)
        lowered = exir.to_edge_transform_and_lower(
            program, partitioner=[xnnpack.XnnpackPartitioner()]
        )
        path.write_bytes(lowered.to_executorch().buffer)


def _rounded(module: Any, inputs: tuple[torch.Tensor, ...]) -> Any:
    """The same with int8 products outside of the head."""
    quantizers = import_module("executorch.backends.xnnpack.quantizer.xnnpack_quantizer")
    steps = import_module("torchao.quantization.pt2e.quantize_pt2e")
    scheme = quantizers.get_symmetric_quantization_config(is_per_channel=True, is_dynamic=True)
    quantizer = quantizers.XNNPACKQuantizer().set_module_name("encoder", scheme)
    prepared = steps.prepare_pt2e(module, quantizer)
    prepared(*inputs)
    return steps.convert_pt2e(prepared)


def _inputs(vocabulary: int, texts: int, length: int) -> tuple[torch.Tensor, ...]:
    ids = torch.arange(texts * length).reshape(texts, length) % vocabulary
    return ids, torch.ones_like(ids), torch.zeros_like(ids)


class PteModel:
    """A program in memory, on padded batches of up to :data:`MOST_TEXTS`.

    Args:
        path: The file.
        config: The shape of the model.
        task: What it is for; None for a bare encoder.

    Raises:
        CheckpointError: a file that ExecuTorch does not take.
    """

    def __init__(self, path: Path, config: EncoderConfig, task: TaskName | None) -> None:
        self.config = config
        self._task = task
        try:
            # By path, and held: a program made of bytes dies with its caller's copy of them.
            runtime = import_module("executorch.runtime").Runtime.get()
            self._program: Any = runtime.load_program(path)
            self._forward: Any = self._program.load_method("forward")
        except Exception as error:
            raise CheckpointError(f"ExecuTorch does not take {path}: {error}") from error

    def logits(self, batch: RaggedBatch, positions: NDArray[np.int64] | None = None) -> Float32:
        """See :class:`squeezebert.tasks.base.Model`; of a bare encoder its last hidden states,
        (tokens, hidden_size).
        """
        input_ids, mask, token_type_ids = batch.padded(self.config.pad_token_id)
        arrays = (input_ids, mask, token_type_ids)
        feeds = [torch.from_numpy(array.astype(np.int64)) for array in arrays]
        outputs: Float32 = self._forward.execute(feeds)[0].numpy()
        if self._task == "text_classification":
            return outputs.copy()
        rows: Float32 = outputs[mask]
        return rows if positions is None else rows[positions]


def main() -> None:
    """Lowers one model: what :func:`lower_apart` starts."""
    source, path, kind = sys.argv[1:]
    subject = Subject.find(source)
    lower(subject.parameters, Path(path), max_length=subject.max_length, int8=kind == "int8")


if __name__ == "__main__":
    main()
