"""From a name to a model directory."""

from __future__ import annotations

from pathlib import Path

import pytest

from squeezebert.checkpoint.hub import resolve
from squeezebert.checkpoint.shipped import (
    Measured,
    ShippedScore,
    ShippedSpeed,
    read_measured,
    shipped_models,
    write_measured,
)
from squeezebert.config import EncoderConfig
from squeezebert.errors import CheckpointError
from squeezebert.model import Encoder, HeadConfig, build_model, load_model, save_model


def test_a_directory_is_itself(tiny_config: EncoderConfig, tmp_path: Path) -> None:
    save_model(build_model(tiny_config, HeadConfig(kind="masked_lm")), tmp_path)
    assert resolve(tmp_path) == tmp_path
    assert resolve(str(tmp_path)) == tmp_path


def test_a_directory_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"holds no config\.json"):
        resolve(tmp_path)


def test_a_run_that_is_not_done(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    with pytest.raises(CheckpointError, match="a run that is not done"):
        resolve(tmp_path)


@pytest.mark.parametrize("name", ["no such model!", "../../nowhere", "a/b/c"])
def test_what_can_be_no_name_is_refused_without_asking_the_hub(name: str) -> None:
    with pytest.raises(CheckpointError, match="no model is called") as caught:
        resolve(name)
    assert "the shipped models are" in str(caught.value)


def test_a_name_that_is_nearly_one() -> None:
    with pytest.raises(CheckpointError, match="did you mean 'squeezebert-mini-news'"):
        resolve("squeezebert-mini-news!")


def test_hub_names_go_through_huggingface_hub(
    tiny_config: EncoderConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub

    save_model(build_model(tiny_config, HeadConfig(kind="masked_lm")), tmp_path)
    asked: list[str] = []

    def download(name: str, *, allow_patterns: list[str]) -> str:
        asked.append(name)
        assert "*.safetensors" in allow_patterns
        return str(tmp_path)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    load_model("squeezebert/squeezebert-uncased")
    load_model("bert-base-uncased")
    assert asked == ["squeezebert/squeezebert-uncased", "bert-base-uncased"]


def test_a_hub_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    def unreachable(*_: object, **__: object) -> str:
        raise OSError("no route")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", unreachable)
    with pytest.raises(CheckpointError, match="could not be had from the Hugging Face hub"):
        resolve("someone/something")


@pytest.mark.network
@pytest.mark.slow
def test_the_real_hub() -> None:
    model = load_model("squeezebert/squeezebert-uncased")
    assert model.config.q_groups == 4


def test_shipped_models_are_whole(root: Path) -> None:
    for shipped in shipped_models():
        model = load_model(shipped.name)
        if shipped.spec is None:
            assert isinstance(model, Encoder)
        else:
            assert model.head_config.kind == shipped.task
        assert shipped.languages
        assert shipped.size_mb > 0
        assert shipped.description, f"{shipped.name} has no model card"
        assert shipped.scores, f"{shipped.name} has no score"
        assert shipped.speed is not None
        card = (shipped.directory / "README.md").read_text(encoding="utf-8")
        page = (root / "docs" / "models.md").read_text(encoding="utf-8")
        (row,) = (line for line in page.splitlines() if line.startswith(f"| [{shipped.name}]"))
        for score in shipped.scores:
            assert f"| {score.name} |" in card
            assert f"{score.name} {score.value:.3f} ({score.data})" in row


def test_what_was_measured_can_be_read_back(tmp_path: Path) -> None:
    assert read_measured(tmp_path) == Measured()
    scores = (ShippedScore(name="accuracy", value=0.5, data="sample_news", split="test"),)
    speed = ShippedSpeed(cpu_ms=1.5, tokens=64, precision="int8", isa="avx2", cpu="x")
    for given in (
        Measured(scores=scores),
        Measured(scores=scores, speed=speed),
        Measured(scores=scores, speed=speed, languages=("en", "de")),
    ):
        write_measured(tmp_path, given)
        assert read_measured(tmp_path) == given
    (tmp_path / "measured.json").write_text('{"scores": [{"names": "x"}], "speed": null}')
    with pytest.raises(CheckpointError, match=r"measured\.json: scores\[0\] has no field"):
        read_measured(tmp_path)
