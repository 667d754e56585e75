"""Runs with `budget.stop: luck`: end, resumption, report, and what the ledger counts."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from evolve.errors import EvolveError
from evolve.experiment.plan import read_plan
from evolve.experiment.result import Run
from evolve.experiment.resume import resume
from evolve.experiment.run import run
from evolve.experiment.run_view import read_view
from evolve.report.page.luck.histogram import build_histogram
from evolve.report.page.verdict.figures import build_figures
from evolve.report.save import save_report
from evolve.validation import leads
from evolve.validation.family import ScoreRow, compute_family_test
from evolve.validation.leads import convert_to_normal
from evolve.validation.ledger import Ledger, ledger_path
from evolve.validation.run_ledger import RunLedger
from tests.experiment.compare_runs import assert_equal_runs, read_result, read_rows
from tests.experiment.small_runs import Stopper, write_experiment

EDGE = "synthetic:planted?seed=8&bars=1200&edge_bps=60&rule=roc(close, 1) < 0"
SETTINGS = ("search.population=10", "budget.evaluations=300", "budget.stop=luck")


@pytest.fixture(scope="module", autouse=True)
def strict() -> Iterator[None]:
    """Let a search of few trials lose its lead: as soon as it no longer grows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leads, "MIN_LEAD", -math.inf)
        patch.setattr(leads, "LOST_SHARE", 1.0)
        yield


def begin(folder: Path, *settings: str, observer: Stopper | None = None) -> Run:
    plan = read_plan(write_experiment(folder, EDGE), (*SETTINGS, *settings))
    stop = observer.stop if observer is not None else None
    return run(plan, out=folder / "run", observer=observer, stop=stop)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a run that lost its lead."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EVOLVE_HOME", str(folder / "home"))
        finished = begin(folder)
    assert "luck had caught up at 200 trials" in finished.progress.stop_reason
    return finished


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EVOLVE_HOME", str(tmp_path / "home"))
    return tmp_path


def test_the_verdict_is_about_the_trials_until_the_end(whole: Run) -> None:
    null = whole.evidence.null
    assert null is not None and whole.evidence.family is not None
    assert 200 <= whole.evidence.trials == whole.progress.evaluated < 300
    assert null.curve == whole.evidence.curve
    assert null.curve[-1].trials == whole.progress.evaluated
    assert [each.evaluated for each in null.results] == [300] * 19
    assert null.leads[0].lost_at == 200
    assert null.p_value == (1 + sum(each >= null.leads[0] for each in null.leads[1:])) / 20


def test_the_report_has_the_leads_and_the_end(whole: Run) -> None:
    view = read_view(whole.folder)
    null = whole.evidence.null
    assert view.null is not None and null is not None
    assert view.null.leads == null.leads
    rows = {name: value for name, value, _ in build_figures(view).rows}
    assert rows["lead lost"] == "at 200 trials"
    assert "score that would pass" not in rows
    chart = build_histogram(view.null)
    assert chart.marks[0].value == null.leads[0].largest
    assert "leads by" in chart.about
    document = read_result(whole.folder)
    assert "luck had caught up" in document["stop_reason"]
    assert document["validation"]["null"]["leads"][0]["lost_at"] == 200
    if null.p_value <= 0.05:
        assert "its lead over luck reaches" in whole.verdict.sentence


def test_a_run_that_was_interrupted_equals_one_that_was_not(home: Path, whole: Run) -> None:
    folder = begin(home, observer=Stopper("early_null_search")).folder
    for event in ("early_null_search", "progress", "null_search"):
        observer = Stopper(event)
        assert not resume(folder, observer=observer, stop=observer.stop).is_complete
    assert resume(folder).is_complete
    assert_equal_runs(folder, whole.folder)


@pytest.mark.slow
def test_worker_processes_change_nothing(home: Path, whole: Run) -> None:
    finished = begin(home, "workers=1", observer=Stopper("early_null_search"))
    finished = resume(finished.folder, ["workers.processes=2"])
    assert read_rows(finished.folder)["trials"] == read_rows(whole.folder)["trials"]
    assert read_result(finished.folder) == read_result(whole.folder)


@pytest.mark.slow
def test_a_run_that_lost_its_lead_goes_on_only_without_that_condition(home: Path) -> None:
    finished = begin(home)
    save_report(finished.folder)
    for settings in ([], ["budget.evaluations=600"]):
        with pytest.raises(EvolveError, match=r"condition out: --set budget\.stop=null"):
            resume(finished.folder, settings)
    going_on = resume(finished.folder, ["budget.stop=null"])
    assert going_on.progress.evaluated == 300
    assert going_on.evidence.null is not None and not going_on.evidence.null.leads
    assert going_on.evidence.family is not None and going_on.evidence.family.runs == 2


@pytest.mark.slow
def test_a_later_run_counts_the_leads_of_an_earlier_one(home: Path) -> None:
    earlier = begin(home / "1")
    later = begin(home / "2", "seed=2")
    rows = []
    for each in (later, earlier):
        assert each.evidence.null is not None
        real, *others = convert_to_normal([one.largest for one in each.evidence.null.leads])
        rows.append(ScoreRow(real, tuple(others)))
    expected = compute_family_test(rows[0], rows[1:])
    assert later.evidence.family is not None
    assert later.evidence.family.runs == expected.runs == 2
    if later.evidence.null is not None and later.evidence.null.p_value <= 0.05:
        assert later.evidence.family == expected
    records = RunLedger(Ledger(ledger_path())).list_runs(later.split.train.hash)
    assert [each.curve for each in records] == [earlier.evidence.curve, later.evidence.curve]
    assert [each.trials for each in records] == [300, 300]
