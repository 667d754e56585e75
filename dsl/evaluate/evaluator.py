"""Terms to their values, and programs to what they say, on the bars of some symbols."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsl.analysis.program import Program
from dsl.bars import FIELDS, Bars
from dsl.evaluate.arena import ARENA_MB, Arena
from dsl.evaluate.lowering import Lowering, Steps
from dsl.evaluate.signals import SignalBuffers, Signals, concat, unpack_flags, unpack_signals
from dsl.terms.infer import infer_kind
from dsl.terms.terms import Term
from dsl.types.kinds import BOOL

Row = NDArray[Any]


class Evaluator:
    """Computes terms and programs on the bars of some symbols, by the same steps on each.

    The memory is one symbol's at a time. What is kept of one symbol alone stays from batch to
    batch; where there are several, programs of one batch share it.
    """

    def __init__(self, *bars: Bars, arena_mb: float = ARENA_MB) -> None:
        """
        Args:
            bars: of one symbol each.
            arena_mb: memory for what is kept; past it all is dropped and computed again.
        """
        for each in bars:
            if len(each.symbols) != 1:
                raise ValueError(f"bars are of one symbol each, not of {len(each.symbols)}")
        self._bars, self._loaded = bars, -1
        self._arena = Arena(max(map(len, bars)), [*FIELDS, *bars[0].calendar], arena_mb)
        self._writer = Lowering(self._arena)
        self._asked = 0  # how often; a batch is of the last time

    def series(self, term: Term, symbol: int = 0) -> Row:
        """float64[bar] (or bool[bar] of a condition): the values of a canonical term."""
        self._start_batch(symbol)
        place = self._writer.term(term)
        self._run(self._writer.taken())
        arena, length = self._arena, len(self._bars[symbol])
        if infer_kind(term) == BOOL:
            words = arena.words[place : place + arena.words_a_condition]
            return unpack_flags(words, length).view(np.bool_)
        return arena.memory[place : place + length].copy()

    def signals(self, programs: Sequence[Program], symbol: int = 0) -> Signals:
        """What each program says on every bar."""
        length = len(self._bars[symbol])
        batches = self.batches(programs, symbol)
        return concat([unpack_signals(each.on(symbol), length) for each in batches])

    def batches(self, programs: Sequence[Program], symbol: int = 0) -> Iterator[Batch]:
        """Programs as steps, in their order, as many at a time as there is room for.

        They are done on a symbol. A batch can be read until the next, or until anything else is
        asked of the evaluator.
        """
        first = 0
        while first < len(programs):
            self._start_batch(symbol)
            said = self._writer.programs(programs[first:])
            batch = Batch(self, self._asked, self._writer.taken(), said)
            self._run(batch.steps)
            yield batch
            first += len(batch)

    def signal_buffers(self, batch: Batch, symbol: int) -> SignalBuffers:
        """What the programs of a batch say on the bars of a symbol: see `Batch.on`."""
        if batch.number != self._asked:
            raise ValueError("the memory of this batch has gone to another")
        if symbol != self._loaded:
            self._load(symbol)
            self._run(batch.steps)
        return batch.outputs

    def _start_batch(self, symbol: int) -> None:
        """Make ready to write steps that will be done on a symbol."""
        self._asked += 1
        if len(self._bars) > 1:  # what is kept may be another's
            self._writer.release()
        if symbol != self._loaded:
            self._load(symbol)

    def _load(self, symbol: int) -> None:
        bars = self._bars[symbol]
        self._arena.load({name: getattr(bars, name)[0] for name in FIELDS} | bars.calendar)
        self._loaded = symbol

    def _run(self, steps: Steps) -> None:
        """Do steps on the symbol that is loaded."""
        from dsl.evaluate import vm

        if len(steps):
            vm.run(steps, self._arena.memory, len(self._bars[self._loaded]))


@dataclass(frozen=True, eq=False)
class Batch:
    """Programs as steps.

    Attributes:
        evaluator: whose memory they work on.
        number: which time it was that the evaluator was asked.
        steps: int64[step, STEP_FIELDS].
        said: where in the memory it is said what they say.
    """

    evaluator: Evaluator
    number: int
    steps: Steps
    outputs: SignalBuffers

    def __len__(self) -> int:
        return len(self.outputs.hold_bars)

    def on(self, symbol: int) -> SignalBuffers:
        """What they say on the bars of a symbol; good until the next is asked for.

        Raises:
            ValueError: if the evaluator has turned to something else since.
        """
        return self.evaluator.signal_buffers(self, symbol)
