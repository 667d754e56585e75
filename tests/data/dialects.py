"""Files as brokers, exchanges and vendors write them, with the bars that their authors mean."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Sample(NamedTuple):
    """A file and the expected times, closes and volumes; no volume is unknown."""

    text: str | bytes
    times: tuple[str, ...]
    closes: tuple[float, ...]
    volumes: tuple[float, ...] = ()
    symbol: str = "acme"


NAN = float("nan")
DAYS = "2024-01-02", "2024-01-03"
MINUTES = "2024-01-02T09:30", "2024-01-02T09:31"
MT5_HEAD = "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>"
MT5 = f"""{MT5_HEAD}
2024.01.02\t09:30:00\t1.10427\t1.10480\t1.10381\t1.10401\t1789\t0\t8
2024.01.02\t09:31:00\t1.10401\t1.10455\t1.10400\t1.10450\t1620\t0\t8
"""
MT5_DAYS = """<DATE>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>
2024.01.02\t1.10427\t1.10480\t1.09381\t1.09401\t51789\t0\t8
2024.01.03\t1.09401\t1.09655\t1.08900\t1.09250\t61620\t0\t8
"""
MT5_CLOSES = 1.10401, 1.10450
PLAIN = "Date,Open,High,Low,Close,Volume\n"
ROWS = "2024-01-02,10.5,12.5,9.5,11.5,1000\n2024-01-03,11.5,13.5,10.5,12.5,1100\n"
CLOSES, VOLUMES = (11.5, 12.5), (1000.0, 1100.0)
BINANCE = (
    "{0},42283.58,42554.57,42261.02,42475.23,1271.68108,{1},53957248.97,47134,682.57,28957416.8,0"
)


def _count(time: str, unit: str) -> str:
    return str(np.array([time], f"datetime64[{unit}]").astype(np.int64)[0])


def _counts(unit: str, head: str = "time,open,high,low,close,Volume") -> str:
    pairs = zip(DAYS, CLOSES, strict=True)
    rows = [f"{_count(day, unit)},10.5,12.5,9.5,{close},5" for day, close in pairs]
    return "\n".join([head, *rows, ""])


SAMPLES = {
    "Interactive Brokers, currencies": Sample(
        "date,open,high,low,close,volume,average,barCount\n"
        "2024-01-02,10.5,12.5,9.5,11.5,-1,-1.0,-1\n2024-01-03,11.5,13.5,10.5,12.5,-1,-1.0,-1\n",
        DAYS, CLOSES,
    ),
    "Nasdaq, an index": Sample(
        "Date,Close/Last,Volume,Open,High,Low\n01/31/2024,12.5,--,11.5,13.5,10.5\n"
        "01/30/2024,11.5,--,10.5,12.5,9.5\n",
        ("2024-01-30", "2024-01-31"), CLOSES,
    ),
    "Barchart": Sample(
        "Time,Open,High,Low,Last,Change,%Chg,Volume\n01/31/2024,11.5,13.5,10.5,12.5,1,+0.2%,7\n"
        '01/30/2024,10.5,12.5,9.5,11.5,1,+0.2%,5\n'
        '"Downloaded from Barchart.com as of 02-01-2024 11:57pm CST"\n',
        ("2024-01-30", "2024-01-31"), CLOSES, (5, 7),
    ),
    "Wall Street Journal": Sample(
        "Date, Open, High, Low, Close\n01/31/24, 11.5, 13.5, 10.5, 12.5\n"
        "01/30/24, 10.5, 12.5, 9.5, 11.5\n",
        ("2024-01-30", "2024-01-31"), CLOSES,
    ),
    "MetaTrader 4": Sample(
        "2024.01.02,09:30,1.1,1.2,1.0,1.15,123\n2024.01.02,09:31,1.15,1.25,1.1,1.2,98\n",
        MINUTES, (1.15, 1.2), (123, 98),
    ),
    "MetaTrader 4, days": Sample(
        "2024.01.02,00:00,1.1,1.2,1.0,1.15,123\r\n2024.01.03,00:00,1.15,1.25,1.1,1.2,98\r\n",
        DAYS, (1.15, 1.2), (123, 98),
    ),
    "MetaTrader without times": Sample(
        "2024.01.02,1.1,1.2,1.0,1.15,123\n2024.01.03,1.15,1.25,1.1,1.2,98\n",
        DAYS, (1.15, 1.2), (123, 98),
    ),
    "MetaTrader 5": Sample(MT5, MINUTES, MT5_CLOSES, (1789, 1620)),
    "MetaTrader 5 in UTF-16": Sample(
        MT5.replace("\n", "\r\n").encode("utf-16"), MINUTES, MT5_CLOSES, (1789, 1620)
    ),
    "MetaTrader 5 in UTF-16 without a mark": Sample(
        MT5.encode("utf-16-le"), MINUTES, MT5_CLOSES, (1789, 1620)
    ),
    "MetaTrader 5 in the other UTF-16": Sample(
        b"\xfe\xff" + MT5.encode("utf-16-be"), MINUTES, MT5_CLOSES, (1789, 1620)
    ),
    "MetaTrader 5, days": Sample(MT5_DAYS, DAYS, (1.09401, 1.0925), (51789, 61620)),
    "MetaTrader 5 with volumes": Sample(
        MT5_DAYS.replace("\t0\t8", "\t77\t8"), DAYS, (1.09401, 1.0925), (77, 77)
    ),
    "MetaTrader 5 of Python": Sample(
        "time,open,high,low,close,tick_volume,spread,real_volume\n"
        "1704153600,1.1,1.2,1.0,1.15,123,8,0\n1704240000,1.15,1.25,1.1,1.2,98,8,0\n",
        DAYS, (1.15, 1.2), (123, 98),
    ),
    "HistData": Sample(
        "20240102 093000;1.306600;1.306600;1.306560;1.306560;0\n"
        "20240102 093100;1.306570;1.306570;1.306470;1.306560;0\n",
        MINUTES, (1.30656, 1.30656), (0, 0),
    ),
    "Interactive Brokers": Sample(
        "date,open,high,low,close,volume,average,barCount\n"
        "20240102  09:30:00,10.5,12.5,9.5,11.5,1000,11,5\n"
        "20240102  09:31:00,11.5,13.5,10.5,12.5,1100,12,5\n",
        MINUTES, CLOSES, VOLUMES,
    ),
    "Interactive Brokers with a zone": Sample(
        "date,open,high,low,close,volume\n20240102 09:30:00 US/Eastern,10.5,12.5,9.5,11.5,1000\n"
        "20240102 09:31:00 US/Eastern,11.5,13.5,10.5,12.5,1100\n",
        MINUTES, CLOSES, VOLUMES,
    ),
    "Interactive Brokers with two blanks and a zone": Sample(
        "date,open,high,low,close\n20240102  09:30:00 America/Argentina/Buenos_Aires,10,12,9,11.5\n"
        "20240102  09:31:00 America/Argentina/Buenos_Aires,11,13,10,12.5\n",
        MINUTES, CLOSES,
    ),
    "Interactive Brokers in UTC": Sample(
        "date,open,high,low,close\n20240102-09:30:00,10,12,9,11.5\n20240102-09:31:00,11,13,10,12.5\n",
        MINUTES, CLOSES,
    ),
    "Interactive Brokers, days": Sample(
        "date,open,high,low,close\n20240102,10,12,9,11.5\n20240103,11,13,10,12.5\n", DAYS, CLOSES
    ),
    "TradingView": Sample(_counts("s"), DAYS, CLOSES, (5, 5)),
    "TradingView, ISO": Sample(
        "time,open,high,low,close,Volume,Volume MA\n"
        "2024-01-02T09:30:00-05:00,10.5,12.5,9.5,11.5,1000,NaN\n"
        "2024-01-02T09:31:00-05:00,11.5,13.5,10.5,12.5,1100,1050\n",
        MINUTES, CLOSES, VOLUMES,
    ),
    "milliseconds": Sample(_counts("ms"), DAYS, CLOSES, (5, 5)),
    "microseconds": Sample(_counts("us"), DAYS, CLOSES, (5, 5)),
    "nanoseconds": Sample(_counts("ns"), DAYS, CLOSES, (5, 5)),
    "short names": Sample(_counts("ms", "t,o,h,l,c,v"), DAYS, CLOSES, (5, 5)),
    **{
        f"Binance, {unit}": Sample(
            "\n".join(
                BINANCE.format(_count(day, unit), _count(f"{day}T23:59:59.999", unit))
                for day in DAYS
            ),
            DAYS, (42475.23, 42475.23), (1271.68108, 1271.68108),
        )
        for unit in ("ms", "us")
    },
    "Kraken": Sample(
        "1704153600,42283.5,42554.5,42261.0,42475.2,12.68108,471\n"
        "1704240000,42475.2,42600.0,42300.0,42500.1,10.5,300\n",
        DAYS, (42475.2, 42500.1), (12.68108, 10.5),
    ),
    "Kraken of 2013": Sample(
        "1381017600,122.0,122.5,121.9,122.0,0.1,1\n1381104000,123.61,123.61,123.61,123.61,0.1,1\n",
        ("2013-10-06", "2013-10-07"), (122, 123.61), (0.1, 0.1),
    ),
    "Dukascopy": Sample(
        "Gmt time,Open,High,Low,Close,Volume\n02.01.2024 09:30:00.000,1.1,1.2,1.0,1.15,123.5\n"
        "02.01.2024 09:31:00.000,1.15,1.25,1.1,1.2,98\n",
        MINUTES, (1.15, 1.2), (123.5, 98),
    ),
    "Dukascopy, local time": Sample(
        "Local time,Open,High,Low,Close,Volume\n"
        "02.01.2024 09:30:00.000 GMT+0100,1.1,1.2,1.0,1.15,123.5\n"
        "02.01.2024 09:31:00.000 GMT+0100,1.15,1.25,1.1,1.2,98\n",
        MINUTES, (1.15, 1.2), (123.5, 98),
    ),
    "JForex": Sample(
        "Time (EET),Open,High,Low,Close,Volume \n2024.01.02 09:30:00,1.1,1.2,1.0,1.15,123.5\n"
        "2024.01.02 09:31:00,1.15,1.25,1.1,1.2,98\n",
        MINUTES, (1.15, 1.2), (123.5, 98),
    ),
    "a date with a slash": Sample(
        "Date/Time,Open,High,Low,Close\n"
        "2024/01/02 09:30,10,12,9,11.5\n2024/01/02 09:31,1,13,1,12.5\n",
        MINUTES, CLOSES,
    ),
    "Alpha Vantage": Sample(
        "timestamp,open,high,low,close,volume\n2024-01-03,11.5,13.5,10.5,12.5,1100\n"
        "2024-01-02,10.5,12.5,9.5,11.5,1000\n",
        DAYS, CLOSES, VOLUMES,
    ),
    "Alpha Vantage through pandas": Sample(
        "date,1. open,2. high,3. low,4. close,5. volume\n2024-01-03,11.5,13.5,10.5,12.5,1100.0\n"
        "2024-01-02,10.5,12.5,9.5,11.5,1000.0\n",
        DAYS, CLOSES, VOLUMES,
    ),
    "Investing.com": Sample(
        '\ufeff"Date","Price","Open","High","Low","Vol.","Change %"\n'
        '"Jan 03, 2024","4,704.81","4,725.07","4,729.29","4,699.71","-","-0.80%"\n'
        '"Jan 02, 2024","4,742.83","4,745.20","4,754.33","4,722.67","45.3K","-0.57%"\n'
        '"Dec 29, 2023","4,769.83","4,782.88","4,788.43","4,751.99","1.2M","-0.28%"\n',
        ("2023-12-29", *DAYS), (4769.83, 4742.83, 4704.81), (1.2e6, 45_300, NAN),
    ),
    "Investing.com without volumes": Sample(
        '"Date","Price","Open","High","Low","Vol.","Change %"\n'
        '"01/31/2024","1.0818","1.0844","1.0887","1.0795","","-0.24%"\n'
        '"01/30/2024","1.0844","1.0833","1.0857","1.0812","","0.10%"\n',
        ("2024-01-30", "2024-01-31"), (1.0844, 1.0818),
    ),
    "CryptoDataDownload": Sample(
        "https://www.CryptoDataDownload.com\n"
        "unix,date,symbol,open,high,low,close,Volume BTC,Volume USD\n"
        "1704240000,2024-01-03 00:00:00,BTC/USD,11.5,13.5,10.5,12.5,1100,99\n"
        "1704153600,2024-01-02 00:00:00,BTC/USD,10.5,12.5,9.5,11.5,1000,99\n",
        DAYS, CLOSES, VOLUMES, "BTC/USD",
    ),
    "CryptoDataDownload of 2020": Sample(
        "https://www.CryptoDataDownload.com\n"
        "Date,Symbol,Open,High,Low,Close,Volume BTC,Volume USD\n"
        "2024-01-02 01-PM,BTCUSD,11.5,13.5,10.5,12.5,1100,99\n"
        "2024-01-02 12-PM,BTCUSD,10.5,12.5,9.5,11.5,1000,99\n",
        ("2024-01-02T12:00", "2024-01-02T13:00"), CLOSES, VOLUMES, "BTCUSD",
    ),
    "Stooq, bulk": Sample(
        "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\n"
        "ACME.US,D,20240102,000000,10.5,12.5,9.5,11.5,1000,0\n"
        "ACME.US,D,20240103,000000,11.5,13.5,10.5,12.5,1100,0\n",
        DAYS, CLOSES, VOLUMES, "ACME.US",
    ),
    "Stooq, web": Sample(PLAIN + ROWS.replace("\n", "\r\n"), DAYS, CLOSES, VOLUMES),
    "Barchart with a last line": Sample(
        "Time,Open,High,Low,Last,Close,Volume\n"
        + ROWS.replace(",11.5,10", ",11.4,11.5,10").replace(",12.5,11", ",12.4,12.5,11")
        + '"Downloaded from Barchart.com as of 01-05-2024 04:59pm CST"\n',
        DAYS, CLOSES, VOLUMES,
    ),
    "a bare last line with commas": Sample(
        f"{PLAIN}{ROWS}\nSource: Acme, Inc., 2024\n\n", DAYS, CLOSES, VOLUMES
    ),
    "totals": Sample(f"{PLAIN}{ROWS}Total,,,,,2100\n", DAYS, CLOSES, VOLUMES),
    "blank cells of a spreadsheet": Sample(f"{PLAIN}{ROWS}{',,,,,' * 3}\n", DAYS, CLOSES, VOLUMES),
    "Cboe": Sample(
        "Cboe Volatility Index (VIX),\n\nThis index is a trademark, (c) 2024\n"
        "Date,VIX Open,Open,High,Low,Close,Volume\n" + ROWS.replace(",1", ",0,1", 1).replace(
            "03,1", "03,0,1"
        ),
        DAYS, CLOSES, VOLUMES,
    ),
    "Excel's delimiter line": Sample(
        "sep=;\n" + (PLAIN + ROWS).replace(",", ";"), DAYS, CLOSES, VOLUMES
    ),
    "comments": Sample(f"# prices of ACME\n# in dollars\n{PLAIN}{ROWS}", DAYS, CLOSES, VOLUMES),
    "Yahoo with null": Sample(
        "Date,Open,High,Low,Close,Adj Close,Volume\n2024-01-02,10.5,12.5,9.5,11.5,11.5,1000\n"
        "2024-01-03,null,null,null,null,null,null\n2024-01-04,11.5,13.5,10.5,12.5,12.5,1100\n",
        ("2024-01-02", "2024-01-04"), CLOSES, VOLUMES,
    ),
    "Nasdaq": Sample(
        "Date,Close/Last,Volume,Open,High,Low\n01/31/2024,$1.23,14100,$1.20,$1.25,$1.19\n"
        "01/30/2024,$1.20,9500,$1.18,$1.21,$1.17\n",
        ("2024-01-30", "2024-01-31"), (1.2, 1.23), (9500, 14_100),
    ),
    "Windows-1252": Sample(
        ("Währung," + PLAIN + "".join(f"€,{row}\n" for row in ROWS.split())).encode("cp1252"),
        DAYS, CLOSES, VOLUMES,
    ),
    "bars of exchanges before 1973": Sample(
        "time,open,high,low,close\n345600,10,12,9,11.5\n432000,11,13,10,12.5\n",
        ("1970-01-05", "1970-01-06"), CLOSES,
    ),
    "milliseconds before 1973": Sample(
        "time,open,high,low,close\n345600000,10,12,9,11.5\n432000000,11,13,10,12.5\n",
        ("1970-01-05", "1970-01-06"), CLOSES,
    ),
    "seconds before and after 1970": Sample(
        "time,open,high,low,close\n-86400,10,12,9,11.5\n1704240000,11,13,10,12.5\n",
        ("1969-12-31", "2024-01-03"), CLOSES,
    ),
}  # fmt: skip
