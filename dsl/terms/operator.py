"""Operators of the language, which the catalog derives from their declarations."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from dsl.syntax.nodes import Define
from dsl.syntax.vocabulary import Usage
from dsl.types.kinds import Inference, Kind

if TYPE_CHECKING:
    from dsl.terms.terms import Term

PLACEHOLDER = re.compile(r"\{~?(\w+)\}")


@dataclass(frozen=True, eq=False)
class Slot:
    """Formal argument of an operator.

    Attributes:
        name: name of the argument.
        kind: kind of the argument; None for any number. `kind.typical` is the range from which
            the search draws literals and windows.
        default: default value; None if the argument is required.
        like: index of the argument of which the kind must be the same.
    """

    name: str
    kind: Kind | None
    default: Term | None = None
    like: int | None = None

    @property
    def is_window(self) -> bool:
        """True if the argument is a window, a constant number of bars."""
        return self.kind is not None and self.kind.family == "window"

    @property
    def takes_literal(self) -> bool:
        """True if the search draws a literal here rather than a series."""
        return self.kind is not None and self.kind.is_scale_free and self.kind.typical is not None


@dataclass(frozen=True, eq=False)
class Operator:
    """Operator of the language.

    Attributes:
        name: name in the canonical form: `sma`, `+`.
        slots: formal arguments.
        infer: kinds of the arguments -> inference of the result.
        family: heading under which the reference lists it.
        about: one-line description.
        signature: `sma(x: number, n: window = 20) -> like x`.
        phrase: template of its use in plain words, such as `the {n}-bar median of {x}`; empty for
            none. `{x}` is an argument, and `{~x}` one without `the`. A part in brackets is left
            out if its argument has its default value, or is the close. A condition has a verb:
            `{x} is below {y}`. The last argument of a variadic operator is a list.
        usage: how usual it is in strategies; the search draws usual operators more often.
        aliases: other names, which the parser accepts.
        example: example of use.
        kernel: `(*operands, out) -> None` in the order of the slots: float64 series, whole
            windows, and a condition as a bool mask (two masks, `holds` and `fails`, if the result
            is numeric); None for a define, a bar series and `not`.
        lookback: windows -> earlier bars that a value needs, beside those of its arguments.
        body: term that a define abbreviates, over `argument(i)` leaves.
        is_pointwise: whether a value depends on its own bar alone.
        is_variadic: whether the last argument may be repeated.
        complement: for a condition, the operator that is its `not`.
        series: name of the bar series that the operator reads, such as `close`.
        facts: facts about its values; see `dsl.operators.declaration.Fact`.
        never_above: for a bar series, the series that are at least as large in each bar.
        mirror: define that negates this operator of a negated series.
        node: syntax node of a define.
        is_user_defined: whether a user's file defines it, rather than the prelude.
    """

    name: str
    slots: tuple[Slot, ...]
    infer: Callable[..., Inference]
    family: str
    about: str
    signature: str
    phrase: str = ""
    usage: Usage = "usual"
    aliases: tuple[str, ...] = ()
    example: str = ""
    kernel: Callable[..., None] | None = None
    lookback: Callable[..., int] | None = None
    body: Term | None = None
    is_pointwise: bool = False
    is_variadic: bool = False
    complement: str = ""
    series: str = ""
    facts: tuple[str, ...] = ()
    never_above: tuple[str, ...] = ()
    mirror: str = ""
    node: Define | None = None
    is_user_defined: bool = False

    @cached_property
    def uses(self) -> tuple[Operator, ...]:
        """User-defined operators in the body of a user-defined operator."""
        parts = self.body.walk() if self.is_user_defined and self.body is not None else ()
        operators = (part.operator for part in parts)
        return tuple(
            dict.fromkeys(each for each in operators if each is not None and each.is_user_defined)
        )

    @cached_property
    def windows(self) -> tuple[int, ...]:
        """Indices of the slots that are windows."""
        return tuple(index for index, slot in enumerate(self.slots) if slot.is_window)

    @property
    def is_bare(self) -> bool:
        """True if it may be written without arguments: `close`, and `obv` for `obv()`."""
        return not self.windows and all(slot.default is not None for slot in self.slots)

    @cached_property
    def required(self) -> int:
        """Number of arguments without a default."""
        return sum(slot.default is None for slot in self.slots)

    def slot(self, index: int) -> Slot:
        """Return the slot of an argument; a variadic operator repeats its last slot."""
        return self.slots[index] if index < len(self.slots) else self.slots[-1]


def list_placeholders(phrase: str) -> list[str]:
    """Return the names of the arguments in a phrase, in order."""
    return PLACEHOLDER.findall(phrase)
