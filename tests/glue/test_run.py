from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from squeezebert import scored_runs as scored
from squeezebert.data.examples import TextExample
from squeezebert.data.soft_labels import write_soft_labels
from squeezebert.errors import ConfigError, DataError, InvalidInputError
from squeezebert.glue.run import (
    GlueResult,
    GlueTaskResult,
    load_glue_recipe,
    run_glue,
)
from squeezebert.glue.table import PUBLISHED, glue_table, protocol, sources
from squeezebert.model import TaskModel, load_model
from squeezebert.scored_runs import ScoredRun
from squeezebert.tasks.base import Scores
from squeezebert.tasks.glue import GLUE_TASKS
from squeezebert.training.finetuning.finetune import finetune
from squeezebert.training.loop.output import TrainingResult
from squeezebert.training.recipe.run import FinetuneRecipe

TINY = {
    "max_length": "16",
    "loop.max_steps": "3",
    "loop.batch_size": "4",
    "loop.precision": "float32",
    "loop.torch_threads": "1",
    "loop.tensorboard": "false",
}


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A few rows of each task that is used here, as GLUE lays its files out."""
    folder = tmp_path / "data"
    monkeypatch.setenv("SQUEEZEBERT_DATA", str(folder))
    pairs = [("the cat sat", "the cat ran"), ("ada ran home", "ada ran"), ("a dog", "the mat")]
    for task, labels in (("RTE", ("entailment", "not_entailment")), ("WNLI", ("0", "1"))):
        rows = ["index\tsentence1\tsentence2\tlabel"]
        rows += [f"{n}\t{a}\t{b}\t{labels[n % 2]}" for n, (a, b) in enumerate(pairs * 4)]
        put(folder / "glue" / task, rows)
    rows = ["index\tgenre\tsentence1\tsentence2\tscore"]
    rows += [f"{n}\tx\t{a}\t{b}\t{n / 3:.3f}" for n, (a, b) in enumerate(pairs * 4)]
    put(folder / "glue" / "STS-B", rows)
    mnli(folder / "glue" / "MNLI")
    return folder


def put(folder: Path, rows: list[str]) -> None:
    folder.mkdir(parents=True)
    for name in ("train.tsv", "dev.tsv"):
        (folder / name).write_text("\n".join(rows) + "\n", encoding="utf-8")


def mnli(folder: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    folder.mkdir(parents=True)
    rows = [{"premise": "the cat sat", "hypothesis": "it ran", "label": n % 3} for n in range(12)]
    for name in ("train", "dev_matched", "dev_mismatched"):
        parquet.write_table(pa.Table.from_pylist(rows), folder / f"{name}.parquet")


@pytest.fixture
def start(tiny_classification: FinetuneRecipe, tmp_path: Path) -> str:
    """A trained model of two classes that are not GLUE's."""
    finetune(tiny_classification, tmp_path / "start")
    return str(tmp_path / "start")


def test_runs_of_every_task_and_seed(data: Path, start: str, tmp_path: Path) -> None:
    told: list[str] = []
    output = tmp_path / "glue"
    result = run_glue(
        start,
        output,
        tasks=["wnli", "rte", "stsb"],
        seeds=2,
        recipe=load_glue_recipe(None, TINY),
        progress=told.append,
    )
    assert [one.name for one in result.tasks] == ["stsb", "rte", "wnli"]
    assert told[-1] == "WNLI, seed 1 (run 6 of 6)"
    content = json.loads((output / "glue.json").read_text())
    assert content["model"] == "start"
    assert GlueResult.from_json(content) == result
    assert result.settings["loop.max_steps"] == 3
    for one in result.tasks:
        assert one.steps == (3, 3)
        for seed in range(2):
            # Nothing is chosen on dev: the weights of the last step, judged once.
            training = json.loads(
                (output / one.name / f"seed-{seed}" / "training.json").read_text()
            )
            assert training["best_step"] == 3
            metrics = (output / one.name / f"seed-{seed}" / "metrics.jsonl").read_text()
            assert metrics.count('"dev"') == 1
        own = content["tasks"][one.name]["scores"]["int8"][one.name]
        assert set(own) == set(GLUE_TASKS[one.name].scores)
        for name, spread in own.items():
            values = one.scores["int8"][one.name][name].values
            assert spread["values"] == list(values)
            assert spread["mean"] == pytest.approx(sum(values) / 2)
    # Other seeds give other heads and orders.
    first, second = (
        load_model(output / "rte" / f"seed-{seed}").state_dict()["head.classifier.weight"]
        for seed in (0, 1)
    )
    assert not torch.equal(first, second)


