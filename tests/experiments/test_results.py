"""The program behind docs/results.md: its tables, and one small run of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from experiments.page import replace_part
from experiments.results import jobs, kept, published, results, table
from experiments.results import times as timing
from squeezebert.data.sources import SOURCES
from squeezebert.errors import ConfigError, DataError
from squeezebert.glue.run import GlueResult, GlueTaskResult
from squeezebert.scored_runs import PRECISIONS, ScoredRun, Spread
from squeezebert.tasks.base import Scores
from squeezebert.training.loop.output import TrainingResult

BEGIN, END = "<!-- results:begin -->", "<!-- results:end -->"


def test_published_figures_are_of_known_sets_and_scores() -> None:
    for row in published.PUBLISHED:
        assert row.data in SOURCES
        assert row.score in table.SHOWN
        assert 0.5 < row.value < 1.0
        assert row.source


def test_every_recipe_trains_on_a_known_set() -> None:
    job = jobs.Job
    start = jobs.Start("ours", "squeezebert-mini-mlm")
    for name in jobs.RECIPES:
        recipe = job(name, "", ()).recipe(start, 2, {"loop.epochs": "9"}, Path("runs"))
        assert (recipe.model.start, recipe.loop.seed) == ("squeezebert-mini-mlm", 2)
        assert recipe.loop.epochs == 9
        assert recipe.data.train[0].path in SOURCES


def test_a_student_learns_from_the_run_of_the_same_recipe_and_seed() -> None:
    starts = jobs.find_starts(["small@big", "big", "small"])
    assert list(starts) == ["big", "small", "small@big"]
    recipe = jobs.Job("news_ag", "text_classification", ("ag_news",)).recipe(
        starts["small@big"], 1, {"distillation.temperature": "2"}, Path("runs")
    )
    assert recipe.distillation.teachers == (str(Path("runs/big/news_ag/seed-1")),)
    assert (recipe.distillation.logits, recipe.distillation.temperature) == (0.5, 2.0)
    for wrong in (["small@big", "small"], ["small", "small@big", "big@small@big"], ["big", "big"]):
        with pytest.raises(ConfigError):
            jobs.find_starts(wrong)


# -- tables ----------------------------------------------------------------------------------------


def measured(start: str, shift: float, cpu_ms: float) -> Any:
    """Two seeds on CoNLL-2003, ``shift`` from a common score; int8 loses half a point."""
    training = TrainingResult(
        output=Path("x"),
        steps=1,
        tokens=1,
        seconds=90.0,
        stopped="complete",
        best_step=1,
        scores={},
        main_score="entity_f1",
    )

    def run(value: float) -> ScoredRun:
        scores = {
            precision: Scores(
                values={"entity_f1": value - lost, "token_accuracy": 0.95, "ece": 0.1},
                main="entity_f1",
            )
            for precision, lost in (("float32", 0.0), ("int8", 0.005))
        }
        data = {"conll2003_en": scores}
        return ScoredRun(training=training, scores=data, texts={"conll2003_en": 3453}, isa="x")

    rows = [
        kept.Kept.of(
            run(value + shift),
            recipe="ner_conll2003_en",
            task="token_classification",
            start=start,
            seed=seed,
            made_from="x",
        )
        for seed, value in enumerate((0.79, 0.81))
    ]
    return table.Measured(
        recipe="ner_conll2003_en",
        data="conll2003_en",
        start=start,
        runs=tuple(rows),
        label=start,
        cpu_ms={"float32": cpu_ms, "int8": cpu_ms / 2},
    )


def test_scores_stand_beside_times_and_published_figures() -> None:
    both = [measured("ours", 0.0, 2.0), measured("theirs", 0.02, 3.0)]
    f1, accuracy, other, _ = table.score_table(both, {}).rows
    assert f1[:8] == (
        "conll2003_en",
        "3,453",
        "ours",
        "entity_f1",
        "80.0 ± 1.4",
        "79.5 ± 1.4",
        "2.00",
        "1.00",
    )
    assert f1[8].startswith("BERT-base 92.4 [1]; Flair large 94.4 [2]")
    assert accuracy[:5] == ("", "", "", "token_accuracy", "95.0 ± 0.0")
    assert accuracy[8].startswith("SqueezeBERT 96.7")
    # The set and its published figures are told once.
    assert (other[0], other[2], other[8]) == ("", "theirs", "")

    (row, _) = table.comparison_table(both, {}, "theirs").rows
    assert row == ("conll2003_en", "ours", "entity_f1", "−2.0", "−2.0", "–", "1.50×", "1.50×")
    text = table.render(both, [], {}, against="theirs", about=["Here."])
    assert "int8 loses 0.50 points at most (" in text
    assert "over 2 seeds" in text
    assert "- [1] Devlin et al. 2019" in text
    assert "recipes/ner_conll2003_en.toml" in text.replace("\\", "")
    assert "| 1.5 | 1.5 |" in text  # minutes


def test_a_classical_model_stands_below_the_encoders_of_its_set() -> None:
    crf = kept.KeptClassical(
        data="conll2003_en",
        model="CRF",
        rows=14041,
        texts=3453,
        scores={"entity_f1": 0.83, "precision": 0.9},
        fit_cpu_seconds=20.4,
        answer_cpu_seconds=1.0,
    )
    both = [measured("ours", 0.0, 2.0), measured("theirs", 0.02, 3.0)]
    *_, last = table.score_table(both, {"conll2003_en": crf}).rows
    assert last[2:6] == ("CRF (classical, 20 s)", "entity_f1", "83.0", "")
    (f1, accuracy) = table.comparison_table(both, {"conll2003_en": crf}, "theirs").rows
    assert (f1[5], accuracy[5]) == ("−3.0", "–")


# -- the program -----------------------------------------------------------------------------------


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Words for two starts, a recipe on data that ships, and one whose data is not there."""
    folder = tmp_path / "repository"
    (folder / "recipes").mkdir(parents=True)
    for name, data in (("news", "sample_news"), ("away", "ag_news")):
        (folder / "recipes" / f"{name}.toml").write_text(
            f'task = "text_classification"\nmax_length = 32\n[data]\ntrain = ["{data}"]\n'
            "[loop]\nbatch_size = 4\nmax_steps = 2\ntensorboard = false\n"
        )
    monkeypatch.setattr(jobs, "ROOT", folder)
    monkeypatch.setenv("SQUEEZEBERT_DATA", str(tmp_path))
    student = "squeezebert-mini-mlm@bert-mini-mlm"
    words = [student, "bert-mini-mlm", "--runs", str(tmp_path / "runs")]
    return [*words, "--recipes", "news", "away", "--seeds", "2", "--limit", "12", "--rounds", "1"]


