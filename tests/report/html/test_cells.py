"""Text of cells, by unit."""

from __future__ import annotations

from typing import get_args

import pytest

from evolve.report.html.cells import (
    FORMATS,
    format_cell,
    is_numeric,
    list_numeric,
    list_short,
    list_wide,
)
from evolve.report.page.blocks import Column, Table
from evolve.report.page.charts import Cell, CellUnit


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.1234, "percent", "12.3%"),
        (-0.0001, "percent", "0.0%"),
        (1234567.8, "money", "1,234,568"),
        (5000, "count", "5,000"),
        (0.00012345, "price", "0.0001234"),
        (3.14159, "ratio", "3.14"),
        (1.25, "seconds", "1.2 s"),
        (0.024, "seconds", "0.02 s"),
        (-0.004, "ratio", "0.00"),
        (-0.3, "money", "0"),
        (3600.0, "seconds", "3,600 s"),
        (0.0123, "usd", "$0.0123"),
        (12.5, "usd", "$12.50"),
        ("2020-01-02T15:30:00", "time", "2020-01-02 15:30:00"),
        ("T2T", "text", "T2T"),
        (3, "text", "3"),
        (0.5, "code", "0.5"),
        (None, "price", "–"),
        (float("nan"), "text", "–"),
        (float("inf"), "usd", "–"),
        ("", "text", "–"),
        ("not tested", "ratio", "not tested"),
    ],
)
def test_a_cell_has_the_format_of_its_unit(value: Cell, unit: CellUnit, text: str) -> None:
    assert format_cell(value, unit) == text


def test_only_units_of_texts_have_no_numbers() -> None:
    texts = {"text", "code", "time", "link"}
    assert {each for each in get_args(CellUnit) if not is_numeric(each)} == texts
    assert set(FORMATS) < set(get_args(CellUnit))


def test_a_column_of_figures_of_several_units_is_numeric() -> None:
    columns = tuple(Column(each) for each in ("metric", "train", "validation", "year"))
    rows = (("return", "-12.5%", None, 2020), ("trades", "1,234", "–", 2021))
    assert list_numeric(Table("t", "T", columns, rows)) == [False, True, False, False]


def test_a_column_with_a_long_text_is_wide() -> None:
    columns = tuple(Column(each) for each in ("name", "about", "value"))
    table = Table("t", "T", columns, (("a", "short", 1.0), ("b", "words " * 8, None)))
    assert list_wide(table) == [False, True, False]


def test_a_column_of_short_texts_is_not_broken() -> None:
    columns = tuple(Column(each) for each in ("part", "about", "trades"))
    rows = (("validation", "a text of several words", 1), ("train", "short", None))
    assert list_short(Table("t", "T", columns, rows)) == [True, False, True]
