"""What a training run is, as plain data: one frozen dataclass a section of the TOML file.

Defaults here < the TOML file < overrides from the command line; :mod:`recipe_file` joins them.
No torch in here, so that the command line can read and check a recipe at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from squeezebert.data.data_recipe import DataRecipe, DataSource, require
from squeezebert.errors import ConfigError
from squeezebert.spec import ProblemType, TaskName
from squeezebert.training.recipe.data import (
    CorpusRecipe,
    CorpusSource,
    MaskingRecipe,
)

__all__ = [
    "CorpusRecipe",
    "CorpusSource",
    "DataRecipe",
    "DataSource",
    "DistillationRecipe",
    "FinetuneRecipe",
    "LoopRecipe",
    "MaskingRecipe",
    "ModelRecipe",
    "OptimizerRecipe",
    "PretrainRecipe",
    "Recipe",
]

Precision = Literal["auto", "float32", "bf16"]
Schedule = Literal["linear", "cosine", "constant", "trapezoid", "one_cycle"]
OptimizerName = Literal["adamw", "lamb", "muon"]
RecipeKind = Literal["finetune", "pretrain"]


@dataclass(frozen=True, kw_only=True)
class ModelRecipe:
    """``[model]``: what the run starts from.

    Args:
        start: A preset's name (random weights), or a model directory, shipped model or hub name.
        tokenizer: Where the tokenizer is: a model directory, ``tokenizer.json`` or ``vocab.txt``.
            Empty: the one of ``start``.
        shape: Fields of the config that differ from the preset's. Presets only.
        embeddings: A model directory whose embeddings (word, position, token type, LayerNorm)
            replace those of ``start``, so that two models can share one table; or a
            ``.safetensors`` file of word vectors
            (:mod:`squeezebert.training.pretraining.word_vectors`) that the word table
            begins with. Empty: none.
        freeze_embeddings: Leave the embeddings as they are; a masked-LM decoder is tied to the
            word table and stays too.
        dropout: The probability of all dropout, also of a trained ``start``; below 0: as the
            shape or the trained model has it. 0 suits pretraining of less than an epoch or two
            (Geiping & Goldstein 2023).
    """

    start: str = "squeezebert-mini"
    tokenizer: str = ""
    shape: Mapping[str, int | float | str] = field(default_factory=dict[str, int | float | str])
    embeddings: str = ""
    freeze_embeddings: bool = False
    dropout: float = -1.0

    def __post_init__(self) -> None:
        require(self.dropout < 1, "dropout", self.dropout, "a probability below 1")


@dataclass(frozen=True, kw_only=True)
class OptimizerRecipe:
    """``[optimizer]``: the optimizer and its learning rate over the run.

    Args:
        name: ``adamw``; ``lamb`` (You et al. 2020) for large batches, the paper's; ``muon``
            (Jordan et al. 2024) for the matrices of the blocks, each group of a grouped layer
            by itself, with AdamW for the rest.
        learning_rate: The peak; 0 chooses by the model's width, see
            :func:`squeezebert.training.loop.start.with_learning_rate`.
        muon_learning_rate: The peak for Muon's matrices, whose steps are scaled to AdamW's size;
            0: ``learning_rate``.
        warmup: The share of the run (see :class:`LoopRecipe`) over which the rate rises.
        schedule: How the rate goes: ``linear``, ``cosine`` and ``constant`` after a linear
            warm-up; ``trapezoid`` is constant until the cool-down; ``one_cycle`` rises and falls
            as cosines, and wants a ``warmup`` of 0.3 or so.
        cooldown: ``trapezoid`` only: the share of the run, at its end, over which the rate falls.
        final: Where it ends, as a share of the peak.
        weight_decay: On matrices only: biases and LayerNorms go without.
        beta1: Decay of the gradients' mean.
        beta2: Decay of the squared gradients' mean.
        momentum: Muon only: decay of the gradients' mean.
        epsilon: Keeps the division finite.
        max_grad_norm: Gradients are scaled down to this norm; 0 leaves them.
    """

    name: OptimizerName = "adamw"
    learning_rate: float = 0.0
    muon_learning_rate: float = 0.0
    warmup: float = 0.06
    schedule: Schedule = "linear"
    cooldown: float = 0.2
    final: float = 0.0
    weight_decay: float = 0.01
    beta1: float = 0.9
    beta2: float = 0.98
    momentum: float = 0.95
    epsilon: float = 1e-6
    max_grad_norm: float = 1.0

    def __post_init__(self) -> None:
        for name in ("learning_rate", "muon_learning_rate"):
            value = getattr(self, name)
            require(value >= 0, name, value, "0 or more")
        require(0 <= self.warmup < 1, "warmup", self.warmup, "a share in [0, 1)")
        require(0 <= self.cooldown <= 1, "cooldown", self.cooldown, "a share in [0, 1]")
        if self.schedule == "trapezoid" and self.warmup + self.cooldown > 1:
            raise ConfigError(
                f"warmup {self.warmup} and cooldown {self.cooldown} are longer than the run",
                hint="they are shares of it: their sum is at most 1",
            )
        require(0 <= self.final <= 1, "final", self.final, "a share in [0, 1]")
        require(self.weight_decay >= 0, "weight_decay", self.weight_decay, "0 or more")
        for name in ("beta1", "beta2", "momentum"):
            value = getattr(self, name)
            require(0 <= value < 1, name, value, "a number in [0, 1)")
        require(self.epsilon > 0, "epsilon", self.epsilon, "more than 0")
        require(self.max_grad_norm >= 0, "max_grad_norm", self.max_grad_norm, "0 or more")


@dataclass(frozen=True, kw_only=True)
class LoopRecipe:
    """``[loop]``: how long, in which batches, and what is written on the way.

    The run's length, which the learning rate's schedule is measured by, is ``max_tokens`` if set,
    else ``max_steps`` if set, else ``epochs``. ``max_minutes`` only cuts it short, unless the run
    is ``timed``.

    Args:
        seed: Fixes the weights that start at random, the order of the data, masks and dropout.
        epochs: Passes over the data.
        max_steps: Optimizer steps; 0: no such limit.
        max_tokens: Input tokens; 0: no such limit.
        max_minutes: Minutes of training, added up over resumed runs; 0: no such limit.
        timed: ``max_minutes`` is the run's length, for a machine that is lent by the minute; what
            comes of it depends on the machine's speed. Resumed with more minutes it goes on at the
            rate that stands at its new share: a trapezoid's peak, once more to be cooled down.
        batch_size: Sequences a forward pass.
        token_budget: Instead of ``batch_size``: at most that many tokens a forward pass, padding
            included; 0: ``batch_size`` counts. Fine-tuning only.
        accumulation: Forward passes an optimizer step.
        batch_ramp: The share of the run over which the forward passes an optimizer step rise
            evenly to ``accumulation``; 0: all steps are alike.
        batch_ramp_start: What they rise from, as a share of ``accumulation``.
        precision: ``auto`` takes bf16 where the hardware computes it.
        int8_from: The share of the run from which training goes through the engine's int8 rounding
            (:mod:`squeezebert.training.loop.rounding`), so that int8 loses nothing; 1: never.
        compile: Fuse the blocks' operations by ``torch.compile``; for GPUs. The first steps take
            longer.
        torch_threads: CPU threads for torch; 0 leaves torch's own choice.
        evaluate_steps: Steps between evaluations on the dev set; 0: after each epoch.
        patience: Stop after that many evaluations without a better dev score; 0: never.
        checkpoint_minutes: Minutes between checkpoints (every evaluation writes one too).
        log_steps: Steps between lines of ``metrics.jsonl``.
        log_seconds: Seconds between progress lines where stderr is not a terminal.
        tensorboard: Also write TensorBoard files, if that package is installed.
    """

    seed: int = 0
    epochs: float = 3.0
    max_steps: int = 0
    max_tokens: int = 0
    max_minutes: float = 0.0
    timed: bool = False
    batch_size: int = 32
    token_budget: int = 0
    accumulation: int = 1
    batch_ramp: float = 0.0
    batch_ramp_start: float = 0.125
    precision: Precision = "auto"
    int8_from: float = 1.0
    compile: bool = False
    torch_threads: int = 0
    evaluate_steps: int = 0
    patience: int = 0
    checkpoint_minutes: float = 3.0
    log_steps: int = 10
    log_seconds: float = 30.0
    tensorboard: bool = True

    def __post_init__(self) -> None:
        require(self.epochs > 0, "epochs", self.epochs, "more than 0")
        for name in ("batch_size", "accumulation", "log_steps"):
            value = getattr(self, name)
            require(value >= 1, name, value, "1 or more")
        for name in (
            "seed",
            "max_steps",
            "max_tokens",
            "max_minutes",
            "token_budget",
            "torch_threads",
            "evaluate_steps",
            "patience",
            "checkpoint_minutes",
            "log_seconds",
        ):
            value = getattr(self, name)
            require(value >= 0, name, value, "0 or more")
        require(0 <= self.int8_from <= 1, "int8_from", self.int8_from, "a share in [0, 1]")
        require(0 <= self.batch_ramp <= 1, "batch_ramp", self.batch_ramp, "a share in [0, 1]")
        require(
            0 < self.batch_ramp_start <= 1,
            "batch_ramp_start",
            self.batch_ramp_start,
            "a share in (0, 1]",
        )
        if self.batch_ramp and self.accumulation == 1:
            raise ConfigError(
                "batch_ramp is set, but accumulation is 1: there is nothing to rise",
                hint="divide batch_size and multiply accumulation by 8, say",
            )
        if self.timed and not self.max_minutes:
            raise ConfigError("timed is set, but max_minutes, the run's length, is 0")


RUN_ONLY = frozenset(
    {
        "loop.max_minutes",
        "loop.checkpoint_minutes",
        "loop.log_seconds",
        "loop.tensorboard",
        "corpus.cache",
        "corpus.shards",
    }
)
"""Settings that a resumed run may change: they do not touch what is computed (``max_minutes`` does
in a timed run, whose length it is).
"""


@dataclass(frozen=True, kw_only=True)
class DistillationRecipe:
    """``[distillation]``: what is learnt from teachers, see
    :mod:`squeezebert.training.distillation.loss`. Without teachers none is done.

    Args:
        teachers: Model directories, shipped models or hub names; the losses to several are
            averaged. One of another vocabulary reads the same words; states are then compared word
            by word, and soft labels are for classification only.
        task: Weight of the run's own loss; 0 leaves it out, and masked LM then masks nothing.
        logits: Weight of soft labels; the teachers need the student's head.
        temperature: Softens both sides of the soft labels.
        hidden: Weight of the blocks' outputs.
        embeddings: Weight of the embeddings.
        relations: Weight of the relations among queries, among keys and among values.
        vectors: Weight of how the vectors of a batch's texts, the means of their last states,
            resemble one another; for ``corpus.sentences``.
        layers: Pairs of blocks, ``[student, teacher]`` counted from 1, that ``hidden`` compares;
            empty: spread evenly, the last with the last.
        relation_layers: The pair that ``relations`` compares; empty: the last of each.
        relation_heads: Parts in which vectors are compared; divides the widths of student and
            teachers.
        project: Learn a projection for ``hidden`` and ``embeddings`` even up to a teacher of the
            student's width: the two were pretrained apart, so their features have nothing in
            common one by one.
    """

    teachers: tuple[str, ...] = ()
    task: float = 1.0
    logits: float = 0.0
    temperature: float = 1.0
    hidden: float = 0.0
    embeddings: float = 0.0
    relations: float = 0.0
    vectors: float = 0.0
    layers: tuple[tuple[int, ...], ...] = ()
    relation_layers: tuple[int, ...] = ()
    relation_heads: int = 12
    project: bool = False

    def __post_init__(self) -> None:
        parts = ("logits", "hidden", "embeddings", "relations", "vectors")
        for name in ("task", *parts):
            value = getattr(self, name)
            require(value >= 0, name, value, "0 or more")
        require(self.temperature > 0, "temperature", self.temperature, "more than 0")
        require(self.relation_heads >= 1, "relation_heads", self.relation_heads, "1 or more")
        for pair in self.layers:
            require(len(pair) == 2, "layers", self.layers, "pairs [student, teacher]")
        require(
            len(self.relation_layers) in (0, 2),
            "relation_layers",
            self.relation_layers,
            "one pair [student, teacher]",
        )
        if self.teachers and not any(getattr(self, name) for name in parts):
            raise ConfigError(
                "distillation names teachers, but nothing to learn from them",
                hint=f"give one of {', '.join(parts)} a weight",
            )


@dataclass(frozen=True, kw_only=True)
class FinetuneRecipe:
    """A fine-tuning run.

    Args:
        task: One of the three tasks.
        name: Title of the model card.
        max_length: Longest model input in tokens.
        languages: ISO 639-1 codes that go into ``task.json``.
        problem_type: What the labels of files are, in text classification; known data sets say
            it themselves.
        masking: Masked LM only.

    >>> FinetuneRecipe(task="text_classification").loop.batch_size
    32
    """

    task: TaskName
    name: str = ""
    max_length: int = 128
    languages: tuple[str, ...] = ()
    problem_type: ProblemType = "single_label"
    model: ModelRecipe = field(default_factory=ModelRecipe)
    data: DataRecipe = field(default_factory=DataRecipe)
    masking: MaskingRecipe = field(default_factory=MaskingRecipe)
    distillation: DistillationRecipe = field(default_factory=DistillationRecipe)
    optimizer: OptimizerRecipe = field(default_factory=OptimizerRecipe)
    loop: LoopRecipe = field(default_factory=LoopRecipe)

    def __post_init__(self) -> None:
        require(self.max_length >= 4, "max_length", self.max_length, "4 or more")


@dataclass(frozen=True, kw_only=True)
class PretrainRecipe:
    """A pretraining run: masked LM from a corpus.

    >>> PretrainRecipe().corpus.sequence_length
    128
    """

    name: str = ""
    languages: tuple[str, ...] = ()
    model: ModelRecipe = field(default_factory=ModelRecipe)
    corpus: CorpusRecipe = field(default_factory=CorpusRecipe)
    masking: MaskingRecipe = field(default_factory=MaskingRecipe)
    distillation: DistillationRecipe = field(default_factory=DistillationRecipe)
    optimizer: OptimizerRecipe = field(default_factory=OptimizerRecipe)
    loop: LoopRecipe = field(default_factory=LoopRecipe)

    def __post_init__(self) -> None:
        if self.masking.sentence_order and self.corpus.separate_documents:
            raise ConfigError(
                "masking.sentence_order and corpus.separate_documents are both set",
                hint="sentence order pairs halves of a sequence across its documents: take one",
            )
        if self.corpus.sentences and not self.distillation.vectors:
            raise ConfigError(
                "corpus.sentences is set, but distillation.vectors, which learns from them, is 0",
                hint="give it a weight and name a teacher of sentences",
            )
        if self.corpus.sentences and self.distillation.task:
            raise ConfigError(
                "corpus.sentences is set, and distillation.task, the weight of masked LM, too",
                hint="set distillation.task to 0: sentences are learnt from teachers alone",
            )
        untaught = [source.path for source in self.corpus.sources if not source.taught]
        if untaught and self.distillation.teachers and not self.distillation.task:
            raise ConfigError(
                f"nothing is learnt on {untaught[0]}: taught is false and distillation.task is 0",
                hint="leave the source out, or give distillation.task a weight",
            )


Recipe: TypeAlias = FinetuneRecipe | PretrainRecipe
