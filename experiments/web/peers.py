"""Our engine as WebAssembly beside ONNX Runtime Web and transformers.js, in headless Chromium.

    make web && python -m experiments.web.peers --write docs/web.md

The peers come from npm into ``build/web_peers`` (experiments/web/package.json); so do models, each
as our bundle and as what ``squeezebert export`` makes of the same int8 weights. Run-times have one
thread each and the browser one core; they take turns on the same text, forth and back. A model has
a browser of its own. Told is also how long a run-time takes in a fresh page from the downloaded
files to its first answer. ONNX Runtime Web is given token ids, the others a text. ``--threads 2``
gives all of them two threads and the browser two cores; the part of the page is ``web-peers-2``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.page import ROOT, replace_part
from experiments.web.models import BASE, SMALL, make_model
from experiments.web.server import serving
from experiments.web.table import Answers, Size, tables
from squeezebert.checkpoint.shipped import PRETRAINED
from squeezebert.errors import MissingDependencyError

CACHE = ROOT / "build" / "web_peers"
OURS = ROOT / "web" / "dist"
HERE = Path(__file__).parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
TOKENS = (16, 32, 64, 128)
VOCABULARY = PRETRAINED / "squeezebert-mini-mlm" / "vocab.txt"
"""Of all models that are measured."""


@dataclass(frozen=True)
class Peer:
    """A run-time with a file of the model.

    Args:
        name: As the table calls it.
        code: As page.mjs calls the run-time.
        file: The ONNX file.
    """

    name: str
    code: str
    file: str = ""


PEERS = (
    Peer("squeezebert, int8", "ours"),
    Peer("ONNX Runtime Web, int8", "ort", "model_quantized"),
    Peer("ONNX Runtime Web, float32", "ort", "model"),
    Peer("transformers.js, int8", "transformers", "model_quantized"),
)
ORT = "onnxruntime-web/dist"
WASM = (f"{ORT}/ort-wasm-simd-threaded.mjs", f"{ORT}/ort-wasm-simd-threaded.wasm")
MODULES = CACHE / "node_modules"
TRANSFORMERS = MODULES / "@huggingface" / "transformers"
OWN = ("answers", "browser", "client", "download", "errors", "helper", "memory", "model")
FILES = {
    "squeezebert": (
        OURS,
        ("engine.wasm", *(f"{name}.js" for name in (*OWN, "module", "serve", "worker"))),
    ),
    "ONNX Runtime Web": (MODULES, (f"{ORT}/ort.wasm.min.mjs", *WASM)),
    "transformers.js": (
        TRANSFORMERS,
        ("dist/transformers.min.js", *(f"node_modules/{file}" for file in WASM)),
    ),
}
"""What a page downloads of each, models aside."""


def main(argv: Sequence[str] | None = None) -> None:
    """See the module's text."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n\n")[0])
    parser.add_argument("--models", nargs="+", default=[*SMALL, *BASE], metavar="MODEL")
    parser.add_argument("--tokens", nargs="+", type=int, default=None, help="instead of the usual")
    parser.add_argument(
        "--rounds", type=int, default=None, help="instead of 40, or 10 at base size"
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--write", type=Path, help="the page whose part web-peers is written")
    arguments = parser.parse_args(argv)
    part = "web-peers" if arguments.threads == 1 else f"web-peers-{arguments.threads}"
    if arguments.write:
        replace_part(arguments.write, part, None)
    install()
    found: list[Answers] = []
    for model in arguments.models:
        make_model(model, CACHE / "models")
        tokens = arguments.tokens or ((128,) if model in BASE else TOKENS)
        found += measure(model, tokens, arguments.rounds, arguments.threads)
    sizes = [Size.of(name, folder, files) for name, (folder, files) in FILES.items()]
    text = tables(found, sizes, versions(), arguments.threads)
    print(text)
    if arguments.write:
        replace_part(arguments.write, part, text)


def install() -> None:
    """The peers, and what ``make web`` makes.

    Raises:
        MissingDependencyError: something that is to be there is not.
    """
    if not (OURS / "engine.wasm").is_file():
        raise MissingDependencyError("web/dist has no engine.wasm", hint="run `make web`")
    if shutil.which("npm") is None:
        raise MissingDependencyError("no npm here", hint="Debian's package is npm")
    wanted = (HERE / "package.json").read_text(encoding="utf-8")
    stamp = CACHE / "package.json"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return
    CACHE.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(HERE / "package.json", stamp)
    # Node's own ONNX Runtime, hundreds of megabytes, is not wanted.
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
    done = subprocess.run([*command, "--no-package-lock"], cwd=CACHE, check=False)  # noqa: S603 - ours
    if done.returncode != 0:
        stamp.unlink()
        raise MissingDependencyError("npm could not install the peers", hint="is there a network?")


def versions() -> dict[str, str]:
    """Of what was measured."""
    packages = {"onnxruntime-web": MODULES / "onnxruntime-web", "transformers.js": TRANSFORMERS}
    return {
        name: json.loads((folder / "package.json").read_text(encoding="utf-8"))["version"]
        for name, folder in packages.items()
    }


def measure(model: str, tokens: Sequence[int], rounds: int | None, threads: int) -> list[Answers]:
    """First answers and times of all run-times on a model, on so many of the last cores."""
    from playwright.sync_api import sync_playwright

    path = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if path is None:
        raise MissingDependencyError(f"none of {', '.join(BROWSERS)} here")
    words = VOCABULARY.read_text(encoding="utf-8").splitlines()
    warm, rounds = (3, rounds or 10) if model in BASE else (10, rounds or 40)
    folders = {"": HERE, "ours": OURS, "npm": MODULES, "models": CACHE / "models"}
    before = os.sched_getaffinity(0)
    found: list[Answers] = []
    with serving(folders) as address, sync_playwright() as driver:
        os.sched_setaffinity(0, sorted(before)[-threads:])  # the browser's processes inherit it
        browser = driver.chromium.launch(executable_path=path, args=list(FLAGS))
        os.sched_setaffinity(0, before)
        word = words.index("word")

        def opened(page: Any, peer: Peer) -> float:
            asked = [peer.name, peer.code, model, peer.file, word, tokens[-1], threads]
            return page.evaluate("(asked) => first(...asked)", asked)

        firsts: dict[str, float] = {}
        for peer in PEERS:  # each in a page where nothing has been started yet
            page = open_page(browser, address)
            firsts[peer.name] = opened(page, peer)
            page.close()
        page = open_page(browser, address)
        for peer in PEERS:
            opened(page, peer)
        for length in tokens:
            run = page.evaluate("(asked) => race(...asked)", [length, warm, rounds])
            found += [tell(model, peer.name, length, firsts[peer.name], run) for peer in PEERS]
        browser.close()
    return found


def open_page(browser: Any, address: str) -> Any:
    """A page that has loaded page.mjs."""
    page = browser.new_page()
    page.set_default_timeout(600_000)
    page.on("pageerror", print)
    page.goto(f"{address}page.html")
    page.wait_for_function("() => Boolean(globalThis.race)")
    return page


def tell(model: str, peer: str, tokens: int, first_ms: float, run: dict[str, Any]) -> Answers:
    """A line of JSON, and the same for the table."""
    times = run["times"][peer]
    answers = Answers(
        model=model,
        peer=peer,
        tokens=tokens,
        first_ms=first_ms,
        least_ms=min(times),
        median_ms=statistics.median(times),
        probability=run["answers"][peer],
    )
    print(json.dumps(vars(answers)), flush=True)
    return answers


if __name__ == "__main__":
    main()
