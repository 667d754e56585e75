"""Lowering of terms and programs to instructions of the virtual machine.

Rolling and recursive series, lags, constants, indicators (the expansions of defines) and the bits
of conditions are cached by term and shared by all programs. Other pointwise arithmetic is computed
on each use, which is cheaper than a cache.
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
from dsl.evaluate.arena import INSTRUCTION_FIELDS, PADDING_BARS, Arena
from dsl.evaluate.signals import SignalBuffers, empty
from dsl.terms.canonical import canonicalize, negate
from dsl.terms.infer import infer_kind
from dsl.terms.operator import Operator
from dsl.terms.terms import Term
from dsl.types.kinds import BOOL, LEVEL

Code = NDArray[np.int64]
Result = TypeVar("Result")

SERIES, WINDOW, CONDITION = range(3)
UNUSED = (0, 0, 0, 0)  # operands
JOINS = ("and", "or")  # computed on bits


class Instruction(NamedTuple):
    """Instruction of an operator.

    Attributes:
        opcode: address of the compiled kernel.
        operands: kind of each operand: SERIES, WINDOW, or CONDITION, which is passed with its
            complement.
        is_cached: whether its series is cached.
        is_fixed: whether the number of operands is fixed; else it takes two or more series.
        is_pair: whether it takes two series, as most instructions do.
    """

    opcode: int
    operands: tuple[int, ...]
    is_cached: bool
    is_fixed: bool
    is_pair: bool


@cache
def build_instruction(operator: Operator) -> Instruction:
    """Build the instruction of an operator; compile its kernel."""
    from dsl.evaluate import vm

    assert operator.kernel is not None, operator.name
    kinds = [slot.kind or LEVEL for slot in operator.slots]
    operands = tuple(
        WINDOW if slot.is_window else CONDITION if kind == BOOL else SERIES
        for slot, kind in zip(operator.slots, kinds, strict=True)
    )
    result = vm.FLAGS if operator.infer(*kinds).kind == BOOL else vm.SERIES
    views = {SERIES: (vm.SERIES,), WINDOW: (vm.WINDOW,),
             CONDITION: (vm.FLAGS, vm.FLAGS)}  # fmt: skip
    vm_operands = tuple(view for each in operands for view in views[each])
    opcode = vm.compile_opcode(operator.kernel, vm_operands, result)
    is_fixed = not operator.is_variadic
    is_pair = is_fixed and operands == (SERIES, SERIES)
    return Instruction(opcode, operands, not operator.is_pointwise, is_fixed, is_pair)


def list_kernels() -> dict[str, Callable[..., None]]:
    """Return the kernels that are compiled to instructions, by operator."""
    return {
        each.name: each.kernel
        for each in catalog()
        if each.kernel is not None and each.name not in JOINS
    }


class Lowering:
    """Lowering of terms and programs to code for an arena."""

    def __init__(self, arena: Arena) -> None:
        from dsl.evaluate import vm

        self._arena = arena
        self._code = array("q")
        self._scratch: list[int] = []  # offsets by depth
        self._scratch_flags: list[int] = []
        self._complements: dict[Term, Term] = {}
        pair = (vm.BITS, vm.BITS)
        joins = [vm.compile_opcode(kernel, pair, vm.BITS) for kernel in (vm.both, vm.either)]
        self._joins = dict(zip(JOINS, joins, strict=True))
        self._pack = vm.compile_opcode(vm.pack, (vm.EIGHTS,), vm.BITS)
        self._unpack = vm.compile_opcode(vm.unpack, (vm.BITS,), vm.EIGHTS)
        self._repeat = vm.compile_opcode(vm.repeat, (vm.SERIES,), vm.SERIES)
        self._lag = catalog().operator("lag")

    def lower_term(self, term: Term) -> int:
        """Lower a term; return the offset of its bits or values."""
        lower = self._lower_condition if infer_kind(term) == BOOL else self._lower_series
        return self._fit(lambda: lower(term))

    def lower_programs(self, programs: Sequence[Program]) -> SignalBuffers:
        """Lower the first programs that fit into the memory, at least one; return their outputs."""
        outputs = empty(len(programs), self._arena)
        self._fit(lambda: self._lower_program(programs[0], outputs, 0))
        count = 1
        while count < len(programs):
            mark = len(self._code)
            self._lower_program(programs[count], outputs, count)
            if self._arena.is_full:
                self.release(mark)
                break
            count += 1
        outputs = outputs._replace(memory=self._arena.memory, words=self._arena.words)
        return outputs.head(count)

    def take_code(self) -> Code:
        """Return int64[instruction, INSTRUCTION_FIELDS], the code since the last call."""
        code, self._code = self._code, array("q")
        return np.asarray(code, np.int64).reshape(-1, INSTRUCTION_FIELDS)

    def release(self, mark: int = 0) -> None:
        """Release all cached values, and the code from index `mark`."""
        del self._code[mark:]
        self._scratch.clear()
        self._scratch_flags.clear()
        self._complements.clear()
        self._arena.release()

    def _lower_program(self, program: Program, outputs: SignalBuffers, index: int) -> None:
        """Lower a program; store the offsets of its outputs."""
        rules = program.canonical
        for column, term in enumerate(rules[:4]):
            if term is not None:
                outputs.conditions[index, column] = self._lower_condition(term)
        for column, term in enumerate(rules[4:8]):
            if term is None:
                continue
            outputs.is_ratio[index, column] = gives_ratio(term)
            if term.value is not None:
                outputs.constants[index, column] = term.value if term.value > 0 else math.nan
            else:
                outputs.settings[index, column] = self._lower_series(term, is_cached=True)
        if rules.hold is not None:
            outputs.hold_bars[index] = int(rules.hold.value or 0)

    def _fit(self, lower: Callable[[], Result]) -> Result:
        """Call a function; if the memory is full, release it, then grow it, and call it again."""
        result = lower()
        if self._arena.is_full:
            self.release()
            result = lower()
        while self._arena.is_full:
            self.release()
            self._arena.grow()
            result = lower()
        return result

    def _lower_condition(self, term: Term, depth: int = 0) -> int:
        """Lower a condition; return the offset of its bits.

        Bits are cached, because a child shares most conditions with its parents.
        """
        arena = self._arena
        offset = arena.cached.get(term)
        if offset is not None:
            return offset
        operator = term.operator
        if operator is None:
            return arena.truths[bool(term.leaf)]
        join = self._joins.get(operator.name)
        if join is None:
            instruction = build_instruction(operator)
            self._lower_call(instruction, term.args, arena.flags, depth)
            offset = arena.allocate_bits()
            self._code.extend((self._pack, offset, arena.flags, 0, 0, 0))
        else:
            offset = self._lower_condition(term.args[0], depth)
            for arg in term.args[1:]:
                x, y = offset, self._lower_condition(arg, depth)
                offset = arena.allocate_bits()
                self._code.extend((join, offset, x, y, 0, 0))
        arena.cached[term] = offset
        return offset

    def _lower_series(self, term: Term, depth: int = 0, is_cached: bool = False) -> int:
        """Lower a numeric term; return the offset of its values.

        Values that are not cached are in the scratch series of `depth`, until its next use.
        """
        arena = self._arena
        offset = arena.cached.get(term)
        if offset is not None:
            return offset
        operator = term.operator
        if operator is None:
            offset = arena.allocate_series()
            value = arena.store_value(math.nan if term.value is None else term.value)
            self._code.extend((self._repeat, offset, value, 0, 0, 0))
        elif operator.series:
            offset = arena.inputs[operator.name]
        elif operator is self._lag and _is_shift(*term.args):
            x, bars = term.args
            offset = self._lower_series(x, depth, is_cached=True) - int(bars.value or 0)
        else:
            instruction = build_instruction(operator)
            if not (is_cached or instruction.is_cached or term.is_indicator):
                offset = self._get_scratch(depth)
                self._lower_call(instruction, term.args, offset, depth)
                return offset
            offset = arena.allocate_series()
            self._lower_call(instruction, term.args, offset, depth)
        arena.cached[term] = offset
        return offset

    def _lower_call(
        self, instruction: Instruction, args: tuple[Term, ...], out: int, depth: int
    ) -> None:
        """Lower the arguments of an operator, with scratch series from a depth, then its call.

        A pointwise kernel may overwrite its operands, as cached values have their own offsets.
        """
        cached = self._arena.cached
        if instruction.is_pair:
            x, y = args
            first = cached.get(x) or self._lower_series(x, depth)
            second = cached.get(y) or self._lower_series(y, depth + 1)
            self._code.extend((instruction.opcode, out, first, second, 0, 0))
            return
        operands: list[int] = []
        kinds = instruction.operands if instruction.is_fixed else (SERIES,) * len(args)
        for arg, kind in zip(args, kinds, strict=True):
            if kind == WINDOW:
                operands.append(int(arg.value or 0))
            elif kind == SERIES:
                operands.append(cached.get(arg) or self._lower_series(arg, depth + len(operands)))
            else:
                for condition in (arg, self._get_complement(arg)):
                    bits = self._lower_condition(condition, depth + len(operands))
                    flags = self._get_scratch_flags(depth + len(operands))
                    self._code.extend((self._unpack, flags, bits, 0, 0, 0))
                    operands.append(flags)
        if instruction.is_fixed:
            self._code.extend((instruction.opcode, out, *operands, *UNUSED[len(operands) :]))
            return
        for operand in operands[1:]:
            self._code.extend((instruction.opcode, out, operands[0], operand, 0, 0))
            operands[0] = out

    def _get_scratch(self, depth: int) -> int:
        """Return the offset of the scratch series of a depth."""
        while len(self._scratch) <= depth:
            self._scratch.append(self._arena.allocate_series())
        return self._scratch[depth]

    def _get_scratch_flags(self, depth: int) -> int:
        while len(self._scratch_flags) <= depth:
            self._scratch_flags.append(self._arena.allocate_flags())
        return self._scratch_flags[depth]

    def _get_complement(self, term: Term) -> Term:
        """Return the canonical condition that holds where another is known not to hold."""
        complement = self._complements.get(term)
        if complement is None:
            find = catalog().operator
            complement = self._complements[term] = canonicalize(negate(term, find), find)
        return complement


def _is_shift(x: Term, bars: Term) -> bool:
    """Return whether a lag is the memory of its argument at an earlier offset."""
    return x.head != "lag" and int(bars.value or 0) <= PADDING_BARS
