from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest

from squeezebert.data.catalog import Dataset, data_root, dataset_names, open_dataset
from squeezebert.data.sources import SOURCES
from squeezebert.data.tags import entity_spans
from squeezebert.errors import DataError, InvalidInputError


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data directory."""
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("SQUEEZEBERT_DATA", str(folder))
    return folder


@pytest.fixture
def real(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The real data directory."""
    monkeypatch.setenv("SQUEEZEBERT_DATA", str(shared_data))
    return shared_data


def put(file: Path, content: str | bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)


# -- finding -------------------------------------------------------------------------------------


def test_names():
    assert dataset_names() == tuple(SOURCES)
    assert dataset_names("masked_lm") == (
        "dailydialog",
        "dailydialog_dedup",
        "xdailydialog_en",
        "xdailydialog_de",
        "sample_dialogues",
    )


def test_root(data, monkeypatch, tmp_path):
    assert data_root() == data
    monkeypatch.setenv("SQUEEZEBERT_DATA", str(data / "none"))
    with pytest.raises(DataError, match=r"SQUEEZEBERT_DATA is '.*none', which is not a directory"):
        data_root()
    monkeypatch.delenv("SQUEEZEBERT_DATA")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    assert data_root() is None
    (tmp_path / "shared" / "data").mkdir(parents=True)
    assert data_root() == Path("../shared/data")


def test_without_a_data_directory(monkeypatch, tmp_path, fails):
    monkeypatch.delenv("SQUEEZEBERT_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    message = fails(
        lambda: open_dataset("conll2003_en", task="token_classification"),
        "conll2003_en",
        "SQUEEZEBERT_DATA is not set",
        hint="set SQUEEZEBERT_DATA",
    )
    assert "docs/data.md" in message


def test_a_set_that_is_not_in_the_directory(data, fails):
    fails(
        lambda: open_dataset("dailydialog", task="masked_lm"),
        data / "dailydialog" / "dialogues_test.txt",
        "does not exist",
        hint="docs/data.md",
    )


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_any_compression_will_do(data, suffix):
    text = b"Hi __eou__ Hello __eou__\n"
    put(
        data / "dailydialog" / f"dialogues_train.txt{suffix}",
        gzip.compress(text) if suffix else text,
    )
    dataset = open_dataset("dailydialog", task="masked_lm", split="train")
    assert dataset.examples[0].turns == ("Hi", "Hello")


# -- reading sets of one's own making ------------------------------------------------------------


def test_our_share_of_train_is_dev(data):
    rows = [{"label": "World", "text": f"text #39; {n}"} for n in range(100)]
    put(data / "ag_news" / "train_subset.jsonl", "\n".join(json.dumps(row) for row in rows))
    put(data / "ag_news" / "test.csv", '"4","A title","A &lt;b&gt;\\text"\n')
    train, dev, test = (
        open_dataset("ag_news", task="text_classification", split=split)
        for split in ("train", "dev", "test")
    )
    assert (len(train), len(dev), len(test)) == (95, 5, 1)
    assert not {e.text for e in train.examples} & {e.text for e in dev.examples}
    assert (test.examples[0].text, test.examples[0].label) == ("A title . A <b> text", "Sci/Tech")
    assert train.labels == dev.labels == test.labels == ("World", "Sports", "Business", "Sci/Tech")


def test_our_split_of_one_file_has_no_text_twice(data):
    rows = "".join(f"{'spam' if n % 4 == 0 else 'ham'}\tmessage {n % 200}\n" for n in range(400))
    put(data / "sms_spam" / "SMSSpamCollection", rows)
    sizes: list[int] = []
    texts: list[str] = []
    for split in ("train", "dev", "test"):
        dataset = open_dataset("sms_spam", task="text_classification", split=split)
        sizes.append(len(dataset))
        texts += [example.text for example in dataset.examples]
    assert sizes == [140, 20, 40]
    assert len(set(texts)) == len(texts) == 200


