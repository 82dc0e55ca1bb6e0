"""The grouped layer by itself, and the encoder inside a model of your own."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from squeezebert.config import EncoderConfig
from squeezebert.model import Encoder, GroupedLinear


class SentenceVectors(nn.Module):
    """One vector a text: the mean of its hidden states, through a grouped layer."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.encoder = Encoder(config)
        self.projection = GroupedLinear(config.hidden_size, config.hidden_size, groups=4)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """(batch, hidden_size) from ids and mask of shape (batch, seq)."""
        hidden = self.encoder(input_ids, attention_mask=attention_mask).last_hidden_state
        weights = attention_mask[..., None].to(hidden.dtype)
        return self.projection((hidden * weights).sum(dim=1) / weights.sum(dim=1))


def main() -> None:
    """Prints shapes and sizes."""
    torch.manual_seed(0)
    config = EncoderConfig(
        vocab_size=1000,
        embedding_size=64,
        hidden_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=512,
    )
    model = SentenceVectors(config).eval()
    input_ids = torch.randint(config.vocab_size, (3, 10))
    vectors = model(input_ids, torch.ones_like(input_ids))
    print("vectors:", tuple(vectors.shape))
    print("weight of the grouped layer:", tuple(model.projection.weight.shape))


if __name__ == "__main__":
    main()
