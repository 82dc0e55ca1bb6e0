"""A model as a torch module in the form that ExecuTorch's XNNPACK backend runs fast.

Grouped projections are convolutions over images of one row, (B, C, 1, S), whose weights are stored
in that shape: only these are quantized dynamically and take any batch and length. Dense ones are
``nn.Linear``. Axes as in :mod:`squeezebert.exporting.encoder`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from squeezebert.checkpoint.directory import quantize_rows
from squeezebert.exporting.encoder import HIDDEN
from squeezebert.exporting.parameters import Layer, Parameters, projection_name


class Grouped(nn.Module):
    """A grouped projection, (B, S, in) to (B, S, out)."""

    def __init__(self, layer: Layer) -> None:
        super().__init__()
        groups, inner, _ = layer.weight.shape
        self.conv = nn.Conv2d(groups * inner, layer.width, 1, groups=groups)
        weight = layer.weight.transpose(0, 2, 1).reshape(layer.width, inner, 1, 1)
        _fill(self.conv, weight, layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return self.conv(x.transpose(1, 2).unsqueeze(2)).squeeze(2).transpose(1, 2)


class Table(nn.Module):
    """Embeddings; as int8 a scale a row, since ExecuTorch's quantizers leave them alone."""

    def __init__(self, rows: np.ndarray, *, int8: bool) -> None:
        super().__init__()
        scale: Tensor | None = None
        if int8:
            rows, scales = quantize_rows(rows)
            scale = torch.from_numpy(scales).unsqueeze(1)
        self.register_buffer("rows", torch.from_numpy(np.ascontiguousarray(rows)))
        self.register_buffer("scale", scale)

    def forward(self, ids: Tensor) -> Tensor:
        """(…) ids, (…, size) vectors."""
        rows: Any = self.rows
        scale: Any = self.scale
        found = functional.embedding(ids, rows)
        return found if scale is None else found.float() * functional.embedding(ids, scale)


class Block(nn.Module):
    """One of the encoder's."""

    def __init__(self, parameters: Parameters, name: str) -> None:
        super().__init__()
        config = parameters.config
        self.heads = config.num_attention_heads
        self.act = config.hidden_act
        for role in config.projection_sizes():
            layer = parameters.layer(f"{name}.{projection_name(role)}")
            self.add_module(role, projection(layer))
        self.attention_layer_norm = norm(parameters, f"{name}.attention_layer_norm")
        self.output_layer_norm = norm(parameters, f"{name}.output_layer_norm")

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """(B, S, H) to the same."""
        query, key, value = (
            self.get_submodule(role)(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for role in ("query", "key", "value")
        )
        scores = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5 + mask
        context = (scores.softmax(-1) @ value).transpose(1, 2).flatten(2)
        x = self.attention_layer_norm(self.get_submodule("post_attention")(context) + x)
        wide = activation(self.get_submodule("intermediate")(x), self.act)
        return self.output_layer_norm(self.get_submodule("output")(wide) + x)


class Encoder(nn.Module):
    """From ids to the last hidden states."""

    def __init__(self, parameters: Parameters, *, int8: bool) -> None:
        super().__init__()
        config, place = parameters.config, "encoder.embeddings"
        self.word, self.position, self.token_type = (
            Table(parameters.vector(f"{place}.{name}.weight"), int8=int8)
            for name in ("word", "position", "token_type")
        )
        self.layer_norm = norm(parameters, f"{place}.layer_norm")
        bottleneck = config.has_bottleneck
        self.projection = (
            projection(parameters.layer(f"{place}.projection")) if bottleneck else nn.Identity()
        )
        self.blocks = nn.ModuleList(
            Block(parameters, f"encoder.blocks.{at}") for at in range(config.num_hidden_layers)
        )

    def forward(self, input_ids: Tensor, mask: Tensor, token_type_ids: Tensor) -> Tensor:
        """(B, S) each to (B, S, H)."""
        positions = torch.arange(input_ids.shape[1], device=input_ids.device)
        x = self.word(input_ids) + self.token_type(token_type_ids) + self.position(positions)
        x = self.projection(self.layer_norm(x))
        absent = ((1 - mask.float()) * HIDDEN)[:, None, None, :]
        for block in self.blocks:
            x = block(x, absent)
        return x


class Head(nn.Module):
    """From the last hidden states to logits; the states themselves of a bare encoder."""

    def __init__(self, parameters: Parameters) -> None:
        super().__init__()
        spec = parameters.spec
        self.task = None if spec is None else spec.task
        self.act = parameters.config.hidden_act
        if self.task == "masked_lm":
            self.transform = projection(parameters.layer("head.transform"))
            self.layer_norm = norm(parameters, "head.layer_norm")
            tied = parameters.config.tie_word_embeddings
            table = parameters.vector(
                "encoder.embeddings.word.weight" if tied else "head.decoder.weight"
            )
            self.decoder = nn.Linear(table.shape[1], table.shape[0])
            _fill(self.decoder, table, parameters.vector("head.decoder.bias"))
        elif self.task is not None:
            self.classifier = projection(parameters.layer("head.classifier"))
            if self.task == "text_classification":
                self.pooler = projection(parameters.layer("encoder.pooler.dense"))

    def forward(self, x: Tensor) -> Tensor:
        """(B, S, H) to (B, labels), (B, S, labels) or (B, S, vocab_size)."""
        if self.task is None:
            return x
        if self.task == "masked_lm":
            return self.decoder(self.layer_norm(activation(self.transform(x), self.act)))
        if self.task == "text_classification":
            x = torch.tanh(self.pooler(x[:, 0]))
        return self.classifier(x)


class Conv2dModel(nn.Module):
    """A whole model.

    Args:
        parameters: Weights and shape.
        int8: Whether embeddings are kept as int8. What else is int8 is the quantizer's doing.
    """

    def __init__(self, parameters: Parameters, *, int8: bool) -> None:
        super().__init__()
        self.encoder = Encoder(parameters, int8=int8)
        self.head = Head(parameters)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
        """(B, S) int64 each; see :class:`Head`."""
        return self.head(self.encoder(input_ids, attention_mask, token_type_ids))


def projection(layer: Layer) -> nn.Module:
    """A layer as the module for its groups."""
    if layer.groups > 1:
        return Grouped(layer)
    dense = nn.Linear(layer.weight.shape[1], layer.width)
    _fill(dense, layer.weight[0].T, layer.bias)
    return dense


def norm(parameters: Parameters, name: str) -> nn.LayerNorm:
    """A LayerNorm over the last axis."""
    weight, bias = (parameters.vector(f"{name}.{part}") for part in ("weight", "bias"))
    layer = nn.LayerNorm(len(weight), eps=parameters.config.layer_norm_eps)
    _fill(layer, weight, bias)
    return layer


def activation(x: Tensor, kind: str) -> Tensor:
    """One of those that a config can name."""
    match kind:
        case "relu":
            return functional.relu(x)
        case "silu":
            return functional.silu(x)
        case "gelu_new":
            return functional.gelu(x, approximate="tanh")
        case _:
            return functional.gelu(x)


def _fill(module: Any, weight: np.ndarray, bias: np.ndarray) -> None:
    with torch.no_grad():
        module.weight.copy_(torch.from_numpy(np.ascontiguousarray(weight)))
        module.bias.copy_(torch.from_numpy(np.ascontiguousarray(bias)))
