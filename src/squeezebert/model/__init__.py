"""The encoder, its heads and their checkpoints, in PyTorch."""

from squeezebert.model.encoder import Encoder, EncoderOutput
from squeezebert.model.grouped_linear import GroupedLinear
from squeezebert.model.heads import (
    HeadConfig,
    LogitsOutput,
    SpanOutput,
    TaskModel,
    attach_head,
    build_model,
)
from squeezebert.model.io import load_encoder, load_model, save_model

__all__ = [
    "Encoder",
    "EncoderOutput",
    "GroupedLinear",
    "HeadConfig",
    "LogitsOutput",
    "SpanOutput",
    "TaskModel",
    "attach_head",
    "build_model",
    "load_encoder",
    "load_model",
    "save_model",
]
