"""The text of every message, pinned in a file that people can read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dsl.analysis.check import check, check_file, inspect
from dsl.analysis.codes import CODES, Code, explain_code, reference_text
from dsl.diagnostics import Diagnostic, LanguageError, Source, Span
from tests.golden import golden

GOLDEN = Path(__file__).parent / "golden" / "errors.txt"
ROOT = Path(__file__).parents[2]

MANY = ("E103", "E104", "E307")  # their examples are too long to be read


def render() -> str:
    parts = []
    for code in CODES.values():
        if code.name not in MANY:
            parts.append(f">>> {code.wrong}")
            parts.extend(each.render() for each in findings(code.wrong))
            parts.append("")
    return "\n".join(parts)


def findings(text: str) -> tuple[Diagnostic, ...]:
    """The findings of a text that should hold one strategy."""
    try:
        check(text, "s.evo")
    except LanguageError as error:
        if {each.code for each in error.diagnostics} == {"E109"}:
            return error.diagnostics
    return inspect(text, "s.evo").diagnostics


def test_every_message_reads_as_in_the_golden_file() -> None:
    golden(GOLDEN, render())


@pytest.mark.parametrize("code", CODES.values(), ids=lambda code: str(code.name))
def test_every_code_has_an_example_that_gets_it_and_one_that_is_mended(code: Code) -> None:
    found = findings(code.wrong)
    assert code.name in {each.code for each in found}
    assert all("^" in each.render() for each in found)
    assert not findings(code.right)
    assert code.title in explain_code(code)
    assert explain_code(code) in reference_text()


def test_every_code_of_the_language_is_explained() -> None:
    sources = [path.read_text("utf-8") for path in (ROOT / "dsl").rglob("*.py")]
    assert set(re.findall(r'"([EW][0-9]{3})"', "".join(sources))) == CODES.keys()


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