def test_dialogues_of_train_leave_dev_and_test(data):
    folder = data / "dailydialog"
    put(folder / "dialogues_train.txt", "Hi ! __eou__\nhi __eou__\nNew __eou__\n")
    put(folder / "dialogues_test.txt", "HI __eou__\nOther __eou__\nother . __eou__\n")
    train = open_dataset("dailydialog_dedup", task="masked_lm", split="train")
    test = open_dataset("dailydialog_dedup", task="masked_lm")
    assert [d.turns[0] for d in train.examples] == ["Hi !", "New"]
    assert [d.turns[0] for d in test.examples] == ["Other"]
    assert len(open_dataset("dailydialog", task="masked_lm")) == 3


def test_labels_come_from_all_splits(data):
    put(data / "intents" / "banking77" / "train.csv", "text,category\na,x\nb,y\n")
    put(data / "intents" / "banking77" / "test.csv", "text,category\nc,z\n")
    test = open_dataset("banking77", task="text_classification")
    assert test.labels == ("x", "y", "z")


def test_germeval_types(data):
    rows = "# remark\n1\tUlmer\tB-LOCderiv\tO\n2\tAda\tB-PER\tO\n"
    put(data / "germeval2014" / "NER-de-test.tsv", rows)
    whole = open_dataset("germeval2014", task="token_classification")
    main = open_dataset("germeval2014_main", task="token_classification")
    assert whole.examples[0].tags == ("B-LOCderiv", "B-PER")
    assert main.examples[0].tags == ("O", "B-PER")
    assert len(whole.labels) == 25
    assert main.labels == tuple(
        "O B-LOC I-LOC B-ORG I-ORG B-OTH I-OTH B-PER I-PER".split()  # noqa: SIM905
    )


def test_an_unknown_class_in_a_known_set(data, fails):
    put(data / "sms_spam" / "SMSSpamCollection", "ham\ta\nspma\tb\n")
    fails(
        lambda: open_dataset("sms_spam", task="text_classification"),
        f"{data / 'sms_spam' / 'SMSSpamCollection'}:2",
        "unknown label 'spma'",
        hint="did you mean 'spam'?",
    )


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("{", "invalid JSON"),
        ("[]", "no list 'test'"),
        ('{"test": [["a"]]}', "test[0]: ['a']"),
        ('{"test": []}', "the list 'test' is empty"),
    ],
)
def test_broken_clinc_file(data, fails, content, found):
    file = data / "intents" / "clinc150" / "data_full.json"
    put(file, content)
    fails(lambda: open_dataset("clinc150", task="text_classification"), file, found)


# -- sets that come from the hub -----------------------------------------------------------------


def qnli(file: Path, rows: list[dict[str, object]]) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    file.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pa.Table.from_pylist(rows), file)
    return file


@pytest.mark.parametrize("with_directory", [True, False])
def test_what_is_not_in_the_directory_comes_from_the_hub(
    data, monkeypatch, tmp_path, with_directory
):
    import huggingface_hub

    asked: list[tuple[str, str, str]] = []

    def download(repository: str, path: str, *, repo_type: str) -> str:
        asked.append((repository, path, repo_type))
        return str(qnli(tmp_path / "cache" / "a.parquet", rows))

    rows: list[dict[str, object]] = [
        {"question": "Who ran?", "sentence": "Ada ran.", "label": 0, "idx": 0},
        {"question": "Who ran?", "sentence": "It rained.", "label": 1, "idx": 1},
    ]
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    if not with_directory:
        monkeypatch.delenv("SQUEEZEBERT_DATA")
        monkeypatch.chdir(tmp_path / "data")
    dev = open_dataset("qnli", task="text_classification", split="dev")
    assert asked == [("nyu-mll/glue", "qnli/validation-00000-of-00001.parquet", "dataset")]
    assert [(e.text, e.pair, e.label) for e in dev.examples] == [
        ("Who ran?", "Ada ran.", "entailment"),
        ("Who ran?", "It rained.", "not_entailment"),
    ]
    assert dev.labels == ("entailment", "not_entailment")
    with pytest.raises(DataError, match="no test split, only train, dev"):
        open_dataset("qnli", task="text_classification", split="test")


