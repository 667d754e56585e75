"""Every code of the language: what it means, a text that gets it, and the text mended."""

from __future__ import annotations

from typing import NamedTuple


class Code(NamedTuple):
    """A finding's stable code, its title, why it is one, and a failing and a mended example."""

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
    # -- what does not parse
    ("E101", "something else was expected", "The text departs from the grammar at the caret.",
     _buy("close = open"), _buy("close == open")),
    ("E102", "the text ends too soon", "A brace or a bracket is not closed.",
     "strategy s { buy when close > open hold 5", _SOUND),
    ("E103", "the file is too large", "A file is read up to 2,000,000 characters.",
     "#" * 2_000_001, "# split into several files\n" + _SOUND),
    ("E104", "nested too deep", "An expression is nested up to 60 deep, 120 with its lets and "
     "defines written out; defines use each other up to 12 deep.",
     _buy(f"{_NESTED} > open"), _buy("abs(close) > open")),
    ("E105", "a statement stands twice", "Every statement but `param` and `let` stands once.",
     _with("hold 5 hold 6"), _with("hold 5")),
    ("E106", "a chained comparison", "A comparison has two sides: `a < b < c` is `a < b and b < c`.",
     _buy("low < open < high"), _buy("low < open and open < high")),
    ("E107", "no strategy", "The file is empty, or holds comments alone.",
     "# nothing yet", _SOUND),
    ("E108", "a number too large", "A number is a 64-bit float.",
     _buy("close / open > 1e999"), _buy("close / open > 1.01")),
    ("E109", "several strategies where one was expected", "What takes one program takes a file with "
     "one strategy; `evolve backtest --name` chooses one of several.",
     f"{_SOUND} {_SOUND.replace('strategy s', 'strategy t')}", _SOUND),
    ("E110", "an empty range", "A range runs from its low end to its high end.",
     "strategy s { param n = 5 in 9..2 buy when close > sma(close, n) hold 5 }",
     "strategy s { param n = 5 in 2..9 buy when close > sma(close, n) hold 5 }"),
    ("E112", "a dimension that is no whole number", "`other(a, b)` is price^a * volume^b.",
     "define f(x: number) -> other(1.5, 0) = x * x " + _SOUND, "define f(x: level) -> other(2, 0) = x * x " + _SOUND),
    # -- names
    ("E201", "an unknown name", "A name is a bar series, or a `let`, `param` or argument above.",
     _buy("clos > open"), _SOUND),
    ("E202", "an unknown operator", "`evolve ops` lists the operators; a file may define its own.",
     _buy("close > smaa(close, 20)"), _buy("close > sma(close, 20)")),
    ("E203", "the wrong number of arguments", "Arguments stand in the order of the signature; those "
     "with a default may be left out at the end.",
     _buy("close > sma(close, 20, 3)"), _buy("close > sma(close, 20)")),
    ("E204", "a name is taken", "A name means one thing in a strategy, and a bar series keeps its own.",
     "strategy s { let close = 3 buy when close > open hold 5 }",
     "strategy s { let level = sma(close, 9) buy when close > level hold 5 }"),
    ("E205", "recursion", "A define may use others, never itself: every program ends.",
     "define f(x: number) -> like x = f(x) " + _SOUND,
     "define f(x: number) -> like x = x[1] " + _buy("close > f(close)")),
    # -- what cannot be computed
    ("E301", "a condition was expected", "An order waits for a condition, not for a number.",
     _buy("rsi(close, 14)"), _buy("rsi(close, 14) < 30")),
    ("E302", "a number was expected", "A condition is no number: `where(condition, 1, 0)` makes it one.",
     _buy("(close > open) > 3"), _buy("where(close > open, 4, 0) > 3")),
    ("E303", "a window that changes", "A window is a constant, so that warm-up is known beforehand.",
     _buy("close > sma(close, volume)"), _buy("close > sma(close, 20)")),
    ("E304", "no number of bars", "A window is a whole number from 1 to 5,000; a lag from 0: the "
     "future cannot be written down.",
     _buy("close > close[-1]"), _buy("close > close[1]")),
    ("E306", "a setting of the wrong kind", "`stop`, `trail` and `target` are a price distance or a "
     "ratio, `size` is a fraction of equity.",
     _with("stop close - 2 * atr(14)"), _with("stop 2 * atr(14)")),
    ("E307", "too large", "A strategy has up to 500 nodes, and 20,000 once its lets and defines are "
     "written out.",
     f"strategy s {{ let a = {_MANY} buy when a and a and a hold 5 }}", _SOUND),
    ("E308", "it never enters", "A strategy has a `buy` or a `short` rule.",
     "strategy s { sell when close > open }", _SOUND),
    ("E309", "a param that does not fit", "A param lies within its range, and its step is above 0.",
     "strategy s { param n = 50 in 5..20 buy when close > sma(close, n) hold 5 }",
     "strategy s { param n = 10 in 5..20 buy when close > sma(close, n) hold 5 }"),
    ("E311", "a define gives another kind", "What stands after `->` is what the body measures.",
     "define f(x: number) -> volume = x " + _SOUND,
     "define f(x: number) -> like x = x[1] " + _buy("close > f(close)")),
    # -- what computes, and is doubtful
    ("W401", "unlike kinds", "A price, an oscillator and a volume measure different things; one is "
     "above the other by accident.",
     _buy("rsi(close, 14) > sma(close, 20)"), _buy("rsi(close, 14) > sma(rsi(close, 14), 20)")),
    ("W402", "an argument of an unlikely kind", "The operator is meant for something else.",
     _buy("crossover(close, volume)"), _buy("crossover(close, sma(close, 20))")),
    ("W403", "a fixed price or volume", "Adjusted prices change with every later dividend and split, "
     "so a rule on a fixed price knows the future.",
     _buy("close > 30"), _buy("close > sma(close, 200)")),
    ("W404", "never or always", "The two sides decide it for all bars: by their ranges, by the "
     "order of a bar's prices, or by a window that includes the bar it is compared with.",
     _buy("close > highest(high, 20)"), _buy("close > highest(high, 20)[1]")),
    ("W405", "held to the end", "Nothing closes the position: no exit rule, stop or `hold`.",
     "strategy s { buy when close > open }", _SOUND),
    ("W406", "never used", "A name that nothing uses is often a slip.",
     "strategy s { let unused = 3 buy when close > open hold 5 }", _SOUND),
    ("W407", "nothing to close", "`sell` closes what `buy` opened, `cover` what `short` opened.",
     _with("hold 5 cover when close < open"), _with("sell when close < open")),
    ("W408", "an unlikely size or distance", "6 is 600 %: a ratio is written `6%`.",
     _with("stop 6"), _with("stop 6%")),
    ("W409", "a name that hides another", "It works, and a reader has to look twice: the name is an operator's, or a bar series'.",
     "strategy s { let rsi = rsi(close, 14) buy when rsi < 30 hold 5 }",
     "strategy s { let heat = rsi(close, 14) buy when heat < 30 hold 5 }"),
    ("W410", "rules that cannot both matter", "An exit that holds blocks the entry; `buy` and `short` "
     "together do nothing.",
     "strategy s { buy when rsi(close, 2) < 10 sell when rsi(close, 2) < 20 }",
     "strategy s { buy when rsi(close, 2) < 10 sell when rsi(close, 2) > 60 }"),
    ("W411", "a range with impossible values", "Somewhere in the param's range the rule means nothing.",
     "strategy s { param n = 5 in 0..20 buy when close > sma(close, n) hold 5 }",
     "strategy s { param n = 5 in 2..20 buy when close > sma(close, n) hold 5 }"),
)  # fmt: skip

CODES = {row[0]: Code(*row) for row in _ROWS}
SHOWN = 160


def explain_code(code: Code) -> str:
    """A code's page: what it means, an example that gets it, and the example mended."""
    examples = [_shorten(text) for text in (code.wrong, code.right)]
    return (
        f"{code.name}: {code.title}\n\n{code.why}\n\n"
        f"  wrong: {examples[0]}\n  right: {examples[1]}\n"
    )


def reference_text() -> str:
    """Every code's page, in order."""
    return "\n".join(explain_code(each) for each in CODES.values())


def _shorten(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]} …"
