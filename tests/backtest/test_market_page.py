"""The page on the market: each of its ledgers is run and compared."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dsl.analysis.check import check
from dsl.bars import Bars
from evolve.backtest.backtest import Backtest, backtest
from tests.backtest.ledger import (
    Series,
    assert_consistent,
    bars_from,
    days_from,
    free,
    number,
    order_bits,
    scripted,
    trades_of,
)

PAGE = Path(__file__).parents[2] / "docs" / "market.md"
HEADING, BLOCK = r"^### (.+)$", r"^```\n(.*?)^```$"
SETTINGS = ("rules", "strategy", "market", "window", "opens")
PRICES = ("open", "high", "low", "close")
COLUMNS = {"bar", *PRICES, "signal", "volume", "adjustment", "date", "equity", "benchmark"}
EXACT = 1e-8  # the page gives six decimals


@dataclass
class Case:
    """Ledger of the page."""

    title: str
    settings: dict[str, str] = field(default_factory=dict)
    head: list[str] = field(default_factory=list)
    rows: list[dict[str, str]] = field(default_factory=list)
    trades: list[str] = field(default_factory=list)

    @property
    def window(self) -> tuple[int, int]:
        first, last = self.settings.get("window", f"0 {len(self.rows)}").split()
        return int(first), int(last)

    def expected(self, column: str) -> list[float]:
        return [float(row[column]) for row in self.rows[slice(*self.window)]]

    def column(self, name: str) -> Series:
        return np.array([number(row[name]) for row in self.rows])

    def bars(self) -> Bars:
        count = len(self.rows)
        time = days_from("2024-01-01", count)
        if "open" not in self.head:
            names = [name for name in self.head if name not in ("bar", "equity", "benchmark")]
            price = np.array([self.column(name) for name in names])
            volume, ones = np.full(price.shape, 1e6), np.ones(price.shape)
            opened, high, low = (price.copy() for _ in range(3))
            return Bars(tuple(names), time, opened, high, low, price, volume, ones)
        if "date" in self.head:
            time = np.array([row["date"] for row in self.rows], "datetime64[ns]")
        if "signal" in self.head:
            volume = np.array([order_bits(row["signal"]) for row in self.rows])
        else:
            volume = self.column("volume")
        adjustment = self.column("adjustment") if "adjustment" in self.head else None
        return bars_from(time, [self.column(name) for name in PRICES], adjustment, volume)

    def run(self) -> Backtest:
        rules = self.settings.get("strategy")
        text = scripted(self.settings.get("rules", ""))
        if rules is not None:
            text = f"strategy written {{ {rules} }}"
        costs: dict[str, Any] = {}
        for pair in self.settings.get("market", "").split():
            name, _, value = pair.partition("=")
            costs[name] = value if name == "fill" else float(value)
        bars = self.bars()
        if self.settings.get("opens") == "untraded":
            bars = replace(bars, closes_only=bars.symbols)
        return backtest(check(text), bars, free(**costs), *self.window)


def cases_of(page: str) -> list[Case]:
    """Parse the ledgers of a page, each under a heading of the third level."""
    cases = []
    for part in re.split(r"^(?=### )", page, flags=re.M)[1:]:
        title = re.search(HEADING, part, re.M)
        assert title is not None
        for block in re.findall(BLOCK, part, re.M | re.S):
            cases.append(_parse_case(title[1], block.splitlines()))
    return cases


def _parse_case(title: str, lines: list[str]) -> Case:
    case = Case(title)
    while not lines[0].startswith("bar "):
        key, _, value = lines.pop(0).partition(" ")
        assert key in SETTINGS, f"{title}: {key}"
        case.settings[key] = value.strip()
    case.head = lines.pop(0).split()
    assert "open" not in case.head or COLUMNS.issuperset(case.head), title
    while lines and lines[0] != "trades":
        case.rows.append(dict(zip(case.head, lines.pop(0).split(), strict=True)))
    case.trades = lines[1:]
    return case


CASES = cases_of(PAGE.read_text("utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_the_backtest_reproduces_a_ledger_of_the_page(case: Case) -> None:
    result, bars = case.run(), case.bars()
    found = trades_of(result, bars.time)
    if len(bars.symbols) > 1:
        found = [f"{t.symbol} {text}" for t, text in zip(result.trades, found, strict=True)]
    else:
        assert_consistent(result)
    assert found == case.trades
    assert result.equity.tolist() == pytest.approx(case.expected("equity"), rel=EXACT)
    if "benchmark" in case.head:
        assert result.benchmark.tolist() == pytest.approx(case.expected("benchmark"), rel=EXACT)


def test_each_rule_of_the_page_has_a_ledger_of_six_bars() -> None:
    titles = re.findall(HEADING, PAGE.read_text("utf-8"), re.M)
    assert [case.title for case in CASES] == titles
    assert len(titles) >= 40
    assert all(len(case.rows) == 6 and "equity" in case.head for case in CASES)


@pytest.mark.parametrize(("old", "new"), [("960", "961"), ("80@12.5->15", "81@12.5->15")])
def test_a_wrong_number_on_the_page_fails(old: str, new: str) -> None:
    page = PAGE.read_text("utf-8")
    assert old in page
    first = cases_of(re.sub(rf"(?<= ){re.escape(old)}(?=\s)", new, page, count=1))[0]
    with pytest.raises(AssertionError):
        test_the_backtest_reproduces_a_ledger_of_the_page(first)


@pytest.mark.parametrize(
    ("old", "new"), [("market  fill", "markt  fill"), ("close  signal", "clse  signal")]
)
def test_an_unknown_word_on_the_page_fails(old: str, new: str) -> None:
    page = PAGE.read_text("utf-8")
    assert old in page
    with pytest.raises(AssertionError):
        cases_of(page.replace(old, new, 1))
