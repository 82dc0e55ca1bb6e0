"""A student with its teachers: loaded, checked against one another, layers paired."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from torch import nn

from squeezebert.checkpoint.hub import resolve
from squeezebert.errors import ConfigError
from squeezebert.model import Encoder, HeadConfig, TaskModel, load_model
from squeezebert.tokenizer import Tokenizer
from squeezebert.training.distillation.alignment import Rereader
from squeezebert.training.distillation.loss import DistillationLoss, Student, Teacher
from squeezebert.training.loop.losses import Loss
from squeezebert.training.recipe.run import DistillationRecipe


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
        tokenizer: The student's; teachers of another vocabulary read the same words.
        task: The run's own loss.
        module: What that loss calls, where that is more than ``model``.

    Raises:
        ConfigError: teachers without the head that soft labels need (for masked LM: with another
            vocabulary), or layers that are not there.
        CheckpointError: a teacher that cannot be read.
    """
    depth = len(model.encoder.blocks)
    loaded = [(name, load_model(name)) for name in recipe.teachers]
    layers = _student_layers(recipe, depth, [_encoder(teacher) for _, teacher in loaded])
    mine = recipe.relation_layers[0] - 1 if recipe.relation_layers else depth - 1
    teachers: list[Teacher] = []
    for name, teacher in loaded:
        rereader = _rereader(name, teacher, tokenizer)
        if recipe.logits:
            _check_head(name, teacher, model.head_config)
            if rereader is not None and model.head_config.kind == "masked_lm":
                _refuse_vocabulary(name)
        theirs = len(_encoder(teacher).blocks)
        source = recipe.relation_layers[1] - 1 if recipe.relation_layers else theirs - 1
        pairs = [
            _spread(layer, depth, theirs) if not recipe.layers else dict(_pairs(recipe))[layer]
            for layer in layers
        ]
        _check_layers(name, [*pairs, source], theirs)
        _check_heads(recipe, [model.encoder, _encoder(teacher)])
        teachers.append(
            Teacher(
                name,
                teacher,
                layers=pairs,
                relations=source,
                recipe=recipe,
                rereader=rereader,
                by_token=model.head_config.kind == "token_classification",
            )
        )
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


def _rereader(name: str, teacher: TaskModel | Encoder, tokenizer: Tokenizer) -> Rereader | None:
    """None for a teacher of the student's vocabulary."""
    path = Path(name)
    theirs = Tokenizer.load(path if path.exists() else resolve(name))
    if (theirs.tokens, theirs.manner) == (tokenizer.tokens, tokenizer.manner):
        return None
    return Rereader(tokenizer, theirs, _encoder(teacher).config.max_position_embeddings)


def _refuse_vocabulary(name: str) -> NoReturn:
    raise ConfigError(
        f"the teacher {name} has another vocabulary, so its soft labels are of other words",
        hint=f"set distillation.logits to 0 and learn its hidden states or relations, or set "
        f"model.tokenizer to {name!r}, so that both have the same words",
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
