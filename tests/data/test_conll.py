from __future__ import annotations

import gzip

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from squeezebert.data.conll import DOCUMENT_START, read_conll, write_conll
from squeezebert.data.examples import TokenExample
from squeezebert.data.tags import is_tag
from squeezebert.errors import DataError, InvalidInputError


def words_and_tags(examples: list[TokenExample]) -> list[tuple[tuple[str, ...], object]]:
    return [(example.words, example.tags) for example in examples]


def test_four_columns_iob1_with_document_lines(write):
    file = write(
        "a.txt",
        "-DOCSTART- -X- O O\n\nAda NNP I-NP I-PER\nBo NNP I-NP B-PER\n\n"
        "-DOCSTART- -X- -X- O\n\nNice JJ I-NP I-LOC\n",
    )
    examples = read_conll(file)
    assert words_and_tags(examples) == [
        (("Ada", "Bo"), ("B-PER", "B-PER")),
        (("Nice",), ("B-LOC",)),
    ]
    assert [example.where for example in examples] == [f"{file}:3", f"{file}:8"]
    assert examples[0].text == "Ada Bo"


def test_document_line_ends_a_sentence(write):
    file = write("a.txt", "Ada B-PER\n-DOCSTART- O\nBo B-PER\n")
    assert [example.words for example in read_conll(file)] == [("Ada",), ("Bo",)]


def test_tabs_and_crlf_and_blank_lines_at_both_ends(write):
    file = write("a.txt", "\r\n\r\nNew York\tB-LOC\r\nis\tO\r\n  \r\n\r\nbig\tO\r\n\r\n")
    assert [e.words for e in read_conll(file)] == [("New York", "is"), ("big",)]


def test_several_spaces_between_columns(write):
    assert read_conll(write("a.txt", "Ada   B-PER \n"))[0].words == ("Ada",)


def test_rare_spaces_belong_to_words(write):
    file = write("a.txt", "a\u00a0b B-X\n\u3000 O\n")
    with pytest.raises(Exception, match="an empty word"):
        read_conll(file)
    assert read_conll(write("b.txt", "a\u00a0b B-X\n"))[0].words == ("a\u00a0b",)


def test_germeval_columns_and_comments(write):
    file = write(
        "a.tsv",
        "#\thttp://x.example/\t[2009-10-17]\t\n1\tAda\tB-PER\tO\n2\t#\tO\tO\n3\tUlm\tB-LOCpart\tO\n",
    )
    examples = read_conll(file, token_column=1, tag_column=2)
    assert words_and_tags(examples) == [(("Ada", "#", "Ulm"), ("B-PER", "O", "B-LOCpart"))]
    assert read_conll(file, token_column=1, tag_column=3)[0].tags == ("O", "O", "O")


def test_hash_signs_that_are_words(write):
    file = write("a.txt", "# a remark\n#\tO\n#1\tB-X\n#\tI-X\n\n#tag\tO\n\n# sent_id = 3\nend\tO\n")
    assert [e.words for e in read_conll(file)] == [("#", "#1", "#"), ("#tag",), ("end",)]


def test_comment_within_a_sentence(write, fails):
    file = write("a.txt", "Ada B-PER\n# a remark here\n")
    fails(lambda: read_conll(file), f"{file}:2", "4 columns", hint="before a sentence")


def test_only_sentences_with_a_comment(write):
    file = write("a.txt", "# split = train\na\tO\n\n# split = dev\nb\tO\n\nc\tO\n")
    assert [e.words for e in read_conll(file, only={"split": "dev"})] == [("b",)]


def test_no_such_sentences(write, fails):
    file = write("a.txt", "# split = train\na\tO\n")
    fails(lambda: read_conll(file, only={"split": "test"}), file, "no sentences with")


def test_any_columns(write):
    file = write("a.txt", "B-PER|x|Ada\n")
    example = read_conll(file, token_column=-1, tag_column=0, delimiter="|")[0]
    assert words_and_tags([example]) == [(("Ada",), ("B-PER",))]


