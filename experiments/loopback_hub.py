"""A Hugging Face hub on this machine, for ``squeezebert study`` where there is no network.

It serves the study's two checkpoints in the layouts in which they are published (SqueezeBERT as
``pytorch_model.bin`` and ``vocab.txt``, BERT as safetensors with the old names of its LayerNorms),
with random weights, and its data sets in theirs, filled with the sample data of this package::

    python -m experiments.loopback_hub --size tiny squeezebert study --quick --yes -o build/study

runs the command with HF_ENDPOINT and a cache of its own. ``--size base`` is the published size:
0.65 GB, made anew. Faults can be laid into it: files that are missing, cut short, changed or slow.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from squeezebert.checkpoint.shipped import PRETRAINED
from squeezebert.config import BERT_BASE, SQUEEZEBERT_BASE, EncoderConfig, as_bert
from squeezebert.data import open_dataset

Fault = Literal["missing", "cut once", "nothing", "changed once", "changed", "slow", "broken"]
"""What happens to a file: no such file; broken off in the middle, the first time; always before it
begins; other content of the same length, the first time or always; no answer; an error of the
server.
"""

MOST = 300
"""Of a part of a set: enough to see everything work."""

PIECE = 1 << 20
"""Bytes that are sent at a time."""

LARGE = 1 << 16
"""Files of more bytes are kept apart (LFS) and named by their SHA-256, as the hub does with those
of more than 10 MB.
"""

TAGS = (*("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC", "B-MISC", "I-MISC"),)


@dataclass
class Hub:
    """What is served.

    Args:
        repositories: Files by path, by ``models/NAME`` or ``datasets/NAME`` and revision.
        faults: By the path of a file.
        seconds: How long a slow file keeps silent.
    """

    repositories: dict[tuple[str, str], dict[str, bytes]] = field(
        default_factory=dict[tuple[str, str], dict[str, bytes]]
    )
    faults: dict[str, Fault] = field(default_factory=dict[str, Fault])
    seconds: float = 3.0
    asked: list[str] = field(default_factory=list[str])
    endpoint: str = ""
    entries: dict[int, dict[str, Any]] = field(default_factory=dict[int, dict[str, Any]])

    def put(self, name: str, files: Mapping[str, bytes], revision: str = "main") -> None:
        """A repository, reached by its branch and by its commit."""
        self.repositories[name, revision] = dict(files)
        self.repositories[name, commit_of(name, revision)] = dict(files)

    def entry(self, path: str, content: bytes) -> dict[str, Any]:
        """A file in the listing of a repository; large ones are hashed once."""
        if len(content) <= LARGE:
            return entry(path, content)
        if id(content) not in self.entries:
            self.entries[id(content)] = entry(path, content)
        return self.entries[id(content)]

    def find(self, name: str, revision: str) -> dict[str, bytes] | None:
        """The files of a repository."""
        return self.repositories.get((name, revision))


def commit_of(name: str, revision: str) -> str:
    """The commit of a branch."""
    return hashlib.sha1(f"{name}@{revision}".encode(), usedforsecurity=False).hexdigest()


def entry(path: str, content: bytes) -> dict[str, Any]:
    """A file in the listing of a repository."""
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    found: dict[str, Any] = {"type": "file", "path": path, "size": len(content), "oid": blob}
    if len(content) > LARGE:
        digest = hashlib.sha256(content).hexdigest()
        found["lfs"] = {"oid": digest, "size": len(content), "pointerSize": 134}
    return found


# -- the server ----------------------------------------------------------------------------------


class Handler(BaseHTTPRequestHandler):
    """Answers as the hub does, as far as its client asks."""

    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Nothing."""

    def do_HEAD(self) -> None:
        """A file's hash and size."""
        self._answer(with_content=False)

    def do_GET(self) -> None:
        """A file, or what the hub knows of a repository."""
        self._answer(with_content=True)

    def _answer(self, *, with_content: bool) -> None:
        path = unquote(urlsplit(self.path).path).strip("/")
        self.hub.asked.append(f"{self.command} {path}")
        if path.startswith("api/"):
            self._api(path.removeprefix("api/"))
            return
        name, _, rest = path.partition("/resolve/")
        kind = "" if name.startswith("datasets/") else "models/"
        found = self._revision(kind + name, rest)
        if found is None:
            self._refuse(404, "RepoNotFound")
            return
        files, revision, file = found
        if file not in files or self.hub.faults.get(file) == "missing":
            self._refuse(404, "EntryNotFound")
        elif self.hub.faults.get(file) == "broken":
            self._refuse(500, "")
        else:
            commit = commit_of(kind + name, revision)
            self._file(file, files[file], commit, with_content=with_content)

    def _revision(self, name: str, rest: str) -> tuple[dict[str, bytes], str, str] | None:
        for known, revision in self.hub.repositories:
            if known == name and rest.startswith(f"{revision}/"):
                branch = next(
                    other
                    for one, other in self.hub.repositories
                    if one == name and revision in (other, commit_of(name, other))
                )
                return (
                    self.hub.repositories[known, revision],
                    branch,
                    rest.removeprefix(f"{revision}/"),
                )
        return None

    def _api(self, path: str) -> None:
        for word in ("/revision/", "/tree/"):
            name, found, revision = path.partition(word)
            if not found:
                continue
            files = self.hub.find(name, revision)
            if files is None:
                known = any(one == name for one, _ in self.hub.repositories)
                self._refuse(404, "RevisionNotFound" if known else "RepoNotFound")
                return
            content: Any = (
                {"id": name.partition("/")[2], "sha": commit_of(name, revision), "siblings": []}
                if word == "/revision/"
                else [self.hub.entry(*item) for item in files.items()]
            )
            self._send(200, json.dumps(content).encode(), {"Content-Type": "application/json"})
            return
        self._refuse(404, "RepoNotFound")

    def _file(self, path: str, content: bytes, commit: str, *, with_content: bool) -> None:
        fault = self.hub.faults.get(path)
        told = self.hub.entry(path, content)
        digest = told["lfs"]["oid"] if "lfs" in told else told["oid"]
        headers = {"X-Repo-Commit": commit, "ETag": f'"{digest}"', "Accept-Ranges": "bytes"}
        if fault == "slow":
            Event().wait(self.hub.seconds)
        if not with_content:
            self._send(200, b"", headers, length=len(content))
            return
        if fault in ("changed", "changed once"):
            content = content[:-1] + bytes([content[-1] ^ 1])
        start = self._start()
        length = len(content) - start
        sent = memoryview(content)[start:]
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        if fault in ("cut once", "nothing"):
            sent = sent[: length // 2 if fault == "cut once" else 0]
        if fault in ("cut once", "changed once"):
            del self.hub.faults[path]
        self._send(206 if start else 200, sent, headers, length=length)
        if len(sent) < length:
            self.close_connection = True

    def _start(self) -> int:
        asked = self.headers.get("Range", "")
        return int(asked.removeprefix("bytes=").partition("-")[0]) if asked else 0

    def _refuse(self, status: int, code: str) -> None:
        headers = {"X-Error-Code": code, "X-Error-Message": code} if code else {}
        self._send(status, b"{}", headers)

    def _send(
        self,
        status: int,
        content: bytes | memoryview,
        headers: Mapping[str, str],
        length: int | None = None,
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        try:
            self.end_headers()
            if self.command == "GET":
                for at in range(0, len(content), PIECE):
                    self.wfile.write(content[at : at + PIECE])
        except ConnectionError:  # the client has gone
            self.close_connection = True


@contextmanager
def serving(hub: Hub) -> Generator[Hub]:
    """Serves on a free port of loopback while the block runs; ``hub.endpoint`` names it."""
    handler = type("Bound", (Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    hub.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


# -- what it holds -------------------------------------------------------------------------------

SMALLEST: Mapping[str, int] = {
    "embedding_size": 32,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
}


def published(size: Literal["tiny", "base"], *, words: int | None = None) -> Hub:
    """The study's checkpoints with random weights, and its sets.

    Args:
        size: Two layers of width 32, or the published shape.
        words: The most of the vocabulary; all where None.
    """
    import dataclasses

    vocabulary = (PRETRAINED / "squeezebert-small-mlm" / "vocab.txt").read_text(encoding="utf-8")
    lines = vocabulary.rstrip("\n").split("\n")[:words]
    squeeze, bert = SQUEEZEBERT_BASE, BERT_BASE
    if size == "tiny":
        squeeze = dataclasses.replace(squeeze, vocab_size=len(lines), **SMALLEST)
        bert = as_bert(squeeze)
    hub = Hub()
    hub.put("models/squeezebert/squeezebert-uncased", old_layout(squeeze, lines))
    hub.put("models/bert-base-uncased", new_layout(bert, lines))
    hub.put("datasets/pixelsandpointers/better_daily_dialog", dialogues())
    hub.put("datasets/valurank/News_Articles_Categorization", news())
    script = {"README.md": b"# CoNLL-2003", "conll2003.py": b"raise SystemExit\n"}
    hub.put("datasets/eriktks/conll2003", script)
    hub.put("datasets/eriktks/conll2003", names(), "refs/convert/parquet")
    return hub


def _weights(config: EncoderConfig, seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    import torch

    from squeezebert.model import HeadConfig, build_model
    from squeezebert.model.io import config_json, export_tensors

    torch.manual_seed(seed)
    model = build_model(config, HeadConfig(kind="masked_lm"))
    return config_json(model), export_tensors(model)


def _common(config: Mapping[str, Any], lines: list[str]) -> dict[str, bytes]:
    return {
        "config.json": json.dumps(config, indent=2).encode(),
        "vocab.txt": ("\n".join(lines) + "\n").encode(),
        "tokenizer_config.json": b'{"do_lower_case": true, "model_max_length": 512}',
        "README.md": b"# A model\n",
    }


def old_layout(config: EncoderConfig, lines: list[str]) -> dict[str, bytes]:
    """``pytorch_model.bin`` and ``vocab.txt``."""
    import torch

    told, tensors = _weights(config, 0)
    state = {name: torch.from_numpy(value) for name, value in tensors.items()}
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return _common(told, lines) | {"pytorch_model.bin": buffer.getvalue()}


def new_layout(config: EncoderConfig, lines: list[str]) -> dict[str, bytes]:
    """Safetensors, with what BERT's own have besides: the old names of LayerNorms, and a head for
    the next sentence.
    """
    import numpy as np
    from safetensors.numpy import save

    told, tensors = _weights(config, 1)
    old = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
            "LayerNorm.bias", "LayerNorm.beta"
        ): np.ascontiguousarray(value)
        for name, value in tensors.items()
    }
    width = config.hidden_size
    old["cls.seq_relationship.weight"] = np.zeros((2, width), dtype=np.float32)
    old["cls.seq_relationship.bias"] = np.zeros(2, dtype=np.float32)
    return _common(told, lines) | {"model.safetensors": save(old)}


def _parquet(rows: list[dict[str, Any]], features: Mapping[str, Any] | None = None) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    table = pa.Table.from_pylist(rows)
    if features is not None:
        told = json.dumps({"info": {"features": features}})
        table = table.replace_schema_metadata({"huggingface": told})
    buffer = io.BytesIO()
    parquet.write_table(table, buffer)
    return buffer.getvalue()


def _parts(write: Callable[[str, str], bytes], pattern: str) -> dict[str, bytes]:
    parts = {"train": "train", "dev": "validation", "test": "test"}
    return {pattern.format(theirs): write(ours, theirs) for ours, theirs in parts.items()}


def dialogues() -> dict[str, bytes]:
    """A turn a row, with the number of its dialogue."""

    def write(split: str, _: str) -> bytes:
        found = open_dataset("sample_dialogues", task="masked_lm", split=split).examples
        return _parquet(
            [
                {"dialog_id": at, "utterance": turn, "turn_type": 1, "emotion": 0}
                for at, one in enumerate(found)
                for turn in one.turns
            ]
        )

    return _parts(write, "data/{}-00000-of-00001.parquet")


def news() -> dict[str, bytes]:
    """One CSV, with a row that lacks its text."""
    import csv

    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(["Text", "Category"])
    writer.writerow(["", "politics"])
    found = open_dataset("sample_news", task="text_classification", split="test").examples
    for one in found:
        writer.writerow([one.text, one.label])
    return {"News_Articles.csv": buffer.getvalue().encode(), ".gitattributes": b""}


def names() -> dict[str, bytes]:
    """Words, and tags as numbers whose names stand in the schema."""
    features = {
        "tokens": {"feature": {"dtype": "string", "_type": "Value"}, "_type": "Sequence"},
        "ner_tags": {"feature": {"names": list(TAGS), "_type": "ClassLabel"}, "_type": "Sequence"},
    }

    def write(split: str, _: str) -> bytes:
        found = open_dataset("sample_ner_en", task="token_classification", split=split).examples
        found = found[:MOST]
        return _parquet(
            [
                {"tokens": list(one.words), "ner_tags": [TAGS.index(tag) for tag in one.tags]}
                for one in found
            ],
            features,
        )

    return _parts(write, "conll2003/{}/0000.parquet")


def main() -> int:
    """Runs a command with the hub."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--size", choices=("tiny", "base"), default="tiny")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="what is run with it")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as cache, serving(published(arguments.size)) as hub:
        environment = os.environ | {"HF_ENDPOINT": hub.endpoint, "HF_HUB_CACHE": cache}
        environment |= {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
        environment.setdefault("HF_HUB_DOWNLOAD_TIMEOUT", "60")
        command = arguments.command or ["env"]
        return subprocess.run(command, env=environment, check=False).returncode  # noqa: S603


if __name__ == "__main__":
    sys.exit(main())
