"""Fine-tuning: from raw data and a starting model to a model directory for one task."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from squeezebert.backends.torch_backend import TorchBackend
from squeezebert.data.tags import names_entities
from squeezebert.model import HeadConfig, TaskModel
from squeezebert.pipeline import Answers, Pipeline
from squeezebert.spec import TaskSpec
from squeezebert.tasks import TokenClassification, fit_temperature, make_task
from squeezebert.tasks.base import Features, Scores, Task
from squeezebert.tasks.decoding import iob2_transitions
from squeezebert.tokenizer import Tokenizer
from squeezebert.training.distillation.teaching import make_student
from squeezebert.training.finetuning.datasets import TrainingData, open_training_data
from squeezebert.training.finetuning.transitions import fitted_spec
from squeezebert.training.loop.card import finetuning_card
from squeezebert.training.loop.collate import FeatureBatches
from squeezebert.training.loop.hardware import processes, seed_everything
from squeezebert.training.loop.loop import run_loop
from squeezebert.training.loop.losses import loss_for
from squeezebert.training.loop.output import TrainingResult, claimed, save_run
from squeezebert.training.loop.rounding import rounding
from squeezebert.training.loop.setup import DevScore, Setup
from squeezebert.training.loop.start import start_model, start_tokenizer, with_learning_rate
from squeezebert.training.recipe.file import lasting_settings
from squeezebert.training.recipe.run import FinetuneRecipe, LoopRecipe


def finetune(
    recipe: FinetuneRecipe,
    output: Path | str,
    resume: bool = False,
    *,
    data: TrainingData | None = None,
    quiet: bool = False,
) -> TrainingResult:
    """Trains a model for a task and writes a model directory.

    The dev scores are those of the task itself, by the backend that predicts. A text
    classifier's temperature is fitted on the dev set, so that its confidences are calibrated.

    Args:
        recipe: The run.
        output: The run's directory; becomes the model directory.
        resume: Go on with the run that was killed there. A finished one is left as it is.
        data: What to train on, instead of what the recipe names.
        quiet: Tell nothing of the run, neither on stderr nor in ``metrics.jsonl``.

    Raises:
        ConfigError: a recipe that cannot be, or another one than the run to resume had; another
            run that is going on in ``output``.
        DataError, InvalidInputError: data that cannot be read.
        CheckpointError: a model, tokenizer or checkpoint that cannot be read; a disk that takes
            nothing.
    """
    output, recipe = Path(output), with_learning_rate(recipe)
    with claimed(output, recipe, resume=resume) as finished:
        return finished or _finetune(recipe, output, resume=resume, data=data, quiet=quiet)


def _finetune(
    recipe: FinetuneRecipe, output: Path, *, resume: bool, data: TrainingData | None, quiet: bool
) -> TrainingResult:
    data = open_training_data(recipe) if data is None else data
    tokenizer = start_tokenizer(recipe.model)
    spec = TaskSpec(
        task=recipe.task,
        labels=data.labels,
        problem_type=data.problem_type,
        max_length=recipe.max_length,
        languages=data.languages,
        # All readers turn the tags of entities into IOB2; labels of words may follow any other.
        transitions=iob2_transitions(data.labels)
        if recipe.task == "token_classification" and names_entities(data.labels)
        else (),
    )
    seed_everything(recipe.loop.seed, 0)
    head = HeadConfig(kind=spec.task, labels=spec.labels, problem_type=spec.problem_type)
    model = start_model(recipe.model, head, tokenizer)
    task = make_task(spec, tokenizer)
    dev = _Dev(task, model, data)
    module: nn.Module = model
    loss = loss_for(spec.task, spec.problem_type)
    features = task.encode(data.train, with_labels=True)
    source = FeatureBatches(
        features, task=spec.task, tokenizer=tokenizer, loop=recipe.loop, masking=recipe.masking
    )
    if recipe.distillation.teachers:
        module, loss = make_student(model, recipe.distillation, tokenizer, loss)
        if spec.task != "masked_lm" and _passes(recipe.loop, source) >= 2:
            loss.keep_labels(features, tokenizer.pad_id)
    with rounding(model.encoder, recipe.loop.int8_from) as gradual:
        state = run_loop(
            Setup(
                model=module,
                source=source,
                loss=loss,
                evaluate=dev.evaluate,
                loop=recipe.loop,
                optimizer=recipe.optimizer,
                output=output,
                title=spec.task,
                gradual=gradual,
                quiet=quiet,
                settings=lasting_settings(recipe),
            ),
            resume=resume,
        )
    spec, scores, before = _calibrate(spec, tokenizer, dev)
    state = dataclasses.replace(state, best_values=dict(scores.values))
    facts = _facts(spec, data, features, before)
    return save_run(
        output,
        model=model,
        tokenizer=tokenizer,
        spec=spec,
        card=finetuning_card(recipe, model, state, data.rows, facts),
        state=state,
        main_score=scores.main,
    )


def _facts(
    spec: TaskSpec, data: TrainingData, features: Sequence[Features], before: Scores
) -> list[str]:
    """What the card says besides scores; ``before`` are those before transitions were fitted."""
    facts = [*data.notes]
    cut = sum(1 for item in features if item.truncated_tokens)
    if cut:
        facts.append(
            f"{cut:,} of {len(data.train):,} training texts are longer than {spec.max_length} "
            "tokens; what is beyond was not read."
        )
    if spec.transitions:
        facts.append(
            "Scores of tags that follow one another, fitted on the dev set, whose scores here are "
            f"with them; before that: {before.main} {before.values[before.main]:.4f}."
        )
    if spec.temperature != 1.0:
        facts.append(f"Temperature, fitted on the dev set: {spec.temperature:.3f}.")
    return facts


def _passes(loop: LoopRecipe, source: FeatureBatches) -> float:
    """How often this process sees each example, about."""
    batches = source.batches_in(loop.epochs)
    if loop.max_steps:
        batches = min(batches, loop.max_steps * loop.accumulation)
    return batches / source.batches_in(1.0) / processes().num_processes


class _Dev:
    """The dev set under the model that is being trained."""

    def __init__(self, task: Task[Any, Any, Any], model: TaskModel, data: TrainingData) -> None:
        # Made before training starts: a length that the model cannot take is found at once.
        self.pipeline = Pipeline(task, TorchBackend(model), name="the model")
        self.examples = data.dev

    def answer(self) -> Answers:
        return self.pipeline.answer(self.examples, with_labels=True)

    def evaluate(self) -> DevScore:
        task, answers = self.pipeline.task, self.answer()
        scores = task.score(self.examples, answers.features, answers.reduced)
        if task.name == "masked_lm":  # accuracy moves in steps too coarse for a small dev set
            return DevScore(values=scores.values, main="cross_entropy", higher_is_better=False)
        return DevScore(values=scores.values, main=scores.main)


def _calibrate(spec: TaskSpec, tokenizer: Tokenizer, dev: _Dev) -> tuple[TaskSpec, Scores, Scores]:
    """The spec with what is fitted to the dev set, and the kept weights' dev scores: those that
    `squeezebert evaluate` gives for the saved model, and those from before the fit.
    """
    task, answers = dev.pipeline.task, dev.answer()
    before = task.score(dev.examples, answers.features, answers.reduced)
    if isinstance(task, TokenClassification):
        spec = fitted_spec(task, dev.examples, answers)
    elif spec.task == "text_classification" and spec.problem_type != "regression":
        labels = np.stack([np.asarray(item.labels) for item in answers.features])
        temperature = fit_temperature(np.stack(answers.reduced), labels)
        spec = dataclasses.replace(spec, temperature=round(temperature, 4))
    task = make_task(spec, tokenizer)
    return spec, task.score(dev.examples, answers.features, answers.reduced), before
