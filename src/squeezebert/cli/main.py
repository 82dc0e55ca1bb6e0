"""The group of all verbs, and the one place where errors become messages and exit codes."""

from __future__ import annotations

import io
import itertools
import logging
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

import click

from squeezebert import __version__
from squeezebert.cli import screen
from squeezebert.cli.benchmark import benchmark
from squeezebert.cli.bundle import bundle
from squeezebert.cli.card import card
from squeezebert.cli.compare import compare
from squeezebert.cli.convert import convert
from squeezebert.cli.curves import curves
from squeezebert.cli.evaluate import evaluate
from squeezebert.cli.export import export
from squeezebert.cli.failures import StandardOutput, describe, traceback_file
from squeezebert.cli.glue import glue
from squeezebert.cli.grow import grow
from squeezebert.cli.info import info
from squeezebert.cli.label import label
from squeezebert.cli.models import models
from squeezebert.cli.playground import playground
from squeezebert.cli.predict import predict
from squeezebert.cli.pretrain import pretrain
from squeezebert.cli.push import push
from squeezebert.cli.quantize import quantize
from squeezebert.cli.serve import serve
from squeezebert.cli.study import study
from squeezebert.cli.tokenize import tokenize
from squeezebert.cli.train import train
from squeezebert.cli.transplant import transplant
from squeezebert.cli.vectors import vectors
from squeezebert.cli.vocabulary import vocabulary
from squeezebert.errors import SqueezeBertError

EXIT_FAULT = 1
"""A fault of this program's own."""

EXIT_ERROR = 2
"""Wrong input, as for click's own usage errors, or a machine that cannot do what was asked."""

EXIT_INTERRUPTED = 130
"""128 and the number of SIGINT, as shells have it."""

EXIT_BROKEN_PIPE = 141
"""128 and the number of SIGPIPE: the reader of our output has gone (``… | head``)."""


class _Group(click.Group):
    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        # Docstrings are raw, so click's mark for lines that stay as they are is two letters there.
        if cmd.help is not None:
            cmd.help = cmd.help.replace("\\b\n", "\b\n")
        super().add_command(cmd, name)

    def invoke(self, ctx: click.Context) -> object:
        # Here, since click itself would turn a broken pipe into exit code 1.
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            _give_up_stdout()
            ctx.exit(EXIT_BROKEN_PIPE)
        return result


class _Plain(logging.Formatter):
    """As the notes of verbs look: ``warning: …``."""

    def format(self, record: logging.LogRecord) -> str:
        return f"{record.levelname.lower()}: {super().format(record)}"


@click.group(
    cls=_Group,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="squeezebert")
@click.option("-v", "--verbose", is_flag=True, help="Say more on stderr.")
def cli(*, verbose: bool) -> None:
    """SqueezeBERT beside BERT: train, predict, and compare quality with CPU time.

    Data goes to stdout, everything else to stderr.
    """
    to_stderr = logging.StreamHandler(sys.stderr)
    to_stderr.addFilter(screen.Once())
    to_stderr.setFormatter(_Plain())
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        handlers=[to_stderr],
    )


for command in (
    predict,
    evaluate,
    compare,
    train,
    pretrain,
    curves,
    tokenize,
    convert,
    bundle,
    glue,
    study,
    grow,
    label,
    transplant,
    quantize,
    export,
    card,
    push,
    serve,
    benchmark,
    models,
    info,
    playground,
    vocabulary,
    vectors,
):
    cli.add_command(command)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs the command line and leaves the process.

    Args:
        arguments: Words after the program's name; the process's own where None.
    """
    if sys.stdout is None:  # as after `>&-`: the next file to be opened would take its place
        screen.note("standard output is closed", "error", "red")
        screen.note("send it to a file or to /dev/null", "hint", "cyan")
        sys.exit(EXIT_ERROR)
    if type(sys.stdout) is io.TextIOWrapper:  # and not what a test has put there
        sys.stdout = StandardOutput.over(sys.stdout)
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr.reconfigure(errors="backslashreplace")
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        arguments: Words after the program's name; the process's own where None.

    Returns:
        The exit code: 0, :data:`EXIT_FAULT`, :data:`EXIT_ERROR`, :data:`EXIT_INTERRUPTED` or
        :data:`EXIT_BROKEN_PIPE`.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        # The words travel along as the context's object: a report names its command.
        result = cli.main(args=words, prog_name="squeezebert", standalone_mode=False, obj=words)
    except click.ClickException as error:
        usage = io.StringIO()
        error.show(usage)
        screen.note(usage.getvalue().rstrip())
        if isinstance(error, click.NoSuchOption) and (verbs := _verbs_with(error.option_name)):
            screen.note(f"{error.option_name} is an option of {verbs}", "hint", "cyan")
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        screen.note("interrupted")
        return EXIT_INTERRUPTED
    except SqueezeBertError as error:
        return _fail(error, error.message, error.hint, words)
    except BaseException as error:
        if isinstance(error, (SystemExit, GeneratorExit)):
            raise
        known = describe(error)
        if known is not None:
            if isinstance(error, OSError):
                _give_up_stdout()
            return _fail(error, known, None, words)
        _fail(
            error,
            f"a fault of squeezebert itself: {type(error).__name__}: {error}",
            f"please report it, with {traceback_file(error)}",
            words,
        )
        return EXIT_FAULT
    # An exit code from --help, --version and ctx.exit(); what the verb returned, None, otherwise.
    return result if isinstance(result, int) else 0


def _fail(error: BaseException, message: str, hint: str | None, words: Sequence[str]) -> int:
    """Tells what went wrong; after `squeezebert -v` also where."""
    asked = itertools.takewhile(lambda word: word.startswith("-"), words)
    if not {"-v", "--verbose"}.isdisjoint(asked):
        import traceback

        screen.note("".join(traceback.format_exception(error)).rstrip())
    screen.note(message, "error", "red")
    if hint is not None:
        screen.note(hint, "hint", "cyan")
    return EXIT_ERROR


def _verbs_with(option: str) -> str:
    """The verbs that have an option, as a sentence names them; nothing where none has."""
    verbs = [
        name
        for name, verb in sorted(cli.commands.items())
        if any(option in parameter.opts for parameter in verb.params)
    ]
    return " and ".join(filter(None, [", ".join(verbs[:-1]), *verbs[-1:]]))


def _give_up_stdout() -> None:
    """Python flushes standard output once more when it ends, and would complain where that fails
    (again).
    """
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
