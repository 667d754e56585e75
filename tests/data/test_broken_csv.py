"""Broken CSV files: one error with location, value, expectation and fix."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tests.command_line import refuse
from tests.data.tables import HEAD, ROWS, refusal

LONG = "Date,Symbol,Open,High,Low,Close,Volume"
DOWNLOAD = "Price,Close,High,Low,Open,Volume\nTicker,A,A,A,A,A\nDate,,,,,\n"
GOOD = ROWS[0]


def lines(*rows: str, head: str = HEAD) -> str:
    return "\n".join([head, *rows, ""])


def cell(column: int, text: str, head: str = HEAD) -> str:
    """Return a correct file except for one cell of its third line."""
    cells = ROWS[1].split(",")
    cells[column] = text
    return lines(GOOD, ",".join(cells), *ROWS[2:], head=head)


def edit(line: int, old: str, new: str) -> str:
    """Return a correct file except for one replacement."""
    rows = list(ROWS)
    rows[line - 2] = rows[line - 2].replace(old, new, 1)
    return lines(*rows)


def rows_on(*dates: str) -> str:
    return lines(*[f"{date},10,12,9,11,1" for date in dates])


ISO = "write dates as 2020-01-31"
# the content of a file, and words of its error
FILES: dict[str, tuple[str | bytes, list[str]]] = {
    # -- numbers
    "a percentage": (cell(1, "1.5%"), ["line 3", "`Open`", "`1.5%`", "expected a number"]),
    "a suffix for millions in a price": (cell(1, "1.2M"), ["line 3", "`Open`", "`1.2M`"]),
    "a dash for a price": (cell(1, "-"), ["line 3", "`Open`", "`-`"]),
    "brackets for a minus": (cell(4, "(5)"), ["line 3", "`Close`", "`(5)`"]),
    "a space between other digits": (cell(2, "12 34"), ["line 3", "`High`", "`12 34`"]),
    "a foreign currency": (cell(1, "£10"), ["line 3", "`Open`", "`£10`"]),
    "a currency suffix": (cell(1, "10 USD"), ["line 3", "`Open`", "`10 USD`"]),
    "a dollar sign alone": (cell(1, "$"), ["line 3", "`Open`", "`$`"]),
    "two signs": (cell(1, "--5"), ["line 3", "`Open`", "`--5`"]),
    "half an exponent": (cell(1, "10e"), ["line 3", "`Open`", "`10e`"]),
    "a hexadecimal number": (cell(1, "0x10"), ["line 3", "`Open`", "`0x10`"]),
    "an underscore between digits": (cell(1, "1_000"), ["line 3", "`Open`", "`1_000`"]),
    "a formula's error": (cell(1, "#DIV/0!"), ["line 3", "`Open`", "`#DIV/0!`"]),
    "a word for a missing value": (cell(4, "missing"), ["line 3", "`Close`", "`missing`"]),
    "null": (cell(1, "null"), ["line 3", "`Open`", "empty", "remove the row"]),
    "only spaces": (cell(1, "  "), ["line 3", "`Open`", "empty"]),
    "groups of two": (cell(5, '"1,23,456"'), ["line 3", "`Volume`", "`1,23,456`"]),
    "two decimal marks": (
        lines("2024-01-02,10.5,12,9,11,1", '2024-01-03,10,12,9,"1.234,5",1'),
        ["line 3", "`Close`", "`1.234,5`", "decimals with a point"],
    ),
    "a decimal comma in every price": (
        lines(*[f"2024-01-0{day};1,085;1,090;1,080;1,08{day}" for day in (2, 3)],
              head="Date;Open;High;Low;Close"),
        ["line 2", "`Open`", "ambiguous number `1,085`: 1.085 or 1085", "decimals with a point"],
    ),
    "a grouped negative volume": (
        cell(5, '"-1,000,000"'), ["line 3", "`volume`", "-1e+06", "0 or more"],
    ),
    "a number that underflows": (cell(3, "1e-400"), ["line 3", "`Low`", "above 0"]),
    # -- rows
    "a repeated header": (lines(GOOD, HEAD, ROWS[1]), ["line 3", "`Date`", "`Date`"]),
    "a note within": (
        lines(GOOD, "Source: an exchange", ROWS[1]), ["line 3", "`Source: an exchange`"],
    ),
    "a blank line within": (lines(GOOD, "", ROWS[1]), ["line 3", "`Date`", "missing"]),
    "a row too long": (lines(GOOD, f"{ROWS[1]},7", ROWS[2]), ["line 3"]),
    "row numbers without a header": (
        lines(f"1,{GOOD}", f'2,{ROWS[1].replace("11", "x", 1)}'), ["line 3", "`Open`", "`x`"],
    ),
    "newest first with a duplicate": (
        lines(ROWS[2], ROWS[1], ROWS[1], GOOD), ["line 3", "2024-01-03"],
    ),
    "a duplicate day in two formats": (
        lines(GOOD, ROWS[0].replace("2024-01-02", "2024-01-02 00:00:00")), ["line 3", "duplicate"],
    ),
    # -- headers
    "two adjusted closes": (
        lines(f"{GOOD},1,1", head=f"{HEAD},Adj Close,Adjusted Close"),
        ["Adjusted Close", "duplicate"],
    ),
    "two date columns": (lines(f"{GOOD},x", head=f"{HEAD},DATE"), ["DATE", "duplicate"]),
    "titles in another language": (
        lines(GOOD, head="Datum,Eröffnung,Hoch,Tief,Schluss,Volumen"),
        ["missing column", "Eröffnung"],
    ),
    "a bar above the header": (f"{GOOD}\n{lines(ROWS[1])}", ["line 1", "header in line 2"]),
    # -- dates
    "true for a date": (cell(0, "True"), ["line 3", "`Date`", "`True`"]),
    "a zero date": (cell(0, "0000-00-00"), ["line 3", "`Date`", "`0000-00-00`"]),
    "the 29th of February": (cell(0, "2023-02-29"), ["line 3", "`Date`", "`2023-02-29`"]),
    "a 13th month, day first": (
        lines("31/01/2024,10,12,9,11,1", "31/13/2024,10,12,9,11,1"), ["line 3", "`31/13/2024`"],
    ),
    "two orders in one file": (
        lines("01/31/2024,10,12,9,11,1", "02/01/2024,10,12,9,11,1", "13/02/2024,10,12,9,11,1"),
        ["line 4", "`13/02/2024`"],
    ),
    "a time without a day": (
        lines("2024-01-02,09:30,10,12,9,11", ",09:35,10,12,9,11",
              head="Date,Time,Open,High,Low,Close"),
        ["line 3", "`Date`"],
    ),
    "a day without a time": (
        lines("2024-01-02,09:30,10,12,9,11", "2024-01-03,,10,12,9,11",
              head="Date,Time,Open,High,Low,Close"),
        ["line 3"],
    ),
    "a time in words": (
        lines("2024-01-02,noon,10,12,9,11", head="Date,Time,Open,High,Low,Close"),
        ["line 2", "noon"],
    ),
    "a wrong offset": (
        lines("2024-03-30 00:00:00+00,10,12,9,11,1", "2024-04-02 00:00:00+XX,10,12,9,11,1"),
        ["line 3", "`Date`", "+XX"],
    ),
    "all dates blank": (
        lines(*[f",{row.partition(',')[2]}" for row in ROWS]), ["line 2", "`Date`", "missing"],
    ),
    # -- several symbols
    "a blank symbol": (
        lines("2024-01-02,A,10,12,9,11,1", "2024-01-02,  ,10,12,9,11,1", head=LONG),
        ["line 3", "`Symbol`", "missing"],
    ),
    "a high below the low of one symbol": (
        lines("2024-01-02,A,10,12,9,11,1", "2024-01-02,B,10,8,9,11,1", head=LONG),
        ["line 3", "high 8", "low 9"],
    ),
    "a missing volume of one symbol": (
        lines("2024-01-02,A,10,12,9,11,1", "2024-01-02,B,10,12,9,11,1",
              "2024-01-03,B,10,12,9,11,", head=LONG),
        ["line 4", "`Volume`", "empty"],
    ),
    # -- tables of yfinance
    "a download with a wrong cell": (
        DOWNLOAD + "2024-01-02,11,12,9,10,100\n2024-01-03,11,12,x,10,100\n", ["line 5", "`Low`"],
    ),
    "a download with a wrong date": (DOWNLOAD + "soon,11,12,9,10,100\n", ["line 4", "`soon`"]),
    "a download without rows": (DOWNLOAD, ["acme.csv"]),
    "a download of a failed ticker": (DOWNLOAD + "2024-01-02,,,,,\n", ["acme.csv", "no rows"]),
    "a download without closes": (
        DOWNLOAD.replace("Close,", "Final,") + "2024-01-02,11,12,9,10,100\n", ["`close`"],
    ),
    "a download with a ticker missing": (
        DOWNLOAD.replace("A,", ",", 1) + "2024-01-02,11,12,9,10,100\n", ["acme.csv"],
    ),
    "a download without tickers": (
        DOWNLOAD.replace("A", "") + "2024-01-02,11,12,9,10,100\n", ["acme.csv"],
    ),
    # -- whole files
    "bytes of no encoding": (
        lines(f"Z\x81rich,{GOOD}", head=f"Note,{HEAD}").encode("latin-1"), ["UTF-8"],
    ),
    "half of UTF-16": (lines(GOOD).encode("utf-16")[:-1], ["UTF-16"]),
    "JSON": ('[{"Date": "2024-01-02", "Open": 10}]\n', ["no rows"]),
    "a gzip file without .gz": (gzip.compress(lines(*ROWS).encode()), ["acme.csv"]),
    "a Parquet file": (b"PAR1\x15\x04\x15\x10" * 20, ["acme.csv"]),
    "empty": (b'', ["empty"]),
    "header only": (f'{HEAD}\n'.encode(), ["no rows"]),
    "header only, no line end": (HEAD.encode(), ["no rows"]),
    "a blank line": (b'\n', []),
    "blanks": (b'  \n  \n', []),
    "bytes": (bytes(range(256)) * 40, ["not a CSV"]),
    "zeros": (bytes(5000), []),
    "a zip archive": (b'PK\x03\x04' + bytes(range(200, 256)) * 9, ["not a CSV"]),
    "UTF-16 without a header": ("\n".join(ROWS).encode("utf-16"), ["line 1", "not a header"]),
    "a NUL in a cell": (cell(1, "1\0"), ["line 3", "0x00"]),
    "an open quote": (f'{HEAD}\n"2024-01-02,1,2,1,1,1\n'.encode(), ["not a CSV"]),
    "prose": (b'Dear sir,\nplease find the prices attached.\n', ["missing column"]),
    "HTML": (b'<!DOCTYPE html>\n<html><body>404</body></html>\n', ["missing column"]),
    "no header": ("\n".join(ROWS).encode(), ["missing column"]),
    # -- cells
    "text in a number cell": (edit(3, "11", "abc"), ["line 3", "`Open`", "`abc`"]),
    "a decimal comma": (
        edit(4, ",12,14,", ',"12,5",14.5,'),
        ["line 4", "`High`", "`14.5`", "decimals with a comma"],
    ),
    "a missing price": (edit(4, "13,", ","), ["line 4", "`Close`", "empty"]),
    "a price of NaN": (edit(4, "13,", "NaN,"), ["line 4", "`Close`", "empty"]),
    "a missing volume": (edit(5, "1300", ""), ["line 5", "`Volume`", "empty"]),
    "infinity": (edit(2, "12", "inf"), ["line 2", "`High`", "inf"]),
    "too large a number": (edit(2, "12", "1e999"), ["line 2", "`High`", "inf"]),
    "a price of 0": (edit(3, "10", "0"), ["line 3", "`low`", "0", "above 0"]),
    "a negative price": (edit(3, "12,", "-12,"), ["line 3", "`close`", "-12", "above 0"]),
    "a negative volume": (edit(3, "1100", "-5"), ["line 3", "`volume`", "-5", "0 or more"]),
    "high below low": (edit(4, "14", "10.5"), ["line 4", "high", "low", "10.5", "11"]),
    "unsorted dates": (
        lines(ROWS[0], ROWS[2], ROWS[1], ROWS[3]), ["line 4", "2024-01-03", "2024-01-04", "sort"],
    ),
    "newest first but for one": (
        lines(*[*ROWS[:1], *ROWS[:0:-1]]), ["line 4", "2024-01-04", "2024-01-05", "sort"],
    ),
    "a duplicate date": (
        lines(*[ROWS[0], ROWS[1], ROWS[1]]), ["line 4", "2024-01-03", "duplicate"],
    ),
    "not a date": (edit(3, "2024-01-03", "soon"), ["line 3", "`Date`", "`soon`"]),
    "no such day": (edit(3, "2024-01-03", "2024-02-30"), ["line 3", "`Date`", "2024-02-30"]),
    "a missing date": (edit(3, "2024-01-03", ""), ["line 3", "`Date`"]),
    "numbers that are not dates": (rows_on("0", "1"), ["line 2", "`Date`", "`0`", ISO]),
    "a short row": (edit(5, ",14,1300", ""), ["line 5", "`Close`", "empty"]),
    "a long row": (edit(5, "1300", "1300,7,8"), ["line 5"]),
    "a number that no float holds": (edit(3, "11", "9" * 400), ["line 3", "`Open`"]),
    "a year that no timestamp holds": (edit(5, "2024", "9999"), ["line 5", "`Date`", "9999"]),
    "a year before all timestamps": (edit(2, "2024", "1500"), ["line 2", "`Date`", "1500"]),
    "today": (edit(5, "2024-01-05", "today"), ["line 5", "`Date`", "`today`"]),
    "now": (edit(5, "2024-01-05", "now"), ["line 5", "`Date`", "`now`"]),
    "true for a price": (lines("2024-01-02,True,True,True,True,10"), ["line 2", "`Open`", "True"]),
    # -- headers and dates
    "no close": (lines(*ROWS, head="Date,Open,High,Low,Volume"), ["missing column", "columns"]),
    "no date": (lines(*ROWS, head=HEAD.replace("Date", "Day")), ["Date"]),
    "a duplicate close": (
        lines(*ROWS, head="Date,Open,High,Low,Close,close"), ["close", "duplicate"],
    ),
    "a duplicate volume in short": (
        lines(*[f"{row},1" for row in ROWS], head=f"{HEAD},Vol"), ["volume", "duplicate"],
    ),
    "open, high and low left out": (
        lines("2024-01-02,10,11", head="Date,Open,Final"),
        ["`high`", "`low`", "`close`", "Date, Open, Final"],
    ),
    "no date, no volume": (
        lines("10,12,9,11", head="Open,High,Low,Close"), ["date", "Open, High, Low, Close"],
    ),
    "an ambiguous date": (rows_on("01/02/2024", "01/03/2024"), ["line 2", "`Date`", ISO]),
    "two formats": (rows_on("2024-01-02", "01/31/2024"), ["line 3", "`Date`", ISO]),
    "no such month": (rows_on("31/31/2024", "30/30/2024"), ["line 2", "`Date`", ISO]),
    "a clock without a day": (rows_on("10:30", "10:35"), ["line 2", "`Date`", ISO]),
    "seconds of a far year": (rows_on("9" * 20, "9" * 20), ["line 2", "`Date`", ISO]),
    "a negative number": (rows_on("-5", "-4"), ["line 2", "`Date`", ISO]),
    # -- several symbols
    "a missing symbol": (
        lines("2024-01-02,A,10,12,9,11,1", "2024-01-03,,10,12,9,11,1", head=LONG), ["line 3"],
    ),
    "a duplicate date of one symbol": (
        lines(*["2024-01-02,A,10,12,9,11,1"] * 2, head=LONG), ["line 3"],
    ),
    "unsorted dates of one symbol": (
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
    "an adjustment above the maximum": (
        lines("2024-01-02,1e-12,1e-12,1e-12,1e-12,100,1e15", head=f"{HEAD},Adj Close"), ["line 2"],
    ),
    "an adjustment below the minimum": (
        lines("2024-01-02,1e15,1e15,1e15,1e15,100,1e-12", head=f"{HEAD},Adj Close"), ["line 2"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", FILES)
def test_a_broken_csv_file_is_one_error(kind: str, tmp_path: Path) -> None:
    content, words = FILES[kind]
    path = tmp_path / "acme.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    text = refuse("data", str(path), "-o", str(tmp_path / "out.csv"))
    lower = text.lower()
    assert [part for part in ["acme.csv", *words] if part.lower() not in lower] == []
    assert "\n  = " in text
    assert [each.name for each in tmp_path.iterdir()] == ["acme.csv"]


def test_decimal_commas_between_commas_are_one_error_with_both_counts(tmp_path: Path) -> None:
    path = tmp_path / "acme.csv"
    path.write_text("Date,Open,High,Low,Close\n2024-01-02,1,20,1,25,1,15,1,22\n")
    error = refusal(str(path))
    assert "expected 5 cells as in the header, found 9" in error.message
    assert "point" in error.hint
