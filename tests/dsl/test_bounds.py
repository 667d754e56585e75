"""Limits: a text of any shape is checked, printed and formatted in few function calls.

The programs double their size 40 times, so that a computation without a limit does not end.
"""

from __future__ import annotations

import json

import pytest

from dsl.analysis.catalog import catalog, define_operators
from dsl.analysis.check import Report, check, inspect
from dsl.analysis.findings import MAX_FINDINGS, Findings
from dsl.budget import Budget
from dsl.diagnostics import Diagnostic, Source, Span, did_you_mean
from dsl.printing.decompile import compact_text, format_program
from dsl.printing.reference import describe
from dsl.syntax.parser import parse
from dsl.syntax.printer import format_text
from dsl.terms.expansion import Extent, measure_call
from dsl.terms.terms import Argument, Term
from evolve.llm.prompt.builder import build_program_failure
from tests.work import limited_calls

TIMES = 40
CALLS = 3_000_000


def rules(*lines: str) -> str:
    return "strategy s {\n" + "\n".join(lines) + "\nhold 5 }"


def lets(first: str, link: str, use: str, times: int = TIMES) -> str:
    """Write lets a0, a1, …, each of which uses the previous one, and a rule that uses the last."""
    chain = [f"let a{i + 1} = {link.replace('last', f'a{i}')}" for i in range(times)]
    return rules(
        "param n = 2 in 1..3", f"let a0 = {first}", *chain, use.replace("last", f"a{times}")
    )


def defines(argument: str, result: str, link: str, use: str, times: int = 12) -> str:
    """Write defines d0, d1, …, each of which calls the previous one, and a rule for the last."""
    heads = [f"define d{i}(x: {argument}) -> {result} = " for i in range(times)]
    bodies = ["x", *[link.replace("last", f"d{i}") for i in range(times - 1)]]
    written = [head + body for head, body in zip(heads, bodies, strict=True)]
    return "\n".join([*written, rules(use.replace("last", f"d{times - 1}"))])


WIDE = " + ".join(f"last(x * 1.{k})" for k in range(10, 22))
GROWING = {
    "sums": lets("close", "last + last", "buy when last > open"),
    "products": lets("close", "last * last", "buy when last > open"),
    "windows": lets("n", "last + last - last", "buy when close > sma(close, last)"),
    "lags": lets("n", "last + last - last", "buy when close > close[last]"),
    "hold": lets("n", "last + last - last", "buy when close > open hold last").replace(
        "\nhold 5", ""
    ),
    "chosen windows": lets("n", "where(last > 1, last, 3)", "buy when close > sma(close, last)"),
    "means": lets("close", "sma(last, 3) + ema(last, 3)", "buy when last > open"),
    "conditions": lets("close > open", "not (last and last)", "buy when last"),
    "or": lets("close > open", "last or not last", "buy when not last"),
    "comparisons": lets("close", "where(last > open, last, low)", "buy when last > last"),
    "params": lets("n", "max(last, last + n)", "buy when close / open > last"),
    "bodies": defines("number", "like x", "last(x) + last(x)[1]", "buy when last(close) > open"),
    "inferred bodies": defines("number", "number", WIDE, "buy when last(3) > close / open"),
    "conditions of defines": defines(
        "bool", "bool", "last(x) and not last(not x)", "buy when not last(close > open)"
    ),
    "windows of defines": defines(
        "window", "number", "last(x * 2) + last(x * 3)", "buy when last(2) > close / open"
    ),
    "unused branches": defines(
        "number", "number", "where(true, x, last(x + 1) + last(x + 2))", "buy when last(3) > 2"
    ),
    "arguments": defines(
        "number", "like x", "last(last(x) + last(x))", "buy when last(close) > open"
    ),
    "depth": lets("close", "abs(last)", "buy when last > open", 500),
    "signs": lets("close", "-last", "buy when last > open", 500),
    "nots": lets("close > open", "not last", "buy when last", 500),
    "merged": lets("close", "max(last, 3)", "buy when last > open", 500),
    "ratios": lets("volume", "power(last, 1e308)", "buy when last > open"),
    "long names": rules(
        f"param {'p' * 399} = 3 in 1..5", f"let a = {'p' * 399} * close",
        "let b0 = a", *[f"let b{i + 1} = a + b{i}" for i in range(50)], "buy when b50 > open",
    ),
}  # fmt: skip