def test_words_without_tags(write):
    file = write("a.txt", "# remark\nAda\n#tag\nwrote\n")
    assert words_and_tags(read_conll(file, tag_column=None)) == [(("Ada", "#tag", "wrote"), None)]


def test_compressed(write):
    file = write("a.conll.gz", gzip.compress(b"Ada B-PER\n"))
    assert read_conll(file)[0].where == f"{file}:1"


def test_iobes_becomes_iob2(write):
    file = write("a.txt", "Ada S-PER\nNew B-LOC\nYork E-LOC\n")
    assert read_conll(file)[0].tags == ("B-PER", "B-LOC", "I-LOC")
    assert read_conll(file, scheme="IOBES")[0].tags == ("B-PER", "B-LOC", "I-LOC")


def test_megabyte_word(write):
    word = "x" * 1_000_000
    assert read_conll(write("a.txt", f"{word} O\n"))[0].words == (word,)


# -- what is wrong with real files ---------------------------------------------------------------


def test_ragged_line(write, fails):
    file = write("a.txt", "Ada NNP B-PER\nwrote O\n")
    fails(lambda: read_conll(file), f"{file}:2", "2 columns", "3 as in the first line")
    file = write("a.txt", "Ada\tB-PER\nwrote\tO\t\n")
    fails(lambda: read_conll(file), f"{file}:2", "3 columns")
    assert read_conll(file, tag_column=1, ragged=True)[0].tags == ("B-PER", "O")


def test_missing_column(write, fails):
    file = write("a.txt", "Ada B-PER\n")
    fails(
        lambda: read_conll(file, tag_column=3),
        f"{file}:1",
        "2 columns ('Ada', 'B-PER')",
        "tag_column 3",
        hint="counted from 0",
    )
    fails(lambda: read_conll(file, token_column=-3), f"{file}:1", "token_column -3")


def test_tag_that_is_in_no_scheme(write, fails):
    file = write("a.txt", "Ada SpaceAfter=No\n")
    fails(lambda: read_conll(file), f"{file}:1", "tag 'SpaceAfter=No'", hint="tag_column=")


@pytest.mark.parametrize("tag", ["I-O", "B-O", "B-PER|SpaceAfter=No", "B-=", "PER|x=y", "_"])
@pytest.mark.parametrize("before", ["B-PER", "O", "PER"])
def test_a_type_that_cannot_be_one(write, fails, tag, before):
    file = write("a.txt", f"Ada\t{before}\nwent\t{tag}\n")
    place = f"{file}:1" if before == "PER" and tag[:2] in ("I-", "B-") and "=" not in tag else file
    fails(lambda: read_conll(file), place, "tag ")


def test_types_without_a_prefix_are_read_by_runs(write):
    file = write("a.txt", "Ada PER\nByron PER\nUlm LOC\nis O\nBo PER\n")
    assert read_conll(file)[0].tags == ("B-PER", "I-PER", "B-LOC", "O", "B-PER")
    assert read_conll(file, scheme="words")[0].tags == ("PER", "PER", "LOC", "O", "PER")


def test_labels_of_words_stay(write):
    file = write("a.txt", "Ada PROPN\nwent VERB\n\n( -LRB-\n")
    assert [e.tags for e in read_conll(file)] == [("PROPN", "VERB"), ("-LRB-",)]
    assert read_conll(file, types=["PROPN", "VERB", "-LRB-"])


def test_a_column_of_something_else_is_no_labels(write, fails):
    file = write("a.txt", "".join(f"word{n} lemma{n}\n" for n in range(80)))
    fails(lambda: read_conll(file), f"{file}:1", "80 different tags", hint="--tag-column")
    file = write("b.txt", "Ada\nwent\n")
    fails(lambda: read_conll(file), f"{file}:1", "1 column ('Ada')", hint="--tag-column")


