"""Line of descent of a trial."""

from __future__ import annotations

from pathlib import Path

import pytest

from evolve.experiment.lineage import (
    find_winner,
    format_source,
    shorten_lineage,
    trace_lineage,
)
from evolve.experiment.run_view import RunView, read_view
from evolve.store.rows import JournalRows, TrialRow
from tests.experiment.small_runs import EDGE, run_small


@pytest.fixture(scope="module")
def view(tmp_path_factory: pytest.TempPathFactory) -> RunView:
    """Return the view of a small run."""
    folder = tmp_path_factory.mktemp("lineage")
    return read_view(run_small(folder, EDGE, "validate.null_runs=0").folder)


def build_trial(number: int, score: float, *parents: int, reason: str = "") -> TrialRow:
    """Build a row whose hash is `h` and its number."""
    return TrialRow(
        number, f"h{number}", "strategy s { buy when close > 1 }", 3, "subtree",
        tuple(f"h{each}" for each in parents), 0, number, (score,), (), 1, reason,
    )  # fmt: skip


ROWS = JournalRows(
    (
        build_trial(1, 0.1),
        build_trial(2, 0.3),
        build_trial(3, 0.2, 1, 2),
        build_trial(4, 9.0),
        build_trial(5, 0.5, 3, 2),
        build_trial(6, 0.6, 5, 5),
    )
)


def test_every_ancestor_of_a_trial_is_a_trial_and_follows_its_parents(view: RunView) -> None:
    trials = {each.hash: each for each in view.rows.trials}
    lengths = []
    for last in (*trials, find_winner(view) or ""):
        lineage, seen = trace_lineage(view.rows, last), set[str]()
        for each in lineage:
            assert trials[each.trial.hash] == each.trial
            assert seen.issuperset(each.parents)
            assert set(each.parents) == set(each.trial.parents)  # all parents are in the journal
            seen.add(each.trial.hash)
        assert lineage[-1].trial.hash == last
        lengths.append(len(lineage))
    assert max(lengths) > 3


def test_the_main_line_follows_the_best_parent() -> None:
    lineage = trace_lineage(ROWS, "h6")
    assert [each.trial.number for each in lineage] == [1, 2, 3, 5, 6]
    assert [each.trial.number for each in lineage if each.is_main] == [2, 5, 6]
    assert lineage[3].parents == ("h2", "h3")
    assert lineage[3].gain == pytest.approx(0.2)
    assert lineage[4].parents == ("h5",)


def test_a_parent_that_is_not_feasible_comes_last_and_gives_no_gain() -> None:
    rows = JournalRows(
        (
            build_trial(1, 5.0, reason="trades"),
            build_trial(2, 0.1),
            build_trial(3, 0.4, 1, 2),
            build_trial(4, 0.5, 1),
        )
    )
    assert trace_lineage(rows, "h3")[-1].parents == ("h2", "h1")
    assert trace_lineage(rows, "h3")[-1].gain == pytest.approx(0.3)
    assert trace_lineage(rows, "h4")[-1].gain is None


def test_a_hash_that_is_no_trial_has_no_lineage() -> None:
    assert trace_lineage(ROWS, "unknown") == ()


def test_a_journal_with_a_circle_ends() -> None:
    rows = JournalRows((build_trial(1, 0.1, 2), build_trial(2, 0.2, 1)))
    assert [each.trial.number for each in trace_lineage(rows, "h2")] == [1, 2]


@pytest.mark.parametrize(("steps", "numbers"), [(1, [6]), (2, [3, 5, 6]), (9, [2, 3, 5, 6])])
def test_a_short_lineage_has_the_last_steps_and_their_other_parents(
    steps: int, numbers: list[int]
) -> None:
    rows = JournalRows((*ROWS.trials[:5], build_trial(6, 0.6, 5, 3)))
    lineage = shorten_lineage(trace_lineage(rows, "h6"), steps)
    assert [each.trial.number for each in lineage] == numbers
    shown = {each.trial.hash for each in lineage}
    assert all(shown.issuperset(each.parents) for each in lineage)
    assert all(each.is_main or not each.parents for each in lineage)


def test_a_step_that_is_left_out_returns_as_another_parent_beside_the_main_line() -> None:
    rows = JournalRows((build_trial(1, 0.1), build_trial(2, 0.3, 1), build_trial(3, 0.5, 2, 1)))
    lineage = shorten_lineage(trace_lineage(rows, "h3"), 2)
    assert [(each.trial.number, each.is_main) for each in lineage] == [
        (1, False), (2, True), (3, True),
    ]  # fmt: skip
    assert lineage[1].parents == ()


def test_the_winner_of_a_finished_run_is_that_of_its_result(view: RunView) -> None:
    best = view.result["best"]
    assert find_winner(view) == best.get("pruned", best)["hash"]


def test_the_winner_of_a_run_without_a_result_is_the_best_feasible_trial() -> None:
    rows = JournalRows((build_trial(1, 0.1), build_trial(2, 0.4), build_trial(3, 2.0, reason="no")))
    view = RunView(Path("none"), "running", None, None, {}, rows)  # type: ignore[arg-type]
    assert find_winner(view) == "h2"


def test_a_source_is_formatted_over_lines_and_an_unreadable_one_returned() -> None:
    assert format_source("strategy s { buy when close > 1 }").splitlines() == [
        "strategy s {", "  buy when close > 1", "}",
    ]  # fmt: skip
    assert format_source("strategy {") == "strategy {"
