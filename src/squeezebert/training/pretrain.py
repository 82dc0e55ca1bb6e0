"""Pretraining: masked language modelling on a corpus, optionally with sentence order.

The paper's own run (Iandola et al. 2020, section 4.1) has both objectives; masked LM alone is the
default, since later work found sentence order of little use (Liu et al. 2019; Izsak et al. 2021).
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from torch import Tensor, nn

from squeezebert.data import data_root
from squeezebert.errors import ConfigError
from squeezebert.model import HeadConfig, TaskModel
from squeezebert.spec import TaskSpec
from squeezebert.tasks.base import IGNORE_INDEX
from squeezebert.tasks.masking import mask_tokens
from squeezebert.tokenizer import Tokenizer
from squeezebert.training.batches import Batch, generator
from squeezebert.training.card import pretraining_card
from squeezebert.training.corpus import PackedSequences, TokenStream, tokenize_source
from squeezebert.training.distillation import DistillationLoss, Student, make_student
from squeezebert.training.hardware import processes, seed_everything
from squeezebert.training.loop import run_loop
from squeezebert.training.losses import Loss, cross_entropy_loss, sentence_order_loss
from squeezebert.training.output import TrainingResult, open_output, save_run
from squeezebert.training.recipe import PretrainRecipe
from squeezebert.training.rounding import rounding
from squeezebert.training.setup import DevScore, Evaluate, Setup
from squeezebert.training.start import start_model, start_tokenizer, with_learning_rate

DEV_SEED = 0
"""Held-out text has the same masks in every run, so that dev losses compare."""

DEV_BATCH = 32
MAIN_SCORE = "masked_loss"
DISTILLATION_SCORE = "distillation_loss"


def pretrain(recipe: PretrainRecipe, output: Path | str, resume: bool = False) -> TrainingResult:
    """Trains a masked language model from text files and writes a model directory.

    Args:
        recipe: The run.
        output: The run's directory; becomes the model directory.
        resume: Go on with the run that was killed there. A finished one is left as it is.

    Raises:
        ConfigError: a recipe that cannot be, or another one than the run to resume had.
        DataError: text that cannot be read.
        CheckpointError: a model, tokenizer or checkpoint that cannot be read.
    """
    output = Path(output)
    if not recipe.corpus.sources:
        raise ConfigError("corpus.sources is empty", hint="name at least one text file")
    recipe = with_learning_rate(recipe)
    finished = open_output(output, recipe, resume=resume)
    if finished is not None:
        return finished
    tokenizer = start_tokenizer(recipe.model)
    streams = open_corpus(recipe, tokenizer, output)
    batches = PretrainingBatches(recipe, streams, tokenizer)
    held_out = batches.packed.held_out(streams, recipe.corpus.held_out_sequences)
    if not len(held_out):
        raise ConfigError(
            "the corpus is too small to hold text out for the dev loss",
            hint="give more text or lower corpus.held_out_every",
        )
    seed_everything(recipe.loop.seed, 0)
    model = start_model(recipe.model, HeadConfig(kind="masked_lm"), tokenizer)
    _check_length(recipe, model)
    dev = _dev_batches(held_out, tokenizer, recipe.masking.rate if _masks(recipe) else 0.0)
    objective = _objective(recipe, model, tokenizer, dev)
    with rounding(model.encoder, recipe.loop.int8_from) as gradual:
        state = run_loop(
            Setup(
                model=objective.module,
                source=batches,
                loss=objective.loss,
                evaluate=objective.evaluate,
                loop=recipe.loop,
                optimizer=recipe.optimizer,
                output=output,
                title="pretraining",
                gradual=gradual,
            ),
            resume=resume,
        )
    spec = TaskSpec(
        task="masked_lm",
        max_length=recipe.corpus.sequence_length,
        languages=recipe.languages,
    )
    return save_run(
        output,
        model=model,
        tokenizer=tokenizer,
        spec=spec,
        card=pretraining_card(recipe, model, state, [len(s.train) for s in streams]),
        state=state,
        main_score=objective.main_score,
    )


def open_corpus(recipe: PretrainRecipe, tokenizer: Tokenizer, output: Path) -> list[TokenStream]:
    """The recipe's sources as token streams, tokenised if they are not in the cache."""
    cache = Path(recipe.corpus.cache) if recipe.corpus.cache else output / "corpus"
    console = Console(stderr=True, highlight=False, quiet=not processes().is_main_process)
    streams: list[TokenStream] = []
    for source in recipe.corpus.sources:
        console.print(f"{source.path}:", end=" ", markup=False, soft_wrap=True)
        with processes().main_process_first():  # the others find the cache
            stream = tokenize_source(
                locate(source.path),
                tokenizer,
                cache,
                weight=source.weight,
                turns=source.turns,
                held_out_every=recipe.corpus.held_out_every,
            )
        streams.append(stream)
        console.print(f"{len(stream.train):,} tokens, read {source.weight:g} times an epoch")
    return streams


