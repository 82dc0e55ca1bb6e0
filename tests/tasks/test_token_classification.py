from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nervaluate import Evaluator

from squeezebert.data.examples import TokenExample
from squeezebert.errors import ConfigError, DataError, InvalidInputError
from squeezebert.spec import TaskSpec
from squeezebert.tasks.base import IGNORE_INDEX, Features
from squeezebert.tasks.decoding import iob2_transitions
from squeezebert.tasks.token_classification import Entity, TokenClassification, WordScores
from squeezebert.tokenizer import Tokenizer
from squeezebert.wordpiece import SPECIAL_TOKENS

LABELS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
SPEC = TaskSpec(task="token_classification", labels=LABELS, max_length=12)
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789."
TOKENIZER = Tokenizer.from_vocabulary(
    [*SPECIAL_TOKENS, *LETTERS, *(f"##{letter}" for letter in LETTERS), "the", "cat", "sat"],
    lowercase=True,
)
TASK = TokenClassification(SPEC, TOKENIZER)

words = st.text(st.sampled_from("abcAZ09éß.'-\x00\u200b漢 "), min_size=1, max_size=25)
examples = st.lists(
    st.lists(st.tuples(words, st.sampled_from(LABELS)), max_size=20).map(
        lambda pairs: TokenExample.from_words([w for w, _ in pairs], [t for _, t in pairs])
    ),
    max_size=4,
)


def answers(features: list[Features], tags: list[list[str]]) -> list[WordScores]:
    """What a model that knows ``tags`` would say, and nonsense wherever it is not asked."""
    rng = np.random.default_rng(0)
    reduced = []
    for item in features:
        assert item.words is not None
        logits = rng.normal(size=(len(item), len(LABELS))).astype(np.float32)
        for token, word in enumerate(item.words.tolist()):
            if word >= 0:
                logits[token] = 0.0
                logits[token, LABELS.index(tags[item.example][word])] = 5.0
        reduced.append(TASK.reduce(item, logits))
    return reduced


@given(examples)
def test_any_tags_come_back_through_windows_and_pieces(cases: list[TokenExample]) -> None:
    features = TASK.encode(cases, with_labels=True)
    tags = [list(case.tags or ()) for case in cases]
    reduced = answers(features, tags)
    assert TASK.tags(cases, features, reduced) == tags
    if any(tags):
        scores = TASK.score(cases, features, reduced).values
        assert scores["token_accuracy"] == 1.0
        has_entities = any(tag != "O" for case in tags for tag in case)
        assert scores["entity_f1"] == float(has_entities)


@given(examples)
def test_inputs_fit_and_their_offsets_point_into_their_words(cases: list[TokenExample]) -> None:
    for item in TASK.encode(cases, with_labels=True):
        example = cases[item.example]
        assert item.words is not None
        assert item.labels is not None
        assert 3 <= len(item) <= SPEC.max_length
        assert item.input_ids[0] == TOKENIZER.cls_id
        assert item.input_ids[-1] == TOKENIZER.sep_id
        assert item.offsets[[0, -1]].tolist() == [[0, 0], [0, 0]]
        assert {len(item.words), len(item.labels), len(item.offsets)} == {len(item)}
        asked = item.words >= 0
        assert (item.labels[~asked] == IGNORE_INDEX).all()
        for token in np.flatnonzero(asked):
            word = int(item.words[token])
            start, end = example.offsets[word]
            assert start <= item.offsets[token, 0] <= item.offsets[token, 1] <= end
            assert LABELS[item.labels[token]] == (example.tags or ())[word]


def test_an_ascii_token_stands_where_its_offsets_say() -> None:
    example = TASK.from_text("Ada sat on 3 mats.")
    item = TASK.encode([example])[0]
    for token, (start, end) in zip(item.input_ids[1:-1], item.offsets[1:-1], strict=True):
        text = example.text[start:end].lower()
        assert TOKENIZER.token(token).removeprefix("##") == text


def test_predictions_are_characters_of_the_raw_text() -> None:
    text = "  Ada\u00a0London,\nsat   on the London-mat!"
    example = TASK.from_text(text)
    tags = ["O"] * len(example.words)
    tags[0:2] = ["B-PER", "I-PER"]
    tags[example.words.index("London-mat")] = "I-LOC"
    features = TASK.encode([example])
    found = TASK.predict([example], features, answers(features, [tags]))[0]
    assert [(e.text, e.type, e.start, e.end) for e in found] == [
        ("Ada\u00a0London", "PER", 2, 12),
        ("London-mat", "LOC", text.index("London-mat"), len(text) - 1),
    ]
    assert all(text[e.start : e.end] == e.text for e in found)


