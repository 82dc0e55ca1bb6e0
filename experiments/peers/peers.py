"""Our engine beside the run-times that a user would pick instead, in one interleaved run.

``python -m experiments.peers.peers`` measures every peer on BERT-base and SqueezeBERT-base
with random weights; ``--texts`` adds real texts end to end, ``--memory`` the peak memory of a
fresh process.
Method and caveats: docs/performance.md. Logs go to stderr; the last line of stdout is JSON.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from experiments.page import ROOT, replace_part
from experiments.peers import table
from experiments.peers.checkpoints import model_files
from experiments.peers.crew import ISA_VARIABLES, PeerError, select_peers
from experiments.peers.rounds import Cell, Runner, measure_cell, measure_texts
from experiments.peers.runtimes import PEERS, Peer
from experiments.peers.session import Run, say
from experiments.peers.texts import SETS, read_texts
from squeezebert.errors import SqueezeBertError
from squeezebert.machine import (
    available_cores,
    describe_machine,
    describe_sentence,
    installed_versions,
)

MODELS = ("squeezebert-base", "bert-base")
CELLS = ("1x32", "1x128", "1x512", "8x128", "32x128")
PACKAGES = ("onnxruntime", "openvino", "nncf", "onnx", "onnxslim")
"""Whose versions are told beside those that a comparison tells."""

MAX_LENGTH = 128
"""Tokens of a real text that are read."""


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    add = parser.add_argument
    add("--models", nargs="+", default=MODELS, metavar="MODEL", help="presets or directories")
    add("--peers", nargs="+", default=(), metavar="PEER", help="runtime or runtime/precision")
    add("--cells", nargs="*", default=CELLS, metavar="BxS", help="batch x length, as 8x128")
    add("--rounds", type=int, default=20, help="rounds over all peers a cell")
    add("--seconds", type=float, default=3600.0, help="for all cells together, loading aside")
    add("--threads", type=int, default=available_cores(), help="of every peer")
    add("--isa", choices=tuple(ISA_VARIABLES), help="hold all to an instruction set, if they can")
    add("--texts", nargs="?", type=int, const=512, default=0, metavar="N", help="texts a data set")
    add("--text-rounds", type=int, default=3)
    add("--memory", action="store_true", help="peak memory of fresh processes")
    add("--output", type=Path, default=ROOT / "docs" / "results", help="folder of the CSV files")
    add("--write", type=Path, metavar="FILE", help="a Markdown file with marked places")
    add("--place", metavar="NAME", help="which of them, else native or the instruction set")
    add("--cache", type=Path, default=ROOT / "build" / "peers", help="models, graphs and logs")
    add("--seed", type=int, default=0)
    add("--list", action="store_true", help="the peers, and what is missing")
    options = parser.parse_args(argv)
    try:
        options.cells = [Cell.parse(text) for text in options.cells]
        chosen = select_peers(PEERS, options.peers)
        options.peers = [peer for peer in chosen if peer.suits(options.isa)]
    except ValueError as error:
        parser.error(str(error))
    if options.rounds < 1 or options.threads < 1:
        parser.error("--rounds and --threads take 1 or more")
    return options


def main(argv: Sequence[str] | None = None) -> int:
    """Measures, writes the files, prints the tables and one line of JSON."""
    options = arguments(argv)
    if options.list:
        for peer in options.peers:
            missing = peer.missing()
            print(f"{peer.name:36} {f'absent: {peer.install}' if missing else 'ready'}")
        return 0
    run = Run(threads=options.threads, isa=options.isa, cache=options.cache, seed=options.seed)
    for name in options.models:
        say(f"{name}: checkpoint and reference")
        root = str(run.cache)
        run.once(
            f"checkpoint {Path(name).name}", "checkpoint", model=name, folder=root, seed=run.seed
        )
        run.files.append(model_files(name, run.cache))
    present = []
    for peer in options.peers:
        if peer.missing():
            run.absent[peer.name] = peer.install
            say(f"{peer.name}: absent, lacks {', '.join(peer.missing())}; {peer.install}")
        else:
            present.append(peer)
    opened = [run.open(peer, files) for files in run.files for peer in present]
    runners = [runner for runner in opened if runner is not None]
    try:
        rounds = {
            cell: _cell(runners, cell, options.rounds, options.seconds / len(options.cells), run)
            for cell in options.cells
        }
        sizes = _texts(runners, options.texts, options.text_rounds, run) if options.texts else {}
    finally:
        for runner in runners:
            runner.worker.end()
    memory = _memory(present, run) if options.memory else []
    for runner in runners:
        if runner.failure:
            run.failed[f"{runner.model} {runner.peer.name}"] = runner.failure
    _write(options, run, runners, rounds, sizes, memory, shlex.join(["python", *sys.argv]))
    return 0


def _cell(runners: list[Runner], cell: Cell, rounds: int, seconds: float, run: Run) -> int:
    say(f"{cell}: at most {rounds} rounds and {seconds:.0f} s")
    return measure_cell(runners, cell, rounds=rounds, seconds=seconds, seed=run.seed)


def _texts(runners: list[Runner], count: int, rounds: int, run: Run) -> dict[str, tuple[int, int]]:
    """Measures all sets; gives the texts and tokens of each."""
    sizes: dict[str, tuple[int, int]] = {}
    for name in SETS:
        try:
            texts = read_texts(name, count, run.seed)
        except SqueezeBertError as error:
            say(f"{name}: left out: {error}")
            continue
        path = run.cache / "texts" / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(texts), encoding="utf-8")
        tokenizers = {files.name: str(files.tokenizer) for files in run.files}
        say(f"{name}: {len(texts)} texts")
        for runner in runners:
            message = {"path": str(path), "tokenizer": tokenizers[runner.model]}
            taken = runner.ask("texts", **message, max_length=MAX_LENGTH)
            if taken is not None:
                runner.budgets[name] = taken["budget"]
                sizes[name] = (len(texts), taken["tokens"])
        measure_texts(runners, name, rounds=rounds, seconds=float("inf"))
    return sizes


def _memory(peers: Sequence[Peer], run: Run) -> list[table.Row]:
    """Fresh processes, one after the other, that load a model and answer one text."""
    rows: list[table.Row] = []
    for files in run.files:
        for peer in peers:
            label = f"{files.name} {peer.name}"
            setup = run.setup(peer, files)
            if setup is None:
                continue
            worker = run.worker(f"memory {label}")
            try:
                worker.ask("load", module=peer.module, setup=setup)
                text = {"text": "word " * MAX_LENGTH, "tokenizer": str(files.tokenizer)}
                answer = worker.ask("answer", **text, max_length=MAX_LENGTH)
            except PeerError as error:
                run.failed[f"{label}, memory"] = str(error)
                continue
            finally:
                worker.end()
            say(f"{label}: {answer['peak_mb']} MB at most")
            values = (files.name, peer.runtime, peer.precision, run.threads, answer["peak_mb"])
            rows.append(dict(zip(table.MEMORY_COLUMNS, values, strict=True)))
    return rows


def _write(
    options: argparse.Namespace,
    run: Run,
    runners: list[Runner],
    rounds: dict[Cell, int],
    sizes: dict[str, tuple[int, int]],
    memory: list[table.Row],
    command: str,
) -> None:
    """The CSV files, the tables, and the line of JSON."""
    name = table.file_name(describe_machine(run.threads).cpu, run.threads, run.isa)
    files: list[str] = []

    def save(suffix: str, columns: Sequence[str], rows: list[table.Row]) -> None:
        if rows:
            path = options.output / f"{name}{suffix}.csv"
            table.write_csv(path, columns, rows)
            files.append(str(path))

    save("", table.COLUMNS, table.cell_rows(runners, rounds, run.threads))
    save("-texts", table.TEXT_COLUMNS, table.text_rows(runners, sizes, run.threads))
    save("-memory", table.MEMORY_COLUMNS, memory)

    date = datetime.now(tz=UTC).date().isoformat()
    versions = ", ".join(
        f"{name} {version}" for name, version in installed_versions(PACKAGES).items()
    )
    about = [f"{describe_sentence(run.threads)}; {date}."]
    if run.isa is not None:
        about.append(f"Held to {run.isa}; † cannot be held to it, ‡ in part.")
    about += [f"Absent: {peer} (`{install}`)." for peer, install in run.absent.items()]
    about += [f"Broke: {label}." for label in run.failed]
    cells = list(rounds)
    shown = ", ".join(f"{cell} {count}" for cell, count in rounds.items())
    parts = {
        "peers": (
            table.cells_markdown(runners, cells) if cells else "",
            f"Rounds: {shown}. Versions: {versions}.",
        ),
        "between-models": ("" if run.isa else table.ratios_markdown(runners, cells), ""),
        "texts": (table.texts_markdown(runners, sizes) if sizes else "", ""),
        "memory": (table.memory_markdown(memory) if memory else "", ""),
    }
    for part, (content, note) in parts.items():
        if not content:
            continue
        text = "\n\n".join([content, " ".join([*about, note]).strip()])
        print(f"{text}\n")
        if options.write is not None:
            place = options.place or run.isa or "native"
            replace_part(options.write, f"{part} {place}", text)
    print(
        json.dumps(
            {
                "command": command,
                "files": files,
                "machine": describe_sentence(run.threads),
                "threads": run.threads,
                "isa": run.isa,
                "date": date,
                "versions": installed_versions(PACKAGES),
                "against_fastest_peer": {
                    model: {str(cell): table.fastest_ratio(own, cell) for cell in cells}
                    for model, own in table.by_model(runners).items()
                },
                "between_models": {str(cell): table.cross_ratios(runners, cell) for cell in cells},
                "texts_against_fastest_peer": {
                    model: {data: table.text_ratio(own, data) for data in sizes}
                    for model, own in table.by_model(runners).items()
                },
                "peak_mb": {
                    f"{row['model']} {row['runtime']} {row['precision']}": row["peak_mb"]
                    for row in memory
                },
                "absent": run.absent,
                "failed": run.failed,
            }
        )
    )


if __name__ == "__main__":
    sys.exit(main())
