"""The section of a page about the best strategy, as data."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest

from dsl.analysis.check import check
from dsl.bars import PANELS, Bars
from dsl.evaluate import Evaluator, truth_series
from dsl.printing.decompile import format_program
from evolve.analysis.counterfactuals import measure_counterfactuals
from evolve.analysis.neighborhood import Curve
from evolve.backtest.backtest import Backtester, backtest
from evolve.backtest.market import market
from evolve.data.generators import random_walk
from evolve.experiment.plan import LoadedData, build_problem, read_plan
from evolve.experiment.robustness import analyze_winner, describe_robustness
from evolve.experiment.run_state import RunState
from evolve.experiment.run_view import RunView
from evolve.report.page.blocks import Block, Code, Table, Text
from evolve.report.page.charts import Chart
from evolve.report.page.strategy import iterate_blocks, iterate_strategy
from evolve.report.page.strategy.curves import MAX_CHARTS, iterate_curves
from evolve.store.rows import JournalRows
from tests.experiment.small_runs import write_experiment
from tests.report.page.pages import MINIMAL, change_result

SOURCE = """strategy s {
  buy when rsi(close, 2) < 40 and close > 0.9 * sma(close, 20)
  sell when rsi(close, 2) > 70
  stop 20%
}
"""
BARS = random_walk(600, 3)
TERMS = market(9000)
T = TypeVar("T", bound=Block)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    write_experiment(folder)
    (folder / "best.evo").write_text(SOURCE, "utf-8")
    return folder


def read_view(folder: Path, state: RunState = "stopped", result: Any = None) -> RunView:
    plan = read_plan(folder / "small.yaml")
    view = RunView(folder, state, plan, None, {}, JournalRows())
    if result is None:
        return view
    data = {**MINIMAL["data"], "hash": view.data.dataset.bars.hash}
    holdout = {"sealed": True, "bars": view.data.split.holdout.bars, **result.pop("holdout", {})}
    return change_result(view, **{**MINIMAL, "data": data, "holdout": holdout}, **result)


def choose(blocks: Iterable[Block], kind: type[T]) -> dict[str, T]:
    return {each.name: each for each in blocks if isinstance(each, kind) and hasattr(each, "name")}


def list_texts(blocks: Iterable[Block]) -> list[str]:
    return [each.text for each in blocks if isinstance(each, Text)]


# -- a strategy without a run


@pytest.fixture(scope="module")
def blocks() -> list[Block]:
    return list(iterate_strategy(check(SOURCE), BARS, TERMS, 100, SOURCE))


def test_the_section_has_all_parts_in_order(blocks: list[Block]) -> None:
    names = [getattr(each, "name", "text") for each in blocks]
    assert list(dict.fromkeys(names)) == [
        "strategy-source", "text", "strategy-rules", "strategy-entries", "strategy-constants",
        *[f"strategy-curve-{number}" for number in range(1, 1 + MAX_CHARTS)], "strategy-orders",
    ]  # fmt: skip
    assert len({*names} - {"text"}) == len([each for each in names if each != "text"])


def test_the_source_is_that_of_its_author(blocks: list[Block]) -> None:
    code = choose(blocks, Code)["strategy-source"]
    assert "".join(text for _, text in code.tokens) == SOURCE
    assert ("keyword", "buy") in code.tokens
    assert list_texts(blocks)[:3] == [
        "Buys at the next open when the 2-bar RSI is below 40 and the close is above "
        "0.9 × the 20-bar simple moving average of the close.",
        "Sells at the next open when the 2-bar RSI is above 70.",
        "Exits at a stop 20% below the entry price.",
    ]


def test_each_rule_and_condition_has_its_counts_and_its_counterfactuals(
    blocks: list[Block],
) -> None:
    table = choose(blocks, Table)["strategy-rules"]
    rows = {(row[0], row[1]): row[2:] for row in table.rows}
    program, run = check(SOURCE), Backtester(BARS, TERMS, 100)
    own = run(program).metrics["appraisal_ratio"]
    cold, above = "rsi(close, 2) < 40", "close > 0.9 * sma(close, 20)"
    changed = {
        ("buy", f"{cold} and {above}"): (None, None),
        ("buy: condition", cold): (f"buy when {above}", f"buy when not ({cold}) and {above}"),
        ("buy: condition", above): (f"buy when {cold}", f"buy when {cold} and not ({above})"),
        ("sell", "rsi(close, 2) > 70"): ("", "sell when not (rsi(close, 2) > 70)"),
        ("stop", "20%"): ("", None),
    }
    assert list(rows) == list(changed)
    lines = SOURCE.splitlines()
    for (name, condition), (without, negated) in changed.items():
        true, share, *differences = rows[name, condition]
        place = next(i for i, line in enumerate(lines) if line.split()[0] == name.split(":")[0])
        for rule, found in zip((without, negated), differences, strict=True):
            if rule is None:
                assert found is None
                continue
            text = "\n".join([*lines[:place], rule, *lines[place + 1 :]])
            expected = run(check(text)).metrics["appraisal_ratio"] - own
            assert found == pytest.approx(expected, abs=1e-12)
        if name == "stop":
            assert (true, share) == (None, None)
            continue
        term = check(f"strategy c {{ buy when {condition} hold 5 }}").rules.buy
        assert term is not None
        series = truth_series(Evaluator(BARS), term, 0)[100:]
        assert true == np.count_nonzero(series == 1)
        assert share == np.count_nonzero(series == 1) / np.count_nonzero(series == series)


def test_entries_without_the_entry_rule_are_beside_the_strategy(blocks: list[Block]) -> None:
    rows = choose(blocks, Table)["strategy-entries"].rows
    own = backtest(check(SOURCE), BARS, TERMS, 100).metrics
    assert [row[0] for row in rows] == [
        "the strategy", "buy on every bar", "entries on random bars, mean of 200",
    ]  # fmt: skip
    assert rows[0][1:] == (own["appraisal_ratio"], own["total_return"], own["num_trades"])
    (text,) = (each for each in list_texts(blocks) if "random bars reach" in each)
    assert f"the appraisal ratio of the strategy, {own['appraisal_ratio']:.2f};" in text


def test_each_constant_has_a_row_and_the_most_fragile_ones_a_chart(blocks: list[Block]) -> None:
    table = choose(blocks, Table)["strategy-constants"]
    charts = choose(blocks, Chart)
    own = backtest(check(SOURCE), BARS, TERMS, 100).metrics["appraisal_ratio"]
    assert len(table.rows) == 7
    assert len(charts) == MAX_CHARTS
    for row, chart in zip(table.rows, charts.values(), strict=False):
        assert chart.title.startswith(str(row[0])) and chart.is_small
        for trace in chart.traces:
            assert len(trace.x) == len(trace.y) == len(trace.hover)
        now = chart.marks[0]
        assert chart.traces[0].y[chart.traces[0].x.index(now.value)] == own
        assert "At " in chart.about
    text = next(each for each in list_texts(blocks) if "Each constant" in each)
    assert "None of these evaluations is a trial" in text
    assert "6 most fragile of 7 constants" in text


def test_the_next_orders_are_those_after_the_last_bar(blocks: list[Block]) -> None:
    (row,) = choose(blocks, Table)["strategy-orders"].rows
    assert row[1] == str(BARS.time[-1].astype("datetime64[D]"))
    assert row[2] in ("long", "flat")


def test_a_program_without_a_source_is_printed() -> None:
    found = choose(iterate_strategy(check(SOURCE), BARS, TERMS, 100), Code)["strategy-source"]
    text = "".join(text for _, text in found.tokens)
    assert check(text).hash == check(SOURCE).hash
    assert text != SOURCE


def test_control_characters_of_a_source_are_printable() -> None:
    source = f"# a\x1b[2J\n{SOURCE}"
    found = choose(iterate_strategy(check(SOURCE), BARS, TERMS, 100, source), Code)
    assert "\x1b" not in "".join(text for _, text in found["strategy-source"].tokens)


# -- the words of a curve


def build_curve(scores: Sequence[float], value: float, **more: Any) -> Curve:
    points = tuple((float(index), score) for index, score in enumerate(scores))
    curve = Curve("n of sma(close, 2)", "buy", value, False, True, points)
    return replace(curve, **more)


WORDS = {
    "a plateau": (
        build_curve([0.2, 0.8, 1, 0.9, 0.2], 2),
        "At 2, its value, the score is 1.00. It keeps at least half of its score from 1 to 3.",
    ),
    "a better value": (
        build_curve([1, 1, 3], 1),
        "At 1, its value, the score is 1.00. It keeps at least half of its score from 0 to 2. "
        "The best of these values is 2, with 3.00.",
    ),
    "a peak": (
        build_curve([0.1, 1, 0.1, -math.inf], 1),
        "At 1, its value, the score is 1.00. Neither value beside it keeps half of the score: it "
        "is an isolated peak. Infeasible at 3.",
    ),
    "a loss": (
        build_curve([-1, -1], 1),
        "At 1, its value, the score is -1.00. A score that is not above 0 has no half to keep. "
        "The best of these values is 0, with -1.00.",
    ),
}


@pytest.mark.parametrize("name", WORDS)
def test_a_curve_in_words(name: str) -> None:
    curve, words = WORDS[name]
    chart = choose(iterate_curves([curve], "score", "train"), Chart)["strategy-curve-1"]
    assert chart.about == f"Score on train over the values of this constant. {words}"
    infeasible = [y for _, y in curve.points if not math.isfinite(y)]
    assert chart.traces[0].y.count(None) == len(infeasible)


def test_the_most_fragile_constants_come_first() -> None:
    curves = [
        build_curve([1, 1, 1], 1, name="broad"),
        build_curve([0, 1, 0], 1, name="peak"),
        build_curve([-1, -1, 0], 1, name="loss"),
        build_curve([1, 1, 0], 1, name="edge"),
    ]
    table = choose(iterate_curves(curves, "score", "train"), Table)["strategy-constants"]
    assert [row[0] for row in table.rows] == ["loss", "peak", "edge", "broad"]
    assert [row[3] for row in table.rows] == [None, "1", "0 to 1", "0 to 2"]


def test_a_percentage_is_one_in_its_table_and_on_its_axis() -> None:
    curve = Curve("stop", "stop", 0.05, True, False, ((0.05, 1.0), (0.1, 1.0)))
    found = list(iterate_curves([curve], "score", "train"))
    assert choose(found, Table)["strategy-constants"].rows[0][2:4] == ("5%", "5% to 10%")
    assert choose(found, Chart)["strategy-curve-1"].x.unit == "percent"


# -- the best strategy of a run


def test_a_run_without_a_strategy_has_no_section(folder: Path, tmp_path: Path) -> None:
    assert list(iterate_blocks(replace(read_view(folder), folder=tmp_path))) == []


def test_a_running_run_has_what_is_cheap_alone(folder: Path) -> None:
    found = list(iterate_blocks(read_view(folder, "running")))
    assert [getattr(each, "name", "text") for each in found] == [
        "strategy-source", "text", "text", "text", "strategy-rules",
    ]  # fmt: skip
    table = choose(found, Table)["strategy-rules"]
    assert len(table.columns) == 4
    assert all(len(row) == 4 for row in table.rows)


def test_a_stopped_run_is_measured_like_a_finished_one(folder: Path) -> None:
    view = read_view(folder)
    program, data = view.best, view.data
    assert program is not None
    problem = build_problem(view.plan, data)
    robustness = describe_robustness(analyze_winner(program, [program], 1, problem, data))
    train = backtest(program, data.split.train, data.market).metrics
    source = format_program(program)
    best = {"name": "small", "source": source, "nodes": program.nodes, "hash": program.hash,
            "metrics": {"train": train}}  # fmt: skip
    result = json.loads(json.dumps({"best": best, "robustness": robustness}))
    stopped = list(iterate_blocks(view))
    finished = list(iterate_blocks(read_view(folder, "finished", result)))
    plateau = choose(finished, Table)["strategy-plateau"]
    assert plateau.rows[0][:2] == (
        robustness["plateau"]["neighbors"], robustness["plateau"]["share"],
    )  # fmt: skip
    alike = [each for each in finished if each is not plateau]
    assert alike[:-2] == stopped[:-2]
    assert "after the last bar of train" in list_texts(stopped)[-1]


def test_the_curves_of_a_run_have_the_score_of_its_search(folder: Path) -> None:
    view = read_view(folder)
    assert view.best is not None
    (scores,) = build_problem(view.plan, view.data).evaluate([view.best])
    chart = choose(iterate_blocks(view), Chart)["strategy-curve-1"]
    trace = chart.traces[0]
    own = trace.y[trace.x.index(chart.marks[0].value)]
    assert own == (scores.values[0] if scores.is_feasible else None)


def scramble_holdout(data: LoadedData, factor: float) -> LoadedData:
    """Return data whose holdout has other prices."""
    bars, start = data.dataset.bars, len(data.split.seen)
    panels = {name: getattr(bars, name).copy() for name in PANELS}
    for name in PANELS:
        panels[name][:, start:] *= factor
    changed: Bars = replace(bars, **panels)
    return replace(data, dataset=replace(data.dataset, bars=changed))


def test_a_sealed_holdout_changes_nothing(folder: Path) -> None:
    view, other = (read_view(folder, "finished", {}) for _ in range(2))
    vars(other)["data"] = scramble_holdout(view.data, 3.0)
    found = list(iterate_blocks(view))
    assert list(iterate_blocks(other)) == found
    seen = view.data.split.seen
    (row,) = choose(found, Table)["strategy-orders"].rows
    assert row[1] == str(seen.time[-1].astype("datetime64[D]"))
    text = list_texts(found)[-1]
    assert f"The holdout from {view.data.split.holdout.first_day}" in text
    assert "not of today" in text


def test_an_open_holdout_ends_with_its_last_bar(folder: Path) -> None:
    view = read_view(folder, "finished", {"holdout": {"sealed": False}})
    found = list(iterate_blocks(view))
    (row,) = choose(found, Table)["strategy-orders"].rows
    assert row[1] == str(view.data.dataset.bars.time[-1].astype("datetime64[D]"))
    assert not any("sealed" in text for text in list_texts(found))


def test_random_entries_are_those_of_the_seed_of_the_run(folder: Path) -> None:
    view = read_view(folder)
    assert view.best is not None
    rng = np.random.default_rng([view.plan.experiment.seed, int(view.best.hash, 16)])
    expected = measure_counterfactuals(
        view.best, Backtester(view.data.split.train, view.data.market), rng
    ).random_entries
    rows = choose(iterate_blocks(view), Table)["strategy-entries"].rows
    assert rows[-1][1:] == tuple(expected.mean)
