"""Section of luck: charts of the null searches and of the selection, and the diagnostics."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from evolve.backtest.backtest import backtest
from evolve.experiment.result_parts import FinalistDocument, PrunedDocument
from evolve.experiment.run_view import RunView, read_view
from evolve.report.page import luck
from evolve.report.page.luck.histogram import build_histogram
from evolve.report.page.luck.progress import (
    list_improvements,
    measure_luck_band,
    measure_quartiles,
)
from evolve.report.page.luck.selection import MAX_PER_CLASS, select_others
from evolve.search.best_curve import CurvePoint
from evolve.search.hall_of_fame import find_class_of_size
from evolve.store.rows import TrialRow
from evolve.validation.null_run import NullRun
from evolve.validation.null_search import NullResult
from tests.experiment.small_runs import NOISE, run_small
from tests.report.page.pages import Watcher, change_result, find_chart, find_table, read_pairs


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunView, Watcher]:
    folder = tmp_path_factory.mktemp("noise")
    watcher = Watcher(folder / "1")
    return read_view(run_small(folder, NOISE, observer=watcher).folder), watcher


@pytest.fixture
def view(noise: tuple[RunView, Watcher]) -> RunView:
    return noise[0]


def build_search(number: int, *points: tuple[int, float | None], reached: bool = False) -> Any:
    curve = tuple(CurvePoint(*each) for each in points)
    return NullResult(number, curve[-1].best, curve[-1].trials, reached, curve)


NULL = NullRun(
    0.5, 500, 19,
    (
        build_search(1, (100, None), (200, 0.1), (500, 0.4)),
        build_search(2, (100, 0.2), (200, 0.3), (500, 0.3)),
        build_search(3, (100, 0.2), (150, 0.6), reached=True),
        build_search(4, (100, None), (500, None)),
    ),
)  # fmt: skip


def build_trial(number: int, score: float | None, nodes: int = 5, digest: str = "") -> TrialRow:
    reason = "too few trades" if score is None else ""
    return TrialRow(
        number, digest or f"{number:x}", "", nodes, "point", (), 0, 0,
        (-9.0 if score is None else score,), (-9.0 if score is None else score,), number, reason,
    )  # fmt: skip


# -- null searches


def test_the_histogram_counts_each_null_search_with_a_score_once() -> None:
    chart = build_histogram(NULL)
    (bars,) = chart.traces
    assert sum(each for each in bars.y if isinstance(each, int)) == len(NULL.bests) == 3
    assert (bars.role, chart.y.unit) == ("luck", "count")
    marks = {each.name: each.value for each in chart.marks}
    assert marks == {"this search": 0.5, "score that would pass": 0.6}
    for text in ("scores 0.50; 1 of 4", "scores 0.60", "above 0.60", "lower bound", "shown: 1"):
        assert text in chart.about


def test_equal_scores_have_a_histogram_too() -> None:
    results = tuple(build_search(number, (100, 0.3)) for number in range(1, 5))
    chart = build_histogram(replace(NULL, results=results))
    assert sum(each for each in chart.traces[0].y if isinstance(each, int)) == 4


def test_the_band_of_luck_spans_the_null_searches_that_have_a_score() -> None:
    assert measure_luck_band(NULL) == [
        (100, 0.2, 0.2, 0.2),
        (150, 0.2, pytest.approx(0.4), 0.6),
        (200, 0.1, pytest.approx(1.0 / 3.0), 0.6),
        (500, 0.3, pytest.approx(1.3 / 3.0), 0.6),
    ]


def test_the_band_of_luck_begins_where_the_scores_are_recorded() -> None:
    short = build_search(5, (2, 0.6), reached=True)
    results = (*NULL.results, short)
    counts = [count for count, *_ in measure_luck_band(replace(NULL, results=results))]
    assert counts == [100, 150, 200, 500]
    few = tuple(build_search(number, (40, 0.1 * number)) for number in (1, 2))
    ((count, low, mean, high),) = measure_luck_band(replace(NULL, results=few))
    assert (count, low, high) == (40, 0.1, 0.2) and mean == pytest.approx(0.15)


def test_the_improvements_are_the_running_maximum_of_feasible_trials() -> None:
    rng = np.random.default_rng(5)
    scores = [None if rng.random() < 0.3 else float(rng.normal()) for _ in range(200)]
    trials = [build_trial(number, score) for number, score in enumerate(scores, start=1)]
    points = dict(list_improvements(trials))
    best = -np.inf
    for number, score in enumerate(scores, start=1):
        if score is not None and score > best:
            best = score
            assert points.pop(number) == score
    assert points in ({}, {200: best})


@pytest.mark.parametrize("count", [1, 29, 30, 59, 60, 1000, 20_000])
def test_the_quartiles_are_those_of_consecutive_windows_that_cover_the_trials(count: int) -> None:
    scores = np.random.default_rng(count).normal(size=count)
    rows = measure_quartiles([build_trial(i, float(s)) for i, s in enumerate(scores, start=1)])
    if count < 4:
        assert rows == []
        return
    assert rows[-1][0] == count
    assert len(rows) < 50
    begin = 0
    for end, *found in rows:
        assert end - begin >= min(30, count)
        assert found == np.quantile(scores[begin:end], (0.25, 0.5, 0.75)).tolist()
        begin = end


def test_infeasible_trials_have_no_quartiles() -> None:
    trials = [build_trial(number, None if number % 2 else 1.0) for number in range(1, 101)]
    assert all(found == [1.0, 1.0, 1.0] for _, *found in measure_quartiles(trials))
    assert measure_quartiles([replace(each, infeasible_reason="x") for each in trials]) == []


def test_the_charts_of_a_run_have_its_scores(view: RunView) -> None:
    blocks = list(luck.iterate_blocks(view))
    document = view.result["validation"]["null"]
    histogram, progress = (
        find_chart(blocks, "null-histogram"),
        find_chart(blocks, "search-progress"),
    )
    assert histogram.marks[0].value == document["score"]
    best = progress.traces[0]
    assert (best.kind, best.x[-1], best.y[-1]) == ("step", 200, document["score"])
    band = next(each for each in progress.bands if each.role == "luck")
    assert band.high[-1] == document["largest"]
    assert progress.x.kind == "log"


def test_the_band_grows_while_the_null_searches_run(noise: tuple[RunView, Watcher]) -> None:
    searching, testing = (noise[1].pages[name] for name in ("search", "null run"))
    names = [getattr(each, "name", "") for each in searching]
    assert "null-histogram" not in names
    assert "statistics" not in names
    assert [each.role for each in find_chart(searching, "search-progress").bands] == ["neutral"]
    assert [each.role for each in find_chart(testing, "search-progress").bands] == [
        "neutral", "luck",
    ]  # fmt: skip
    assert "of 2 did as well" in find_chart(testing, "null-histogram").about


# -- selection


def test_other_trials_are_the_best_of_each_size_without_finalists() -> None:
    rng = np.random.default_rng(1)
    trials = [
        build_trial(n, float(rng.normal()), int(rng.integers(3, 30)), digest=f"{n}")
        for n in range(1, 500)
    ]
    finalists = [
        FinalistDocument(name="s", source="", hash="x", nodes=5, pruned=PrunedDocument(hash="7")),
        FinalistDocument(name="s", source="", hash="9", nodes=5),
    ]
    for count in (1, 10, 24, 1000):
        found = select_others(trials, finalists, count)
        assert len(found) <= count
        assert not {"7", "9"} & {each.hash for each in found}
        sizes = Counter(find_class_of_size(each.nodes) for each in found)
        assert max(sizes.values()) <= MAX_PER_CLASS
        assert [each.scores for each in found] == sorted(
            (each.scores for each in found), reverse=True
        )
    assert len(select_others(trials, finalists, 1000)) == 5 * MAX_PER_CLASS
    assert select_others([build_trial(1, None)], [], 5) == []


def test_each_strategy_has_its_metric_on_train_and_validation(view: RunView) -> None:
    blocks = list(luck.iterate_blocks(view))
    chart = find_chart(blocks, "train-validation")
    traces = {each.name: each for each in chart.traces}
    finalists = view.result["finalists"]
    metrics = [each["metrics"] for each in finalists]
    expected = [
        (m["train"]["appraisal_ratio"], m["validation"]["appraisal_ratio"]) for m in metrics
    ]
    found = [
        *zip(traces["winner"].x, traces["winner"].y, strict=True),
        *zip(traces["finalists"].x, traces["finalists"].y, strict=True),
    ]
    assert found == expected
    others = traces["other good trials"]
    assert set(zip(others.x, others.y, strict=True)).isdisjoint(found)
    assert len(others.x) > 5
    assert traces["equal on both"].x == traces["equal on both"].y
    rows = find_table(blocks, "finalists").rows
    assert [row[3:5] for row in rows] == expected
    assert [row[-1] for row in rows] == [each["correlation"] for each in finalists]


def test_a_search_that_sees_validation_has_no_unseen_points(view: RunView) -> None:
    experiment = view.plan.experiment
    fitness = experiment.fitness.model_copy(update={"scored_on": "validation"})
    plan = replace(view.plan, experiment=experiment.model_copy(update={"fitness": fitness}))
    chart = find_chart(luck.iterate_blocks(view), "train-validation")
    assert "never sees validation" in chart.about
    chart = find_chart(luck.iterate_blocks(replace(view, plan=plan)), "train-validation")
    assert "never sees" not in chart.about
    assert "neither of them is unseen" in chart.about


def test_the_winner_is_measured_as_the_run_measured_it(view: RunView) -> None:
    assert view.best is not None
    split = view.data.split
    again = backtest(view.best, split.seen, view.data.market, start=split.validation_start)
    chart = find_chart(luck.iterate_blocks(view), "train-validation")
    (winner,) = [each for each in chart.traces if each.name == "winner"]
    assert winner.y[0] == pytest.approx(again.metrics["appraisal_ratio"])


# -- diagnostics


def test_each_statistic_has_its_value_and_a_sentence(view: RunView) -> None:
    found = view.result["robustness"]["statistics"]
    table = find_table(luck.iterate_blocks(view), "statistics")
    values = read_pairs(table)
    assert values["probabilistic Sharpe ratio"] == f"{found['probabilistic']:.2f}"
    assert values["deflated Sharpe ratio, 200 trials"] == f"{found['deflated_by_trials']:.2f}"
    assert values["minimum track record"] == f"{found['track_record_years']:.1f} years"
    overfitting = values["probability of backtest overfitting (PBO)"]
    assert overfitting == f"{found['overfitting']['pbo']:.2f}"
    assert all(len(str(row[2])) > 30 for row in table.rows)


def test_statistics_without_a_value_are_absent_or_a_dash(view: RunView) -> None:
    statistics = {
        **view.result["robustness"]["statistics"],
        "probabilistic": None, "track_record_years": None, "overfitting": None, "superior": None,
    }  # fmt: skip
    robustness = {**view.result["robustness"], "statistics": statistics}
    found = luck.iterate_blocks(change_result(view, robustness=robustness))
    values = read_pairs(find_table(found, "statistics"))
    assert values["probabilistic Sharpe ratio"] == "–"
    assert values["minimum track record"] == "never"
    assert not [name for name in values if "PBO" in str(name) or "SPA" in str(name)]


POWER = {
    "trials": 500, "null_runs": 19, "threshold": 0.6, "is_complete": False, "rules": [],
    "edges": [
        {"edge_bps": -30.0, "found": 2, "searches": 10, "share": 0.2, "ratio": 1.0},
        {"edge_bps": -51.0, "found": 9, "searches": 10, "share": 0.9, "ratio": 2.0},
    ],
}  # fmt: skip


def test_power_has_a_point_and_a_row_by_edge(view: RunView) -> None:
    blocks = list(luck.iterate_blocks(change_result(view, power=POWER)))
    chart = find_chart(blocks, "power")
    assert (chart.traces[0].x, chart.traces[0].y) == ((30.0, 51.0), (0.2, 0.9))
    assert "From 51 basis points on" in chart.about
    assert "interrupted" in chart.about
    assert [row[1:4] for row in find_table(blocks, "power-edges").rows] == [
        (2, 10, 0.2), (9, 10, 0.9),
    ]  # fmt: skip


WALK = {
    "metric": "appraisal_ratio", "windows": 3, "anchored": True, "is_complete": False,
    "trials": 400, "start_from": 1, "efficiency": 0.25, "spread": 0.3,
    "metrics": {"total_return": 0.1}, "benchmark": {"total_return": None},
    "results": [
        {
            "searched": ["2000-01-01", "2004-12-31"], "traded": ["2005-01-01", "2005-12-31"],
            "trials": 200, "source": "",
            "in_sample": {"appraisal_ratio": 0.8},
            "out_of_sample": {"appraisal_ratio": 0.2, "total_return": 0.05, "num_trades": 4.0},
            "benchmark": {"total_return": 0.07},
        },
        {
            "searched": ["2000-01-01", "2005-12-31"], "traded": ["2006-01-01", "2006-12-31"],
            "trials": 200,
        },
    ],
}  # fmt: skip


def test_walk_forward_has_a_pair_of_bars_and_a_row_by_window(view: RunView) -> None:
    blocks = list(luck.iterate_blocks(change_result(view, walk_forward=WALK)))
    chart = find_chart(blocks, "walk-forward")
    assert [each.y for each in chart.traces] == [(0.8, None), (0.2, None)]
    for text in ("is 0.25", "after 2 of 3 windows", "`start_from`", "400 further trials"):
        assert text in chart.about
    rows = find_table(blocks, "walk-forward-windows").rows
    assert rows[0] == ("2005-01-01", "2005-12-31", 0.8, 0.2, 0.05, 0.07, 4.0)
    assert rows[1] == ("2006-01-01", "2006-12-31", None, None, None, None, None)
    joined = {row[0]: row[1:] for row in find_table(blocks, "walk-forward-joined").rows}
    assert joined["total return"] == ("10.0%", "–")


def test_a_run_without_power_and_walk_forward_shows_none(view: RunView) -> None:
    names = {getattr(each, "name", "") for each in luck.iterate_blocks(view)}
    assert not {each for each in names if each.startswith(("power", "walk-forward"))}
