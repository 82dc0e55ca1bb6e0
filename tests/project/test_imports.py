"""Imports run one way, and nothing heavy is imported before it is needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("torch", "transformers", "accelerate", "pyarrow")

# model/, training/ and two backends are torch by nature; recipes are not.
IMPORT_THE_LEAN_ROOMS = f"""
import importlib, pathlib, sys
import squeezebert
heavy_rooms = (
    "squeezebert.__main__",
    "squeezebert.backends.torch_backend",
    "squeezebert.backends.transformers_backend",
    "squeezebert.exporting.conv2d",  # ExecuTorch's programs are made of torch's
    "squeezebert.exporting.pte",
    "squeezebert.glue",
    "squeezebert.model",
    "squeezebert.scored_runs",
    "squeezebert.sklearn",  # scikit-learn imports pandas, which imports pyarrow, where they are
    "squeezebert.study",
    "squeezebert.spacy",  # spaCy imports torch where it is
    "squeezebert.training",
)
lean_after_all = (
    "squeezebert.training",
    "squeezebert.training.recipe.run",
    "squeezebert.training.recipe.file",
)
package = pathlib.Path(squeezebert.__file__).parent
seen = 0
for path in sorted(package.rglob("*.py")):
    name = ".".join(path.relative_to(package.parent).with_suffix("").parts)
    name = name.removesuffix(".__init__")
    if name.startswith(heavy_rooms) and name not in lean_after_all:
        continue
    importlib.import_module(name)
    loaded = sorted(set({HEAVY!r}) & set(sys.modules))
    assert not loaded, f"{{name}} imports {{loaded}}"
    seen += 1
print(seen)
"""


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )


def test_directions(root: Path) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = (
        "import sys, squeezebert\n"
        f"heavy = {(*HEAVY, 'numpy', 'tokenizers', 'click', 'rich')!r}\n"
        "print(sorted(set(heavy) & set(sys.modules)))"
    )
    done = run_python(code)
    assert done.stdout.strip() == "[]", done.stderr


def test_importing_all_of_it_imports_no_framework() -> None:
    code = (
        "import sys\n"
        "from squeezebert import *\n"
        f"print(callable(train), sorted(set({HEAVY!r}) & set(sys.modules)))"
    )
    done = run_python(code)
    assert done.stdout.strip() == "True []", done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["predict", "--help"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\n"
        "from squeezebert.cli.main import run\n"
        f"code = run({arguments!r})\n"
        f"loaded = sorted(set({(*HEAVY, 'numpy', 'tokenizers', 'rich')!r}) & set(sys.modules))\n"
        "print(loaded, file=sys.stderr)\n"
        "sys.exit(code)"
    )
    done = run_python(code)
    assert done.returncode == 0
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize(
    ("model", "text"),
    [
        ("squeezebert-mini-news", "The striker scored twice."),
        ("squeezebert-mini-ner", "Ada lived in London."),
        ("squeezebert-mini-mlm", "The [MASK] scored twice."),
    ],
)
def test_a_first_prediction_imports_little(model: str, text: str) -> None:
    """So that a fresh process answers at once."""
    unneeded = (*HEAVY, "click", "rich", "jinja2", "huggingface_hub", "csv", "numpy.random")
    code = (
        "import sys, squeezebert\n"
        f"squeezebert.load({model!r})({text!r})\n"
        f"print(sorted(set({unneeded!r}) & set(sys.modules)))"
    )
    done = run_python(code)
    assert done.stdout.strip() == "[]", done.stderr


def test_the_scikit_learn_room_imports_no_torch() -> None:
    pytest.importorskip("sklearn")
    done = run_python("import squeezebert.sklearn, sys; assert 'torch' not in sys.modules")
    assert done.returncode == 0, done.stderr


def test_only_the_model_and_training_rooms_import_torch() -> None:
    done = run_python(IMPORT_THE_LEAN_ROOMS)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 10
