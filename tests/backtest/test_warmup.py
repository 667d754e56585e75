"""No entry is possible on warm-up bars."""

from __future__ import annotations

import numpy as np
import pytest

from dsl.analysis.check import check
from dsl.evaluate import evaluate
from dsl.terms.infer import infer_kind
from dsl.terms.terms import Term
from dsl.types.kinds import BOOL
from evolve.backtest.warmup import Warmup, entry_lookback, measure_warmups, warmup_note
from evolve.data.generators import random_walk
from tests.backtest.panels import panel_of
from tests.programs import random_programs


def lookback_of(rules: str) -> int:
    return entry_lookback(check(f"strategy s {{ {rules} }}").canonical)


@pytest.mark.parametrize(
    ("rules", "bars"),
    [
        ("buy when close > open", 0),
        ("buy when close > sma(close, 200)", 199),
        ("buy when close > sma(close, 200) and rsi(close, 14) < 30", 199),
        ("buy when close > sma(close, 200) or close > sma(close, 5)", 4),
        ("buy when close > sma(close, 200) short when close < sma(close, 5)", 4),
        ("buy when close > open sell when close < sma(close, 200)", 0),
        ("buy when close > open stop 3 * atr(14)", 14),
        ("buy when close > sma(close, 30) size 0.1 / stdev(roc(close, 1), 20)", 29),
    ],
)
def test_the_warm_up_is_the_lookback_of_the_first_possible_entry(rules: str, bars: int) -> None:
    assert lookback_of(rules) == bars


def is_known_early(part: Term) -> bool:
    """Return whether one argument of a term, which may need fewer bars, can decide its value."""
    if part.head in ("where", "valuewhen"):
        return True
    is_numeric = part.operator is not None and infer_kind(part) != BOOL
    return is_numeric and any(each.head in ("and", "or") for each in part.args)


def test_no_program_enters_before_its_warm_up_is_over() -> None:
    bars, seen = random_walk(300, 5), 0
    for program in random_programs(900, 3):
        parts = [part for _, term in program.canonical.named() for part in term.walk()]
        if any(map(is_known_early, parts)):
            continue
        (signals,) = evaluate(program, bars)
        asked = signals.order("buy") | signals.order("short")
        rows = [row for row in signals.rows[0] if row >= 0]
        known = ~np.isnan(signals.settings[rows]).any(axis=0)
        entries = np.flatnonzero(asked & known)
        if len(entries):
            assert entries[0] >= entry_lookback(program.canonical)
            seen += entries[0] == entry_lookback(program.canonical)
    assert seen > 10


def test_each_symbol_has_its_warm_up_on_its_bars() -> None:
    panel = panel_of(4)
    for start in (0, 40, 250):
        each_symbol = measure_warmups(30, panel, start)
        assert [each.symbol for each in each_symbol] == list(panel.symbols)
        for found in each_symbol:
            indices = panel.priced_indices(panel.symbols.index(found.symbol))
            in_window = indices >= start
            assert found.bars == in_window.sum()
            assert found.lost == (in_window & (np.arange(len(indices)) < 30)).sum()


def test_a_note_names_symbols_that_lose_more_than_a_quarter() -> None:
    bars = random_walk(100, 1)
    assert warmup_note("`s`", 25, bars) == ""
    assert warmup_note("`s`", 26, bars).startswith("`s`: a warm-up of 26 bars leaves 74 of 100 ba")
    assert warmup_note("`s`", 60, bars, 50) == ""
    assert "leaves 30 of 50 bars:" in warmup_note("`s`", 70, bars, 50)
    assert "leaves 0 of 50 bars:" in warmup_note("`s`", 700, bars, 50)
    assert Warmup("none", 0, 0).share == 0.0
    panel = panel_of(4)
    late = panel.symbols[1]
    start = int(panel.priced_indices(1)[0])
    note = warmup_note("`s`", 150, panel, start)
    count = len(panel.priced_indices(1))
    assert f"{count - 150} of {count} bars of {late}" in note
