"""A model that is learnt from."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from squeezebert.model import Encoder, TaskModel
from squeezebert.tasks.base import Features
from squeezebert.training.distillation.alignment import Alignment, Rereader, same_tokens
from squeezebert.training.distillation.soft_labels import KeptLabels
from squeezebert.training.distillation.trace import heard_blocks, listen
from squeezebert.training.loop.batches import Batch
from squeezebert.training.recipe.run import DistillationRecipe


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
            hidden=heard_blocks(recipe, layers, len(self.encoder.blocks)),
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
