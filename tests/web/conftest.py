"""What ``make web`` built, and a page of it in a browser that has no network."""

from __future__ import annotations

import functools
import http.server
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from squeezebert.playground import write_site
from squeezebert.playground.site import ENGINE, PAGE


@pytest.fixture(scope="session")
def package(root: Path) -> Path:
    """The npm package."""
    dist = root / "web" / "dist"
    if not (dist / "engine.wasm").is_file() or not (PAGE / ENGINE).is_file():
        pytest.skip("`make web` built nothing here; it says what is missing")
    return dist


@pytest.fixture(scope="session")
def node(package: Path) -> str:
    path = shutil.which("node")
    if path is None:
        pytest.skip("no node here")
    return path


@pytest.fixture(scope="session")
def site(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page as files, with engine and models."""
    folder = tmp_path_factory.mktemp("site") / "site"
    write_site(folder)
    return folder


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    """A plain server of files, as any web space has."""
    handler = functools.partial(_Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()
