"""``squeezebert label``: a tagger's soft labels for text that nobody tagged."""

from __future__ import annotations

from pathlib import Path

import click

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
    "--plain-share",
    type=click.FloatRange(0.0, 1.0),
    default=1.0,
    show_default=True,
    help="The share of sentences without names that is kept.",
)
@click.option(
    "--sentences",
    type=click.IntRange(min=1),
    help="At most so many sentences of each source, spread evenly over it.",
)
@backend_option
@precision_option
@threads_option
def label(
    *,
    model: str,
    sources: tuple[str, ...],
    output: Path,
    plain_share: float,
    sentences: int | None,
    backend: str,
    precision: str,
    threads: int | None,
) -> None:
    r"""Label the words of texts softly, for a smaller model to learn from.

    A text is a file, plain or compressed (.gz, .xz), or the name of a data set of entities or of
    classes, which is read without its labels (`wikiann_en:dev` for another part than train). A
    recipe takes the file that is written as a training set.

    \b
    squeezebert label runs/teacher news.txt.xz --plain-share 0.3 --output runs/soft.safetensors
    squeezebert train token_classification --data runs/soft.safetensors --output runs/student
    """
    from rich.progress import Progress

    from squeezebert.cli import screen
    from squeezebert.data.examples import TokenExample
    from squeezebert.data.soft_labels import write_soft_labels
    from squeezebert.labeling import label as run
    from squeezebert.labeling import unlabeled
    from squeezebert.pipeline import load

    pipeline = load(model, backend=backend, precision=precision, threads=threads)
    labeled: list[TokenExample] = []
    with Progress(console=screen.notes(), auto_refresh=False, transient=True) as bar:
        for source in sources:
            examples = list(unlabeled(source, sentences))
            done = bar.add_task(source, total=len(examples))
            before = len(labeled)
            labeled += run(pipeline, bar.track(examples, task_id=done), plain_share=plain_share)
            bar.refresh()
            click.echo(f"{source}: {len(labeled) - before:,} of {len(examples):,}", err=True)
    write_soft_labels(output, labeled, pipeline.task.spec.labels, teacher=pipeline.name)
    words = sum(len(example.words) for example in labeled)
    click.echo(f"{len(labeled):,} sentences, {words:,} words: {output}")
