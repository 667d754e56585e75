"""`evolve compare`: tables, document, page and errors."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from evolve.experiment.comparison import compare_runs
from evolve.experiment.run_view import RunView, read_view
from evolve.notices import NoticeList
from evolve.report.page.blocks import Block, Table, Text, Tree
from evolve.report.page.charts import Chart
from evolve.report.page.comparison import ROLES, build_comparison_page
from tests.command_line import document, invoke, refuse
from tests.experiment.small_runs import run_small
from tests.golden import golden
from tests.report.page.pages import change_result

GOLDEN = Path(__file__).parent / "golden"
FIRST, OTHER = "synthetic:walk?seed=3&bars=600", "synthetic:walk?seed=2&bars=600"
SHORT = ("validate.null_runs=0", "budget.evaluations=100")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return two runs on the same data, and one on other data."""
    folder = tmp_path_factory.mktemp("compare")
    return [
        run_small(folder, FIRST, *SHORT).folder,
        run_small(folder, FIRST, *SHORT, "seed=2", "search.population=15").folder,
        run_small(folder, OTHER, *SHORT, "fitness.folds=3").folder,
    ]


@pytest.fixture(scope="module")
def views(folders: list[Path]) -> list[RunView]:
    """Return the views of the runs."""
    return [read_view(each) for each in folders]


def list_blocks(views: list[RunView]) -> dict[str, Block]:
    page = build_comparison_page(views)
    return {getattr(each, "name", ""): each for part in page.sections for each in part.blocks}


def test_two_runs_are_compared_in_tables(folders: list[Path]) -> None:
    out = invoke("compare", *map(str, folders[:2])).out
    out = re.sub(r"trials per second .*", "trials per second   NUMBER   NUMBER", out)
    golden(GOLDEN / "compare.txt", out)


def test_the_document_has_the_figures_of_the_results(folders: list[Path]) -> None:
    compared = document("compare", *map(str, folders[:2]))
    for folder, run in zip(folders, compared["runs"], strict=False):
        result = json.loads((folder / "result.json").read_text("utf-8"))
        assert run["trials"] == result["trials"]["evaluated"]
        assert run["validation"] == result["best"]["metrics"]["validation"]["appraisal_ratio"]
        assert run["source"] == result["best"]["source"]
        assert run["data_hash"] == result["data"]["hash"]
        assert run["holdout"] is None
    assert compared["settings"] == {"search.population": ["20", "15"]}
    assert compared["warnings"] == []


def test_a_verdict_is_that_of_a_finished_run(views: list[RunView]) -> None:
    first, *_ = compare_runs(views[:2]).runs
    assert first.verdict == views[0].result["verdict"]["label"]


def test_different_data_are_a_warning(views: list[RunView]) -> None:
    warnings = compare_runs([views[0], views[2]]).warnings
    assert warnings == ("The runs have different data: scores and metrics are not comparable.",)


def test_a_different_begin_of_validation_and_objective_are_warnings(views: list[RunView]) -> None:
    experiment = views[1].plan.experiment
    changed = experiment.model_copy(
        update={
            "split": experiment.split.model_copy(update={"validation": 0.3}),
            "fitness": experiment.fitness.model_copy(update={"maximize": ["sharpe"]}),
        }
    )
    other = replace(views[1], plan=replace(views[1].plan, experiment=changed))
    vars(other)["data"] = other.plan.load(NoticeList())  # as if the run had this split
    validation, objective = compare_runs([views[0], other]).warnings
    assert "Validation begins on different days" in validation
    assert "different objectives" in objective


def test_a_run_that_was_killed_is_compared_by_its_journal(
    folders: list[Path], tmp_path: Path
) -> None:
    shutil.copytree(folders[0], tmp_path / "killed")
    (tmp_path / "killed" / "result.json").unlink()
    out = invoke("compare", str(tmp_path / "killed"), str(folders[1])).out
    assert "warning: Not finished: killed." in out
    killed, _ = compare_runs([read_view(tmp_path / "killed"), read_view(folders[1])]).runs
    assert killed.state == "stopped"
    assert (killed.verdict, killed.validation) == (None, None)
    assert killed.trials == 100
    assert killed.source is not None


def test_a_sealed_holdout_shows_no_figure_and_an_opened_one_its_metric(
    views: list[RunView],
) -> None:
    metrics = {"appraisal_ratio": 0.25}
    for sealed, shown in ((True, None), (False, 0.25)):
        holdout = {**views[0].result["holdout"], "sealed": sealed, "metrics": metrics}
        opened = change_result(views[0], holdout=holdout)
        assert compare_runs([opened, views[1]]).runs[0].holdout == shown


def test_the_number_of_null_searches_with_a_lower_score_is_shown(views: list[RunView]) -> None:
    searches = [
        {
            "number": number,
            "best": float(number > 16),
            "evaluated": 5,
            "reached": False,
            "curve": [],
        }
        for number in range(1, 20)
    ]
    null = {"score": 0.5, "planned": 19, "searches": searches}
    tested = change_result(views[0], validation={**views[0].result["validation"], "null": null})
    run = compare_runs([tested, views[1]]).runs[0]
    assert (run.nulls_beaten, run.null_searches) == (16, 19)