def test_conll_u(write):
    rows = [
        "# sent_id = s-1",
        "# text = Zum Haus",
        "1-2 Zum _ _ _ _ _ _ _ SpaceAfter=No",
        "1 zu zu ADP APPR _ 3 case _ _",
        "2 dem der DET ART _ 3 det _ _",
        "2.1 null _ X _ _ _ _ _ _",
        "3 Haus Haus NOUN NN _ 0 root _ _",
        "",
    ]
    file = write(
        "a.conllu", "\n".join(row.replace(" ", "\t") if row[:1] != "#" else row for row in rows)
    )
    (sentence,) = read_conll(file, token_column=1, tag_column=3)
    assert (sentence.words, sentence.tags) == (("zu", "dem", "Haus"), ("ADP", "DET", "NOUN"))


@pytest.mark.parametrize(
    "comment",
    [
        "# sent_id = S-12",
        "#id = B-PER",
        "# id = B-PER",
        "# text = Ada went O",
        "# by hand O",
        "# checked by B-PER",
        "# the whole file follows the rules of B-LOC",
        "#",
    ],
)
@pytest.mark.parametrize("columns", [2, 4])
def test_comments_whatever_their_last_cell(write, comment, columns):
    if columns == 2 and comment.count(" ") == 1 and comment.endswith(("O", "PER")):
        pytest.skip("has the columns of a word")
    middle = " NNP I-NP " if columns == 4 else " "
    for between in (" ", "\t"):
        rows = f"Ada{middle}B-PER\n\n".replace(" ", between)
        file = write("a.txt", f"{comment}\n{rows}{comment}\n{rows}")
        assert [e.words for e in read_conll(file)] == [("Ada",), ("Ada",)]


@pytest.mark.parametrize("between", [" ", "\t"])
def test_a_hash_sign_with_the_columns_of_a_word_is_one(write, between):
    rows = "# # I-NP O\n1 CD I-NP O\n\n# CD O O\nAda NNP I-NP B-PER\n\n#ad NNP O B-NEW\n"
    file = write("a.txt", rows.replace(" ", between))
    assert [e.words for e in read_conll(file)] == [("#", "1"), ("#", "Ada"), ("#ad",)]


def test_tag_that_is_not_in_the_given_scheme(write, fails):
    file = write("a.txt", "in O\nUlm S-LOC\n")
    fails(lambda: read_conll(file, scheme="IOB2"), f"{file}:2", "tag 'S-LOC'", "a tag of IOB2")


def test_mixed_schemes(write, fails):
    file = write("a.txt", "Ada B-PER\n\nin O\nUlm I-LOC\n")
    fails(lambda: read_conll(file), f"{file}:4", f"at {file}:1", hint="scheme='IOB1'")
    assert len(read_conll(file, scheme="IOB1")) == 2


def test_unknown_type(write, fails):
    file = write("a.txt", "in O\nUlm B-LOCC\n")
    fails(
        lambda: read_conll(file, types=["LOC", "PER"]),
        f"{file}:2",
        "unknown entity type 'LOCC'",
        "one of 'LOC', 'PER'",
        hint="did you mean 'LOC'?",
    )
    assert read_conll(file, types=["PER"], other_types="O")[0].tags == ("O", "O")


@pytest.mark.parametrize("content", ["", "\n\n", "# only a remark\n", "-DOCSTART- O\n"])
def test_empty_file(write, fails, content):
    file = write("a.txt", content)
    fails(lambda: read_conll(file), file, "no sentences", "at least one word")


def test_empty_word(write, fails):
    file = write("a.txt", "Ada\tB-PER\n\tO\n")
    fails(lambda: read_conll(file), f"{file}:2", "an empty word")


def test_invalid_utf8(write, fails):
    file = write("a.txt", "Zürich B-LOC\n".encode("latin-1"))
    fails(lambda: read_conll(file), f"{file}:1", "byte 0xFC at byte 2", hint="encoding=")
    assert read_conll(file, encoding="latin-1")[0].words == ("Zürich",)


