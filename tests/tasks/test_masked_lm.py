from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from squeezebert.data.examples import Document
from squeezebert.errors import ConfigError, InvalidInputError
from squeezebert.spec import TaskSpec
from squeezebert.tasks.base import IGNORE_INDEX, Features
from squeezebert.tasks.mask_answers import MaskAnswers
from squeezebert.tasks.masked_lm import MaskedLM
from squeezebert.tasks.reference import ReferenceEmbeddings
from squeezebert.tokenizer import Tokenizer
from squeezebert.wordpiece import SPECIAL_TOKENS

LETTERS = "abcdefghijklmnopqrstuvwxyz"
TOKENIZER = Tokenizer.from_vocabulary(
    [*SPECIAL_TOKENS, *LETTERS, *(f"##{letter}" for letter in LETTERS), "cat", "?"],
    lowercase=True,
)
SPEC = TaskSpec(task="masked_lm", max_length=16)
TASK = MaskedLM(SPEC, TOKENIZER)
VOCAB_SIZE = TOKENIZER.vocab_size

documents = st.lists(
    st.lists(st.text(st.sampled_from("abcé ?\n\x00漢"), max_size=40), max_size=5).map(
        lambda turns: Document(turns=tuple(turns))
    ),
    max_size=4,
)


def answer(task: MaskedLM, features: list[Features], sure: float) -> list[MaskAnswers]:
    """A model that gives the true token ``sure`` more than any other."""
    reduced = []
    for item in features:
        gaps = task.positions(item)
        logits = np.zeros((len(gaps), VOCAB_SIZE), dtype=np.float32)
        assert item.labels is not None
        logits[np.arange(len(gaps)), item.labels[gaps]] = sure
        reduced.append(task.reduce(item, logits))
    return reduced


def unmasked(item: Features) -> np.ndarray:
    assert item.labels is not None
    return np.where(item.labels == IGNORE_INDEX, item.input_ids, item.labels)


@given(documents)
def test_masks_are_as_promised(cases: list[Document]) -> None:
    features = TASK.encode(cases, with_labels=True)
    for item in features:
        assert item.labels is not None
        assert 3 <= len(item) <= SPEC.max_length
        gaps = TASK.positions(item)
        assert len(gaps) >= 1
        assert (item.input_ids[gaps] == TOKENIZER.mask_id).all()
        assert not TOKENIZER.special_ids & set(item.labels[gaps].tolist())
        text = "\n".join(cases[item.example].turns)
        for position in gaps:
            start, end = item.offsets[position]
            token = TOKENIZER.token(item.labels[position]).removeprefix("##")
            assert text[start:end].lower() in (token, "é")
    # Whatever has no special token around it stands in the inputs, in order.
    for index, case in enumerate(cases):
        ours = [unmasked(item) for item in features if item.example == index]
        tokens = np.concatenate([np.zeros(0, dtype=np.int32), *ours])
        expected = [i for turn in TOKENIZER.encode(case.turns) for i in turn.ids.tolist()]
        ordinary = [i for i in expected if i not in TOKENIZER.special_ids]
        assert [i for i in tokens.tolist() if i not in TOKENIZER.special_ids] == ordinary


@given(documents, st.integers(0, 3))
def test_masks_do_not_depend_on_the_rest_of_the_data(cases: list[Document], seed: int) -> None:
    task = MaskedLM(SPEC, TOKENIZER, seed=seed)
    together = task.encode(cases, with_labels=True)
    alone = [item for case in cases for item in task.encode([case], with_labels=True)]
    again = MaskedLM(SPEC, TOKENIZER, seed=seed, top_k=1).encode(cases, with_labels=True)
    for other in (alone, again):
        assert [item.input_ids.tolist() for item in together] == [
            item.input_ids.tolist() for item in other
        ]