def test_a_file_in_the_directory_wins_over_the_hub(data, monkeypatch):
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", None)
    rows: list[dict[str, object]] = [{"question1": "a", "question2": "", "label": 1}]
    qnli(data / "glue" / "QQP" / "dev.parquet", rows)
    # A pair with an empty question counts like any other.
    dev = open_dataset("qqp", task="text_classification", split="dev")
    assert [(e.text, e.pair, e.label) for e in dev.examples] == [("a", "", "duplicate")]


def test_without_network(data, monkeypatch, fails):
    import huggingface_hub

    def unreachable(*_: object, **__: object) -> str:
        raise OSError("no route")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", unreachable)
    fails(
        lambda: open_dataset("mnli", task="text_classification", split="dev"),
        data / "glue" / "MNLI" / "dev_matched.parquet",
        "'mnli' has no dev file",
        "nyu-mll/glue on the Hugging Face hub",
        hint="network",
    )


@pytest.mark.network
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "size"),
    [("qnli", 5463), ("qqp", 40430), ("mnli", 9815), ("mnli_mismatched", 9832)],
)
def test_the_real_hub(data, name, size):
    dev = open_dataset(name, task="text_classification", split="dev")
    assert len(dev) == size
    assert {example.label for example in dev.examples} == set(dev.labels)


# -- what cannot be asked ------------------------------------------------------------------------


def test_wrong_task():
    with pytest.raises(InvalidInputError) as caught:
        open_dataset("ag_news", task="masked_lm")
    assert "ag_news is a data set for text_classification" in caught.value.message
    assert caught.value.hint is not None
    assert "dailydialog" in caught.value.hint


def test_unknown_name_task_and_split():
    with pytest.raises(InvalidInputError, match="did you mean 'bbc_news'"):
        open_dataset("bbcnews", task="text_classification")
    with pytest.raises(InvalidInputError, match="the sets for masked_lm are 'dailydialog'"):
        open_dataset("zzz", task="masked_lm")
    with pytest.raises(InvalidInputError, match="task is 'ner'"):
        open_dataset("bbc_news", task="ner")  # pyright: ignore
    with pytest.raises(InvalidInputError, match=r"split is 'tset'.*\nhint: did you mean 'test'"):
        open_dataset("bbc_news", task="text_classification", split="tset")


@pytest.mark.parametrize(
    ("name", "split", "there"),
    [("sst2", "test", "train, dev"), ("gnad10_de", "train", "test")],
)
def test_splits_that_a_set_does_not_have(name, split, there, fails):
    fails(
        lambda: open_dataset(name, task="text_classification", split=split),
        name,
        f"no {split} split, only {there}",
    )


def test_columns_of_a_known_set():
    with pytest.raises(InvalidInputError, match=r"takes no columns(?s:.*)\./bbc_news"):
        open_dataset("bbc_news", task="text_classification", text="body")


# -- one's own files -----------------------------------------------------------------------------


def test_a_table_by_path(write):
    file = write("my.csv", "body;topic\na;y\nb;x\n")
    dataset = open_dataset(
        str(file), task="text_classification", text="body", label="topic", delimiter=";"
    )
    assert isinstance(dataset, Dataset)
    assert (len(dataset), dataset.labels, dataset.split) == (2, ("x", "y"), "test")
    assert dataset.name == str(file)


def test_given_labels_keep_their_order_and_are_checked(write, fails):
    file = write("my.csv", "text,label\na,y\n")
    task = "text_classification"
    assert open_dataset(file, task=task, labels=["z", "y"]).labels == ("z", "y")
    fails(lambda: open_dataset(file, task=task, labels=["x"]), f"{file}:2", "unknown label 'y'")


@pytest.mark.parametrize("name", ["missing.csv", "folder/missing"])
def test_a_path_that_is_not_there(name, fails):
    fails(lambda: open_dataset(name, task="text_classification"), name, "no such file")


def test_numbers_and_several_labels_by_path(write):
    file = write("my.csv", "text,label\na,1.5\n")
    dataset = open_dataset(file, task="text_classification", problem_type="regression")
    assert (dataset.labels, dataset.examples[0].label) == ((), 1.5)
    file = write("my.jsonl", '{"text": "a", "label": ["y", "x"]}')
    dataset = open_dataset(file, task="text_classification", problem_type="multi_label")
    assert (dataset.labels, dataset.problem_type) == (("x", "y"), "multi_label")