def test_nul_directory_missing_truncated(write, tmp_path, fails):
    file = write("a.txt", b"A\0 O\n")
    fails(lambda: read_conll(file), f"{file}:1", "a NUL character")
    fails(lambda: read_conll(tmp_path), tmp_path, "this is a directory")
    fails(lambda: read_conll(tmp_path / "no.txt"), tmp_path / "no.txt", "no such file")
    file = write("b.txt.gz", gzip.compress(b"Ada B-PER\n" * 100)[:-9])
    fails(lambda: read_conll(file), file, "cut short or damaged")


def test_unknown_scheme(write):
    with pytest.raises(InvalidInputError, match="expected one of IOB1"):
        read_conll(write("a.txt", "a O\n"), scheme="BIO")  # pyright: ignore


# -- writing -------------------------------------------------------------------------------------

word = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\t\n\r\0"), min_size=1, max_size=6
).filter(lambda text: bool(text.strip()) and text != DOCUMENT_START)
kind = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=3).filter(
    lambda name: name != "O"
)
tagged = st.lists(st.tuples(word, st.one_of(st.none(), kind)), min_size=1, max_size=6)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(tagged, min_size=1, max_size=4))
def test_what_is_written_reads_back(tmp_path, sentences):
    examples = [
        TokenExample.from_words(
            [text for text, _ in sentence],
            [f"B-{kind}" if kind else "O" for _, kind in sentence],
        )
        for sentence in sentences
    ]
    file = tmp_path / "a.conll"
    write_conll(file, examples)
    assert words_and_tags(read_conll(file)) == words_and_tags(examples)
    assert all(is_tag(tag) for example in examples for tag in example.tags or ())


@pytest.mark.parametrize("bad", ["a\tb", "a\nb", "a\rb", " ", "", "\0", DOCUMENT_START])
def test_words_that_cannot_be_written(tmp_path, bad):
    file = tmp_path / "a.conll"
    with pytest.raises(InvalidInputError, match="cannot stand in a CoNLL file"):
        write_conll(file, [TokenExample.from_words([bad], ["O"])])
    assert not file.exists()


def test_examples_without_tags_cannot_be_written(tmp_path):
    with pytest.raises(InvalidInputError, match="no tags to write"):
        write_conll(tmp_path / "a.conll", [TokenExample.from_words(["a"])])


@pytest.mark.parametrize("row", ["{} {} B-PER", "{}\t{}\t_\t_\t_\t_\t_\t_\t_\tB-PER"])
def test_words_that_are_numbers_of_words_are_refused(tmp_path, row):
    file = tmp_path / "a.conll"
    rows = [row.format(number, word) for number, word in enumerate(("Ada", "King"), start=1)]
    file.write_text("\n".join(rows) + "\n")
    with pytest.raises(DataError, match="pass --token-column 1"):
        read_conll(file)
    assert read_conll(file, token_column=1)[0].words == ("Ada", "King")
    file.write_text("1 B-PER\n2 O\n")  # two columns: the words themselves
    assert read_conll(file)[0].words == ("1", "2")


def test_comments_alone_are_no_words(tmp_path):
    file = tmp_path / "a.conll"
    file.write_text("# only comment\n# another one\n")
    with pytest.raises(DataError, match="no sentences"):
        read_conll(file)


def test_stray_tags_are_repaired_on_request_and_counted(write, caplog):
    file = write("a.conll", "Ada\tB-PER\nran\tO\n\nBo\tI-PER\nin\tO\nKiel\tI-LOC\n")
    first, second = read_conll(file, scheme="IOB1")
    assert first.tags == ("B-PER", "O")
    assert second.tags == ("B-PER", "O", "B-LOC")
    assert "2 I- tags without a B- begin an entity" in caplog.text


def test_a_bad_sentence_is_left_out_whole(write):
    file = write("a.conll", "Ada\tB-PER\n\nBo\nran\tO\n\nKiel\tB-LOC\n")
    errors = []
    found = read_conll(file, bad=errors.append)
    assert [example.words for example in found] == [("Ada",), ("Kiel",)]
    assert [error.message.partition(": ")[0] for error in errors] == [f"{file}:3"]
