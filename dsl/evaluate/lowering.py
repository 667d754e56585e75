"""Terms and programs to steps.

Rolling and recursive series, lags, constants and whole indicators (the expansions of defines) are
kept by term and shared by all programs of a run, and so are conditions, as bits. Other pointwise
arithmetic is computed where it is needed: that is cheaper than keeping it.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from dsl.analysis.catalog import catalog
from dsl.analysis.program import Program, gives_ratio
from dsl.evaluate.arena import PADDING_BARS, STEP_FIELDS, Arena
from dsl.evaluate.signals import SignalBuffers, empty
from dsl.terms.canonical import canonicalize, negate
from dsl.terms.infer import infer_kind
from dsl.terms.operator import Operator
from dsl.terms.terms import Term
from dsl.types.kinds import BOOL, LEVEL

Steps = NDArray[np.int64]
Written = TypeVar("Written")

SERIES, WINDOW, CONDITION = range(3)
NONE = (0, 0, 0, 0)
JOINS = ("and", "or")  # of conditions' bits


class Instruction(NamedTuple):
    """How an operator becomes a step.

    Attributes:
        step: the address of its kernel.
        takes: what each argument is: SERIES, WINDOW, or CONDITION, taken with its complement.
        is_kept: whether its series is worth keeping.
        is_fixed: whether it takes as many arguments as that; else two or more series.
        is_pair: whether it takes two series, as most steps do.
    """

    step: int
    takes: tuple[int, ...]
    is_cached: bool
    is_fixed: bool
    is_pair: bool


@cache
def build_instruction(operator: Operator) -> Instruction:
    """How an operator with a kernel becomes a step; compiles it."""
    from dsl.evaluate import vm

    assert operator.kernel is not None, operator.name
    kinds = [slot.kind or LEVEL for slot in operator.slots]
    takes = tuple(
        WINDOW if slot.is_window else CONDITION if kind == BOOL else SERIES
        for slot, kind in zip(operator.slots, kinds, strict=True)
    )
    gives = vm.FLAGS if operator.infer(*kinds).kind == BOOL else vm.SERIES
    views = {SERIES: (vm.SERIES,), WINDOW: (vm.WINDOW,),
             CONDITION: (vm.FLAGS, vm.FLAGS)}  # fmt: skip
    taken = tuple(view for each in takes for view in views[each])
    step = vm.build_step(operator.kernel, taken, gives)
    is_fixed = not operator.is_variadic
    is_pair = is_fixed and takes == (SERIES, SERIES)
    return Instruction(step, takes, not operator.is_pointwise, is_fixed, is_pair)


def list_kernels() -> dict[str, Callable[..., None]]:
    """The kernels that become steps, by operator."""
    return {
        each.name: each.kernel
        for each in catalog()
        if each.kernel is not None and each.name not in JOINS
    }


class Lowering:
    """Writes steps that work on an arena."""

    def __init__(self, arena: Arena) -> None:
        from dsl.evaluate import vm

        self._arena = arena
        self._steps = array("q")
        self._scratch: list[int] = []  # by depth
        self._scratch_flags: list[int] = []
        self._complements: dict[Term, Term] = {}
        of = vm.build_step
        pair = (vm.BITS, vm.BITS)
        joins = [of(kernel, pair, vm.BITS) for kernel in (vm.both, vm.either)]
        self._joins = dict(zip(JOINS, joins, strict=True))
        self._pack = of(vm.pack, (vm.EIGHTS,), vm.BITS)
        self._unpack = of(vm.unpack, (vm.BITS,), vm.EIGHTS)
        self._repeat = of(vm.repeat, (vm.SERIES,), vm.SERIES)
        self._lag = catalog().operator("lag")

    def term(self, term: Term) -> int:
        """The place of a term: of a condition's bits, or of a number's values."""
        write = self._bits if infer_kind(term) == BOOL else self._series
        return self._alone(lambda: write(term))

    def programs(self, programs: Sequence[Program]) -> SignalBuffers:
        """The first programs, one at least, as steps: where it will be said what they say."""
        said = empty(len(programs), self._arena)
        self._alone(lambda: self._write(programs[0], said, 0))
        count = 1
        while count < len(programs):
            mark = len(self._steps)
            self._write(programs[count], said, count)
            if self._arena.is_full:
                self.release(mark)
                break
            count += 1
        said = said._replace(memory=self._arena.memory, words=self._arena.words)
        return said.head(count)

    def taken(self) -> Steps:
        """int64[step, STEP_FIELDS]: the steps that were written."""
        steps, self._steps = self._steps, array("q")
        return np.asarray(steps, np.int64).reshape(-1, STEP_FIELDS)

    def release(self, mark: int = 0) -> None:
        """Take back what is kept, and the steps from one on."""
        del self._steps[mark:]
        self._scratch.clear()
        self._scratch_flags.clear()
        self._complements.clear()
        self._arena.release()

    def _write(self, program: Program, said: SignalBuffers, index: int) -> None:
        """The steps of a program, and where it is said what it says."""
        rules = program.canonical
        for column, term in enumerate(rules[:4]):
            if term is not None:
                said.conditions[index, column] = self._bits(term)
        for column, term in enumerate(rules[4:8]):
            if term is None:
                continue
            said.is_ratio[index, column] = gives_ratio(term)
            if term.value is not None:
                said.constants[index, column] = term.value if term.value > 0 else math.nan
            else:
                said.settings[index, column] = self._series(term, keeps=True)
        if rules.hold is not None:
            said.hold_bars[index] = int(rules.hold.value or 0)

    def _alone(self, write: Callable[[], Written]) -> Written:
        """What a function writes before any other step, with room made for it."""
        written = write()
        if self._arena.is_full:
            self.release()
            written = write()
        while self._arena.is_full:
            self.release()
            self._arena.grow()
            written = write()
        return written

    def _bits(self, term: Term, depth: int = 0) -> int:
        """The place of a condition's bits, kept: most of a child's conditions are its parents'."""
        arena = self._arena
        place = arena.kept.get(term)
        if place is not None:
            return place
        operator = term.operator
        if operator is None:
            return arena.truths[bool(term.leaf)]
        join = self._joins.get(operator.name)
        if join is None:
            plan = build_instruction(operator)
            self._call(plan, term.args, arena.flags, depth)
            place = arena.allocate_bits()
            self._steps.extend((self._pack, place, arena.flags, 0, 0, 0))
        else:
            place = self._bits(term.args[0], depth)
            for arg in term.args[1:]:
                one, other, place = place, self._bits(arg, depth), arena.allocate_bits()
                self._steps.extend((join, place, one, other, 0, 0))
        arena.kept[term] = place
        return place

    def _series(self, term: Term, depth: int = 0, keeps: bool = False) -> int:
        """The place of a number's values: kept, or scratch of a depth until the next there."""
        arena = self._arena
        place = arena.kept.get(term)
        if place is not None:
            return place
        operator = term.operator
        if operator is None:
            place = arena.allocate_series()
            value = arena.value(math.nan if term.value is None else term.value)
            self._steps.extend((self._repeat, place, value, 0, 0, 0))
        elif operator.series:
            place = arena.given[operator.name]
        elif operator is self._lag and _is_shift(*term.args):
            place = self._series(term.args[0], depth, keeps=True) - int(term.args[1].value or 0)
        else:
            plan = build_instruction(operator)
            if not (keeps or plan.is_cached or term.is_indicator):
                place = self._scratch_of(depth)
                self._call(plan, term.args, place, depth)
                return place
            place = arena.allocate_series()
            self._call(plan, term.args, place, depth)
        arena.kept[term] = place
        return place

    def _call(self, plan: Instruction, args: tuple[Term, ...], out: int, depth: int) -> None:
        """The step of an operator, after those of its arguments, in scratch from a depth on.

        A pointwise kernel may write where it reads numbers; what is kept has its own place.
        """
        kept = self._arena.kept
        if plan.is_pair:
            x, y = args
            first = kept.get(x) or self._series(x, depth)
            second = kept.get(y) or self._series(y, depth + 1)
            self._steps.extend((plan.step, out, first, second, 0, 0))
            return
        inputs: list[int] = []
        takes_all = plan.takes if plan.is_fixed else (SERIES,) * len(args)
        for arg, takes in zip(args, takes_all, strict=True):
            if takes == WINDOW:
                inputs.append(int(arg.value or 0))
            elif takes == SERIES:
                inputs.append(kept.get(arg) or self._series(arg, depth + len(inputs)))
            else:
                for condition in (arg, self._complement(arg)):
                    bits = self._bits(condition, depth + len(inputs))
                    flags = self._scratch_flags_of(depth + len(inputs))
                    self._steps.extend((self._unpack, flags, bits, 0, 0, 0))
                    inputs.append(flags)
        if plan.is_fixed:
            self._steps.extend((plan.step, out, *inputs, *NONE[len(inputs) :]))
            return
        for further in inputs[1:]:
            self._steps.extend((plan.step, out, inputs[0], further, 0, 0))
            inputs[0] = out

    def _scratch_of(self, depth: int) -> int:
        """A place for what is not kept."""
        while len(self._scratch) <= depth:
            self._scratch.append(self._arena.allocate_series())
        return self._scratch[depth]

    def _scratch_flags_of(self, depth: int) -> int:
        while len(self._scratch_flags) <= depth:
            self._scratch_flags.append(self._arena.allocate_flags())
        return self._scratch_flags[depth]

    def _complement(self, term: Term) -> Term:
        """The canonical condition that holds where another is known not to."""
        found = self._complements.get(term)
        if found is None:
            find = catalog().operator
            found = self._complements[term] = canonicalize(negate(term, find), find)
        return found


def _is_shift(x: Term, bars: Term) -> bool:
    """Whether a lag is the same memory as what it is of, seen from some bars earlier on."""
    return x.head != "lag" and int(bars.value or 0) <= PADDING_BARS
