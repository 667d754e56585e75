"""Yahoo Finance through yfinance, with a disk cache."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Mapping
from datetime import UTC, datetime
from time import sleep
from typing import TYPE_CHECKING, Any

from dsl.cache_dir import cache_dir
from dsl.diagnostics import did_you_mean
from evolve.data.source import FetchedBars, Source, Spec, UnreachableError
from evolve.errors import EvolveError

if TYPE_CHECKING:
    import pandas as pd

    from dsl.bars import Bars
    from evolve.notices import NoticeLog

TIMEOUT_SECONDS = 20
WAITS_SECONDS = (5, 20, 60)  # between attempts while Yahoo refuses requests
COLUMNS = ("Open", "High", "Low", "Close", "Adj Close", "Volume", "Dividends", "Stock Splits")
INTERVALS = ("1d", "1h", "30m", "15m", "5m", "1m")
UNKNOWN_SYMBOL_TEXTS = ("No data found", "Data doesn't exist")  # starts of messages of Yahoo
REASONS = (  # by a part of the class name of a transport's error
    ("Timeout", "no answer in time"),
    ("JSON", "unreadable answer"),
    ("Connect", "no connection"),
    ("DNS", "no connection"),
    ("Proxy", "no connection through the proxy"),
)
STOCK_KIND = "EQUITY"


def now() -> datetime:
    """Return the current time; tests replace this function."""
    return datetime.now(UTC)


class RefusedError(UnreachableError):
    """Error of a rate limit at Yahoo."""


def fetch(spec: Spec, notices: NoticeLog) -> FetchedBars:
    """Return the whole adjusted history of a symbol, from Yahoo once a day and else from disk.

    Raises:
        UnreachableError: if Yahoo is unreachable and the cache has no prices.
        EvolveError: for an unknown symbol or wrong prices.
    """
    from evolve.data import cache
    from evolve.data.live_row import describe_live_row

    spec.check_options("interval")
    symbol, interval = spec.name.upper(), spec.options.get("interval", "1d")
    if not re.fullmatch(r"[A-Z0-9^=.\-]{1,20}", symbol):
        raise EvolveError(
            f"{spec.text}: expected a ticker, found `{spec.name}`", "write for example yahoo:SPY"
        )
    if interval not in INTERVALS:
        hint = did_you_mean(interval, INTERVALS) or f"expected one of: {', '.join(INTERVALS)}"
        raise EvolveError(f"{spec.text}: unknown interval `{interval}`", hint)
    key = symbol if interval == "1d" else f"{symbol}@{interval}"
    today = now().date().isoformat()
    cached = cache.read("yahoo", key)
    if cached is None or cached.as_of < today or spec.refresh:
        try:
            frame = _download_with_retries(symbol, interval, notices)
        except UnreachableError as error:
            if cached is None:
                raise
            notices.notice(f"{error.message}; using cached prices of {cached.as_of}")
        else:
            bars = _parse_bars(frame, symbol, spec.text)  # raises before wrong prices are cached
            kind = str(frame.attrs.get("kind", ""))
            cache.write("yahoo", key, frame, today, kind)
            if unfinished := frame.attrs.get("unfinished"):
                notices.notice(describe_live_row(symbol, unfinished))
            return _build_fetched(bars, today, kind)
    assert cached is not None
    return _build_fetched(_parse_bars(cached.frame, symbol, spec.text), cached.as_of, cached.kind)


def _build_fetched(bars: Bars, as_of: str, kind: str) -> FetchedBars:
    return FetchedBars(bars, as_of, kind == STOCK_KIND if kind else None)


def _parse_bars(frame: pd.DataFrame, symbol: str, origin: str) -> Bars:
    from evolve.data.tables.frames import bars_from_frame

    complete = frame.dropna(subset=["Open", "High", "Low", "Close"])
    return bars_from_frame(complete.reset_index(), symbol, origin, _name_row)


def _download_with_retries(symbol: str, interval: str, notices: NoticeLog) -> pd.DataFrame:
    """Download prices, and try again after a pause while Yahoo refuses requests."""
    for seconds in WAITS_SECONDS:
        try:
            return download(symbol, interval=interval)
        except RefusedError as error:
            notices.notice(f"{error.message}; next attempt in {seconds} s")
            sleep(seconds)
    return download(symbol, interval=interval)


def download(symbol: str, session: Any = None, interval: str = "1d") -> pd.DataFrame:
    """Download raw prices, Adj Close, dividends and splits, indexed by naive local times.

    `DataFrame.attrs["kind"]` is Yahoo's kind of instrument, such as `EQUITY` or `ETF`, and
    `unfinished` has the times of bars that are left out since their session is open.

    Args:
        symbol: a ticker.
        session: the transport; None for the default of yfinance.
        interval: one of INTERVALS. Yahoo limits the history of intervals within a day.

    Raises:
        RefusedError: if Yahoo refuses requests.
        UnreachableError: if Yahoo is unreachable.
        EvolveError: for an unknown symbol.
    """
    with warnings.catch_warnings():
        import yfinance
        from yfinance.exceptions import YFRateLimitError, YFTickerMissingError

        warnings.simplefilter("ignore")  # the import enables warnings of yfinance
        logging.getLogger("yfinance").setLevel(logging.CRITICAL)
        folder = cache_dir() / "yfinance"
        folder.mkdir(parents=True, exist_ok=True)
        yfinance.set_tz_cache_location(str(folder))
        yfinance.config.debug.hide_exceptions = False
        try:
            ticker = yfinance.Ticker(symbol, session=session)
            # Otherwise yfinance requests the zone first, and caches a wrong answer in memory.
            ticker._tz = "UTC"
            frame = ticker.history(
                period="max", interval=interval, auto_adjust=False, actions=True,
                timeout=TIMEOUT_SECONDS,
            )  # fmt: skip
            metadata = ticker.get_history_metadata() or {}
        except YFTickerMissingError as error:
            reason = getattr(error, "yahoo_reason", None)
            if reason is None or reason.startswith(UNKNOWN_SYMBOL_TEXTS):
                raise _build_unknown_error(symbol) from None
            raise _build_unreachable_error(symbol, reason) from None
        except YFRateLimitError:
            raise RefusedError(f"yahoo:{symbol}: Yahoo refuses requests for now") from None
        except ValueError as error:
            if "ISIN" in str(error):
                raise _build_unknown_error(symbol) from None
            raise _build_unreachable_error(symbol, _describe(error)) from None
        except Exception as error:
            raise _build_unreachable_error(symbol, _describe(error)) from None
    if frame is None or frame.empty:
        raise _build_unknown_error(symbol)
    frame = frame[[name for name in COLUMNS if name in frame.columns]].copy()
    complete = len(frame) - _count_unfinished(frame, metadata)
    frame.index = frame.index.tz_localize(None).as_unit("ns")
    unfinished = [str(each) for each in frame.index[complete:]]
    frame = frame.iloc[:complete]
    if interval == "1d":
        frame.index = frame.index.normalize()
    frame.index.name = "Date"
    frame.attrs = {"kind": str(metadata.get("instrumentType", "")), "unfinished": unfinished}
    history: pd.DataFrame = frame
    return history


def _count_unfinished(frame: pd.DataFrame, metadata: Mapping[str, Any]) -> int:
    """Count the bars at the end that belong to an open session, so their close is not final."""
    try:
        session = metadata["currentTradingPeriod"]["regular"]
        begin, end = session["start"], session["end"]
        if now() >= end:
            return 0
        return int((frame.index >= begin.normalize()).sum())
    except (KeyError, TypeError, AttributeError):  # the metadata is incomplete
        return 0


def _build_unknown_error(symbol: str) -> EvolveError:
    return EvolveError(f"yahoo:{symbol}: no prices at Yahoo", "check the ticker")


def _build_unreachable_error(symbol: str, reason: str) -> UnreachableError:
    return UnreachableError(f"yahoo:{symbol}: Yahoo is unreachable ({reason})")


def _describe(error: Exception) -> str:
    """Return the reason of an error in plain words, without an address."""
    name = type(error).__name__
    reasons = [reason for part, reason in REASONS if part in name]
    if reasons:
        return reasons[0]
    text = re.sub(r"\s*(for url: )?https?://\S+", "", str(error)).split("\n")[0].strip(" :")
    return text or name


def _name_row(row: int) -> str:
    return f"row {row + 1}"


SOURCE = Source("yahoo", "Yahoo Finance, adjusted", "yahoo:SPY", fetch, has_market_symbols=True)
