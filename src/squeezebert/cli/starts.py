"""What `train` starts from where nobody says: the best shipped model for a task and languages."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from squeezebert.cli import screen
from squeezebert.errors import MissingDependencyError

if TYPE_CHECKING:
    from squeezebert.training.finetuning.datasets import TrainingData
    from squeezebert.training.recipe.run import FinetuneRecipe


ASSUMED = "en"
"""The language of texts that do not tell theirs."""


def with_start(recipe: FinetuneRecipe, data: TrainingData, *, chosen: bool) -> FinetuneRecipe:
    """The recipe with the languages of its texts, where nobody named them, and with a start that
    suits them, where nobody chose one.

    Args:
        recipe: What was asked for.
        data: What it trains on, which may say its languages.
        chosen: Whether somebody chose the start.
    """
    languages = data.languages
    if not languages:
        languages = _languages_of(data)
        recipe = dataclasses.replace(recipe, languages=languages)
    model = recipe.model
    if not chosen:
        model = dataclasses.replace(model, start=best_start(recipe.task, languages or (ASSUMED,)))
        screen.note(f"--model {model.start}: the start that suits task and languages best")
    foreign = _foreign_to(model.start, languages)
    if foreign:
        screen.note(
            f"{model.start} does not know the language {', '.join(foreign)}: expect less of it "
            "than of a start that does, from the Hugging Face hub or by `squeezebert pretrain`",
            "warning",
            "yellow",
        )
    return dataclasses.replace(recipe, model=model)


def best_start(task: str, languages: Sequence[str]) -> str:
    """The shipped model to fine-tune: for entities one that finds some already, else a masked LM;
    the larger one where it knows the languages. Of languages that none knows, the bilingual one.

    >>> best_start("token_classification", ["en"]), best_start("text_classification", ["de"])
    ('squeezebert-small-ner', 'squeezebert-bilingual-mlm')
    """
    from squeezebert.checkpoint.shipped import shipped_models

    kind = "ner" if task == "token_classification" else "mlm"
    known = {model.name: {*model.languages} for model in shipped_models()}
    names = [f"squeezebert-{size}-{kind}" for size in ("small", "bilingual", "mini")]
    return next((name for name in names if known[name].issuperset(languages)), names[1])


def _languages_of(data: TrainingData) -> tuple[str, ...]:
    """The languages that the texts are in; none where they do not tell, which is said."""
    from squeezebert.predicting.language import languages_of

    try:
        languages = languages_of([_text_of(example) for example in data.train])
    except MissingDependencyError as error:
        screen.note(f"--language {ASSUMED}: assumed; to have it told by the texts, {error.hint}")
        return ()
    if languages:
        said = " ".join(f"--language {code}" for code in languages)
        screen.note(f"{said}: what the texts look to be in")
    else:
        screen.note(f"--language {ASSUMED}: assumed, as the texts are too short to tell")
    return languages


def _text_of(example: Any) -> str:
    from squeezebert.data.examples import Document

    return " ".join(example.turns) if isinstance(example, Document) else example.text


def _foreign_to(start: str, languages: Sequence[str]) -> list[str]:
    """The languages that a start was not made for; none where it does not say."""
    from squeezebert.checkpoint.directory import read_spec
    from squeezebert.checkpoint.hub import resolve
    from squeezebert.config import PRESETS

    spec = None if start in PRESETS else read_spec(resolve(start))
    known = () if spec is None else spec.languages
    return [code for code in languages if known and code not in known]
