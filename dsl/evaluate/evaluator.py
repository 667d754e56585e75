"""Evaluator of terms and programs on the bars of symbols."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsl.analysis.program import Program
from dsl.bars import FIELDS, Bars
from dsl.evaluate.arena import ARENA_MB, Arena
from dsl.evaluate.lowering import Code, Lowering
from dsl.evaluate.signals import SignalBuffers, Signals, concat, unpack_flags, unpack_signals
from dsl.terms.infer import infer_kind
from dsl.terms.terms import Term
from dsl.types.kinds import BOOL

Row = NDArray[Any]


class Evaluator:
    """Evaluator of terms and programs on the bars of symbols, by the same code on each.

    The memory contains one symbol at a time. With one symbol, cached values persist between
    batches. With several symbols, the programs of one batch share them.
    """

    def __init__(self, *bars: Bars, arena_mb: float = ARENA_MB) -> None:
        """Allocate the memory.

        Args:
            bars: bars of one symbol each.
            arena_mb: megabytes of cached values; if they are exceeded, all values are released.

        Raises:
            ValueError: if bars contain several symbols.
        """
        self._arena = Arena(max(map(len, bars)), [*FIELDS, *bars[0].calendar], arena_mb)
        self._lowering = Lowering(self._arena)
        self._batch_number = 0  # of the batch whose values are in the memory
        self.replace_bars(*bars)

    def replace_bars(self, *bars: Bars) -> None:
        """Replace the bars, and reuse the memory.

        Args:
            bars: bars of one symbol each, of which none is longer than the longest before.

        Raises:
            ValueError: if bars contain several symbols or are too long.
        """
        for each in bars:
            if len(each.symbols) != 1:
                raise ValueError(f"expected bars of one symbol, found {len(each.symbols)}")
            if len(each) > self._arena.length:
                raise ValueError(f"expected at most {self._arena.length} bars, found {len(each)}")
        self._bars, self._loaded = bars, -1
        self._lowering.release()
        self._batch_number += 1

    def series(self, term: Term, symbol: int = 0) -> Row:
        """Return float64[bar], the values of a canonical term, or bool[bar] of a condition."""
        self._start_batch(symbol)
        offset = self._lowering.lower_term(term)
        self._run(self._lowering.take_code())
        arena, length = self._arena, len(self._bars[symbol])
        if infer_kind(term) == BOOL:
            words = arena.words[offset : offset + arena.words_per_condition]
            return unpack_flags(words, length).view(np.bool_)
        return arena.memory[offset : offset + length].copy()

    def signals(self, programs: Sequence[Program], symbol: int = 0) -> Signals:
        """Return the signals of programs on the bars of a symbol."""
        length = len(self._bars[symbol])
        batches = self.batches(programs, symbol)
        return concat([unpack_signals(each.on(symbol), length) for each in batches])

    def batches(self, programs: Sequence[Program], symbol: int = 0) -> Iterator[Batch]:
        """Yield programs in batches that fit into the memory, in order, evaluated on a symbol.

        A batch is valid until the next use of the evaluator.
        """
        first = 0
        while first < len(programs):
            self._start_batch(symbol)
            outputs = self._lowering.lower_programs(programs[first:])
            batch = Batch(self, self._batch_number, self._lowering.take_code(), outputs)
            self._run(batch.code)
            yield batch
            first += len(batch)

    def signal_buffers(self, batch: Batch, symbol: int) -> SignalBuffers:
        """Return the signals of a batch on the bars of a symbol; see `Batch.on`."""
        if batch.number != self._batch_number:
            raise ValueError("the evaluator has overwritten the memory of this batch")
        if symbol != self._loaded:
            self._load(symbol)
            self._run(batch.code)
        return batch.outputs

    def _start_batch(self, symbol: int) -> None:
        """Prepare for code that will run on a symbol."""
        self._batch_number += 1
        if len(self._bars) > 1:  # cached values may be those of another symbol
            self._lowering.release()
        if symbol != self._loaded:
            self._load(symbol)

    def _load(self, symbol: int) -> None:
        bars = self._bars[symbol]
        self._arena.load({name: getattr(bars, name)[0] for name in FIELDS} | bars.calendar)
        self._loaded = symbol

    def _run(self, code: Code) -> None:
        """Run code on the loaded symbol."""
        from dsl.evaluate import vm

        if len(code):
            vm.run(code, self._arena.memory, len(self._bars[self._loaded]))


@dataclass(frozen=True, eq=False)
class Batch:
    """Programs lowered to code.

    Attributes:
        evaluator: owner of the memory.
        number: serial number of the batch.
        code: int64[instruction, INSTRUCTION_FIELDS].
        outputs: offsets of the signals.
    """

    evaluator: Evaluator
    number: int
    code: Code
    outputs: SignalBuffers

    def __len__(self) -> int:
        return len(self.outputs.hold_bars)

    def on(self, symbol: int) -> SignalBuffers:
        """Return the signals on the bars of a symbol, valid until the next use of the evaluator.

        Raises:
            ValueError: if the evaluator has been used for something else since.
        """
        return self.evaluator.signal_buffers(self, symbol)
