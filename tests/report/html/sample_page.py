"""Page with every kind of block, and with markup in every text from outside."""

from __future__ import annotations

from datetime import date, timedelta

from evolve.report.page.blocks import (
    Code,
    Column,
    DiffLine,
    Page,
    Section,
    Step,
    Table,
    Text,
    Tree,
)  # fmt: skip
from evolve.report.page.charts import Axis, Band, Chart, Heatmap, Mark, Region, Trace

MARKUP = '<script>alert(1)</script><b>b</b> <a href="https://a.example">a</a> &amp; %{x}\u2028<!--'
"""Text that is markup to HTML, to Plotly or to JavaScript."""
TRADES = 60
DAYS = tuple(str(date(2020, 1, 1) + timedelta(days=each)) for each in range(120))
EQUITY = tuple(10_000.0 * 1.01 ** (each - 40 * (each > 60)) for each in range(120))


def make_page(mark: str = MARKUP, trades: int = TRADES) -> Page:
    """Make the page; `mark` is in every text from outside."""
    sections = (
        Section("verdict", "Verdict", (
            Text(f"The sentence. {mark}", "label", "PASS", "good"),
            Text(f"Few trades. {mark}", "warning"),
            Text(f"A sentence. {mark}", label="Power"),
            Table("gates", "Gates", (Column("gate", about=f"meaning {mark}"),
                  Column("value", "ratio")), ((mark, 0.04), ("holdout", float("nan")))),
        )),
        Section("charts", "Charts", (
            make_equity(mark), make_histogram(mark), make_operators(mark), make_points(mark),
            Heatmap("months", f"Months {mark}", "Returns of months.", ("Jan", mark),
                    ("2020", "2021"), ((0.01, -0.02), (None, 0.03))),
        )),
        Section("details", "Details", (
            Code("source", "Source", (("keyword", "strategy"), ("", f" x {mark}\n"))),
            make_tree(mark),
            Table("trades", "Trades", (
                Column("symbol"), Column("entry", "time"), Column("return", "percent"),
                Column("profit", "money"), Column("rule", "code"),
            ), tuple(
                (mark if each == 7 else f"S{each % 3}", DAYS[each], (each * 7 % 60) / 100 - 0.3,
                 None if each == 3 else each * 7 % 60 - 30.0, "=1+1" if each == 5 else "sell")
                for each in range(trades)
            ), is_long=True),
        )),
    )  # fmt: skip
    return Page(f"Run {mark}", f"of {mark}", "finished", sections)


def make_equity(mark: str) -> Chart:
    """Make a chart of lines with regions, on axes of time and of logarithms."""
    return Chart(
        "equity", f"Equity {mark}", f"Rises. {mark}",
        Axis(f"date {mark}", "time", "time"), Axis("equity (currency, log scale)", "log", "money"),
        traces=(
            Trace(f"strategy {mark}", DAYS, EQUITY),
            Trace("buy and hold", DAYS, EQUITY[::-1], role="benchmark", is_dashed=True),
        ),
        regions=(Region("train", DAYS[0], DAYS[80], "train"),
                 Region(mark, DAYS[80], DAYS[-1], "validation")),
        is_tall=True,
    )  # fmt: skip


def make_histogram(mark: str) -> Chart:
    """Make a chart of bars with marks and a band."""
    return Chart(
        "nulls", "Searches on shuffled prices", "The real search is beyond all of them.",
        Axis("best score (ratio)"), Axis("searches", unit="count"),
        traces=(Trace("shuffled", (0.1, 0.2, 0.3), (2, 5, 1), "bars", "luck"),),
        bands=(Band(f"band {mark}", (0.1, 0.2, 0.3), (1, 2, 0), (3, 6, 2)),),
        marks=(Mark(f"this search {mark}", 0.4), Mark("limit", 4, "y", "bad")),
    )  # fmt: skip


def make_operators(mark: str) -> Chart:
    """Make a chart of bars by category."""
    return Chart(
        "operators", "Operators", "Shares of trials.", Axis("operator", "category"),
        Axis("share", unit="percent"),
        traces=(Trace("proposed", ("cross", mark), (0.7, 0.3), "bars", "genetic"),
                Trace("accepted", ("cross", mark), (0.2, 0.1), "bars", "model")),
    )  # fmt: skip


def make_points(mark: str) -> Chart:
    """Make a chart of points with hover texts, a step and an area."""
    return Chart(
        "points", "Archive", "Each point is a strategy.", Axis("nodes", unit="count"),
        Axis("score"),
        traces=(
            Trace("archive", (1, 2, 3), (0.15, None, 0.35), "points", "neutral",
                  (f"one {mark}\nline", "two", "three"), "diamond"),
            Trace("best", (1, 2, 3), (0.1, 0.2, 0.3), "step"),
            Trace("area", (1, 2, 3), (0.05, 0.05, 0.02), "area", "seed"),
        ),
    )  # fmt: skip


def make_tree(mark: str) -> Tree:
    """Make a line of descent with two ancestors."""
    diff = (DiffLine("a {", "a {"), DiffLine(f"old {mark}", f"new {mark}"), DiffLine(None, "more"))
    return Tree("lineage", "Lineage", "From the oldest ancestor to the winner.", (
        Step("s1", "seed", "seed", (), "seed\nscore 0.1"),
        Step("s2", "random", "genetic", (), "random\nscore 0.2"),
        Step("s3", f"model {mark}", "model", ("s1",), f"answer\n{mark}", diff),
        Step("s4", "crossover", "genetic", ("s3", "s2"), "winner\nscore 0.4", diff[:1]),
    ))  # fmt: skip
