"""Yahoo Finance, through yfinance, with everything fetched kept on disk."""

from __future__ import annotations

import logging
import re
import warnings
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dsl.home import home
from evolve.data.source import Fetched, Notify, Source, Spec, UnreachableError
from evolve.errors import EvolveError

if TYPE_CHECKING:
    import pandas as pd

    from dsl.bars import Bars

TIMEOUT_SECONDS = 20
KEPT = ("Open", "High", "Low", "Close", "Adj Close", "Volume", "Dividends", "Stock Splits")


def fetch(spec: Spec, notify: Notify) -> Fetched:
    """A symbol's whole daily history, adjusted; fetched once a day, then read from disk.

    Raises:
        UnreachableError: if Yahoo cannot be reached and nothing is on disk.
        EvolveError: for a symbol that Yahoo does not know, or prices that make no sense.
    """
    from evolve.data import cache

    spec.only()
    symbol = spec.name.upper()
    if not re.fullmatch(r"[A-Z0-9^=.\-]{1,20}", symbol):
        raise EvolveError(
            f"{spec.text}: `{spec.name}` is not a ticker", "write for example yahoo:SPY"
        )
    today = datetime.now(UTC).date().isoformat()
    kept = cache.read("yahoo", symbol)
    if kept is None or kept.as_of < today:
        try:
            fetched = cache.Cached(download(symbol), today)
        except UnreachableError as error:
            if kept is None:
                raise
            notify(f"{error.message}; using the prices of {kept.as_of}")
        else:
            bars = _bars(fetched.frame, symbol, spec.text)  # only sound prices are kept
            cache.write("yahoo", symbol, fetched.frame, today)
            return Fetched(bars, today)
    assert kept is not None
    return Fetched(_bars(kept.frame, symbol, spec.text), kept.as_of)


def _bars(frame: pd.DataFrame, symbol: str, origin: str) -> Bars:
    from evolve.data.frames import bars_from_frame

    whole = frame.dropna(subset=["Open", "High", "Low", "Close"])
    return bars_from_frame(whole.reset_index(), symbol, origin, _row)


def download(symbol: str, session: Any = None) -> pd.DataFrame:
    """Raw daily prices, Adj Close, dividends and splits, indexed by naive dates.

    Args:
        symbol: a ticker.
        session: the transport, yfinance's own if None.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import yfinance
        from yfinance.exceptions import YFPricesMissingError, YFRateLimitError

        logging.getLogger("yfinance").setLevel(logging.CRITICAL)
        folder = home() / "yfinance"
        folder.mkdir(parents=True, exist_ok=True)
        yfinance.set_tz_cache_location(str(folder))
        yfinance.config.debug.hide_exceptions = False
        try:
            ticker = yfinance.Ticker(symbol, session=session)
            frame = ticker.history(
                period="max", auto_adjust=False, actions=True, timeout=TIMEOUT_SECONDS
            )
        except YFPricesMissingError:
            raise EvolveError(
                f"yahoo:{symbol}: Yahoo has no prices for it", "check the ticker"
            ) from None
        except YFRateLimitError:
            raise UnreachableError(f"yahoo:{symbol}: Yahoo refuses more requests for now") from None
        except Exception as error:
            reason = str(error).split(". See ")[0].split("\n")[0] or type(error).__name__
            raise UnreachableError(
                f"yahoo:{symbol}: Yahoo could not be reached ({reason})"
            ) from None
    if frame is None or frame.empty:
        raise EvolveError(f"yahoo:{symbol}: Yahoo has no prices for it", "check the ticker")
    frame = frame[[name for name in KEPT if name in frame.columns]].copy()
    frame.index = frame.index.tz_localize(None).normalize()
    frame.index.name = "Date"
    kept: pd.DataFrame = frame
    return kept


def _row(row: int) -> str:
    return f"row {row + 1}"


SOURCE = Source("yahoo", "Yahoo Finance, daily, adjusted", "yahoo:SPY", fetch)
