"""The whole study against a hub on loopback, from nothing to the report."""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from experiments.loopback_hub.server import Hub, serving
from squeezebert.comparison.schema import Report
from squeezebert.errors import ConfigError
from squeezebert.study import StudyResult, StudySettings, make_plan, run_study
from squeezebert.study.hub import HubUnreachable
from squeezebert.study.plan import measured_file, run_directory
from squeezebert.study.plan_words import left_out_lines, plan_table, summary_lines
from squeezebert.study.writing import StudyFiles, write_study


@dataclass
class Done:
    """A study that was run once."""

    hub: Hub
    settings: StudySettings
    planned: str
    found: StudyResult
    report: Report
    files: StudyFiles


def words(settings: StudySettings) -> str:
    plan = make_plan(settings)
    rows = [" ".join(row) for row in plan_table(plan).rows]
    return "\n".join([*summary_lines(plan), *rows, *left_out_lines(plan)])


@pytest.fixture(scope="module")
def done(content: Hub, client: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Done]:
    root = tmp_path_factory.mktemp("study")
    (root / "empty").mkdir()
    settings = StudySettings(
        output=root / "out",
        quick=True,
        limit=6,
        threads=1,
        overrides={
            "loop.max_steps": "2",
            "loop.batch_size": "4",
            "loop.torch_threads": "1",
            "loop.tensorboard": "false",
            "max_length": "32",
        },
    )
    hub = Hub(repositories=copy.copy(content.repositories))
    with pytest.MonkeyPatch.context() as patch, serving(hub):
        client(hub, root / "cache", patch)
        patch.setenv("SQUEEZEBERT_DATA", str(root / "empty"))
        planned = words(settings)
        found, report = run_study(make_plan(settings), command="squeezebert study")
        files = write_study(found, report, settings.output)
        yield Done(hub, settings, planned, found, report, files)


pytestmark = pytest.mark.slow


def test_the_plan_tells_what_is_downloaded_and_done(done: Done) -> None:
    assert "squeezebert-uncased and bert-base-uncased on DailyDialog" in done.planned
    assert "To be downloaded: " in done.planned
    assert "download bert-base-uncased" in done.planned
    assert "fine-tune squeezebert-uncased, News by category 2 steps of 4 texts" in done.planned
    assert "score and time CoNLL-2003, English 6 texts" in done.planned
    assert "--tasks leaves some out: masked_lm" in done.planned
    assert "left out: CoNLL-2003, German" in done.planned


def test_every_cell_of_the_table_is_filled(done: Done) -> None:
    assert [one.title for one in done.found.sets] == [
        "DailyDialog",
        "News by category",
        "CoNLL-2003, English",
    ]
    for one in done.found.sets:
        for family in ("squeezebert", "bert"):
            for setting in ("study", "transformers", "float32", "int8"):
                cell = one.cell(family, setting)
                assert cell is not None
                assert cell.cpu_ms > 0
                if setting != "study" or one.task == "masked_lm":
                    assert cell.score is not None
                if one.task == "token_classification" and setting != "study":
                    assert cell.entity_f1 is not None
            exact = [one.cell(family, setting) for setting in ("transformers", "float32")]
            assert exact[0] is not None
            assert exact[1] is not None
            assert exact[0].score == pytest.approx(exact[1].score, abs=1e-5)
        assert one.speedup("study") is not None
        assert any("test part has" in sentence for sentence in one.differs)
    assert len(done.found.runs) == 6
    assert {run.steps for run in done.found.runs} == {2}


def test_study_json_can_be_read_back(done: Done) -> None:
    assert StudyResult.load(done.files.json) == done.found
    assert Report.load(done.files.report) == done.report
    assert json.loads(done.files.json.read_text())["schema"] == 1


