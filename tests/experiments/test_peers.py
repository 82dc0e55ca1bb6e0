"""The benchmark against other run-times: its arithmetic, and one run on a tiny model."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.page import replace_part
from experiments.peers import crew, rounds, runtimes, table, texts
from squeezebert.batch import RaggedBatch
from squeezebert.config import EncoderConfig
from squeezebert.errors import DataError
from squeezebert.tokenizer import Tokenizer


def runner(
    name: str,
    ms: float,
    *,
    cosine: float = 1.0,
    model: str = "squeezebert-base",
    held: str = "yes",
) -> Any:
    """A peer that took ``ms`` and twice that at B1 S8, without a process."""
    peer = next(peer for peer in runtimes.PEERS if peer.name == name)
    made = rounds.Runner(peer, model, None, isa="native", held=held, cosine=cosine)
    made.times_ms[rounds.Cell(1, 8)] = [2 * ms, ms]
    made.seconds["ag_news"] = [ms / 1000, ms / 500]
    made.budgets["ag_news"] = 512
    return made


def test_shapes_are_parsed() -> None:
    cell = rounds.Cell.parse("8x128")
    assert (cell.batch, cell.length, str(cell)) == (8, 128, "B8 S128")
    for text in ("8", "x8", "8x0", "8x-1", "a8x8"):
        with pytest.raises(ValueError, match="written as"):
            rounds.Cell.parse(text)


def test_every_round_is_begun_by_another_peer() -> None:
    turns: list[str] = []
    done = rounds.in_turns(list("abc"), turns.append, rounds=4, seconds=60.0)
    assert done == 4
    assert "".join(turns) == "abc" + "bca" + "cab" + "abc"


def test_the_time_ends_after_a_whole_round() -> None:
    turns: list[str] = []
    assert rounds.in_turns(list("ab"), turns.append, rounds=9, seconds=0.0) == 1
    assert turns == ["a", "b"]


def test_the_ratio_is_to_the_fastest_peer_that_is_right() -> None:
    cell = rounds.Cell(1, 8)
    runners = [
        runner("transformers/float32", 40.0),
        runner("openvino/bf16", 12.0),
        runner("openvino/int8", 6.0, cosine=0.5),
        runner("onnxruntime/int8", 8.0, held="no"),
        runner("squeezebert torch/float32", 1.0),
        runner("squeezebert/int8", 3.0),
        runner("squeezebert/float32", 9.0),
    ]
    assert table.fastest_ratio(runners, cell) == pytest.approx(4.0)
    assert table.text_ratio(runners, "ag_news") == pytest.approx(4.0)
    assert table.fastest_ratio(runners[:5], cell) is None
    shown = table.cells_markdown(runners, [cell])
    assert "| transformers | float32 | 1.00000 | 40.0/60.0 |" in shown
    assert "| openvino | int8 | 0.50000 **wrong** | 6.00/9.00 |" in shown
    assert "| onnxruntime † | int8 |" in shown
    assert shown.endswith("| **4.0×** |")


def test_the_ratios_between_models() -> None:
    runners = [
        runner("transformers/float32", 90.0, model="bert-base"),
        runner("squeezebert/int8", 6.0, model="bert-base"),
        runner("squeezebert/int8", 3.0),
    ]
    ratios = table.cross_ratios(runners, rounds.Cell(1, 8))
    assert sorted(ratios.values()) == pytest.approx([2.0, 30.0])


def test_csv_has_a_row_a_peer_and_cell(tmp_path: Path) -> None:
    cell = rounds.Cell(1, 8)
    rows = table.cell_rows([runner("openvino/bf16", 12.0)], {cell: 2}, 2)
    table.write_csv(tmp_path / "new" / "a.csv", table.COLUMNS, rows)
    with (tmp_path / "new" / "a.csv").open(encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert row["runtime"] == "openvino"
    assert (row["min_ms"], row["median_ms"], row["rounds"]) == ("12.0", "18.0", "2")


def test_only_the_marked_part_is_replaced(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- peers native:begin (made) -->\nold\n<!-- peers native:end -->\nb\n")
    replace_part(page, "peers native", r"| \1 new |")
    assert page.read_text() == (
        "a\n<!-- peers native:begin (made) -->\n| \\1 new |\n<!-- peers native:end -->\nb\n"
    )
    with pytest.raises(DataError, match="0 parts"):
        replace_part(page, "peers avx2", "")


def test_peers_are_chosen_by_name() -> None:
    choose, peers = crew.select_peers, runtimes.PEERS
    assert [peer.name for peer in choose(peers, ["onnxruntime/int8"])] == ["onnxruntime/int8"]
    assert {peer.precision for peer in choose(peers, ["squeezebert"])} == {
        "float32",
        "bf16",
        "int8",
    }
    assert choose(peers, []) == list(peers)
    with pytest.raises(ValueError, match="no peer is called"):
        choose(peers, ["onnx"])


def test_every_peer_names_its_graph_or_leaves_a_model_out() -> None:
    for peer in runtimes.PEERS:
        # llama.cpp knows no grouped convolutions.
        assert (peer.graph_for("squeezebert") is None) == (peer.runtime == "llama.cpp")
        assert (peer.graph_for("bert") is None) == (peer.runtime == "openvino as exported")


def test_a_missing_package_is_named() -> None:
    peer = runtimes.Peer(
        runtime="x", precision="int8", module="x", graph={}, needs=("json", "no_such_package.x")
    )
    assert peer.missing() == ("no_such_package.x",)


def test_bf16_of_others_needs_instructions_for_it() -> None:
    suited = {peer.name for peer in runtimes.PEERS if peer.suits("avx2")}
    assert "openvino/bf16" not in suited
    assert {"openvino/float32", "squeezebert/bf16"} <= suited
    assert all(peer.suits(None) and peer.suits("amx") for peer in runtimes.PEERS)


class Doubler:
    """A run-time whose states are the ids, doubled; a model of width 1."""

    padded = True

    def __init__(self) -> None:
        self.sizes: list[tuple[int, int]] = []

    def inputs(self, batch: RaggedBatch) -> Any:
        self.sizes.append((len(batch), int(batch.lengths.max())))
        return batch.padded(0)[0]

    def call(self, inputs: Any) -> Any:
        return 2.0 * inputs[:, :, None]

    def first(self, outputs: Any, batch: RaggedBatch) -> Any:
        return outputs[np.arange(len(batch)), batch.lengths - 2]  # the last before [SEP]


def test_texts_come_back_in_order_within_the_budget(
    tiny_vocabulary: tuple[str, ...], tmp_path: Path
) -> None:
    Tokenizer.from_vocabulary(tiny_vocabulary, lowercase=True).save(tmp_path)
    sentences = ["the cat", "dog", "the cat sat on the mat", "home"]
    runtime = Doubler()
    made = texts.TextRunner(runtime, tmp_path / "tokenizer.json", sentences, 5)
    made.budget = 6
    last = [tiny_vocabulary.index(word) for word in ("cat", "dog", "sat", "home")]
    assert made.run()[:, 0].tolist() == [2.0 * index for index in last]
    assert runtime.sizes == [(2, 3), (1, 4), (1, 5)]
    assert made.tokens == 3 + 3 + 4 + 5


def test_a_peer_that_breaks_is_told_of(tmp_path: Path) -> None:
    worker = crew.Worker(tmp_path / "log", {})
    try:
        with pytest.raises(crew.PeerError, match="FileNotFoundError"):
            worker.ask("check", reference=str(tmp_path / "none.npz"))
        with pytest.raises(crew.PeerError, match="died"):
            worker.ask("no_such_message")
    finally:
        worker.end()


@pytest.mark.slow
def test_a_run_on_a_tiny_model(
    root: Path, tmp_path: Path, tiny_config: EncoderConfig, tiny_vocabulary: tuple[str, ...]
) -> None:
    from squeezebert.model import save_model
    from squeezebert.model.encoder import Encoder

    save_model(Encoder(tiny_config), tmp_path / "tiny")
    Tokenizer.from_vocabulary(tiny_vocabulary, lowercase=True).save(tmp_path / "tiny")
    page = tmp_path / "page.md"
    page.write_text("<!-- peers native:begin -->\n<!-- peers native:end -->\n", encoding="utf-8")
    command = ["-m", "experiments.peers.peers", "--models", tmp_path / "tiny", "--rounds", 2]
    command += ["--peers", "transformers/float32", "squeezebert torch/float32", "--threads", 1]
    command += ["--cells", "2x9", "--cache", tmp_path / "cache", "--output", tmp_path / "results"]
    done = subprocess.run(
        [sys.executable, *map(str, command), "--write", str(page)],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])
    assert (answer["absent"], answer["failed"]) == ({}, {})
    (path,) = answer["files"]
    with Path(path).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["runtime"] for row in rows] == ["transformers", "squeezebert torch"]
    for row in rows:
        assert (row["batch"], row["length"], row["rounds"]) == ("2", "9", "2")
        assert 0.0 < float(row["min_ms"]) <= float(row["median_ms"])
        assert float(row["cosine"]) == pytest.approx(1.0, abs=1e-5)
    assert "| transformers | float32 | 1.00000 |" in page.read_text(encoding="utf-8")
