"""``squeezebert glue``: a model on GLUE's tasks."""

from __future__ import annotations

from pathlib import Path

import click

from squeezebert.cli import runs, screen, trained
from squeezebert.cli.options import (
    json_option,
    limit_option,
    output_option,
    recipe_option,
    set_option,
)

TABLE = "glue.md"


@click.command()
@click.argument("model")
@click.option(
    "--tasks",
    metavar="NAME,NAME,…",
    help="Some of cola, sst2, mrpc, stsb, rte, wnli, qqp, mnli, qnli [default: the first six; the "
    "last three are downloaded from the Hugging Face hub].",
)
@click.option("--seeds", type=click.IntRange(min=1), default=3, show_default=True, help="A task.")
@click.option(
    "--classical",
    is_flag=True,
    help="Fit a classical model to each task's texts too, and show its scores beside the model's. "
    "Needs squeezebert[classical].",
)
@limit_option
@recipe_option
@set_option
@output_option
@json_option
def glue(
    *,
    model: str,
    tasks: str | None,
    seeds: int,
    classical: bool,
    limit: int | None,
    recipe: Path | None,
    settings: tuple[str, ...],
    output: Path,
    as_json: bool,
) -> None:
    r"""Fine-tune a model on GLUE's tasks and score it on their dev sets.

    Each task is trained with several seeds, and scored by the engine in float32 and int8. Called
    again, it goes on where it was stopped. The output gets a model directory for each run,
    glue.json and glue.md.

    A model that was fine-tuned on MNLI makes a better start for RTE, MRPC and STS-B:

    \b
    squeezebert glue squeezebert-mini-mlm --output runs/glue
    squeezebert glue squeezebert-mini-mlm --tasks mnli --seeds 1 --output runs/glue
    squeezebert glue runs/glue/mnli/seed-0 --tasks rte,mrpc,stsb --output runs/glue-from-mnli
    """
    runs.check_installed()
    if classical:
        trained.check_installed()
    from squeezebert import files
    from squeezebert.escaping import escape_markdown
    from squeezebert.glue.run import load_glue_recipe, run_glue
    from squeezebert.glue.table import glue_table, protocol, sources
    from squeezebert.report.markdown import table_text

    overrides = runs.overrides(data=("data", "train", ()), model=None, settings=settings)
    result = run_glue(
        model,
        output,
        tasks=[] if tasks is None else [name.strip() for name in tasks.split(",")],
        seeds=seeds,
        recipe=load_glue_recipe(recipe, overrides),
        limit=limit,
        classical=classical,
        progress=lambda what: screen.note(f"glue: {what}"),
    )
    table, about = glue_table([result]), [protocol([result]), *sources([result])]
    title = f"# {escape_markdown(result.model)} on GLUE"
    page = "\n\n".join([title, table_text(table), *about])
    files.write_text(output / TABLE, page + "\n")
    if as_json:
        screen.print_json_lines([result.to_json()])
        return
    screen.print_table(screen.results(), table)
    for line in about:
        screen.say(line)
