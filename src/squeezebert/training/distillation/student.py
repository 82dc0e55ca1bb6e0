"""The model that learns, wrapped for the run."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from squeezebert.model import Encoder
from squeezebert.training.distillation.teacher import Teacher
from squeezebert.training.distillation.trace import heard_blocks, listen
from squeezebert.training.recipe.run import DistillationRecipe


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
            hidden=heard_blocks(recipe, layers, len(encoder.blocks)),
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
