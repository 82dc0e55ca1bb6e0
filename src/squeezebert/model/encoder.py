"""The whole computation of BERT and SqueezeBERT, to be read from top to bottom.

Axes::

    B   batch            H   hidden_size            A   num_attention_heads
    S   sequence         E   embedding_size         D   head_size = H / A
                         I   intermediate_size

A block (Iandola et al. 2020, figure 1; Vaswani et al. 2017 for the attention)::

    x ── query, key, value ── attention ── post_attention ── + x ── LayerNorm ──┐
    ┌────────────────────────────────────────────────────────────────────────────┘
    └─ intermediate ── GELU ── output ── + ── LayerNorm ── x'

Each of the six projections is a :class:`GroupedLinear`. BERT is the case of one group everywhere.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from torch.utils.checkpoint import checkpoint

from squeezebert.config import EncoderConfig
from squeezebert.model.dropout import Dropout, dropout
from squeezebert.model.grouped_linear import GroupedLinear

ACTIVATIONS: dict[str, nn.Module] = {
    "gelu": nn.GELU(),
    "gelu_new": nn.GELU(approximate="tanh"),
    "relu": nn.ReLU(),
    "silu": nn.SiLU(),
}


class EncoderOutput(NamedTuple):
    """What the encoder gives.

    Attributes:
        last_hidden_state: (B, S, H).
        pooler_output: (B, H), or None for an encoder without a pooler.
        attentions: One (B, A, S, S) tensor a block, each row a distribution (after the softmax,
            before dropout), where asked for.
        hidden_states: The embeddings and the output of every block, each (B, S, H), where asked
            for.
    """

    last_hidden_state: Tensor
    pooler_output: Tensor | None = None
    attentions: tuple[Tensor, ...] | None = None
    hidden_states: tuple[Tensor, ...] | None = None


class Embeddings(nn.Module):
    """Word + position + token type, LayerNorm, dropout, and the way up from a bottleneck."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        size = config.embedding_size
        self.word = nn.Embedding(config.vocab_size, size, padding_idx=config.pad_token_id)
        self.position = nn.Embedding(config.max_position_embeddings, size)
        self.token_type = nn.Embedding(config.type_vocab_size, size)
        self.layer_norm = nn.LayerNorm(size, eps=config.layer_norm_eps)
        self.projection = (
            nn.Linear(size, config.hidden_size) if config.has_bottleneck else nn.Identity()
        )
        self.dropout = Dropout(config.hidden_dropout_prob)

    def forward(
        self, input_ids: Int[Tensor, "B S"], token_type_ids: Int[Tensor, "B S"]
    ) -> Float[Tensor, "B S H"]:
        position_ids = torch.arange(input_ids.shape[1], device=input_ids.device)
        x = self.word(input_ids) + self.position(position_ids) + self.token_type(token_type_ids)
        return self.projection(self.dropout(self.layer_norm(x)))


class Attention(nn.Module):
    """Self-attention over grouped query, key and value projections."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        hidden = config.hidden_size
        self.num_heads = config.num_attention_heads
        self.query = GroupedLinear(hidden, hidden, config.q_groups)
        self.key = GroupedLinear(hidden, hidden, config.k_groups)
        self.value = GroupedLinear(hidden, hidden, config.v_groups)
        self.dropout_prob = config.attention_probs_dropout_prob

    def forward(
        self,
        x: Float[Tensor, "B S H"],
        mask: Bool[Tensor, "B 1 #S S"] | None,
        *,
        with_probabilities: bool,
    ) -> tuple[Float[Tensor, "B S H"], Float[Tensor, "B A S S"] | None]:
        query, key, value = (
            self._split_heads(projection(x)) for projection in (self.query, self.key, self.value)
        )
        probability = self.dropout_prob if self.training else 0.0
        if with_probabilities or (self.training and x.device.type == "cpu"):
            # The fused op gives no probabilities, and trains slowly on a CPU in bf16 (docs/log.md).
            context, attention = explicit_attention(query, key, value, mask, probability)
        else:
            context = scaled_dot_product_attention(query, key, value, mask, dropout_p=probability)
            attention = None
        context = context.transpose(1, 2).flatten(-2)
        return context, attention if with_probabilities else None

    def _split_heads(self, x: Float[Tensor, "B S H"]) -> Float[Tensor, "B A S D"]:
        return x.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)


def explicit_attention(
    query: Float[Tensor, "B A S D"],
    key: Float[Tensor, "B A S D"],
    value: Float[Tensor, "B A S D"],
    mask: Bool[Tensor, "B 1 #S S"] | None,
    dropout_prob: float,
) -> tuple[Float[Tensor, "B A S D"], Float[Tensor, "B A S S"]]:
    """Attention written out: the context and the probabilities it was mixed by."""
    scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)
    if mask is not None:
        # Finite, so that a row without any visible token is uniform and not NaN.
        scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    probabilities = scores.softmax(dim=-1)
    mixed = dropout(probabilities, dropout_prob) if dropout_prob > 0.0 else probabilities
    return mixed @ value, probabilities


class Block(nn.Module):
    """One encoder block: attention, then the feed-forward network."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        hidden, wide, eps = config.hidden_size, config.intermediate_size, config.layer_norm_eps
        self.attention = Attention(config)
        self.post_attention = GroupedLinear(hidden, hidden, config.post_attention_groups)
        self.attention_layer_norm = nn.LayerNorm(hidden, eps=eps)
        self.intermediate = GroupedLinear(hidden, wide, config.intermediate_groups)
        self.activation = ACTIVATIONS[config.hidden_act]
        self.output = GroupedLinear(wide, hidden, config.output_groups)
        self.output_layer_norm = nn.LayerNorm(hidden, eps=eps)
        self.dropout = Dropout(config.hidden_dropout_prob)

    def forward(
        self,
        x: Float[Tensor, "B S H"],
        mask: Bool[Tensor, "B 1 #S S"] | None,
        with_probabilities: bool = False,
    ) -> tuple[Float[Tensor, "B S H"], Float[Tensor, "B A S S"] | None]:
        context, probabilities = self.attention(x, mask, with_probabilities=with_probabilities)
        x = self.attention_layer_norm(x + self.dropout(self.post_attention(context)))
        wide = self.activation(self.intermediate(x))
        return self.output_layer_norm(x + self.dropout(self.output(wide))), probabilities


