"""Altered copies of texts: of their words and other texts' words, the same each time."""

from __future__ import annotations

import pytest

from squeezebert.data.examples import TextExample
from squeezebert.data.variants import variants

TEXTS = [f"{letter}1 {letter}2 {letter}3 {letter}4 {letter}5 {letter}6" for letter in "abcdefgh"]


def test_words_are_those_of_the_texts() -> None:
    known = {word for text in TEXTS for word in text.split()}
    examples = [TextExample(text=text, label="x", where="here") for text in TEXTS] * 20
    found = list(variants(examples))
    assert len(found) == len(examples)
    assert all(set(copy.text.split()) <= known and copy.text for copy in found)
    assert all(copy.label is None and copy.where == "here" for copy in found)
    changed = [copy.text != example.text for copy, example in zip(found, examples, strict=True)]
    assert sum(changed) > 0.8 * len(found)
    assert list(variants(examples)) == found
    assert list(variants(examples, seed=1)) != found


def test_either_text_of_a_pair_or_both_are_altered() -> None:
    pairs = [TextExample(text=a, pair=b) for a, b in zip(TEXTS, TEXTS[::-1], strict=True)] * 30
    found = list(variants(pairs))
    changed = {
        (copy.text != pair.text, copy.pair != pair.pair)
        for copy, pair in zip(found, pairs, strict=True)
    }
    assert changed >= {(True, False), (False, True), (True, True)}


@pytest.mark.parametrize("text", ["", "one", " "])
def test_texts_too_short_to_alter_stay(text: str) -> None:
    assert [copy.text for copy in variants([TextExample(text=text)])] == [text]
