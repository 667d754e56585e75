"""Sentences and tables of power and walk-forward."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evolve.report.terminal.diagnostics import describe_power, describe_progress, list_power
from evolve.validation.null_run import NullRun
from evolve.validation.power import RULES, Power, PowerRow

EMPTY = Power(5000, 19, 1.234, 252, RULES)
SMALL = PowerRow(12, (True,) * 3 + (False,) * 7, 0.8)
LARGE = PowerRow(20, (True,) * 8 + (False,) * 2, 1.6)


def test_a_found_edge_is_one_sentence_with_its_figures() -> None:
    text = describe_power(replace(EMPTY, rows=(SMALL, LARGE)))
    assert "a score above 1.23, which passes 19 null searches" in text
    assert (
        "this budget on this much data finds an edge of 20 bps a day in 8 of 10 runs (traded "
        "alone, its rule has an appraisal ratio of 1.60)"
    ) in text
    assert "Even the largest" not in text
    assert "interrupted" in text
    assert "interrupted" not in describe_power(
        replace(EMPTY, rows=(SMALL, LARGE), is_complete=True)
    )


def test_an_edge_that_is_often_missed_comes_with_advice() -> None:
    text = describe_power(replace(EMPTY, rows=(SMALL,)))
    assert "Even the largest edge is often missed" in text
    assert "12 bps a day in 3 of 10 runs" in text
    assert "try fewer evaluations" in text


def test_the_edge_of_a_short_experiment_has_no_sign_in_the_sentence() -> None:
    row = replace(LARGE, edge_bps=-20)
    assert "an edge of 20 bps a day" in describe_power(replace(EMPTY, rows=(row,)))


@pytest.mark.parametrize("rows", [(), (PowerRow(12, (True,) * 4, 0.8),)])
def test_an_interrupted_test_claims_nothing(rows: tuple[PowerRow, ...]) -> None:
    text = describe_power(replace(EMPTY, rows=rows))
    assert "The searches were interrupted. No edge is complete." in text
    assert "bps" not in text


def test_without_a_threshold_any_feasible_strategy_is_found() -> None:
    assert "a feasible strategy, which passes" in describe_power(replace(EMPTY, threshold=None))


def test_progress_is_one_line() -> None:
    assert describe_progress(NullRun(1.0, 10, 19)) == "power: null search 0 of 19"
    state = replace(EMPTY, rows=(SMALL,), bars_per_year=19_656)
    text = "power: an edge of 12 bps a bar is found in 3 of 10 searches"
    assert describe_progress(state) == text


def test_the_table_of_a_power_has_a_row_per_edge() -> None:
    table, *texts = list_power(replace(EMPTY, rows=(SMALL, LARGE)))
    assert table.row_count == 2  # type: ignore[union-attr]
    assert "oversold" in str(texts[0])
