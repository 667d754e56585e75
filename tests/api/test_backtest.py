"""Backtests with settings as arguments, and their results in a notebook."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dsl.bars import Bars
from evolve.api import BacktestResult, backtest, bars, check
from evolve.backtest.backtest import backtest as simulate
from evolve.backtest.market import MarketSettings, market
from evolve.config.schema import Backtest
from evolve.data import SplitSizes, load, split_bars
from evolve.errors import EvolveError
from tests.api.tables import STRATEGY, build_table

TABLE = build_table(200)
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def two() -> BacktestResult:
    """Return a backtest on two symbols, of which one has a hostile name."""
    return backtest(STRATEGY, {"A": TABLE, HOSTILE: build_table(150, seed=2)})


def test_settings_are_those_of_the_backtest_section() -> None:
    costs: dict[str, Any] = {
        "capital": 500,
        "commission_bps": 20,
        "fill": "close",
        "max_volume_share": "50%",
    }
    result = backtest(STRATEGY, TABLE, **costs)
    assert result.market == Backtest.model_validate(costs).market()
    assert result.raw.performance.capital == 500
    assert backtest(STRATEGY, TABLE).market == MarketSettings().market()


def test_numbers_of_numpy_are_numbers() -> None:
    result = backtest(STRATEGY, TABLE, capital=np.int64(500), slippage_bps=np.float32(2))
    assert result.market == market(capital=500, slippage_bps=2)


REFUSED = {
    "commission_bps": (-1, "`commission_bps`: expected a value of at least 0, found `-1`", ""),
    "fill": ("foo", "`fill`: expected `close`, `next_close` or `next_open`, found `foo`", ""),
    "capital": (0, "`capital`: expected a value above 0, found `0`", ""),
    "slippage_bps": (float("nan"), "`slippage_bps`: expected a finite number, found `nan`", ""),
    "borrow_bps": (True, "`borrow_bps`: expected a number, found `true`", ""),
    "cash_rate": ("much", "`cash_rate`: expected a number, found `much`", ""),
    "max_leverage": (pd.NA, "`max_leverage`: expected a number, text or a date, found a value", ""),
    "max_volume_share": (50, "`max_volume_share`: expected a value of at most 1", "write 50%"),
    "comission_bps": (1, "unknown argument `comission_bps`", "did you mean `commission_bps`"),
    "spilt": ({}, "unknown argument `spilt`", "did you mean `split`"),
    "zzz": (1, "unknown argument `zzz`", "expected one of: part, split, capital, fill"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_wrong_setting_is_refused_in_words(name: str) -> None:
    value, message, hint = REFUSED[name]
    with pytest.raises(EvolveError) as error:
        backtest(STRATEGY, TABLE, **{name: value})  # type: ignore[arg-type]
    assert error.value.message.startswith(message)
    assert error.value.hint.startswith(hint)


def test_parts_are_those_of_an_experiment() -> None:
    loaded, program = load("sample:stocks").bars, check(STRATEGY)
    split = split_bars(loaded, SplitSizes(0.5, 0.3))
    sizes = {"train": "50%", "validation": 0.3, "holdout": "20%"}
    for part, panel, start in (
        ("train", split.train, 0), ("validation", split.seen, split.validation_start),
    ):  # fmt: skip
        expected = simulate(program, panel, market(), start)
        result = backtest(program, "sample:stocks", part=part, split=sizes)  # type: ignore[arg-type]
        np.testing.assert_array_equal(result.equity["equity"], expected.equity)
        assert result.equity.index.equals(pd.DatetimeIndex(expected.time))


def test_parts_may_begin_on_days() -> None:
    split = {"validation": "2010-01-01", "holdout": "none"}
    days = backtest(STRATEGY, "sample:sp500", part="validation", split=split).equity.index
    assert (str(days[0])[:10], str(days[-1])[:10]) == ("2010-01-04", "2018-12-31")


@pytest.mark.parametrize(
    ("part", "split", "message"),
    [
        ("holdout", None, "a backtest of a part does not open the holdout"),
        ("trian", None, "`part`: expected `train` or `validation`, found `trian`"),
        (TABLE, None, "`part`: expected `train` or `validation`, found a value of type"),
        (None, {"train": "60%"}, "`split` without `part`"),
        ("train", "60%", "`split`: expected a dict, found a value of type `str`"),
        ("train", {"train": 60}, "`train`: expected a value below 1, found `60`"),
        ("train", {"validation": "90%"}, "`split`: expected parts that add up to 100%, found 110%"),
        ("train", {"validaton": "9%"}, "unknown setting `validaton`"),
        ("train", {1: "9%"}, "`split`: expected names of settings as text, found 1"),
        ("train", {"validation": "1%", "holdout": "1%"}, "the split leaves 2 of 200 bars for"),
    ],
)
def test_a_wrong_part_is_refused_in_words(part: object, split: object, message: str) -> None:
    with pytest.raises(EvolveError) as error:
        backtest(STRATEGY, TABLE, part=part, split=split)  # type: ignore[arg-type]
    assert error.value.message.startswith(message)


def test_a_strategy_may_be_text_a_path_or_a_program(tmp_path: Path) -> None:
    path = tmp_path / "s.evo"
    path.write_text(STRATEGY)
    results = [backtest(each, TABLE) for each in (STRATEGY, path, str(path), check(STRATEGY))]
    assert len({each.program.hash for each in results}) == 1
    assert len({each.metrics["total_return"] for each in results}) == 1


def test_equity_and_trades_are_tables_of_the_backtest(two: BacktestResult) -> None:
    raw = simulate(check(STRATEGY), two.bars, market())
    assert list(two.equity) == [
        "equity", "drawdown", "positions", "benchmark", "equity_A", f"equity_{HOSTILE}",
    ]  # fmt: skip
    np.testing.assert_array_equal(two.equity["equity"], raw.equity)
    assert len(two.trades) == len(raw.trades) > 10
    assert two.trades["profit"].sum() == pytest.approx(sum(each.profit for each in raw.trades))
    assert two.metrics == raw.metrics
    assert two.benchmark_metrics == raw.benchmark_metrics
    assert {type(each) for each in two.metrics.values()} == {float}


def test_signals_equal_those_of_pandas_and_are_unknown_in_the_warm_up(two: BacktestResult) -> None:
    assert list(two.signals) == ["symbol", "buy", "sell", "short", "cover"]
    own = two.signals[two.signals["symbol"] == "A"]
    close = TABLE["Close"]
    mean = close.rolling(5).mean()
    assert own["buy"].isna().tolist() == mean.isna().tolist()
    known = own.iloc[4:]
    assert known["buy"].tolist() == (close > mean).iloc[4:].tolist()
    assert known["sell"].tolist() == (close < mean).iloc[4:].tolist()
    assert not own["short"].any()
    other = two.signals[two.signals["symbol"] == HOSTILE]
    assert len(other) == 150


def test_signals_of_a_part_are_warm_at_its_first_bar() -> None:
    result = backtest(STRATEGY, TABLE, part="validation")
    assert result.signals.index.equals(result.equity.index)
    assert result.signals["buy"].notna().all()


def test_the_texts_for_people_are_short_and_escaped(two: BacktestResult) -> None:
    text, markup = repr(two), two._repr_html_()
    assert len(text.splitlines()) == 2
    assert "filled at the next open" in text
    assert "total return" in text
    assert "<script>" not in markup
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in markup
    assert markup.count("<tr>") == 10


def test_fills_that_nobody_can_trade_are_named() -> None:
    assert "filled at the close, which nobody can trade" in repr(
        backtest(STRATEGY, TABLE, fill="close")
    )


def test_a_plot_is_a_figure_with_the_extremes_of_equity(two: BacktestResult) -> None:
    from plotly.graph_objects import Figure

    figure = two.plot()
    assert isinstance(figure, Figure)
    strategy = next(each for each in figure.data if each.name == "strategy")
    assert max(strategy.y) == pytest.approx(two.equity["equity"].max())
    assert min(strategy.y) == pytest.approx(two.equity["equity"].min())
    assert strategy.line.color.startswith("#")


def test_texts_from_outside_are_escaped_in_a_figure(two: BacktestResult) -> None:
    assert "<script>" not in two.plot("price-2").layout.title.text


def test_an_unknown_chart_is_refused_with_the_names_of_the_others(two: BacktestResult) -> None:
    with pytest.raises(EvolveError, match="unknown chart 'drawdwn'") as error:
        two.plot("drawdwn")
    assert error.value.hint == "did you mean `drawdown`?"
    with pytest.raises(EvolveError, match="unknown chart None"):
        two.plot(None)  # type: ignore[arg-type]


def test_a_result_cannot_be_changed(two: BacktestResult) -> None:
    with pytest.raises(AttributeError):
        two.start = 3  # type: ignore[misc]
    two.metrics["total_return"] = 9.0
    assert two.metrics["total_return"] != 9.0


def test_a_window_without_trades_has_empty_tables_of_the_same_types(two: BacktestResult) -> None:
    none = backtest("strategy s { buy when close > 1e9 }", TABLE)
    assert none.trades.empty
    assert none.trades.dtypes.equals(two.trades.dtypes)
    assert repr(none)
    assert none.plot().data


def test_bars_are_checked_once_and_used_as_they_are() -> None:
    loaded: Bars = bars(TABLE)
    assert backtest(STRATEGY, loaded).bars is loaded


def test_what_makes_a_strategy_never_trade_goes_to_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    table = TABLE.drop(columns="Volume")
    backtest("strategy s { buy when volume > sma(volume, 150) }", table, max_volume_share=0.5)
    assert "`s` reads it and may never trade there" in caplog.text
    assert "fills are not capped there" in caplog.text
    assert "149 bars" in caplog.text
