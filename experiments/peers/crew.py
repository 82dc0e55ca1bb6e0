"""The parent's side of the workers: starts them, asks them, drops the ones that break."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments.page import ROOT
from experiments.peers.runtimes import Peer

PATIENCE_S = 1800.0
"""Seconds after which a worker that says nothing is given up; compiling takes minutes."""


class PeerError(Exception):
    """A worker told of an error, died or hung."""


class Worker:
    """One process.

    Args:
        log: Where its stderr goes.
        environment: Variables on top of ours.
    """

    def __init__(self, log: Path, environment: dict[str, str]) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self.log = log
        # Its own session, so that a Ctrl-C reaches the parent alone, which then ends them.
        with log.open("w", encoding="utf-8") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "experiments.peers.worker"],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                encoding="utf-8",
                env=os.environ | environment,
                start_new_session=True,
            )

    def ask(self, do: str, **message: Any) -> dict[str, Any]:
        """One message and its answer.

        Raises:
            PeerError: the worker tells of an error, has died, or says nothing for too long.
        """
        process = self.process
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps({"do": do} | message) + "\n")
            process.stdin.flush()
        except BrokenPipeError:
            raise PeerError(f"died; see {self.log}") from None
        if not select.select([process.stdout], [], [], PATIENCE_S)[0]:
            self.end()
            raise PeerError(f"said nothing for {PATIENCE_S:.0f} s; see {self.log}")
        line = process.stdout.readline()
        if not line:
            raise PeerError(f"died with exit code {process.wait()}; see {self.log}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise PeerError(f"{answer['error']}; see {self.log}")
        return answer

    def end(self) -> None:
        """Ends the process, killing it if need be."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


def environment(*, threads: int, isa: str | None, cache: Path) -> dict[str, str]:
    """The variables of a worker: thread counts, and the instruction set where one is asked for.

    Each library reads its own when it is loaded, so they stand before the process starts.
    """
    count = str(threads)
    result = dict.fromkeys(
        ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"), count
    )
    result |= {
        "TOKENIZERS_PARALLELISM": "true",
        "TORCHINDUCTOR_COMPILE_THREADS": "1",  # no helpers of its own that stay about
        "TORCHINDUCTOR_CACHE_DIR": str(cache / f"inductor-{isa or 'native'}"),
        "HF_HUB_OFFLINE": "1",
    }
    if isa is not None:
        result |= ISA_VARIABLES[isa]
    return result


def _held(onednn: str, aten: str, mkl: str) -> dict[str, str]:
    return {
        "ONEDNN_MAX_CPU_ISA": onednn,  # torch's oneDNN, and OpenVINO's
        "OV_CPU_MAX_ISA": onednn,  # OpenVINO's own kernels, where the build listens
        "ATEN_CPU_CAPABILITY": aten,  # torch's own kernels
        "MKL_ENABLE_INSTRUCTIONS": mkl,  # on Intel's processors
    }


ISA_VARIABLES: dict[str, dict[str, str]] = {
    "avx2": _held("AVX2", "avx2", "AVX2"),
    "avx_vnni": _held("AVX2_VNNI", "avx2", "AVX2"),
    "avx512_vnni": _held("AVX512_CORE_VNNI", "avx512", "AVX512"),
    "avx512_bf16": _held("AVX512_CORE_BF16", "avx512", "AVX512"),
    "amx": _held("AVX512_CORE_AMX", "avx512", "AVX512_E4"),
}
"""What holds the peers to an instruction set; ours takes its name from ``SQUEEZEBERT_ISA``."""

for _name, _variables in ISA_VARIABLES.items():
    _variables["SQUEEZEBERT_ISA"] = _name


def select_peers(peers: Sequence[Peer], patterns: Sequence[str]) -> list[Peer]:
    """The peers that any of the patterns names: ``runtime`` or ``runtime/precision``; all where
    there is no pattern.

    Raises:
        ValueError: a pattern that names none.
    """
    chosen: set[str] = set()
    for pattern in patterns:
        named = {peer.name for peer in peers if pattern in (peer.name, peer.runtime)}
        if not named:
            known = ", ".join(dict.fromkeys(peer.runtime for peer in peers))
            raise ValueError(f"no peer is called {pattern!r}; there are {known}")
        chosen |= named
    return [peer for peer in peers if not patterns or peer.name in chosen]
