"""Operators of the language, as the catalog derives them from their declarations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from dsl.syntax.nodes import Define
from dsl.types.kinds import Inference, Kind

if TYPE_CHECKING:
    from dsl.terms.terms import Term


@dataclass(frozen=True, eq=False)
class Slot:
    """One argument of an operator: what may stand there, and its default.

    `kind` None is any number; `like` is the index of the argument whose kind it must share;
    `kind.typical` is the range from which the search draws literals and windows.
    """

    name: str
    kind: Kind | None
    default: Term | None = None
    like: int | None = None

    @property
    def is_window(self) -> bool:
        """Whether a constant number of bars stands here."""
        return self.kind is not None and self.kind.family == "window"

    @property
    def takes_literal(self) -> bool:
        """Whether the search writes a literal here rather than a series."""
        return self.kind is not None and self.kind.is_scale_free and self.kind.typical is not None


@dataclass(frozen=True, eq=False)
class Operator:
    """An operator of the language; the catalog derives it from its one declaration.

    Attributes:
        infer: kinds of the arguments -> kind of the result.
        kernel: `(*series, *windows, out) -> None` over float64 arrays of one length; None for
            an operator whose meaning is its `body`.
        lookback: windows -> how many earlier bars a value needs, beside its arguments'.
        body: the term a define stands for, over `argument(i)` leaves.
        is_pointwise: whether a value depends on its own bar alone.
        series: the bar field this is, for `open high low close volume`.
        facts: what is known of its values; never_above: of bar series, those it is at most.
        mirror: the define that is this operator between two changes of sign.
        node: the define it was read from; is_own: whether that is a user's, not the prelude's.
    """

    name: str
    slots: tuple[Slot, ...]
    infer: Callable[..., Inference]
    family: str
    about: str
    signature: str
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
        """The operators of a user's own that its body is written with."""
        parts = self.body.walk() if self.is_user_defined and self.body is not None else ()
        found = (part.operator for part in parts)
        return tuple(
            dict.fromkeys(each for each in found if each is not None and each.is_user_defined)
        )

    @cached_property
    def windows(self) -> tuple[int, ...]:
        """The slots where a window stands."""
        return tuple(index for index, slot in enumerate(self.slots) if slot.is_window)

    @property
    def is_bare(self) -> bool:
        """Whether its name alone may stand for it: `close`, and `obv` for `obv()`."""
        return not self.windows and all(slot.default is not None for slot in self.slots)

    @cached_property
    def required(self) -> int:
        """How many arguments have no default."""
        return sum(slot.default is None for slot in self.slots)

    def slot(self, index: int) -> Slot:
        """The slot of an argument; a variadic operator repeats its last."""
        return self.slots[index] if index < len(self.slots) else self.slots[-1]
