"""One run: its processes, what they are told to load, and which of them broke."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from experiments.peers.checkpoints import ModelFiles
from experiments.peers.crew import PeerError, Worker, environment
from experiments.peers.rounds import Runner
from experiments.peers.runtimes import Peer
from experiments.peers.runtimes.base import Setup
from experiments.peers.worker import to_message


@dataclass(kw_only=True)
class Run:
    """What was asked for, and what came of it.

    Args:
        threads: Of every peer.
        isa: What all are held to, or None.
        cache: The folder of models, graphs and logs.
        seed: Of weights, ids and the choice of texts.
        absent: Peers whose packages are missing, with the command that brings them.
        failed: Peers that broke, with what they said.
    """

    threads: int
    isa: str | None
    cache: Path
    seed: int
    files: list[ModelFiles] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def worker(self, log: str) -> Worker:
        """A new process."""
        variables = environment(threads=self.threads, isa=self.isa, cache=self.cache)
        return Worker(
            self.cache / "logs" / f"{log.replace('/', '-').replace(' ', '-')}.log", variables
        )

    def once(self, log: str, do: str, **message: Any) -> dict[str, Any]:
        """One message to a process of its own.

        Raises:
            PeerError: see :meth:`crew.Worker.ask`.
        """
        worker = self.worker(log)
        try:
            return worker.ask(do, **message)
        finally:
            worker.end()

    def setup(self, peer: Peer, files: ModelFiles) -> dict[str, Any] | None:
        """What a peer is told to load; None where it leaves the model out."""
        values = json.loads((files.checkpoint / "config.json").read_text(encoding="utf-8"))
        graph = peer.graph_for(values["model_type"])
        if graph is None:
            return None
        return to_message(
            Setup(
                checkpoint=files.checkpoint,
                compact=files.compact,
                cache=files.cache,
                precision=peer.precision,
                graph=graph,
                threads=self.threads,
                isa=self.isa,
            )
        )

    def open(self, peer: Peer, files: ModelFiles) -> Runner | None:
        """Loads and checks a peer; None where it breaks or leaves the model out."""
        label = f"{files.name} {peer.name}"
        setup = self.setup(peer, files)
        if setup is None:
            return None
        try:
            if peer.exports:
                self.once(f"prepare {label}", "prepare", module=peer.module, setup=setup)
            runner = Runner(peer, files.name, self.worker(label))
        except PeerError as error:
            self.failed[label] = str(error)
            return None
        loaded = runner.ask("load", module=peer.module, setup=setup)
        checked = runner.ask("check", reference=str(files.reference))
        if loaded is None or checked is None:
            self.failed[label] = runner.failure
            return None
        runner.isa = str(loaded["isa"] or peer.held_to(self.isa))
        runner.held = peer.held if self.isa else "yes"
        runner.cosine = float(checked["cosine"])
        say(f"{label}: loaded, cosine to float32 {runner.cosine:.5f}")
        return runner


def say(text: str) -> None:
    """To the person who waits."""
    print(text, file=sys.stderr, flush=True)
