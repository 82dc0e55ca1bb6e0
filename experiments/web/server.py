"""Serves the run-times and the models to a browser on this machine."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

ISOLATED = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}
"""With these a page may have threads, and a clock that counts microseconds."""


@contextmanager
def serving(folders: Mapping[str, Path]) -> Generator[str]:
    """Serves folders under the first part of a path (``""``: all others) and gives the address."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def translate_path(self, path: str) -> str:
            parts = Path(unquote(urlsplit(path).path).lstrip("/")).parts
            known = bool(parts) and parts[0] in folders
            folder = folders[parts[0] if known else ""].resolve()
            found = folder.joinpath(*parts[known:]).resolve()
            return str(found if found.is_relative_to(folder) else folder / "none")

        def end_headers(self) -> None:
            for name, value in ISOLATED.items():
                self.send_header(name, value)
            super().end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - inherited
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()
