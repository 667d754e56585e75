"""Unusual characters, line ends and numbers: a plain message, with the caret at the right place."""

from __future__ import annotations

import json

import pytest

from dsl.analysis.check import check, inspect
from dsl.diagnostics import Diagnostic, LanguageError, Source, Span
from dsl.printable import make_printable
from dsl.syntax.parser import parse_expression
from dsl.syntax.printer import format_text

SOUND = "strategy s {{ buy when {} hold 5 }}"
LINES = "# comment\nstrategy s {\n  buy when close > open\n  hold 5\n}\n"
CONTROL = ["\x00", "\x07", "\x0b", "\x1b", "\x7f", "\x85", "\u202e", "\u2067", "\u061c", "\ud800"]


def only_error(text: str) -> Diagnostic:
    (error,) = inspect(text).errors
    return error


@pytest.mark.parametrize("character", CONTROL)
@pytest.mark.parametrize(
    "form", ["{}strategy s {{ buy when close > open }}", SOUND.format("clo{}se > open"),
             SOUND.format("close > open # {}").replace(" hold", "\nhold"),
             'strategy s {{ about "a {} b" buy when close > open hold 5 }}'],
)  # fmt: skip
def test_an_invisible_character_is_an_error_at_its_place(character: str, form: str) -> None:
    text = form.replace("{}", character).replace("{{", "{").replace("}}", "}")
    error = only_error(text)
    assert error.code == "E101"
    assert f"U+{ord(character):04X}" in error.message
    assert text[error.span.start : error.span.end] == character
    lines = error.render().splitlines()
    escaped = make_printable(character)
    assert lines[4].count("^") == len(escaped)
    assert lines[3][lines[4].index("^") :].startswith(escaped)
    error.render().encode()
    json.dumps(error.as_json()).encode()
    with pytest.raises(LanguageError):
        format_text(text)
    with pytest.raises(LanguageError, match=r"U\+"):
        parse_expression(f"close{character}")


def test_every_invisible_character_is_reported_up_to_a_limit() -> None:
    assert len(inspect("\x00" * 3).errors) == 3
    assert len(inspect("\x00" * 1_000).errors) == 20


@pytest.mark.parametrize("line_end", ["\r\n", "\r", "\n"])
def test_line_ends_of_any_system_are_line_ends(line_end: str) -> None:
    text = LINES.replace("\n", line_end)
    assert check(text).hash == check(LINES).hash
    assert format_text(text) == format_text(LINES)
    error = only_error(text.replace("open", "opne"))
    assert error.source.position(error.span.start) == (3, 20)
    assert error.render().splitlines()[3] == "3 |   buy when close > opne"


def test_a_byte_order_mark_at_the_start_is_skipped() -> None:
    assert check(f"\ufeff{LINES}").hash == check(LINES).hash
    error = only_error("\ufeff" + LINES.replace("open", "opne"))
    assert error.render().splitlines()[4] == "  |                    ^^^^"


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("\u0663", "write the digit 3"),
        ("\uff13", "write the digit 3"),
        ("\u0661\u0662", "write the digit 1"),
        ("clos\u00e9", "names consist of the letters"),
        ("\u4ef7\u683c", "names consist of the letters"),
        ("\u200bclose", "remove the invisible character U+200B"),
        ("\u00a0close", "replace the space U+00A0"),
        ("close \u2265 3", "write `>=`"),
    ],
)
def test_a_letter_or_digit_of_another_script_is_an_error(written: str, hint: str) -> None:
    errors = inspect(SOUND.format(f"close / open > {written}")).errors
    assert errors
    assert hint in errors[0].hint