def process(text: str) -> Report:
    """Check and format a text, and print its programs; return its report."""
    report = inspect(text)
    for each in report.diagnostics:
        each.render()
        json.dumps(each.as_json())
    try:
        format_text(text)
    except Exception as error:
        assert type(error).__name__ == "LanguageError"
    for program in () if report.errors else report.programs:
        assert program.hash == check(format_program(program)).hash
        assert program.hash == check(compact_text(program)).hash
        build_program_failure(program, "duplicate")
    return report


@pytest.mark.parametrize("name", GROWING)
def test_a_program_that_doubles_is_processed_in_few_calls(name: str) -> None:
    with limited_calls(CALLS + 300 * len(GROWING[name])):
        process(GROWING[name])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (GROWING["sums"], "E307"),
        (GROWING["windows"], "E307"),
        (GROWING["inferred bodies"], "E307"),
        (GROWING["conditions"], "E307"),
        (GROWING["depth"], "E104"),
        (GROWING["merged"], "E104"),
    ],
)
def test_a_limit_is_reported_at_the_expression_that_exceeds_it(text: str, code: str) -> None:
    (error,) = inspect(text).errors
    assert error.code == code
    assert text[error.span.start : error.span.end].startswith(
        ("a", "(a", "x * ", "d", "max", "not")
    )


@pytest.mark.parametrize("links", [58, 59])
def test_the_deepest_program_prints_and_parses_back(links: int) -> None:
    text = lets("close", "abs(last)", "buy when last > open", links)
    report = process(text)
    assert bool(report.programs) == (links == 58)


def test_a_negative_literal_is_one_level() -> None:
    text = rules(f"buy when {'abs(' * 58}-3{')' * 58} < close / open")
    assert process(text).programs


def test_a_define_has_at_most_twenty_arguments() -> None:
    for count in (20, 21, 1_000):
        args = ", ".join(f"x{i}: number" for i in range(count))
        text = f"define f({args}) -> like x0 = {' + '.join(f'x{i}' for i in range(min(count, 21)))}"
        with limited_calls(50_000 + 200 * len(text)):
            assert [each.code for each in inspect(text).errors] == ["E203"] * (count > 20)


# -- size of an expansion


def count_naively(term: Term, args: tuple[Extent, ...] = ()) -> Extent:
    """Return the nodes and levels of a term by expanding it."""
    if isinstance(term.leaf, Argument):
        return args[term.leaf.index]
    inner = tuple(count_naively(each, args) for each in term.args)
    if term.operator is not None and term.operator.body is not None:
        return count_naively(term.operator.body, inner)
    depth = 1 + max((each.depth for each in inner), default=0)
    return Extent(1 + sum(each.nodes for each in inner), depth)


@pytest.mark.parametrize("name", [each.name for each in catalog() if each.body is not None])
def test_the_extent_of_a_define_is_that_of_its_expansion(name: str) -> None:
    operator = catalog().operator(name)
    assert operator.body is not None
    args = tuple(Extent(2 + 3 * i, 1 + i) for i in range(len(operator.slots)))
    assert measure_call(operator, args) == count_naively(operator.body, args)


def test_a_budget_of_nodes_is_shared_by_all_strategies_of_a_text() -> None:
    text = "\n".join(
        f"strategy s{i} {{ buy when close > sma(close, {i + 2}) hold 5 }}" for i in range(9)
    )
    report = inspect(text, budget=Budget(nodes=10))
    assert {each.code for each in report.errors} == {"E307"}
    assert 0 < len(report.programs) < 9


def test_without_proof_steps_a_warning_is_omitted() -> None:
    text = rules("buy when close > highest(high, 20)")
    assert [each.code for each in inspect(text).warnings] == ["W404"]
    assert inspect(text, budget=Budget(proof_steps=0)).diagnostics == ()


# -- many findings

