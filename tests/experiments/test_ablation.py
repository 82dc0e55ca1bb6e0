"""The ablation: its plan, its arithmetic, and one on tiny models that is stopped and goes on."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from experiments.ablation import ablation
from experiments.ablation import plan as plans
from experiments.ablation import table as tables
from squeezebert.complexity import count
from squeezebert.errors import ConfigError
from squeezebert.tokenizer import Tokenizer

# -- the plan of the repository --------------------------------------------------------------------


@pytest.fixture
def plan(root: Path) -> Any:
    return plans.Plan.load(root / "experiments" / "ablation" / "ablation.toml")


def test_every_arm_has_a_recipe_and_a_shape(plan: Any, tmp_path: Path) -> None:
    for arm in plan.arms:
        recipe = plan.pretraining(arm, tokens=1000, seed=3, cache=tmp_path)
        assert (recipe.loop.max_tokens, recipe.loop.seed) == (1000, 3)
        assert recipe.corpus.cache == str(tmp_path)
        assert plan.shape(arm).vocab_size == 16384
    for task in plan.finetune:
        recipe = plan.finetuning(task, tmp_path, seed=3)
        assert recipe.model.start == str(tmp_path)
        # No weights are chosen on the dev part that they are scored on.
        assert recipe.loop.evaluate_steps > 10**6


def test_the_arms_are_what_their_tables_say(plan: Any) -> None:
    tables = {table.title.split()[0]: table.arms for table in plan.tables}
    groups = [plan.shape(arm) for arm in tables["Groups"]]
    for name in ("q", "k", "v", "intermediate", "output"):
        assert [getattr(shape, f"{name}_groups") for shape in groups] == [1, 2, 4, 8]
    depths = [plan.shape(arm) for arm in tables["Depth"]]
    cost = [count(shape).gflop for shape in depths]
    assert max(cost) < 1.1 * min(cost)
    assert len({shape.head_size for shape in depths}) == 1
    sizes = [plan.shape(arm).embedding_size for arm in tables["Embedding"]]
    assert sizes == sorted(sizes)
    assert len(set(sizes)) == 3
    assert plan.pretraining("distilled", tokens=1, seed=0, cache=Path()).distillation.teachers


def test_a_whole_table_comes_before_more_seeds(plan: Any) -> None:
    arms = ["base", "wide"]
    names = [run.name for run in plan.runs(arms, ["tokens", "time"], 2)]
    assert names == [
        "base-tokens-0",
        "wide-tokens-0",
        "wide-time-0",
        "base-tokens-1",
        "wide-tokens-1",
        "wide-time-1",
    ]


def test_equal_time_goes_by_cpu_time(plan: Any) -> None:
    run = plans.Run(0, "time", "wide")
    costs = {"base": {"training_us": 100.0}, "wide": {"training_us": 125.0}}
    assert ablation.budget_tokens(plan, run, costs) == round(plan.tokens * 0.8)


# -- one of tiny models ----------------------------------------------------------------------------

TINY = """
recipe = "RECIPE"
reference = "base"
tokens = 640
vectors = true
[settings.model]
tokenizer = "VOCABULARY"
[[finetune]]
recipe = "FINETUNE"
[[tables]]
title = "Groups"
arms = ["groups-1", "base"]
[arms.base]
[arms.groups-1.model.shape]
q_groups = 1
k_groups = 1
v_groups = 1
intermediate_groups = 1
output_groups = 1
"""

RECIPE = """
[model.shape]
hidden_size = 32
embedding_size = 16
num_hidden_layers = 1
num_attention_heads = 4
intermediate_size = 64
[corpus]
sources = ["CORPUS"]
sequence_length = 16
held_out_every = 4
held_out_tokens = 128
[loop]
batch_size = 4
torch_threads = 1
tensorboard = false
"""

FINETUNE = """
task = "text_classification"
max_length = 16
[data]
train = ["sample_news"]
[loop]
max_steps = 2
batch_size = 4
tensorboard = false
"""


@pytest.fixture
def tiny(tmp_path: Path, tiny_vocabulary: tuple[str, ...]) -> Path:
    draw = random.Random(0)
    text = [" ".join(draw.choices(tiny_vocabulary[-15:], k=20)) for _ in range(400)]
    (tmp_path / "corpus.txt").write_text("\n\n".join(text))
    Tokenizer.from_vocabulary(tiny_vocabulary, lowercase=True).save(tmp_path / "vocabulary")
    files = {"recipe.toml": RECIPE, "finetune.toml": FINETUNE, "plan.toml": TINY}
    for name, content in files.items():
        for word in ("recipe.toml", "finetune.toml", "corpus.txt", "vocabulary"):
            content = content.replace(word.split(".")[0].upper(), str(tmp_path / word))
        (tmp_path / name).write_text(content)
    return tmp_path


def test_times_of_a_token_are_positive() -> None:
    few, many = ablation.PROBE_STEPS
    tokens = {"base": 10, "wide": 20}
    probes = {
        "base": {str(few): [1.2, 1.0], str(many): [4.0, 3.0]},
        "wide": {str(few): [2.0], str(many): [6.0]},
    }
    found = ablation.token_times(probes, tokens)
    assert found == {"base": 2e5 / (many - few), "wide": 2e5 / (many - few)}
    probes["wide"][str(few)] = [6.5]  # the shorter run took longer
    found = ablation.token_times(probes, tokens)
    assert found == {"base": 3e5 / many, "wide": 3e5 / many}


def test_a_tiny_ablation(
    tiny: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = tiny / "page.md"
    words = ["--plan", str(tiny / "plan.toml"), "--output", str(tiny / "out"), "--limit", "8"]

    # Stopped in the middle of the second run, as Ctrl-C or --minutes would.
    calls: list[Path] = []
    original = ablation.train_and_score

    def stopping(recipe: Any, output: Path, **options: Any) -> Any:
        calls.append(output)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return original(recipe, output, **options)

    with monkeypatch.context() as patch:
        patch.setattr(ablation, "train_and_score", stopping)
        assert ablation.main(words) == 3
    results = tiny / "out" / "results"
    assert [path.name for path in results.iterdir()] == ["base-tokens-0.json"]
    first = (results / "base-tokens-0.json").read_text()
    assert "the same command goes on" in capsys.readouterr().err

    assert ablation.main([*words, "--write", str(page)]) == 0
    shown = capsys.readouterr()
    assert "timing training steps" not in shown.err  # done before the stop
    names = {"base-tokens-0", "groups-1-tokens-0", "groups-1-time-0"}
    assert {path.stem for path in results.iterdir()} == names
    assert (results / "base-tokens-0.json").read_text() == first
    found = {name: json.loads((results / f"{name}.json").read_text()) for name in names}
    costs = json.loads((tiny / "out" / "costs.json").read_text())
    ratio = costs["base"]["training_us"] / costs["groups-1"]["training_us"]
    assert found["groups-1-time-0"]["about"]["tokens"] == round(640 * ratio)
    assert costs["groups-1"]["gflop"] > costs["base"]["gflop"]
    for one in found.values():
        assert one["pretraining"]["masked_loss"] > 0
        assert set(one["scores"]["finetune"]) == {"float32", "int8"}
    pretrained = tiny / "out" / "runs" / "base-tokens-0" / "pretrained"
    vectors = tiny / "out" / "corpus" / "vectors-16.safetensors"
    assert vectors.is_file()
    assert f'embeddings = "{vectors}"' in (pretrained / "recipe.toml").read_text()
    text = page.read_text()
    assert text.startswith("# Ablations on equal terms")
    assert "### Groups" in text
    loss = found["groups-1-tokens-0"]["pretraining"]["masked_loss"]
    # The row of equal time can have the same loss, where both arms are as fast.
    rows = [line for line in text.splitlines() if f"| {loss:.3f} |" in line]
    assert any(row.startswith("| groups-1 | 0.00064 |") for row in rows)

    # Nothing is left to do.
    assert ablation.main(words) == 0
    assert "loss" not in capsys.readouterr().err


def test_what_cannot_be(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--plan", str(tiny / "plan.toml"), "--output", str(tiny / "out")]
    assert ablation.main([*words, "--arms", "groups-3"]) == 2
    assert "has no arm 'groups-3'" in capsys.readouterr().err
    (tiny / "page.md").write_text("# Other\n")
    assert ablation.main([*words, "--write", str(tiny / "page.md")]) == 2
    assert "no part marked 'ablation'" in capsys.readouterr().err
    assert not (tiny / "out").exists()
    text = (tiny / "plan.toml").read_text()
    (tiny / "plan.toml").write_text(text.replace('"groups-1", "base"', '"groups-5"'))
    with pytest.raises(ConfigError, match="names the arm 'groups-5'"):
        plans.Plan.load(tiny / "plan.toml")
    (tiny / "plan.toml").write_text(text.replace("reference", "referenze"))
    with pytest.raises(ConfigError, match="no plan of an ablation"):
        plans.Plan.load(tiny / "plan.toml")


def test_an_arm_that_fails_leaves_the_others_alone(
    tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (tiny / "plan.toml").read_text()
    (tiny / "plan.toml").write_text(
        text.replace("[arms.base]", "[arms.base]\n[arms.bad]\ncorpus.sources = ['nothing.txt']\n")
    )
    words = ["--plan", str(tiny / "plan.toml"), "--output", str(tiny / "out"), "--limit", "8"]
    assert ablation.main([*words, "--budgets", "tokens"]) == 1
    complaint = capsys.readouterr().err
    assert "bad failed: no corpus file or directory at" in complaint
    assert "nothing.txt" in complaint
    done = {path.stem for path in (tiny / "out" / "results").iterdir()}
    assert done == {"base-tokens-0", "groups-1-tokens-0"}


def test_tables_before_anything_is_done(plan: Any) -> None:
    text = tables.render(plan, [], {})
    for arm in plan.arms:
        assert f"| {arm} | – |" in text


def test_seeds_become_mean_and_deviation(plan: Any) -> None:
    def result(seed: int, loss: float, score: float) -> dict[str, Any]:
        scores = {
            task.name: {"float32": {"x": score}, "int8": {"x": score - 0.01}}
            for task in plan.finetune
        }
        return {
            "arm": "base",
            "budget": "tokens",
            "seed": seed,
            "about": {"tokens": plan.tokens},
            "pretraining": {"masked_loss": loss},
            "scores": scores,
        }

    text = tables.render(plan, [result(0, 4.0, 0.5), result(1, 5.0, 0.7)], {})
    cells = "4.500 ± 0.707 | 60.0 ± 14.1 / 59.0 ± 14.1 |"
    # The reference stands at equal time too, in each of its four tables.
    millions = plan.tokens / 1e6
    assert text.count(f"| base | {millions:.3g} | {cells}") == 2 * len(plan.tables)
    assert "Seeds: 2." in text
