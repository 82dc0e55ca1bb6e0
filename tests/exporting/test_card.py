"""Model cards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import huggingface_hub

from squeezebert.checkpoint.shipped import Measured, ShippedScore, write_measured
from squeezebert.exporting.card import Said, model_card

Write = Callable[..., Path]


def metadata(card: str) -> huggingface_hub.ModelCardData:
    return huggingface_hub.ModelCard(card).data


def test_metadata_tell_what_the_model_knows(write_model: Write, tmp_path: Path) -> None:
    source = write_model(tmp_path / "model", kind="single_label")
    score = ShippedScore(name="accuracy", value=0.75, data="reviews", split="test")
    write_measured(source, Measured(scores=(score,)))
    said = Said(license="mit", base_model="me/start", datasets=("me/reviews",))
    card = model_card(source, "me/model", said)
    found = metadata(card)
    assert (found.pipeline_tag, found.license) == ("text-classification", "mit")
    assert (found.base_model, found.datasets) == ("me/start", ["me/reviews"])
    assert found.eval_results is not None
    assert found.eval_results[0].metric_value == 0.75
    assert "Labels: bad, fair, good." in card
    assert 'squeezebert.load("me/model")' in card
    assert "| accuracy | 0.7500 | reviews | test |" in card


def test_a_text_that_is_there_stays_and_metadata_are_renewed(
    write_model: Write, tmp_path: Path
) -> None:
    source = write_model(tmp_path / "model", kind="encoder")
    (source / "README.md").write_text("# Mine\n\nWords.\n")
    first = model_card(source, "me/model", Said(license="mit"))
    (source / "README.md").write_text(first)
    second = model_card(source, "me/model", Said(license="apache-2.0"))
    assert second.endswith("---\n\n# Mine\n\nWords.\n")
    assert second.count("license:") == 1
    assert metadata(second).license == "apache-2.0"
    assert metadata(second).pipeline_tag == "feature-extraction"


def test_what_transformers_does_not_read_is_not_promised(
    write_model: Write, tmp_path: Path
) -> None:
    narrow = write_model(tmp_path / "narrow", kind="tokens", shape="bottleneck")
    plain = write_model(tmp_path / "plain", kind="tokens")
    sentence = "`transformers` reads it too."
    assert sentence in model_card(plain, "me/model")
    assert sentence not in model_card(narrow, "me/model")
