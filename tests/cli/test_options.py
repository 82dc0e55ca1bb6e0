"""One name, one meaning: across verbs, and in the hints that name an option."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import squeezebert
from squeezebert.cli.main import cli

SOURCE = Path(squeezebert.__file__).parent

OWN_WORDS = {
    "--backend": "what runs the models: one, or several to compare",
    "--classical": "whether a classical model takes part; where it is fitted differs",
    "--data": "data by name or file; which kinds a verb takes differs",
    "--dev": "the dev part of data, or a file: what weights are chosen on, or what is measured on",
    "--format": "of what file, in or out",
    "--limit": "at most so many texts: of those that are measured, or of each source",
    "--length": "tokens of an input: one, or several to measure",
    "--model": "which model: to start from, or several to compare",
    "--name": "what something is called: a run in a picture, a model on the hub",
    "--output": "where the result goes: a directory, or the one file",
    "--precision": "in what the engine computes: one, or several to compare",
    "--recipe": "a recipe's file: the run's own, or that of the corpus",
    "--repetitions": "passes over the data that is measured",
    "--seconds": "how long measuring may take",
    "--seeds": "runs of each kind",
    "--tasks": "some of the tasks: GLUE's, or the study's",
    "--test": "the test part of data, or a file: a model is scored on it, nothing chosen by it",
    "--threads": "CPU threads: one number, or several to measure",
    "--tokenizer": "a vocabulary: to train with, or to change to",
}
"""Options that mean one thing but are told in each verb's own words."""

ALIASES = {"--file": "--input"}
"""Second spellings: `--file` was the name of `predict --input` before it read tables."""


def options() -> dict[str, dict[str, click.Option]]:
    """Every option by name and verb."""
    found: dict[str, dict[str, click.Option]] = defaultdict(dict)
    for verb, command in cli.commands.items():
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                for name in (*parameter.opts, *parameter.secondary_opts):
                    found[name][verb] = parameter
    return found


NAMES = {"--help", "--version", "--verbose", *options(), *(o for p in cli.params for o in p.opts)}


@pytest.mark.parametrize("name", sorted(options()))
def test_an_option_means_one_thing(name: str) -> None:
    verbs = options()[name]
    spelled = [opt for option in verbs.values() for opt in option.opts if opt.startswith("--")]
    long = [ALIASES.get(opt, opt) for opt in spelled]
    assert len(set(long)) == 1, "one spelling for one meaning"
    if long[0] not in OWN_WORDS:
        assert len({option.help for option in verbs.values()}) == 1
        assert len({str(option.type) for option in verbs.values()}) == 1
    assert all(option.help for option in verbs.values())


def test_options_in_words_of_their_own_are_shared_and_known() -> None:
    assert set(OWN_WORDS) <= {name for name, verbs in options().items() if len(verbs) > 1}


def hints() -> Iterator[tuple[str, str]]:
    """The fixed parts of every hint in the source, after its place."""
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            told = [keyword.value for keyword in node.keywords if keyword.arg == "hint"]
            if isinstance(node.func, ast.Name) and node.func.id == "broken":
                told += node.args[3:4]
            for value in told:
                parts = [
                    part.value
                    for part in ast.walk(value)
                    if isinstance(part, ast.Constant) and isinstance(part.value, str)
                ]
                if parts:
                    yield f"{path.relative_to(SOURCE)}:{value.lineno}", " ".join(parts)


def test_an_option_in_a_hint_exists() -> None:
    told = [(place, name) for place, hint in hints() for name in re.findall(r"--[a-z-]+", hint)]
    assert len(told) > 5
    assert [(place, name) for place, name in told if name not in NAMES] == []


def test_an_option_of_a_reader_exists_where_it_is_named() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in (SOURCE / "data").glob("*.py"))
    named = set(re.findall(r"passing\([\"']([a-z_]+)[\"']", text))
    assert {"scheme", "empty", "delimiter", "encoding"} <= named
    for name in named:
        for verb in ("evaluate", "compare", "quantize"):
            assert verb in options()[f"--{name.replace('_', '-')}"]


PYTHON_ONLY = ("engine/engine.py", "pipeline.py", "embedding.py", "tasks/")
"""Where such a hint is about calls and arrays, which a command line never makes."""


def test_a_hint_for_python_says_so() -> None:
    keyword = re.compile(r"\b[a-z_]+=(?!=)")
    wrong = [
        (place, hint)
        for place, hint in hints()
        if keyword.search(hint)
        and not re.search(r"--[a-z]|[Pp]ython|recipe|--set", hint)
        and not place.startswith(PYTHON_ONLY)
    ]
    assert wrong == []
