"""``squeezebert label``: a teacher's soft labels for text that nobody labeled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from squeezebert.cli.layout import table_options
from squeezebert.cli.options import backend_option, precision_option, threads_option


@click.command()
@click.argument("model")
@click.argument("sources", nargs=-1, required=True, metavar="TEXT...")
@click.option(
    "--output",
    "-o",
    required=True,
    metavar="FILE.safetensors",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    help="At most so many sentences or texts of each source, spread evenly over it.",
)
@click.option(
    "--plain-share",
    type=click.FloatRange(0.0, 1.0),
    default=1.0,
    show_default=True,
    help="Of a tagger: the share of sentences without names that is kept.",
)
@click.option(
    "--variants",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Of a classifier: label so many altered copies of each text too.",
)
@table_options
@backend_option
@precision_option
@threads_option
def label(
    *,
    model: str,
    sources: tuple[str, ...],
    output: Path,
    limit: int | None,
    plain_share: float,
    variants: int,
    columns: dict[str, Any],
    backend: str,
    precision: str,
    threads: int | None,
) -> None:
    r"""Label texts softly, for a smaller model to learn from.

    A tagger labels the words of sentences, a classifier whole texts or pairs. TEXT is a file, plain
    or compressed (.gz, .xz), a table (.csv, .tsv, .jsonl, .parquet), or the name of a data set,
    which is read without its labels (`wikiann_en:dev` for another part than train). A recipe takes
    the file that is written as a training set.

    \b
    squeezebert label runs/teacher news.txt.xz --plain-share 0.3 --output runs/soft.safetensors
    squeezebert label runs/teacher headlines.csv --variants 5 --output runs/soft.safetensors
    squeezebert train text_classification --data headlines.csv --data runs/soft.safetensors \
        --output runs/student
    """
    from rich.progress import Progress

    from squeezebert.cli import screen
    from squeezebert.data.soft_labels import write_soft_labels
    from squeezebert.errors import InvalidInputError
    from squeezebert.labeling import label as label_words
    from squeezebert.labeling import label_texts, unlabeled, unlabeled_texts
    from squeezebert.pipeline import load

    if output.suffix != ".safetensors":
        raise InvalidInputError(
            f"--output {output}: soft labels are kept in a file that ends in .safetensors",
            hint=f"--output {output.with_suffix('.safetensors')}",
        )
    if output.exists():
        raise InvalidInputError(
            f"{output} is there already", hint="name another file, or remove that one"
        )
    pipeline = load(model, backend=backend, precision=precision, threads=threads)
    spec = pipeline.task.spec
    of_words = spec.task == "token_classification"
    for option, given, wanted in (
        ("--variants", variants, not of_words),
        ("--plain-share", plain_share < 1.0, of_words),
    ):
        if given and not wanted:
            raise InvalidInputError(
                f"{option} is not for {pipeline.name}, a model for {spec.task}",
                hint=f"leave out {option}",
            )
    labeled: list[Any] = []
    notes = screen.notes()
    with Progress(
        console=notes, auto_refresh=False, transient=True, disable=not notes.is_terminal
    ) as bar:
        for source in sources:
            examples: list[Any] = (
                list(unlabeled(source, limit, **columns))
                if of_words
                else unlabeled_texts(source, limit, copies=variants, **columns)
            )
            done = bar.add_task(source, total=len(examples))
            before = len(labeled)
            tracked = bar.track(examples, task_id=done)
            labeled += (
                label_words(pipeline, tracked, plain_share=plain_share)
                if of_words
                else label_texts(pipeline, tracked)
            )
            bar.refresh()
            click.echo(f"{source}: {len(labeled) - before:,} of {len(examples):,}", err=True)
    write_soft_labels(
        output, labeled, spec.labels, problem_type=spec.problem_type, teacher=pipeline.name
    )
    words = sum(len(example.words) for example in labeled) if of_words else 0
    told = f"sentences, {words:,} words" if of_words else "texts"
    click.echo(f"{len(labeled):,} {told}: {output}")
