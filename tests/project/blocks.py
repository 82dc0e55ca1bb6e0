"""The fenced blocks of README and docs, the commands in them, and the one table of those that tests
do not run, each with the reason.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    *("README.md", "CONTRIBUTING.md"),
    *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md")),
    *(f"{folder}/README.md" for folder in ("examples", "experiments", "recipes", "web")),
]

INSTALLS = "installs or builds what the tests run in"
NETWORK = "needs a network"
GPU = "needs a GPU"
HOURS = "takes minutes to hours, on data that may not be shipped"
STOPPED = "runs until it is stopped"


class NotRun(NamedTuple):
    """What is not run: a page, what stands in the command or Python block, and why."""

    page: str
    pattern: str
    reason: str


# A reason with a path in it names the test that runs the same in another way.
NOT_RUN = (
    NotRun("README.md", r"^(pip install|make)\b", INSTALLS),
    NotRun("CONTRIBUTING.md", r"^(make|\.venv/bin/cmake)\b", INSTALLS),
    NotRun("docs/quick_start.md", r"^pip install", INSTALLS),
    NotRun("docs/export.md", r"^pip install", INSTALLS),
    NotRun("docs/performance.md", r"^pip install", INSTALLS),
    NotRun("docs/scale.md", r"^pip install", INSTALLS),
    NotRun("docs/serving.md", r"^pip install", INSTALLS),
    NotRun("docs/study.md", r"^pip install", INSTALLS),
    NotRun("experiments/README.md", r"^pip install", INSTALLS),
    NotRun("web/README.md", r"^(make web|npm install)", INSTALLS),
    NotRun("docs/ablations.md", r"experiments\.", HOURS),
    NotRun("docs/c_api.md", r"^(cmake|cc|build/)", "tests/project/test_c_api.py"),
    NotRun("docs/data.md", r"my_corpus/", "some of these files are the reader's to have"),
    NotRun(
        "docs/export.md",
        r"--format executorch",
        "ExecuTorch is not among the tests' tools: tests/exporting/test_executorch.py",
    ),
    NotRun("docs/export.md", r"^squeezebert push", NETWORK + ": tests/exporting/test_push.py"),
    NotRun(
        "docs/export.md", r"optimum", "optimum-onnx 0.1 wants another transformers than tests have"
    ),
    NotRun("docs/performance.md", r"experiments\.", HOURS),
    NotRun("docs/phone.md", r"^cmake", "needs Android's NDK"),
    NotRun("docs/phone.md", r"app/src", "goes into the reader's app"),
    NotRun("docs/reliability.md", r"^make fuzz", HOURS),
    NotRun("docs/results.md", r"^squeezebert pretrain", HOURS),
    NotRun("docs/scale.md", r"--ray", "wants a cluster: tests/scaleout/test_ray.py"),
    NotRun("docs/serving.md", r"^squeezebert serve", STOPPED + ": tests/cli/test_serve.py"),
    NotRun("docs/serving.md", r"^serve run", STOPPED + ": tests/serving/test_ray_serve.py"),
    NotRun("docs/serving.md", r"^curl|InferenceClient", "tests/serving/test_clients.py"),
    NotRun("docs/study.md", r"squeezebert study", NETWORK + ": tests/study/test_run.py"),
    NotRun(
        "docs/training.md", r"recipes/(pretrain|ner|sample_news)|german\.toml|runs/german", HOURS
    ),
    NotRun("docs/training.md", r"^squeezebert (glue|label) ", HOURS),
    NotRun("docs/training.md", r"headlines\.csv", "these files are the reader's to have"),
    NotRun("docs/training.md", r"pretrain_gpu\.sh|^torchrun", GPU),
    NotRun("docs/python.md", r"squeezebert\.train\(", HOURS),
    NotRun("docs/web.md", r"--open", STOPPED + ": tests/playground/test_server.py"),
    NotRun("docs/web.md", r"--output", "needs make web: tests/web/test_page.py"),
    NotRun("experiments/README.md", r"experiments\.|tests/serving", HOURS),
    NotRun("recipes/README.md", r"", HOURS),
)

# What blocks of other languages are, and who looks at them; "" is a block without a name.
LANGUAGES = {
    "": "a sketch, or data",
    "c": "another language: tests/project/test_c_api.py compiles the examples",
    "csv": "data, that of docs/quick_start.md is used",
    "js": "another language: tests/web/test_package.py runs it",
    "json": "data",
    "kotlin": "another language: tests/bindings/test_jni.py runs the class",
    "swift": "another language, whose compiler was not at hand",
    "text": "output",
    "toml": "settings",
}
COMMANDS = ("bash", "console", "sh")

FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>[^\s`]*)(?P<words>[^\n`]*)\n(?P<body>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)


class Block(NamedTuple):
    """A fenced block: its page, its line, its language, what stands in it, and a ``text`` block
    right after it, which is its output.
    """

    page: str
    line: int
    language: str
    body: str
    output: str | None

    @property
    def name(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def is_doctest(self) -> bool:
        return self.body.startswith(">>> ")


def blocks(page: str) -> list[Block]:
    text = (ROOT / page).read_text(encoding="utf-8")
    matches = list(FENCE.finditer(text))
    found: list[Block] = []
    for match, after in zip_longest(matches, matches[1:]):
        assert not match["words"], f"{page}: a fence with more than a language is none on the site"
        output = None
        if after and after["language"] == "text" and not text[match.end() : after.start()].strip():
            output = after["body"]
        line = text.count("\n", 0, match.start()) + 1
        found.append(Block(page, line, match["language"], match["body"], output))
    return found


def all_blocks() -> list[Block]:
    return [block for page in PAGES for block in blocks(page)]


def commands(page: str) -> Iterator[str]:
    """The commands of a page in their order, without prompts and comments."""
    for block in blocks(page):
        if block.language not in COMMANDS:
            continue
        for line in block.body.replace("\\\n", " ").splitlines():
            if block.language == "console" and not line.startswith("$ "):
                continue  # what the command prints
            words = shlex.split(line.removeprefix("$ "), comments=True)
            if words:
                yield re.sub(r"\s+#.*$", "", line.removeprefix("$ ")).strip()


def reason(page: str, text: str) -> str | None:
    """Why a command or a Python block is not run; None if it is."""
    for entry in NOT_RUN:
        if entry.page == page and re.search(entry.pattern, text):
            return entry.reason
    return None
