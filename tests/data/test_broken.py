"""Broken files at the command line: one clear error that says where, what and what instead."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tests.command_line import refuse
from tests.data.tables import HEAD, ROWS

LONG = "Date,Symbol,Open,High,Low,Close,Volume"
DOWNLOAD = "Price,Close,High,Low,Open,Volume\nTicker,A,A,A,A,A\nDate,,,,,\n"
GOOD = ROWS[0]


def lines(*rows: str, head: str = HEAD) -> str:
    return "\n".join([head, *rows, ""])


def cell(column: int, text: str, head: str = HEAD) -> str:
    """A file whose third line has a cell of its own."""
    cells = ROWS[1].split(",")
    cells[column] = text
    return lines(GOOD, ",".join(cells), *ROWS[2:], head=head)


def edited(line: int, old: str, new: str) -> str:
    """A sound file but for one replacement."""
    rows = list(ROWS)
    rows[line - 2] = rows[line - 2].replace(old, new, 1)
    return lines(*rows)


def on(*dates: str) -> str:
    return lines(*[f"{date},10,12,9,11,1" for date in dates])


ISO = "write dates as 2020-01-31"
# name: the file, and words of its error
FILES: dict[str, tuple[str | bytes, list[str]]] = {
    # -- numbers
    "a percentage": (cell(1, "1.5%"), ["line 3", "`Open`", "`1.5%`", "expected a number"]),
    "millions in short": (cell(5, "1.2M"), ["line 3", "`Volume`", "`1.2M`"]),
    "a dash for a volume": (cell(5, "-"), ["line 3", "`Volume`", "`-`"]),
    "brackets for a minus": (cell(4, "(5)"), ["line 3", "`Close`", "`(5)`"]),
    "thousands by a blank": (cell(2, "1 234"), ["line 3", "`High`", "`1 234`"]),
    "a foreign currency": (cell(1, "£10"), ["line 3", "`Open`", "`£10`"]),
    "a currency after it": (cell(1, "10 USD"), ["line 3", "`Open`", "`10 USD`"]),
    "a dollar and nothing": (cell(1, "$"), ["line 3", "`Open`", "`$`"]),
    "two signs": (cell(1, "--5"), ["line 3", "`Open`", "`--5`"]),
    "half an exponent": (cell(1, "10e"), ["line 3", "`Open`", "`10e`"]),
    "a base of sixteen": (cell(1, "0x10"), ["line 3", "`Open`", "`0x10`"]),
    "a figure with a joint": (cell(1, "1_000"), ["line 3", "`Open`", "`1_000`"]),
    "a formula's error": (cell(1, "#DIV/0!"), ["line 3", "`Open`", "`#DIV/0!`"]),
    "a word for nothing": (cell(4, "missing"), ["line 3", "`Close`", "`missing`"]),
    "null for all": (cell(1, "null"), ["line 3", "`Open`", "empty", "remove the row"]),
    "blanks for a number": (cell(1, "  "), ["line 3", "`Open`", "empty"]),
    "groups of two": (cell(5, '"1,23,456"'), ["line 3", "`Volume`", "`1,23,456`"]),
    "a point for thousands": (
        cell(1, '"1.234,5"'), ["line 3", "`Open`", "`1.234,5`", "decimals with a point"],
    ),
    "a comma for a point, thrice": (cell(1, '"0,998"'), ["line 3", "`Open`", "decimals"]),
    "a comma for a point in every price": (
        lines(*[f"2024-01-0{day};1,085;1,090;1,080;1,08{day}" for day in (2, 3)],
              head="Date;Open;High;Low;Close"),
        ["line 2", "`Open`", "`1,085`"],
    ),
    "a grouped negative volume": (cell(5, '"-1,000"'), ["line 3", "`Volume`", "-1000"]),
    "a subnormal nothing": (cell(3, "1e-400"), ["line 3", "`Low`", "above 0"]),
    # -- rows
    "a header that comes again": (lines(GOOD, HEAD, ROWS[1]), ["line 3", "`Date`", "`Date`"]),
    "a footer": (lines(GOOD, "Source: an exchange"), ["line 3", "`Source: an exchange`"]),
    "a blank line within": (lines(GOOD, "", ROWS[1]), ["line 3", "`Date`", "missing"]),
    "a row too long": (lines(GOOD, f"{ROWS[1]},7", ROWS[2]), ["line 3"]),
    "with numbers of rows": (
        lines(f"1,{GOOD}", f'2,{ROWS[1].replace("11", "x", 1)}'), ["line 3", "`Open`", "`x`"],
    ),
    "newest first, one twice": (lines(ROWS[2], ROWS[1], ROWS[1], GOOD), ["line 3", "2024-01-03"]),
    "a day twice by two spellings": (
        lines(GOOD, ROWS[0].replace("2024-01-02", "2024-01-02 00:00:00")), ["line 3", "duplicate"],
    ),
    # -- headers
    "adjusted twice": (
        lines(f"{GOOD},1,1", head=f"{HEAD},Adj Close,Adjusted Close"),
        ["Adjusted Close", "duplicate"],
    ),
    "two dates alike": (lines(f"{GOOD},x", head=f"{HEAD},DATE"), ["DATE", "duplicate"]),
    "what Excel calls the delimiter": (
        "sep=;\n" + lines(GOOD).replace(",", ";"), ["missing column", "sep="],
    ),
    "titles in another language": (
        lines(GOOD, head="Datum,Eröffnung,Hoch,Tief,Schluss,Volumen"),
        ["missing column", "Eröffnung"],
    ),
    "a line above the header": (
        f"https://example.com\n{lines(GOOD)}", ["acme.csv"],
    ),
    # -- dates
    "a date that is true": (cell(0, "True"), ["line 3", "`Date`", "`True`"]),
    "a date before all": (cell(0, "0000-00-00"), ["line 3", "`Date`", "`0000-00-00`"]),
    "the 29th of February": (cell(0, "2023-02-29"), ["line 3", "`Date`", "`2023-02-29`"]),
    "a 13th month, day first": (
        lines("31/01/2024,10,12,9,11,1", "31/13/2024,10,12,9,11,1"), ["line 3", "`31/13/2024`"],
    ),
    "two orders in one file": (
        lines("01/31/2024,10,12,9,11,1", "02/01/2024,10,12,9,11,1", "13/02/2024,10,12,9,11,1"),
        ["line 4", "`13/02/2024`"],
    ),
    "a clock with no day": (
        lines("2024-01-02,09:30,10,12,9,11", ",09:35,10,12,9,11",
              head="Date,Time,Open,High,Low,Close"),
        ["line 3", "`Date`"],
    ),
    "a day with no clock": (
        lines("2024-01-02,09:30,10,12,9,11", "2024-01-03,,10,12,9,11",
              head="Date,Time,Open,High,Low,Close"),
        ["line 3"],
    ),
    "a clock in words": (
        lines("2024-01-02,noon,10,12,9,11", head="Date,Time,Open,High,Low,Close"),
        ["line 2", "noon"],
    ),
    "offsets in hours that change": (
        lines("2024-03-30 00:00:00+00,10,12,9,11,1", "2024-04-02 00:00:00+XX,10,12,9,11,1"),
        ["line 3", "`Date`", "+XX"],
    ),
    "all dates blank": (
        lines(*[f",{row.partition(',')[2]}" for row in ROWS]), ["line 2", "`Date`", "missing"],
    ),
    # -- several symbols
    "a symbol of blanks": (
        lines("2024-01-02,A,10,12,9,11,1", "2024-01-02,  ,10,12,9,11,1", head=LONG),
        ["line 3", "`Symbol`", "missing"],
    ),
    "a high below the low of one": (
        lines("2024-01-02,A,10,12,9,11,1", "2024-01-02,B,10,8,9,11,1", head=LONG),
        ["line 3", "high 8", "low 9"],
    ),
    "a volume missing for one": (
        lines("2024-01-02,A,10,12,9,11,1", "2024-01-02,B,10,12,9,11,1",
              "2024-01-03,B,10,12,9,11,", head=LONG),
        ["line 4", "`Volume`", "empty"],
    ),
    # -- what yfinance downloads
    "a download of a bad cell": (
        DOWNLOAD + "2024-01-02,11,12,9,10,100\n2024-01-03,11,12,x,10,100\n", ["line 5", "`Low`"],
    ),
    "a download of a bad date": (DOWNLOAD + "soon,11,12,9,10,100\n", ["line 4", "`soon`"]),
    "a download of nothing": (DOWNLOAD, ["acme.csv"]),
    "a download of a failed ticker": (DOWNLOAD + "2024-01-02,,,,,\n", ["acme.csv", "no rows"]),
    "a download without closes": (
        DOWNLOAD.replace("Close,", "Last,") + "2024-01-02,11,12,9,10,100\n", ["`close`"],
    ),
    "a download with a ticker missing": (
        DOWNLOAD.replace("A,", ",", 1) + "2024-01-02,11,12,9,10,100\n", ["acme.csv"],
    ),
    "a download without tickers": (
        DOWNLOAD.replace("A", "") + "2024-01-02,11,12,9,10,100\n", ["acme.csv"],
    ),
    # -- whole files
    "letters of Windows": (
        lines(f"Zürich,{GOOD}", head=f"Note,{HEAD}").encode("cp1252"), ["UTF-8"],
    ),
    "JSON": ('[{"Date": "2024-01-02", "Open": 10}]\n', ["no rows"]),
    "a packed file without .gz": (gzip.compress(lines(*ROWS).encode()), ["acme.csv"]),
    "a table of Parquet": (b"PAR1\x15\x04\x15\x10" * 20, ["acme.csv"]),
    "empty": (b'', ["empty"]),
    "header only": (f'{HEAD}\n'.encode(), ["no rows"]),
    "header only, no line end": (HEAD.encode(), ["no rows"]),
    "a blank line": (b'\n', []),
    "blanks": (b'  \n  \n', []),
    "bytes": (bytes(range(256)) * 40, ["not a CSV"]),
    "zeros": (bytes(5000), []),
    "a zip archive": (b'PK\x03\x04' + bytes(range(200, 256)) * 9, ["not a CSV"]),
    "UTF-16": ("\n".join([HEAD, *ROWS]).encode("utf-16"), ["not a CSV"]),
    "an open quote": (f'{HEAD}\n"2024-01-02,1,2,1,1,1\n'.encode(), ["not a CSV"]),
    "prose": (b'Dear sir,\nplease find the prices attached.\n', ["missing column"]),
    "HTML": (b'<!DOCTYPE html>\n<html><body>404</body></html>\n', ["missing column"]),
    "no header": ("\n".join(ROWS).encode(), ["missing column"]),
    # -- cells
    "text in a number cell": (edited(3, "11", "abc"), ["line 3", "`Open`", "`abc`"]),
    "a comma for a point": (
        edited(4, ",12,", ',"12,5",'), ["line 4", "`Open`", "`12,5`", "decimals with a point"],
    ),
    "a gap": (edited(4, "13,", ","), ["line 4", "`Close`", "empty"]),
    "a gap written out": (edited(4, "13,", "NaN,"), ["line 4", "`Close`", "empty"]),
    "a gap in the volume": (edited(5, "1300", ""), ["line 5", "`Volume`", "empty"]),
    "infinity": (edited(2, "12", "inf"), ["line 2", "`High`", "inf"]),
    "too large a number": (edited(2, "12", "1e999"), ["line 2", "`High`", "inf"]),
    "a price of 0": (edited(3, "10", "0"), ["line 3", "`low`", "0", "above 0"]),
    "a negative price": (edited(3, "12,", "-12,"), ["line 3", "`close`", "-12", "above 0"]),
    "a negative volume": (edited(3, "1100", "-5"), ["line 3", "`volume`", "-5", "0 or more"]),
    "high below low": (edited(4, "14", "10.5"), ["line 4", "high", "low", "10.5", "11"]),
    "unsorted dates": (
        lines(ROWS[0], ROWS[2], ROWS[1], ROWS[3]), ["line 4", "2024-01-03", "2024-01-04", "sort"],
    ),
    "newest first but for one": (
        lines(*[*ROWS[:1], *ROWS[:0:-1]]), ["line 4", "2024-01-04", "2024-01-05", "sort"],
    ),
    "a date twice": (lines(*[ROWS[0], ROWS[1], ROWS[1]]), ["line 4", "2024-01-03", "duplicate"]),
    "not a date": (edited(3, "2024-01-03", "soon"), ["line 3", "`Date`", "`soon`"]),
    "no such day": (edited(3, "2024-01-03", "2024-02-30"), ["line 3", "`Date`", "2024-02-30"]),
    "a date missing": (edited(3, "2024-01-03", ""), ["line 3", "`Date`"]),
    "numbers that are no dates": (on("0", "1"), ["line 2", "`Date`", "`0`", ISO]),
    "a short row": (edited(5, ",14,1300", ""), ["line 5", "`Close`", "empty"]),
    "a long row": (edited(5, "1300", "1300,7,8"), ["line 5"]),
    "a number that no float holds": (edited(3, "11", "9" * 400), ["line 3", "`Open`"]),
    "a year that no timestamp holds": (edited(5, "2024", "9999"), ["line 5", "`Date`", "9999"]),
    "a year before all timestamps": (edited(2, "2024", "1500"), ["line 2", "`Date`", "1500"]),
    "today": (edited(5, "2024-01-05", "today"), ["line 5", "`Date`", "`today`"]),
    "now": (edited(5, "2024-01-05", "now"), ["line 5", "`Date`", "`now`"]),
    "truth for a price": (lines("2024-01-02,True,True,True,True,10"), ["line 2", "`Open`", "True"]),
    # -- headers and dates
    "no close": (lines(*ROWS, head="Date,Open,High,Low,Volume"), ["missing column", "columns"]),
    "no date": (lines(*ROWS, head=HEAD.replace("Date", "Day")), ["Date"]),
    "close twice": (lines(*ROWS, head="Date,Open,High,Low,Close,close"), ["close", "duplicate"]),
    "volume twice, once in short": (
        lines(*[f"{row},1" for row in ROWS], head=f"{HEAD},Vol"), ["volume", "duplicate"],
    ),
    "open, high and low left out": (
        lines("2024-01-02,10,11", head="Date,Open,Last"),
        ["`high`", "`low`", "`close`", "Date, Open, Last"],
    ),
    "no date, no volume": (
        lines("10,12,9,11", head="Open,High,Low,Close"), ["date", "Open, High, Low, Close"],
    ),
    "two ways to read": (on("01/02/2024", "01/03/2024"), ["line 2", "`Date`", ISO]),
    "two formats": (on("2024-01-02", "01/31/2024"), ["line 3", "`Date`", ISO]),
    "no such month": (on("31/31/2024", "30/30/2024"), ["line 2", "`Date`", ISO]),
    "a clock without a day": (on("10:30", "10:35"), ["line 2", "`Date`", ISO]),
    "seconds of a far year": (on("9" * 20, "9" * 20), ["line 2", "`Date`", ISO]),
    "a negative number": (on("-5", "-4"), ["line 2", "`Date`", ISO]),
    # -- several symbols
    "a symbol missing": (
        lines("2024-01-02,A,10,12,9,11,1", "2024-01-03,,10,12,9,11,1", head=LONG), ["line 3"],
    ),
    "a date twice for one": (lines(*["2024-01-02,A,10,12,9,11,1"] * 2, head=LONG), ["line 3"]),
    "unsorted for one": (
        lines("2024-01-03,A,10,12,9,11,1", "2024-01-04,B,10,12,9,11,1",
              "2024-01-02,A,10,12,9,11,1", "2024-01-04,A,10,12,9,11,1", head=LONG),
        ["line 4"],
    ),
    # -- adjustments
    **{
        f"an adjusted close of {text or 'nothing'}": (
            lines("2024-01-02,18,24,16,20,100,10", f"2024-01-03,1e-9,12,1e-9,1e-9,300,{text}",
                  head=f"{HEAD},Adj Close"),
            ["line 3", "adj close"],
        )
        for text in ("0", "-3", "", "x", "1e300")
    },
    "an adjustment beyond all numbers": (
        lines("2024-01-02,1e-12,1e-12,1e-12,1e-12,100,1e15", head=f"{HEAD},Adj Close"), ["line 2"],
    ),
    "an adjustment below all numbers": (
        lines("2024-01-02,1e15,1e15,1e15,1e15,100,1e-12", head=f"{HEAD},Adj Close"), ["line 2"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", FILES)
def test_a_broken_file(kind: str, tmp_path: Path) -> None:
    content, words = FILES[kind]
    path = tmp_path / "acme.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    text = refuse("data", str(path), "-o", str(tmp_path / "out.csv"))
    lower = text.lower()
    assert [part for part in ["acme.csv", *words] if part.lower() not in lower] == []
    assert "\n  = " in text
    assert [each.name for each in tmp_path.iterdir()] == ["acme.csv"]


PACKED = {
    "cut in its first bytes": gzip.compress(lines(*ROWS).encode())[:2],
    "cut in its header": gzip.compress(lines(*ROWS).encode())[:12],
    "cut": gzip.compress(lines(*ROWS).encode())[:-9],
    "not packed": lines(*ROWS).encode(),
    "of nothing": gzip.compress(b""),
    "with a wrong sum": gzip.compress(lines(*ROWS).encode())[:-8] + b"\0" * 8,
    "with rubbish within": gzip.compress(lines(*ROWS).encode())[:20] + b"\xff" * 40,
    "of a header": gzip.compress(lines().encode()),
}


@pytest.mark.parametrize("kind", PACKED)
def test_a_broken_packed_file(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "acme.csv.gz"
    path.write_bytes(PACKED[kind])
    text = refuse("data", str(path), "-o", str(tmp_path / "out.csv"))
    assert "acme.csv.gz" in text
    assert [each.name for each in tmp_path.iterdir()] == ["acme.csv.gz"]


FOLDERS: dict[str, tuple[dict[str, str], list[str]]] = {
    "one symbol twice": ({"A.csv": lines(*ROWS), "A.txt": lines(*ROWS)}, ["A", "duplicate"]),
    "an empty file": ({"A.csv": lines(*ROWS), "B.csv": ""}, ["B.csv", "empty"]),
    "a text that is no prices": ({"A.csv": lines(*ROWS), "README.txt": "Hi\n"}, ["README.txt"]),
    "a bad file among good ones": (
        {
            "A.csv": lines(*ROWS),
            "B.csv": lines(*ROWS),
            "C.csv": lines(GOOD, "2024-01-03,1,2,3,4,5"),
        },
        ["C.csv, line 3"],
    ),
    "days and hours": (
        {
            "A.csv": lines(*ROWS),
            "B.csv": lines(*[f"2024-01-02 1{hour}:00,10,12,9,11,1" for hour in (0, 1, 2, 3)]),
        },
        ["bars of one length", "A", "B"],
    ),
}


@pytest.mark.parametrize("kind", FOLDERS)
def test_a_broken_folder(kind: str, tmp_path: Path) -> None:
    files, words = FOLDERS[kind]
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    text = refuse("data", f"csv:{tmp_path}", "-o", str(tmp_path / "out.csv"))
    assert [part for part in words if part not in text] == []
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(files)


def test_a_folder_that_is_called_as_a_file(tmp_path: Path) -> None:
    (tmp_path / "A.csv").mkdir()
    assert "A.csv" in refuse("data", f"csv:{tmp_path}")
