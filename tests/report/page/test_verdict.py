"""Section of the verdict: gates, figures and warnings of a run in each state."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from evolve.experiment.run_view import RunView, read_view
from evolve.report.page import verdict
from evolve.report.page.verdict.warnings import MAX_NOTICES, SAME_CLOSE
from evolve.store.rows import TrialRow
from evolve.validation.verdict import LABELS, PASS, UNCONFIRMED
from tests.experiment.small_runs import EDGE, Stopper, run_small
from tests.report.page.pages import (
    Watcher,
    add_event,
    change_prices,
    change_result,
    find_label,
    find_table,
    list_blocks,
    list_warnings,
    read_pairs,
)


@pytest.fixture(scope="module")
def passed(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunView, Watcher]:
    """Return a run whose holdout was opened, and the views during it."""
    folder = tmp_path_factory.mktemp("passed")
    watcher = Watcher(folder / "1")
    return read_view(run_small(folder, EDGE, observer=watcher).folder), watcher


@pytest.fixture(scope="module")
def sealed(passed: object, tmp_path_factory: pytest.TempPathFactory) -> RunView:
    """Return the same run with a sealed holdout."""
    folder = tmp_path_factory.mktemp("sealed")
    return read_view(run_small(folder, EDGE, "validate.holdout=sealed").folder)


@pytest.fixture
def view(passed: tuple[RunView, Watcher]) -> RunView:
    return passed[0]


# -- the verdict


@pytest.mark.slow
def test_a_pass_has_its_sentence_and_all_gates_with_figures_and_limits(view: RunView) -> None:
    blocks = list(verdict.iterate_blocks(view))
    label = find_label(blocks)
    assert (label.label, label.role) == (PASS, "good")
    assert label.text == view.result["verdict"]["sentence"]
    rows = find_table(blocks, "gates").rows
    gates = view.result["verdict"]["gates"]
    assert [row[:2] for row in rows] == [
        (gate["name"], each["name"]) for gate in gates for each in gate["criteria"]
    ]
    assert {row[4] for row in rows} == {"passed"}
    cells = {row[1]: row[2:] for row in rows}
    assert cells["p-value over all runs on these data"] == ("0.05", "at most 0.05", "passed")
    holdout = view.result["holdout"]["test"]
    value = f"{holdout['t']:.4g}"
    assert cells["t of the appraisal returns"] == (value, "at least 1.645", "passed")
    assert cells["closed trades"] == (str(holdout["trades"]), "at least 10", "passed")


def test_the_role_of_a_label_is_good_for_a_pass_alone(view: RunView) -> None:
    for label in LABELS:
        changed = change_result(view, verdict={**view.result["verdict"], "label": label})
        found = find_label(verdict.iterate_blocks(changed))
        assert found.label == label
        assert (found.role == "good") is (label == PASS)


def test_a_gate_of_an_earlier_version_has_its_text(view: RunView) -> None:
    earlier = json.loads(json.dumps(view.result["verdict"]))
    gates = earlier["gates"]
    for each in gates:
        del each["criteria"]
    found = verdict.iterate_blocks(change_result(view, verdict=earlier))
    rows = find_table(found, "gates").rows
    assert [row[0] for row in rows] == ["executable", "null", "holdout"]
    assert rows[1][1:] == (gates[1]["text"], None, None, "passed")


def test_the_figures_are_those_of_the_evidence(view: RunView) -> None:
    found = read_pairs(find_table(verdict.iterate_blocks(view), "verdict-figures"))
    null = view.result["validation"]["null"]
    assert found["trials"] == "200 of 200"
    assert found["best score"] == f"{null['score']:.2f}"
    assert found["searches on shuffled prices"] == "19 of at most 19"
    assert found["of them beaten"] == "19"
    assert found["score that would pass"] == f"{null['threshold']:.2f}"
    assert found["power of the holdout"] == f"{view.result['holdout']['power']:.1%}"


# -- states


def test_during_the_search_there_is_no_verdict_but_the_best_so_far(
    passed: tuple[RunView, Watcher],
) -> None:
    view, blocks = passed[1].views["search"], passed[1].pages["search"]
    assert (view.state, view.document) == ("running", None)
    assert find_label(blocks).label == "RUNNING"
    assert not [each for each in blocks if getattr(each, "name", "") == "gates"]
    best = find_table(blocks, "so-far")
    assert [each.heading for each in best.columns] == ["metric", "best so far", "buy and hold"]
    figures = read_pairs(find_table(blocks, "verdict-figures"))
    assert figures["trials"] == f"{len(view.rows.trials)} of 200"
    assert "searches on shuffled prices" not in figures


def test_during_the_null_run_its_searches_are_counted_and_the_verdict_is_open(
    passed: tuple[RunView, Watcher],
) -> None:
    view, blocks = passed[1].views["null run"], passed[1].pages["null run"]
    assert view.state == "running"
    assert view.result["verdict"]["label"] == "NOT TESTED"
    label = find_label(blocks)
    assert label.label == "RUNNING"
    assert "beat 2 of 2 searches on shuffled prices; at most 19" in label.text
    figures = read_pairs(find_table(blocks, "verdict-figures"))
    assert figures["searches on shuffled prices"] == "2 of at most 19"
    whole = passed[0].null
    assert view.null is not None
    assert whole is not None
    assert view.null.results == whole.results[:2]
    assert (view.null.score, view.null.trials) == (whole.score, whole.trials)


@pytest.mark.parametrize(("event", "where"), [("progress", "search"), ("null_search", "its test")])
def test_a_run_that_was_killed_shows_that_it_stopped(
    tmp_path: Path, event: str, where: str
) -> None:
    with pytest.raises(KeyboardInterrupt):
        run_small(tmp_path, EDGE, observer=Stopper(event, interrupt=True))
    view = read_view(tmp_path / "1")
    label = find_label(list_blocks(view))
    assert (view.state, label.label) == ("stopped", "STOPPED")
    assert where in label.text
    assert "Run the experiment again" in label.text


# -- the holdout


def test_no_figure_depends_on_the_holdout_while_it_is_sealed(
    sealed: RunView, tmp_path: Path
) -> None:
    assert sealed.result["verdict"]["label"] == UNCONFIRMED
    expected, split = list_blocks(sealed), sealed.data.split
    assert list_blocks(_change_prices(sealed, tmp_path / "a", len(split.seen))) == expected
    assert list_blocks(_change_prices(sealed, tmp_path / "b", split.validation_start)) != expected
    rows = find_table(expected, "gates").rows
    assert rows[-1][0] == "holdout"
    assert rows[-1][2:] == (None, None, "not reached")


# -- warnings


def test_a_clean_run_has_no_warning(view: RunView) -> None:
    events = tuple(each for each in view.rows.events if each.kind != "notice")
    assert list_warnings(replace(view, rows=replace(view.rows, events=events))) == []


def test_notices_of_the_run_are_warnings_once_each_and_bounded(view: RunView) -> None:
    text = "survivorship bias: 4 stocks of today exclude those that failed"
    noticed = add_event(add_event(view, "notice", text=text), "notice", text=text)
    assert list_warnings(noticed).count(text) == 1
    for number in range(MAX_NOTICES + 5):
        noticed = add_event(noticed, "notice", text=f"number {number}\n  = hint\x1b")
    found = list_warnings(noticed)
    assert "number 3 = hint\\x1b" in found
    assert len(found) == MAX_NOTICES + 1
    assert "more notices" in found[-1]


def test_orders_at_the_close_of_their_signal_are_a_warning(view: RunView) -> None:
    experiment = view.plan.experiment
    backtest = experiment.backtest.model_copy(update={"fill": "close"})
    plan = replace(view.plan, experiment=experiment.model_copy(update={"backtest": backtest}))
    assert SAME_CLOSE in list_warnings(replace(view, plan=plan))


def test_untraded_opens_are_a_warning_once(view: RunView) -> None:
    changed = change_result(view, data={**view.result["data"], "closes_only": {"ABC": {}}})
    (text,) = [each for each in list_warnings(changed) if each.startswith("ABC has no traded")]
    assert "fill at closes" in text
    noticed = add_event(changed, "notice", text="ABC has no traded opens: as measured")
    found = [each for each in list_warnings(noticed) if each.startswith("ABC has no traded")]
    assert found == ["ABC has no traded opens: as measured"]


def test_data_of_the_fallback_are_a_warning_instead_of_the_notice(view: RunView) -> None:
    data = {**view.result["data"], "from": "sample:sp500", "fallback_used": True}
    data["fallback_reason"] = "yahoo:SPY: no answer"
    notice = "yahoo:SPY: no answer; using the fallback sample:sp500 instead"
    found = list_warnings(add_event(change_result(view, data=data), "notice", text=notice))
    assert notice not in found
    assert [each for each in found if "fallback" in each] == [
        "The prices are those of the fallback sample:sp500, so the verdict holds for them alone "
        "(yahoo:SPY: no answer)."
    ]


def test_a_holdout_that_was_opened_before_is_a_warning(view: RunView) -> None:
    holdout = view.result["holdout"]
    changed = change_result(view, holdout={**holdout, "test": {**holdout["test"], "opening": 3}})
    (text,) = [each for each in list_warnings(changed) if each.startswith("REUSED")]
    assert "opening 3 of the same unseen prices" in text


@pytest.mark.parametrize(("part", "count", "is_few"), [
    ("train", 29, True), ("train", 30, False), ("validation", 9, True), ("validation", 10, False),
])  # fmt: skip
def test_few_trades_are_a_warning(view: RunView, part: str, count: int, is_few: bool) -> None:
    best = view.result["best"]
    metrics = {**best["metrics"], part: {**best["metrics"][part], "num_trades": count}}
    found = list_warnings(change_result(view, best={**best, "metrics": metrics}))
    assert any(f"only {count} trades on {part}" in each for each in found) is is_few


def test_a_model_that_the_null_run_left_out_is_a_warning(view: RunView) -> None:
    def add_trial(source: RunView) -> RunView:
        last: TrialRow = source.rows.trials[-1]
        trial = replace(last, proposer="llm:small <b>:simplify")
        return replace(source, rows=replace(source.rows, trials=(*source.rows.trials, trial)))

    (text,) = [each for each in list_warnings(add_trial(view)) if "leave out" in each]
    assert "small <b>" in text
    experiment = view.plan.experiment
    for changes in ({"null_llm": "ask"}, {"null_runs": 0}):
        validation = experiment.validation.model_copy(update=changes)
        plan = replace(
            view.plan, experiment=experiment.model_copy(update={"validation": validation})
        )
        found = list_warnings(add_trial(replace(view, plan=plan)))
        assert not [each for each in found if "leave out" in each]


def test_caveats_name_the_strategy_that_they_are_about(view: RunView) -> None:
    caveats = ["It descends from answers of x.", "The model x may know this period."]
    changed = change_result(view, validation={**view.result["validation"], "caveats": caveats})
    found = list_warnings(changed)
    assert "The best strategy descends from answers of x." in found
    assert caveats[1] in found


def test_a_run_is_finished_if_it_has_a_result_and_its_last_event(
    view: RunView, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(view.folder, folder)
    assert read_view(folder).state == "finished"
    _remove_event(folder / "journal.sqlite", "finished")
    assert read_view(folder).state == "stopped"


def _change_prices(view: RunView, folder: Path, first: int) -> RunView:
    """Return the view of a copy with other prices from a bar on, and figures of its holdout."""
    shutil.copytree(view.folder, folder)
    change_prices(folder, first)
    document = json.loads((folder / "result.json").read_text("utf-8"))
    document["holdout"] |= {"metrics": {"sharpe": 77.77}, "test": {"t": 77.77, "opening": 9}}
    (folder / "result.json").write_text(json.dumps(document), "utf-8")
    found = read_view(folder)
    assert found.document is not None and view.document is not None
    # The page shows the hash of the bars.
    document = found.document.model_copy(update={"data": view.document.data})
    changed = replace(found, folder=view.folder, document=document)
    vars(changed)["data"] = found.data
    return changed


def _remove_event(journal: Path, kind: str) -> None:
    with closing(sqlite3.connect(journal)) as connection, connection:
        connection.execute("DELETE FROM events WHERE kind=?", (kind,))
