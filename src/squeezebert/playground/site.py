"""The files of the page: its own, the engine's and the models'."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from squeezebert.checkpoint.bundle import write_bundle
from squeezebert.checkpoint.directory import read_spec
from squeezebert.checkpoint.shipped import PRETRAINED
from squeezebert.errors import InvalidInputError
from squeezebert.spec import TaskSpec

PAGE = Path(__file__).with_name("page")
ENGINE = Path("engine", "engine.wasm")
"""In the page's folder, where the build had Emscripten."""
THREADED = Path("engine", "engine_threads.wasm")
"""The same for pages that are isolated from other origins, which may have threads."""

MODELS = (
    "squeezebert-mini-mlm",
    "squeezebert-mini-news",
    "squeezebert-mini-spam",
    "squeezebert-mini-ner",
    "bert-mini-news",
    "bert-mini-ner",
)
"""What the tabs ask."""


class Site:
    """The page and its models, each model as one file in a temporary folder.

    Args:
        native: Whether the server is to answer, not the page. Where the engine was not built as
            WebAssembly it must.

    Raises:
        CheckpointError: a model that ships is damaged.
    """

    def __init__(self, *, native: bool = False) -> None:
        self.native = native or not (PAGE / ENGINE).is_file()
        self._folder = tempfile.TemporaryDirectory(prefix="squeezebert-playground-")
        self.bundles = {name: Path(self._folder.name, f"{name}.safetensors") for name in MODELS}
        self.specs: dict[str, TaskSpec] = {}
        for name, path in self.bundles.items():
            write_bundle(PRETRAINED / name, path)
            spec = read_spec(PRETRAINED / name)
            assert spec is not None, "models that ship have a task"
            self.specs[name] = spec

    def close(self) -> None:
        """Removes the temporary folder."""
        self._folder.cleanup()

    def offer(self) -> dict[str, Any]:
        """What the page asks for first: where answers come from, and models with their sizes. A
        file's URL changes with its content, since browsers keep it.
        """
        engine = PAGE / ENGINE.parent
        return {
            "engine": "native" if self.native else "wasm",
            "one": None if self.native else _build(ENGINE),
            "threads": None if self.native else _build(THREADED),
            "engineScripts": []
            if self.native
            else sorted(f"{engine.name}/{file.name}" for file in engine.glob("*.js")),
            "models": [
                {
                    "name": name,
                    "task": self.specs[name].task,
                    "url": f"models/{path.name}?v={_digest(path)}",
                    "bytes": path.stat().st_size,
                }
                for name, path in self.bundles.items()
            ],
        }

    def file(self, path: str) -> Path | None:
        """The file behind a URL's path, without its leading slash; None where there is none."""
        folder, _, name = path.partition("/")
        if folder == "models":
            return self.bundles.get(name.removesuffix(".safetensors"))
        found = (PAGE / (path or "index.html")).resolve()
        return found if found.is_relative_to(PAGE.resolve()) and found.is_file() else None


def write_site(output: str | Path) -> int:
    """Writes the page for any server of files, with engine and models.

    Args:
        output: A folder; it must not exist or be empty.

    Returns:
        Its size in bytes.

    Raises:
        InvalidInputError: the folder is not empty, or the engine was not built as WebAssembly.
    """
    output = Path(output)
    if not (PAGE / ENGINE).is_file():
        raise InvalidInputError(
            "this copy of squeezebert was built without WebAssembly, which a site of its own needs",
            hint="install Emscripten and npm, run `make web` in a clone, and call this there",
        )
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise InvalidInputError(f"{output} is there already", hint="name a folder that is not")
    site = Site()
    try:
        shutil.copytree(PAGE, output, dirs_exist_ok=True)
        (output / "models").mkdir()
        for path in site.bundles.values():
            shutil.copy(path, output / "models" / path.name)
        (output / "models.json").write_text(json.dumps(site.offer(), indent=1), encoding="utf-8")
    finally:
        site.close()
    return sum(path.stat().st_size for path in output.rglob("*") if path.is_file())


def _build(engine: Path) -> dict[str, Any]:
    path = PAGE / engine
    return {"url": f"{engine.as_posix()}?v={_digest(path)}", "bytes": path.stat().st_size}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
