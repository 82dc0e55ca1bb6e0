"""ONNX files of a checkpoint, each made once and kept.

A graph is called by how it was made: where it comes from, then the steps, joined by ``+``.

==============  ==================================================================================
``theirs``      the model of ``transformers`` by torch's exporter
``plain``       the same with attention written out: the fused one is exported with a guard
                against rows without any token, which costs time and hides the pattern from NNCF
``ours``        our model, where a grouped layer is one batched product; attention written out
``by_group``    the same with one product a group between a split and a concatenation
``slim``        onnxslim: constants folded
``fuse``        ONNX Runtime's own optimizer for transformers: attention, LayerNorm and GELU fused
``dynamic``     int8 weights, activations quantized on the fly, one scale a tensor
``dynamic_pc``  the same with one scale a weight channel
``static``      int8 weights and activations, calibrated on random ids
==============  ==================================================================================
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from experiments.peers.runtimes.base import Setup, feeds
from squeezebert.batch import RaggedBatch
from squeezebert.checkpoint.directory import read_config

CALIBRATION_BATCHES, CALIBRATION_LENGTH = 16, 128


def make_graph(setup: Setup, graph: str) -> Path:
    """The file of that graph."""
    path = setup.cache / f"{graph}.onnx"
    if path.is_file():
        return path
    source, _, step = graph.rpartition("+")
    setup.cache.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".part")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if source:
            STEPS[step](setup, make_graph(setup, source), temporary)
        else:
            _export(setup, step, temporary)
    temporary.replace(path)
    return path


def _export(setup: Setup, source: str, path: Path) -> None:
    import torch

    from experiments.peers.runtimes.torch_models import Ours, Theirs

    checkpoint = str(setup.checkpoint)
    if source in ("theirs", "plain"):
        model: Any = Theirs(checkpoint, "eager" if source == "plain" else None)
    else:
        model = Ours(checkpoint, explicit=True)
        if source == "by_group":
            _split_groups(model)
    batch = next(
        random_batches(setup, 1, min(48, read_config(setup.checkpoint).max_position_embeddings))
    )
    arrays = {name: torch.from_numpy(value) for name, value in feeds(batch).items()}
    axes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("sequence")}
    with torch.no_grad():
        torch.onnx.export(
            model.eval(),
            tuple(arrays.values()),
            str(path),
            input_names=list(arrays),
            output_names=["last_hidden_state"],
            dynamic_shapes=dict.fromkeys(arrays, axes),
            external_data=False,
            dynamo=True,
        )


def _split_groups(model: Any) -> None:
    """Replaces every grouped layer by one linear layer a group."""
    import torch
    from torch import Tensor, nn

    from squeezebert.model.grouped_linear import GroupedLinear

    class ByGroup(nn.Module):
        """One product a group."""

        def __init__(self, layer: GroupedLinear) -> None:
            super().__init__()
            self.parts = nn.ModuleList()
            for weight, bias in zip(layer.weight, layer.bias.chunk(layer.groups), strict=True):
                part = nn.Linear(*weight.shape)
                part.weight = nn.Parameter(weight.T.contiguous())
                part.bias = nn.Parameter(bias.clone())
                self.parts.append(part)

        def forward(self, x: Tensor) -> Tensor:
            slices = x.chunk(len(self.parts), dim=-1)
            parts = [part(piece) for part, piece in zip(self.parts, slices, strict=True)]
            return torch.cat(parts, dim=-1)

    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, GroupedLinear) and child.groups > 1:
                setattr(module, name, ByGroup(child))


def _slim(setup: Setup, source: Path, target: Path) -> None:
    import onnx
    import onnxslim

    del setup
    onnx.save(onnxslim.slim(str(source)), str(target))


def _fuse(setup: Setup, source: Path, target: Path) -> None:
    from onnxruntime.transformers import optimizer

    config = read_config(setup.checkpoint)
    fused = optimizer.optimize_model(
        str(source),
        model_type="bert",
        num_heads=config.num_attention_heads,
        hidden_size=config.hidden_size,
        opt_level=0,
    )
    fused.save_model_to_file(str(target))


def _dynamic(setup: Setup, source: Path, target: Path, *, per_channel: bool = False) -> None:
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    del setup
    quantize_dynamic(
        source,
        target,
        weight_type=QuantType.QInt8,
        per_channel=per_channel,
        # Behind ONNX Runtime's own fused operators its shape inference knows no types.
        extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
    )


def _dynamic_per_channel(setup: Setup, source: Path, target: Path) -> None:
    _dynamic(setup, source, target, per_channel=True)


def _static(setup: Setup, source: Path, target: Path) -> None:
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

    class Reader(CalibrationDataReader):
        """Random ids."""

        def __init__(self) -> None:
            self.batches = random_batches(setup, CALIBRATION_BATCHES, CALIBRATION_LENGTH)

        def get_next(self) -> Any:
            batch = next(self.batches, None)
            return None if batch is None else feeds(batch)

    # Products of weights alone: attention probabilities do not bear a fixed scale.
    graph = onnx.load(source).graph
    weights = {tensor.name for tensor in graph.initializer}
    nodes = [
        node.name
        for node in graph.node
        if node.op_type in ("Conv", "MatMul", "Gemm") and node.input[1] in weights
    ]
    quantize_static(
        source,
        target,
        Reader(),
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        nodes_to_quantize=nodes,
    )


def random_batches(setup: Setup, count: int, length: int) -> Iterator[RaggedBatch]:
    """Batches of one sequence of random ids."""
    config = read_config(setup.checkpoint)
    length = min(length, config.max_position_embeddings)
    generator = np.random.default_rng(1)
    for _ in range(count):
        yield RaggedBatch.of([generator.integers(5, config.vocab_size, length)])


STEPS: dict[str, Callable[[Setup, Path, Path], None]] = {
    "slim": _slim,
    "fuse": _fuse,
    "dynamic": _dynamic,
    "dynamic_pc": _dynamic_per_channel,
    "static": _static,
}
