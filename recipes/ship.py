"""Packs trained runs into the package: int8 weights, one shared word table a family, model cards.

    python recipes/ship.py runs [MODEL ...]

The runs are those that recipes/README.md makes. Scores on the cards are those of the packed weights
on the test parts of the sample data, which no recipe trains on.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tomllib
from dataclasses import dataclass
from pathlib import Path

from squeezebert import pipeline
from squeezebert.checkpoint import read_spec, size_on_disk
from squeezebert.comparison.reference import with_reference
from squeezebert.complexity import count
from squeezebert.data import open_dataset
from squeezebert.evaluation import evaluate
from squeezebert.model import TaskModel, load_model, save_model
from squeezebert.spec import TaskName
from squeezebert.tasks import ReferenceEmbeddings

PACKAGE = Path(__file__).resolve().parent.parent / "src" / "squeezebert" / "pretrained"
FAMILIES = {"squeezebert-mini": "SqueezeBERT", "bert-mini": "BERT"}

CORPUS = """\
Pretraining text, masked LM (licence):

- Wikinews 2019-2020 (CC BY 2.5); OpenStax textbooks (CC BY 4.0); Carpentries blog (CC BY 4.0);
  PowerShell and Azure documentation (CC BY 4.0); open guides and handbooks (CC BY 4.0,
  CC BY-SA 4.0, OGL); US government sites, guides and speeches (public domain, CC0); spaceflight
  transcripts (public domain); Schema-Guided Dialogue (CC BY-SA 4.0) and Taskmaster (CC BY 4.0).
- Classic English books (public domain in the US) and German novels of the 19th and early 20th
  century (mostly public domain by age; the collection states no licence).
"""

NEWS = """\
Fine-tuned on the training part of the project's own sample news (about 1,900 items, CC BY 4.0).

"""

NER = """\
Fine-tuned on the training parts of the project's own sample sentences (CC BY 4.0), on GermEval
2014 (its test part; CC BY 4.0) and on a part of WikiANN English (automatic labels; Wikipedia
text, CC BY-SA). Not on CoNLL-2003, whose text is for research only.

"""

CARD = """\
# {name}

{summary}

{family}: {layers} layers, hidden size {hidden}, embedding size {embedding}, cased vocabulary of
{vocabulary:,}; {parameters:.2f} M parameters; {gflop:.2f} GFLOP for the encoder at 128 tokens.
Stored as int8 with one scale a row. Licence of the weights: Apache-2.0.
{labels}
## Data

{data}
## Recipe

`recipe.toml` beside this card, seed {seed}: {steps:,} steps, {tokens:,} tokens, {minutes:.0f}
minutes on one core of a shared server ({stopped}). The commands are in `recipes/README.md`.

## Scores of these very weights

Test parts of the sample data, on which nothing was trained or chosen. They are small, 30 to 150
items each. Scores on public sets: `docs/results.md`.

{table}

## Limits

{limits} Not checked for
bias; not meant for decisions about people.
"""


@dataclass(frozen=True)
class Part:
    """One of a family's models.

    Args:
        name: Of the run and, after the family's name, of the shipped model.
        task: What it does.
        tests: Sample data sets that it is scored on.
        summary: First sentence of the card.
        data: What it was fine-tuned on, and under which licence.
        limits: What not to expect.
    """

    name: str
    task: TaskName
    tests: tuple[str, ...]
    summary: str
    data: str
    limits: str


PARTS = (
    Part(
        name="mlm",
        task="masked_lm",
        tests=("sample_dialogues",),
        summary="Fills gaps in English (and, less well, German) text; where fine-tuning starts.",
        data=CORPUS,
        limits="Read 8 million tokens only, in inputs of 32: it knows common words and little of\n"
        "the world, and looks no further than 32 tokens.",
    ),
    Part(
        name="news",
        task="text_classification",
        tests=("sample_news",),
        summary="Sorts English news: politics, business, sport, technology, health or culture.",
        data=NEWS + CORPUS,
        limits="Trained on 1,900 items written for the project: other news is harder for it.",
    ),
    Part(
        name="ner",
        task="token_classification",
        tests=("sample_ner_en", "sample_ner_de"),
        summary="Finds persons, places, organisations and other names, in English and German.",
        data=NER + CORPUS,
        limits="English labels are few or automatic, so German is the better half on real text.",
    ),
)


def main() -> None:
    """Packs the models named, masked LMs first: the others share their word table."""
    names = [f"{family}-{part.name}" for part in PARTS for family in FAMILIES]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path, help="the folder of the runs")
    parser.add_argument("models", nargs="*", default=names, choices=names, metavar="MODEL")
    arguments = parser.parse_args()
    PACKAGE.mkdir(exist_ok=True)
    shutil.copyfile(arguments.runs / "reference.safetensors", PACKAGE / "reference.safetensors")
    for part in PARTS:
        for family in FAMILIES:
            if f"{family}-{part.name}" in arguments.models:
                pack(arguments.runs, family, part)


def pack(runs: Path, family: str, part: Part) -> None:
    """One model: weights, vocabulary, recipe and card."""
    source = runs / f"{family}-{part.name}"
    target = PACKAGE / f"{family}-{part.name}"
    shutil.rmtree(target, ignore_errors=True)
    model = load_model(source)
    table = None if part.name == "mlm" else PACKAGE / f"{family}-mlm" / "model.safetensors"
    save_model(model, target, spec=read_spec(source), storage="int8", shared=table)
    for name in ("vocab.txt", "tokenizer_config.json", "recipe.toml"):
        shutil.copyfile(source / name, target / name)
    scores = {name: measure(target, part, name) for name in part.tests}
    card = write_card(family, part, source, target, scores)
    (target / "README.md").write_text(card, encoding="utf-8")
    print(f"{target.name}: {size_on_disk(target) / 1e6:.1f} MB with its shared table, {scores}")


def measure(directory: Path, part: Part, dataset: str) -> dict[str, float]:
    """Scores of the packed weights on the test part of a sample set."""
    loaded = pipeline.load(directory)
    if part.task == "masked_lm":
        table = ReferenceEmbeddings.load(PACKAGE / "reference.safetensors")
        loaded = with_reference(loaded, table)
    examples = open_dataset(dataset, task=part.task).examples
    return dict(evaluate(loaded, examples).scores.values)


def write_card(
    family: str, part: Part, source: Path, target: Path, scores: dict[str, dict[str, float]]
) -> str:
    """The model card."""
    training = json.loads((source / "training.json").read_text(encoding="utf-8"))
    recipe = tomllib.loads((source / "recipe.toml").read_text(encoding="utf-8"))
    model = load_model(target)
    assert isinstance(model, TaskModel)
    config, labels = model.config, model.head_config.labels
    names = sorted({name for values in scores.values() for name in values})
    rows = [
        f"| {name} | " + " | ".join(_number(v.get(name)) for v in scores.values()) + " |"
        for name in names
    ]
    return CARD.format(
        name=target.name,
        summary=part.summary,
        family=FAMILIES[family],
        layers=config.num_hidden_layers,
        hidden=config.hidden_size,
        embedding=config.embedding_size,
        vocabulary=config.vocab_size,
        parameters=model.num_parameters / 1e6,
        gflop=count(config, tokens=128).gflop,
        labels=f"Labels: {', '.join(labels)}.\n" if labels else "",
        data=part.data,
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
        limits=part.limits,
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


if __name__ == "__main__":
    main()
