"""Model directories changed at random: whatever stands in them, only errors of ours come out.

``SQUEEZEBERT_FUZZ_RUNS`` says how many directories are tried (``make fuzz`` tries many), and
``SQUEEZEBERT_FUZZ_SEED`` which ones.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from squeezebert import checkpoint
from squeezebert.added_tokens import ADDED_TOKENS, SPECIAL_TOKENS_MAP
from squeezebert.backends import open_backend
from squeezebert.batch import RaggedBatch
from squeezebert.checkpoint.bundle import write_bundle
from squeezebert.checkpoint.shipped import (
    Measured,
    ShippedScore,
    ShippedSpeed,
    read_measured,
    write_measured,
)
from squeezebert.config import EncoderConfig
from squeezebert.engine import _native
from squeezebert.engine.precision import recorded_precision
from squeezebert.errors import SqueezeBertError
from squeezebert.model import HeadConfig, build_model, save_model
from squeezebert.quantization.compact import read_float32
from squeezebert.spec import TaskSpec
from squeezebert.tasks import make_task
from squeezebert.tokenizer import Tokenizer

RUNS = int(os.environ.get("SQUEEZEBERT_FUZZ_RUNS", "200"))
SEED = int(os.environ.get("SQUEEZEBERT_FUZZ_SEED", "0"))
LONGEST = 2000
"""Characters that any message may have."""

FILES = (
    "config.json",
    "task.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
    SPECIAL_TOKENS_MAP,
    ADDED_TOKENS,
    "measured.json",
    checkpoint.INDEX,
    checkpoint.WEIGHTS,
)

ODD_VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    5,
    2**31,
    2**63,
    10**40,
    0.5,
    -0.0,
    1e308,
    float("nan"),
    float("inf"),
    "",
    "x",
    "\0\x1b[31m\u202e",
    "ü" * 5000,
    "../../../etc/passwd",
    [],
    {},
    [[]],
    [None],
    {"0": "a"},
    {"a": {"b": [1, "c"]}},
    ["a", "a"],
    list(range(300)),
)


def change_json(value: Any, draw: random.Random) -> Any:
    """``value`` with one place in it changed."""
    if isinstance(value, (dict, list)) and value and draw.random() < 0.8:
        places = list(value) if isinstance(value, dict) else list(range(len(value)))
        place = draw.choice(places)
        result = value.copy()
        action = draw.random()
        if action < 0.15:
            del result[place]
        elif action < 0.25 and isinstance(result, dict):
            result[draw.choice(("num_labels", "problem_type", "is_decoder", "id2label", "zz"))] = (
                draw.choice(ODD_VALUES)
            )
        else:
            result[place] = change_json(value[place], draw)
        return result
    return draw.choice(ODD_VALUES)


def change_bytes(content: bytes, draw: random.Random) -> bytes:
    """``content`` cut, doubled, or with other bytes in it."""
    at = draw.randrange(len(content) + 1)
    match draw.randrange(6):
        case 0:
            return content[:at]
        case 1:
            return content[:at] + bytes([draw.randrange(256)]) + content[at + 1 :]
        case 2:
            return content[:at] + draw.randbytes(draw.randrange(1, 9)) + content[at:]
        case 3:
            return b"\xef\xbb\xbf" + content
        case 4:
            return b"[" * draw.choice((10, 100, 100_000)) + content
        case _:
            return draw.choice((b"", b"\0", b"null", b"[]", b"{}", b'"x"', b"1" * 5000))


def change_text(path: Path, draw: random.Random) -> None:
    content = path.read_bytes()
    if path.suffix == ".json" and draw.random() < 0.8:
        value = change_json(json.loads(content), draw)
        path.write_text(json.dumps(value), encoding="utf-8")
    else:
        path.write_bytes(change_bytes(content, draw))


def change_header(path: Path, draw: random.Random) -> None:
    """Changes the header of a safetensors file, where its checks are, or anything in it."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    if draw.random() < 0.2:
        path.write_bytes(change_bytes(content, draw))
        return
    header = change_json(json.loads(content[8 : 8 + length]), draw)
    new = json.dumps(header).encode()
    new += b" " * draw.choice((0, -len(new) % 8))
    path.write_bytes(len(new).to_bytes(8, "little") + new + content[8 + length :])


