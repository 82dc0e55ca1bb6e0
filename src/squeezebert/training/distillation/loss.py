"""Distillation as losses beside the run's own: a student learns what teachers compute.

============== ==================================================================================
``logits``     soft labels: cross entropy to the teacher's softened probabilities (Hinton et al.
               2015; the SqueezeBERT paper's own way, Iandola et al. 2020, section 4.2)
``hidden``     squared error to the outputs of teacher blocks, over their variance (Jiao et al.
               2020)
``embeddings`` the same for the embeddings
``relations``  how tokens resemble each other in a block's queries, keys and values (MiniLMv2, Wang
               et al. 2021): needs no projection, whatever the teacher's width and heads
``vectors``    how the texts of a batch resemble one another in the means of their last states:
               needs no projection either
============== ==================================================================================

A teacher of another vocabulary reads the same words in its own pieces (:mod:`alignment`); states
are then compared word by word.

The student stays what it is: :class:`Student` wraps it for the run, listens to its layers and holds
the projections up to a teacher of another width. Those are trained along and then dropped.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import (
    binary_cross_entropy_with_logits,
    log_softmax,
    mse_loss,
    normalize,
    softmax,
)

from squeezebert.model import HeadConfig
from squeezebert.tasks.base import IGNORE_INDEX, Features
from squeezebert.training.distillation.student import Student
from squeezebert.training.distillation.teacher import Teacher
from squeezebert.training.distillation.trace import Trace
from squeezebert.training.loop.batches import Batch
from squeezebert.training.loop.losses import Loss
from squeezebert.training.recipe.run import DistillationRecipe

VECTOR_TEMPERATURE = 0.05
"""Divides cosines, so that a text's few nearest neighbors count most."""


class DistillationLoss:
    """A run's loss with what the teachers add to it, see :class:`~losses.Loss`.

    Each part is a mean (over tokens, layers, teachers); the sum is scaled by the batch's targets,
    as the loop divides by those.

    Args:
        task: The run's own loss.
        teachers: Each adds the same parts.
        recipe: Their weights.
        head: The student's, by which soft labels are read.
    """

    def __init__(
        self, task: Loss, teachers: Sequence[Teacher], recipe: DistillationRecipe, head: HeadConfig
    ) -> None:
        self._task = task
        self.teachers = teachers
        self._recipe = recipe
        self._head = head

    def __call__(self, student: Callable[..., Any], batch: Batch) -> Tensor:
        """The weighted loss of a batch, as a sum over its targets."""
        called = _Called(student)
        if not self._recipe.task:
            called(**batch.inputs)
            return batch.targets * self._distance(_unwrapped(student), called.logits, batch)
        total = self._recipe.task * self._task(called, batch)
        return total + batch.targets * self._distance(_unwrapped(student), called.logits, batch)

    def keep_labels(self, features: Sequence[Features], pad_id: int) -> None:
        """Where soft labels are all that is learnt, has the teachers asked once for all epochs.

        Args:
            features: The training data.
            pad_id: What its batches are padded with.
        """
        if not (
            self._recipe.hidden
            or self._recipe.embeddings
            or self._recipe.relations
            or self._recipe.vectors
        ):
            for teacher in self.teachers:
                teacher.keep_labels(features, pad_id)

    def measure(self, student: Student, batch: Batch) -> Tensor:
        """What the teachers alone add: the parts' weighted sum, as a mean."""
        called = _Called(student)
        called(**batch.inputs)
        return self._distance(student, called.logits, batch)

    def _distance(self, student: Student, logits: Tensor | None, batch: Batch) -> Tensor:
        """The parts' weighted sum after the student's forward pass: a number of float32.

        Args:
            student: Whose trace is full.
            logits: What its head gave, where soft labels are learnt.
            batch: What it saw.
        """
        recipe, ours = self._recipe, student.trace
        if batch.taught is not None:
            if not batch.taught.any():
                return torch.zeros((), device=batch.taught.device)
            batch, ours, logits = _taught(batch, ours, logits)
        parts: list[Tensor] = []
        for teacher, up in zip(self.teachers, student.up, strict=True):
            places, teacher_logits = teacher.look(batch)
            theirs = teacher.trace
            if recipe.logits:
                assert logits is not None
                assert teacher_logits is not None
                parts.append(recipe.logits * self._soft_labels(logits, teacher_logits, batch))
            if recipe.embeddings:
                assert ours.embeddings is not None
                assert theirs.embeddings is not None
                distance = state_distance(
                    up(places.of_student(ours.embeddings)),
                    places.of_teacher(theirs.embeddings),
                    places.shown,
                )
                parts.append(recipe.embeddings * distance)
            if recipe.hidden:
                distances = [
                    state_distance(
                        up(places.of_student(ours.hidden[mine])),
                        places.of_teacher(theirs.hidden[their]),
                        places.shown,
                    )
                    for mine, their in zip(student.layers, teacher.layers, strict=True)
                ]
                parts.append(recipe.hidden * torch.stack(distances).mean())
            if recipe.vectors:
                divergence = vector_divergence(
                    mean_vectors(ours.last(), batch.inputs.get("attention_mask")),
                    mean_vectors(theirs.last(), places.inputs.get("attention_mask")),
                )
                parts.append(recipe.vectors * divergence)
            if recipe.relations:
                divergences = [
                    relation_divergence(
                        places.of_student(ours.relations[name]),
                        places.of_teacher(theirs.relations[name]),
                        places.shown,
                        heads=recipe.relation_heads,
                    )
                    for name in ("query", "key", "value")
                ]
                parts.append(recipe.relations * torch.stack(divergences).mean())
        return torch.stack(parts).sum() / len(self.teachers)

    def _soft_labels(self, logits: Tensor, theirs: Tensor, batch: Batch) -> Tensor:
        if self._head.kind == "text_classification" and self._head.problem_type == "regression":
            return mse_loss(logits.float(), theirs.float())
        if self._head.kind == "text_classification" and self._head.problem_type == "multi_label":
            return binary_cross_entropy_with_logits(logits.float(), theirs.float().sigmoid())
        if self._head.kind == "token_classification":
            told = (batch.labels != IGNORE_INDEX) & ~theirs[..., 0].isnan()
            logits, theirs = logits[told], theirs[told]
        return soft_label_loss(logits, theirs, self._recipe.temperature)


