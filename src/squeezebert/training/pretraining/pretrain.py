"""Pretraining: masked language modeling on a corpus, optionally with sentence order.

The paper's own run (Iandola et al. 2020, section 4.1) has both objectives; masked LM alone is the
default, since later work found sentence order of little use (Liu et al. 2019; Izsak et al. 2021).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from torch import Tensor, nn

from squeezebert.checkpoint.pooling import save_pooling
from squeezebert.complexity import HeadShape, count
from squeezebert.data import data_root
from squeezebert.errors import ConfigError
from squeezebert.model import HeadConfig, TaskModel
from squeezebert.shown import console, shown
from squeezebert.spec import TaskSpec
from squeezebert.tokenizer import Tokenizer
from squeezebert.training.distillation.loss import DistillationLoss, Student
from squeezebert.training.distillation.teaching import make_student
from squeezebert.training.loop.batches import Batch, BatchSource
from squeezebert.training.loop.card import pretraining_card
from squeezebert.training.loop.hardware import processes, seed_everything
from squeezebert.training.loop.loop import run_loop
from squeezebert.training.loop.losses import Loss, cross_entropy_loss, sentence_order_loss
from squeezebert.training.loop.output import TrainingResult, claimed, save_run
from squeezebert.training.loop.rounding import rounding
from squeezebert.training.loop.setup import DevScore, Evaluate, Setup
from squeezebert.training.loop.start import start_model, start_tokenizer, with_learning_rate
from squeezebert.training.pretraining.batches import PretrainingBatches, dev_batches
from squeezebert.training.pretraining.corpus import TokenStream, tokenize_source
from squeezebert.training.pretraining.sentences import SentenceBatches, held_out_sentences
from squeezebert.training.pretraining.sequences import HeldOutText
from squeezebert.training.pretraining.shards import read_shard
from squeezebert.training.recipe.file import lasting_settings
from squeezebert.training.recipe.run import PretrainRecipe

MAIN_SCORE = "masked_loss"
DISTILLATION_SCORE = "distillation_loss"


def pretrain(recipe: PretrainRecipe, output: Path | str, resume: bool = False) -> TrainingResult:
    """Trains a masked language model from text files and writes a model directory.

    Args:
        recipe: The run.
        output: The run's directory; becomes the model directory.
        resume: Go on with the run that was killed there. A finished one is left as it is.

    Raises:
        ConfigError: a recipe that cannot be, or another one than the run to resume had; another
            run that is going on in ``output``.
        DataError: text that cannot be read.
        CheckpointError: a model, tokenizer or checkpoint that cannot be read; a disk that takes
            nothing.
    """
    output = Path(output)
    if not recipe.corpus.sources:
        raise ConfigError("corpus.sources is empty", hint="name at least one text file")
    recipe = with_learning_rate(recipe)
    with claimed(output, recipe, resume=resume) as finished:
        return finished or _pretrain(recipe, output, resume=resume)


def _pretrain(recipe: PretrainRecipe, output: Path, *, resume: bool) -> TrainingResult:
    tokenizer = start_tokenizer(recipe.model)
    streams = open_corpus(recipe, tokenizer, output)
    batches, dev = _batches(recipe, streams, tokenizer)
    seed_everything(recipe.loop.seed, 0)
    model = start_model(recipe.model, HeadConfig(kind="masked_lm"), tokenizer)
    _check_length(recipe, model)
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
                flops_per_token=_flops_per_token(recipe, model),
                gradual=gradual,
                settings=lasting_settings(recipe),
            ),
            resume=resume,
        )
    card = pretraining_card(recipe, model, state, [len(s.train) for s in streams])
    length = recipe.corpus.sequence_length
    if recipe.corpus.sentences:
        if processes().is_main_process:
            save_pooling(output, hidden_size=model.config.hidden_size, max_length=length)
        saved, spec = model.encoder, None
    else:
        saved = model
        spec = TaskSpec(task="masked_lm", max_length=length, languages=recipe.languages)
    return save_run(
        output,
        model=saved,
        tokenizer=tokenizer,
        spec=spec,
        card=card,
        state=state,
        main_score=objective.main_score,
    )


def _batches(
    recipe: PretrainRecipe, streams: Sequence[TokenStream], tokenizer: Tokenizer
) -> tuple[BatchSource, list[Batch]]:
    """What is trained on, and what is held out to measure by."""
    if recipe.corpus.sentences:
        return (
            SentenceBatches(recipe, streams, tokenizer),
            held_out_sentences(streams, recipe, tokenizer),
        )
    held_out = HeldOutText.of(streams, recipe.corpus.held_out_tokens)
    if len(held_out.input_ids) < recipe.corpus.sequence_length:
        raise ConfigError(
            f"the corpus is too small to hold text out for the dev loss: {len(held_out.input_ids)} "
            f"tokens, fewer than one sequence of {recipe.corpus.sequence_length}",
            hint="give more text, lower corpus.held_out_every or raise corpus.held_out_tokens",
        )
    return (
        PretrainingBatches(recipe, streams, tokenizer),
        dev_batches(held_out, recipe, tokenizer),
    )


def open_corpus(recipe: PretrainRecipe, tokenizer: Tokenizer, output: Path) -> list[TokenStream]:
    """The recipe's sources as token streams: read from shards, or tokenized if they are not in the
    cache.
    """
    corpus = recipe.corpus
    cache = Path(corpus.cache) if corpus.cache else output / "corpus"
    notes = console(stderr=True, quiet=not processes().is_main_process)
    streams: list[TokenStream] = []
    for source in corpus.sources:
        notes.print(shown(f"{source.path}:"), end=" ", markup=False, soft_wrap=True)
        if corpus.shards:
            stream = read_shard(Path(corpus.shards), source, corpus, tokenizer)
        else:
            with processes().main_process_first():  # the others find the cache
                stream = tokenize_source(
                    locate(source.path),
                    tokenizer,
                    cache,
                    weight=source.weight,
                    turns=source.turns,
                    sentences=corpus.sentences,
                    held_out_every=corpus.held_out_every,
                )
        streams.append(dataclasses.replace(stream, taught=source.taught))
        notes.print(f"{len(stream.train):,} tokens, read {source.weight:g} times an epoch")
    return streams


def locate(path: str) -> Path:
    """A corpus path: as it is, or else in the folder of the data sets."""
    given = Path(path).expanduser()
    if given.exists() or given.is_absolute():
        return given
    root = data_root()
    return given if root is None else root / path


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


def distillation_score(
    student: Student, distillation: DistillationLoss, batches: Sequence[Batch]
) -> DevScore:
    """How far the student is from its teachers on held-out text: the mean of the weighted parts."""
    device = next(student.parameters()).device
    shares = [1.0 if batch.taught is None else batch.taught.float().mean() for batch in batches]
    weights = [float(batch.targets * share) for batch, share in zip(batches, shares, strict=True)]
    total = sum(
        distillation.measure(student, batch.to(device)).item() * weight
        for batch, weight in zip(batches, weights, strict=True)
    )
    mean = total / max(sum(weights), 1.0)
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


def _flops_per_token(recipe: PretrainRecipe, model: TaskModel) -> float:
    """Of the student's forward pass; teachers and what is done for them do not count."""
    length = recipe.corpus.sequence_length
    positions = round(recipe.masking.rate * length)
    cost = count(model.config, HeadShape(kind="masked_lm"), length, positions=positions)
    return 2 * cost.multiply_adds / length


def _check_length(recipe: PretrainRecipe, model: TaskModel) -> None:
    if recipe.corpus.sequence_length > model.config.max_position_embeddings:
        raise ConfigError(
            f"corpus.sequence_length is {recipe.corpus.sequence_length}, "
            f"but the model has positions for {model.config.max_position_embeddings}"
        )
