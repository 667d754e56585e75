"""Tests of the messages of all codes, against a golden file."""

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

LONG = ("E103", "E104", "E111", "E113", "E307", "W412")  # examples too long for the golden file


def render() -> str:
    parts = []
    for code in CODES.values():
        if code.name not in LONG:
            parts.append(f">>> {code.wrong}")
            parts.extend(each.render() for each in diagnose(code.wrong))
            parts.append("")
    return "\n".join(parts)


def diagnose(text: str) -> tuple[Diagnostic, ...]:
    """Return the diagnostics of a text that must have one strategy."""
    try:
        check(text, "s.evo")
    except LanguageError as error:
        if {each.code for each in error.diagnostics} == {"E109"}:
            return error.diagnostics
    return inspect(text, "s.evo").diagnostics


def test_every_message_equals_the_golden_file() -> None:
    golden(GOLDEN, render())


@pytest.mark.parametrize("code", CODES.values(), ids=lambda code: str(code.name))
def test_every_code_has_a_failing_and_a_corrected_example(code: Code) -> None:
    diagnostics = diagnose(code.wrong)
    assert code.name in {each.code for each in diagnostics}
    assert all("^" in each.render() for each in diagnostics)
    assert not diagnose(code.right)
    assert code.title in explain_code(code)
    assert explain_code(code) in reference_text()


def test_every_code_of_the_language_is_explained() -> None:
    sources = [path.read_text("utf-8") for path in (ROOT / "dsl").rglob("*.py")]
    assert set(re.findall(r'"([EW][0-9]{3})"', "".join(sources))) == CODES.keys()


def test_each_limit_has_a_code() -> None:
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


def test_a_long_line_is_cut_around_its_error() -> None:
    text = "strategy s { buy when " + "close > open and " * 30 + "clos > open hold 5 }"
    lines = inspect(text).diagnostics[0].render().splitlines()
    assert all(len(line) < 120 for line in lines)
    assert lines[3].index("clos >") == lines[4].index("^")


def test_a_diagnostic_converts_to_plain_data() -> None:
    error = Diagnostic("E201", "unknown name `x`", Span(3, 4), "try y", Source("ab\nxyz", "f"))
    assert error.as_json()["line"] == 2
    assert error.severity == "error"
    assert LanguageError([error]).diagnostics == (error,)


def test_a_check_without_warnings_finds_equal_programs_and_errors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dubious = "strategy s { buy when close > close and rsi(14) > 200 sell when volume > 3 }"
    wrong = "strategy s { let x = 1 buy when close > clsoe and rsi(14) > 200 }"
    program, errors = inspect(dubious).programs[0], inspect(wrong).errors
    assert inspect(dubious).warnings
    assert errors

    def prove(*_: object) -> None:
        raise AssertionError("a proof that nobody reads")

    for name in ("resolve.warn_of_term", "check.warn_of_fixed_rules"):
        monkeypatch.setattr(f"dsl.analysis.{name}", prove)
    assert check(dubious) == program
    with pytest.raises(LanguageError) as raised:
        check(wrong)
    assert raised.value.diagnostics == errors
    with pytest.raises(AssertionError, match="nobody"):
        inspect(dubious)
