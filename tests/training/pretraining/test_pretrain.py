from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from torch import nn

import squeezebert
from squeezebert.errors import ConfigError
from squeezebert.model import TaskModel, load_model
from squeezebert.tokenizer import Tokenizer
from squeezebert.training.pretraining.pretrain import open_corpus, pretrain
from squeezebert.training.recipe.file import save_recipe
from squeezebert.training.recipe.run import CorpusSource, PretrainRecipe

WORKER = r"""
import sys
import torch.distributed
from squeezebert.training.pretraining.pretrain import pretrain
from squeezebert.training.recipe.file import load_recipe

pretrain(load_recipe(sys.argv[1], "pretrain"), sys.argv[2])
if torch.distributed.is_initialized():
    size, backend = torch.distributed.get_world_size(), torch.distributed.get_backend()
    sys.stdout.write(f"world size {size} {backend}\n")  # in one piece, whatever the other writes
    sys.stdout.flush()
    torch.distributed.destroy_process_group()
"""


def lines(output: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (output / "metrics.jsonl").read_text().splitlines()]


def test_from_text_to_a_model_that_fills_gaps(
    tiny_pretraining: PretrainRecipe, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    loop = dataclasses.replace(tiny_pretraining.loop, max_steps=60, evaluate_steps=30)
    result = pretrain(dataclasses.replace(tiny_pretraining, loop=loop), tmp_path)
    assert result.tokens == 60 * 4 * 16
    assert result.main_score == "masked_loss"
    dev = [line["masked_loss"] for line in lines(tmp_path) if line["kind"] == "dev"]
    train = [line["loss"] for line in lines(tmp_path) if line["kind"] == "train"]
    assert dev[-1] < train[0] - 1.0
    assert result.scores["masked_loss"] == min(dev)
    assert squeezebert.load(tmp_path)("the [MASK] sat")
    model = load_model(tmp_path)
    assert isinstance(model, TaskModel)
    assert model.head_config.kind == "masked_lm"
    error = capsys.readouterr().err
    assert "tokens, read 1 times an epoch" in error
    assert "tokens/s" in error
    assert "text.txt" in (tmp_path / "README.md").read_text()


def test_the_sentence_order_head_is_not_kept(
    tiny_pretraining: PretrainRecipe, tmp_path: Path
) -> None:
    plain = pretrain(tiny_pretraining, tmp_path / "plain").output
    masking = dataclasses.replace(tiny_pretraining.masking, sentence_order=True)
    both = pretrain(dataclasses.replace(tiny_pretraining, masking=masking), tmp_path / "both")
    assert (
        load_file(plain / "model.safetensors").keys()
        == load_file(both.output / "model.safetensors").keys()
    )


def test_a_shared_cache_and_the_data_folder(
    tiny_pretraining: PretrainRecipe,
    corpus: Path,
    tokenizer: Tokenizer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SQUEEZEBERT_DATA", str(corpus.parent.parent))
    relative = f"{corpus.parent.name}/{corpus.name}"
    recipe = dataclasses.replace(
        tiny_pretraining,
        corpus=dataclasses.replace(
            tiny_pretraining.corpus,
            sources=(CorpusSource(path=relative, weight=2.0), CorpusSource(path=str(corpus))),
            cache=str(tmp_path / "cache"),
        ),
    )
    first, second = open_corpus(recipe, tokenizer, tmp_path / "output")
    assert first.key == second.key
    assert (first.weight, second.weight) == (2.0, 1.0)
    assert len(list((tmp_path / "cache").iterdir())) == 1
    assert not (tmp_path / "output").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sources": ()}, r"corpus\.sources is empty"),
        ({"held_out_every": 10_000}, "too small to hold text out"),
        ({"sequence_length": 65}, "positions for 64"),
        ({"sequence_length": 60_000}, "fewer than one sequence"),
    ],
)
def test_a_corpus_that_does_not_do(
    changes: dict[str, object], message: str, tiny_pretraining: PretrainRecipe, tmp_path: Path
) -> None:
    corpus = dataclasses.replace(tiny_pretraining.corpus, **changes)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=message):
        pretrain(dataclasses.replace(tiny_pretraining, corpus=corpus), tmp_path)


