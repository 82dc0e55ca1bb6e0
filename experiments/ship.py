"""Packs trained runs into the package: int8 weights, one shared word table a family, model cards.

    python -m experiments.ship runs [MODEL ...]
    python -m experiments.ship --measure

The runs are those that recipes/README.md makes. Scores on the cards are those of the packed weights
on the test parts of the sample data, which no recipe trains on. `squeezebert models` and
docs/models.md tell them too, and how fast the models are on this machine; ``--measure`` takes both
anew and packs nothing.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
import tomllib
from pathlib import Path

from experiments.families import FAMILIES, Part
from experiments.page import ROOT, replace_part
from experiments.results.classical import fit_and_score
from experiments.results.jobs import Job
from experiments.similarity import correlation, model_cosines
from squeezebert import pipeline
from squeezebert.benchmark.cpu_time import measure_shipped
from squeezebert.checkpoint.bundle import WORDS
from squeezebert.checkpoint.directory import read_spec, size_on_disk
from squeezebert.checkpoint.pooling import save_pooling, trained_length
from squeezebert.checkpoint.shipped import (
    Measured,
    ShippedModel,
    ShippedScore,
    ShippedSpeed,
    read_measured,
    shipped_models,
    write_measured,
)
from squeezebert.comparison.reference import with_reference
from squeezebert.complexity import count
from squeezebert.data import open_dataset
from squeezebert.data.label_map import rename_labels
from squeezebert.evaluation import evaluate
from squeezebert.machine import describe_machine
from squeezebert.model import TaskModel, load_model, save_model
from squeezebert.report.markdown import table_text
from squeezebert.report.tables import Table
from squeezebert.spec import TaskName
from squeezebert.tasks import ReferenceEmbeddings, Scores
from squeezebert.tokenizer import Tokenizer

PACKAGE = ROOT / "src" / "squeezebert" / "pretrained"
PAGE = ROOT / "docs" / "models.md"

CARD = """\
# {name}

{summary}

{family}: {layers} layers, hidden size {hidden}, embedding size {embedding}, {case} vocabulary of
{vocabulary:,}; {parameters:.2f} M parameters; {gflop:.2f} GFLOP for the encoder at 128 tokens.
Stored as int8 with one scale a row. License of the weights: Apache-2.0.
{labels}
## Data

{data}
## Recipe

`recipe.toml` beside this card, seed {seed}: {steps:,} steps, {tokens:,} tokens, {minutes:.0f}
minutes on one core of a shared server ({stopped}). The commands are in `recipes/README.md`.

## Scores of these very weights

{measured_on} Scores on public sets: `docs/results.md`.

{table}
{kept}
## Limits

