"""Data without volume: strategies that read it are reported once, and searches avoid it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest

from dsl.analysis.catalog import catalog
from dsl.analysis.check import check
from dsl.terms.series import operator_reads, reads_series
from evolve.backtest.volume import VOLUME, list_unreadable, list_without_volume
from evolve.data.generators import random_walk
from evolve.data.tables.frames import bars_to_frame
from evolve.report.export import write_table
from evolve.search.grow import grow_rules
from evolve.search.space import build_space
from tests.command_line import invoke
from tests.experiment.small_runs import Notices, run_small

STRATEGY = """
define busy(n: window = 20) -> other(0, 1) = volume - sma(volume, n)
strategy rush { buy when busy() > 0 and close > sma(close, 3)  sell when close < sma(close, 3) }
"""
PLAIN = "strategy calm { buy when close > sma(close, 3)  sell when close < sma(close, 3) }"


def write_prices(path: Path, volume: float) -> str:
    bars = random_walk(400, seed=5)
    write_table(bars_to_frame(replace(bars, volume=np.full((1, 400), volume))), path)
    return str(path)


def test_operators_that_read_volume_are_found_through_their_bodies_and_defaults() -> None:
    found = {each.name for each in catalog() if operator_reads(each, VOLUME)}
    assert found >= {"volume", "obv", "vwma", "mfi", "cmf"}
    assert not found & {"close", "sma", "rsi", "atr", "correlation", "sum", "weekday"}


@pytest.mark.parametrize(("text", "is_reader"), [(STRATEGY, True), (PLAIN, False)])
def test_a_strategy_reads_volume_if_one_of_its_rules_does(text: str, is_reader: bool) -> None:
    program = check(text)
    unknown = replace(random_walk(50, 1), volume=np.full((1, 50), np.nan))
    assert bool(list_unreadable(unknown, [program])) == is_reader
    assert list_unreadable(random_walk(50, 1), [program]) == []


def test_an_optional_argument_that_is_given_replaces_the_volume() -> None:
    for text, is_reader in (("obv()", True), ("obv(close, high - low)", False)):
        program = check(f"strategy s {{ buy when {text} > 0  sell when close < open }}")
        assert any(reads_series(term, VOLUME) for _, term in program.rules.named()) == is_reader


def test_a_volume_of_0_or_unknown_on_all_bars_is_none() -> None:
    bars = random_walk(50, 1)
    one = np.zeros((1, 50))
    for volume in (one, one * np.nan):
        assert list_without_volume(replace(bars, volume=volume.copy())) == list(bars.symbols)
    one[0, 7] = 1.0
    assert list_without_volume(replace(bars, volume=one)) == []


def test_a_space_without_volume_grows_no_term_that_reads_it() -> None:
    space = build_space()
    terms = {True: 0, False: 0}
    for is_restricted in terms:
        rng, each = Random(1), space.without_series(VOLUME) if is_restricted else space
        for _ in range(200):
            rules = grow_rules(each, rng)
            terms[is_restricted] += sum(reads_series(term, VOLUME) for _, term in rules.named())
    assert terms[True] == 0
    assert terms[False] > 10


@pytest.mark.parametrize("volume", [0.0, np.nan], ids=["0", "unknown"])
@pytest.mark.parametrize("verb", ["backtest", "signals"])
def test_a_command_reports_once_that_a_strategy_reads_no_volume(
    verb: str, volume: float, tmp_path: Path
) -> None:
    data = write_prices(tmp_path / "EURUSD.csv", volume)
    for name, text, count in (("rush", STRATEGY, 1), ("calm", PLAIN, 0)):
        path = tmp_path / f"{name}.evo"
        path.write_text(text)
        output = invoke(verb, str(path), "--data", data)
        assert output.err.count("volume of EURUSD is unknown or 0 on all bars: `rush`") == count


def test_a_run_reports_once_and_searches_without_operators_of_volume(tmp_path: Path) -> None:
    source = write_prices(tmp_path / "EURUSD.csv", 0.0)
    (tmp_path / "rush.evo").write_text(STRATEGY)
    observer = Notices()
    finished = run_small(
        tmp_path / "runs", source, "language.operators=all", "validate.null_runs=0",
        "budget.evaluations=100", observer=observer, start_from=tmp_path / "rush.evo",
    )  # fmt: skip
    texts = [text for text in observer.texts if "volume" in text]
    assert texts == [
        "volume of EURUSD is unknown or 0 on all bars: `rush` reads it and may never trade there",
        "no symbol has volume: the search uses no operator that reads it",
    ]
    programs = [each.program for each in finished.finalists]
    assert programs
    assert not list_unreadable(finished.dataset.bars, programs)
