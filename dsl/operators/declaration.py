"""How an operator is declared: once, beside its kernel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from dsl.types.kinds import Inference

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Series = NDArray[np.float64]
    Condition = NDArray[np.bool_]


Fact = Literal[
    "maximum",  # it is the largest value of its window
    "mean",  # it lies between the smallest and the largest value of its window
    "monotone",  # it does not fall if a value of its first series rises
    "nonnegative",  # it is never below 0
    "keeps_sign",  # it is never below 0 if its first series is not
    "whole",  # it is a whole number
    "keeps_whole",  # it is a whole number if all its arguments but windows are
]
"""Property of an operator's values, wherever they are known; the facts of a define are its body's.

The operator takes the series first and the window, if it has one, second."""


@dataclass(frozen=True)
class Declaration:
    """Everything the tool knows of a primitive operator.

    Attributes:
        signature: `sma(x: number, n: window = 20) -> like x`; ranges of windows and literals
            are where the search draws them from.
        about: one line of meaning.
        example: a use of it, checked and evaluated by the tests.
        aliases: other names, normalised on entry.
        infer: the kind of the result from the kinds of the arguments, where the signature's
            `->` cannot say it.
        lookback: earlier bars needed, from the window arguments.
        complement: for a condition, the operator that is its `not`.
        symbol: how it is written, if not by its name.
        facts: what is known of its values.
        never_above: for a bar series, those that are at least as large in each bar.
        mirror: the define that is this operator between two changes of sign, as `lowest(x, n)` is
            `-highest(-x, n)`; messages print it.
    """

    kernel: Callable[..., None] | None
    signature: str
    about: str
    example: str
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
    """Declare the operator that the decorated kernel computes; see `Declaration`."""

    def declare(kernel: Callable[..., None]) -> Declaration:
        return Declaration(kernel, signature, about, example, **more)

    return declare


def pointwise(signature: str, about: str, example: str, **more: Any) -> Callable[..., Declaration]:
    """Declare an operator whose value depends on its own bar alone."""
    return operator(signature, about, example, is_pointwise=True, **more)