def test_masks_hardly_depend_on_the_length_and_follow_the_seed() -> None:
    rng = np.random.default_rng(0)
    turns = tuple(" ".join(rng.choice(list(LETTERS), size=30)) for _ in range(40))

    def masked(max_length: int, seed: int) -> list[bool]:
        spec = dataclasses.replace(SPEC, max_length=max_length)
        features = MaskedLM(spec, TOKENIZER, seed=seed).encode(
            [Document(turns=turns)], with_labels=True
        )
        framed = {TOKENIZER.cls_id, TOKENIZER.sep_id}
        return [
            bool(token == TOKENIZER.mask_id)
            for item in features
            for token in item.input_ids
            if token not in framed
        ]

    short, long = np.array(masked(34, 0)), np.array(masked(512, 0))
    assert long.mean() == pytest.approx(0.15, abs=0.03)
    # The shorter inputs may have a mask more, where chance gave them none.
    assert (short >= long).all()
    assert short.sum() - long.sum() <= 2
    assert (long != np.array(masked(512, 1))).any()


def test_the_true_tokens_of_a_perfect_model() -> None:
    reference = ReferenceEmbeddings(list(LETTERS), np.random.default_rng(0).normal(size=(26, 8)))
    task = MaskedLM(SPEC, TOKENIZER, reference=reference)
    cases = [Document(turns=("a b c d e f ? ?", "g h i")), Document(turns=("x y z",) * 5)]
    features = task.encode(cases, with_labels=True)
    scores = task.score(cases, features, answer(task, features, sure=50.0))
    assert scores.main == "accuracy"
    assert scores.values["accuracy"] == scores.values["top5_accuracy"] == 1.0
    assert scores.values["cross_entropy"] == pytest.approx(0.0, abs=1e-6)
    assert scores.values["perplexity"] == pytest.approx(1.0)
    assert scores.values["average_cosine_similarity"] == pytest.approx(1.0)
    assert scores.values["random_pair_cosine"] < 0.9
    assert scores.values["most_frequent_cosine"] < 1.0
    assert scores.values["masked_tokens"] == sum(len(task.positions(item)) for item in features)


def test_the_scores_of_a_model_that_knows_nothing() -> None:
    cases = [Document(turns=("a b c d e f g h i",) * 30)]
    features = TASK.encode(cases, with_labels=True)
    scores = TASK.score(cases, features, answer(TASK, features, sure=0.0)).values
    assert scores["perplexity"] == pytest.approx(VOCAB_SIZE, rel=1e-4)
    # Of equals the lower id comes first: [PAD] is always the guess, never "a" and after.
    assert scores["accuracy"] == scores["top5_accuracy"] == 0.0
    assert "average_cosine_similarity" not in scores


def test_cross_entropy_and_ranks_by_hand() -> None:
    cases = [Document(turns=("a",))]
    features = TASK.encode(cases, with_labels=True)
    logits = np.zeros((1, VOCAB_SIZE), dtype=np.float32)
    logits[0, TOKENIZER.token_id("b")] = 2.0
    logits[0, TOKENIZER.token_id("a")] = 1.0
    reduced = [TASK.reduce(features[0], logits)]
    scores = TASK.score(cases, features, reduced).values
    total = VOCAB_SIZE - 2 + np.exp(1) + np.exp(2)
    assert scores["cross_entropy"] == pytest.approx(np.log(total) - 1.0, rel=1e-5)
    assert scores["accuracy"] == 0.0
    assert scores["top5_accuracy"] == 1.0
    ((gap,),) = TASK.predict(cases, features, reduced)
    assert gap.expected == "a"
    assert [candidate.token for candidate in gap.candidates][:2] == ["b", "a"]
    assert gap.candidates[0].score == pytest.approx(np.exp(2) / total)


def test_pseudo_perplexity_masks_every_token_once() -> None:
    cases = [Document(turns=("a b ?", "cat")), Document(turns=("\x00", ""))]
    features = TASK.pseudo_features(cases)
    assert [TASK.positions(item).tolist() for item in features] == [[1], [2], [3], [5]]
    assert all((unmasked(item) == unmasked(features[0])).all() for item in features)
    uniform = TASK.pseudo_perplexity(features, answer(TASK, features, sure=0.0))
    assert uniform == pytest.approx(VOCAB_SIZE, rel=1e-4)
    surer = TASK.pseudo_perplexity(features, answer(TASK, features, sure=3.0))
    assert surer == pytest.approx((VOCAB_SIZE - 1 + np.exp(3)) / np.exp(3), rel=1e-4)


