"""Model cards: the README.md that each trained model gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from squeezebert.config import GROUP_FIELDS, EncoderConfig
from squeezebert.escaping import code_span, escape_markdown
from squeezebert.model import TaskModel
from squeezebert.training.loop.progress import duration
from squeezebert.training.loop.resume import LoopState
from squeezebert.training.recipe.run import FinetuneRecipe, PretrainRecipe, Recipe


def pretraining_card(
    recipe: PretrainRecipe, model: TaskModel, state: LoopState, tokens: Sequence[int]
) -> str:
    """The card of a pretrained model; ``tokens`` are those of each source."""
    rows = [
        f"| {code_span(source.path)} | {count:,} | {source.weight:g} |"
        for source, count in zip(recipe.corpus.sources, tokens, strict=True)
    ]
    if recipe.corpus.sentences:
        objective = "sentences are to resemble one another as they do for the teachers"
        purpose = f"Gives sentences{_languages(recipe)} a vector each, the mean of its last states."
    else:
        objective = f"masked LM, {recipe.masking.rate:.0%} of the tokens"
        purpose = f"A masked language model{_languages(recipe)}, to fill gaps or to fine-tune."
    if recipe.masking.whole_words:
        objective += " in whole words"
    if recipe.masking.sentence_order:
        objective += ", and sentence order"
    return _card(
        title=escape_markdown(recipe.name) or f"Pretrained {_family(model.config)}",
        purpose=purpose,
        recipe=recipe,
        model=model,
        state=state,
        data=["| text | tokens | weight |", "| --- | ---: | ---: |", *rows],
        facts=[f"Objective: {objective}."],
    )


def finetuning_card(
    recipe: FinetuneRecipe,
    model: TaskModel,
    state: LoopState,
    data: Sequence[tuple[str, str, int]],
    facts: Sequence[str],
) -> str:
    """The card of a fine-tuned model; ``data`` are rows of (use, name, examples)."""
    task = recipe.task.replace("_", " ")
    labels = model.head_config.labels
    lines = [escape_markdown(fact) for fact in facts]
    if labels:
        lines.insert(0, f"Labels: {', '.join(map(escape_markdown, labels))}.")
    return _card(
        title=escape_markdown(recipe.name) or f"{_family(model.config)} for {task}",
        purpose=f"A {task} model{_languages(recipe)}, fine-tuned from "
        f"{code_span(recipe.model.start)}.",
        recipe=recipe,
        model=model,
        state=state,
        data=[
            "| use | data | examples |",
            "| --- | --- | ---: |",
            *(f"| {use} | {code_span(name)} | {count:,} |" for use, name, count in data),
        ],
        facts=lines,
    )


def _card(
    *,
    title: str,
    purpose: str,
    recipe: Recipe,
    model: TaskModel,
    state: LoopState,
    data: Sequence[str],
    facts: Sequence[str],
) -> str:
    config = model.config
    groups = ", ".join(str(getattr(config, name)) for name in GROUP_FIELDS)
    shape = (
        f"{_family(config)}: {config.num_hidden_layers} layers, hidden size {config.hidden_size}, "
        f"embedding size {config.embedding_size}, {config.num_attention_heads} heads, groups "
        f"{groups} (query, key, value, post-attention, intermediate, output), vocabulary of "
        f"{config.vocab_size:,}; {model.num_parameters / 1e6:.2f} M parameters."
    )
    course = (
        f"{state.step:,} steps and {state.tokens:,} tokens in {duration(state.seconds)} "
        f"({state.stopped}); learning rate {recipe.optimizer.learning_rate:g}, seed "
        f"{recipe.loop.seed}. The whole recipe is in `recipe.toml`."
    )
    lines = [
        f"# {title}",
        "",
        purpose,
        "",
        shape,
        "",
        "## Data",
        "",
        *data,
        "",
        "## Training",
        "",
        course,
        *facts,
        "",
        f"## Dev scores (step {state.best_step:,}, whose weights were kept)",
        "",
        *_table(state.best_values or {}),
        "",
        "## Limits",
        "",
        "Not checked for bias. Not meant for decisions about people.",
    ]
    return "\n".join(lines) + "\n"


def _table(values: Mapping[str, float]) -> list[str]:
    return [
        "| score | value |",
        "| --- | ---: |",
        *(f"| {escape_markdown(name)} | {value:.4f} |" for name, value in values.items()),
    ]


def _languages(recipe: Recipe) -> str:
    names = ", ".join(map(escape_markdown, recipe.languages))
    return f" for {names}" if names else ""


def _family(config: EncoderConfig) -> str:
    return {"squeezebert": "SqueezeBERT", "bert": "BERT"}[config.model_type]
