"""Data files changed at random: whatever stands in them, only errors of ours come out, and they are
short. ``SQUEEZEBERT_FUZZ_RUNS`` and ``SQUEEZEBERT_FUZZ_SEED`` as in ``test_model_directories.py``.
"""

from __future__ import annotations

import gzip
import json
import lzma
import os
import random
from collections import Counter
from pathlib import Path

from squeezebert.data import open_dataset
from squeezebert.errors import SqueezeBertError
from squeezebert.spec import TaskName

RUNS = int(os.environ.get("SQUEEZEBERT_FUZZ_RUNS", "200"))
SEED = int(os.environ.get("SQUEEZEBERT_FUZZ_SEED", "0"))
LONGEST = 2000
"""Characters that any message may have."""

SEEDS: tuple[tuple[TaskName, str, bytes], ...] = (
    ("text_classification", "csv", b'text,label\n"A goal, late",sport\nRates rise,money\n'),
    ("text_classification", "tsv", b"text\tlabel\nA goal\tsport\nRates rise\tmoney\n"),
    (
        "text_classification",
        "jsonl",
        b'{"text": "A goal", "label": "sport"}\n{"text": "Rates", "label": ["a", "b"]}\n',
    ),
    ("token_classification", "conll", b"# sent_id = 1\nAda\tB-PER\nran\tO\n\nBonn\tB-LOC\n\n"),
    (
        "token_classification",
        "conll",
        b"Ada NNP I-NP I-PER\nran VBD I-VP O\n\nBonn NNP I-NP I-LOC\n",
    ),
    (
        "token_classification",
        "jsonl",
        b'{"text": "Ada ran", "spans": [{"start": 0, "end": 3, "label": "PER"}]}\n',
    ),
    ("masked_lm", "txt", b"Guten Tag! __eou__ Wie geht es? __eou__\nHello. __eou__ Hi!\n"),
    ("masked_lm", "jsonl", b'{"turns": ["Hello.", "Hi!"]}\n{"text": "One paragraph."}\n'),
)

ODD = (
    b"\0", b"\r", b"\n", b"\r\n", b"\t", b",", b'"', b"'", b"{", b"[" * 2000, b"#", b"-", b"\xff",
    b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\\ud800", b"\x1b[2J", b"\xe2\x80\xae", b"1e999", b"NaN",
    b"-X", b"I-O", b"x" * 5000, b'{"a":' * 300, b"\x85", b"\xe2\x80\xa8", b" ", b"",
)  # fmt: skip


def changed(content: bytes, draw: random.Random) -> bytes:
    """``content`` with a few places cut, doubled, swapped or filled with what is odd."""
    for _ in range(draw.randint(1, 4)):
        at, end = sorted((draw.randint(0, len(content)), draw.randint(0, len(content))))
        match draw.randrange(5):
            case 0:
                content = content[:at] + content[end:]
            case 1:
                content = content[:end] + content[at:]
            case 2:
                content = content[:at] + draw.choice(ODD) + content[end:]
            case 3:
                content = content[:at] + draw.choice(ODD) + content[at:]
            case _:
                content = content[:at] + bytes(draw.randbytes(draw.randint(1, 4))) + content[at:]
    return content


def packed(content: bytes, ending: str, draw: random.Random) -> tuple[bytes, str]:
    """Some of the files are compressed; some of those are damaged once more."""
    if draw.random() < 0.8:
        return content, ending
    pack, suffix = draw.choice(((gzip.compress, ".gz"), (lzma.compress, ".xz")))
    whole = pack(content)
    return (changed(whole, draw) if draw.random() < 0.5 else whole), ending + suffix


def test_only_errors_of_ours_come_out(tmp_path: Path) -> None:
    draw = random.Random(SEED)
    seen: Counter[str] = Counter()
    longest = 0
    for run in range(RUNS):
        task, ending, content = draw.choice(SEEDS)
        content, ending = packed(changed(content, draw), ending, draw)
        path = tmp_path / f"data.{ending}"
        path.write_bytes(content)
        options: dict[str, object] = draw.choice(
            ({}, {"empty": "skip"}, {"encoding": "utf-16"}, {"delimiter": ";"}, {"label": None})
        )
        try:
            found = open_dataset(path, task=task, **options)  # type: ignore[arg-type]
        except SqueezeBertError as error:
            seen["refused"] += 1
            longest = max(longest, len(str(error)))
        except Exception as error:
            error.add_note(f"run {run}: {task} {path.name} {options} {content[:300]!r}")
            raise
        else:
            seen["read"] += 1
            json.dumps([repr(example) for example in found.examples])
        path.unlink()
    # Otherwise nothing was tried.
    assert seen["read"] > RUNS * 0.02
    assert seen["refused"] > RUNS * 0.1
    assert longest < LONGEST
