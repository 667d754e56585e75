"""The text of every message, pinned in a file that people can read."""

from __future__ import annotations

import os
import re
from pathlib import Path

from dsl.check import check_file, inspect
from dsl.errors import Diagnostic, LanguageError, Source, Span

GOLDEN = Path(__file__).parent / "golden" / "errors.txt"
ROOT = Path(__file__).parents[2]

WRONG = """
strategy s { buy whenclose > 3 }
strategy s { byu when close > open }
strategy s { let and = 3 buy when close > open }
strategy s { buy when close = open }
strategy s { buy when (close > open }
strategy s { buy when close > open
stratgy s { }
strategy s { buy when close > open buy when close > low }
strategy s { buy when low < close < high }
strategy s { buy when close > 1e999 }
strategy s { param n = 5 in 9..2 buy when close > sma(close, n) }
# only a comment
strategy s { buy when close > smaa(close, 20) }
strategy s { buy when clos > open }
strategy s { buy when close > sma }
strategy s { buy when close > sma(20) }
strategy s { buy when close > sma(close, 20, 3) }
strategy s { let close = 3 buy when high > low }
strategy s { let a = 3 let a = 4 buy when high > low }
strategy s { buy when close }
strategy s { buy when (close > open) > 3 }
strategy s { buy when close > sma(close, volume) }
strategy s { buy when close > sma(close, 0) }
strategy s { buy when close > sma(close, 2.5) }
strategy s { buy when close > close[-1] }
strategy s { buy when close > open stop sma(close, 20) }
strategy s { buy when close > open size close }
strategy s { buy when close > open stop 6 }
strategy s { sell when close > open }
strategy s { param n = 50 in 5..20 buy when close > sma(close, n) }
strategy s { buy when close > open }
strategy s { buy when close > 30 hold 5 }
strategy s { buy when rsi(close, 14) > sma(close, 20) hold 5 }
strategy s { buy when rsi(close, 14) > 120 hold 5 }
strategy s { buy when rsi(close, 14) < 30% hold 5 }
strategy s { buy when crossover(close, volume) hold 5 }
strategy s { let unused = 3 buy when close > open hold 5 }
strategy s { buy when close > open hold 5 cover when close < open }
define f(x: number) -> like x = f(x)
define f(x: number) -> volume = x
define f(x: number) -> other(1.5, 0) = x * x
define f(x: number, n: window) -> like x = x
""".strip()


def rendered() -> str:
    parts = []
    for text in WRONG.splitlines():
        report = inspect(text, "s.evo")
        parts.append(f">>> {text}")
        parts.extend(each.render() for each in report.diagnostics)
        parts.append("")
    return "\n".join(parts)


def test_every_message_reads_as_the_golden_file_says() -> None:
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(rendered(), "utf-8")
    assert rendered() == GOLDEN.read_text("utf-8")


def test_every_text_of_the_golden_file_has_a_finding_with_a_caret_in_place() -> None:
    for text in WRONG.splitlines():
        report = inspect(text)
        assert report.diagnostics, text
        for each in report.diagnostics:
            assert 0 <= each.span.start <= each.span.end <= len(text) + 1
            assert "^" in each.render()


def test_every_code_of_the_language_is_pinned() -> None:
    sources = [path.read_text("utf-8") for path in (ROOT / "dsl").rglob("*.py")]
    codes = set(re.findall(r'"([EW][0-9]{3})"', "".join(sources)))
    elsewhere = {"E103", "E104", "E109", "E307"}  # size, depth, several strategies, nodes
    assert codes - elsewhere <= set(re.findall(r"\[([EW]\d{3})\]", GOLDEN.read_text("utf-8")))


def test_the_limits_have_codes_of_their_own() -> None:
    nested = "close + (" * 70 + "close" + ")" * 70
    many = " and ".join(f"close > sma(close, {n})" for n in range(2, 202))
    lets = "let a = " + " and ".join(f"close > sma(close, {n})" for n in range(2, 52))
    whole = f"strategy s {{ {lets} buy when a and a and a hold 5 }}"
    found = {each.code for text in (nested, many) for each in inspect(text).diagnostics}
    assert found == {"E101"}
    for text, code in (
        (f"strategy s {{ buy when {nested} > open hold 5 }}", "E104"),
        (whole, "E307"),
        ("#" * 2_000_001, "E103"),
    ):
        assert code in {each.code for each in inspect(text).diagnostics}
    two = "strategy a { buy when close > open hold 5 } strategy b { buy when close > low hold 5 }"
    assert len(check_file(two)) == 2


def test_a_long_line_is_shown_around_its_error() -> None:
    text = "strategy s { buy when " + "close > open and " * 30 + "clos > open hold 5 }"
    shown = inspect(text).diagnostics[0].render().splitlines()
    assert all(len(line) < 120 for line in shown)
    assert shown[3].index("clos >") == shown[4].index("^")


def test_findings_are_data_too() -> None:
    found = Diagnostic("E201", "there is no `x` here", Span(3, 4), "try y", Source("ab\nxyz", "f"))
    assert found.as_json()["line"] == 2
    assert found.severity == "error"
    assert LanguageError([found]).diagnostics == (found,)