def locate(path: str) -> Path:
    """A corpus path: as it is, or else in the folder of the data sets."""
    given = Path(path).expanduser()
    if given.exists() or given.is_absolute():
        return given
    root = data_root()
    return given if root is None else root / path


class PretrainingBatches:
    """Packed and masked sequences, numbered (see :class:`~batches.BatchSource`).

    Args:
        recipe: Sequence length, batch size, masking and seed.
        streams: The tokenised corpus.
        tokenizer: Special tokens and vocabulary.
    """

    def __init__(
        self, recipe: PretrainRecipe, streams: Sequence[TokenStream], tokenizer: Tokenizer
    ) -> None:
        self.packed = PackedSequences(
            streams,
            length=recipe.corpus.sequence_length,
            seed=recipe.loop.seed,
            cls_id=tokenizer.cls_id,
            sep_id=tokenizer.sep_id,
        )
        self._size = min(recipe.loop.batch_size, self.packed.per_epoch)
        self._seed = recipe.loop.seed
        self._tokenizer = tokenizer
        self._masking = recipe.masking
        self._masks = _masks(recipe)
        self._per_epoch = self.packed.per_epoch // self._size
        content = json.dumps([(stream.key, stream.weight) for stream in streams])
        self.key = hashlib.sha256(content.encode()).hexdigest()[:24]

    def batch(self, number: int) -> Batch:
        """Batch ``number``: an epoch's last sequences that fill no batch are left out of it."""
        epoch, index = divmod(number, self._per_epoch)
        rows = self.packed.rows(epoch, np.arange(index * self._size, (index + 1) * self._size))
        if not self._masks:
            return plain_batch(rows)
        draw = generator(self._seed, 3, number)
        if self._masking.sentence_order:
            rows, types, order = swap_segments(rows, self._tokenizer.sep_id, draw)
        else:
            types = order = None
        masked, labels = mask_tokens(
            rows,
            self._tokenizer,
            draw,
            probability=self._masking.rate,
            whole_words=self._masking.whole_words,
        )
        return masked_batch(masked, labels, types, order)

    def epoch(self, number: int) -> int:
        """The epoch of batch ``number``."""
        return number // self._per_epoch

    def batches_in(self, epochs: float) -> int:
        """Batches of the first ``epochs``, at least one."""
        return max(round(epochs * self._per_epoch), 1)


def masked_batch(
    input_ids: NDArray[np.int32],
    labels: NDArray[np.int64],
    types: NDArray[np.int64] | None = None,
    order: NDArray[np.int64] | None = None,
) -> Batch:
    """Full rows (B, S) as a batch whose loss sees the masked tokens only."""
    positions = np.flatnonzero(labels != IGNORE_INDEX)
    inputs = {
        "input_ids": torch.from_numpy(input_ids.astype(np.int64)),
        "positions": torch.from_numpy(positions),
    }
    if types is not None:
        inputs["token_type_ids"] = torch.from_numpy(types)
    return Batch(
        inputs=inputs,
        labels=torch.from_numpy(labels.ravel()[positions]),
        targets=len(positions),
        tokens=input_ids.size,
        order=None if order is None else torch.from_numpy(order),
    )


def plain_batch(input_ids: NDArray[np.int64]) -> Batch:
    """Full rows (B, S) as they are, for a student that learns from its teachers alone."""
    return Batch(
        inputs={"input_ids": torch.from_numpy(input_ids)},
        labels=torch.zeros(0, dtype=torch.int64),
        targets=input_ids.size,
        tokens=input_ids.size,
    )


