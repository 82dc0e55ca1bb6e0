"""How far a student is from its teacher: in labels, in states, and in relations among tokens."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import log_softmax, softmax


def soft_label_loss(
    logits: Float[Tensor, "n classes"], theirs: Float[Tensor, "n classes"], temperature: float
) -> Float[Tensor, ""]:
    """Kullback-Leibler divergence from the teacher's to the student's softened probabilities, times
    the temperature's square, so that gradients keep their size (Hinton et al. 2015, section 2.1).
    """
    target = softmax(theirs.float() / temperature, dim=-1)
    ours = log_softmax(logits.float() / temperature, dim=-1)
    entropy = torch.special.entr(target).sum(dim=-1)
    return temperature**2 * (-(target * ours).sum(dim=-1) - entropy).mean()


def state_distance(
    ours: Float[Tensor, "B S H"], theirs: Float[Tensor, "B S H"], shown: Bool[Tensor, "B S"]
) -> Float[Tensor, ""]:
    """Mean squared error over the tokens that are ``shown``, as a share of the teacher's variance:
    1 where the student knows nothing but the mean, whatever the layer's scale.
    """
    a, b = ours[shown].float(), theirs[shown].float()
    spread = b.var(dim=0, unbiased=False).mean().clamp(min=1e-12)
    return (a - b).square().mean() / spread


def relation_divergence(
    ours: Float[Tensor, "B S H"],
    theirs: Float[Tensor, "B S T"],
    shown: Bool[Tensor, "B S"],
    *,
    heads: int,
) -> Float[Tensor, ""]:
    """Kullback-Leibler divergence of self-relations: softmax over the scaled products of each
    token's vector with all others', in ``heads`` parts (MiniLMv2, equations 5 and 6); a mean over
    heads and the tokens that are ``shown``.
    """
    target, log_target = _relations(theirs, shown, heads)
    _, log_ours = _relations(ours, shown, heads)
    # Hidden tokens have probability 0 on both sides: their logarithms count for nothing.
    terms = torch.where(target > 0, target * (log_target - log_ours), 0.0)
    return terms.sum(dim=-1).transpose(1, 2)[shown].mean()


def _relations(x: Tensor, shown: Tensor, heads: int) -> tuple[Tensor, Tensor]:
    parts = x.float().unflatten(-1, (heads, -1)).transpose(1, 2)
    scores = (parts * parts.shape[-1] ** -0.5) @ parts.transpose(-1, -2)
    scores = scores.masked_fill(~shown[:, None, None, :], torch.finfo(scores.dtype).min)
    return softmax(scores, dim=-1), log_softmax(scores, dim=-1)
