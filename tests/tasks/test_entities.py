"""Entities out of tags: the CoNLL scorer's reading, checked three ways: by hand, against its rules
written down a second time, and against nervaluate.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nervaluate import Evaluator

from squeezebert.errors import InvalidInputError
from squeezebert.tasks.entities import (
    EntityCounts,
    WordSpan,
    spans_from_tags,
    split_tag,
    tags_from_spans,
)

TYPES = ("LOC", "ORG", "PER")
TAGS = ("O", *(f"{prefix}-{kind}" for kind in TYPES for prefix in "BI"))
any_tags = st.lists(st.sampled_from(TAGS), max_size=12)


@st.composite
def span_lists(draw: st.DrawFn) -> tuple[list[WordSpan], int]:
    """Spans in order that do not overlap (they may touch), and the length of the sentence."""
    spans: list[WordSpan] = []
    at = 0
    for kind in draw(st.lists(st.sampled_from(TYPES), max_size=5)):
        start = at + draw(st.integers(0, 3))
        at = start + draw(st.integers(1, 4))
        spans.append(WordSpan(start, at, kind))
    return spans, at + draw(st.integers(0, 3))


@given(span_lists())
def test_spans_to_tags_and_back(case: tuple[list[WordSpan], int]) -> None:
    spans, length = case
    tags = tags_from_spans(spans, length)
    assert len(tags) == length
    assert spans_from_tags(tags) == spans


@given(any_tags)
def test_any_tags_give_spans_in_order_that_cover_what_is_tagged(tags: list[str]) -> None:
    spans = spans_from_tags(tags)
    covered = [word for span in spans for word in range(span.start, span.end)]
    assert covered == [word for word, tag in enumerate(tags) if tag != "O"]
    for start, end, kind in spans:
        assert {split_tag(tag)[1] for tag in tags[start:end]} == {kind}
        assert not any(tag.startswith("B-") for tag in tags[start + 1 : end])


def _conlleval(sentences: list[tuple[list[str], list[str]]]) -> tuple[int, int, int]:
    """Right, predicted and true entities by the scorer's own way: one pass over tag pairs that
    watches where chunks begin and end, with no spans.
    """

    def begins(before: str, tag: str) -> bool:
        return tag != "O" and (tag[0] == "B" or before[1:] != tag[1:])

    def ends(tag: str, after: str) -> bool:
        return tag != "O" and (after[0] in "BO" or after[1:] != tag[1:])

    right = predicted = true = 0
    for truth, guess in sentences:
        both_open = False
        for i in range(len(truth)):
            t_before, g_before = (truth[i - 1], guess[i - 1]) if i else ("O", "O")
            t_after, g_after = (truth[i + 1], guess[i + 1]) if i + 1 < len(truth) else ("O", "O")
            t_begins, g_begins = begins(t_before, truth[i]), begins(g_before, guess[i])
            true += t_begins
            predicted += g_begins
            if t_begins and g_begins and truth[i][2:] == guess[i][2:]:
                both_open = True
            elif t_begins or g_begins or truth[i] == "O" or guess[i] == "O":
                both_open = False
            t_ends, g_ends = ends(truth[i], t_after), ends(guess[i], g_after)
            if both_open and t_ends and g_ends:
                right += 1
            if t_ends or g_ends:
                both_open = False
    return right, predicted, true


tag_pairs = st.lists(
    st.lists(st.tuples(st.sampled_from(TAGS), st.sampled_from(TAGS)), min_size=1, max_size=10),
    min_size=1,
    max_size=5,
)


@given(tag_pairs)
def test_counts_follow_the_scorers_rules_on_any_tags(cases: list[list[tuple[str, str]]]) -> None:
    sentences = [([t for t, _ in case], [g for _, g in case]) for case in cases]
    counts = EntityCounts()
    for truth, guess in sentences:
        counts.add(true=truth, predicted=guess)
    assert (
        counts.right.total(),
        counts.predicted.total(),
        counts.true.total(),
    ) == _conlleval(sentences)


@pytest.mark.parametrize(
    ("truth", "guess", "right", "predicted", "true"),
    [
        # Exact, cut short, wrong type, spurious, missed.
        ("B-PER I-PER O", "B-PER I-PER O", 1, 1, 1),
        ("B-PER I-PER O", "B-PER O O", 0, 1, 1),
        ("B-PER I-PER O", "B-LOC I-LOC O", 0, 1, 1),
        ("O O B-LOC", "B-LOC O B-LOC", 1, 2, 1),
        ("B-LOC O B-LOC", "O O O", 0, 0, 2),
        # Ill-formed: I- after O, after another type, at the start; B- that splits an entity.
        ("B-PER I-PER O", "I-PER I-PER O", 1, 1, 1),
        ("O B-LOC I-LOC", "O I-LOC I-LOC", 1, 1, 1),
        ("B-PER B-LOC", "B-PER I-LOC", 2, 2, 2),
        ("B-PER I-PER I-PER", "B-PER I-LOC I-PER", 0, 3, 1),
        ("B-ORG I-ORG", "B-ORG B-ORG", 0, 2, 1),
        ("B-ORG I-ORG B-ORG", "I-ORG I-ORG I-ORG", 0, 1, 2),
        ("B-ORG B-ORG", "I-ORG B-ORG", 2, 2, 2),
    ],
)
def test_sentences_counted_by_hand(
    truth: str, guess: str, right: int, predicted: int, true: int
) -> None:
    counts = EntityCounts()
    counts.add(true=truth.split(), predicted=guess.split())
    assert counts.right.total() == right
    assert counts.predicted.total() == predicted
    assert counts.true.total() == true


def test_agrees_with_nervaluate_per_type_on_random_sentences() -> None:
    rng = np.random.default_rng(3)
    truth: list[list[str]] = []
    guess: list[list[str]] = []
    for _ in range(400):
        sentence, altered, length = [], [], int(rng.integers(1, 25))
        at = 0
        while (start := at + int(rng.integers(0, 3))) < length:
            at = min(length, start + int(rng.integers(1, 4)))
            span = WordSpan(start, at, str(rng.choice(TYPES)))
            sentence.append(span)
            fate = rng.random()
            if fate < 0.6:
                altered.append(span)
            elif fate < 0.75:
                altered.append(WordSpan(start, at, str(rng.choice(TYPES))))
            elif fate < 0.9:
                altered.append(WordSpan(start, start + 1, span.type))
        truth.append(tags_from_spans(sentence, length))
        guess.append(tags_from_spans(altered, length))
    counts = EntityCounts()
    for true_tags, guessed_tags in zip(truth, guess, strict=True):
        counts.add(true=true_tags, predicted=guessed_tags)
    theirs = Evaluator(truth, guess, tags=list(TYPES), loader="list").evaluate()
    assert counts.types == list(TYPES)
    for kind in TYPES:
        strict = theirs["entities"][kind]["strict"]
        assert counts.right[kind] == strict.correct > 0
        assert counts.predicted[kind] == strict.actual
        assert counts.true[kind] == strict.possible


@pytest.mark.parametrize("tag", ["", "PER", "B-", "I", "S-PER", "o", "B_PER"])
def test_refuses_what_is_no_iob2_tag(tag: str) -> None:
    with pytest.raises(InvalidInputError, match="IOB2"):
        spans_from_tags(["O", tag])


@pytest.mark.parametrize(
    "spans",
    [
        [WordSpan(0, 5, "LOC")],
        [WordSpan(2, 2, "LOC")],
        [WordSpan(-1, 2, "LOC")],
        [WordSpan(0, 2, "LOC"), WordSpan(1, 3, "PER")],
    ],
)
def test_refuses_spans_that_cannot_be(spans: list[WordSpan]) -> None:
    with pytest.raises(InvalidInputError, match="span"):
        tags_from_spans(spans, 4)