def _taught(
    batch: Batch, trace: Trace, logits: Tensor | None
) -> tuple[Batch, Trace, Tensor | None]:
    """The rows of a pretraining batch on which teachers teach, and what the student gave there."""
    taught = batch.taught
    assert taught is not None
    inputs = {name: x[taught] for name, x in batch.inputs.items() if name != "positions"}
    if "positions" in batch.inputs:
        length = batch.inputs["input_ids"].shape[1]
        row, column = batch.inputs["positions"] // length, batch.inputs["positions"] % length
        kept = taught[row]
        renumbered = (taught.cumsum(0) - 1)[row]
        inputs["positions"] = (renumbered * length + column)[kept]
        logits = None if logits is None else logits[kept]
    trace = Trace(
        embeddings=None if trace.embeddings is None else trace.embeddings[taught],
        hidden={number: x[taught] for number, x in trace.hidden.items()},
        relations={name: x[taught] for name, x in trace.relations.items()},
    )
    return dataclasses.replace(batch, inputs=inputs, taught=None), trace, logits


class _Called:
    """The student as a loss calls it; keeps the logits for the soft labels."""

    def __init__(self, student: Callable[..., Any]) -> None:
        self._student = student
        self.logits: Tensor | None = None

    def __call__(self, **inputs: Tensor) -> Any:
        output = self._student(**inputs)
        self.logits = getattr(output, "logits", None)
        return output


def _unwrapped(student: Callable[..., Any]) -> Student:
    inner = getattr(student, "module", student)  # of several processes
    assert isinstance(inner, Student)
    return inner


# --- how far a student is from its teacher --------------------------------------------------------


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


def mean_vectors(
    states: Float[Tensor, "B S H"], shown: Bool[Tensor, "B S"] | None
) -> Float[Tensor, "B H"]:
    """Each text's mean over its tokens, ``[CLS]`` and ``[SEP]`` included, at length 1."""
    weights = torch.ones_like(states[..., 0]) if shown is None else shown.to(states.dtype)
    return normalize((states * weights[..., None]).sum(dim=1).float(), dim=-1)


def vector_divergence(
    ours: Float[Tensor, "B H"], theirs: Float[Tensor, "B T"]
) -> Float[Tensor, ""]:
    """Kullback-Leibler divergence of similarities: for each text, softmax over its cosines with the
    batch's other texts, sharpened by :data:`VECTOR_TEMPERATURE`; a mean over texts.
    """
    itself = torch.eye(len(ours), dtype=torch.bool, device=ours.device)

    def logarithms(vectors: Tensor) -> Tensor:
        cosines = (vectors @ vectors.T / VECTOR_TEMPERATURE).masked_fill(itself, -torch.inf)
        return log_softmax(cosines, dim=-1).masked_fill(itself, 0.0)

    target = logarithms(theirs)
    terms = target.exp() * (target - logarithms(ours))
    return terms.masked_fill(itself, 0.0).sum(dim=-1).mean()


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
