"""Errors become a message, a hint and an exit code; data and notes go their own ways."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

import squeezebert
from squeezebert.cli import main
from squeezebert.cli.main import (
    EXIT_BROKEN_PIPE,
    EXIT_ERROR,
    EXIT_FAULT,
    EXIT_INTERRUPTED,
    cli,
    run,
)
from squeezebert.errors import ConfigError, SqueezeBertError

VERBS = {
    "benchmark",
    "bundle",
    "card",
    "compare",
    "convert",
    "curves",
    "evaluate",
    "export",
    "glue",
    "grow",
    "info",
    "label",
    "models",
    "playground",
    "predict",
    "pretrain",
    "push",
    "quantize",
    "serve",
    "study",
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
    assert "hint" not in shown.err  # no other verb has it either


def test_an_option_of_other_verbs_is_known_as_theirs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["serve", "squeezebert-mini-news", "--label", "category"]) == EXIT_ERROR
    hint = capsys.readouterr().err.splitlines()[-1]
    assert hint == "hint: --label is an option of compare, evaluate, predict, quantize and train"


def test_interrupt(failing, capsys: pytest.CaptureFixture[str]) -> None:
    failing(KeyboardInterrupt())
    assert run(["fail"]) == EXIT_INTERRUPTED
    assert capsys.readouterr().err.strip() == "interrupted"


def test_other_errors_are_faults_of_ours(
    failing, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    failing(ZeroDivisionError("a \x1b[31mbug"))
    assert run(["fail"]) == EXIT_FAULT
    [report] = tmp_path.iterdir()
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines() == [
        "error: a fault of squeezebert itself: ZeroDivisionError: a \\x1b[31mbug",
        f"hint: please report it, with {report}",
    ]
    assert "in fail" in report.read_text(encoding="utf-8")


@pytest.mark.parametrize("flag", ["-v", "--verbose"])
def test_verbose_shows_where(flag: str, failing, capsys: pytest.CaptureFixture[str]) -> None:
    failing(ConfigError("no"))
    assert run([flag, "fail"]) == EXIT_ERROR
    assert "in fail" in capsys.readouterr().err
    assert run(["fail"]) == EXIT_ERROR
    assert capsys.readouterr().err == "error: no\n"


def test_control_characters_do_not_reach_the_terminal(
    failing, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(ConfigError("no label \x1b]0;x\x07", hint="try \u202egnp"))
    assert run(["fail"]) == EXIT_ERROR
    shown = "error: no label \\x1b]0;x\\x07\nhint: try \\u202egnp\n"
    assert capsys.readouterr().err == shown
    assert run(["info\x1b[2J"]) == EXIT_ERROR
    assert "\x1b" not in capsys.readouterr().err


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


def test_standard_output_that_takes_nothing() -> None:
    with Path("/dev/full").open("w") as full:
        done = _module("info", "bert-mini", stdout=full)
    assert done.returncode == EXIT_ERROR
    assert done.stderr == "error: cannot write to standard output: No space left on device\n"


def test_standard_output_that_is_closed() -> None:
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m squeezebert info bert-mini >&-"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == EXIT_ERROR
    assert done.stderr.splitlines()[0] == "error: standard output is closed"


@pytest.mark.parametrize("variables", [{"PYTHONIOENCODING": "cp1252"}, {"LC_ALL": "C"}])
def test_standard_output_is_utf8(variables: dict[str, str], tmp_path: Path) -> None:
    name = tmp_path / "run 😀"
    name.mkdir()
    (name / "metrics.jsonl").write_text(
        '{"step": 1, "kind": "train", "loss": 1.0, "tokens": 5, "seconds": 1.0}\n'
        '{"step": 2, "kind": "train", "loss": 0.5, "tokens": 9, "seconds": 2.0}\n',
        encoding="utf-8",
    )
    picture = tmp_path / "😀.svg"
    done = _module("curves", str(name), "-o", str(picture), variables=variables, binary=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode("utf-8").strip() == str(picture)


def _module(
    *words: str, variables: dict[str, str] | None = None, binary: bool = False, stdout: Any = None
) -> subprocess.CompletedProcess[Any]:
    return subprocess.run(
        [sys.executable, "-m", "squeezebert", *words],
        stdout=stdout or subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **(variables or {})},
        text=not binary,
        check=False,
        timeout=60,
    )
