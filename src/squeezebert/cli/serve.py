"""``squeezebert serve``: models over HTTP."""

from __future__ import annotations

import os
from pathlib import Path

import click

from squeezebert.cli.options import precision_option, threads_option
from squeezebert.errors import ConfigError, MissingDependencyError

TOKEN_VARIABLE = "SQUEEZEBERT_SERVE_TOKEN"  # noqa: S105 - where it is, not what it is


@click.command()
@click.argument("models", nargs=-1, required=True, metavar="[NAME=]MODEL...")
@click.option("--host", default="127.0.0.1", show_default=True, help="0.0.0.0 for all networks.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Where to listen; 0 takes a free port, which is told.",
)
@click.option(
    "--token-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=f"Holds the bearer token that requests must carry [default: ${TOKEN_VARIABLE}, or none].",
)
@click.option(
    "--deadline",
    "deadline_seconds",
    type=float,
    default=30.0,
    show_default=True,
    help="Seconds that a request may take.",
)
@click.option(
    "--queue-tokens", default=131_072, show_default=True, help="The most that wait for a model."
)
@click.option(
    "--batch-tokens", default=2048, show_default=True, help="The most of a batch for the engine."
)
@click.option("--max-texts", default=256, show_default=True, help="Of a request.")
@click.option("--max-tokens", default=32_768, show_default=True, help="Of a request.")
@click.option("--max-body-bytes", default=1 << 20, show_default=True, help="Of a request.")
@click.option(
    "--max-requests", default=1024, show_default=True, help="At one time; others get status 429."
)
@click.option(
    "--log-requests/--no-log-requests",
    default=True,
    show_default=True,
    help="A line of JSON a request on stderr, without its texts.",
)
@precision_option
@threads_option
def serve(
    *,
    models: tuple[str, ...],
    host: str,
    port: int,
    token_file: Path | None,
    deadline_seconds: float,
    queue_tokens: int,
    batch_tokens: int,
    max_texts: int,
    max_tokens: int,
    max_body_bytes: int,
    max_requests: int,
    log_requests: bool,
    precision: str,
    threads: int | None,
) -> None:
    r"""Serve models over HTTP, as Hugging Face's inference API and OpenAI's embeddings are asked.

    A MODEL is a shipped model's name, a model directory or a name on the Hugging Face hub; NAME is
    what clients call it. SIGTERM finishes what was accepted and stops; SIGHUP loads all models anew
    without losing a request. GET /openapi.json tells what can be asked.

    \b
    squeezebert serve news=squeezebert-small-news ner=squeezebert-small-ner
    curl localhost:8000/models/news --json '{"inputs": "The striker scored twice."}'
    """
    token = _token(token_file)
    try:
        from squeezebert.serving.app import create_app
        from squeezebert.serving.limits import Limits
        from squeezebert.serving.run import listen
        from squeezebert.serving.run import serve as serve_until_told
        from squeezebert.serving.service import ModelSource, Service
    except ModuleNotFoundError as error:
        raise MissingDependencyError.for_extra(
            error.name or "fastapi", "serve", "serving"
        ) from error

    limits = Limits(
        body_bytes=max_body_bytes,
        texts=max_texts,
        tokens=max_tokens,
        requests=max_requests,
        queue_tokens=queue_tokens,
        batch_tokens=batch_tokens,
        deadline_seconds=deadline_seconds,
    )
    # Before the models are loaded: a port that is taken is told at once.
    with listen(host, port) as place:
        service = Service(
            [ModelSource.parse(model) for model in models],
            limits=limits,
            precision=precision,
            threads=threads,
        )
        serve_until_told(
            create_app(service, token=token, log_requests=log_requests), service, place
        )


def _token(file: Path | None) -> str | None:
    """The token, from its file or the environment: on a command line all users would see it."""
    if file is None:
        text, place = os.environ.get(TOKEN_VARIABLE), f"${TOKEN_VARIABLE}"
    else:
        text, place = file.read_text(encoding="utf-8"), str(file)
    if text is None:
        return None
    token = text.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise ConfigError(
            f"{place} holds no bearer token: one word of printable ASCII characters was expected"
        )
    return token