def swap_segments(
    rows: NDArray[np.int64], sep_id: int, draw: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Cuts each row's text in two, ``[CLS] A [SEP] B [SEP]``, and swaps every other pair or so.

    Args:
        rows: (B, S) packed sequences.
        sep_id: ``[SEP]``.
        draw: Where the chance comes from.

    Returns:
        The rows (B, S), one token of text shorter each; token types (B, S); and (B,) 1 where
        swapped, 0 where not, ``IGNORE_INDEX`` where a document ends inside.
    """
    count, length = rows.shape
    text = rows[:, 1:-2]
    cut = draw.integers(length // 4, length - length // 4, size=count)
    swapped = draw.random(count) < 0.5
    result = rows.copy()
    types = np.zeros_like(rows)
    for row in range(count):
        first, second = text[row, : cut[row]], text[row, cut[row] :]
        if swapped[row]:
            first, second = second, first
        middle = 1 + len(first)
        result[row, 1:middle] = first
        result[row, middle] = sep_id
        result[row, middle + 1 : -1] = second
        types[row, middle + 1 :] = 1
    order = np.where((text == sep_id).any(axis=1), IGNORE_INDEX, swapped).astype(np.int64)
    return result, types, order


class SentenceOrderOutput(NamedTuple):
    """Logits of the masked tokens (n, vocab) and of the order (B, 2)."""

    logits: Tensor
    order_logits: Tensor


class WithSentenceOrder(nn.Module):
    """A masked language model with a second head beside it, for training only.

    Args:
        model: The masked language model, shared and not copied.
    """

    def __init__(self, model: TaskModel) -> None:
        super().__init__()
        hidden = model.config.hidden_size
        self.model = model
        self.order = nn.Sequential(nn.Linear(hidden, hidden), nn.Tanh(), nn.Linear(hidden, 2))

    def forward(
        self, input_ids: Tensor, positions: Tensor, token_type_ids: Tensor | None = None
    ) -> SentenceOrderOutput:
        """Logits of the tokens at ``positions`` and of the order."""
        encoded = self.model.encoder(input_ids, None, token_type_ids)
        return SentenceOrderOutput(
            logits=self.model.head(encoded, positions).logits,
            order_logits=self.order(encoded.last_hidden_state[:, 0]),
        )


@dataclass(frozen=True, kw_only=True)
class _Objective:
    """What is trained, by which loss, and what it is judged by."""

    module: nn.Module
    loss: Loss
    evaluate: Evaluate
    main_score: str


def _objective(
    recipe: PretrainRecipe, model: TaskModel, tokenizer: Tokenizer, dev: Sequence[Batch]
) -> _Objective:
    module: nn.Module = model
    loss: Loss = cross_entropy_loss
    if recipe.masking.sentence_order:
        module, loss = WithSentenceOrder(model), sentence_order_loss
    if not recipe.distillation.teachers:
        return _Objective(
            module=module,
            loss=loss,
            evaluate=lambda: masked_loss(model, dev),
            main_score=MAIN_SCORE,
        )
    student, distillation = make_student(model, recipe.distillation, tokenizer, loss, module)

    def evaluate() -> DevScore:
        distance = distillation_score(student, distillation, dev)
        if not recipe.distillation.task:
            return distance
        masked = masked_loss(model, dev)
        return dataclasses.replace(masked, values={**masked.values, **distance.values})

    return _Objective(
        module=student,
        loss=distillation,
        evaluate=evaluate,
        main_score=MAIN_SCORE if recipe.distillation.task else DISTILLATION_SCORE,
    )


def _masks(recipe: PretrainRecipe) -> bool:
    """Whether any loss wants masks: comparing states or relations alone does not."""
    learnt = recipe.distillation
    return not learnt.teachers or learnt.task > 0 or learnt.logits > 0


def _dev_batches(rows: NDArray[np.int64], tokenizer: Tokenizer, rate: float) -> list[Batch]:
    starts = range(0, len(rows), DEV_BATCH)
    if not rate:
        return [plain_batch(rows[start : start + DEV_BATCH]) for start in starts]
    draw = generator(DEV_SEED, 4)
    masked, labels = mask_tokens(rows, tokenizer, draw, probability=rate)
    return [
        masked_batch(masked[start : start + DEV_BATCH], labels[start : start + DEV_BATCH])
        for start in starts
    ]


def distillation_score(
    student: Student, distillation: DistillationLoss, batches: Sequence[Batch]
) -> DevScore:
    """How far the student is from its teachers on held-out text: the mean of the weighted parts."""
    device = next(student.parameters()).device
    total = sum(
        distillation.measure(student, batch.to(device)).item() * batch.targets for batch in batches
    )
    mean = total / sum(batch.targets for batch in batches)
    return DevScore(
        values={DISTILLATION_SCORE: mean}, main=DISTILLATION_SCORE, higher_is_better=False
    )


def masked_loss(model: TaskModel, batches: Sequence[Batch]) -> DevScore:
    """Mean cross entropy and accuracy over the masked tokens of held-out text."""
    device = next(model.parameters()).device
    loss, right, targets = 0.0, 0, 0
    for batch in batches:
        batch = batch.to(device)
        logits = model(**batch.inputs).logits.float()
        loss += nn.functional.cross_entropy(logits, batch.labels, reduction="sum").item()
        right += int((logits.argmax(dim=-1) == batch.labels).sum())
        targets += batch.targets
    values = {MAIN_SCORE: loss / max(targets, 1), "masked_accuracy": right / max(targets, 1)}
    return DevScore(values=values, main=MAIN_SCORE, higher_is_better=False)


def _check_length(recipe: PretrainRecipe, model: TaskModel) -> None:
    if recipe.corpus.sequence_length > model.config.max_position_embeddings:
        raise ConfigError(
            f"corpus.sequence_length is {recipe.corpus.sequence_length}, "
            f"but the model has positions for {model.config.max_position_embeddings}"
        )