MANY = {
    "names": (rules("buy when close > open", *[f"let a{i} = u{i}" for i in range(1_000)]), "E111"),
    "names in one line": (
        rules("buy when close > max(" + ", ".join(f"u{i}" for i in range(1_000)) + ")"), "E111"
    ),
    "operators": (
        "\n".join(f"strategy s{i} {{ buy when smaa{i}(close) > 3 }}" for i in range(500)), "E111"
    ),
    "defines": (
        "\n".join(f"define f{i}(x: number) -> like x = g{i}(x)" for i in range(500)), "E111"
    ),
    "recursion": (
        "\n".join(f"define f{i}(x: number) -> like x = f{i + 1}(x) + f0(x)" for i in range(500)),
        "E111",
    ),
    "unused names": (
        rules("buy when close > open", *[f"let a{i} = {i}" for i in range(1_000)]), "W412"
    ),
    "duplicates": ("strategy s { buy when close > open hold 5 } " * 500, "E111"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", MANY)
def test_many_findings_are_cut_and_counted_in_proportional_time(name: str) -> None:
    text, code = MANY[name]
    with limited_calls(50_000 + 300 * len(text)):
        report = process(text)
    found = [each for each in report.diagnostics if each.code[0] == code[0]]
    assert len(found) == MAX_FINDINGS + 1
    (summary,) = (each for each in found if each.code == code)
    assert summary.message.startswith("and ")
    assert found[-1] is summary
    assert len(json.dumps([each.as_json() for each in report.diagnostics])) < 200_000


def test_warnings_never_hide_an_error() -> None:
    unused = [f"let a{i} = {i}" for i in range(500)]
    report = inspect(rules(*unused, "let b = 1", "let b = 2", "buy when close > open"))
    assert [each.code for each in report.errors] == ["E204"]


def test_names_are_suggested_for_the_first_unknown_ones_alone() -> None:
    report = inspect(rules("buy when close > open", *[f"let a{i} = clos" for i in range(50)]))
    assert sum("did you mean" in each.hint for each in report.errors) == Budget().suggestions


@pytest.mark.parametrize(
    ("name", "known"), [("a" * 61, ["a" * 60]), ("close", ["x"] * 2_000 + ["close"])]
)
def test_a_suggestion_compares_few_short_names(name: str, known: list[str]) -> None:
    assert did_you_mean(name, known) == ""


def test_defines_of_any_order_are_sorted_in_proportional_time() -> None:
    text = "\n".join(f"define f{i}(x: number) -> like x = f{i + 1}(x)" for i in range(1_000))
    file = parse(text)
    with limited_calls(50_000 + 100 * len(text)):
        define_operators(file, catalog(), Findings())


# -- positions and comments


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_position_is_found_in_a_few_calls(line_end: str) -> None:
    source = Source(line_end.join(f"line {i}" for i in range(50_000)))
    source.position(0)
    with limited_calls(10_000):
        for offset in range(0, len(source.text), 5_000):
            line, column = source.position(offset)
            assert source.line(line)[column - 1 : column] in source.text[offset : offset + 1]
            Diagnostic("E101", "wrong", Span(offset, offset + 1), "", source).render()


def test_a_long_line_renders_in_a_few_calls() -> None:
    source = Source("x" * 2_000_000)
    with limited_calls(10_000):
        for offset in range(0, 2_000_000, 20_000):
            error = Diagnostic("E101", "wrong", Span(offset, 2_000_000), "", source)
            assert len(error.render()) < 400


@pytest.mark.parametrize(
    "text",
    [
        "# c\n" * 5_000 + rules("buy when close > open"),
        rules(*[f"let a{i} = 1 # c" for i in range(1_000)], "buy when close > a0"),
        rules(*[f"let a{i} = 1" for i in range(1_000)], "# end", "buy when close > a0"),
        rules("buy when close > open", *["# c"] * 5_000),
    ],
    ids=["before", "at line ends", "one at the end", "closing"],
)
def test_comments_are_attached_in_proportional_time(text: str) -> None:
    with limited_calls(50_000 + 60 * len(text)):
        format_text(text)


def test_an_operator_is_described_in_few_calls() -> None:
    for each in catalog():
        with limited_calls(100_000):
            describe(each)
