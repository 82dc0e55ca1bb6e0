"""Models' own label sets: what their labels spell, and the tags of data in their words."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from squeezebert.data.examples import TokenExample
from squeezebert.errors import DataError
from squeezebert.spec import TaskSpec
from squeezebert.tasks.entities import WordSpan, spans_from_tags, tags_from_spans
from squeezebert.tasks.tag_sets import TagSet
from squeezebert.tasks.token_classification import TokenClassification
from squeezebert.tokenizer import Tokenizer
from squeezebert.wordpiece import SPECIAL_TOKENS

TYPES = ("LOC", "PER")
SETS = {
    "IOB": ("O", *(f"{p}-{t}" for t in TYPES for p in "BI")),
    "IOBES": ("O", *(f"{p}-{t}" for t in TYPES for p in "BIES")),
    "BILOU": ("O", *(f"{p}-{t}" for t in TYPES for p in "BILU")),
}


@pytest.mark.parametrize(
    ("labels", "naming"),
    [
        *((labels, naming) for naming, labels in SETS.items()),
        (("O", "I-PER", "I-LOC"), "IOB"),
        (("B-NP", "I-NP", "B-VP"), "IOB"),
        (("O", "PER", "LOC"), "IO"),
        (("O", "S-Bahn", "U-Bahn"), "IO"),
        (("NOUN", "VERB", "X"), "words"),
        (("LABEL_0", "LABEL_1"), "words"),
        (("O",), "IO"),
    ],
)
def test_names_tell_the_scheme(labels: tuple[str, ...], naming: str) -> None:
    assert TagSet(labels).naming == naming
    assert TagSet(labels[::-1]).naming == naming


@given(
    st.sampled_from(sorted(SETS)),
    st.lists(st.tuples(st.sampled_from(("", *TYPES)), st.integers(1, 3)), max_size=6),
)
def test_the_tags_of_data_spell_the_same_entities(
    naming: str, parts: list[tuple[str, int]]
) -> None:
    spans, at = list[WordSpan](), 0
    for kind, length in parts:
        if kind:
            spans.append(WordSpan(at, at + length, kind))
        at += length
    tags = tags_from_spans(spans, at)
    tag_set = TagSet(SETS[naming])
    own = tag_set.of_data(tags)
    assert set(own) <= set(tag_set.labels)
    assert tag_set.spans(own) == spans


@given(st.lists(st.sampled_from(SETS["IOB"]), max_size=12))
def test_iob_is_read_as_conlleval_reads_it(tags: list[str]) -> None:
    assert TagSet(SETS["IOB"]).spans(tags) == spans_from_tags(tags)


@pytest.mark.parametrize(
    ("labels", "said", "spans"),
    [
        (SETS["IOBES"], "S-LOC S-LOC B-PER I-PER E-PER", [(0, 1), (1, 2), (2, 5)]),
        (SETS["IOBES"], "I-PER E-PER I-PER O E-LOC", [(0, 2), (2, 3), (4, 5)]),
        (SETS["BILOU"], "U-PER I-PER L-PER B-LOC", [(0, 1), (1, 3), (3, 4)]),
        (("O", "PER", "LOC"), "PER PER O PER LOC", [(0, 2), (3, 4), (4, 5)]),
        (("NOUN", "VERB"), "NOUN NOUN VERB", [(0, 1), (1, 2), (2, 3)]),
        (("O", "B-PER", "I-PER", "X"), "X B-PER I-PER X X", [(0, 1), (1, 3), (3, 5)]),
    ],
)
def test_spans(labels: tuple[str, ...], said: str, spans: list[tuple[int, int]]) -> None:
    assert [span[:2] for span in TagSet(labels).spans(said.split())] == spans


def _task(*labels: str) -> TokenClassification:
    tokenizer = Tokenizer.from_vocabulary([*SPECIAL_TOKENS, "ada", "went"], lowercase=True)
    spec = TaskSpec(task="token_classification", labels=labels, max_length=16)
    return TokenClassification(spec, tokenizer)


def _scores(task: TokenClassification, tags: list[str], said: list[str]) -> dict[str, float]:
    examples = [TokenExample.from_words(["ada"] * len(tags), tags)]
    features = task.encode(examples, with_labels=True)
    rows = [task.spec.labels.index(label) for label in said]
    logits = np.eye(len(task.spec.labels), dtype=np.float32)[[0, *rows, 0]]
    reduced = [task.reduce(features[0], logits)]
    return dict(task.score(examples, features, reduced).values)


@pytest.mark.parametrize(
    ("labels", "said", "accuracy"),
    [
        (("O", "B-PER", "I-PER", "E-PER", "S-PER"), ["B-PER", "E-PER", "O", "S-PER"], 1.0),
        (("O", "B-PER", "I-PER", "E-PER", "S-PER"), ["B-PER", "I-PER", "O", "S-PER"], 0.75),
        (("O", "PER"), ["PER", "PER", "O", "PER"], 1.0),
        (("O", "I-PER"), ["I-PER", "I-PER", "O", "I-PER"], 1.0),
    ],
)
def test_models_of_all_schemes_are_scored_on_iob2_data(
    labels: tuple[str, ...], said: list[str], accuracy: float
) -> None:
    scores = _scores(_task(*labels), ["B-PER", "I-PER", "O", "B-PER"], said)
    assert scores["entity_f1"] == 1.0
    assert scores["token_accuracy"] == accuracy


def test_labeled_words_are_scored_by_word() -> None:
    task = _task("NOUN", "VERB", "X")
    scores = _scores(task, ["NOUN", "VERB", "NOUN", "X"], ["NOUN", "VERB", "VERB", "X"])
    assert scores["token_accuracy"] == 0.75
    assert "entity_f1" not in scores
    examples = [task.from_text("ada went")]
    features = task.encode(examples)
    logits = np.eye(3, dtype=np.float32)[[0, 0, 1, 0]]
    (words,) = task.predict(examples, features, [task.reduce(features[0], logits)])
    assert [(w.text, w.type, w.start, w.end) for w in words] == [
        ("ada", "NOUN", 0, 3),
        ("went", "VERB", 4, 8),
    ]


def test_tags_of_another_kind_are_refused_with_a_way_out() -> None:
    with pytest.raises(DataError, match=r"unknown tag 'B-PER'.*\n.*--label-map"):
        _scores(_task("NOUN", "VERB"), ["B-PER"], ["NOUN"])
    spec = dataclasses.replace(_task("O", "PER").spec, words="pre_tokens")
    task = TokenClassification(spec, _task("O").tokenizer)
    assert task.from_text("Jean-Luc").words == ("Jean", "-", "Luc")
    assert _task("O").from_text("Jean-Luc").words == ("Jean-Luc",)
