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

The student stays what it is: :class:`Student` wraps it for the run, listens to its layers and holds
the projections up to a teacher of another width. Those are trained along and then dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, log_softmax, mse_loss, softmax

from squeezebert.errors import ConfigError
from squeezebert.hub import resolve
from squeezebert.model import Encoder, HeadConfig, TaskModel, load_model
from squeezebert.tasks.base import IGNORE_INDEX
from squeezebert.tokenizer import Tokenizer
from squeezebert.training.batches import Batch
from squeezebert.training.losses import Loss
from squeezebert.training.recipe import DistillationRecipe

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
    """

    def __init__(
        self,
        name: str,
        model: TaskModel | Encoder,
        *,
        layers: Sequence[int],
        relations: int,
        recipe: DistillationRecipe,
    ) -> None:
        self.name = name
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

    @torch.no_grad()
    def run(self, batch: Batch) -> Tensor | None:
        """Fills the trace; the logits, where soft labels are asked for."""
        if self._with_logits:
            logits: Tensor = self.model(**batch.inputs).logits
            return logits
        self.encoder(**{name: x for name, x in batch.inputs.items() if name != "positions"})
        return None


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
            _projection(encoder.config.hidden_size, teacher.encoder.config.hidden_size)
            for teacher in teachers
        )
        # Where no loss asks for logits, the head is left out. In a list it is no second submodule.
        self._called = [module if recipe.task > 0 or recipe.logits > 0 else encoder]

    def forward(self, **inputs: Tensor) -> object:
        """What the model gives, or the encoder alone."""
        return self._called[0](**inputs)


def _projection(width: int, teacher_width: int) -> nn.Module:
    return nn.Identity() if width == teacher_width else nn.Linear(width, teacher_width)


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
        recipe = self._recipe
        mask = batch.inputs.get("attention_mask")
        shown = (
            torch.ones_like(batch.inputs["input_ids"], dtype=torch.bool)
            if mask is None
            else mask.bool()
        )
        parts: list[Tensor] = []
        for teacher, up in zip(self.teachers, student.up, strict=True):
            teacher_logits = teacher.run(batch)
            theirs, ours = teacher.trace, student.trace
            if recipe.logits:
                assert logits is not None
                assert teacher_logits is not None
                parts.append(recipe.logits * self._soft_labels(logits, teacher_logits, batch))
            if recipe.embeddings:
                assert ours.embeddings is not None
                assert theirs.embeddings is not None
                distance = state_distance(up(ours.embeddings), theirs.embeddings, shown)
                parts.append(recipe.embeddings * distance)
            if recipe.hidden:
                distances = [
                    state_distance(up(ours.hidden[mine]), theirs.hidden[their], shown)
                    for mine, their in zip(student.layers, teacher.layers, strict=True)
                ]
                parts.append(recipe.hidden * torch.stack(distances).mean())
            if recipe.relations:
                divergences = [
                    relation_divergence(
                        ours.relations[name],
                        theirs.relations[name],
                        shown,
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
        labels = batch.labels
        if self._head.kind == "token_classification":
            logits, theirs = logits[labels != IGNORE_INDEX], theirs[labels != IGNORE_INDEX]
        return soft_label_loss(logits, theirs, self._recipe.temperature)


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


# --- putting it together --------------------------------------------------------------------------


def make_student(
    model: TaskModel,
    recipe: DistillationRecipe,
    tokenizer: Tokenizer,
    task: Loss,
    module: nn.Module | None = None,
) -> tuple[Student, DistillationLoss]:
    """What a distillation trains, and by which loss.

    Args:
        model: The student; it is shared, so it has learnt when the run is over.
        recipe: With at least one teacher.
        tokenizer: The student's; teachers must read the same ids.
        task: The run's own loss.
        module: What that loss calls, where that is more than ``model``.

    Raises:
        ConfigError: teachers of another vocabulary, without the head that soft labels need, or
            layers that are not there.
        CheckpointError: a teacher that cannot be read.
    """
    depth = len(model.encoder.blocks)
    loaded = [(name, load_model(name)) for name in recipe.teachers]
    layers = _student_layers(recipe, depth, [_encoder(teacher) for _, teacher in loaded])
    mine = recipe.relation_layers[0] - 1 if recipe.relation_layers else depth - 1
    teachers: list[Teacher] = []
    for name, teacher in loaded:
        _check_vocabulary(name, tokenizer)
        if recipe.logits:
            _check_head(name, teacher, model.head_config)
        theirs = len(_encoder(teacher).blocks)
        source = recipe.relation_layers[1] - 1 if recipe.relation_layers else theirs - 1
        pairs = [
            _spread(layer, depth, theirs) if not recipe.layers else dict(_pairs(recipe))[layer]
            for layer in layers
        ]
        _check_layers(name, [*pairs, source], theirs)
        _check_heads(recipe, [model.encoder, _encoder(teacher)])
        teachers.append(Teacher(name, teacher, layers=pairs, relations=source, recipe=recipe))
    _check_layers("the student", [*layers, mine], depth)
    student = Student(
        module or model, model.encoder, teachers, layers=layers, relations=mine, recipe=recipe
    )
    return student, DistillationLoss(task, teachers, recipe, model.head_config)


def _encoder(model: TaskModel | Encoder) -> Encoder:
    return model if isinstance(model, Encoder) else model.encoder


def _pairs(recipe: DistillationRecipe) -> list[tuple[int, int]]:
    """Blocks from 0, of student and teacher."""
    return [(mine - 1, theirs - 1) for mine, theirs in recipe.layers]


def _student_layers(
    recipe: DistillationRecipe, depth: int, teachers: Sequence[Encoder]
) -> list[int]:
    if recipe.layers:
        return [mine for mine, _ in _pairs(recipe)]
    # A student deeper than its teacher learns from each of the teacher's layers once.
    most = min(depth, *(len(teacher.blocks) for teacher in teachers))
    return sorted({_spread(number, most, depth) for number in range(most)})


def _spread(layer: int, depth: int, other_depth: int) -> int:
    """The block of the other model that stands as far up, both from 0; last goes with last.

    >>> [_spread(layer, 4, 12) for layer in range(4)]
    [2, 5, 8, 11]
    """
    return round((layer + 1) * other_depth / depth) - 1


def _check_layers(name: str, layers: Sequence[int], depth: int) -> None:
    wrong = [layer + 1 for layer in layers if not 0 <= layer < depth]
    if wrong:
        raise ConfigError(
            f"distillation: {name} has no layer {wrong[0]}",
            hint=f"its layers are 1 to {depth}",
        )


def _check_heads(recipe: DistillationRecipe, encoders: Sequence[Encoder]) -> None:
    for encoder in encoders:
        width = encoder.config.hidden_size
        if recipe.relations and width % recipe.relation_heads:
            raise ConfigError(
                f"distillation.relation_heads is {recipe.relation_heads}, "
                f"which does not divide a width of {width}",
                hint="choose a common divisor of the student's and the teachers' widths",
            )


def _check_vocabulary(name: str, tokenizer: Tokenizer) -> None:
    path = Path(name)
    theirs = Tokenizer.load(path if path.exists() else resolve(name))
    if (theirs.tokens, theirs.lowercase) != (tokenizer.tokens, tokenizer.lowercase):
        raise ConfigError(
            f"the teacher {name} has another vocabulary "
            f"({len(theirs.tokens)} tokens, the student {len(tokenizer.tokens)})",
            hint=f"set model.tokenizer to {name!r}, so that both read the same ids",
        )


def _check_head(name: str, teacher: TaskModel | Encoder, head: HeadConfig) -> None:
    theirs = None if isinstance(teacher, Encoder) else teacher.head_config
    if theirs != head:
        shown = "no head" if theirs is None else f"a {theirs.kind} head {list(theirs.labels)}"
        raise ConfigError(
            f"the teacher {name} has {shown}, the student a {head.kind} head {list(head.labels)}",
            hint="soft labels want the same task and the same labels in the same order; train the "
            "teacher on this data first, or set distillation.logits to 0",
        )
