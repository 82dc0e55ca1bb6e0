"""The wheel holds all that the package needs at run time."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import squeezebert


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    out = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, root],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = out.glob("*.whl")
    assert path.name == f"squeezebert-{squeezebert.__version__}-py3-none-any.whl"
    with zipfile.ZipFile(path) as opened:
        yield opened


def test_holds_every_file_of_the_package(root: Path, wheel: zipfile.ZipFile) -> None:
    source = root / "src"
    expected = {
        path.relative_to(source).as_posix()
        for path in (source / "squeezebert").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert expected - set(wheel.namelist()) == set()


@pytest.mark.parametrize("folder", ["samples", "pretrained"])
def test_holds_the_data(wheel: zipfile.ZipFile, folder: str) -> None:
    prefix = f"squeezebert/{folder}/"
    assert [name for name in wheel.namelist() if name.startswith(prefix)]


def test_is_typed_and_licensed(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    assert "squeezebert/py.typed" in names
    assert [name for name in names if name.endswith("licenses/LICENSE")]


def test_predicting_needs_neither_torch_nor_transformers(wheel: zipfile.ZipFile) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith("METADATA"))
    metadata = wheel.read(name).decode()
    required = [
        line.removeprefix("Requires-Dist: ")
        for line in metadata.splitlines()
        if line.startswith("Requires-Dist: ") and "extra ==" not in line
    ]
    assert len(required) >= 5
    assert not [line for line in required if line.startswith(("torch", "transformers"))]