{limits} Not checked for
bias; not meant for decisions about people.
"""


SAMPLES = """\
Test parts of the sample data, on which nothing was trained or chosen. They are small, 30 to 150
items each."""

SIMILARITY = """\
STS-B's test part, on which nothing was trained or chosen: rank correlation of cosines with what
people said."""

CLASSICAL = """
{name} on the same rows: {scores} (`squeezebert compare --classical --data {data}`).
By {main} the {better} is the better one.
"""

KEPT = """
Entity F1 on public sets that were kept out of training: {scores}. Types that a set's annotators did
not look for do not count.
"""


def main() -> None:
    """Packs the models named, masked LMs first: the others share their word table."""
    parts = {
        f"{name}-{part.name}": (name, part)
        for name, family in FAMILIES.items()
        for part in family.parts
    }
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("runs", type=Path, nargs="?", help="the folder of the runs")
    parser.add_argument("models", nargs="*", metavar="MODEL", help=f"of {', '.join(parts)}")
    parser.add_argument(
        "--keep-speeds", action="store_true", help="only models that have none are measured"
    )
    parser.add_argument("--measure", action="store_true", help="scores and speeds only")
    arguments = parser.parse_args()
    if arguments.measure == (arguments.runs is not None):
        parser.error("give the folder of the runs, or --measure")
    if not set(arguments.models) <= set(parts):
        parser.error(f"the models are {', '.join(parts)}")
    if arguments.measure:
        for model in shipped_models():
            _, part = parts[model.name]
            scores = main_scores(measure_all(model.directory, part))
            write_measured(
                model.directory,
                Measured(scores=scores, speed=model.speed, languages=part.languages),
            )
        tell_speeds()
        return
    PACKAGE.mkdir(exist_ok=True)
    shutil.copyfile(arguments.runs / "reference.safetensors", PACKAGE / "reference.safetensors")
    for name, (family, part) in parts.items():
        if name in (arguments.models or parts):
            pack(arguments.runs, family, part)
    tell_speeds(anew=not arguments.keep_speeds)


def pack(runs: Path, family: str, part: Part) -> None:
    """One model: weights, vocabulary, recipe and card."""
    source = runs / f"{family}-{part.name}"
    target = PACKAGE / f"{family}-{part.name}"
    before = {model.name: model.speed for model in shipped_models()}.get(target.name)
    # A list of words is counted in texts (experiments.keyboard.words), whatever the weights.
    words = (target / WORDS).read_bytes() if (target / WORDS).is_file() else None
    shutil.rmtree(target, ignore_errors=True)
    model = load_model(source)
    table = None if part.name == "mlm" else PACKAGE / f"{family}-mlm" / "model.safetensors"
    save_model(model, target, spec=read_spec(source), storage="int8", shared=table)
    for name in ("vocab.txt", "tokenizer_config.json", "recipe.toml"):
        shutil.copyfile(source / name, target / name)
    if words is not None:
        (target / WORDS).write_bytes(words)
    if part.task is None:
        length = trained_length(source)
        assert length is not None
        save_pooling(target, hidden_size=model.config.hidden_size, max_length=length)
    found = measure_all(target, part)
    write_measured(
        target, Measured(scores=main_scores(found), speed=before, languages=part.languages)
    )
    scores = {name: dict(one.values) for name, one in found.items()}
    beside = kept_scores(target, part) + classical_scores(part, found)
    card = write_card(family, part, source, target, scores, beside)
    (target / "README.md").write_text(card, encoding="utf-8")
    print(f"{target.name}: {size_on_disk(target) / 1e6:.1f} MB with its shared table, {scores}")


def measure_all(directory: Path, part: Part) -> dict[str, Scores]:
    """Scores of the packed weights on each of the part's test sets."""
    if part.task is None:
        found = correlation(model_cosines(directory), "test")
        return {"stsb": Scores(values={"spearman": found}, main="spearman")}
    return {name: measure(directory, part.task, name) for name in part.tests}


def main_scores(found: dict[str, Scores]) -> tuple[ShippedScore, ...]:
    """The score by which models are ranked, of each data set."""
    return tuple(
        ShippedScore(name=one.main, value=round(one.values[one.main], 4), data=name, split="test")
        for name, one in found.items()
    )


def kept_scores(target: Path, part: Part) -> str:
    """What the card says of public sets that were kept out of training."""
    if part.task is None or not part.kept:
        return ""
    loaded, told = pipeline.load(target), []
    for name, split in part.kept:
        dataset = open_dataset(name, task=part.task, split=split)
        if "B-OTH" in dataset.labels:  # GermEval's name for what is called MISC elsewhere
            dataset = rename_labels(dataset, {"OTH": "MISC"})
        scores = evaluate(loaded, dataset.examples).scores
        told.append(f"{100 * scores.values[scores.main]:.1f} ({name}, {split} part)")
    return KEPT.format(scores="; ".join(told))


def classical_scores(part: Part, ours: dict[str, Scores]) -> str:
    """What the card says of a classical model."""
    if not part.classical or part.task is None:
        return ""
    told: list[str] = []
    for data, scores in ours.items():
        (found,) = fit_and_score(Job(name=part.name, task=part.task, tests=(data,)))
        values = ", ".join(f"{name} {value:.4f}" for name, value in found.scores.items())
        wins = scores.values[scores.main] >= found.scores[scores.main]
        better = "model of this card" if wins else "classical model"
        told.append(
            CLASSICAL.format(
                name=found.model, scores=values, data=data, main=scores.main, better=better
            )
        )
    return "".join(told)