@pytest.mark.slow
def test_two_processes_train_like_one(tiny_pretraining: PretrainRecipe, tmp_path: Path) -> None:
    """Two processes of four sequences take the steps of one process of twice four."""
    recipe = dataclasses.replace(
        tiny_pretraining,
        model=dataclasses.replace(
            tiny_pretraining.model,
            shape={**tiny_pretraining.model.shape, "hidden_dropout_prob": 0.0},
        ),
        loop=dataclasses.replace(tiny_pretraining.loop, precision="float32"),
    )
    alone = dataclasses.replace(recipe, loop=dataclasses.replace(recipe.loop, accumulation=2))
    pretrain(alone, tmp_path / "alone")
    save_recipe(recipe, tmp_path / "recipe.toml")
    (tmp_path / "worker.py").write_text(WORKER)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc_per_node", "2", str(tmp_path / "worker.py")]
    command += [str(tmp_path / "recipe.toml"), str(tmp_path / "two")]
    done = subprocess.run(
        command,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # `accelerate launch --cpu` has been seen to run one process and say nothing.
    assert done.stdout.count("world size 2 gloo") == 2
    one, two = (load_file(tmp_path / run / "model.safetensors") for run in ("alone", "two"))
    for name, weight in one.items():
        np.testing.assert_allclose(two[name], weight, atol=1e-5, rtol=1e-4)
    for a, b in zip(lines(tmp_path / "alone"), lines(tmp_path / "two"), strict=True):
        assert a["step"] == b["step"]
        for score in a.keys() & {"loss", "masked_loss", "grad_norm"}:
            assert a[score] == pytest.approx(b[score], rel=1e-4)


def test_documents_kept_apart_from_end_to_end(
    tiny_pretraining: PretrainRecipe, tmp_path: Path
) -> None:
    losses: list[float] = []
    for separate in (False, True):
        corpus = dataclasses.replace(tiny_pretraining.corpus, separate_documents=separate)
        recipe = dataclasses.replace(tiny_pretraining, corpus=corpus)
        losses.append(pretrain(recipe, tmp_path / str(separate)).scores["masked_loss"])
    # Another context for the same questions.
    assert losses[0] != losses[1] == pytest.approx(losses[0], abs=0.3)


def test_utilization_is_told(
    tiny_pretraining: PretrainRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a peak of our own, so that it is the same share of the pace on any machine."""
    monkeypatch.setattr("squeezebert.training.loop.loop.peak_flops", lambda *_, **__: 1e18)
    pretrain(tiny_pretraining, tmp_path)
    told = [line for line in lines(tmp_path) if line["kind"] == "train"]
    assert len(told) == 6
    per_token = [line["mfu"] / line["tokens_per_second"] * 1e18 for line in told]
    assert per_token == pytest.approx([per_token[0]] * 6, rel=1e-4)
    # Three times two operations for each weight that a token is multiplied by, give or take.
    assert 6e3 < per_token[0] < 6e6


@pytest.mark.filterwarnings("ignore")  # torch's compiler sets off its own
def test_compiled_blocks_train_alike(
    tiny_pretraining: PretrainRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Traced once for all blocks; without generating code, which takes a minute on a CPU."""
    compile_module = nn.Module.compile
    monkeypatch.setattr(nn.Module, "compile", lambda m: compile_module(m, backend="aot_eager"))
    losses: list[list[float]] = []
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    for compiled in (False, True):
        recipe = dataclasses.replace(
            tiny_pretraining,
            model=dataclasses.replace(tiny_pretraining.model, dropout=0.0),
            loop=dataclasses.replace(
                tiny_pretraining.loop, compile=compiled, precision="float32", log_steps=1
            ),
        )
        pretrain(recipe, tmp_path / str(compiled))
        losses.append([x["loss"] for x in lines(tmp_path / str(compiled)) if x["kind"] == "train"])
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 1
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
    # Names are as they were: a compiled run is resumed and saved like any other.
    plain, compiled_file = (
        load_file(tmp_path / run / "model.safetensors") for run in ("False", "True")
    )
    assert plain.keys() == compiled_file.keys()