def test_the_page_has_the_tables_and_the_charts(views: list[RunView]) -> None:
    blocks = list_blocks(views)
    table, settings = blocks["runs"], blocks["differences"]
    equity, progress, sources = blocks["equity"], blocks["progress"], blocks["sources"]
    assert isinstance(table, Table) and isinstance(settings, Table)
    assert [row[0] for row in table.rows] == ["1", "2", "3"]
    results = blocks["results"]
    assert isinstance(results, Table)
    headings = [each.heading for each in results.columns]
    assert "holdout" not in headings and "$" not in headings
    for row, run in zip(results.rows, compare_runs(views).runs, strict=True):
        assert row[headings.index("validation")] == run.validation
    assert {row[0] for row in settings.rows} == {"data.from", "fitness.folds", "search.population"}
    assert isinstance(equity, Chart) and isinstance(progress, Chart)
    assert [each.name for each in equity.traces] == ["buy and hold (1)", "1", "2", "3"]
    assert all(each.y[0] == pytest.approx(1.0, abs=0.1) for each in equity.traces)
    for view, trace in zip(views, progress.traces, strict=True):
        scores = [each.scores[0] for each in view.rows.trials if each.is_feasible]
        assert trace.y[-1] == max(scores)
        assert trace.x[-1] == len(view.rows.trials)
        assert list(trace.y) == sorted(trace.y, key=lambda each: float(str(each)))
    assert isinstance(sources, Tree)
    for step, view in zip(sources.steps, views, strict=True):
        lines = [each.after for each in step.diff if each.after is not None]
        assert lines == view.result["best"]["source"].splitlines()


def test_equity_ends_where_validation_ends(views: list[RunView]) -> None:
    equity = list_blocks(views[:2])["equity"]
    assert isinstance(equity, Chart)
    last = str(views[0].data.split.seen.time[-1])[:10]
    assert {str(each.x[-1])[:10] for each in equity.traces} == {last}
    assert max(len(each.x) for each in equity.traces) <= 1202


def test_equal_settings_are_reported_in_a_sentence(views: list[RunView], tmp_path: Path) -> None:
    shutil.copytree(views[0].folder, tmp_path / "copy")
    page = build_comparison_page([views[0], read_view(tmp_path / "copy")])
    texts = [each.text for part in page.sections for each in part.blocks if isinstance(each, Text)]
    assert texts == ["The runs have equal settings, except for name and seed."]


def test_the_report_is_one_file(folders: list[Path], tmp_path: Path) -> None:
    path = tmp_path / "compare.html"
    out = invoke("compare", *map(str, folders[:2]), "--report", str(path)).out
    assert out.splitlines()[-1] == str(path)
    assert "Comparison of runs" in path.read_text("utf-8")


def test_runs_of_one_name_are_shown_by_their_paths(folders: list[Path], tmp_path: Path) -> None:
    shutil.copytree(folders[0], tmp_path / "1")
    runs = document("compare", str(folders[0]), str(tmp_path / "1"))["runs"]
    paths = [folders[0].resolve(), (tmp_path / "1").resolve()]
    assert [each["label"] for each in runs] == list(map(str, paths))


def test_a_run_twice_and_a_single_run_are_refused(folders: list[Path]) -> None:
    assert "duplicate run" in refuse("compare", str(folders[0]), str(folders[0]))
    assert "expected two runs or more, found 1" in refuse("compare", str(folders[0]))
    assert "it holds runs" in refuse("compare", str(folders[0].parent), str(folders[0]))


def test_more_runs_than_a_chart_has_colors_are_compared_without_a_page(
    folders: list[Path], tmp_path: Path
) -> None:
    copies = [tmp_path / f"spy-20261101-{number:06}" for number in range(len(ROLES) + 1)]
    for each in copies:
        shutil.copytree(folders[0], each)
    names = list(map(str, copies))
    lines = invoke("compare", *names).out.splitlines()
    (scores,) = [line.split()[2:] for line in lines if line.startswith("best score")]
    assert len(scores) == 7
    assert len(set(scores)) == 1
    refused = refuse("compare", *names, "--report", str(tmp_path / "page.html"))
    assert f"a page compares at most {len(ROLES)} runs, found 7" in refused


def test_the_credit_of_a_proposer_is_that_of_the_result_or_of_the_last_epoch(
    folders: list[Path], tmp_path: Path
) -> None:
    stopped = tmp_path / "stopped"
    shutil.copytree(folders[0], stopped)
    (stopped / "result.json").unlink()
    result = json.loads((folders[0] / "result.json").read_text("utf-8"))
    first, other = document("compare", str(folders[0]), str(stopped))["runs"]
    assert first["credit"] == result["proposers"] == other["credit"]
    # A strategy that two islands find in one epoch is one trial, and credited to both proposers.
    trials = result["trials"]
    credited = sum(each["evaluated"] for each in first["credit"].values())
    assert credited == trials["valid"] - trials["duplicate"] - trials["idle"] >= 100
    blocks = list_blocks([read_view(folders[0]), read_view(stopped)])
    credit = blocks["credit"]
    assert isinstance(credit, Table)
    counts = {name: each["evaluated"] for name, each in first["credit"].items()}
    shown = {str(row[0]): str(row[1]).partition(" ")[0] for row in credit.rows}
    assert sorted(shown.values(), key=int) == [str(each) for each in sorted(counts.values())]
