"""Distillation as losses beside the run's own: a student learns what teachers compute.

============== ==================================================================================
``logits``     soft labels: cross entropy to the teacher's softened probabilities (Hinton et al.
               2015; the SqueezeBERT paper's own way, Iandola et al. 2020, section 4.2)
``hidden``     squared error to the outputs of teacher blocks, over their variance (Jiao et al.
               2020)
``embeddings`` the same for the embeddings
``relations``  how tokens resemble each other in a block's queries, keys and values (MiniLMv2, Wang
               et al. 2021): needs no projection, whatever the teacher's width and heads
============== ==================================================================================

A teacher of another vocabulary reads the same words in its own pieces (:mod:`alignment`); states
are then compared word by word.

The student stays what it is: :class:`Student` wraps it for the run, listens to its layers and holds
the projections up to a teacher of another width. Those are trained along and then dropped.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss

from squeezebert.model import Encoder, HeadConfig, TaskModel
from squeezebert.tasks.base import IGNORE_INDEX, Features
from squeezebert.training.alignment import Alignment, Rereader, same_tokens
from squeezebert.training.batches import Batch
from squeezebert.training.distances import relation_divergence, soft_label_loss, state_distance
from squeezebert.training.losses import Loss
from squeezebert.training.recipe import DistillationRecipe
from squeezebert.training.soft_labels import KeptLabels

# --- what a model computes on the way -------------------------------------------------------------


@dataclass
class Trace:
    """What chosen layers of an encoder gave in its last forward pass.

    Args:
        embeddings: (B, S, H).
        hidden: Outputs (B, S, H) of blocks, by number.
        relations: Queries, keys and values (B, S, H) of one block.
    """

    embeddings: Tensor | None = None
    hidden: dict[int, Tensor] = field(default_factory=dict[int, Tensor])
    relations: dict[str, Tensor] = field(default_factory=dict[str, Tensor])


def listen(
    encoder: Encoder, *, embeddings: bool, hidden: Sequence[int], relations: int | None
) -> Trace:
    """Has ``encoder`` write down what these layers give, in every forward pass from now on.

    Args:
        encoder: Whose layers.
        embeddings: Whether the embeddings are wanted.
        hidden: Blocks whose outputs are.
        relations: The block whose queries, keys and values are; None for none.
    """
    trace = Trace()
    if embeddings:

        def keep_embeddings(_module: nn.Module, _inputs: object, output: Tensor) -> None:
            trace.embeddings = output

        encoder.embeddings.register_forward_hook(keep_embeddings)
    for number in hidden:

        def keep_hidden(
            _module: nn.Module, _inputs: object, output: tuple[Tensor, object], number: int = number
        ) -> None:
            trace.hidden[number] = output[0]

        encoder.blocks[number].register_forward_hook(keep_hidden)
    if relations is not None:
        for name in ("query", "key", "value"):

            def keep_projection(
                _module: nn.Module, _inputs: object, output: Tensor, name: str = name
            ) -> None:
                trace.relations[name] = output

            projection = getattr(encoder.blocks[relations].attention, name)  # type: ignore[union-attr]
            projection.register_forward_hook(keep_projection)
    return trace


class Teacher:
    """A model to learn from, in evaluation mode, untouched by training.

    Args:
        name: Where it comes from, for messages.
        model: With a head or without.
        layers: Its blocks that the student's blocks learn from, in their order.
        relations: Its block whose relations are learnt.
        recipe: What is asked of it.
        rereader: Of batches into its vocabulary; None if it has the student's.
        by_token: Whether soft labels are of tokens that both models see, and not of texts or of
            masks.
    """

    def __init__(
        self,
        name: str,
        model: TaskModel | Encoder,
        *,
        layers: Sequence[int],
        relations: int,
        recipe: DistillationRecipe,
        rereader: Rereader | None = None,
        by_token: bool = False,
    ) -> None:
        self.name = name
        self._read = rereader or same_tokens
        self._by_token = by_token
        self._kept: KeptLabels | None = None
        self.model = model.eval().requires_grad_(False)
        self.encoder = model if isinstance(model, Encoder) else model.encoder
        self.layers = tuple(layers)
        self.trace = listen(
            self.encoder,
            embeddings=recipe.embeddings > 0,
            hidden=layers if recipe.hidden > 0 else (),
            relations=relations if recipe.relations > 0 else None,
        )
        self._with_logits = recipe.logits > 0

    def keep_labels(self, features: Sequence[Features], pad_id: int) -> None:
        """Has it asked once only for its soft labels of the training data.

        Args:
            features: The training data.
            pad_id: What its batches are padded with.
        """
        self._kept = KeptLabels(lambda batch: self._labels(self._read(batch)), features, pad_id)

    @torch.no_grad()
    def look(self, batch: Batch) -> tuple[Alignment, Tensor | None]:
        """Fills the trace. Says where its states are to be compared with the student's, and gives
        the logits for the student's texts or tokens where soft labels are asked for.
        """
        if self._kept is not None:
            return same_tokens(batch), self._kept.of(batch)
        places = self._read(batch)
        if self._with_logits:
            return places, self._labels(places)
        self._on(places)
        self.encoder(**{name: x for name, x in places.inputs.items() if name != "positions"})
        return places, None

    def _labels(self, places: Alignment) -> Tensor:
        self._on(places)
        logits: Tensor = self.model(**places.inputs).logits
        return places.at_tokens(logits) if self._by_token else logits

    def _on(self, places: Alignment) -> None:
        """Goes where the inputs are."""
        device = places.inputs["input_ids"].device
        if next(self.model.parameters()).device != device:
            self.model.to(device)


# --- the student ----------------------------------------------------------------------------------


class Student(nn.Module):
    """The model that is trained, with projections from its widths up to the teachers'.

    Args:
        module: What the task's loss calls; shared and not copied.
        encoder: The encoder in it.
        teachers: In the order of the projections.
        layers: Its blocks that learn from the teachers' ``layers``.
        relations: Its block whose relations are learnt.
        recipe: What is learnt.
    """

    def __init__(
        self,
        module: nn.Module,
        encoder: Encoder,
        teachers: Sequence[Teacher],
        *,
        layers: Sequence[int],
        relations: int,
        recipe: DistillationRecipe,
    ) -> None:
        super().__init__()
        self.model = module
        self.layers = tuple(layers)
        self.trace = listen(
            encoder,
            embeddings=recipe.embeddings > 0,
            hidden=layers if recipe.hidden > 0 else (),
            relations=relations if recipe.relations > 0 else None,
        )
        self.up = nn.ModuleList(
            _projection(
                encoder.config.hidden_size, teacher.encoder.config.hidden_size, recipe.project
            )
            for teacher in teachers
        )
        # Where no loss asks for logits, the head is left out. In a list it is no second submodule.
        self._called = [module if recipe.task > 0 or recipe.logits > 0 else encoder]

    def forward(self, **inputs: Tensor) -> object:
        """What the model gives, or the encoder alone."""
        return self._called[0](**inputs)


def _projection(width: int, teacher_width: int, always: bool) -> nn.Module:
    related = width == teacher_width and not always
    return nn.Identity() if related else nn.Linear(width, teacher_width)


# --- the losses -----------------------------------------------------------------------------------


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
        if not (self._recipe.hidden or self._recipe.embeddings or self._recipe.relations):
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
