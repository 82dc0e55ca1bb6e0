"""The word lists of keyboards: ``python -m experiments.keyboard.words en de --output words.txt``.

What people write, the most frequent first: words of the open texts that masked LMs learn from,
counted source by source and mixed by the weights below, since conversations are few and novels
many. A word is listed as it stands most often in the midst of a sentence, so that names keep their
capitals.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from experiments.keyboard.places import WORD
from squeezebert import files
from squeezebert.data.known import VARIABLE, data_root
from squeezebert.data.lines import read_lines
from squeezebert.labeling import unlabeled


class Source(NamedTuple):
    """Texts of one kind, and their weight in a list.

    Files packed by xz, below the folder of the data sets, or data sets by name.
    """

    weight: float
    names: tuple[str, ...]


def _english(*names: str) -> tuple[str, ...]:
    return tuple(f"pretrain_en/{name}.txt.xz" for name in names)


SOURCES = {
    "en": (
        Source(0.30, _english("sgd_dialogues", "taskmaster4")),
        Source(
            0.20,
            _english("digitalgov", "us_gov_sites", "open_guides", "carpentries_blog", "ms_docs"),
        ),
        Source(0.15, _english("wikinews", "us_speeches", "spacelog")),
        Source(0.20, _english("classic_books.0")),
        Source(0.15, _english("openstax_ccby", "openstax_ccby2")),
    ),
    "de": (
        Source(0.75, ("pretrain_de/german_novels.txt.xz",)),
        Source(0.25, ("german_ler", "mobie", "germeval2014:test", "sample_ner_de")),
    ),
}
COUNTS = {"en": 22_000, "de": 20_000}
"""Words of a language."""

LEAST = 3
"""Times that a word stands in the texts: what is rarer may be an error itself."""
MOST_CHARACTERS = 12_000_000
"""Of a file that are read."""
ALONE = {"a", "i", "o"}
"""The only words of one letter."""
ENDS = frozenset('.!?:"“”„»«()[]')
"""After these a word has a capital for being the first."""


class WordCounts:
    """The words of texts of one kind, by their small letters.

    Args:
        names: As a :class:`Source` has them.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.counts = Counter[str]()
        self.spellings: dict[str, Counter[str]] = defaultdict(Counter)
        for name in names:
            for line in _lines(name):
                self._add(line)

    def _add(self, line: str) -> None:
        end = 0
        for found in WORD.finditer(line):
            word = found[0].replace("’", "'")
            first = end == 0 or not ENDS.isdisjoint(line[end : found.start()])
            self.counts[word.lower()] += 1
            # A first word's capital tells next to nothing.
            self.spellings[word.lower()][word] += 1 if first else 1000
            end = found.end()


def _lines(name: str) -> Iterator[str]:
    if not name.endswith(".xz"):
        yield from (" ".join(example.words) for example in unlabeled(name))
        return
    root = data_root()
    if root is None:
        raise SystemExit(f"{VARIABLE} names no folder of data sets")
    read = 0
    for _, line in read_lines(root / name):
        read += len(line) + 1
        yield line
        if read > MOST_CHARACTERS:
            return


def frequencies(sources: Sequence[Source], count: int) -> dict[str, float]:
    """The most frequent words of a language and their shares, the most frequent first."""
    shares = Counter[str]()
    times = Counter[str]()
    spellings: dict[str, Counter[str]] = defaultdict(Counter)
    for source in sources:
        counted = WordCounts(source.names)
        every = counted.counts.total()
        times.update(counted.counts)
        for word, number in counted.counts.items():
            shares[word] += source.weight * number / every
            spellings[word].update(counted.spellings[word])
    listed: dict[str, float] = {}
    for word, share in shares.most_common():
        if times[word] >= LEAST and (len(word) > 1 or word in ALONE):
            listed[spellings[word].most_common(1)[0][0]] = share
        if len(listed) == count:
            break
    return listed


def main(argv: Sequence[str] | None = None) -> None:
    """See the module's text."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n\n")[0])
    parser.add_argument("languages", nargs="+", choices=tuple(SOURCES))
    parser.add_argument("--output", type=Path, required=True, metavar="FILE")
    args = parser.parse_args(argv)
    words = Counter[str]()
    for language in args.languages:
        words.update(frequencies(SOURCES[language], COUNTS[language]))
    files.write_text(args.output, "".join(f"{word}\n" for word, _ in words.most_common()))
    print(f"{args.output}: {len(words):,} words")


if __name__ == "__main__":
    main()
