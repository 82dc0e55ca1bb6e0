from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from squeezebert.data.examples import Span
from squeezebert.data.spans import read_spans, tag_text
from squeezebert.data.tags import entity_spans
from squeezebert.data.words import split_words
from squeezebert.errors import DataError


def line(text: str, *entities: object) -> str:
    return json.dumps({"text": text, "entities": entities}) + "\n"


def entity(start: object, end: object, kind: object = "PER", **more: object) -> dict[str, object]:
    return {"start": start, "end": end, "type": kind, **more}


def test_reading(write):
    file = write("a.jsonl", line("Ada met Bo.", entity(8, 10), entity(0, 3)) + line("Nobody."))
    first, second = read_spans(file)
    assert first.words == ("Ada", "met", "Bo", ".")
    assert first.tags == ("B-PER", "O", "B-PER", "O")
    assert first.offsets[2] == (8, 10)
    assert first.where == f"{file}:1"
    assert second.tags == ("O", "O")


def test_an_entity_that_cuts_a_word(write):
    file = write("a.jsonl", line("Reuters/AFP in Berlinale", entity(15, 21, "LOC")))
    example = read_spans(file)[0]
    assert example.words[-2:] == ("Berlin", "ale")
    assert example.tags is not None
    assert example.tags[-2:] == ("B-LOC", "O")


def test_two_entities_in_one_word():
    spans = [Span(start=0, end=2, type="A"), Span(start=2, end=4, type="A")]
    example = tag_text("abcdef", spans)
    assert example.words == ("ab", "cd", "ef")
    assert example.tags == ("B-A", "B-A", "O")


def test_white_space_at_the_edges_is_left_out():
    example = tag_text("in New York now", [Span(start=2, end=12, type="LOC")])
    assert entity_spans(example) == (Span(start=3, end=11, type="LOC"),)


def test_characters_beyond_the_basic_plane_count_once(write):
    file = write("a.jsonl", line("😀 Ada", entity(2, 5, text="Ada")))
    assert read_spans(file)[0].tags == ("O", "B-PER")


@st.composite
def texts_with_spans(draw: st.DrawFn) -> tuple[str, list[Span]]:
    text = draw(st.text(st.sampled_from("aé ß1.,'-\n😀\u0301"), min_size=1, max_size=40))
    edges = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
    spans: list[Span] = []
    for start, end in itertools.pairwise(edges):
        held = text[start:end]
        words = split_words(held)
        if draw(st.booleans()) and words and (words[0][0], words[-1][1]) == (0, len(held)):
            spans.append(Span(start=start, end=end, type=draw(st.sampled_from(["A", "B"]))))
    return text, spans


@given(texts_with_spans())
def test_spans_become_tags_and_back(case):
    text, spans = case
    example = tag_text(text, spans)
    assert entity_spans(example) == tuple(spans)
    assert all(
        text[a:b] == word for (a, b), word in zip(example.offsets, example.words, strict=True)
    )
    ends = [edge for offset in example.offsets for edge in offset]
    assert ends == sorted(ends)


# -- what is wrong with real files ---------------------------------------------------------------


@pytest.mark.parametrize(("start", "end"), [(0, 12), (-1, 3), (3, 3), (5, 2), (99, 100)])
def test_span_outside_the_text(write, fails, start, end):
    file = write("a.jsonl", line("fine") + line("Ada met Bo.", entity(start, end)))
    fails(
        lambda: read_spans(file),
        f"{file}:2",
        f"from {start} to {end}",
        "end ≤ 11",
        hint="count Unicode characters",
    )


def test_overlap(write, fails):
    file = write("a.jsonl", line("Ada met Bo.", entity(4, 10), entity(0, 5)))
    fails(
        lambda: read_spans(file), f"{file}:1", "4 to 10 overlaps the one from 0 to 5", hint="nested"
    )


def test_the_same_span_twice(write, fails):
    file = write("a.jsonl", line("Ada", entity(0, 3), entity(0, 3, "LOC")))
    fails(lambda: read_spans(file), f"{file}:1", "overlaps")


def test_nothing_but_white_space(write, fails):
    file = write("a.jsonl", line("a   b", entity(1, 4)))
    fails(lambda: read_spans(file), f"{file}:1", "is '   '")


def test_offsets_in_bytes(write, fails):
    file = write("a.jsonl", line("Zürich, Ulm", entity(9, 12, "LOC", text="Ulm")))
    fails(lambda: read_spans(file), f"{file}:1", "is 'lm' in the text", "'Ulm'", hint="not bytes")


def test_unknown_type(write, fails):
    file = write("a.jsonl", line("Ada", entity(0, 3, "PERS")))
    fails(
        lambda: read_spans(file, types=["PER"]),
        f"{file}:1",
        "unknown entity type 'PERS'",
        hint="did you mean 'PER'?",
    )


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ({"text": "Ada"}, "no column 'entities'"),
        ({"entities": []}, "no column 'text'"),
        ({"text": 3, "entities": []}, "'text' is 3"),
        ({"text": " ", "entities": []}, "the text is empty"),
        ({"text": "Ada", "entities": {}}, "'entities' is {}"),
        ({"text": "Ada", "entities": ["PER"]}, "the entity 'PER'"),
        ({"text": "Ada", "entities": [{"end": 3, "type": "PER"}]}, "no column 'start'"),
        ({"text": "Ada", "entities": [entity("0", 3)]}, "'start' is '0'"),
        ({"text": "Ada", "entities": [entity(0, 2.5)]}, "'end' is 2.5"),
        ({"text": "Ada", "entities": [entity(0, True)]}, "'end' is True"),
        ({"text": "Ada", "entities": [entity(0, 3, None)]}, "'type' is None"),
        ({"text": "Ada", "entities": [entity(0, 3, "")]}, "the entity type ''"),
    ],
)
def test_wrong_fields(write, fails, row, found):
    file = write("a.jsonl", json.dumps(row))
    fails(lambda: read_spans(file), f"{file}:1", found)


def test_invalid_json_and_empty_file(write, fails):
    file = write("a.jsonl", '{"text"')
    fails(lambda: read_spans(file), f"{file}:1", "invalid JSON")
    file = write("b.jsonl", "")
    fails(lambda: read_spans(file), file, "no texts")


def test_megabyte_text(write):
    text = "word " * 250_000 + "Ada"
    example = read_spans(write("a.jsonl", line(text, entity(len(text) - 3, len(text)))))[0]
    assert example.words[-1] == "Ada"
    assert example.tags is not None
    assert example.tags[-1] == "B-PER"


def test_messages_without_a_file():
    with pytest.raises(DataError, match="text: an entity from 0 to 9"):
        tag_text("Ada", [Span(start=0, end=9, type="PER")])