def test_filling_in_for_a_person() -> None:
    cases = [Document(turns=("A [MASK] b",)), Document(turns=("cat", "a [MASK] [MASK]?"))]
    features = TASK.encode(cases)
    reduced = []
    for item in features:
        logits = np.full((len(TASK.positions(item)), VOCAB_SIZE), -20.0, dtype=np.float32)
        logits[:, TOKENIZER.sep_id] = 3.0  # a special token is no candidate
        logits[:, TOKENIZER.token_id("cat")] = 2.0
        logits[:, TOKENIZER.token_id("##s")] = 1.0
        reduced.append(TASK.reduce(item, logits))
    (first,), (second, third) = TASK.predict(cases, features, reduced)
    assert [candidate.text for candidate in first.candidates[:2]] == ["A cat b", "As b"]
    assert first.expected is None
    assert len(first.candidates) == 5
    assert first.candidates[0].score == pytest.approx(
        np.exp(2) / (np.exp(1) + np.exp(2) + np.exp(3)), rel=1e-5
    )
    assert second.candidates[0].text == "cat\na cat [MASK]?"
    assert third.candidates[0].text == "cat\na [MASK] cat?"
    assert "\n".join(cases[1].turns)[third.start : third.end] == "[MASK]"


def test_only_inputs_with_a_gap_are_run() -> None:
    (item,) = TASK.encode([Document(turns=("a " * 40, "b " * 12 + "[MASK] c", "d " * 40))])
    assert item.input_ids.tolist().count(TOKENIZER.mask_id) == 1


def test_a_table_padded_beyond_the_vocabulary() -> None:
    item = TASK.encode([Document(turns=("[MASK]",))])[0]
    logits = np.zeros((1, VOCAB_SIZE + 7), dtype=np.float32)
    logits[0, -1] = 90.0
    answers = TASK.reduce(item, logits)
    assert answers.top_log_probabilities[0, 0] == pytest.approx(-np.log(VOCAB_SIZE), rel=1e-5)
    with pytest.raises(InvalidInputError, match="shape"):
        TASK.reduce(item, logits[:, : VOCAB_SIZE - 1])


def test_texts_without_a_mask_or_without_anything() -> None:
    with pytest.raises(InvalidInputError, match=r"^text 1 has no \[MASK\]\nhint:"):
        TASK.encode([Document(turns=("[MASK]",)), Document(turns=("a",))])
    nothing = [Document(turns=()), Document(turns=("", " \n")), Document(turns=("\x00",))]
    assert TASK.encode(nothing, with_labels=True) == []
    assert TASK.predict(nothing, [], []) == [(), (), ()]
    with pytest.raises(InvalidInputError, match="no masked tokens"):
        TASK.score(nothing, [], [])


def test_scoring_without_labels_is_refused() -> None:
    cases = [Document(turns=("[MASK]",))]
    features = TASK.encode(cases)
    reduced = [TASK.reduce(features[0], np.zeros((1, VOCAB_SIZE), dtype=np.float32))]
    with pytest.raises(InvalidInputError, match="no labels"):
        TASK.score(cases, features, reduced)


@pytest.mark.parametrize("turn", [None, 1, "a\ud800"])
def test_turns_that_are_none(turn: object) -> None:
    document = Document(turns=("a", turn), where="talk.txt:3")  # pyright: ignore
    with pytest.raises(InvalidInputError, match=r"^talk\.txt:3, turn 1,"):
        TASK.encode([document], with_labels=True)


def test_a_line_of_a_megabyte_loses_nothing() -> None:
    task = MaskedLM(dataclasses.replace(SPEC, max_length=512), TOKENIZER)
    features = task.encode([Document(turns=("cat " * 250_000,))], with_labels=True)
    tokens = np.concatenate([unmasked(item) for item in features])
    assert (tokens == TOKENIZER.token_id("cat")).sum() == 250_000


@pytest.mark.parametrize(
    ("spec", "options"),
    [
        (dataclasses.replace(SPEC, max_length=2), {}),
        (dataclasses.replace(SPEC, task="text_classification"), {}),
        (SPEC, {"mask_probability": 0.0}),
        (SPEC, {"seed": -1}),
        (SPEC, {"top_k": 0}),
    ],
)
def test_settings_that_cannot_be(spec: TaskSpec, options: dict) -> None:
    with pytest.raises(ConfigError):
        MaskedLM(spec, TOKENIZER, **options)
