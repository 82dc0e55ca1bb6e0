"""What an ablation consists of: its arms, their recipes, and its runs in order."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from experiments.page import ROOT
from squeezebert.config import PRESETS, EncoderConfig
from squeezebert.errors import ConfigError
from squeezebert.training.loop.start import start_tokenizer
from squeezebert.training.recipe.file import from_mapping, merged, read_values
from squeezebert.training.recipe.run import FinetuneRecipe, PretrainRecipe

"""Where the plan's recipes are looked up."""

Budget = Literal["tokens", "time"]
BUDGETS: tuple[Budget, ...] = ("tokens", "time")

NEVER = 1_000_000_000
"""Steps between evaluations, so that fine-tuning gives the weights of its last step."""


@dataclass(frozen=True)
class Finetuning:
    """A task on which pretrained models are judged."""

    recipe: str
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def name(self) -> str:
        """That of its recipe's file."""
        return Path(self.recipe).stem


@dataclass(frozen=True)
class TablePlan:
    """Arms that stand together."""

    title: str
    arms: tuple[str, ...]


@dataclass(frozen=True, order=True)
class Run:
    """One model to pretrain. Runs sort in the order in which they are made."""

    seed: int
    budget: Budget
    arm: str

    @property
    def name(self) -> str:
        """Of its directory and its JSON file."""
        return f"{self.arm}-{self.budget}-{self.seed}"


@dataclass(frozen=True)
class Plan:
    """What ``ablation.toml`` says; made by :meth:`load`.

    Args:
        recipe: The pretraining recipe that all arms share.
        reference: The arm whose time is the equal time.
        tokens: That every arm reads at equal tokens.
        finetune: What comes after pretraining.
        tables: Which arms stand together.
        arms: Settings by arm.
        settings: For all arms.
        where: The file, for messages.
        vectors: Whether word tables start from vectors counted on the corpus, anew for each size.
            Arms are then judged by what stands above words, as soon as after a few million tokens.
    """

    recipe: str
    reference: str
    tokens: int
    finetune: tuple[Finetuning, ...]
    tables: tuple[TablePlan, ...]
    arms: Mapping[str, Mapping[str, Any]]
    settings: Mapping[str, Any]
    where: str
    vectors: bool = False

    @classmethod
    def load(cls, path: Path) -> Plan:
        """Reads the TOML file.

        Raises:
            ConfigError: no such file, not TOML, an unknown or missing setting, or a table with an
                arm that there is not.
        """
        values = read_values(path)
        try:
            values["finetune"] = tuple(Finetuning(**one) for one in values["finetune"])
            tables = tuple(TablePlan(one["title"], tuple(one["arms"])) for one in values["tables"])
            given: dict[str, Any] = {**values, "tables": tables, "where": str(path)}
            plan = cls(**given)
        except (KeyError, TypeError) as error:
            raise ConfigError(f"{path} is no plan of an ablation: {error}") from error
        for name in (plan.reference, *(arm for table in plan.tables for arm in table.arms)):
            if name not in plan.arms:
                raise ConfigError(
                    f"{path} names the arm {name!r}, which it does not have",
                    hint=f"its arms are {', '.join(plan.arms)}",
                )
        return plan

    def pretraining(
        self,
        arm: str,
        *,
        tokens: int,
        seed: int,
        cache: Path,
        held_out_tokens: int | None = None,
        **loop: Any,
    ) -> PretrainRecipe:
        """The recipe of one pretraining run.

        Args:
            arm: The plan's.
            tokens: How many it reads.
            seed: Of the weights, masks and the order of the text.
            cache: Where tokenized text is kept.
            held_out_tokens: Instead of the recipe's.
            loop: More settings of its loop.

        Raises:
            ConfigError: a setting that does not exist or cannot be.
        """
        corpus: dict[str, Any] = {"cache": str(cache)}
        if held_out_tokens is not None:
            corpus["held_out_tokens"] = held_out_tokens
        own = {"loop": {"max_tokens": tokens, "seed": seed, **loop}, "corpus": corpus}
        if self.vectors:
            own["model"] = {"embeddings": str(self.vectors_file(arm, cache))}
        return self._recipe(arm, own)

    def vectors_file(self, arm: str, cache: Path) -> Path:
        """Where the word vectors are that an arm starts from; arms of one size share them."""
        return cache / f"vectors-{self.shape(arm).embedding_size}.safetensors"

    def _recipe(self, arm: str, own: Mapping[str, Any]) -> PretrainRecipe:
        values = merged(read_values(ROOT / self.recipe), self.settings, self.arms[arm], own)
        return from_mapping(PretrainRecipe, values, f"{self.where}, arm {arm}")

    def finetuning(self, task: Finetuning, start: Path, *, seed: int) -> FinetuneRecipe:
        """The recipe of one fine-tuning run.

        Raises:
            ConfigError: a setting that does not exist or cannot be.
        """
        own = {"model": {"start": str(start)}, "loop": {"seed": seed, "evaluate_steps": NEVER}}
        values = merged(read_values(ROOT / task.recipe), task.settings, own)
        return from_mapping(FinetuneRecipe, values, f"{self.where}, {task.recipe}")

    def shape(self, arm: str) -> EncoderConfig:
        """The shape of an arm's model, which starts from a preset.

        Raises:
            ConfigError: an arm that starts from a trained model.
        """
        recipe = self._recipe(arm, {"loop": {"max_tokens": 1}}).model
        if recipe.start not in PRESETS:
            raise ConfigError(
                f"{self.where}: the arm {arm} starts from {recipe.start!r}, no preset",
                hint=f"the presets are {', '.join(PRESETS)}",
            )
        size = start_tokenizer(recipe).vocab_size
        fields: dict[str, Any] = dict(recipe.shape)
        return dataclasses.replace(PRESETS[recipe.start], vocab_size=size, **fields)

    def runs(self, arms: Sequence[str], budgets: Sequence[Budget], seeds: int) -> list[Run]:
        """All runs: a whole table first, then the same with more seeds.

        The reference at equal time is the reference at equal tokens.
        """
        return [
            Run(seed, budget, arm)
            for seed in range(seeds)
            for budget in BUDGETS
            for arm in self.arms
            if budget in budgets
            and arm in arms
            and not (budget == "time" and arm == self.reference)
        ]
