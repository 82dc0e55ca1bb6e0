from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from squeezebert.data.examples import Span, TokenExample
from squeezebert.data.tags import (
    SCHEMES,
    Scheme,
    TagLines,
    detect_scheme,
    entity_spans,
    iob2_labels,
    is_tag,
    to_iob2,
)

Entities = list[tuple[int, str]]
"""A sentence as stretches: length and type, where the type is empty outside entities."""

stretches = st.lists(
    st.tuples(st.integers(1, 4), st.sampled_from(["", "PER", "LOC", "B-DNA", "DE"])), max_size=8
)


def spell(sentence: Entities, scheme: Scheme) -> list[str]:
    """The tags of a sentence, written the slow and obvious way."""
    tags: list[str] = []
    before = ""
    for length, kind in sentence:
        if not kind:
            tags += ["O"] * length
        elif scheme == "IOB2":
            tags += [f"B-{kind}"] + [f"I-{kind}"] * (length - 1)
        elif scheme == "IOB1":
            first = "B" if before == kind else "I"
            tags += [f"{first}-{kind}"] + [f"I-{kind}"] * (length - 1)
        else:
            last, single = ("E", "S") if scheme == "IOBES" else ("L", "U")
            if length == 1:
                tags.append(f"{single}-{kind}")
            else:
                tags += [f"B-{kind}"] + [f"I-{kind}"] * (length - 2) + [f"{last}-{kind}"]
        before = kind
    return tags


def lines(*tags: str) -> TagLines:
    return TagLines("a.conll", 10, tags)


@given(stretches, st.sampled_from(SCHEMES[:4]))
def test_every_scheme_reads_as_iob2(sentence, scheme):
    assert to_iob2(lines(*spell(sentence, scheme)), scheme) == tuple(spell(sentence, "IOB2"))


@given(st.lists(stretches, max_size=5), st.sampled_from(SCHEMES[:4]))
def test_the_detected_scheme_reads_the_same(sentences, scheme):
    """The scheme found may have another name where the tags fit several; the entities agree."""
    found = detect_scheme([lines(*spell(sentence, scheme)) for sentence in sentences])
    for sentence in sentences:
        tags = lines(*spell(sentence, scheme))
        assert to_iob2(tags, found) == tuple(spell(sentence, "IOB2"))


@pytest.mark.parametrize(
    ("tags", "scheme"),
    [
        (["B-X", "I-X", "B-X", "O", "B-Y"], "IOB2"),
        (["I-X", "I-X", "B-X", "O", "I-Y"], "IOB1"),
        (["B-X", "E-X", "S-X"], "IOBES"),
        (["B-X", "L-X", "U-X"], "BILOU"),
        (["O", "O"], "IOB2"),
        ([], "IOB2"),
    ],
)
def test_detection(tags, scheme):
    assert detect_scheme([lines(*tags)]) == scheme


@pytest.mark.parametrize("tag", ["X-PER", "B_PER", "B-", "o", "", "b-PER", "I", "-PER"])
def test_what_is_no_tag(fails, tag):
    assert not is_tag(tag)
    fails(lambda: detect_scheme([lines("O", tag)]), "a.conll:11", f"tag {tag!r}", hint="tag_column")
    fails(lambda: to_iob2(lines("O", tag), "IOB2"), "a.conll:11", "IOB2", hint="scheme=")


def test_iob1_and_iob2_in_one_file(fails):
    fails(
        lambda: detect_scheme([lines("B-PER", "O"), TagLines("a.conll", 20, ["O", "I-LOC"])]),
        "a.conll:21",
        "starts with I- (IOB1)",
        "starts with B- (IOB2) at a.conll:10",
        hint="scheme='IOB1'",
    )
    mixed = lines("B-PER", "O", "I-LOC", "B-LOC")
    assert to_iob2(mixed, "IOB1") == ("B-PER", "O", "B-LOC", "B-LOC")


def test_iobes_and_bilou_in_one_file(fails):
    fails(lambda: detect_scheme([lines("S-X", "U-X")]), "a.conll:11", "(BILOU)", "(IOBES)")


@pytest.mark.parametrize(
    ("tags", "line"),
    [
        (["B-X", "O"], 11),
        (["B-X", "B-X", "E-X"], 11),
        (["B-X", "I-Y", "E-X"], 11),
        (["B-X", "E-Y"], 11),
        (["B-X", "S-X"], 11),
        (["O", "I-X", "E-X"], 11),
        (["E-X"], 10),
        (["S-X", "B-X", "I-X"], 12),
        (["S-X", "L-X"], 11),
    ],
)
def test_broken_iobes(fails, tags, line):
    fails(lambda: to_iob2(lines(*tags), "IOBES"), f"a.conll:{line}", hint="scheme=")


def test_iob2_that_goes_on_with_nothing(fails):
    fails(lambda: to_iob2(lines("B-X", "I-Y"), "IOB2"), "a.conll:11", "'I-Y'", "B-Y")


def test_prefix_of_another_scheme(fails):
    fails(lambda: to_iob2(lines("S-X"), "IOB2"), "a.conll:10", "a tag of IOB2")


def test_labels():
    assert iob2_labels([]) == ("O",)
    assert iob2_labels(["B", "A", "B"]) == ("O", "B-A", "I-A", "B-B", "I-B")


def test_entity_spans():
    example = TokenExample.from_words(
        ["In", "New", "York", "Ada", "Bo"], ["O", "B-LOC", "I-LOC", "B-PER", "B-PER"]
    )
    assert entity_spans(example) == (
        Span(start=3, end=11, type="LOC"),
        Span(start=12, end=15, type="PER"),
        Span(start=16, end=18, type="PER"),
    )
    assert entity_spans(TokenExample.from_words(["Ada"])) == ()