class Pooler(nn.Module):
    """The first token's state through a dense layer and tanh, as BERT's sentence vector."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)

    def forward(self, x: Float[Tensor, "B S H"]) -> Float[Tensor, "B H"]:
        return torch.tanh(self.dense(x[:, 0]))


class Encoder(nn.Module):
    """BERT or SqueezeBERT without a head.

    Args:
        config: The sizes.
        with_pooler: Whether sentence-level heads will want the pooled first token.

    >>> from squeezebert.config import SQUEEZEBERT_MINI
    >>> encoder = Encoder(SQUEEZEBERT_MINI).eval()
    >>> tuple(encoder(torch.tensor([[2, 17, 3]])).last_hidden_state.shape)
    (1, 3, 256)
    """

    def __init__(self, config: EncoderConfig, *, with_pooler: bool = True) -> None:
        super().__init__()
        self.config = config
        self.embeddings = Embeddings(config)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.num_hidden_layers))
        self.pooler = Pooler(config) if with_pooler else None
        self.gradient_checkpointing = False
        self.apply(self._initialize)
        start_sinusoidal(self.embeddings.position.weight, config.initializer_range)

    def forward(
        self,
        input_ids: Int[Tensor, "B S"],
        attention_mask: Int[Tensor, "B S"] | Bool[Tensor, "B S"] | None = None,
        token_type_ids: Int[Tensor, "B S"] | None = None,
        document_ids: Int[Tensor, "B S"] | None = None,
        *,
        output_attentions: bool = False,
        output_hidden_states: bool = False,
    ) -> EncoderOutput:
        """Runs the encoder.

        Args:
            input_ids: (B, S) token ids, S at most ``max_position_embeddings``.
            attention_mask: (B, S), true or 1 where there is a token and not padding.
            token_type_ids: (B, S), 0 where None.
            document_ids: (B, S), for rows of several documents: tokens see those of their own
                number only. Positions count on through the row.
            output_attentions: Also give the attention probabilities (not by the fused op).
            output_hidden_states: Also give the embeddings and every block's output.
        """
        if token_type_ids is None:
            token_type_ids = torch.zeros_like(input_ids)
        mask = None if attention_mask is None else attention_mask.bool()[:, None, None, :]
        if document_ids is not None:
            same = document_ids[:, None, :, None] == document_ids[:, None, None, :]
            mask = same if mask is None else same & mask
        x = self.embeddings(input_ids, token_type_ids)
        hidden_states = [x]
        attentions: list[Tensor] = []
        for block in self.blocks:
            if self.gradient_checkpointing and self.training:
                x, probabilities = checkpoint(
                    block, x, mask, output_attentions, use_reentrant=False
                )
            else:
                x, probabilities = block(x, mask, output_attentions)
            if output_hidden_states:
                hidden_states.append(x)
            if probabilities is not None:
                attentions.append(probabilities)
        return EncoderOutput(
            last_hidden_state=x,
            pooler_output=None if self.pooler is None else self.pooler(x),
            attentions=tuple(attentions) if output_attentions else None,
            hidden_states=tuple(hidden_states) if output_hidden_states else None,
        )

    def _initialize(self, module: nn.Module) -> None:
        initialize(module, self.config.initializer_range)


def initialize(module: nn.Module, spread: float) -> None:
    """Draws one layer's weights as BERT does: normal of deviation ``spread``, biases 0."""
    if isinstance(module, (nn.Linear, GroupedLinear, nn.Embedding)):
        nn.init.normal_(module.weight, std=spread)
    if isinstance(module, (nn.Linear, GroupedLinear)):
        nn.init.zeros_(module.bias)
    if isinstance(module, nn.Embedding) and module.padding_idx is not None:
        with torch.no_grad():
            module.weight[module.padding_idx].zero_()


@torch.no_grad()
def start_sinusoidal(table: Float[Tensor, "positions E"], spread: float) -> None:
    """Sets position embeddings to the waves of Vaswani et al. (2017, section 3.5), scaled to a
    deviation of ``spread``; training goes on from there.

    Neighboring positions are alike from the start, so attention learns early where to look
    (docs/log.md).
    """
    positions, size = table.shape
    at = torch.arange(positions, device=table.device)[:, None]
    pair = torch.arange(size, device=table.device) // 2
    angles = at / 10000 ** (2 * pair / size)
    even = torch.arange(size, device=table.device) % 2 == 0
    table.copy_(torch.where(even, angles.sin(), angles.cos()) * (spread * 2**0.5))
