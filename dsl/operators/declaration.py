"""Declarations of operators, each beside its kernel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from dsl.syntax.vocabulary import Usage
from dsl.types.kinds import Inference

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Series = NDArray[np.float64]
    Condition = NDArray[np.bool_]


Fact = Literal[
    "maximum",  # the largest value of the window
    "mean",  # between the smallest and the largest value of the window
    "monotone",  # nondecreasing in each value of the first series
    "nonnegative",  # never below 0
    "keeps_sign",  # never below 0 if the first series is never below 0
    "whole",  # a whole number
    "keeps_whole",  # a whole number if all arguments except windows are
]
"""Property of an operator's known values; a define has the facts of its body.

The first argument is the series, and the second is the window if the operator has one."""


@dataclass(frozen=True)
class Declaration:
    """Declaration of a primitive operator.

    Attributes:
        kernel: function that computes it; None for a bar series and for `not`.
        signature: `sma(x: number, n: window = 20) -> like x`; ranges of windows and literals
            are where the search draws them from.
        about: one-line description.
        example: example of use, which the tests check and evaluate.
        phrase: template of its use in plain words; see `dsl.terms.operator.Operator`.
        usage: how usual it is in strategies, by the counts in `benchmarks/usage.csv`.
        aliases: other names, which the parser replaces.
        infer: kinds of the arguments -> kind of the result, if the `->` of the signature cannot
            express it.
        lookback: windows -> earlier bars that a value needs.
        complement: for a condition, the operator that is its `not`.
        symbol: symbol that replaces the name, such as `+`.
        is_pointwise: whether a value depends on its own bar alone.
        is_variadic: whether the last argument may be repeated.
        series: name of the bar series that it reads.
        facts: facts about its values.
        never_above: for a bar series, the series that are at least as large in each bar.
        mirror: define that negates this operator of a negated series: `lowest(x, n)` is
            `-highest(-x, n)`. Messages print the mirror.
    """

    kernel: Callable[..., None] | None
    signature: str
    about: str
    example: str
    phrase: str = ""
    usage: Usage = "usual"
    aliases: tuple[str, ...] = ()
    infer: Callable[..., Inference] | None = None
    lookback: Callable[..., int] | None = None
    complement: str = ""
    symbol: str = ""
    is_pointwise: bool = False
    is_variadic: bool = False
    series: str = ""
    facts: tuple[Fact, ...] = ()
    never_above: tuple[str, ...] = ()
    mirror: str = ""


def operator(signature: str, about: str, example: str, **more: Any) -> Callable[..., Declaration]:
    """Declare an operator by decorating its kernel; see `Declaration`."""

    def declare(kernel: Callable[..., None]) -> Declaration:
        return Declaration(kernel, signature, about, example, **more)

    return declare


def pointwise(signature: str, about: str, example: str, **more: Any) -> Callable[..., Declaration]:
    """Declare an operator whose value depends on its own bar alone."""
    return operator(signature, about, example, is_pointwise=True, **more)
