"""llama.cpp by its Python package: BERT from a GGUF file, weights in its Q8_0."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.peers.runtimes.base import Float32, Setup
from squeezebert.batch import RaggedBatch
from squeezebert.checkpoint.directory import read_config

Ids = NDArray[np.int32]

CALL_TOKENS = 512
"""Sequences go in calls of so many tokens: it masks attention between those of one call, at the
price of their tokens squared."""

EMBEDDINGS = {
    "word_embeddings.weight": "token_embd.weight",
    "position_embeddings.weight": "position_embd.weight",
    "token_type_embeddings.weight": "token_types.weight",
    "LayerNorm.weight": "token_embd_norm.weight",
    "LayerNorm.bias": "token_embd_norm.bias",
}
LAYERS = {
    "attention.self.query": "attn_q",
    "attention.self.key": "attn_k",
    "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output",
    "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up",
    "output.dense": "ffn_down",
    "output.LayerNorm": "layer_output_norm",
}
"""Its names of BERT's tensors, by those of ``transformers``."""


class LlamaRuntime:
    """A context whose embeddings are those of the tokens."""

    padded = False

    def __init__(self, setup: Setup) -> None:
        import llama_cpp

        llama_cpp.llama_log_set(_QUIET, ctypes.c_void_p(0))
        llama_cpp.llama_backend_init()
        self.api: Any = llama_cpp
        self.model: Any = llama_cpp.llama_model_load_from_file(
            str(make_file(setup)).encode(), llama_cpp.llama_model_default_params()
        )
        self.width = int(llama_cpp.llama_model_n_embd(self.model))
        params = llama_cpp.llama_context_default_params()
        params.n_ctx = params.n_batch = params.n_ubatch = CALL_TOKENS
        params.n_seq_max = 64
        params.n_threads = params.n_threads_batch = setup.threads
        params.embeddings = True
        params.pooling_type = llama_cpp.LLAMA_POOLING_TYPE_NONE
        self.context: Any = llama_cpp.llama_init_from_model(self.model, params)
        self.batch: Any = llama_cpp.llama_batch_init(CALL_TOKENS, 0, 1)

    def many_shapes(self) -> None:
        """See :class:`~runtimes.base.Runtime`; every call may have any lengths anyway."""

    def inputs(self, batch: RaggedBatch) -> list[list[Ids]]:
        """The sequences of each call."""
        rows = np.split(batch.input_ids, batch.cu_seqlens[1:-1])
        calls: list[list[Ids]] = [[]]
        for row in rows:
            if calls[-1] and sum(map(len, calls[-1])) + len(row) > CALL_TOKENS:
                calls.append([])
            calls[-1].append(row)
        return calls

    def call(self, inputs: list[list[Ids]]) -> Float32:
        """See :class:`~runtimes.base.Runtime`."""
        return np.concatenate([self._encode(rows) for rows in inputs])

    def _encode(self, rows: list[Ids]) -> Float32:
        batch = self.batch
        lengths = [len(row) for row in rows]
        tokens = sum(lengths)
        batch.n_tokens = tokens

        def fill(field: Any, values: NDArray[Any]) -> None:
            np.ctypeslib.as_array(field, (tokens,))[:] = values

        fill(batch.token, np.concatenate(rows))
        fill(batch.pos, np.concatenate([np.arange(length) for length in lengths]))
        fill(batch.n_seq_id, np.ones(tokens))
        fill(batch.logits, np.ones(tokens))
        for token, sequence in enumerate(np.repeat(np.arange(len(rows)), lengths)):
            batch.seq_id[token][0] = int(sequence)
        if self.api.llama_encode(self.context, batch) != 0:
            raise RuntimeError("llama_encode refused a batch")
        states = self.api.llama_get_embeddings(self.context)
        return np.ctypeslib.as_array(states, (tokens, self.width)).copy()

    def hidden(self, outputs: Float32, batch: RaggedBatch) -> Float32:
        """See :class:`~runtimes.base.Runtime`."""
        del batch
        return outputs

    def first(self, outputs: Float32, batch: RaggedBatch) -> Float32:
        """See :class:`~runtimes.base.Runtime`."""
        return outputs[batch.cu_seqlens[:-1]]


@ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
def _QUIET(level: int, text: bytes, data: object) -> None:  # noqa: N802
    """Its log, of which only errors are wanted: they come as exceptions."""
    del level, text, data


def make_file(setup: Setup) -> Path:
    """The model as GGUF: made once, kept. Products' weights are Q8_0, all else float32."""
    path = setup.cache / "bert-q8_0.gguf"
    if path.is_file():
        return path
    import gguf
    from safetensors.numpy import load_file

    config = read_config(setup.checkpoint)
    tensors = load_file(setup.checkpoint / "model.safetensors")
    setup.cache.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    writer = gguf.GGUFWriter(part, "bert")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_head_count(config.num_attention_heads)
    writer.add_layer_norm_eps(config.layer_norm_eps)
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.NONE)
    # Ids are given as they are; a vocabulary there must be.
    writer.add_tokenizer_model("bert")
    writer.add_token_list([f"token{i}" for i in range(config.vocab_size)])
    writer.add_token_type_count(config.type_vocab_size)

    def add(name: str, value: NDArray[np.float32], *, quantized: bool = False) -> None:
        if quantized:
            kind = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(name, gguf.quants.quantize(value, kind), raw_dtype=kind)
        else:
            writer.add_tensor(name, value)

    for theirs, name in EMBEDDINGS.items():
        add(name, tensors[f"embeddings.{theirs}"], quantized=theirs.startswith("word"))
    for block in range(config.num_hidden_layers):
        for theirs, name in LAYERS.items():
            for part_name in ("weight", "bias"):
                value = tensors[f"encoder.layer.{block}.{theirs}.{part_name}"]
                add(f"blk.{block}.{name}.{part_name}", value, quantized=value.ndim == 2)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    part.rename(path)
    return path


def load(setup: Setup) -> LlamaRuntime:
    """See :func:`make_file`."""
    return LlamaRuntime(setup)


def prepare(setup: Setup) -> None:
    """Makes the file."""
    make_file(setup)
