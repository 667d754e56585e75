"""Terms to series: a memo of indicator series in a bounded arena, everything else in scratch.

Rolling and recursive series, lags, constants and whole indicators (the expansions of defines)
are kept by term and shared by all programs of a run; conditions are kept as bits. Other pointwise
arithmetic is computed where it is needed: that is cheaper than keeping it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from operator import and_, or_
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dsl.bars import FIELDS, Bars
from dsl.catalog import catalog
from dsl.evaluate.compile import compiled
from dsl.evaluate.signals import BUY, COVER, SELL, SHORT, Rulings, Signals, Words
from dsl.kinds import BOOL, LEVEL
from dsl.program import Program, is_ratio
from dsl.simplify import canonical, negation
from dsl.terms import Operator, Term

Series = NDArray[np.float64]
Row = NDArray[Any]

ARENA_MB = 64
WORDS_A_SERIES = 32  # a bit a bar
VIEWS_A_SERIES = 4  # lags, which take no memory
PADDING_BARS = 64


def evaluate(program: Program, bars: Bars) -> tuple[Signals, ...]:
    """The signals of one program on the bars of a panel, one entry a symbol.

    Each symbol is read by itself: a bar that it has not does not exist for it.
    """
    return tuple(
        Evaluator(bars.alone(symbol)).signals([program]).on(bars.places(symbol), len(bars))
        for symbol in range(len(bars.symbols))
    )


def values(term: Term, bars: Bars) -> Row:
    """float64[symbol, bar] (or bool of a condition): the values of a term on a panel.

    Where a symbol has no bar they are NaN (or false).
    """
    rows = []
    for symbol in range(len(bars.symbols)):
        own = Evaluator(bars.alone(symbol)).series(term)
        missing = False if own.dtype == np.bool_ else math.nan
        row = np.full(len(bars), missing, own.dtype)
        row[bars.places(symbol)] = own
        rows.append(row)
    return np.stack(rows)


class _Plan(NamedTuple):
    """How an operator's kernel is called, worked out once.

    Attributes:
        places: what each argument is: SERIES, WINDOW, or PAIRED with its complement.
        kind: the type of its result.
        is_kept: whether its series is worth keeping.
        compares: whether it makes a condition of two series.
    """

    kernel: Callable[..., None]
    places: tuple[int, ...]
    kind: type
    is_kept: bool
    compares: bool


SERIES, WINDOW, PAIRED = range(3)
UNSET = np.array([1.0, math.inf, math.inf, math.inf])  # size, stop, trail and target
JOINS = {"and": and_, "or": or_}


class Evaluator:
    """Computes terms and programs on the bars of one symbol."""

    def __init__(self, bars: Bars, arena_mb: float = ARENA_MB) -> None:
        """
        Args:
            bars: one symbol's.
            arena_mb: memory for kept series; past it they are dropped and computed again.
        """
        if len(bars.symbols) != 1:
            raise ValueError(f"one symbol is evaluated at a time, not {len(bars.symbols)}")
        self.length = len(bars)
        self._spare: list[Series] = []  # buffers: unknown bars, and then a row
        self._used: list[Series] = []
        given = {name: getattr(bars, name)[0] for name in FIELDS} | bars.calendar
        self._series = {name: self._padded(values) for name, values in given.items()}
        self._capacity = max(64, int(arena_mb * 1e6 / (8 * max(1, self.length))))
        self._kept: dict[Term, Row] = {}
        self._kept_words: dict[Term, Words] = {}
        self._settings = np.empty((0, self.length))
        self._plans: dict[Operator, _Plan] = {}
        self._complements: dict[Term, Term] = {}
        self._constant = {
            False: np.zeros(self.length, np.bool_),
            True: np.ones(self.length, np.bool_),
        }
        self._eights = np.zeros(8 * -(-self.length // 64), np.uint64)  # a byte a bar, to be packed
        self._flags = self._eights.view(np.bool_)[: self.length]
        self._rows: dict[type, list[Row]] = {np.float64: [], np.bool_: [self._flags]}
        self._pack = compiled(pack)
        lag = catalog().operator("lag").kernel
        assert lag is not None
        self._lag = compiled(lag)

    def series(self, term: Term) -> Row:
        """float64[bar] (or bool[bar] of a condition): the values of a canonical term, as a copy."""
        self._make_room()
        return self._value(term).copy()

    def signals(self, programs: Sequence[Program]) -> Signals:
        """What each program says on every bar."""
        said = self.rulings(programs)
        bytes_ = said.words.view(np.uint8)
        bits = np.unpackbits(bytes_, axis=2, count=self.length, bitorder="little")
        orders = bits[:, 0] * BUY + bits[:, 1] * SELL + bits[:, 2] * SHORT + bits[:, 3] * COVER
        rows = said.rows.copy()
        constant = (rows < 0) & (said.constants != UNSET)
        settings = np.concatenate(
            [
                said.settings[: rows.max(initial=-1) + 1],
                np.broadcast_to(said.constants[constant][:, None], (constant.sum(), self.length)),
            ]
        )
        rows[constant] = np.arange(len(settings) - constant.sum(), len(settings))
        return Signals(orders, settings, rows, said.is_ratio, said.hold_bars)

    def rulings(self, programs: Sequence[Program]) -> Rulings:
        """What each program says, for the quick ways of scoring; good until the next call."""
        count = len(programs)
        words = np.zeros((count, 4, len(self._eights) // 8), np.uint64)
        rows, constants = np.full((count, 4), -1, np.int64), np.tile(UNSET, (count, 1))
        ratios, hold = np.zeros((count, 4), np.bool_), np.zeros(count, np.int64)
        filled = 0
        for index, program in enumerate(programs):
            self._make_room()
            rules = program.canonical
            for column, term in enumerate(rules[:4]):
                if term is not None:
                    words[index, column] = self._words(term)
            for column, term in enumerate(rules[4:8]):
                if term is None:
                    continue
                ratios[index, column] = is_ratio(term)
                if term.value is not None:
                    constants[index, column] = term.value if term.value > 0 else math.nan
                else:
                    if filled == len(self._settings):
                        self._settings.resize((2 * filled + 2, self.length), refcheck=False)
                    self._settings[filled] = self._value(term)
                    rows[index, column] = filled
                    filled += 1
            if rules.hold is not None:
                hold[index] = int(rules.hold.value or 0)
        return Rulings(words, self._settings, rows, constants, ratios, hold)

    def _words(self, term: Term) -> Words:
        """A condition as bits, kept: most of a child's conditions are its parents'."""
        kept = self._kept_words.get(term)
        if kept is not None:
            return kept
        join = JOINS.get(term.head)
        if join is not None:
            words = self._words(term.args[0])
            for arg in term.args[1:]:
                words = join(words, self._words(arg))
        else:
            words = np.empty(len(self._eights) // 8, np.uint64)
            self._flag(term)
            self._pack(self._eights, words)
        self._kept_words[term] = words
        return words

    def _flag(self, term: Term) -> None:
        """Write a condition to the flags."""
        plan = self._plans.get(term.operator) if term.operator else None
        if plan is not None and plan.compares:
            plan.kernel(self._value(term.args[0]), self._value(term.args[1], 1), self._flags)
            return
        value = self._value(term)
        if value is not self._flags:
            self._flags[:] = value

    def _value(self, term: Term, depth: int = 0) -> Row:
        """The values of a canonical term: kept, or in scratch from a depth on until the next."""
        kept = self._kept.get(term)
        if kept is not None:
            return kept
        operator = term.operator
        if operator is None:
            if isinstance(term.leaf, bool):
                return self._constant[term.leaf]
            row = self._kept[term] = self._blank()
            row.fill(math.nan if term.value is None else term.value)
            return row
        if operator.series:
            return self._series[operator.name]
        if operator.name == "lag":
            return self._lagged(term, depth)
        plan = self._plans.get(operator) or self._plan(operator)
        inputs: list[Row | int] = []
        above = depth
        places = plan.places * len(term.args) if operator.is_variadic else plan.places
        for arg, how in zip(term.args, places, strict=False):
            if how == WINDOW:
                inputs.append(int(arg.value or 0))
                continue
            inputs.append(self._value(arg, above))
            above += 1
            if how == PAIRED:
                inputs.append(self._value(self._complement(arg), above))
                above += 1
        # A pointwise kernel may write where it reads; what is kept has a place of its own.
        is_kept = plan.is_kept or term.is_indicator
        out = self._blank() if is_kept else self._scratch(plan.kind, depth)
        if operator.is_variadic:
            plan.kernel(inputs[0], inputs[1], out)
            for further in inputs[2:]:
                plan.kernel(out, further, out)
        else:
            plan.kernel(*inputs, out)
        if is_kept:
            self._kept[term] = out
        return out

    def _scratch(self, kind: type, depth: int) -> Row:
        rows = self._rows[kind]
        while len(rows) <= depth:
            rows.append(np.empty(self.length, kind))
        return rows[depth]

    def _lagged(self, term: Term, depth: int) -> Row:
        """A lag of what is kept is the same memory, seen from some bars earlier on."""
        x, bars = self._value(term.args[0], depth), int(term.args[1].value or 0)
        buffer = x.base
        if buffer is not None and bars <= PADDING_BARS:
            row = buffer[PADDING_BARS - bars :][: self.length]
        else:
            row = self._blank()
            self._lag(x, bars, row)
        self._kept[term] = row
        return row

    def _blank(self) -> Series:
        """A row to keep."""
        if self._spare:
            buffer = self._spare.pop()
        else:
            buffer = np.empty(PADDING_BARS + self.length)
            buffer[:PADDING_BARS] = math.nan
        self._used.append(buffer)
        return buffer[PADDING_BARS:]

    def _padded(self, values: Series) -> Series:
        """A row that stays."""
        return np.concatenate([np.full(PADDING_BARS, math.nan), values])[PADDING_BARS:]

    def _complement(self, term: Term) -> Term:
        """The canonical condition that holds where another is known not to."""
        found = self._complements.get(term)
        if found is None:
            find = catalog().operator
            found = self._complements[term] = canonical(negation(term, find), find)
        return found

    def _plan(self, operator: Operator) -> _Plan:
        assert operator.kernel is not None, operator.name
        kinds = [slot.kind or LEVEL for slot in operator.slots]
        gives_condition = operator.judge(*kinds).kind == BOOL
        places = tuple(
            WINDOW if index in operator.windows
            else PAIRED if kind == BOOL and not gives_condition
            else SERIES
            for index, kind in enumerate(kinds)
        )  # fmt: skip
        kind = np.bool_ if gives_condition else np.float64
        kernel = compiled(operator.kernel)
        compares = gives_condition and places == (SERIES, SERIES) and not operator.is_variadic
        plan = _Plan(kernel, places, kind, not operator.is_pointwise, compares)
        self._plans[operator] = plan
        return plan

    def _make_room(self) -> None:
        """Drop what is kept once the arena is full; its rows are used again."""
        if len(self._used) >= self._capacity or len(self._kept) >= VIEWS_A_SERIES * self._capacity:
            self._spare += self._used
            self._used.clear()
            self._kept.clear()
        if len(self._kept_words) >= WORDS_A_SERIES * self._capacity:
            self._kept_words.clear()
            self._complements.clear()


def pack(eights: Words, words: Words) -> None:
    """Bytes that are 0 or 1, eight in a word, to bits: a product brings each to its place."""
    gather, top = np.uint64(0x0102040810204080), np.uint64(56)
    for i in range(len(words)):
        word = np.uint64(0)
        for eighth in range(8):
            word |= ((eights[8 * i + eighth] * gather) >> top) << np.uint64(8 * eighth)
        words[i] = word
