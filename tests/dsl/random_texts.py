"""Seeded random texts: valid programs, mutated strategies, soups of words and of bytes."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from random import Random

from dsl.analysis.catalog import catalog
from dsl.syntax.vocabulary import RESERVED, SETTINGS
from dsl.terms.infer import infer_kind
from dsl.terms.operator import Operator, Slot
from dsl.terms.terms import call, number, truth
from dsl.types.kinds import BOOL

ROOT = Path(__file__).parents[2]
SERIES = ("open", "high", "low", "close", "volume")
NUMBERS = ("0", "1", "2", "3", "14", "0.5", "2.5", "30", "-1", "6%", "1e-3", "1e308", "1e-320")
WINDOWS = ("1", "2", "3", "5", "14", "20", "4 / 2", "floor(sqrt(10))", "where(2 > 1, 3, 4)")
ODD = (
    "1e999", "9" * 5000, "0." + "1" * 5000, "-5", "1.5", "(", ")", "((", "[", "]", "{", "}",
    '"', "#", "not", "- -", "<", "==", "!", "&&", ",", ";", "..", "->", "=", "%", "\x00", "\u202e",
    "\ud800", "\ufeff", "\u0663", "\u00e9", "\x0b", "\x85", "\r", "\n", "true", "strategy",
    "define", "x" * 500, "let a = a", "other(99999999999999999999, 1)", "10**30", "inf", "nan",
    "\u5024",
)  # fmt: skip


@cache
def _operators() -> tuple[tuple[Operator, ...], tuple[Operator, ...]]:
    """Return the operators with a number and with a condition as a result."""
    numeric: list[Operator] = []
    conditions: list[Operator] = []
    for each in catalog():
        if each.name.isidentifier() and not each.series and each.name not in ("and", "or", "not"):
            (conditions if _gives_condition(each) else numeric).append(each)
    return tuple(numeric), tuple(conditions)


def _gives_condition(operator: Operator) -> bool:
    sample = {True: truth(True), False: number(3)}
    args = [slot.default or sample[slot.kind == BOOL] for slot in operator.slots]
    return infer_kind(call(operator, *args)) == BOOL


def write_program(rng: Random) -> str:
    """Write a program of params, lets, defines and rules, which is usually valid."""
    return _Writer(rng).write()


class _Writer:
    """Writer of a random program, which knows the names defined so far."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.numbers = list(SERIES)
        self.conditions: list[str] = []
        self.windows = list(WINDOWS)
        self.defines: list[str] = []

    def write(self) -> str:
        rng, head, lines = self.rng, [], []
        for index in range(rng.choice((0, 0, 1, 2))):
            head.append(self._define(f"d{index}"))
        for index in range(rng.randrange(3)):
            lines.append(f"param p{index} = {rng.randint(2, 9)} in 2..{rng.randint(9, 30)}")
            self.windows += [f"p{index}", f"p{index} + 1", f"where(p{index} > 5, p{index}, 3)"]
            self.numbers.append(f"p{index}")
        for index in range(rng.randrange(4)):
            is_condition = rng.random() < 0.3
            value = self.condition(2) if is_condition else self.number(3)
            lines.append(f"let v{index} = {value}")
            (self.conditions if is_condition else self.numbers).append(f"v{index}")
        is_held = rng.random() < 0.2
        lines.append(f"buy {'while' if is_held else 'when'} {self.condition(3)}")
        for order in ("short", "cover") if is_held else ("sell", "short", "cover"):
            if rng.random() < 0.4:
                lines.append(f"{order} when {self.condition(3)}")
        for setting in SETTINGS:
            if rng.random() < 0.2:
                lines.append(f"{setting} {self._setting(setting)}")
        return "\n".join([*head, "strategy s {", *lines, "}"])

    def number(self, depth: int) -> str:
        """Write a number."""
        rng, choice = self.rng, self.rng.random()
        if depth == 0 or choice < 0.25:
            return rng.choice(self.numbers) if rng.random() < 0.7 else rng.choice(NUMBERS)
        if choice < 0.5:
            sign = rng.choice("+-*/")
            return f"({self.number(depth - 1)} {sign} {self.number(depth - 1)})"
        if choice < 0.56:
            return (
                f"{self.number(depth - 1)}[{rng.choice(('0', '1', '5', rng.choice(self.windows)))}]"
            )
        if choice < 0.62:
            return f"where({self.condition(depth - 1)}, {self.number(depth - 1)}, {self.number(0)})"
        if choice < 0.7 and self.defines:
            return (
                f"{rng.choice(self.defines)}({self.number(depth - 1)}, {rng.choice(self.windows)})"
            )
        return self._call(rng.choice(_operators()[0]), depth)

    def condition(self, depth: int) -> str:
        """Write a condition."""
        rng, choice = self.rng, self.rng.random()
        if self.conditions and choice < 0.15:
            return rng.choice(self.conditions)
        if depth == 0 or choice < 0.5:
            sign = rng.choice(("<", "<=", ">", ">=", "==", "!="))
            return f"{self.number(max(depth - 1, 0))} {sign} {self.number(max(depth - 1, 0))}"
        if choice < 0.6:
            return f"not ({self.condition(depth - 1)})"
        if choice < 0.85:
            join = rng.choice(("and", "or"))
            return f"({self.condition(depth - 1)} {join} {self.condition(depth - 1)})"
        return self._call(rng.choice(_operators()[1]), depth) if _operators()[1] else "true"

    def _call(self, operator: Operator, depth: int) -> str:
        return f"{operator.name}({', '.join(self._arg(each, depth) for each in operator.slots)})"

    def _arg(self, slot: Slot, depth: int) -> str:
        if slot.is_window:
            return self.rng.choice(self.windows)
        if slot.kind == BOOL:
            return self.condition(depth - 1)
        return self.number(depth - 1)

    def _define(self, name: str) -> str:
        self.numbers.append("x")
        self.windows.append("n")
        body = self.number(3)
        self.numbers.remove("x")
        self.windows.remove("n")
        self.defines.append(name)
        return f"define {name}(x: number, n: window = 5) -> number = x + {body} * n"

    def _setting(self, name: str) -> str:
        rng = self.rng
        if name == "hold":
            return rng.choice(self.windows)
        if name == "size":
            return rng.choice(("1", "0.5", f"min(1, {self.number(1)} / close)"))
        return rng.choice(("5%", "2 * atr(14)", f"abs({self.number(1)})"))


