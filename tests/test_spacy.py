"""The component, against spaCy itself."""

from __future__ import annotations

import os
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import squeezebert

spacy = pytest.importorskip("spacy")

from spacy import displacy  # noqa: E402
from spacy.tokens import Span  # noqa: E402
from spacy.training import Example  # noqa: E402

import squeezebert.spacy as room  # noqa: E402
from squeezebert.errors import CheckpointError, ConfigError  # noqa: E402
from squeezebert.tasks import Entity  # noqa: E402

NER, NEWS = "squeezebert-mini-ner", "squeezebert-mini-news"
TEXTS = [
    "Ada Lovelace met Charles Babbage in London.",
    "",
    "Nothing here.",
    " \n ",
    "Berlin-based Siemens hired Emma Thompson.",
]


def pipeline_of(*names: str, **settings: Any) -> Any:
    nlp = spacy.blank("en")
    for name in names:
        nlp.add_pipe("squeezebert", name=name, config={"model": name, "threads": 1, **settings})
    return nlp


@pytest.fixture(scope="module")
def nlp() -> Any:
    return pipeline_of(NER, NEWS)


def ents(doc: Any) -> list[tuple[str, str]]:
    return [(ent.text, ent.label_) for ent in doc.ents]


def test_entities_and_classes_are_those_of_the_pipelines(nlp: Any) -> None:
    tag, classify = (squeezebert.load(name, threads=1) for name in (NER, NEWS))
    text = TEXTS[0]
    doc = nlp(text)
    assert [(e.start_char, e.end_char, e.label_) for e in doc.ents] == [
        (one.start, one.end, one.type) for one in tag(text)
    ]
    assert len(doc.ents) >= 2
    assert doc.cats == dict(classify(text).probabilities)


def test_many_texts_are_answered_as_single_ones(nlp: Any) -> None:
    docs = list(nlp.pipe(TEXTS * 3, batch_size=4))
    assert [doc.text for doc in docs] == TEXTS * 3
    for doc in docs:
        alone = nlp(doc.text)
        assert ents(doc) == ents(alone)
        assert doc.cats == alone.cats


def test_context_travels_with_its_text(nlp: Any) -> None:
    pairs = [(text, number) for number, text in enumerate(TEXTS)]
    assert [number for _, number in nlp.pipe(pairs, as_tuples=True)] == list(range(len(TEXTS)))


def test_an_entity_takes_the_tokens_that_it_touches() -> None:
    nlp = pipeline_of(NER)
    component = nlp.get_pipe(NER)
    doc = nlp.make_doc("New York-based Ada")
    entity = Entity(text="York-ba", type="LOC", start=4, end=11, score=0.9)
    component._annotate(doc, (entity,))
    assert ents(doc) == [("York-based", "LOC")]


def test_entities_that_are_there_stay_unless_told(nlp: Any) -> None:
    for overwrite, expected in ((False, "NAME"), (True, "PER")):
        own = pipeline_of(NER, overwrite_ents=overwrite)
        doc = own.make_doc(TEXTS[0])
        doc.ents = [Span(doc, 0, 2, label="NAME")]
        doc = own.get_pipe(NER)(doc)
        assert doc.ents[0].label_ == expected
        assert any(ent.text == "London" for ent in doc.ents)


def test_scores_stand_in_spans(nlp: Any) -> None:
    doc = pipeline_of(NER, spans_key="squeezebert")(TEXTS[0])
    scores = doc.spans["squeezebert"].attrs["scores"]
    assert len(scores) == len(doc.spans["squeezebert"]) == len(doc.ents)
    assert all(0.0 < score <= 1.0 for score in scores)
    assert pipeline_of(NER, threshold=1.0)(TEXTS[0]).ents == ()


def test_to_disk_and_back(nlp: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "pipeline"
    nlp.to_disk(path)
    again = spacy.load(path)
    assert ents(again(TEXTS[0])) == ents(nlp(TEXTS[0]))
    assert again(TEXTS[0]).cats == nlp(TEXTS[0]).cats
    # Over itself: what it is read from is what it writes.
    again.to_disk(path)
    # The model's name leads nowhere on another machine.
    config = (path / "config.cfg").read_text(encoding="utf-8")
    (path / "config.cfg").write_text(config.replace(NER, "gone-ner").replace(NEWS, "gone-news"))
    meta = (path / "meta.json").read_text(encoding="utf-8")
    for name in (NER, NEWS):
        short = name.replace("squeezebert-mini", "gone")
        meta = meta.replace(name, short)
        (path / name).rename(path / short)
    (path / "meta.json").write_text(meta)
    assert ents(spacy.load(path)(TEXTS[0])) == ents(nlp(TEXTS[0]))
    assert sorted(item.name for item in path.iterdir() if item.suffix == ".new") == []


def test_to_bytes_and_back(nlp: Any) -> None:
    content = nlp.to_bytes()
    again = spacy.blank("en").from_config(nlp.config).from_bytes(content)
    assert ents(again(TEXTS[0])) == ents(nlp(TEXTS[0]))
    assert again(TEXTS[0]).cats == nlp(TEXTS[0]).cats


def test_a_file_name_in_bytes_leads_nowhere(tmp_path: Path) -> None:
    content = room.srsly.msgpack_dumps({f"../{tmp_path.name}-escaped": b"x"})
    with pytest.raises(CheckpointError):
        room.SqueezeBert(model=NER).from_bytes(content)
    assert not (tmp_path.parent / f"{tmp_path.name}-escaped").exists()


def test_displacy_draws_it(nlp: Any) -> None:
    drawn = displacy.render(nlp(TEXTS[0]), style="ent", jupyter=False)
    assert "London" in drawn
    assert "LOC" in drawn


def test_spacy_scores_it(nlp: Any) -> None:
    """Gold that is its own answer: everything is right."""
    examples = []
    for text in (TEXTS[0], TEXTS[4]):
        doc = nlp(text)
        gold = {
            "entities": [(e.start_char, e.end_char, e.label_) for e in doc.ents],
            "cats": {name: float(p == max(doc.cats.values())) for name, p in doc.cats.items()},
        }
        examples.append(Example.from_dict(nlp.make_doc(text), gold))
    scores = nlp.evaluate(examples)
    assert scores["ents_f"] == 1.0
    assert scores["cats_score"] > 0.0


def test_labels_and_errors(nlp: Any) -> None:
    assert nlp.get_pipe(NER).labels == ("LOC", "MISC", "ORG", "PER")
    assert nlp.get_pipe(NEWS).labels == squeezebert.load(NEWS).labels
    with pytest.raises(ConfigError, match="fills gaps"):
        pipeline_of("squeezebert-mini-mlm")("x")
    with pytest.raises(CheckpointError, match="no-such-model"):
        pipeline_of("no-such-model")("x")
    seen: list[str] = []
    broken = pipeline_of("no-such-model")
    broken.set_error_handler(lambda name, proc, docs, error: seen.append(name))
    assert list(broken.pipe(["a", "b"])) == []
    assert seen == ["no-such-model"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_several_processes(nlp: Any) -> None:
    docs = list(nlp.pipe(TEXTS, n_process=2, batch_size=2))
    assert [ents(doc) for doc in docs] == [ents(nlp(text)) for text in TEXTS]


def test_spacy_finds_it_by_name() -> None:
    root = Path(room.__file__).parents[2]
    if not (root / "pyproject.toml").is_file():
        pytest.skip("not a checkout")
    declared = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    entry = declared["project"]["entry-points"]["spacy_factories"]["squeezebert"]
    module, _, name = entry.partition(":")
    assert getattr(sys.modules[module], name) is room.make_component
