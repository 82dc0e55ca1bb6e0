"""PyTorch: the models of ``transformers``, as they are and compiled, and ours."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from experiments.peers.runtimes.base import PaddedRuntime, Setup, feeds
from squeezebert.batch import RaggedBatch

DTYPES = {"float32": torch.float32, "bf16": torch.bfloat16}


class TorchRuntime(PaddedRuntime):
    """A module that takes ids and mask and gives the last hidden states."""

    def __init__(self, module: nn.Module, *, dtype: torch.dtype, threads: int) -> None:
        torch.set_num_threads(threads)
        self.module = module.eval().to(dtype)
        self.forward: Any = self.module

    def inputs(self, batch: RaggedBatch) -> tuple[Tensor, Tensor | None]:
        """No mask where nothing is padded: both models have a shorter way then."""
        arrays = feeds(batch)
        mask = torch.from_numpy(arrays["attention_mask"])
        return torch.from_numpy(arrays["input_ids"]), None if mask.all() else mask

    def call(self, inputs: tuple[Tensor, Tensor | None]) -> Tensor:
        """See :class:`~runtimes.base.Runtime`."""
        with torch.inference_mode():
            return self.forward(*inputs)

    def array(self, outputs: Tensor) -> Any:
        """See :class:`~runtimes.base.PaddedRuntime`."""
        return outputs.float().numpy()


class CompiledRuntime(TorchRuntime):
    """The same through ``torch.compile``: a graph for every shape, and for texts one for all."""

    def __init__(
        self, module: nn.Module, *, dtype: torch.dtype, threads: int, isa: str | None
    ) -> None:
        super().__init__(module, dtype=dtype, threads=threads)
        import torch._dynamo
        import torch._inductor.config as inductor

        torch._dynamo.config.recompile_limit = 64
        inductor.freezing = True  # weights are constants: packed once, as for serving
        if isa is not None:
            inductor.cpp.simdlen = 512 if isa.startswith(("avx512", "amx")) else 256
        self.forward = torch.compile(self.module, dynamic=False)

    def many_shapes(self) -> None:
        """See :class:`~runtimes.base.Runtime`."""
        self.forward = torch.compile(self.module, dynamic=True)

    def call(self, inputs: tuple[Tensor, Tensor | None]) -> Tensor:
        """Without ``inference_mode``, under which graphs are not frozen."""
        with torch.no_grad():
            return self.forward(*inputs)


class Theirs(nn.Module):
    """A model of ``transformers`` from ids and mask to the last hidden states, without pooler.

    Args:
        checkpoint: Its directory.
        attention: Their name of the attention code; None leaves their choice.
    """

    def __init__(self, checkpoint: str, attention: str | None = None) -> None:
        super().__init__()
        from transformers import AutoModel

        self.model: Any = AutoModel.from_pretrained(checkpoint, attn_implementation=attention)
        # BertModel can do without a pooler, SqueezeBertModel calls what is there.
        self.model.pooler = None if self.model.config.model_type == "bert" else nn.Identity()

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """(sequences, longest, hidden_size)."""
        return self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state


class Ours(nn.Module):
    """Our model in PyTorch, the same way.

    Args:
        checkpoint: Its directory.
        explicit: Attention written out, for exporters.
    """

    def __init__(self, checkpoint: str, *, explicit: bool = False) -> None:
        super().__init__()
        from squeezebert.model import encoder, load_encoder

        self.encoder = load_encoder(checkpoint)
        self.encoder.pooler = None
        if explicit:
            encoder.scaled_dot_product_attention = _written_out  # type: ignore[assignment]

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """(sequences, longest, hidden_size)."""
        return self.encoder(input_ids, attention_mask).last_hidden_state


def _written_out(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, dropout_p: float
) -> Tensor:
    from squeezebert.model.encoder import explicit_attention

    return explicit_attention(query, key, value, mask, dropout_p)[0]


def load(setup: Setup) -> TorchRuntime:
    """``graph`` is ``eager`` or ``compiled`` for theirs, ``ours`` for ours."""
    dtype = DTYPES[setup.precision]
    checkpoint = str(setup.checkpoint)
    if setup.graph == "ours":
        return TorchRuntime(Ours(checkpoint), dtype=dtype, threads=setup.threads)
    theirs = Theirs(checkpoint)
    if setup.graph == "compiled":
        return CompiledRuntime(theirs, dtype=dtype, threads=setup.threads, isa=setup.isa)
    return TorchRuntime(theirs, dtype=dtype, threads=setup.threads)


def prepare(setup: Setup) -> None:
    """Nothing to make: these read the checkpoint."""
    del setup