def test_a_classical_model_beside_it(data: Path, start: str, tmp_path: Path) -> None:
    output, recipe = tmp_path / "glue", load_glue_recipe(None, TINY)
    alone = run_glue(start, output, tasks=["rte", "stsb"], seeds=1, recipe=recipe)
    assert "classical" not in glue_table([alone]).columns
    told: list[str] = []
    result = run_glue(
        start,
        output,
        tasks=["rte", "stsb"],
        seeds=1,
        recipe=recipe,
        classical=True,
        progress=told.append,
    )
    assert "a classical model of RTE" in told
    assert GlueResult.from_json(json.loads((output / "glue.json").read_text())) == result
    stsb, rte = (one.classical for one in result.tasks)
    assert stsb is not None
    assert rte is not None
    assert (stsb.model, rte.model) == ("TF-IDF + ridge", "TF-IDF + linear SVM")
    # A column of its own, once however many models there are.
    table = glue_table([result, alone])
    column = [row[table.columns.index("classical")] for row in table.rows]
    pearson, spearman = stsb.scores["stsb"]["pearson"], stsb.scores["stsb"]["spearman"]
    accuracy = rte.scores["rte"]["accuracy"]
    assert column == [
        f"{100 * pearson:.1f} / {100 * spearman:.1f}",
        f"{100 * accuracy:.1f}",
        f"{50 * ((pearson + spearman) / 2 + accuracy):.1f}",
    ]
    assert "TF-IDF + linear SVM or TF-IDF + ridge, fitted to the same rows" in protocol([result])
    # Where it was fitted to some of the tasks only, it has no mean.
    other = run_glue(start, tmp_path / "other", tasks=["wnli"], seeds=1, recipe=recipe)
    assert glue_table([result, other]).rows[-1][table.columns.index("classical") + 2] == "–"


