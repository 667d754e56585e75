"""Chart answers of Yahoo for one symbol: bars, dividends, splits and flaws."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from datetime import time as clock
from typing import Any
from zoneinfo import ZoneInfo

Result = dict[str, Any]
Flaw = Callable[[Result], None]

MINUTES = {"1m": 1, "2m": 2, "5m": 5, "15m": 15, "30m": 30, "60m": 60, "1h": 60, "90m": 90}
RANGES = ["1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max"]


def weekdays(first: date, count: int) -> list[date]:
    """Return the given number of weekdays from a day on."""
    days: list[date] = []
    day = first
    while len(days) < count:
        if day.weekday() < 5:
            days.append(day)
        day += timedelta(days=1)
    return days


@dataclass
class Listing:
    """Data of a symbol at Yahoo. The close of day `n` is 100 + n, unless a flaw changes it.

    Attributes:
        symbol: the ticker.
        days: the days with a bar.
        instrument: EQUITY, ETF, INDEX, CURRENCY, CRYPTOCURRENCY, FUTURE or MUTUALFUND.
        zone: the time zone of the exchange.
        currency: the currency of the prices.
        hours: opening and closing time in that zone.
        dividends: amount by day.
        splits: new shares and old shares by day.
        flaws: functions that change the answer in place.
    """

    symbol: str
    days: Sequence[date] = field(default_factory=lambda: weekdays(date(2024, 3, 4), 10))
    instrument: str = "EQUITY"
    zone: str = "America/New_York"
    currency: str = "USD"
    hours: tuple[clock, clock] = (clock(9, 30), clock(16))
    dividends: Mapping[date, float] = field(default_factory=dict)
    splits: Mapping[date, tuple[int, int]] = field(default_factory=dict)
    flaws: Sequence[Flaw] = ()

    def opens(self, day: date) -> int:
        """Return the timestamp of the open of a day, which is also that of its daily bar."""
        return self._moment(day, self.hours[0])

    def result(self, interval: str, first: int, last: int) -> Result:
        """Return the chart of all bars from one timestamp to before another."""
        bars = [bar for bar in self._bars(interval) if first <= bar[0] < last]
        times, opens, highs, lows, closes, adjusted, volumes = (
            [list(column) for column in zip(*bars, strict=True)] if bars else [[] for _ in range(7)]
        )
        quote = {"open": opens, "high": highs, "low": lows, "close": closes, "volume": volumes}
        result: Result = {"meta": self._meta(interval), "indicators": {"quote": [quote]}}
        if bars:
            result["timestamp"] = times
        else:
            result["indicators"]["quote"] = [{}]
        if interval not in MINUTES:
            column = [{"adjclose": adjusted}] if bars else [{}]
            result["indicators"]["adjclose"] = column
        events = self._events(first, last)
        if events:
            result["events"] = events
        answer = copy.deepcopy(result)
        for flaw in self.flaws:
            flaw(answer)
        return answer

    def _moment(self, day: date, at: clock = clock()) -> int:
        return int(datetime.combine(day, at, ZoneInfo(self.zone)).timestamp())

    def _bars(self, interval: str) -> Iterator[tuple[float, ...]]:
        closes = [100.0 + n for n in range(len(self.days))]
        adjusted = list(closes)
        for n, day in enumerate(self.days):
            if n and day in self.dividends:
                factor = 1 - self.dividends[day] / closes[n - 1]
                adjusted[:n] = [value * factor for value in adjusted[:n]]
        rows = list(enumerate(zip(self.days, closes, adjusted, strict=True)))
        if interval in MINUTES:
            for n, (day, close, _) in rows:
                yield from self._intraday(n, day, close, MINUTES[interval])
        else:
            for n, (day, close, adj) in rows:
                yield self.opens(day), close - 0.5, close + 1, close - 1, close, adj, 1000 + n

    def _intraday(
        self, n: int, day: date, close: float, minutes: int
    ) -> Iterator[tuple[float, ...]]:
        opens, closes = self.opens(day), self._moment(day, self.hours[1])
        for step, moment in enumerate(range(opens, closes, minutes * 60)):
            price = close + step / 100
            yield moment, price - 0.1, price + 0.2, price - 0.2, price, price, 10 + n

    def _events(self, first: int, last: int) -> dict[str, Any]:
        events: dict[str, Any] = {}
        for day, amount in self.dividends.items():
            moment = self.opens(day)
            if first <= moment < last:
                row = {"amount": amount, "date": moment}
                events.setdefault("dividends", {})[str(moment)] = row
        for day, (new, old) in self.splits.items():
            moment = self.opens(day)
            if first <= moment < last:
                row = {"date": moment, "numerator": new, "denominator": old}
                row["splitRatio"] = f"{new}:{old}"  # type: ignore[assignment]
                events.setdefault("splits", {})[str(moment)] = row
        return events

    def _meta(self, interval: str) -> dict[str, Any]:
        offset = ZoneInfo(self.zone).utcoffset(datetime.combine(self.days[-1], clock(12)))
        seconds = int(offset.total_seconds()) if offset else 0
        opens = self.opens(self.days[-1])

        def period(day: date) -> dict[str, Any]:
            start, end = self.opens(day), self._moment(day, self.hours[1])
            return {"timezone": "EST", "start": start, "end": end, "gmtoffset": seconds}

        meta = {
            "currency": self.currency,
            "symbol": self.symbol,
            "exchangeName": "PCX",
            "fullExchangeName": "NYSEArca",
            "instrumentType": self.instrument,
            "firstTradeDate": self.opens(self.days[0]),
            "regularMarketTime": opens + 6 * 3600,
            "hasPrePostMarketData": True,
            "gmtoffset": seconds,
            "timezone": "EST",
            "exchangeTimezoneName": self.zone,
            "regularMarketPrice": 100.0 + len(self.days) - 1,
            "longName": f"{self.symbol} of this test",
            "chartPreviousClose": 99.0,
            "priceHint": 2,
            "currentTradingPeriod": {
                name: period(self.days[-1]) for name in ("pre", "regular", "post")
            },
            "dataGranularity": interval,
            "range": "",
            "validRanges": RANGES,
        }
        if interval in MINUTES:
            meta["tradingPeriods"] = [[period(day)] for day in self.days]
        return meta


# -- flaws


def null(row: int, *names: str) -> Flaw:
    """Return a flaw that empties cells of a row; all cells if no name is given."""

    def apply(result: Result) -> None:
        quote = result["indicators"]["quote"][0]
        if row >= len(result.get("timestamp", ())):
            return  # a request for the time zone has one bar
        for name in names or (*quote, "adjclose"):
            if name in quote:
                quote[name][row] = None
            elif "adjclose" in result["indicators"]:
                result["indicators"]["adjclose"][0]["adjclose"][row] = None

    return apply


def live(seconds: int = 6 * 3600) -> Flaw:
    """Return a flaw that adds a live quote to the last day, some seconds after its bar."""

    def apply(result: Result) -> None:
        quote = result["indicators"]["quote"][0]
        for name, column in quote.items():
            column.append(column[-1] + (7 if name == "volume" else 0))
        for each in result["indicators"].get("adjclose", []):
            each["adjclose"].append(each["adjclose"][-1])
        result["timestamp"].append(result["timestamp"][-1] + seconds)

    return apply


def without_adjclose(result: Result) -> None:
    """Remove the adjusted close, as for many indexes."""
    result["indicators"].pop("adjclose", None)


def without_bars(result: Result) -> None:
    """Remove all bars of a known symbol."""
    result.pop("timestamp", None)
    result["indicators"] = {"quote": [{}], "adjclose": [{}]}


def without_meta(*names: str) -> Flaw:
    """Return a flaw that removes some metadata of the symbol."""

    def apply(result: Result) -> None:
        for name in names:
            del result["meta"][name]

    return apply