def test_a_small_run_that_is_stopped_and_goes_on(
    small: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    student = "squeezebert-mini-mlm@bert-mini-mlm"
    page = tmp_path / "page.md"
    page.write_text(f"# Results\n\n{BEGIN}\nold\n{END}\nrest\n")
    done: list[Path] = []
    original = results.train_and_score

    def counting(recipe: Any, output: Path, **options: Any) -> Any:
        if len(done) == 3:
            raise KeyboardInterrupt
        if not (output / "scores.json").exists():
            done.append(output)
        return original(recipe, output, **options)

    monkeypatch.setattr(results, "train_and_score", counting)
    assert results.main([*small, "--write", str(page)]) == 3
    # The first seed is told already.
    assert "over 1 seed;" in page.read_text()
    assert "left out: away: the data set 'ag_news' has no file" in capsys.readouterr().err

    done.clear()
    assert results.main([*small, "--write", str(page)]) == 0
    assert done == [tmp_path / "runs" / student / "news" / "seed-1"]
    text = page.read_text()
    assert text.startswith("# Results\n")
    assert text.endswith("rest\n")
    assert "over 2 seeds;" in text
    assert "old" not in text
    for start in (student, "bert-mini-mlm"):
        scored = json.loads(
            (tmp_path / "runs" / start / "news" / "seed-0" / "scores.json").read_text()
        )
        assert scored["about"]["split"] == "test"
        assert scored["texts"] == {"sample_news": 12}
    times = json.loads((tmp_path / "runs" / "kept-12" / "cpu_ms.jsonl").read_text())
    assert times["cpu_ms"]["bert-mini-mlm"]["int8"] > 0
    classical = json.loads((tmp_path / "runs" / "kept-12" / "classical.jsonl").read_text())
    assert (classical["data"], classical["texts"]) == ("sample_news", 12)
    assert classical["scores"]["accuracy"] > 0.5
    assert f"| {classical['model']} (classical, " in text
    assert "### Beside bert-mini-mlm" in text

    # Scores and times outlive the runs.
    for start in (student, "bert-mini-mlm"):
        shutil.rmtree(tmp_path / "runs" / start)
    monkeypatch.setattr(timing, "least_cpu_ms", None)
    monkeypatch.setattr(results, "train_and_score", None)
    page.write_text(f"{BEGIN}\n{END}")
    assert results.main([*small, "--write", str(page)]) == 0
    assert f"{BEGIN}\n{text.partition(BEGIN)[2].strip()}".startswith(page.read_text())
    assert results.main(["--page", *small[2:]]) == 0


def test_what_was_made_from_something_else_is_made_anew(small: list[str], tmp_path: Path) -> None:
    small = [*small[1:], "--seeds", "1"]
    assert results.main(small) == 0
    path = tmp_path / "runs" / "kept-12" / "finetuned.jsonl"
    (before,) = (json.loads(line) for line in path.read_text().splitlines())
    recipe = jobs.ROOT / "recipes" / "news.toml"
    recipe.write_text("# Another comment changes nothing.\n" + recipe.read_text())
    assert results.main(small) == 0
    assert json.loads(path.read_text()) == before
    recipe.write_text(recipe.read_text().replace("max_steps = 2", "max_steps = 1"))
    shutil.rmtree(tmp_path / "runs" / "bert-mini-mlm")
    # The models are gone, so times are taken of one as large.
    assert results.main(small) == 0
    (after,) = (json.loads(line) for line in path.read_text().splitlines())
    assert after["made_from"] != before["made_from"]
    path.write_text("{")
    assert results.main(small) == 2


def test_a_second_recipe_on_the_same_set_says_which_it_is(
    small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = jobs.ROOT / "recipes"
    (folder / "news_longer.toml").write_text((folder / "news.toml").read_text())
    words = [*small[1:], "--seeds", "1", "--recipes", "news", "news_longer"]
    assert results.main(words) == 0
    text = capsys.readouterr().out.replace("\\", "")
    assert "| bert-mini-mlm, news_longer |" in text
    path = tmp_path / "runs" / "kept-12" / "cpu_ms.jsonl"
    (times,) = (json.loads(line) for line in path.read_text().splitlines())
    assert len(times["made_from"]) == 1  # the same recipe under two names

    # A further recipe leaves the times; other weights of the start do not.
    recipe = folder / "news_longer.toml"
    recipe.write_text(recipe.read_text().replace("max_steps = 2", "max_steps = 1"))
    shutil.rmtree(tmp_path / "runs" / "bert-mini-mlm" / "news_longer")
    assert results.main(words) == 0
    assert [json.loads(line) for line in path.read_text().splitlines()] == [times]
    changed = {**times, "made_from": ["of other weights"], "cpu_ms": {"bert-mini-mlm": {}}}
    path.write_text(json.dumps(changed) + "\n")
    assert results.main(words) == 0
    (anew,) = (json.loads(line) for line in path.read_text().splitlines())
    assert len(anew["made_from"]) == 2
    assert anew["cpu_ms"]["bert-mini-mlm"]["int8"] > 0


def test_glue_is_kept_as_the_command_line_found_it(
    small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spread = Spread(values=(0.6, 0.7))
    task = GlueTaskResult(
        name="rte",
        texts={"rte": 277},
        steps=(1, 1),
        training_seconds=(120.0, 240.0),
        scores={precision: {"rte": {"accuracy": spread}} for precision in PRECISIONS},
    )
    result = GlueResult(
        model="ours", seeds=2, settings={"loop.epochs": 5, "x.teachers": ["a b"]}, tasks=(task,)
    )
    file = tmp_path / "glue.json"
    file.write_text(json.dumps(result.to_json()))
    assert results.main([*small[1:], "--seeds", "1", "--glue", str(file)]) == 0
    capsys.readouterr()
    # The file may go now.
    file.unlink()
    assert results.main(["--page", *small[2:]]) == 0
    text = capsys.readouterr().out
    assert "### GLUE" in text
    assert "| RTE | 277 | accuracy | 65.0 ± 7.1 | 65.0 ± 7.1 |" in text
    given = """--set loop.epochs=5 --set 'x.teachers=["a b"]'"""
    command = f"squeezebert glue ours --tasks rte {given} --seeds 2 --output RUN"
    assert f"- `{command}`, 3 minutes a seed" in text
    file.write_text("{}")
    assert results.main(["--page", *small[2:], "--glue", str(file)]) == 2
    assert "glue.json" in capsys.readouterr().err


def test_what_cannot_be(
    small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Results\n")
    assert results.main([*small, "--write", str(page)]) == 2
    assert "has 0 parts marked 'results'" in capsys.readouterr().err
    assert results.main([*small, "--against", "gpt"]) == 2
    assert "--against is 'gpt'" in capsys.readouterr().err
    assert results.main([*small, "--recipes", "away"]) == 2
    assert "data for none of the recipes" in capsys.readouterr().err
    with pytest.raises(DataError):
        replace_part(tmp_path / "none.md", "results", None)