def read_everything(directory: Path) -> None:
    """Calls every reader of a model directory, each for itself."""
    opened: list[Tokenizer] = []
    batch = RaggedBatch.of([np.array([2, 5, 3], dtype=np.int32)])

    def use() -> None:
        spec = checkpoint.read_spec(directory)
        if spec is not None and opened:
            make_task(spec, opened[0])

    readers: tuple[Callable[[], Any], ...] = (
        lambda: opened.append(Tokenizer.load(directory)),
        lambda: Tokenizer.load(directory / "vocab.txt").encode(["ada ran home"]),
        lambda: _native.TextModel(str(directory), 1),
        lambda: write_bundle(directory, directory / "bundle"),
        lambda: _native.TextModel(str(directory / "bundle"), 1),
        use,
        lambda: checkpoint.read_config(directory),
        lambda: checkpoint.size_on_disk(directory),
        lambda: recorded_precision(directory),
        lambda: read_measured(directory),
        lambda: read_float32(directory),
        lambda: open_backend("torch", directory).logits(batch),
        lambda: open_backend("engine", directory, threads=1).logits(batch),
    )
    for reader in readers:
        message = ""
        try:
            reader()
        except SqueezeBertError as error:
            message = str(error)
        assert len(message) < LONGEST, message
        assert message.replace("\n", "").isprintable(), message


@pytest.fixture(scope="module")
def directories(
    tiny_config: EncoderConfig,
    tiny_bert_config: EncoderConfig,
    tokenizer: Tokenizer,
    tmp_path_factory: pytest.TempPathFactory,
) -> list[Path]:
    """One of each kind: plain, compact, shared and of Hugging Face's form."""
    root = tmp_path_factory.mktemp("models")
    tags = ("O", "B-PER", "I-PER")
    heads = {
        "plain": (tiny_config, "text_classification", ("a", "b", "c"), "float32"),
        "panels": (tiny_config, "token_classification", tags, "panels"),
        "masked": (tiny_bert_config, "masked_lm", (), "panels"),
        "foreign": (tiny_bert_config, "text_classification", ("a",), "float32"),
    }
    made: list[Path] = []
    for name, (config, kind, labels, storage) in heads.items():
        problem: Any = "regression" if len(labels) == 1 else "single_label"
        head = HeadConfig(kind=kind, labels=labels, problem_type=problem)  # pyright: ignore
        transitions = ((0.0, 0.5, None),) * 4 if kind == "token_classification" else ()
        spec = TaskSpec(
            task=kind,  # pyright: ignore
            labels=labels,
            problem_type=problem,
            max_length=32,
            transitions=transitions,
        )
        save_model(
            build_model(config, head),
            root / name,
            spec=None if name == "foreign" else spec,
            storage=storage,  # pyright: ignore
        )
        tokenizer.save(root / name)
        score = ShippedScore(name="accuracy", value=0.5, data="x", split="test")
        speed = ShippedSpeed(cpu_ms=1.0, tokens=8, precision="int8", isa="avx2", cpu="x")
        write_measured(root / name, Measured(scores=(score,), speed=speed))
        if name in ("foreign", "masked"):
            (root / name / SPECIAL_TOKENS_MAP).write_text(
                json.dumps({"mask_token": "[MASK]", "pad_token": {"content": "[PAD]"}})
            )
            added = {"content": "[MASK]", "lstrip": True, "special": True}
            (root / name / ADDED_TOKENS).write_text(json.dumps({"[MASK]": tokenizer.mask_id}))
            if name == "masked":
                config_file = root / name / "tokenizer_config.json"
                settings = json.loads(config_file.read_text())
                settings["added_tokens_decoder"] = {str(tokenizer.mask_id): added}
                config_file.write_text(json.dumps(settings))
        made.append(root / name)
    indexed = root / "indexed"
    shutil.copytree(root / "plain", indexed)
    (indexed / checkpoint.WEIGHTS).rename(indexed / "model-00001-of-00001.safetensors")
    names = checkpoint.read_tensors(root / "plain")
    weight_map = dict.fromkeys(names, "model-00001-of-00001.safetensors")
    (indexed / checkpoint.INDEX).write_text(json.dumps({"weight_map": weight_map}))
    return [*made, indexed]


def test_only_errors_of_ours_come_out(directories: list[Path], tmp_path: Path) -> None:
    draw = random.Random(SEED)
    target = tmp_path / "model"
    for run in range(RUNS):
        source = draw.choice(directories)
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target)
        present = [target / name for name in FILES if (target / name).is_file()]
        changed = draw.sample(present, draw.choice((1, 1, 1, 2)))
        for path in changed:
            if path.suffix == ".safetensors":
                change_header(path, draw)
            else:
                change_text(path, draw)
        try:
            read_everything(target)
        except BaseException as error:
            kept = tmp_path / f"failed-{run}"
            shutil.copytree(target, kept)
            names = ", ".join(path.name for path in changed)
            error.add_note(f"run {run} of seed {SEED}, {source.name} with other {names}: {kept}")
            raise


def test_the_unchanged_are_read(directories: list[Path]) -> None:
    batch = RaggedBatch.of([np.array([2, 5, 3], dtype=np.int32)])
    for directory in directories:
        assert checkpoint.read_spec(directory) is not None
        for backend in ("torch", "engine"):
            assert np.isfinite(open_backend(backend, directory).logits(batch)).all()
