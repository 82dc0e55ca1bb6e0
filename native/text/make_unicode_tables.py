"""Writes unicode_tables.inc: what BERT's normalizer and our splitting into words know of each
code point.

    python native/text/make_unicode_tables.py

Ids must be those of the `tokenizers` library, which has its Unicode data from several places, some
of them old. So the library itself is asked what it does with each code point, and its answers are
the tables; the version of each is told from the first characters that it does not know. Marks, form
characters, letters and digits, by which `squeezebert.data.words` splits a text, are those of
Python's `unicodedata`. tests/engine/test_text.py asks the library about every code point
again, so a new version of it that answers otherwise is noticed.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import Path

import tokenizers
from tokenizers.normalizers import NFD, BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

OUTPUT = Path(__file__).with_name("unicode_tables.inc")
BLOCK = 128
HANGUL = range(0xAC00, 0xD7A4)
CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]

# As in unicode.h.
REMOVED, SPACE, PUNCTUATION, NONSPACING, DECOMPOSES, HAS_LOWER, NONSTARTER = (
    1 << bit for bit in range(7)
)
WORD, DIGIT, BLANK, MARK, FORMAT, SYMBOL = (1 << bit for bit in range(6))

HEAD = """/// Made by make_unicode_tables.py; not to be edited.
///
/// What tokenizers {tokenizers} does with each code point, which is
///     control, format, private use, punctuation, nonspacing marks   Unicode 8.0
///     canonical decompositions and combining classes                Unicode 9.0
///     small letters                                                 Unicode 17.0
///     white space                                                   the same in all of these
/// and what Python's unicodedata {unicode} says of words.

"""


def bert(**settings: bool) -> BertNormalizer:
    """BERT's normalizer with nothing switched on but what is named."""
    chosen = {
        "clean_text": False,
        "handle_chinese_chars": False,
        "strip_accents": False,
        "lowercase": False,
    }
    return BertNormalizer(**(chosen | settings))


def combining_class(character: str) -> int:
    """The class as Unicode has it; 0 where the library knows of none."""
    value = unicodedata.combining(character)
    if value == 0:
        return 0
    # Two marks of known classes, the least and the greatest: one of them changes places.
    after, before = (
        NFD().normalize_str("a" + pair) != "a" + pair
        for pair in (character + "\u0334", "\u0345" + character)
    )
    return value if after or before else 0


def properties() -> tuple[bytes, dict[int, str], dict[int, str], dict[int, int]]:
    """Flags of all code points, decompositions, small letters, combining classes."""
    cleaned, lowered = bert(clean_text=True), bert(lowercase=True)
    stripped, splitter = bert(strip_accents=True), BertPreTokenizer()
    flags = bytearray(0x110000)
    decompositions: dict[int, str] = {}
    lower: dict[int, str] = {}
    classes: dict[int, int] = {}
    for code_point in CODE_POINTS:
        character = chr(code_point)
        value = 0
        if cleaned.normalize_str(character) == "":
            value |= REMOVED
        # Punctuation stands alone among the parts, white space is none of them.
        parts = len(splitter.pre_tokenize_str(f"a{character}a"))
        value |= {1: 0, 2: SPACE, 3: PUNCTUATION}[parts]
        if stripped.normalize_str(character) == "" and len(NFD().normalize_str(character)) == 1:
            value |= NONSPACING
        decomposed = NFD().normalize_str(character)
        if decomposed != character and code_point not in HANGUL:
            value |= DECOMPOSES
            decompositions[code_point] = decomposed
        small = lowered.normalize_str(character)
        if small != character:
            value |= HAS_LOWER
            lower[code_point] = small
        if combined := combining_class(character):
            value |= NONSTARTER
            classes[code_point] = combined
        flags[code_point] = value
    return bytes(flags), decompositions, lower, classes


def word_properties() -> bytes:
    """Flags of all code points, of use where texts are split into words."""
    flags = bytearray(0x110000)
    for code_point in CODE_POINTS:
        character = chr(code_point)
        category = unicodedata.category(character)
        flags[code_point] = (
            WORD * character.isalnum()
            | DIGIT * character.isdecimal()
            | BLANK * character.isspace()
            | MARK * (category[0] == "M")
            | FORMAT * (category == "Cf")
            | SYMBOL * (category in ("So", "Sk"))
        )
    return bytes(flags)


def array(kind: str, name: str, values: Iterable[int]) -> str:
    """A definition, in lines of at most 100 characters."""
    items = [str(value) for value in values]
    lines, line = [], "   "
    for item in items:
        if len(line) + len(item) + 2 > 100:
            lines.append(line)
            line = "   "
        line += f" {item},"
    body = "\n".join([*lines, line])
    return f"constexpr std::{kind} {name}[] = {{\n{body}\n}};\n\n"


def two_stages(name: str, flags: bytes) -> str:
    """A table as the blocks that differ, and which of them each stretch of code points has."""
    blocks: dict[bytes, int] = {}
    index = [
        blocks.setdefault(flags[start : start + BLOCK], len(blocks))
        for start in range(0, len(flags), BLOCK)
    ]
    return array("uint8_t", f"{name}_index", index) + array(
        "uint8_t", f"{name}_blocks", b"".join(blocks)
    )


def main() -> None:
    """Asks, and writes the file."""
    flags, decompositions, lower, classes = properties()
    assert [c for c, small in lower.items() if len(small) > 1] == [0x130]
    pool = "".join(decompositions.values())
    starts = [0]
    for text in decompositions.values():
        starts.append(starts[-1] + len(text))
    parts = [
        HEAD.format(tokenizers=tokenizers.__version__, unicode=unicodedata.unidata_version),
        two_stages("properties", flags),
        two_stages("word_properties", word_properties()),
        array("uint32_t", "lower_from", lower),
        array("uint32_t", "lower_to", (ord(small[0]) for small in lower.values())),
        array("uint32_t", "decomposed_from", decompositions),
        array("uint16_t", "decomposed_start", starts),
        array("uint32_t", "decomposed_to", map(ord, pool)),
        array("uint32_t", "nonstarters", classes),
        array("uint8_t", "nonstarter_classes", classes.values()),
    ]
    OUTPUT.write_text("".join(parts).rstrip("\n") + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
