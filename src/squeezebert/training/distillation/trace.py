"""What a model computes on the way: the layers that distillation compares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from torch import Tensor, nn

from squeezebert.model import Encoder
from squeezebert.training.recipe.run import DistillationRecipe


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

    def last(self) -> Tensor:
        """What the uppermost of the chosen blocks gave."""
        return self.hidden[max(self.hidden)]


def heard_blocks(recipe: DistillationRecipe, layers: Sequence[int], depth: int) -> list[int]:
    """The blocks of an encoder of ``depth`` whose outputs a recipe compares: ``layers`` block by
    block, the last for the texts' vectors.
    """
    chosen = set(layers) if recipe.hidden > 0 else set[int]()
    return sorted(chosen | ({depth - 1} if recipe.vectors > 0 else set()))


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
