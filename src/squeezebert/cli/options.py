"""Options that several verbs share, each under one name with one meaning."""

from __future__ import annotations

from pathlib import Path

import click

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON Lines instead of a readable form."
)

backend_option = click.option(
    "--backend",
    default="engine",
    show_default=True,
    help="What runs the model: engine, torch or transformers.",
)

precision_option = click.option(
    "--precision",
    default="auto",
    show_default=True,
    help="In what the engine computes: int8, bf16, float32, or what the model records (auto).",
)

THREADS = click.IntRange(1, 1024)
"""As many as the engine takes."""

threads_option = click.option(
    "--threads", type=THREADS, help="CPU threads [default: the backend's own]."
)

output_option = click.option(
    "--output",
    "-o",
    required=True,
    metavar="DIRECTORY",
    type=click.Path(file_okay=False, path_type=Path),
    help="The directory to write.",
)

recipe_option = click.option(
    "--recipe",
    metavar="FILE.toml",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Where the settings come from; the command line wins over it.",
)

limit_option = click.option(
    "--limit",
    type=click.IntRange(min=1),
    help="The most texts of each data set, drawn at random [default: all].",
)

set_option = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="A recipe's setting, such as loop.epochs=5. Can be given several times.",
)

resume_option = click.option(
    "--resume", is_flag=True, help="Go on with the run in the output directory."
)

reference_option = click.option(
    "--reference",
    metavar="FILE.safetensors",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Word vectors, made by `squeezebert vectors`, in which masked-LM guesses are compared "
    "[default: the table that ships, where it knows the words].",
)
