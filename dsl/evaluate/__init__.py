"""Evaluation of terms and programs on bars. Importing it loads numpy, not numba."""

from dsl.evaluate.arena import ARENA_MB, WORD_BARS, BitWords
from dsl.evaluate.evaluator import Batch, Evaluator
from dsl.evaluate.lowering import build_instruction, list_kernels
from dsl.evaluate.signals import SignalBuffers, Signals, pack_signals
from dsl.evaluate.symbols import evaluate, truth_series, truth_values, values

__all__ = [
    "ARENA_MB",
    "WORD_BARS",
    "Batch",
    "BitWords",
    "Evaluator",
    "SignalBuffers",
    "Signals",
    "build_instruction",
    "evaluate",
    "list_kernels",
    "pack_signals",
    "truth_series",
    "truth_values",
    "values",
]
