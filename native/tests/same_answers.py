"""Two builds of examples/c/text.c must answer alike: here a processor's own and an emulated one.

It asks both about sentences of the sample data: news by topic, names in English and German, gaps
in dialogues. In float32 every line must be the same, scores but for ``FLOAT32_APART``, since sums
are taken in another order. As models ship, in int8, such a sum's last bit decides now and then how
a number is rounded, so scores move and near ties change places: the first line of an answer must be
the same for most texts, and scores near.

    python native/tests/same_answers.py build/native/squeezebert_text \
        "qemu-aarch64 -cpu max build/aarch64/squeezebert_text"
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "squeezebert"
FAMILIES = ("squeezebert-mini", "bert-mini")
FLOAT32_APART = 5e-6
"""Of a score between 0 and 1, printed with six digits."""
INT8_APART, INT8_SAME = 0.1, 0.9
"""Of a score; of the texts."""
NUMBER = re.compile(r"\b[01]\.\d{6}\b")

Answer = list[str]


def main(reference: str, other: str) -> None:
    """Compares two commands; exits 1 where they answer differently."""
    asked = {
        "news": texts_of("news.jsonl", 8),
        "ner": [*sentences_of("ner_en.conll", 12), *sentences_of("ner_de.conll", 12)],
        "mlm": gaps_of(12),
    }
    failed = False
    for flag, farthest, share in (("--float32", FLOAT32_APART, 1.0), ("", INT8_APART, INT8_SAME)):
        pairs = list[tuple[Answer, Answer]]()
        for task, texts in asked.items():
            for family in FAMILIES:
                question = [flag] * bool(flag) + [str(PACKAGE / "pretrained" / f"{family}-{task}")]
                ours, theirs = (answers(it, question, texts) for it in (reference, other))
                pairs += zip(ours, theirs, strict=True)
        # Of int8 the first line alone: five words for a gap may be nearly level.
        compared = pairs if flag else [(one[:1], two[:1]) for one, two in pairs]
        unlike = [pair for pair in compared if words(pair[0]) != words(pair[1])]
        apart = max(apart_in(*pair) for pair in compared if pair not in unlike)
        print(
            f"{flag.strip('-') or 'as shipped'}: {len(pairs)} texts, {len(unlike)} answered in "
            f"other words, scores at most {apart:.6f} apart"
        )
        if len(unlike) > (1 - share) * len(pairs) or apart > farthest:
            print(*unlike[:10], sep="\n")
            failed = True
    sys.exit(failed)


def answers(command: str, question: list[str], texts: list[str]) -> list[Answer]:
    """What a program prints for each text, in lines.

    Raises:
        CalledProcessError: it failed; what it says stands on stderr.
    """
    done = subprocess.run(
        [*shlex.split(command), *question, "-"],
        input="\n".join(texts) + "\n",
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=True,
    )
    result, lines = list[Answer](), list[str]()
    for line in done.stdout.splitlines():
        if line:
            lines.append(line)
        else:
            result.append(lines)
            lines = []
    assert len(result) == len(texts)
    return result


def words(answer: Answer) -> Answer:
    """An answer without its scores."""
    return [NUMBER.sub("#", line) for line in answer]


def apart_in(one: Answer, two: Answer) -> float:
    """The greatest difference of two answers' scores."""
    scores = [[float(x) for line in it for x in NUMBER.findall(line)] for it in (one, two)]
    return max((abs(a - b) for a, b in zip(*scores, strict=True)), default=0.0)


def _objects(file: str) -> Iterator[dict[str, object]]:
    for line in (PACKAGE / "samples" / file).read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["split"] == "test":
            yield row


def texts_of(file: str, count: int) -> list[str]:
    """The first texts of a file's test part."""
    return [str(row["text"]) for row in _objects(file)][:count]


def sentences_of(file: str, count: int) -> list[str]:
    """The first sentences of a file of words and tags, with spaces between the words."""
    content = (PACKAGE / "samples" / file).read_text(encoding="utf-8")
    blocks = [block.splitlines() for block in content.split("\n\n") if block.strip()]
    words = [[line.split("\t")[0] for line in block if "\t" in line] for block in blocks]
    return [" ".join(sentence) for sentence in words[:count]]


def gaps_of(count: int) -> list[str]:
    """Turns of dialogues, the word in the middle of each a gap."""
    result = list[str]()
    for row in _objects("dialogues.jsonl"):
        turns = row["turns"]
        assert isinstance(turns, list)
        for turn in turns:
            words = str(turn).split()
            if len(words) > 3:
                words[len(words) // 2] = "[MASK]"
                result.append(" ".join(words))
    return result[:count]


if __name__ == "__main__":
    main(*sys.argv[1:])
