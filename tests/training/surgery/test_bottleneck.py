from __future__ import annotations

import pytest
import torch

from squeezebert.config import EncoderConfig
from squeezebert.errors import ConfigError
from squeezebert.model import Encoder
from squeezebert.training.surgery.bottleneck import narrow_embeddings

CONFIG = EncoderConfig(
    vocab_size=200,
    embedding_size=32,
    hidden_size=32,
    num_hidden_layers=1,
    num_attention_heads=4,
    intermediate_size=64,
)


@pytest.fixture
def ids() -> torch.Tensor:
    return torch.randint(0, 200, (128, 16), generator=torch.Generator().manual_seed(0))


def encoder(rank: int) -> Encoder:
    """With words that differ in ``rank`` directions, and positions in some of these."""
    torch.manual_seed(rank)
    model = Encoder(CONFIG).eval()
    directions = torch.randn(rank, 32)
    with torch.no_grad():
        embeddings = model.embeddings
        for table, size in ((embeddings.word, 1.0), (embeddings.position, 0.2)):
            table.weight.copy_(size * torch.randn(len(table.weight), rank) @ directions)
        embeddings.token_type.weight.zero_()
        embeddings.layer_norm.weight.uniform_(0.5, 2.0)
        embeddings.layer_norm.bias.uniform_(-1.0, 1.0)
    return model


def unexplained(model: Encoder, target: torch.Tensor, ids: torch.Tensor) -> float:
    with torch.inference_mode():
        found = model.embeddings(ids, torch.zeros_like(ids))
    spread = (target - target.mean(dim=(0, 1))).square().mean()
    return float((found - target).square().mean() / spread)


def test_what_fits_through_the_bottleneck_is_kept(ids: torch.Tensor) -> None:
    left: list[float] = []
    for rank in (6, 32):
        model = encoder(rank)
        with torch.inference_mode():
            target = model.embeddings(ids, torch.zeros_like(ids))
        narrow_embeddings(model, 12, ids)
        assert model.config.embedding_size == 12
        assert model.embeddings.word.weight.shape == (200, 12)
        assert model(ids).last_hidden_state.shape == (128, 16, 32)
        left.append(unexplained(model, target, ids))
    assert left[0] < 0.1
    assert 0.15 < left[1] < 0.7  # 12 of 32 directions, none of which counts for little


def test_frequent_words_keep_more(ids: torch.Tensor) -> None:
    model = encoder(32)
    often = ids % 8
    with torch.inference_mode():
        target = model.embeddings(often, torch.zeros_like(often))
    narrow_embeddings(model, 12, often)
    assert unexplained(model, target, often) < 0.1


@pytest.mark.parametrize("size", [0, 32, 64])
def test_a_size_that_is_none(size: int, ids: torch.Tensor) -> None:
    with pytest.raises(ConfigError, match=f"bottleneck of {size} is none"):
        narrow_embeddings(encoder(6), size, ids)


def test_one_bottleneck_is_enough(ids: torch.Tensor) -> None:
    model = encoder(6)
    narrow_embeddings(model, 12, ids)
    with pytest.raises(ConfigError, match="already"):
        narrow_embeddings(model, 6, ids)


def test_no_number_of_a_row_leads(ids: torch.Tensor) -> None:
    model = encoder(32)
    with torch.no_grad():  # words differ much more in some directions than in others
        model.embeddings.word.weight *= torch.logspace(-2, 1, 32)
    narrow_embeddings(model, 12, ids)
    rows = model.embeddings.word.weight.detach()
    spread = rows.std(0)
    assert spread.max() / spread.min() < 6
    # Little is lost with the mean, which LayerNorm takes away.
    assert rows.mean(1).square().mean() < 0.01 * rows.square().mean()
