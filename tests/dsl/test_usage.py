"""Tests that each built-in operator is declared as usual as the counts in `benchmarks` state."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from dsl.analysis.catalog import catalog
from dsl.analysis.check import check
from dsl.bars import FIELDS
from dsl.diagnostics import LanguageError
from dsl.printing.reference import describe
from dsl.syntax.parser import parse
from dsl.syntax.printer import format_file
from dsl.syntax.vocabulary import LOGIC, USAGES, Usage

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SYMBOLS = ("+", "-", "*", "/", "<", "<=", ">", ">=", "==", "!=")
SYNTAX = {*FIELDS, *SYMBOLS, *LOGIC, "negate"}
LISTS = ("talib", "pandas_ta", "ta", "pine")
USUAL_SHARE, RARE_SHARE, RARE_LISTS = 0.04, 0.005, 2
DEFINE = 'define f(x: number) -> like x about "twice"{} = 2 * x\n'


def read_counts() -> dict[str, dict[str, int]]:
    """Return the counts of each operator by source, and of the units as `total`."""
    counts: defaultdict[str, dict[str, int]] = defaultdict(dict)
    with (BENCHMARKS / "usage.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            assert row["source"] not in counts[row["operator"]]
            counts[row["operator"]][row["source"]] = int(row["count"])
    return dict(counts)


def classify(counts: dict[str, int], units: dict[str, int]) -> Usage:
    """Return the usage that the counts of an operator imply."""
    share = sum(counts.get(source, 0) / each for source, each in units.items()) / len(units)
    if share >= USUAL_SHARE:
        return "usual"
    lists = sum(counts.get(source, 0) for source in LISTS)
    return "rare" if share >= RARE_SHARE or lists >= RARE_LISTS else "exotic"


def test_each_operator_is_declared_as_usual_as_the_counts_state() -> None:
    counts = read_counts()
    units = counts.pop("total")
    expected = {
        each.name: "usual" if each.name in SYNTAX else classify(counts.get(each.name, {}), units)
        for each in catalog()
    }
    assert {each.name: each.usage for each in catalog()} == expected


def test_the_counts_are_of_operators_and_no_count_exceeds_its_units() -> None:
    counts = read_counts()
    units = counts.pop("total") | dict.fromkeys(LISTS, 1)
    assert set(counts) <= {each.name for each in catalog()} - SYNTAX
    for by_source in counts.values():
        assert all(0 < count <= units[source] for source, count in by_source.items())


def test_the_document_states_the_thresholds_and_the_number_of_operators_of_each_usage() -> None:
    text = (BENCHMARKS / "USAGE.md").read_text("utf-8")
    numbers = Counter(each.usage for each in catalog())
    rows = dict(line.split(" | ", 1) for line in text.splitlines() if line.startswith("| `"))
    assert [rows[f"| `{each}`"].split(" | ")[-1] for each in USAGES] == [
        f"{numbers[each]} |" for each in USAGES
    ]
    assert f"at least {USUAL_SHARE:.0%}".replace("%", " %") in rows["| `usual`"]
    assert f"at least {RARE_SHARE:.1%}".replace("%", " %") in rows["| `rare`"]
    for source, count in read_counts()["total"].items():
        assert rows[f"| `{source}`"].endswith(f" {count} |")


@pytest.mark.parametrize("usage", USAGES)
def test_a_define_declares_its_usage(usage: Usage) -> None:
    text = DEFINE.format(f" usage {usage}") + "strategy s { buy when f(close) > open }"
    assert check(text).defines[0].usage == usage


def test_the_description_of_an_operator_states_its_usage() -> None:
    described = {each.name: describe(each)["usage"] for each in catalog()}
    assert described == {each.name: each.usage for each in catalog()}


def test_a_define_without_usage_is_usual_and_is_printed_without_it() -> None:
    written = format_file(parse(DEFINE.format(" usage usual"), "f"))
    assert written == DEFINE.format("")
    rare = DEFINE.format(" usage rare")
    assert format_file(parse(rare, "f")) == rare


def test_an_unknown_usage_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(LanguageError, match="expected `usual`, `rare` or `exotic`, found `often`"):
        parse(DEFINE.format(" usage often"), "f")