def test_a_directory_of_columns(write, tmp_path):
    write("train.conll", "Ada\tx\tS-PER\n")
    write("dev.conll", "Ulm\tx\tS-LOC\n")
    dev = open_dataset(tmp_path, task="token_classification", split="dev")
    assert dev.labels == ("O", "B-LOC", "I-LOC")
    assert dev.examples[0].tags == ("B-LOC",)
    with pytest.raises(DataError, match="has no test split"):
        open_dataset(tmp_path, task="token_classification")


def test_spans_by_path(write):
    file = write("a.jsonl", '{"text": "Ada", "entities": [{"start": 0, "end": 3, "type": "PER"}]}')
    dataset = open_dataset(file, task="token_classification", labels=["PER", "LOC"])
    assert dataset.labels == ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")


def test_documents_by_path(write):
    dataset = open_dataset(write("a.txt", "One.\n\nTwo.\n"), task="masked_lm")
    assert (len(dataset), dataset.labels) == (2, ())


# -- what ships ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in SOURCES if SOURCES[name].shipped])
@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_samples(name, split, monkeypatch, tmp_path):
    """They need no data directory."""
    monkeypatch.setenv("SQUEEZEBERT_DATA", str(tmp_path))
    dataset = open_dataset(name, task=SOURCES[name].task, split=split)
    assert len(dataset) >= 10
    if dataset.task == "text_classification":
        assert len(dataset.labels) == 6
        assert {example.label for example in dataset.examples} == set(dataset.labels)


# -- the real sets, against the published figures ------------------------------------------------


@pytest.mark.parametrize(
    ("name", "split", "sentences", "words", "entities"),
    [
        ("conll2003_en", "train", 14041, 203621, 23499),
        ("conll2003_en", "dev", 3250, 51362, 5942),
        ("conll2003_en", "test", 3453, 46435, 5648),
        ("conll2003_de", "train", 12152, 206931, 11851),
        ("conll2003_de", "dev", 2867, 51444, 4833),
        ("conll2003_de", "test", 3005, 51943, 3673),
        ("wikiann_en", "test", 10000, 80326, 13958),
        ("wikiann_de", "test", 10000, 97646, 13868),
        ("germeval2014", "dev", 2200, 41653, None),
        ("germeval2014", "test", 5100, 96499, None),
        ("german_ler", "test", 6673, None, 5322),
        ("uner_ewt", "dev", 2001, None, 966),
        ("broad_twitter", "train", 6338, None, 8779),
        ("broad_twitter", "dev", 1000, None, 1730),
        ("broad_twitter", "test", 2001, None, 4376),
        ("wikigold", "train", 1696, None, 3558),
        ("wnut17", "train", 3394, None, 1975),
        ("wnut17", "dev", 1009, None, 836),
        ("wnut17", "test", 1287, None, 1079),
        ("mobie", "train", 4785, None, 8420),
        ("mobie", "dev", 1082, None, 1850),
        ("mobie", "test", 1210, None, 2956),
    ],
)
def test_real_entities(real, name, split, sentences, words, entities):
    dataset = open_dataset(name, task="token_classification", split=split)
    assert len(dataset) == sentences
    if words is not None:
        assert sum(len(example.words) for example in dataset.examples) == words
    if entities is not None:
        assert sum(len(entity_spans(example)) for example in dataset.examples) == entities


def test_real_sets_that_leave_types_out(real):
    for name, split in (("uner_ewt", "dev"), ("mobie", "test"), ("wikiann_de", "dev")):
        dataset = open_dataset(name, task="token_classification", split=split)
        assert {example.types for example in dataset.examples} == {("LOC", "ORG", "PER")}
    dataset = open_dataset("wikigold", task="token_classification", split="train")
    assert {example.types for example in dataset.examples} == {None}


def test_real_types(real):
    dataset = open_dataset("conll2003_en", task="token_classification")
    types = Counter(span.type for example in dataset.examples for span in entity_spans(example))
    assert types == {"LOC": 1668, "MISC": 702, "ORG": 1661, "PER": 1617}