@cache
def shipped_strategies() -> tuple[str, ...]:
    """Return the texts of the strategies that ship, and of the prelude."""
    paths = [*sorted((ROOT / "experiments" / "strategies").glob("*.evo"))]
    return tuple(path.read_text("utf-8") for path in paths)


def mutate(rng: Random, text: str) -> str:
    """Delete, repeat, swap or replace a few words of a text."""
    words = re.findall(r"\s+|\w+|.", text, re.DOTALL)
    for _ in range(rng.randint(1, 4)):
        at, other = rng.randrange(len(words)), rng.randrange(len(words))
        match rng.randrange(5):
            case 0:
                words[at] = ""
            case 1:
                words[at] += words[other]
            case 2:
                words[at], words[other] = words[other], words[at]
            case 3:
                words[at] = rng.choice(ODD)
            case _:
                words[at] = rng.choice((*RESERVED, *SERIES, *NUMBERS, "sma", "rsi"))
    return "".join(words)


def mix_words(rng: Random) -> str:
    """Write words of the language in any order."""
    pool = (
        *RESERVED,
        *SERIES,
        *NUMBERS,
        *ODD,
        "sma",
        "(",
        ")",
        "{",
        "}",
        "strategy s {",
        "buy when",
        "short while",
    )
    return " ".join(rng.choice(pool) for _ in range(rng.randint(1, 40)))


def mix_bytes(rng: Random) -> str:
    """Write characters of any kind."""
    data = rng.randbytes(rng.randint(0, 120))
    if rng.random() < 0.3:
        return "".join(chr(rng.randrange(0x11_0000)) for _ in data)
    return data.decode(rng.choice(("utf-8", "latin-1")), "surrogateescape")


def write_text(rng: Random) -> str:
    """Write a text of any of the kinds of this module."""
    choice = rng.random()
    if choice < 0.5:
        return write_program(rng)
    if choice < 0.85:
        source = rng.choice(shipped_strategies()) if rng.random() < 0.5 else write_program(rng)
        return mutate(rng, source)
    return mix_words(rng) if choice < 0.95 else mix_bytes(rng)
