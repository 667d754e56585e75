"""Programs as steps: kernels that work on places of one memory, done in one compiled run.

A step is a row of integers: the address of a compiled kernel, the place of its result, and its
arguments: places, or windows as they are. A place is an index into the memory, where a series
begins (float64s, with unknown bars before it), or a condition, as flags (a byte a bar) or as bits
(a word for 64 bars). Importing this loads numba.
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

from dsl.evaluate.arena import PADDING_BARS, STEP_FIELDS, WORD_BARS
from dsl.evaluate.jit import compiled, get_address, jitable

SERIES, WINDOW, FLAGS, EIGHTS, BITS = range(5)

Memory = NDArray[np.float64]
Words = NDArray[np.uint64]
Steps = NDArray[np.int64]
View = Callable[..., Any]


def run(steps: Steps, memory: Memory, length: int) -> None:
    """Do every step, in order; series have `length` bars."""
    compiled(_run_steps)(steps, memory, length)


@cache
def build_step(kernel: Callable[..., None], takes: tuple[int, ...], gives: int) -> int:
    """The address of a kernel `(*arguments, out) -> None`, compiled as a step.

    Args:
        kernel: a plain function over arrays.
        takes: what each argument is: SERIES, WINDOW, FLAGS (a byte a bar), EIGHTS (the same,
            eight in a word) or BITS.
        gives: what it writes.
    """
    of_arity: View = (_call_unary, _call_binary, _call_ternary, _call_quaternary)[len(takes) - 1]
    views = [_VIEWS[each] for each in takes]
    out = _series_out if gives == SERIES else _VIEWS[gives]
    return get_address(of_arity(jitable(kernel), *views, out), _STEP, kernel)


def repeat(value: Memory, out: Memory) -> None:
    """A number as a series."""
    for i in range(len(out)):
        out[i] = value[0]


def both(x: Words, y: Words, out: Words) -> None:
    """`and` of two conditions."""
    for i in range(len(out)):
        out[i] = x[i] & y[i]


def either(x: Words, y: Words, out: Words) -> None:
    """`or` of two conditions."""
    for i in range(len(out)):
        out[i] = x[i] | y[i]


def pack(eights: Words, out: Words) -> None:
    """Flags to bits: a product brings each of eight to its place."""
    gather, top = np.uint64(0x0102040810204080), np.uint64(56)
    for i in range(len(out)):
        word = np.uint64(0)
        for eighth in range(8):
            word |= ((eights[8 * i + eighth] * gather) >> top) << np.uint64(8 * eighth)
        out[i] = word


def unpack(words: Words, out: Words) -> None:
    """Bits to flags: a byte keeps the bit of its place, and carries it to its top."""
    own, to_top = np.uint64(0x8040201008040201), np.uint64(0x00406070787C7E7F)
    ones = np.uint64(0x0101010101010101)
    for i in range(len(out)):
        byte = (words[i >> 3] >> np.uint64(8 * (i & 7))) & np.uint64(0xFF)
        out[i] = ((((byte * ones) & own) + to_top) >> np.uint64(7)) & ones


def _run_steps(steps: Steps, memory: Memory, length: int) -> None:
    for i in range(len(steps)):
        _run_step(steps[i, 0], memory.ctypes, len(memory), length, steps[i].ctypes)


@intrinsic  # type: ignore[untyped-decorator]
def _run_step(_context: Any, address: Any, memory: Any, size: Any, length: Any, step: Any) -> Any:
    """Call what is at an address."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        kinds = [context.get_value_type(each) for each in signature.args[1:]]
        function = ir.FunctionType(ir.VoidType(), kinds)
        builder.call(builder.inttoptr(values[0], function.as_pointer()), values[1:])
        return context.get_dummy_value()

    return types.void(types.int64, *_STEP.args), generate


_STEP = types.void(types.voidptr, types.int64, types.int64, types.CPointer(types.int64))


def _call_unary(kernel: View, a: View, out: View) -> Callable[..., None]:
    def step(memory: Any, size: int, length: int, given: Any) -> None:
        at = carray(given, STEP_FIELDS)
        kernel(a(memory, size, length, at[2]), out(memory, size, length, at[1]))

    return step


def _call_binary(kernel: View, a: View, b: View, out: View) -> Callable[..., None]:
    def step(memory: Any, size: int, length: int, given: Any) -> None:
        at = carray(given, STEP_FIELDS)
        kernel(
            a(memory, size, length, at[2]),
            b(memory, size, length, at[3]),
            out(memory, size, length, at[1]),
        )

    return step


def _call_ternary(kernel: View, a: View, b: View, c: View, out: View) -> Callable[..., None]:
    def step(memory: Any, size: int, length: int, given: Any) -> None:
        at = carray(given, STEP_FIELDS)
        kernel(
            a(memory, size, length, at[2]),
            b(memory, size, length, at[3]),
            c(memory, size, length, at[4]),
            out(memory, size, length, at[1]),
        )

    return step


def _call_quaternary(
    kernel: View, a: View, b: View, c: View, d: View, out: View
) -> Callable[..., None]:
    def step(memory: Any, size: int, length: int, given: Any) -> None:
        at = carray(given, STEP_FIELDS)
        kernel(
            a(memory, size, length, at[2]),
            b(memory, size, length, at[3]),
            c(memory, size, length, at[4]),
            d(memory, size, length, at[5]),
            out(memory, size, length, at[1]),
        )

    return step


@jitable
def _series(memory: Any, size: int, length: int, place: int) -> Any:
    return carray(memory, size, np.float64)[place : place + length]


@jitable
def _series_out(memory: Any, size: int, length: int, place: int) -> Any:
    values = carray(memory, size, np.float64)
    for i in range(place - PADDING_BARS, place):
        values[i] = math.nan
    return values[place : place + length]


@jitable
def _window(memory: Any, size: int, length: int, bars: int) -> int:
    return bars


@jitable
def _flags(memory: Any, size: int, length: int, place: int) -> Any:
    return carray(memory, 8 * size, np.bool_)[8 * place : 8 * place + length]


@jitable
def _eights(memory: Any, size: int, length: int, place: int) -> Any:
    return carray(memory, size, np.uint64)[place : place + 8 * count_words(length)]


@jitable
def _bits(memory: Any, size: int, length: int, place: int) -> Any:
    return carray(memory, size, np.uint64)[place : place + count_words(length)]


_VIEWS = {SERIES: _series, WINDOW: _window, FLAGS: _flags, EIGHTS: _eights, BITS: _bits}


@jitable
def count_words(length: int) -> int:
    """How many words the bits of a condition take."""
    return (length + WORD_BARS - 1) // WORD_BARS
