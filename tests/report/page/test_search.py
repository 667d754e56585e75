"""Section of the search: front, archive, credit and lineage, as data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evolve.experiment.archive import MAX_BEHAVIORS, find_behaviors, select_candidates
from evolve.experiment.front import find_front
from evolve.experiment.positions import MAX_CORRELATION, standardize_positions
from evolve.experiment.run_view import RunView, read_view
from evolve.report.page.blocks import Block, Table, Tree
from evolve.report.page.charts import Chart
from evolve.report.page.search import front, iterate_blocks
from evolve.report.page.search.credit import list_credits
from evolve.report.page.search.descent import MAX_STEPS
from evolve.report.page.search.front import build_front, thin_out
from evolve.store.rows import EventRow, JournalRows, TrialRow
from tests.experiment.small_runs import EDGE, run_small


@pytest.fixture(scope="module")
def view(tmp_path_factory: pytest.TempPathFactory) -> RunView:
    """Return the view of a small finished run."""
    folder = tmp_path_factory.mktemp("search")
    return read_view(run_small(folder, EDGE, "validate.null_runs=0").folder)


def build_trial(number: int, score: float, nodes: int, proposer: str = "tune") -> TrialRow:
    return TrialRow(
        number, f"h{number}", "strategy s { buy when close > 1 }", nodes, proposer, (), 0, 1,
        (score,), (), 1, "",
    )  # fmt: skip


def find_block(view: RunView, name: str) -> Any:
    blocks: dict[str, Block] = {getattr(each, "name", ""): each for each in iterate_blocks(view)}
    return blocks[name]


def without_result(view: RunView, *events: EventRow) -> RunView:
    """Return the view of the same run before it has a result."""
    rows = replace(view.rows, events=events)
    return replace(view, state="running", document=None, result={}, rows=rows)


def test_no_trial_is_better_and_smaller_than_one_of_the_front() -> None:
    rng = np.random.default_rng(1)
    trials = [
        build_trial(number, float(rng.normal()), int(rng.integers(3, 20))) for number in range(300)
    ]
    front = find_front(trials)
    assert len(front) > 2
    for each in front:
        assert not [
            other
            for other in trials
            if other.scores[0] >= each.scores[0] and other.nodes < each.nodes
        ]
        assert each.scores[0] == max(one.scores[0] for one in trials if one.nodes <= each.nodes)


def test_a_trial_that_is_not_feasible_is_not_on_the_front() -> None:
    best, other = build_trial(1, 9.0, 3), build_trial(2, 0.5, 4)
    assert find_front([best, other]) == [best]
    assert find_front([replace(best, infeasible_reason="too few trades"), other]) == [other]
    assert find_front([]) == []


def test_the_thinned_cloud_has_the_front_and_every_kind_of_author() -> None:
    trials = [build_trial(number, number / 5000, 5 + number % 9) for number in range(5000)]
    trials += [build_trial(5000, 0.5, 7, "llm:tiny:different"), build_trial(5001, 1.3, 4)]
    front = find_front(trials)
    shown = thin_out(trials, front)
    assert len(shown) <= 2 * 9 * 100
    assert set(front) <= set(shown)
    assert "llm:tiny:different" in {each.proposer for each in shown}
    assert [each.number for each in shown] == sorted(each.number for each in shown)


def test_equal_scores_are_one_level() -> None:
    trials = [build_trial(number, 0.0, 5) for number in range(3)]
    assert thin_out(trials, find_front(trials)) == trials[:1]


def test_the_front_marks_the_winner_and_the_finalists_where_they_are(view: RunView) -> None:
    chart = build_front(view)
    traces = {each.name: each for each in chart.traces}
    best = view.result["best"]
    winner = next(
        each for each in view.rows.trials if each.hash == best.get("pruned", best)["hash"]
    )
    assert (traces["winner"].x, traces["winner"].y) == ((winner.nodes,), (winner.scores[0],))
    assert len(traces["finalists"].x) == len(view.result["finalists"])
    points = [
        point
        for each in chart.traces
        if each.kind == "points"
        for point in zip(each.x, each.y, each.hover, strict=True)
    ]
    assert all(f"{score:.3f} with {nodes} nodes" in hover for nodes, score, hover in points)


def test_the_winner_of_a_run_in_progress_is_looked_for_once(
    view: RunView, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[RunView] = []
    monkeypatch.setattr(front, "find_winner", calls.append)
    build_front(without_result(view))
    assert len(calls) == 1, "it looks at all trials, so once per trial is quadratic"


def test_behaviors_trade_differently_and_are_the_best_of_their_group(view: RunView) -> None:
    behaviors = find_behaviors(view)
    assert 2 <= len(behaviors) <= MAX_BEHAVIORS
    scores = [each.trial.scores[0] for each in behaviors]
    assert scores == sorted(scores, reverse=True)
    candidates = select_candidates(view.rows.trials)
    assert scores[0] == candidates[0].scores[0]
    positions = np.array([standardize_positions(each.train) for each in behaviors])
    between = (positions @ positions.T)[~np.eye(len(positions), dtype=bool)]
    assert between.max() < MAX_CORRELATION
    assert sum(each.members for each in behaviors) <= len(candidates)


def test_candidates_are_the_best_of_each_size_with_distinct_scores() -> None:
    trials = [build_trial(number, number % 500, 3 + number // 250) for number in range(5000)]
    selected = select_candidates(trials)
    assert len({each.scores for each in selected}) == len(selected) == 150
    assert min(each.nodes for each in selected) <= 7


def test_the_table_of_behaviors_has_what_the_backtest_on_train_measures(view: RunView) -> None:
    table: Table = find_block(view, "behaviors")
    for row, each in zip(table.rows, find_behaviors(view), strict=True):
        cells = dict(zip([column.heading for column in table.columns], row, strict=True))
        assert cells["trades"] == len(each.train.trades)
        assert cells["bars held"] == pytest.approx(np.mean([one.bars for one in each.train.trades]))
        assert cells["exposure"] == pytest.approx(np.mean(each.train.held != 0), abs=0.01)


def test_the_credit_of_a_finished_run_is_that_of_its_result(view: RunView) -> None:
    credits = {each.proposer: each for each in list_credits(view)}
    assert set(credits) == set(view.result["proposers"])
    for name, each in credits.items():
        assert each.stats.as_counts() == pytest.approx(view.result["proposers"][name])
        assert each.seconds == view.result["proposer_seconds"][name]
        assert each.usd is None
    table: Table = find_block(view, "credit")
    evaluated = [column.heading for column in table.columns].index("evaluated")
    assert [row[evaluated] for row in table.rows] == [
        view.result["proposers"][name]["evaluated"] for name in sorted(credits)
    ]


def test_the_credit_of_a_run_in_progress_is_that_of_its_last_epoch(view: RunView) -> None:
    events = [
        EventRow("", "epoch", {"number": 1, "evaluated": each, "best": None,
                               "stats": {"tune": {"evaluated": each, "gain": 2.0}},
                               "seconds": {"tune": 0.5}})
        for each in (4, 8)
    ]  # fmt: skip
    table: Table = find_block(without_result(view, *events), "credit")
    (row,) = table.rows
    cells = dict(zip([column.heading for column in table.columns], row, strict=True))
    assert (cells["evaluated"], cells["gain per 1,000"]) == (8, 250.0)
    assert cells["gain per second"] == 4.0
    assert "$" not in cells  # no model was asked


def test_a_run_before_its_first_epoch_has_no_blocks(view: RunView) -> None:
    empty = replace(without_result(view), rows=JournalRows())
    assert list(iterate_blocks(empty)) == []


def test_a_run_in_progress_has_the_lineage_of_its_best_trial_so_far(view: RunView) -> None:
    tree: Tree = find_block(without_result(view), "descent")
    best = max(
        (each for each in view.rows.trials if each.is_feasible), key=lambda each: each.scores[0]
    )
    assert tree.steps[-1].key == best.hash[:8]
    assert isinstance(find_block(without_result(view), "front"), Chart)


def test_the_lineage_ends_at_the_winner_and_its_differences_give_the_sources(
    view: RunView,
) -> None:
    tree: Tree = find_block(view, "descent")
    seen = dict[str, list[str]]()
    for step in tree.steps:
        assert set(step.parents) <= set(seen)
        before = [each.before for each in step.diff if each.before is not None]
        assert before == (seen[step.parents[0]] if step.parents else [])
        seen[step.key] = [each.after for each in step.diff if each.after is not None]
    best = view.result["best"]
    assert tree.steps[-1].key == best["hash"][:8]
    text = "\n".join(seen[tree.steps[-1].key])
    assert text.partition("{")[2] == best["source"].rstrip("\n").partition("{")[2]
    assert len({each.key for each in tree.steps}) == len(tree.steps)


def test_a_pruned_winner_is_a_last_step_that_names_what_was_dropped(view: RunView) -> None:
    trial = view.rows.trials[-1]
    document = view.document
    assert document is not None and document.best is not None and document.best.pruned is not None
    pruned = document.best.pruned.model_copy(
        update={"hash": trial.hash, "nodes": 5, "dropped": ["sell"]}
    )
    source = "strategy s {\n  buy when close > 1\n}\n"
    best = document.best.model_copy(update={"pruned": pruned, "source": source})
    changed = replace(view, document=document.model_copy(update={"best": best}))
    *_, found, last = find_block(changed, "descent").steps
    assert found.key == trial.hash[:8]
    assert last.author == "pruned"
    assert last.parents == (found.key,)
    assert "train: sell" in last.text
    assert [each.after for each in last.diff if each.after is not None][1] == "  buy when close > 1"


def test_a_control_character_of_a_source_reaches_no_hover(view: RunView, tmp_path: Path) -> None:
    trial = replace(build_trial(1, 1.0, 3, "llm:a\x1b[1m:b"), source="strategy s { \x1b[31m }")
    hostile = replace(without_result(view), rows=JournalRows((trial,)))
    chart = build_front(hostile)
    assert "\x1b" not in "".join(text for each in chart.traces for text in each.hover)


def test_a_long_lineage_shows_its_last_steps_and_counts_the_others(view: RunView) -> None:
    source = "strategy s {{ buy when close > sma(close, {}) }}"
    trials = [
        replace(
            build_trial(number, number / 100, 4), source=source.format(number + 1),
            parents=(f"h{number - 1}",),
        )
        for number in range(1, 81)
    ]  # fmt: skip
    tree: Tree = find_block(
        replace(without_result(view), rows=JournalRows(tuple(trials))), "descent"
    )
    assert len(tree.steps) == MAX_STEPS
    assert tree.steps[0].parents == ()
    assert tree.steps[0].text.startswith("score 0.2100 (+0.0100), trial 21\n")
    assert tree.steps[-1].key == "h80"
    assert tree.about.endswith("The first 20 steps are left out.")
    assert "over 80 steps" in tree.about
    assert "79 ancestors" in tree.about
