"""Every command of README and docs runs on tiny inputs, or stands in the table of those that don't.

A page's commands run in their order, in one folder, as a reader would run them; ``SMALLER`` says
what is added so that they have little to do. Of commands that do not run, the options are checked.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import click
import pytest

from squeezebert.cli.main import cli, run
from squeezebert.config import EncoderConfig
from squeezebert.spec import TaskSpec
from tests.cli.conftest import SPECS, write_model
from tests.project.blocks import (
    COMMANDS,
    LANGUAGES,
    NOT_RUN,
    PAGES,
    ROOT,
    all_blocks,
    blocks,
    commands,
    reason,
)

# Verb, and the options that leave it little to do.
SMALLER = {
    "benchmark": ["--seconds", "1"],
    "compare": ["--limit", "2", "--repetitions", "1", "--examples", "1"],
    "evaluate": ["--limit", "4"],
    "train": ["--set", "loop.epochs=1"],
}

# What a page takes for granted: the models that its reader has by then.
MODELS = {
    "docs/benchmark.md": {"runs/news": "text_classification"},
    "docs/choosing.md": {"runs/mine": "text_classification"},
    "docs/comparison.md": {"runs/squeezebert": "news", "runs/bert": "bert_news"},
    "docs/export.md": {"runs/news": "text_classification"},
    "docs/quantization.md": {
        "runs/news": "text_classification",
        "runs/ner": "token_classification",
        "path/to/MiniLM": "masked_lm",
    },
    "docs/results.md": {
        "runs/random/squeezebert-base": "news",
        "runs/random/bert-base": "bert_news",
    },
}

NEWS = ("World", "Sports", "Business", "Sci/Tech")
REVIEWS = [("good", "the cat sat on the mat"), ("bad", "the dog ran home")]
TAGGED = "-DOCSTART- -X- O O\n\n" + "Ada NNP I-NP I-PER\nran VBD I-VP O\n\n" * 8


def ran(page: str) -> list[str]:
    return [command for command in commands(page) if reason(page, command) is None]


def every_command() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        yield from ((page, command) for command in commands(page))


def test_every_block_is_run_or_has_a_reason() -> None:
    languages = {block.language for block in all_blocks()}
    assert languages <= {*LANGUAGES, *COMMANDS, "python"}
    unknown = [
        (page, command)
        for page, command in every_command()
        if reason(page, command) is None and "squeezebert" not in shlex.split(command)
    ]
    assert unknown == [], "only squeezebert's own commands are run; others need a reason"
    assert len([page for page in PAGES if ran(page)]) >= 8


def test_no_reason_is_stale() -> None:
    python = [(block.page, block.body) for block in all_blocks() if block.language == "python"]
    texts = [*every_command(), *python]
    stale = [
        entry
        for entry in NOT_RUN
        if not any(
            page == entry.page and re.search(entry.pattern, text) and reason(page, text)
            for page, text in texts
        )
    ]
    assert stale == []
    words = [entry.reason for entry in NOT_RUN] + list(LANGUAGES.values())
    named = [path for text in words for path in re.findall(r"tests/\S+\.py", text)]
    assert named
    assert [path for path in named if not (ROOT / path).is_file()] == []


@pytest.mark.parametrize("page", PAGES)
def test_options_exist(page: str) -> None:
    """Of all commands, those that are not run too: verbs, options, programs."""
    for command in commands(page):
        words = shlex.split(command, comments=True)
        if re.search(r"(^|\s)squeezebert [a-z]", command) and words[0] != "for":
            verb, *arguments = words[words.index("squeezebert") + 1 :]
            assert verb in cli.commands, command
            context = click.Context(cli.commands[verb], info_name=verb)
            if "--help" not in arguments:
                context.command.make_parser(context).parse_args(list(arguments))
        elif "-m" in words and words[words.index("-m") + 1].startswith("experiments."):
            name = words[words.index("-m") + 1]
            spec = find_spec(name)
            assert spec is not None, command
            assert spec.origin is not None
            sources = "".join(
                file.read_text(encoding="utf-8") for file in Path(spec.origin).parent.glob("*.py")
            )
            options = [word for word in words if word.startswith("--")]
            assert [option for option in options if option not in sources] == [], command
        elif words[0] == "make":
            makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
            assert re.search(rf"^{words[1]}:", makefile, re.MULTILINE), command


def write_data(folder: Path) -> None:
    """A few lines of the sets that the pages use by name, laid out as docs/data.md says."""
    (folder / "ag_news").mkdir(parents=True)
    rows = [(label, f"The cat sat on mat {n}.") for n, label in enumerate(NEWS * 50)]
    lines = "".join(json.dumps({"label": label, "text": text}) + "\n" for label, text in rows)
    (folder / "ag_news" / "train_subset.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    table = "".join(f'"{NEWS.index(label) + 1}","{text}","Home."\n' for label, text in rows)
    (folder / "ag_news" / "test.csv").write_text(table, encoding="utf-8")
    (folder / "conll2003_en").mkdir()
    for name in ("eng.train", "eng.testa", "eng.testb"):
        (folder / "conll2003_en" / name).write_text(TAGGED, encoding="utf-8")


def write_files(folder: Path, page: str) -> None:
    """The reader's own files, under the names that the pages give them."""
    rows = [(label, f"{text} {n}") for n, (label, text) in enumerate(REVIEWS * 16)]
    for name, label, text in (("news", "category", "headline"), ("mine", "topic", "body")):
        table = f"{label},{text}\n" + "".join(f"{row[0]},{row[1]}\n" for row in rows)
        (folder / f"{name}.csv").write_text(table, encoding="utf-8")
    shutil.copy(folder / "news.csv", folder / "test.csv")
    new = "id,headline\n" + "".join(f"{n},{text}\n" for n, (_, text) in enumerate(rows))
    (folder / "new.csv").write_text(new, encoding="utf-8")
    for name in ("sentences.txt", "german.txt"):
        (folder / name).write_text("".join(f"{text}.\n" for _, text in rows), encoding="utf-8")
    (folder / "mine").mkdir()
    for part in ("train", "test"):
        table = "label,text\n" + "".join(f"{label},{text} {part}\n" for label, text in rows)
        (folder / "mine" / f"{part}.csv").write_text(table, encoding="utf-8")
    if page == "docs/quick_start.md":
        shown = [block.body for block in blocks(page) if block.language == "csv"]
        for name, body in zip(("messages.csv", "new.csv"), shown, strict=True):
            (folder / name).write_text(body, encoding="utf-8")


