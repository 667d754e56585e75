"""Random well-typed text: conditions, numbers and strategies."""

from __future__ import annotations

from functools import cache

from hypothesis import strategies as st

Text = st.SearchStrategy[str]

SERIES = ("open", "high", "low", "close", "volume", "obv()", "true_range()", "typical_price()")
LITERALS = ("0", "1", "2", "0.5", "3", "-1", "6%", "1e-3")
WINDOWS = ("1", "2", "3", "5", "4 / 2", "floor(sqrt(10))")
UNARY = ("abs", "sign", "sqrt", "log", "floor", "negate", "-")
BINARY = ("min", "max", "+", "-", "*", "/", "min3")
ROLLING = (
    "sma", "ema", "rma", "wma", "sum", "stdev", "mad", "highest", "lowest", "zscore", "change",
    "roc", "rsi", "lag",
)  # fmt: skip
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")


@cache
def numbers() -> Text:
    """Generate expressions with one value per bar."""
    return st.deferred(_numbers)


@cache
def conditions() -> Text:
    """Generate conditions, in parentheses."""
    return st.deferred(_conditions)


def _numbers() -> Text:
    # Leaves are repeated, so that the recursion ends.
    return st.one_of(
        st.sampled_from(SERIES),
        st.sampled_from(LITERALS),
        st.sampled_from(SERIES),
        st.builds(_write_unary, st.sampled_from(UNARY), numbers()),
        st.builds(_write_binary, st.sampled_from(BINARY), numbers(), numbers()),
        st.builds(_write_rolling, st.sampled_from(ROLLING), numbers(), st.sampled_from(WINDOWS)),
        st.builds("where({}, {}, {})".format, conditions(), numbers(), numbers()),
    )


def _conditions() -> Text:
    comparison = st.builds("({} {} {})".format, numbers(), st.sampled_from(COMPARISONS), numbers())
    return st.one_of(
        comparison,
        comparison,
        comparison,
        st.sampled_from(["true", "false"]),
        st.builds("(not {})".format, conditions()),
        st.builds("({} {} {})".format, conditions(), st.sampled_from(["and", "or"]), conditions()),
        st.builds(
            "{}({}, {})".format, st.sampled_from(["crossover", "crossunder"]), numbers(), numbers()
        ),
    )


def _write_unary(name: str, x: str) -> str:
    return f"(-{x})" if name == "-" else f"{name}({x})"


def _write_binary(name: str, x: str, y: str) -> str:
    if name == "min3":
        return f"min({x}, {y}, {x})"
    return f"{name}({x}, {y})" if name.isalpha() else f"({x} {name} {y})"


def _write_rolling(name: str, x: str, n: str) -> str:
    return f"({x})[{n}]" if name == "lag" else f"{name}({x}, {n})"


@st.composite
def strategies(draw: st.DrawFn, first: str = "heat", second: str = "bars") -> str:
    """Generate strategies with a let and two params of the given names, orders and settings."""
    condition = small(conditions())
    number = small(numbers())
    lines = [
        f"param {second} = {draw(st.integers(1, 9))} in 1..9",
        f"param edge_{second} = {draw(st.integers(1, 9))}% in 0%..10% step 0.5%",
        f"let {first} = {draw(number)}",
        f"buy when {draw(condition)} and {first} > sma({first}, {second})",
    ]
    if draw(st.booleans()):
        lines.append(f"sell when {draw(condition)} or {first} < edge_{second} * close")
    if draw(st.booleans()):
        lines.append(f"short when {draw(condition)}")
    if draw(st.booleans()):
        lines.append(f"stop {draw(st.integers(1, 3))} * atr({second})")
    if draw(st.booleans()):
        lines.append(f"target edge_{second}")
    if draw(st.booleans()):
        lines.append("size where(close > open, 1, 50%)")
    lines.append(f"hold 2 * {second}")
    return "strategy s {\n  " + "\n  ".join(lines) + "\n}\n"


@cache
def small(text: Text) -> Text:
    """Restrict expressions to a length within the limits of the language."""
    return text.filter(lambda each: len(each) < 200)