def test_the_score_is_that_of_the_least_sure_word() -> None:
    example = TokenExample.from_words(["the", "cat"])
    features = TASK.encode([example])
    logits = np.zeros((4, 5), dtype=np.float32)
    logits[1, 1] = np.log(12.0)  # 12 / 16
    logits[2, 2] = np.log(4.0)  # 4 / 8
    reduced = [TASK.reduce(features[0], logits)]
    assert TASK.predict([example], features, reduced)[0] == (
        Entity(text="the cat", type="PER", start=0, end=7, score=0.5),
    )
    calm = TokenClassification(dataclasses.replace(SPEC, temperature=2.0), TOKENIZER)
    cooler = calm.predict([example], features, [calm.reduce(features[0], logits)])[0]
    assert cooler[0].score == pytest.approx(2 / 6)


def test_a_word_longer_than_the_model_is_decided_once() -> None:
    example = TokenExample.from_words(["cat", "abcdefghij" * 5, "dog"], ["O", "B-PER", "B-LOC"])
    features = TASK.encode([example], with_labels=True)
    assert len(features) > 5
    decided = np.concatenate([item.words[item.words >= 0] for item in features])
    assert sorted(decided.tolist()) == [0, 1, 2]


def test_no_words_no_inputs() -> None:
    empty = TASK.from_text(" \n\x00")
    assert TASK.encode([empty]) == []
    assert TASK.predict([empty], [], []) == [()]


def test_a_line_of_a_megabyte_is_windowed_whole() -> None:
    spec = dataclasses.replace(SPEC, max_length=512)
    task = TokenClassification(spec, TOKENIZER)
    example = task.from_text("cat sat " * 20_000)
    features = task.encode([example])
    decided = np.concatenate([item.words[item.words >= 0] for item in features])
    assert sorted(decided.tolist()) == list(range(40_000))


def test_scores_by_hand() -> None:
    truth = [["B-PER", "I-PER", "O", "B-LOC"], ["O", "B-LOC"]]
    guess = [["I-PER", "I-PER", "O", "O"], ["B-PER", "I-LOC"]]
    cases = [
        TokenExample.from_words(["the"] * len(tags), tags, where=f"a.conll:{i}")
        for i, tags in enumerate(truth)
    ]
    features = TASK.encode(cases, with_labels=True)
    scores = TASK.score(cases, features, answers(features, guess))
    # Right: PER of the first, LOC of the second (the I-LOC after B-PER starts an entity).
    assert scores.main == "entity_f1"
    assert scores.values["token_accuracy"] == pytest.approx(2 / 6)
    assert scores.values["entity_precision"] == pytest.approx(2 / 3)
    assert scores.values["entity_recall"] == pytest.approx(2 / 3)
    assert scores.values["entity_f1"] == pytest.approx(2 / 3)
    assert scores.per_class["PER"] == {
        "precision": 0.5,
        "recall": 1.0,
        "f1": pytest.approx(2 / 3),
        "support": 1.0,
    }
    assert scores.per_class["LOC"]["recall"] == 0.5
    assert scores.labels == ("O", "LOC", "PER")
    assert scores.confusion == ((1, 0, 1), (1, 1, 0), (0, 0, 2))


def test_scores_agree_with_nervaluate() -> None:
    rng = np.random.default_rng(5)
    kinds = ["O", "PER", "LOC"]

    def sentence(length: int) -> list[str]:
        tags: list[str] = []
        for _ in range(length):
            kind = kinds[rng.choice(3, p=[0.6, 0.2, 0.2])]
            goes_on = bool(tags) and tags[-1][2:] == kind and rng.random() < 0.6
            tags.append("O" if kind == "O" else f"{'I' if goes_on else 'B'}-{kind}")
        return tags

    truth = [sentence(int(rng.integers(1, 30))) for _ in range(150)]
    guess = [[*tags] if rng.random() < 0.5 else sentence(len(tags)) for tags in truth]
    cases = [TokenExample.from_words(["a"] * len(tags), tags) for tags in truth]
    features = TASK.encode(cases, with_labels=True)
    ours = TASK.score(cases, features, answers(features, guess))
    theirs = Evaluator(truth, guess, tags=["PER", "LOC"], loader="list").evaluate()
    for name in ("precision", "recall", "f1"):
        strict = theirs["overall"]["strict"]
        assert ours.values[f"entity_{name}"] == pytest.approx(getattr(strict, name), abs=1e-12)
        for kind in ("PER", "LOC"):
            strict_kind = theirs["entities"][kind]["strict"]
            assert ours.per_class[kind][name] == pytest.approx(
                getattr(strict_kind, name), abs=1e-12
            )


def test_unknown_and_missing_tags_name_their_place() -> None:
    foreign = TokenExample.from_words(["a"], ["B-MISC"], where="dev.conll:4")
    with pytest.raises(DataError, match=r"^dev\.conll:4: unknown tag 'B-MISC'\nhint: .*B-LOC"):
        TASK.encode([foreign], with_labels=True)
    with pytest.raises(DataError, match=r"^text 1 has no tags"):
        TASK.encode([TokenExample.from_words(["a"], ["O"]), TASK.from_text("a")], with_labels=True)


@pytest.mark.parametrize("word", [None, 5, "\udfff"])
def test_words_that_are_none(word: object) -> None:
    example = TokenExample(words=("a", word), offsets=((0, 1), (2, 3)), text="a x")  # pyright: ignore
    with pytest.raises(InvalidInputError, match="text 0, word 1"):
        TASK.encode([example])