@pytest.mark.parametrize(
    ("name", "sizes", "labels"),
    [
        ("ag_news", {"test": 7600}, 4),
        ("bbc_news", {"train": 1465, "dev": 209, "test": 418}, 5),
        ("sms_spam", {"train": 3620, "dev": 516, "test": 1035}, 2),
        ("reuters21578", {"test": 3019}, 90),
        ("gnad10_de", {"test": 1028}, 9),
        ("sst2", {"train": 67349, "dev": 872}, 2),
        ("cola", {"train": 8551, "dev": 1043}, 2),
        ("mrpc", {"dev": 408, "test": 1725}, 2),
        ("rte", {"train": 2490, "dev": 277}, 2),
        ("wnli", {"train": 635, "dev": 71}, 2),
        ("stsb", {"train": 5749, "dev": 1500, "test": 1379}, 0),
        ("stsb_de", {"train": 5749, "dev": 1500, "test": 1379}, 0),
        ("clinc150", {"train": 15000, "dev": 3000, "test": 4500}, 150),
        ("banking77", {"train": 9504, "dev": 499, "test": 3080}, 77),
        ("snips", {"train": 13094, "dev": 690, "test": 700}, 7),
    ],
)
def test_real_texts(real, name, sizes, labels):
    for split, size in sizes.items():
        dataset = open_dataset(name, task="text_classification", split=split)
        assert len(dataset) == size
        assert len(dataset.labels) == labels
        assert all(example.text.strip() for example in dataset.examples)


def test_real_newsgroups(real):
    dataset = open_dataset("newsgroups20", task="text_classification")
    assert (len(dataset), len(dataset.labels)) == (7532, 20)
    assert all(example.text.strip() for example in dataset.examples)


def test_real_balance(real):
    dataset = open_dataset("ag_news", task="text_classification")
    counts = Counter(example.label for example in dataset.examples)
    assert counts == dict.fromkeys(("World", "Sports", "Business", "Sci/Tech"), 1900)


@pytest.mark.parametrize("name", ["bbc_news", "sms_spam"])
def test_real_splits_of_ours_share_no_text(real, name):
    texts = [
        {
            e.text.partition("\n")[2] or e.text
            for e in open_dataset(name, task="text_classification", split=split).examples
        }
        for split in ("train", "dev", "test")
    ]
    assert not texts[0] & texts[1]
    assert not texts[0] & texts[2]
    assert not texts[1] & texts[2]


@pytest.mark.parametrize(
    ("name", "sizes", "test_turns"),
    [
        ("dailydialog", (11118, 1000, 1000), 7740),
        ("dailydialog_dedup", (10225, 874, 846), None),
        ("xdailydialog_en", (1000, 995, 996), None),
        ("xdailydialog_de", (1000, 995, 996), None),
    ],
)
def test_real_dialogues(real, name, sizes, test_turns):
    splits = [open_dataset(name, task="masked_lm", split=s) for s in ("train", "dev", "test")]
    assert tuple(len(split) for split in splits) == sizes
    if test_turns is not None:
        assert sum(len(document.turns) for document in splits[2].examples) == test_turns


@pytest.mark.parametrize(
    ("name", "body", "more"),
    [
        ("news.csv", "id,headline\n1,the cat\n2,the dog\n", {}),
        ("news.tsv", "id\tzeile\n1\tthe cat\n2\tthe dog\n", {"text": "zeile"}),
        ("news.jsonl", '{"zeile": "the cat"}\n{"zeile": "the dog"}\n', {"text": "zeile"}),
    ],
)
def test_each_row_of_a_table_is_a_document(
    name: str, body: str, more: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / name
    file.write_text(body)
    data = open_dataset(file, task="masked_lm", split="train", **more)
    assert [document.turns for document in data.examples] == [("the cat",), ("the dog",)]


def test_a_table_holds_no_entities(tmp_path: Path) -> None:
    file = tmp_path / "names.csv"
    file.write_text("ada,B-PER\nran,O\n")
    with pytest.raises(DataError, match="is a table by its name, expected entities"):
        open_dataset(file, task="token_classification")
    assert len(open_dataset(file, task="token_classification", delimiter=",")) == 1
