"""`evolve backtest --report` writes one page with the strategy's performance and its origin."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from evolve.backtest.metrics import METRICS
from evolve.report.formats import format_value
from tests.cli.conftest import WriteStrategy
from tests.command_line import document, invoke, refuse

DIP = """
strategy dip {
  about "<script>alert(1)</script>"
  buy when rsi(close, 3) < 25
  sell when rsi(close, 3) > 60
}
"""
DATA = ("--data", "synthetic:regime?seed=3&bars=700")


@pytest.fixture
def dip(evo: WriteStrategy) -> str:
    return evo(DIP)


def read_blocks(text: str) -> list[dict[str, Any]]:
    """Return the blocks of a page, from the figures in its JSON."""
    match = re.search(r'<script type="application/json"[^>]*>(.*?)</script>', text, re.DOTALL)
    assert match is not None
    sections = json.loads(match.group(1))["sections"]
    return [block for section in sections for block in section["blocks"]]


def read_named(text: str) -> dict[str, Any]:
    return {block["name"]: block for block in read_blocks(text) if block.get("name")}


def test_the_page_has_the_figures_of_the_document(dip: str, tmp_path: Path) -> None:
    path = tmp_path / "out.html"
    found = document("backtest", dip, *DATA, "--report", str(path))
    blocks = read_named(path.read_text("utf-8"))
    own = {row[0]: row[1] for row in blocks["performance-metrics"]["rows"]}
    assert own == {
        name.replace("_", " "): format_value(
            float("nan") if value is None else value, METRICS[name].unit
        )
        for name, value in found["metrics"].items()
    }
    headings = [each["heading"] for each in blocks["performance-trades"]["columns"]]
    profits = [row[headings.index("profit")] for row in blocks["performance-trades"]["rows"]]
    assert profits == [each["profit"] for each in found["trades"]]
    years = {row[0]: row[1] for row in blocks["performance-years-table"]["rows"]}
    assert years == found["by_year"]


def test_the_page_repeats_its_command_data_and_costs(dip: str, tmp_path: Path) -> None:
    path = tmp_path / "out.html"
    args = ("backtest", dip, *DATA, "--start", "2000-06-01", "--slippage-bps", "7")
    invoke(*args, "--report", str(path))
    rows = dict(read_named(path.read_text("utf-8"))["repeat-origin"]["rows"])
    assert rows["command"] == (
        f"evolve backtest {dip} --data '{DATA[1]}' --start 2000-06-01 --slippage-bps 7.0"
    )
    assert rows["slippage"] == "0.0007"
    assert rows["fill"] == "next open"
    assert len(rows["hash of the bars"]) == 32


def test_a_fill_that_nobody_can_trade_is_a_warning(dip: str, tmp_path: Path) -> None:
    for fill, count in (("next_open", 0), ("close", 1)):
        path = tmp_path / f"{fill}.html"
        invoke("backtest", dip, *DATA, "--fill", fill, "--report", str(path))
        texts = [each.get("text", "") for each in read_blocks(path.read_text("utf-8"))]
        assert sum("which nobody can trade" in each for each in texts) == count


def test_texts_of_the_strategy_are_no_markup(dip: str, tmp_path: Path) -> None:
    path = tmp_path / "out.html"
    invoke("backtest", dip, *DATA, "--report", str(path))
    assert "<script>alert" not in path.read_text("utf-8")


def test_the_terminal_prints_the_same_with_and_without_a_page(dip: str, tmp_path: Path) -> None:
    path = tmp_path / "out.html"
    plain = invoke("backtest", dip, *DATA)
    assert invoke("backtest", dip, *DATA, "--report", str(path)) == plain


@pytest.mark.parametrize("name", ["out.csv", "out", "out.html.txt"])
def test_a_page_has_the_name_of_a_page(name: str, dip: str, tmp_path: Path) -> None:
    path = tmp_path / name
    error = refuse("backtest", dip, *DATA, "--report", str(path))
    assert "unknown format of a page" in error
    assert "expected a file that ends in .html" in error
    assert not path.exists()


def test_a_page_replaces_no_input_and_needs_its_folder(tmp_path: Path) -> None:
    source = tmp_path / "dip.html"
    source.write_text(DIP, "utf-8")
    assert "it is an input" in refuse("backtest", str(source), *DATA, "--report", str(source))
    assert source.read_text("utf-8") == DIP
    missing = str(tmp_path / "none" / "out.html")
    assert "none" in invoke("backtest", str(source), *DATA, "--report", missing, status=1).err
