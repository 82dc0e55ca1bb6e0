"""Errors become a message, a hint and an exit code; data and notes go their own ways."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

import squeezebert
from squeezebert.cli import main
from squeezebert.cli.main import EXIT_BROKEN_PIPE, EXIT_ERROR, EXIT_INTERRUPTED, cli, run
from squeezebert.errors import ConfigError, SqueezeBertError

VERBS = {
    "benchmark",
    "compare",
    "convert",
    "curves",
    "evaluate",
    "glue",
    "grow",
    "info",
    "label",
    "models",
    "predict",
    "pretrain",
    "quantize",
    "tokenize",
    "train",
    "transplant",
    "vectors",
    "vocabulary",
}


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch):
    """Adds a verb ``fail`` that raises what it is given."""

    def install(error: BaseException) -> None:
        @click.command()
        def fail() -> None:
            raise error

        monkeypatch.setitem(cli.commands, "fail", fail)

    return install


def test_the_verbs() -> None:
    assert set(cli.commands) == VERBS


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_has_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([verb, "--help"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"Usage: squeezebert {verb}")
    assert "\\b" not in out  # click's mark before examples, each of which has a line of its own
    examples = [line for line in out.splitlines() if line.startswith("  squeezebert ")]
    # The first is of the verb itself; those after it say what to run next.
    assert verb == "models" or examples[:1] == [e for e in examples if e.split()[1] == verb][:1]
    assert all(line.split()[1] in VERBS for line in examples)
    assert cli.commands[verb].get_short_help_str()


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert squeezebert.__version__ in capsys.readouterr().out


def test_error_with_hint(failing, capsys: pytest.CaptureFixture[str]) -> None:
    failing(ConfigError("3 groups do not divide 256", hint="use a divisor of 256"))
    assert run(["fail"]) == EXIT_ERROR
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == "error: 3 groups do not divide 256\nhint: use a divisor of 256\n"


def test_error_without_hint(failing, capsys: pytest.CaptureFixture[str]) -> None:
    failing(SqueezeBertError("no"))
    assert run(["fail"]) == EXIT_ERROR
    assert capsys.readouterr().err == "error: no\n"


def test_usage_error_names_the_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "--jsno"]) == EXIT_ERROR
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "--jsno" in shown.err
    assert "Did you mean" in shown.err


def test_interrupt(failing, capsys: pytest.CaptureFixture[str]) -> None:
    failing(KeyboardInterrupt())
    assert run(["fail"]) == EXIT_INTERRUPTED
    assert capsys.readouterr().err.strip() == "interrupted"


def test_other_errors_are_bugs_and_pass_through(failing) -> None:
    failing(ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError, match="a bug"):
        run(["fail"])


def test_main_leaves_with_the_exit_code(failing) -> None:
    failing(SqueezeBertError("no"))
    with pytest.raises(SystemExit) as left:
        main.main(["fail"])
    assert left.value.code == EXIT_ERROR


def test_reader_that_goes_away() -> None:
    code = (
        "import click, sys\n"
        "from squeezebert.cli.main import cli, main\n"
        "@cli.command()\n"
        "def count():\n"
        "    for number in range(200_000): click.echo(number)\n"
        "main(['count'])"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"0\n"
        process.stdout.close()
        complaints = process.stderr.read()
        assert process.wait(timeout=60) == EXIT_BROKEN_PIPE
    assert complaints == b""


def test_runs_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "squeezebert", "--version"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert squeezebert.__version__ in done.stdout