def tell_speeds(*, anew: bool = True) -> None:
    """Writes the table of docs/models.md. Before, measures in turn what has no speed, or all."""
    models = [model for model in shipped_models() if anew or model.speed is None]
    if models:
        speeds = measure_shipped(models, cpu=describe_machine(1).cpu, seconds=2.5 * len(models))
        for model, speed in zip(models, speeds, strict=True):
            write_measured(
                model.directory, dataclasses.replace(read_measured(model.directory), speed=speed)
            )
    replace_part(PAGE, "models", models_table(shipped_models()))


def models_table(models: list[ShippedModel]) -> str:
    """One row a model, with a link to its card."""
    speed = models[0].speed
    assert speed is not None
    rows = [
        (
            model.name,
            model.task,
            ", ".join(model.languages),
            "; ".join(f"{one.name} {one.value:.3f} ({one.data})" for one in model.scores),
            f"{model.size_mb:.1f}",
            _speed(model, speed),
        )
        for model in models
    ]
    text = table_text(
        Table(("model", "task", "languages", "score", "MB", "CPU ms"), tuple(rows), heads=4)
    )
    for model in models:
        card = f"../src/squeezebert/pretrained/{model.name}/README.md"
        text = text.replace(f"| {model.name} |", f"| [{model.name}]({card}) |")
    return (
        f"{text}\n\nCPU time of one text of {speed.tokens} tokens on one thread, the least of many "
        f"calls, all models in turn: {speed.precision} on {speed.isa}, {speed.cpu}. Brackets: "
        "measured another time, on another machine."
    )


def _speed(model: ShippedModel, usual: ShippedSpeed) -> str:
    """With what it was measured on, where that was not what the page says."""
    assert model.speed is not None
    elsewhere = (model.speed.isa, model.speed.cpu) != (usual.isa, usual.cpu)
    return f"{model.speed.cpu_ms:.3g}" + (f" ({model.speed.isa})" if elsewhere else "")


def measure(directory: Path, task: TaskName, dataset: str) -> Scores:
    """Scores of the packed weights on the test part of a sample set."""
    loaded = pipeline.load(directory)
    if task == "masked_lm":
        table = ReferenceEmbeddings.load(PACKAGE / "reference.safetensors")
        loaded = with_reference(loaded, table)
    examples = open_dataset(dataset, task=task).examples
    return evaluate(loaded, examples).scores


def write_card(
    family: str,
    part: Part,
    source: Path,
    target: Path,
    scores: dict[str, dict[str, float]],
    kept: str,
) -> str:
    """The model card."""
    training = json.loads((source / "training.json").read_text(encoding="utf-8"))
    recipe = tomllib.loads((source / "recipe.toml").read_text(encoding="utf-8"))
    model = load_model(target)
    config = model.config
    labels = model.head_config.labels if isinstance(model, TaskModel) else ()
    names = sorted({name for values in scores.values() for name in values})
    rows = [
        f"| {name} | " + " | ".join(_number(v.get(name)) for v in scores.values()) + " |"
        for name in names
    ]
    return CARD.format(
        name=target.name,
        summary=part.summary,
        family=FAMILIES[family].kind,
        layers=config.num_hidden_layers,
        hidden=config.hidden_size,
        embedding=config.embedding_size,
        case="uncased" if Tokenizer.load(target).lowercase else "cased",
        vocabulary=config.vocab_size,
        parameters=sum(one.numel() for one in model.parameters()) / 1e6,
        gflop=count(config, tokens=128).gflop,
        labels=f"Labels: {', '.join(labels)}.\n" if labels else "",
        data=part.data + FAMILIES[family].corpus,
        seed=recipe.get("loop", {}).get("seed", 0),
        steps=training["steps"],
        tokens=training["tokens"],
        minutes=training["seconds"] / 60,
        stopped=training["stopped"],
        table="\n".join(
            [
                "| score | " + " | ".join(scores) + " |",
                "| --- |" + " ---: |" * len(scores),
                *rows,
            ]
        ),
        kept=kept,
        limits=part.limits,
        measured_on=part.tested or (SIMILARITY if part.task is None else SAMPLES),
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


if __name__ == "__main__":
    main()
