from __future__ import annotations

import pytest
import torch

from squeezebert.tokenizer import Tokenizer
from squeezebert.training.distillation.alignment import Rereader, same_tokens
from squeezebert.training.loop.batches import Batch
from squeezebert.wordpiece import SPECIAL_TOKENS

MINE = Tokenizer.from_vocabulary(
    [*SPECIAL_TOKENS, "Go", "Goth", "##am", "##s", "is", "old", "Ä", "##rger", "."], lowercase=False
)
THEIRS = Tokenizer.from_vocabulary(
    [*SPECIAL_TOKENS, "go", "##tha", "##m", "is", "old", "a", "##rg", "##er", "."], lowercase=True
)


def batch(*rows: list[str], **more: torch.Tensor) -> Batch:
    length = max(map(len, rows))
    ids = torch.tensor(
        [
            [MINE.token_id(token) for token in [*row, *["[PAD]"] * (length - len(row))]]
            for row in rows
        ]
    )
    mask = torch.tensor([[1] * len(row) + [0] * (length - len(row)) for row in rows]).bool()
    inputs = {"input_ids": ids, "attention_mask": mask, **more}
    return Batch(inputs=inputs, labels=torch.zeros(0), targets=1, tokens=int(mask.sum()))


ROWS = (
    ["[CLS]", "Goth", "##am", "is", "old", ".", "[SEP]"],
    ["[CLS]", "Ä", "##rger", "[SEP]"],
)


def test_the_teacher_reads_the_same_words_in_its_own_pieces() -> None:
    read = Rereader(MINE, THEIRS, 512)(batch(*ROWS))
    tokens = [[THEIRS.token(index) for index in row] for row in read.inputs["input_ids"].tolist()]
    assert tokens == [
        ["[CLS]", "go", "##tha", "##m", "is", "old", ".", "[SEP]"],
        ["[CLS]", "a", "##rg", "##er", "[SEP]", "[PAD]", "[PAD]", "[PAD]"],
    ]
    assert read.inputs["attention_mask"].sum(dim=1).tolist() == [8, 5]
    assert read.shown.sum(dim=1).tolist() == [6, 3]  # words, with the ends


def test_states_are_averaged_over_the_pieces_of_a_word() -> None:
    read = Rereader(MINE, THEIRS, 512)(batch(*ROWS))
    ours = torch.arange(7.0).repeat(2, 1)[..., None]
    theirs = torch.arange(8.0).repeat(2, 1)[..., None]
    assert read.of_student(ours)[0, :, 0].tolist() == [0, 1.5, 3, 4, 5, 6]
    assert read.of_teacher(theirs)[0, :, 0].tolist() == [0, 2, 4, 5, 6, 7]
    assert read.of_student(ours)[1, :3, 0].tolist() == [0, 1.5, 3]
    assert read.of_teacher(theirs)[1, :3, 0].tolist() == [0, 2, 4]


def test_logits_of_a_word_are_those_of_its_first_piece() -> None:
    read = Rereader(MINE, THEIRS, 512)(batch(*ROWS))
    found = read.at_tokens(torch.arange(8.0).repeat(2, 1)[..., None])[..., 0]
    assert found[0].tolist() == [0, 1, 1, 4, 5, 6, 7]
    assert found[1, :4].tolist() == [0, 1, 1, 4]
    assert found[1, 4:].isnan().all()


def test_words_that_do_not_fit_the_teacher_do_not_count() -> None:
    read = Rereader(MINE, THEIRS, 3)(batch(*ROWS))
    assert read.inputs["input_ids"].shape == (2, 3)
    assert read.shown[0].tolist() == [True, False, False, False, False, False]
    assert read.at_tokens(torch.zeros(2, 3, 1))[0, :, 0].isnan().tolist() == [False, *[True] * 6]


@pytest.mark.parametrize("special", ["[MASK]", "[UNK]"])
def test_a_word_with_a_special_piece_is_that_as_a_whole(special: str) -> None:
    read = Rereader(MINE, THEIRS, 512)(batch(["[CLS]", "is", special, "##s", "old", "[SEP]"]))
    tokens = [THEIRS.token(index) for index in read.inputs["input_ids"][0].tolist()]
    assert tokens == ["[CLS]", "is", special, "old", "[SEP]"]


def test_the_rest_of_a_cut_word_is_a_word() -> None:
    read = Rereader(MINE, THEIRS, 512)(batch(["[CLS]", "##s", "old", "[SEP]", "##am", "[SEP]"]))
    assert read.shown.sum() == 6


def test_token_types_and_documents_go_along() -> None:
    types = torch.tensor([[0, 0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 0, 0, 0]])
    read = Rereader(MINE, THEIRS, 512)(batch(*ROWS, token_type_ids=types, document_ids=types + 3))
    assert read.inputs["token_type_ids"].tolist()[0] == [0, 0, 0, 0, 0, 1, 1, 1]
    assert read.inputs["token_type_ids"].tolist()[1][:5] == [0, 0, 0, 0, 1]
    assert read.inputs["document_ids"].tolist()[0] == [3, 3, 3, 3, 3, 4, 4, 4]


def test_one_vocabulary_needs_no_words() -> None:
    one = batch(*ROWS)
    read = same_tokens(one)
    states = torch.randn(2, 7, 3)
    assert read.of_student(states) is states
    assert read.at_tokens(states) is states
    assert torch.equal(read.shown, one.inputs["attention_mask"])
