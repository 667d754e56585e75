"""Codes of diagnostics: meaning, failing example and corrected example."""

from __future__ import annotations

from typing import NamedTuple


class Code(NamedTuple):
    """Explanation of a code.

    Attributes:
        name: code, such as E101.
        title: meaning in a few words.
        why: reason in a sentence or two.
        wrong: example that gets the code.
        right: the example corrected.
    """

    name: str
    title: str
    why: str
    wrong: str
    right: str


def _buy(condition: str) -> str:
    return f"strategy s {{ buy when {condition} hold 5 }}"


def _with(statement: str) -> str:
    return f"strategy s {{ buy when close > open {statement} }}"


_SOUND = _buy("close > open")
_NESTED = "abs(" * 70 + "close" + ")" * 70
_MANY = " and ".join(f"close > sma(close, {n})" for n in range(2, 52))

_ROWS = (
    # -- syntax
    ("E101", "unexpected token", "The text does not match the grammar at the caret.",
     _buy("close = open"), _buy("close == open")),
    ("E102", "unexpected end of text", "A brace or a bracket is not closed.",
     "strategy s { buy when close > open hold 5", _SOUND),
    ("E103", "file too large", "A file has at most 2,000,000 characters.",
     "#" * 2_000_001, "# split into several files\n" + _SOUND),
    ("E104", "nested too deeply",
     "An expression has at most 60 levels with its lets, or 120 once its defines are expanded. "
     "Defines use each other up to 12 levels deep.",
     _buy(f"{_NESTED} > open"), _buy("abs(close) > open")),
    ("E105", "duplicate statement",
     "A strategy has each statement at most once, except `param` and `let`. `buy while C` contains "
     "`sell when not C`, and `short while C` contains `cover when not C`.",
     _with("hold 5 hold 6"), _with("hold 5")),
    ("E106", "chained comparison",
     "A comparison has two sides: write `a < b and b < c` for `a < b < c`.",
     _buy("low < open < high"), _buy("low < open and open < high")),
    ("E107", "no strategy", "The file is empty, or contains only comments.",
     "# nothing yet", _SOUND),
    ("E108", "number too large", "A number is a 64-bit float.",
     _buy("close / open > 1e999"), _buy("close / open > 1.01")),
    ("E109", "expected one strategy",
     "The command takes a file with one strategy; `evolve backtest --name` selects one of "
     "several.",
     f"{_SOUND} {_SOUND.replace('strategy s', 'strategy t')}", _SOUND),
    ("E110", "empty range", "The lower bound of a range comes first.",
     "strategy s { param n = 5 in 9..2 buy when close > sma(close, n) hold 5 }",
     "strategy s { param n = 5 in 2..9 buy when close > sma(close, n) hold 5 }"),
    ("E111", "more errors", "`check` shows at most 100 errors of a text.",
     "strategy s { " + " ".join(f"let a{n} = x{n}" for n in range(101)) + " buy when a0 > 1 }",
     _SOUND),
    ("E112", "invalid exponent", "`other(a, b)` is price^a * volume^b, with exponents from -9 to 9.",
     "define f(x: number) -> other(1.5, 0) = x * x " + _SOUND,
     "define f(x: level) -> other(2, 0) = x * x " + _SOUND),
    ("E113", "name or number too long", "A name or a number has at most 400 characters.",
     _buy(f"close > {'a' * 401}"), _SOUND),
    # -- names
    ("E201", "unknown name",
     "A name is a bar series, or a `let`, `param` or argument defined above.",
     _buy("clos > open"), _SOUND),
    ("E202", "unknown operator", "`evolve ops` lists the operators; a file may define others.",
     _buy("close > smaa(close, 20)"), _buy("close > sma(close, 20)")),
    ("E203", "wrong number of arguments",
     "Arguments follow the order of the signature; those with a default may be omitted at the "
     "end.",
     _buy("close > sma(close, 20, 3)"), _buy("close > sma(close, 20)")),
    ("E204", "duplicate name",
     "A name has one meaning in a strategy; those of bar series are taken.",
     "strategy s { let close = 3 buy when close > open hold 5 }",
     "strategy s { let level = sma(close, 9) buy when close > level hold 5 }"),
    ("E205", "recursion",
     "A define cannot use itself, directly or indirectly, so that every program ends.",
     "define f(x: number) -> like x = f(x) " + _SOUND,
     "define f(x: number) -> like x = x[1] " + _buy("close > f(close)")),
    # -- types
    ("E301", "expected a condition", "An order triggers on a condition, not on a number.",
     _buy("rsi(close, 14)"), _buy("rsi(close, 14) < 30")),
    ("E302", "expected a number", "`where(condition, 1, 0)` converts a condition to a number.",
     _buy("(close > open) > 3"), _buy("where(close > open, 4, 0) > 3")),
    ("E303", "window that is not constant",
     "A window is constant, so that the warm-up is known in advance.",
     _buy("close > sma(close, volume)"), _buy("close > sma(close, 20)")),
    ("E304", "invalid number of bars",
     "A window is a whole number from 1 to 5,000. A lag starts at 0: it cannot reach into the "
     "future.",
     _buy("close > close[-1]"), _buy("close > close[1]")),
    ("E306", "setting of the wrong kind",
     "`stop`, `trail` and `target` are a price distance or a ratio; `size` is a fraction of "
     "equity.",
     _with("stop close - 2 * atr(14)"), _with("stop 2 * atr(14)")),
    ("E307", "strategy too large",
     "A strategy has at most 500 nodes, or 20,000 once its lets and defines are expanded.",
     f"strategy s {{ let a = {_MANY} buy when a and a and a hold 5 }}", _SOUND),
    ("E308", "no entry", "A strategy has a `buy` or a `short` rule.",
     "strategy s { sell when close > open }", _SOUND),
    ("E309", "invalid param", "The value of a param lies in its range, and its step is above 0.",
     "strategy s { param n = 50 in 5..20 buy when close > sma(close, n) hold 5 }",
     "strategy s { param n = 10 in 5..20 buy when close > sma(close, n) hold 5 }"),
    ("E311", "wrong result of a define", "The kind after `->` has the dimension of the body, and is `bool` only for a condition.",
     "define f(x: number) -> volume = x " + _SOUND,
     "define f(x: number) -> like x = x[1] " + _buy("close > f(close)")),
    # -- warnings
    ("W401", "unlike kinds",
     "A price, an oscillator and a volume have different units; one is above the other by "
     "accident.",
     _buy("rsi(close, 14) > sma(close, 20)"), _buy("rsi(close, 14) > sma(rsi(close, 14), 20)")),
    ("W402", "argument of an unlikely kind", "The operator is meant for another kind.",
     _buy("crossover(close, volume)"), _buy("crossover(close, sma(close, 20))")),
    ("W403", "fixed price or volume",
     "Later dividends and splits change adjusted prices, so a rule with a fixed price looks "
     "ahead.",
     _buy("close > 30"), _buy("close > sma(close, 200)")),
    ("W404", "never or always true",
     "The result is fixed on all bars: by the ranges of the sides, by the order of the prices of "
     "a bar, or by a window that includes the compared bar.",
     _buy("close > highest(high, 20)"), _buy("close > highest(high, 20)[1]")),
    ("W405", "position never closed", "The strategy has no exit rule, stop or `hold`.",
     "strategy s { buy when close > open }", _SOUND),
    ("W406", "unused name", "A name that nothing uses is often a mistake.",
     "strategy s { let unused = 3 buy when close > open hold 5 }", _SOUND),
    ("W407", "nothing to close", "`sell` closes a position of `buy`, and `cover` one of `short`.",
     _with("hold 5 cover when close < open"), _with("sell when close < open")),
    ("W408", "unlikely size or distance", "6 is 600%; write `6%` for a ratio.",
     _with("stop 6"), _with("stop 6%")),
    ("W409", "shadowed name",
     "The name is also that of an operator or a bar series, which confuses readers.",
     "strategy s { let rsi = rsi(close, 14) buy when rsi < 30 hold 5 }",
     "strategy s { let heat = rsi(close, 14) buy when heat < 30 hold 5 }"),
    ("W410", "blocked entry",
     "An exit blocks an entry on the same bar; `buy` and `short` together do nothing.",
     "strategy s { buy when rsi(close, 2) < 10 sell when rsi(close, 2) < 20 }",
     "strategy s { buy when rsi(close, 2) < 10 sell when rsi(close, 2) > 60 }"),
    ("W411", "range with invalid values",
     "For some values in the range of the param, the rule is meaningless.",
     "strategy s { param n = 5 in 0..20 buy when close > sma(close, n) hold 5 }",
     "strategy s { param n = 5 in 2..20 buy when close > sma(close, n) hold 5 }"),
    ("W412", "more warnings", "`check` shows at most 100 warnings of a text.",
     "strategy s { " + " ".join(f"let a{n} = {n}" for n in range(101))
     + " buy when close > open hold 5 }",
     _SOUND),
)  # fmt: skip

CODES = {row[0]: Code(*row) for row in _ROWS}
MAX_EXAMPLE_CHARS = 160


def explain_code(code: Code) -> str:
    """Return the page of a code: title, reason, failing example and corrected example."""
    examples = [_shorten(text) for text in (code.wrong, code.right)]
    return (
        f"{code.name}: {code.title}\n\n{code.why}\n\n"
        f"  wrong: {examples[0]}\n  right: {examples[1]}\n"
    )


def reference_text() -> str:
    """Return the pages of all codes, in order."""
    return "\n".join(explain_code(each) for each in CODES.values())


def _shorten(text: str) -> str:
    return text if len(text) <= MAX_EXAMPLE_CHARS else f"{text[:MAX_EXAMPLE_CHARS]} …"