@pytest.fixture
def prepared(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    tiny_config: EncoderConfig,
    tiny_bert_config: EncoderConfig,
    tiny_vocabulary: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """A folder with what a page's reader has: models, files, known data sets, recipes."""
    page: str = request.param
    specs = {**SPECS, "news": TaskSpec(task="text_classification", labels=NEWS, max_length=32)}
    for path, name in MODELS.get(page, {}).items():
        config = tiny_bert_config if name.startswith("bert_") else tiny_config
        spec = specs[name.removeprefix("bert_")]
        write_model(tmp_path / path, config, tiny_vocabulary, spec)
    write_files(tmp_path, page)
    write_data(tmp_path / "data")
    (tmp_path / "recipes").symlink_to(ROOT / "recipes")
    monkeypatch.setenv("SQUEEZEBERT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("SQUEEZEBERT_THREADS", "1")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("prepared", "page"), [(page, page) for page in PAGES if ran(page)], indirect=["prepared"]
)
def test_commands_run(prepared: Path, page: str, capfd: pytest.CaptureFixture[str]) -> None:
    for command in ran(page):
        words = shlex.split(command, comments=True)
        start = words.index("squeezebert")
        arguments = words[start + 1 :]
        if "--help" not in arguments:
            arguments += SMALLER.get(arguments[0], [])
        if start == 0:
            code = run(arguments)
        else:  # variables of the environment, which the engine reads when it is loaded
            given = dict(word.split("=", 1) for word in words[:start])
            code = subprocess.run(
                [sys.executable, "-m", "squeezebert", *arguments],
                env=os.environ | given,
                check=False,
            ).returncode
        output, errors = capfd.readouterr()
        assert code == 0, f"{command}\n{errors}"
        assert output.strip() or errors.strip(), command
