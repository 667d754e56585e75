"""Why symbols are asked for one by one: what `yfinance.download` makes of a list."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from evolve.data import load
from evolve.errors import EvolveError
from tests.data import yahoo_server as server
from tests.data.yahoo_listing import Listing
from tests.data.yahoo_server import Yahoo

yfinance = pytest.importorskip("yfinance")


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("EVOLVE_HOME", str(tmp_path))
    with server.fresh_yfinance(tmp_path):
        yield


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Yahoo:
    from yfinance import base, data

    made = Yahoo(Listing("SPY"), Listing("QQQ"))
    session = server.SESSIONS["curl"](made)
    for module in (base, data):
        monkeypatch.setattr(module, "new_session", lambda: session)
    return made


def download(network: Yahoo, symbols: object, **options: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        session = server.SESSIONS["curl"](network)
        return yfinance.download(symbols, session=session, progress=False, threads=False, **options)


def test_it_drops_the_adjusted_close_unless_told_otherwise(network: Yahoo) -> None:
    assert ("Adj Close", "SPY") not in download(network, "SPY").columns
    assert ("Adj Close", "SPY") in download(network, "SPY", auto_adjust=False).columns


def test_it_orders_symbols_by_name_and_makes_one_of_two(network: Yahoo) -> None:
    frame = download(network, ["spy", "QQQ", "SPY"], auto_adjust=False)
    assert [symbol for name, symbol in frame.columns if name == "Close"] == ["QQQ", "SPY"]
    assert load(["yahoo:spy", "yahoo:QQQ"]).bars.symbols == ("SPY", "QQQ")
    with pytest.raises(EvolveError, match="SPY comes twice"):
        load(["yahoo:spy", "yahoo:QQQ", "yahoo:SPY"])


def test_it_gives_an_empty_table_for_a_period_with_a_start_and_an_end(network: Yahoo) -> None:
    frame = download(network, "SPY", period="1mo", start="2024-03-05", end="2024-03-08")
    assert len(frame) == 0


def test_it_leaves_the_end_out_and_we_do_not(network: Yahoo) -> None:
    frame = download(network, "SPY", start="2024-03-05", end="2024-03-08")
    assert [str(day)[:10] for day in frame.index] == ["2024-03-05", "2024-03-06", "2024-03-07"]
    bars = load("yahoo:SPY", date(2024, 3, 5), date(2024, 3, 8)).bars
    assert str(bars.time[-1])[:10] == "2024-03-08"


def test_it_swallows_a_symbol_that_failed_and_we_name_it(network: Yahoo) -> None:
    frame = download(network, ["SPY", "ZZZZ"], auto_adjust=False)
    assert frame["Close"]["ZZZZ"].isna().all()
    with pytest.raises(EvolveError, match="ZZZZ"):
        load(["yahoo:SPY", "yahoo:ZZZZ"])