def test_raw_texts_that_are_none() -> None:
    with pytest.raises(InvalidInputError, match="expected a string"):
        TASK.from_text(None)  # pyright: ignore
    with pytest.raises(InvalidInputError, match="surrogate"):
        TASK.from_text("a\ud800")


def test_features_of_other_examples_are_refused() -> None:
    example = TASK.from_text("the cat")
    with pytest.raises(InvalidInputError, match="no input decides"):
        TASK.predict([example], [], [])
    plain = dataclasses.replace(TASK.encode([example])[0], words=None)
    with pytest.raises(InvalidInputError, match="nothing of words"):
        TASK.reduce(plain, np.zeros((4, 5), dtype=np.float32))
    with pytest.raises(InvalidInputError, match="no words to score"):
        TASK.score([], [], [])


@pytest.mark.parametrize(
    ("labels", "overlap"),
    [((), None), (LABELS, 10), (LABELS, -1)],
)
def test_settings_that_cannot_be(labels: tuple[str, ...], overlap: int | None) -> None:
    spec = dataclasses.replace(SPEC, labels=labels)
    with pytest.raises(ConfigError):
        TokenClassification(spec, TOKENIZER, overlap=overlap)


def test_the_words_of_an_entity_agree_across_windows() -> None:
    spec = dataclasses.replace(SPEC, transitions=iob2_transitions(LABELS))
    task = TokenClassification(spec, TOKENIZER, overlap=4)
    # Fourteen words of one letter, ten to a window; each by itself I-PER or, hardly less, O.
    examples = [TokenExample.from_words(["a"] * 14, ["O"] * 14)]
    features = task.encode(examples)
    assert len(features) == 2
    row = np.array([0.9, 0.0, 1.0, 0.0, 0.0], dtype=np.float32)
    logits = [np.tile(row, (len(item), 1)) for item in features]
    reduced = [task.reduce(item, said) for item, said in zip(features, logits, strict=True)]
    assert {*TASK.tags(examples, features, reduced)[0]} == {"I-PER"}
    # To begin with B-PER costs 1.0 and buys thirteen times 0.1.
    assert task.tags(examples, features, reduced)[0] == ["B-PER", *["I-PER"] * 13]
    (entity,) = task.predict(examples, features, reduced)[0]
    assert (entity.type, entity.start, entity.end) == ("PER", 0, len(examples[0].text))
    # What the model itself gives the least likely of its tags.
    assert entity.score == pytest.approx(1 / np.exp(row).sum(), rel=1e-5)


def test_types_that_nobody_looked_for_are_neither_right_nor_wrong() -> None:
    case = TokenExample.from_words(["the", "cat", "sat"], ["O", "B-LOC", "O"])
    said = [["B-PER", "B-LOC", "O"]]
    partial = dataclasses.replace(case, types=("LOC",))
    whole = TASK.score([case], features := TASK.encode([case]), answers(features, said)).values
    some = TASK.score([partial], features, answers(features, said)).values
    assert (whole["entity_precision"], some["entity_precision"]) == (0.5, 1.0)
    assert whole["token_accuracy"] == pytest.approx(2 / 3)
    assert some["token_accuracy"] == 1.0
    # Where there is a tag, another one is wrong, whoever looked for what.
    wrong = TASK.score([partial], features, answers(features, [["O", "B-PER", "O"]])).values
    assert wrong["entity_recall"] == 0.0
    assert wrong["token_accuracy"] == pytest.approx(2 / 3)


def test_features_tell_what_an_o_may_be_besides() -> None:
    case = TokenExample.from_words(["the"], ["O"])
    [partial] = TASK.encode([dataclasses.replace(case, types=("LOC",))], with_labels=True)
    assert partial.unsaid is not None
    assert [tag for tag, open_ in zip(LABELS, partial.unsaid, strict=True) if open_] == [
        "B-PER",
        "I-PER",
    ]
    for types in (None, ("LOC", "PER"), ("LOC", "PER", "MISC")):
        [item] = TASK.encode([dataclasses.replace(case, types=types)], with_labels=True)
        assert item.unsaid is None


def test_soft_labels_stand_at_the_first_piece_of_each_word() -> None:
    soft = np.array([[0.1, 0.6, 0.1, 0.1, 0.1], [0.8, 0.05, 0.05, 0.05, 0.05]])
    case = dataclasses.replace(TokenExample.from_words(["cats", "the"]), soft=soft)
    [item] = TASK.encode([case], with_labels=True)
    assert item.soft is not None
    assert item.labels is not None
    asked = np.flatnonzero(item.labels != IGNORE_INDEX)
    assert item.labels[asked].tolist() == [1, 0]
    np.testing.assert_allclose(item.soft[asked], soft, rtol=1e-6)
    narrow = dataclasses.replace(case, soft=soft[:, :3])
    with pytest.raises(DataError, match="soft labels for 3 tags"):
        TASK.encode([narrow], with_labels=True)