def test_what_is_done_stays_done(
    data: Path, start: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output, recipe = tmp_path / "glue", load_glue_recipe(None, TINY)
    run_glue(start, output, tasks=["rte"], seeds=1, recipe=recipe)
    trained: list[Path] = []
    original = scored.finetune

    def watched(recipe: FinetuneRecipe, output: Path, resume: bool = False) -> TrainingResult:
        if not (output / "training.json").exists():
            trained.append(output)
        return original(recipe, output, resume)

    monkeypatch.setattr(scored, "finetune", watched)
    run_glue(start, output, tasks=["rte", "wnli"], seeds=2, recipe=recipe)
    assert trained == [
        output / "wnli" / "seed-0",
        output / "rte" / "seed-1",
        output / "wnli" / "seed-1",
    ]
    more = load_glue_recipe(None, TINY | {"loop.max_steps": "4"})
    with pytest.raises(ConfigError, match=r"another recipe: loop\.max_steps was 3, is 4"):
        run_glue(start, output, tasks=["rte"], seeds=1, recipe=more)


def test_a_start_from_mnli_gets_a_new_head_on_a_tuned_encoder(
    data: Path, start: str, tmp_path: Path
) -> None:
    recipe = load_glue_recipe(None, TINY)
    result = run_glue(start, tmp_path / "a", tasks=["mnli"], seeds=1, recipe=recipe)
    assert list(result.tasks[0].scores["int8"]) == ["mnli", "mnli_mismatched"]
    tuned = tmp_path / "a" / "mnli" / "seed-0"
    assert head(tuned).out_features == 3

    # Steps too small to change a weight: what the next run starts from can be read off its end.
    still = load_glue_recipe(
        None, TINY | {"optimizer.learning_rate": "1e-12", "optimizer.weight_decay": "0"}
    )
    run_glue(str(tuned), tmp_path / "b", tasks=["rte", "stsb"], seeds=1, recipe=still)
    before = load_model(tuned).state_dict()
    untuned = load_model(start).state_dict()
    for name, outputs in (("rte", 2), ("stsb", 1)):
        directory = tmp_path / "b" / name / "seed-0"
        assert head(directory).out_features == outputs
        assert 'start = "' + str(tuned) in (directory / "recipe.toml").read_text()
        after = load_model(directory).state_dict()
        for key in (key for key in before if key.startswith("encoder.")):
            torch.testing.assert_close(after[key], before[key], rtol=0, atol=1e-7)
        query = "encoder.blocks.0.attention.query.weight"
        assert not torch.allclose(after[query], untuned[query], rtol=0, atol=1e-5)


def head(directory: Path) -> torch.nn.Linear:
    model = load_model(directory)
    assert isinstance(model, TaskModel)
    (linear,) = (m for m in model.head.modules() if isinstance(m, torch.nn.Linear))
    return linear


def test_missing_data_is_missed_before_anything_is_trained(
    data: Path, start: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="'cola' has no file for 'train'"):
        run_glue(start, tmp_path / "glue", tasks=["rte", "cola"])
    assert not (tmp_path / "glue").exists()
    with pytest.raises(InvalidInputError, match="seeds is 0"):
        run_glue(start, tmp_path / "glue", seeds=0)


# -- recipes -------------------------------------------------------------------------------------


def test_the_command_line_wins_over_the_file_and_a_task_over_all(tmp_path: Path) -> None:
    file = tmp_path / "glue.toml"
    file.write_text(
        "max_length = 64\n[loop]\nbatch_size = 8\nepochs = 5\n"
        "[tasks.rte.loop]\nepochs = 7\n[tasks.rte.optimizer]\nwarmup = 0.2\n"
    )

    def made(name: str, **overrides: str) -> tuple[float, int, float]:
        given = {key.replace("__", "."): value for key, value in overrides.items()}
        recipe = load_glue_recipe(file, given).finetuning(name, "m", 2)
        assert (recipe.loop.seed, recipe.max_length, recipe.model.start) == (2, 64, "m")
        return recipe.loop.epochs, recipe.loop.batch_size, recipe.optimizer.warmup

    assert made("cola") == (5.0, 8, 0.1)
    assert made("rte") == (7.0, 8, 0.2)
    assert made("rte", loop__epochs="1") == (1.0, 8, 0.2)
    assert made("rte", loop__epochs="1", tasks__rte__loop__epochs="2") == (2.0, 8, 0.2)
    # Written out in one layer, the settings say the same.
    recipe = load_glue_recipe(file, {"loop.epochs": "1", "tasks.cola.loop.epochs": "3"})
    once = load_glue_recipe(None, {key: str(value) for key, value in recipe.settings.items()})
    for name in GLUE_TASKS:
        assert once.finetuning(name, "m", 0) == recipe.finetuning(name, "m", 0)


def test_a_task_that_trains_on_more(data: Path, start: str, tmp_path: Path) -> None:
    key, value = "tasks.rte.data.train", f'["rte", "{tmp_path / "soft.safetensors"}"]'
    recipe = load_glue_recipe(None, {**TINY, key: value})
    assert [one.path for one in recipe.finetuning("wnli", "m", 0).data.train] == ["wnli"]
    # What is missing is missed before the other task is trained.
    with pytest.raises(DataError, match=r"soft\.safetensors"):
        run_glue(start, tmp_path / "glue", tasks=["wnli", "rte"], seeds=1, recipe=recipe)
    assert not (tmp_path / "glue" / "wnli").exists()
    pairs = [TextExample(text="a dog", pair="a cat", soft=np.float16([0.25, 0.75]))] * 6
    labels = ("entailment", "not_entailment")
    write_soft_labels(tmp_path / "soft.safetensors", pairs, labels, problem_type="single_label")
    result = run_glue(start, tmp_path / "glue", tasks=["rte"], seeds=1, recipe=recipe)
    assert result.settings[key] == ["rte", str(tmp_path / "soft.safetensors")]
    report = (tmp_path / "glue" / "rte" / "seed-0" / "recipe.toml").read_text(encoding="utf-8")
    assert "soft.safetensors" in report


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("data.train", "rte", r"sets data\.train, which GLUE's runs set themselves"),
        ("model.start", "m", r"sets model\.start"),
        ("loop.seed", "3", r"sets loop\.seed"),
        ("loop.epoch", "3", r"no setting is called 'epoch'(?s:.*)did you mean epochs"),
        ("tasks.sst3.loop.epochs", "3", r"GLUE has no task 'sst3'"),
    ],
)
def test_settings_that_cannot_be(key: str, value: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_glue_recipe(None, {key: value}).finetuning("rte", "m", 0)


# -- the table -----------------------------------------------------------------------------------


def result(model: str, **accuracies: tuple[float, ...]) -> GlueResult:
    training = TrainingResult(
        output=Path("x"),
        steps=1,
        tokens=1,
        seconds=1.0,
        stopped="complete",
        best_step=1,
        scores={},
        main_score="accuracy",
    )
    return GlueResult(
        model=model,
        seeds=2,
        settings={},
        tasks=tuple(
            GlueTaskResult.of(
                name,
                [
                    ScoredRun(
                        training=training,
                        texts=dict.fromkeys(GLUE_TASKS[name].dev, 1000),
                        isa="x",
                        scores={
                            dev: {
                                precision: made(value - shift)
                                for precision, shift in (("float32", 0.0), ("int8", 0.01))
                            }
                            for dev in GLUE_TASKS[name].dev
                        },
                    )
                    for value in values
                ],
            )
            for name, values in accuracies.items()
        ),
    )


def made(value: float) -> Scores:
    f1 = {"f1": value + 0.1}
    return Scores(values={"accuracy": value}, main="accuracy", per_class={"equivalent": f1})


def test_the_table_has_models_and_published_figures_side_by_side() -> None:
    both = [result("ours", mrpc=(0.6, 0.7), rte=(0.5, 0.5)), result("theirs", rte=(0.9, 0.8))]
    table = glue_table(both)
    assert table.columns[3:7] == (
        "ours\nfloat32",
        "ours\nint8",
        "theirs\nfloat32",
        "theirs\nint8",
    )
    mrpc, rte, mean = table.rows
    assert mrpc[:5] == (
        "MRPC",
        "1,000",
        "F1 / accuracy",
        "75.0 ± 7.1 / 65.0 ± 7.1",
        "74.0 ± 7.1 / 64.0 ± 7.1",
    )
    assert mrpc[5:7] == ("–", "–")
    assert mrpc[7] == "88.85 / 84.07"
    assert rte[5] == "85.0 ± 7.1"
    # The mean of MRPC's mean, 70, and RTE's 50; published (88.85 + 84.07) / 2 and 65.7.
    assert (mean[3], mean[5]) == ("60.0", "85.0")
    assert mean[7] == f"{((88.85 + 84.07) / 2 + 65.7) / 2:.1f}"
    assert len(sources(both)) == len(table.columns) - 7


def test_matched_and_mismatched_stand_in_one_row() -> None:
    (row, _) = glue_table([result("ours", mnli=(0.5, 0.5))], published=()).rows
    assert row[2:4] == ("accuracy, matched / mismatched", "50.0 ± 0.0 / 50.0 ± 0.0")


def test_published_figures_are_of_tasks_that_glue_has() -> None:
    for row in PUBLISHED:
        assert row.source
        for name, values in row.scores.items():
            scores = len(GLUE_TASKS[name].scores) * len(GLUE_TASKS[name].dev)
            assert len(values) in (1, scores)
            assert all(30 < value < 100 for value in values)
