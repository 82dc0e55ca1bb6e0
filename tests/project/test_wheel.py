"""The wheel holds all that the package needs at run time, the source archive all to build it."""

from __future__ import annotations

import py_compile
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import squeezebert


def build(root: Path, kind: str, out: Path) -> Path:
    command = [sys.executable, "-m", "build", f"--{kind}", "--no-isolation", "--outdir", out, root]
    warnings_are_errors = "--config-setting=cmake.define.SQUEEZEBERT_WERROR=ON"
    done = subprocess.run(
        [*command, warnings_are_errors], capture_output=True, text=True, check=False, timeout=1200
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = out.iterdir()
    return path


def python_and_data(folder: Path) -> set[str]:
    """What is to be installed as it stands; compiled files are made anew for each Python."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in {".pyc", ".so", ".pyd"}
    }


def requirements(wheel: zipfile.ZipFile) -> list[str]:
    """What is installed with the package when no extra is asked for."""
    (name,) = (name for name in wheel.namelist() if name.endswith("METADATA"))
    return [
        line.removeprefix("Requires-Dist: ")
        for line in wheel.read(name).decode().splitlines()
        if line.startswith("Requires-Dist: ") and "extra ==" not in line
    ]


# One test: tests that share a wheel would each build it where they run in processes of their own.
@pytest.mark.slow
def test_the_wheel_holds_what_the_package_needs(root: Path, tmp_path: Path) -> None:
    path = build(root, "wheel", tmp_path)
    minor = f"cp3{sys.version_info.minor}"
    tag = "cp312-abi3" if sys.version_info >= (3, 12) else f"{minor}-{minor}"
    assert path.name.startswith(f"squeezebert-{squeezebert.__version__}-{tag}-")
    assert not path.name.endswith("-any.whl")

    with zipfile.ZipFile(path) as wheel:
        names = set(wheel.namelist())
        required = requirements(wheel)
    assert python_and_data(root / "src") - names == set()
    for folder in ("samples", "pretrained"):
        assert [name for name in names if name.startswith(f"squeezebert/{folder}/")]
    assert "squeezebert/py.typed" in names
    assert [name for name in names if name.endswith("licenses/LICENSE")]
    binaries = [name for name in names if name.endswith((".so", ".pyd"))]
    assert [name.split(".")[0] for name in binaries] == ["squeezebert/engine/_native"]
    assert not [name for name in names if name.endswith((".cpp", ".h", ".a"))]

    assert len(required) >= 5
    assert not [line for line in required if line.startswith(("torch", "transformers"))]


def test_the_source_archive_holds_what_builds_it(root: Path, tmp_path: Path) -> None:
    py_compile.compile(str(root / "src" / "squeezebert" / "spec.py"))  # as any use leaves behind
    with tarfile.open(build(root, "sdist", tmp_path)) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE"} <= names
    native = {f"native/{name}" for name in python_and_data(root / "native")}
    package = {f"src/{name}" for name in python_and_data(root / "src")}
    assert (native | package) - names == set()
    assert not [name for name in names if name.endswith((".so", ".pyc"))]
