"""Splits: applied if a column declares them and prices show them, else suspected from prices."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dsl.bars import Bars
from evolve.data import load
from evolve.data.quality import check_quality
from evolve.notices import NoticeList
from tests.data.tables import assert_same

DAYS = pd.bdate_range("2020-01-01", periods=60, name="Date")


def walk(seed: int = 1, count: int = 60) -> pd.DataFrame:
    """Return a random walk whose bars open at most 1 % from the previous close."""
    rng = np.random.default_rng(seed)
    close = 400 * np.exp(np.cumsum(rng.normal(0, 0.02, count)))
    opens = np.concatenate([[400.0], close[:-1]]) * rng.uniform(0.99, 1.01, count)
    high, low = np.maximum(opens, close) * 1.01, np.minimum(opens, close) * 0.99
    volume = rng.integers(1000, 2000, count).astype(float)
    columns = {"Open": opens, "High": high, "Low": low, "Close": close, "Volume": volume}
    return pd.DataFrame(columns, index=DAYS[:count])


def unadjusted(splits: dict[int, float]) -> pd.DataFrame:
    """Return the walk with the prices of its time, by the index and ratio of splits."""
    table = walk()
    for bar, ratio in splits.items():
        table.iloc[:bar, :4] *= ratio
        table.iloc[:bar, 4] /= ratio
    return table


def declare(
    table: pd.DataFrame, splits: Mapping[int, object], name: str = "Stock Splits"
) -> pd.DataFrame:
    column: list[Any] = [0.0] * len(table)
    for bar, ratio in splits.items():
        column[bar] = ratio
    return table.assign(**{name: column})


def read(path: Path, table: pd.DataFrame) -> Bars:
    table.to_csv(path)
    return load(str(path)).bars


def suspect(bars: Bars) -> list[list[int]]:
    return [each.bars.tolist() for report in check_quality(bars) for each in report.issues
            if each.name == "splits not applied"]  # fmt: skip


@pytest.mark.parametrize(
    ("splits", "cells"),
    [
        ({30: 4.0}, {}),
        ({30: 4.0}, {30: "4:1"}),
        ({30: 0.1}, {30: "1/10"}),
        ({10: 2.0, 40: 1.5}, {}),
        ({59: 3.0}, {}),
        ({1: 7.0}, {}),
    ],
)
def test_a_declared_split_that_prices_show_is_applied(
    splits: dict[int, float], cells: dict[int, object], tmp_path: Path
) -> None:
    table = declare(unadjusted(splits), {**splits, **cells})
    bars, whole = read(tmp_path / "a.csv", table), read(tmp_path / "b.csv", walk())
    np.testing.assert_allclose(bars.close, whole.close, rtol=1e-12)
    np.testing.assert_allclose(bars.open, whole.open, rtol=1e-12)
    np.testing.assert_allclose(bars.volume, whole.volume, rtol=1e-12)
    np.testing.assert_allclose(bars.adjustment[0], (bars.close[0] / table["Close"]), rtol=1e-12)
    assert bars.adjustment[0, -1] == 1.0
    assert suspect(bars) == [[]]


@pytest.mark.parametrize("ratio", [4.0, 1.5, 0.1, 1.0, -2.0, 1e9, "", "no"])
def test_a_declared_split_of_adjusted_prices_changes_nothing(ratio: object, tmp_path: Path) -> None:
    bars = read(tmp_path / "a.csv", declare(walk(), {30: ratio}))
    assert_same(bars, read(tmp_path / "b.csv", walk()))


def test_a_split_is_applied_to_rows_from_newest_to_oldest(tmp_path: Path) -> None:
    table = declare(unadjusted({30: 4.0}), {30: 4.0}, "split_coefficient")
    np.testing.assert_allclose(
        read(tmp_path / "a.csv", table[::-1]).close, read(tmp_path / "b.csv", walk()).close
    )


def test_adj_close_that_has_the_split_is_applied_once(tmp_path: Path) -> None:
    table = declare(unadjusted({30: 4.0}), {30: 4.0}).assign(**{"Adj Close": walk()["Close"]})
    bars = read(tmp_path / "a.csv", table)
    np.testing.assert_allclose(bars.close, read(tmp_path / "b.csv", walk()).close, rtol=1e-12)


@pytest.mark.parametrize(
    "ratio", [1.5, 2, 3, 4, 5, 7, 8, 10, 20, 50, 2 / 3, 0.5, 0.125, 0.1, 0.05, 1 / 30]
)
def test_a_split_without_a_column_is_one_suspicion(ratio: float, tmp_path: Path) -> None:
    bars = read(tmp_path / "a.csv", unadjusted({30: ratio}))
    assert suspect(bars) == [[30]]
    assert bars.adjustment.tolist() == [[1.0] * 60]
    two = read(tmp_path / "b.csv", unadjusted({20: ratio, 40: 2.0}))
    assert suspect(two) == [[20, 40]]


def test_a_suspicion_is_one_notice_with_the_days(tmp_path: Path) -> None:
    unadjusted({20: 2.0, 40: 10.0}).to_csv(tmp_path / "A.csv")
    notices = NoticeList()
    load(str(tmp_path / "A.csv"), notices)
    (notice,) = notices.texts
    assert notice.startswith("A: prices leap as at a split that is not applied: ")
    assert "2020-01-29, 2020-02-26;" in notice


def test_a_leap_that_reverses_or_has_another_ratio_is_no_split(tmp_path: Path) -> None:
    spike = walk()
    spike.iloc[30, :4] /= 2
    assert suspect(read(tmp_path / "a.csv", spike)) == [[]]
    assert suspect(read(tmp_path / "b.csv", unadjusted({30: 1.25}))) == [[]]
    assert suspect(read(tmp_path / "c.csv", unadjusted({30: 2.5}))) == [[]]


def test_a_crash_to_half_with_a_rush_of_volume_is_no_split(tmp_path: Path) -> None:
    """Check the kind of AAPL on 2000-09-29: half the price at ten times the volume."""
    table = walk()
    table.iloc[30:, :4] /= 2
    assert suspect(read(tmp_path / "a.csv", table)) == [[30]]
    table["Volume"] *= np.where(np.arange(60) == 30, 10.0, 1.0)
    assert suspect(read(tmp_path / "b.csv", table)) == [[]]


def test_a_split_of_an_index_whose_opens_repeat_closes_is_suspected(tmp_path: Path) -> None:
    table = unadjusted({30: 2.0})
    table.iloc[1:, 0] = table["Close"].to_numpy()[:-1]
    table["High"] = table[["Open", "High"]].max(axis=1)
    assert suspect(read(tmp_path / "a.csv", table)) == [[30]]


@pytest.mark.parametrize(
    "spec",
    ["sample:sp500", "sample:stocks"]
    + [
        f"synthetic:{name}?seed={seed}" for name in ("walk", "garch", "regime") for seed in range(5)
    ],
)
def test_samples_and_synthetic_markets_have_no_suspected_split(spec: str) -> None:
    assert not any(suspect(load(spec).bars))