def test_the_report_shows_the_study_and_ours_cell_by_cell(done: Done) -> None:
    page, text = done.files.html.read_text(), done.files.markdown.read_text()
    for figure in ("0.6972", "0.7820", "0.9463", "0.9705", "0.9674", "0.9756", "0.8560"):
        assert figure in page
        assert figure in text
    for seconds in ("115.056", "174.756", "62.666", "99.316", "172.922", "300.034"):
        assert seconds in page
    for row in ("as the study did", "transformers float32", "engine float32", "engine int8"):
        assert f"here, {row}" in page
        assert f"here, {row}" in text
    assert "Made with <code>--quick" in page
    for part in ("What differs.", "Why not 4.3 times", "TF-IDF", "Where the models differ", "svg"):
        assert part in page
    assert "not be passed on" in page
    assert "<script" not in page
    assert done.found.models[0].origin in page


def test_the_same_again_downloads_trains_and_measures_nothing(done: Done) -> None:
    kept = [*done.settings.output.rglob("training.json"), *done.settings.output.rglob("measured/*")]
    assert len(kept) == 9
    before = {path: path.stat().st_mtime_ns for path in kept}
    done.hub.asked.clear()
    plan = make_plan(done.settings)
    assert all(part.is_done for part in plan.parts)
    assert "All is done already" in "\n".join(summary_lines(plan))
    found, report = run_study(plan, command="squeezebert study")
    assert {path: path.stat().st_mtime_ns for path in kept} == before
    assert done.hub.asked == []
    assert report == done.report
    assert dataclasses.replace(found, date=done.found.date) == done.found


def test_a_cache_that_moved_is_filled_again_and_no_run_is_lost(
    done: Done, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "moved"))
    kept = [*done.settings.output.rglob("training.json")]
    before = {path: path.stat().st_mtime_ns for path in kept}
    plan = make_plan(done.settings)
    assert [part.of for part in plan.parts if not part.is_done] == list(done.settings.models)
    run_study(plan)
    assert {path: path.stat().st_mtime_ns for path in kept} == before
    assert (done.settings.output / "checkpoints" / "bert-base-uncased" / "vocab.txt").is_file()


def test_what_was_lost_alone_is_made_again(done: Done) -> None:
    plan = make_plan(done.settings)
    lost, kept = (measured_file(done.settings, one) for one in plan.sets[1:3])
    before = kept.stat().st_mtime_ns
    lost.unlink()
    left = [part for part in make_plan(done.settings).parts if not part.is_done]
    assert [(part.what, part.of) for part in left] == [("score and time", "News by category")]
    run_study(plan)
    assert lost.is_file()
    assert kept.stat().st_mtime_ns == before


def test_another_recipe_in_the_same_directory_is_refused(done: Done) -> None:
    other = dataclasses.replace(
        done.settings, overrides={**done.settings.overrides, "loop.max_steps": "3"}
    )
    plan = make_plan(other)
    with pytest.raises(ConfigError, match=r"squeezebert-uncased on DailyDialog: the run in .* had"):
        run_study(plan)
    assert (run_directory(other, plan.sets[0], plan.models[0], 0) / "training.json").is_file()


def test_a_study_without_network_goes_on_with_what_is_here(
    done: Done, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    run_study(make_plan(done.settings))


def test_local_checkpoints_and_sets_need_no_hub(
    done: Done, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    plan = make_plan(done.settings)
    starts = [run_directory(done.settings, plan.sets[1], model, 0) for model in plan.models]
    settings = dataclasses.replace(
        done.settings,
        output=tmp_path / "own",
        models=(str(starts[0]), str(starts[1])),
        data=("text_classification:" + plan.sets[1].path,),
        tasks=("text_classification",),
        seeds=2,
        classical=False,
    )
    found, report = run_study(make_plan(settings))
    files = write_study(found, report, settings.output)
    assert [one.origin for one in found.models] == ["a directory"] * 2
    assert [one.origin for one in found.sets] == ["a directory of yours"]
    assert sorted({run.seed for run in found.runs}) == [0, 1]
    assert all("accuracy" in run.test for run in found.runs)
    assert "±" in files.html.read_text()
    assert not any(result.is_classical for result in report.results)


def test_nothing_here_and_no_network_says_what_can_be_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(HubUnreachable, match="no network: ") as caught:
        make_plan(StudySettings(output=tmp_path / "none"))
    assert "make demo" in str(caught.value)
    assert "--model DIRECTORY" in str(caught.value)
