"""Yahoo Finance, through yfinance, with everything fetched kept on disk."""

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
from evolve.data.source import Fetched, Source, Spec, UnreachableError
from evolve.errors import EvolveError

if TYPE_CHECKING:
    import pandas as pd

    from dsl.bars import Bars
    from evolve.notices import NoticeLog

TIMEOUT_SECONDS = 20
WAITS_SECONDS = (5, 20, 60)  # before asking again, where Yahoo refuses more requests
KEPT_COLUMNS = ("Open", "High", "Low", "Close", "Adj Close", "Volume", "Dividends", "Stock Splits")
INTERVALS = ("1d", "1h", "30m", "15m", "5m", "1m")
UNKNOWN = ("No data found", "Data doesn't exist")  # how Yahoo says that a symbol is not its own
REASONS = (  # by what the names of the errors of its transports hold
    ("Timeout", "no answer in time"),
    ("JSON", "its answer makes no sense"),
    ("Connect", "no connection"),
    ("DNS", "no connection"),
    ("Proxy", "no connection through the proxy"),
)
STOCK = "EQUITY"


def now() -> datetime:
    """The moment, which a clock of its own may stand in for."""
    return datetime.now(UTC)


class RefusedError(UnreachableError):
    """Yahoo refuses more requests for a while."""


def fetch(spec: Spec, notices: NoticeLog) -> Fetched:
    """A symbol's whole history, adjusted; fetched once a day, then read from disk.

    Raises:
        UnreachableError: if Yahoo cannot be reached and nothing is on disk.
        EvolveError: for a symbol that Yahoo does not know, or prices that make no sense.
    """
    from evolve.data import cache

    spec.only("interval")
    symbol, interval = spec.name.upper(), spec.options.get("interval", "1d")
    if not re.fullmatch(r"[A-Z0-9^=.\-]{1,20}", symbol):
        raise EvolveError(
            f"{spec.text}: `{spec.name}` is not a ticker", "write for example yahoo:SPY"
        )
    if interval not in INTERVALS:
        hint = did_you_mean(interval, INTERVALS) or f"there are: {', '.join(INTERVALS)}"
        raise EvolveError(f"{spec.text}: there is no interval `{interval}`", hint)
    place = symbol if interval == "1d" else f"{symbol}@{interval}"
    today = now().date().isoformat()
    kept = cache.read("yahoo", place)
    if kept is None or kept.as_of < today or spec.refresh:
        try:
            frame = _download_with_retries(symbol, interval, notices)
        except UnreachableError as error:
            if kept is None:
                raise
            notices.notice(f"{error.message}; using the prices of {kept.as_of}")
        else:
            bars = _parse_bars(frame, symbol, spec.text)  # only sound prices are kept
            kind = str(frame.attrs.get("kind", ""))
            cache.write("yahoo", place, frame, today, kind)
            return _build_fetched(bars, today, kind)
    assert kept is not None
    return _build_fetched(_parse_bars(kept.frame, symbol, spec.text), kept.as_of, kept.kind)


def _build_fetched(bars: Bars, as_of: str, kind: str) -> Fetched:
    return Fetched(bars, as_of, kind == STOCK if kind else None)


def _parse_bars(frame: pd.DataFrame, symbol: str, origin: str) -> Bars:
    from evolve.data.frames import bars_from_frame

    whole = frame.dropna(subset=["Open", "High", "Low", "Close"])
    return bars_from_frame(whole.reset_index(), symbol, origin, _row)


def _download_with_retries(symbol: str, interval: str, notices: NoticeLog) -> pd.DataFrame:
    """The prices, asked for again after a while where Yahoo refuses more requests."""
    for seconds in WAITS_SECONDS:
        try:
            return download(symbol, interval=interval)
        except RefusedError as error:
            notices.notice(f"{error.message}; asking again in {seconds} s")
            sleep(seconds)
    return download(symbol, interval=interval)


def download(symbol: str, session: Any = None, interval: str = "1d") -> pd.DataFrame:
    """Raw prices, Adj Close, dividends and splits, indexed by naive dates or local times.

    `DataFrame.attrs["kind"]` says what the symbol is, as Yahoo calls it (`EQUITY`, `ETF`).

    Args:
        symbol: a ticker.
        session: the transport, yfinance's own if None.
        interval: one of INTERVALS; Yahoo gives all there is of days, and less of shorter ones.
    """
    with warnings.catch_warnings():
        import yfinance
        from yfinance.exceptions import YFRateLimitError, YFTickerMissingError

        warnings.simplefilter("ignore")  # importing it turns its own on again
        logging.getLogger("yfinance").setLevel(logging.CRITICAL)
        folder = cache_dir() / "yfinance"
        folder.mkdir(parents=True, exist_ok=True)
        yfinance.set_tz_cache_location(str(folder))
        yfinance.config.debug.hide_exceptions = False
        try:
            ticker = yfinance.Ticker(symbol, session=session)
            # It would ask for the zone first, and keep a bad answer as long as the process lives.
            ticker._tz = "UTC"
            frame = ticker.history(
                period="max", interval=interval, auto_adjust=False, actions=True,
                timeout=TIMEOUT_SECONDS,
            )  # fmt: skip
            about = ticker.get_history_metadata() or {}
        except YFTickerMissingError as error:
            said = getattr(error, "yahoo_reason", None)
            if said is None or said.startswith(UNKNOWN):
                raise _unknown(symbol) from None
            raise _unreachable(symbol, said) from None
        except YFRateLimitError:
            raise RefusedError(f"yahoo:{symbol}: Yahoo refuses more requests for now") from None
        except ValueError as error:
            if "ISIN" in str(error):
                raise _unknown(symbol) from None
            raise _unreachable(symbol, _reason(error)) from None
        except Exception as error:
            raise _unreachable(symbol, _reason(error)) from None
    if frame is None or frame.empty:
        raise _unknown(symbol)
    frame = frame[[name for name in KEPT_COLUMNS if name in frame.columns]].copy()
    frame = frame.iloc[: len(frame) - _drop_unfinished(frame, about)]
    frame.index = frame.index.tz_localize(None).as_unit("ns")
    if interval == "1d":
        frame.index = frame.index.normalize()
    frame.index.name = "Date"
    frame.attrs = {"kind": str(about.get("instrumentType", ""))}
    kept: pd.DataFrame = frame
    return kept


def _drop_unfinished(frame: pd.DataFrame, about: Mapping[str, Any]) -> int:
    """How many bars at the end belong to a session that still goes on: their close is not known."""
    try:
        session = about["currentTradingPeriod"]["regular"]
        begin, end = session["start"], session["end"]
        if now() >= end:
            return 0
        return int((frame.index >= begin.normalize()).sum())
    except (KeyError, TypeError, AttributeError):  # it does not say
        return 0


def _unknown(symbol: str) -> EvolveError:
    return EvolveError(f"yahoo:{symbol}: Yahoo has no prices for it", "check the ticker")


def _unreachable(symbol: str, reason: str) -> UnreachableError:
    return UnreachableError(f"yahoo:{symbol}: Yahoo could not be reached ({reason})")


def _reason(error: Exception) -> str:
    """Why there was no answer, in plain words and without an address."""
    name = type(error).__name__
    known = [words for part, words in REASONS if part in name]
    if known:
        return known[0]
    text = re.sub(r"\s*(for url: )?https?://\S+", "", str(error)).split("\n")[0].strip(" :")
    return text or name


def _row(row: int) -> str:
    return f"row {row + 1}"


SOURCE = Source("yahoo", "Yahoo Finance, adjusted", "yahoo:SPY", fetch)
