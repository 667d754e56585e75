"""Virtual machine: kernels on one memory, called by one compiled loop.

An instruction is a row of integers: the address of a compiled kernel, the offset of its result and
its operands, which are offsets or windows. An offset is the index in the memory at which a series
begins (float64s after unknown padding), or a condition, as flags (a byte per bar) or as bits (64
bars per word). Importing this module loads numba.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba import carray, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from dsl.evaluate.arena import INSTRUCTION_FIELDS, PADDING_BARS, WORD_BARS, BitWords
from dsl.evaluate.jit import compile_kernel, get_address, jitable

SERIES, WINDOW, FLAGS, EIGHTS, BITS = range(5)  # kinds of operands

Memory = NDArray[np.float64]
Code = NDArray[np.int64]
View = Callable[..., Any]


def run(code: Code, memory: Memory, length: int) -> None:
    """Run all instructions in order on series of `length` bars."""
    compile_kernel(_run_code)(code, memory, length)


@cache
def compile_opcode(kernel: Callable[..., None], operands: tuple[int, ...], result: int) -> int:
    """Compile a kernel `(*operands, out) -> None` as an instruction; return its address.

    Args:
        kernel: plain function over arrays.
        operands: kind of each operand: SERIES, WINDOW, FLAGS (a byte per bar), EIGHTS (flags,
            eight per word) or BITS.
        result: kind of the result.
    """
    wrappers = (_wrap_unary, _wrap_binary, _wrap_ternary, _wrap_quaternary)
    wrap: View = wrappers[len(operands) - 1]
    views = [_VIEWS[each] for each in operands]
    out = _view_result if result == SERIES else _VIEWS[result]
    return get_address(wrap(jitable(kernel), *views, out), _SIGNATURE, kernel)


def repeat(value: Memory, out: Memory) -> None:
    """Fill a series with a number."""
    for i in range(len(out)):
        out[i] = value[0]


def both(x: BitWords, y: BitWords, out: BitWords) -> None:
    """Compute the `and` of two conditions."""
    for i in range(len(out)):
        out[i] = x[i] & y[i]


def either(x: BitWords, y: BitWords, out: BitWords) -> None:
    """Compute the `or` of two conditions."""
    for i in range(len(out)):
        out[i] = x[i] | y[i]


def pack(eights: BitWords, out: BitWords) -> None:
    """Pack flags into bits; a product gathers eight flags in the top byte."""
    gather, top = np.uint64(0x0102040810204080), np.uint64(56)
    for i in range(len(out)):
        word = np.uint64(0)
        for eighth in range(8):
            word |= ((eights[8 * i + eighth] * gather) >> top) << np.uint64(8 * eighth)
        out[i] = word


def unpack(words: BitWords, out: BitWords) -> None:
    """Unpack bits to flags; each byte selects one bit and carries it to its top."""
    select, carry = np.uint64(0x8040201008040201), np.uint64(0x00406070787C7E7F)
    ones = np.uint64(0x0101010101010101)
    for i in range(len(out)):
        byte = (words[i >> 3] >> np.uint64(8 * (i & 7))) & np.uint64(0xFF)
        out[i] = ((((byte * ones) & select) + carry) >> np.uint64(7)) & ones


def _run_code(code: Code, memory: Memory, length: int) -> None:
    for i in range(len(code)):
        _run_instruction(code[i, 0], memory.ctypes, len(memory), length, code[i].ctypes)


@intrinsic  # type: ignore[untyped-decorator]
def _run_instruction(
    _context: Any, address: Any, memory: Any, size: Any, length: Any, instruction: Any
) -> Any:
    """Call the compiled function at an address."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        value_types = [context.get_value_type(each) for each in signature.args[1:]]
        function = ir.FunctionType(ir.VoidType(), value_types)
        builder.call(builder.inttoptr(values[0], function.as_pointer()), values[1:])
        return context.get_dummy_value()

    return types.void(types.int64, *_SIGNATURE.args), generate


_SIGNATURE = types.void(types.voidptr, types.int64, types.int64, types.CPointer(types.int64))


def _wrap_unary(kernel: View, a: View, out: View) -> Callable[..., None]:
    def run_kernel(memory: Any, size: int, length: int, instruction: Any) -> None:
        fields = carray(instruction, INSTRUCTION_FIELDS)
        kernel(a(memory, size, length, fields[2]), out(memory, size, length, fields[1]))

    return run_kernel


def _wrap_binary(kernel: View, a: View, b: View, out: View) -> Callable[..., None]:
    def run_kernel(memory: Any, size: int, length: int, instruction: Any) -> None:
        fields = carray(instruction, INSTRUCTION_FIELDS)
        kernel(
            a(memory, size, length, fields[2]),
            b(memory, size, length, fields[3]),
            out(memory, size, length, fields[1]),
        )

    return run_kernel


def _wrap_ternary(kernel: View, a: View, b: View, c: View, out: View) -> Callable[..., None]:
    def run_kernel(memory: Any, size: int, length: int, instruction: Any) -> None:
        fields = carray(instruction, INSTRUCTION_FIELDS)
        kernel(
            a(memory, size, length, fields[2]),
            b(memory, size, length, fields[3]),
            c(memory, size, length, fields[4]),
            out(memory, size, length, fields[1]),
        )

    return run_kernel


def _wrap_quaternary(
    kernel: View, a: View, b: View, c: View, d: View, out: View
) -> Callable[..., None]:
    def run_kernel(memory: Any, size: int, length: int, instruction: Any) -> None:
        fields = carray(instruction, INSTRUCTION_FIELDS)
        kernel(
            a(memory, size, length, fields[2]),
            b(memory, size, length, fields[3]),
            c(memory, size, length, fields[4]),
            d(memory, size, length, fields[5]),
            out(memory, size, length, fields[1]),
        )

    return run_kernel


@jitable
def _view_series(memory: Any, size: int, length: int, offset: int) -> Any:
    return carray(memory, size, np.float64)[offset : offset + length]


@jitable
def _view_result(memory: Any, size: int, length: int, offset: int) -> Any:
    values = carray(memory, size, np.float64)
    for i in range(offset - PADDING_BARS, offset):
        values[i] = math.nan
    return values[offset : offset + length]


@jitable
def _view_window(memory: Any, size: int, length: int, bars: int) -> int:
    return bars


@jitable
def _view_flags(memory: Any, size: int, length: int, offset: int) -> Any:
    return carray(memory, 8 * size, np.bool_)[8 * offset : 8 * offset + length]


@jitable
def _view_eights(memory: Any, size: int, length: int, offset: int) -> Any:
    return carray(memory, size, np.uint64)[offset : offset + 8 * count_words(length)]


@jitable
def _view_bits(memory: Any, size: int, length: int, offset: int) -> Any:
    return carray(memory, size, np.uint64)[offset : offset + count_words(length)]


_VIEWS = {
    SERIES: _view_series,
    WINDOW: _view_window,
    FLAGS: _view_flags,
    EIGHTS: _view_eights,
    BITS: _view_bits,
}


@jitable
def count_words(length: int) -> int:
    """Return the number of words of the bits of a condition."""
    return (length + WORD_BARS - 1) // WORD_BARS