@pytest.mark.parametrize("before", ["\u4ef7\u683c", "\u200b\u200b", "e\u0301", "\t", "\U0001f600"])
def test_a_caret_is_below_its_character_after_wide_and_escaped_ones(before: str) -> None:
    text = f'strategy s {{ about "{before}" buy when close > opne hold 5 }}'
    lines = only_error(text).render().splitlines()
    width = {"\u4ef7\u683c": 4, "\u200b\u200b": 12, "e\u0301": 1, "\t": 1, "\U0001f600": 2}[before]
    assert (
        lines[4].index("^") == len("1 | ") + len('strategy s { about "" buy when close > ') + width
    )
    assert lines[4].count("^") == 4


def test_a_message_and_a_name_of_a_file_are_escaped_and_cut() -> None:
    source = Source("x", "a\x1b[31m.evo")
    error = Diagnostic("E101", "found \x07" + "y" * 5_000, Span(0, 1), "h\u202eint", source)
    text = error.render()
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\u202e" not in text
    assert len(text) < 2_500
    assert len(json.dumps(error.as_json())) < 2_500


# -- numbers


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("9" * 5_000, "E113"),
        ("0." + "1" * 10_000, "E113"),
        ("1" * 10_000 + "%", "E113"),
        ("1e" + "9" * 5_000, "E113"),
        ("9" * 400, "E108"),
        ("1e999999", "E108"),
        ("1e" + "9" * 300, "E108"),
        ("1e999999%", "E108"),
        ("1e" + "9" * 300 + "%", "E108"),
        ("9" * 309, "E108"),
    ],
)
def test_a_number_that_is_too_long_or_too_large_is_an_error(number: str, code: str) -> None:
    error = only_error(SOUND.format(f"close / open > {number}"))
    assert error.code == code
    assert len(error.render()) < 500


@pytest.mark.parametrize(
    ("number", "value"),
    [
        ("1e-999999", 0.0), ("1e-999999%", 0.0), ("0." + "0" * 300 + "1", 1e-301),
        ("123456789012345678901234567890%", 1.2345678901234568e27), ("1e309%", 1e307),
        ("0." + "3" * 390 + "%", 0.0033333333333333335), ("1" + "0" * 308, 1e308),
    ],
)  # fmt: skip
def test_a_number_of_many_digits_is_rounded_to_a_float(number: str, value: float) -> None:
    program = check(SOUND.format(f"close / open > {number}"))
    short = check(SOUND.format(f"close / open > {value!r}"))
    assert program.hash == short.hash
    assert check(format_text(SOUND.format(f"close / open > {number}"))).hash == program.hash


@pytest.mark.parametrize("bars", ["1" + "0" * 30, "1e300", "9" * 300, "1e308 * 10", "0 / 0", "-1"])
@pytest.mark.parametrize("form", ["close[{}]", "sma(close, {})", "sma(close, 2 * ({}))"])
def test_a_window_of_any_size_is_an_error(bars: str, form: str) -> None:
    error = only_error(SOUND.format(f"{form.format(bars)} > open"))
    assert error.code == "E304"
    assert len(error.render()) < 700


@pytest.mark.parametrize("bound", ["inf", "-inf", "1e400", "0.5", "-3", "6%", "9" * 300])
def test_a_window_argument_with_an_unusual_default_or_range_is_reported(bound: str) -> None:
    for signature in (f"n: window = {bound}", f"n: window {bound}..{bound} = 5"):
        text = f"define f(x: number, {signature}) -> like x = sma(x, n)"
        inspect(f"{text}\n{SOUND.format('close > f(close)')}")


@pytest.mark.parametrize("exponent", ["10", "-10", "9" * 300, "1e1", "inf", "1.0", "6%"])
def test_an_exponent_beyond_one_digit_is_an_error(exponent: str) -> None:
    text = f"define f(x: number) -> other({exponent}, 1) = x * volume"
    assert "E112" in [each.code for each in inspect(text).errors]


def test_a_power_of_a_power_has_no_exponent_without_end() -> None:
    text = "volume"
    for _ in range(40):
        text = f"power({text}, 1e308)"
    found = inspect(SOUND.format(f"{text} > close"))
    assert "W401" in {each.code for each in found.warnings}
