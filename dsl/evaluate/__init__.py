"""Values of terms and signals of programs on bars. Importing this loads numpy, not numba."""

from dsl.evaluate.arena import ARENA_MB, WORD_BARS, Words
from dsl.evaluate.evaluator import Batch, Evaluator
from dsl.evaluate.lowering import build_instruction, list_kernels
from dsl.evaluate.signals import SignalBuffers, Signals
from dsl.evaluate.symbols import evaluate, truth_series, truth_values, values

__all__ = [
    "ARENA_MB",
    "WORD_BARS",
    "Batch",
    "Evaluator",
    "SignalBuffers",
    "Signals",
    "Words",
    "build_instruction",
    "evaluate",
    "list_kernels",
    "truth_series",
    "truth_values",
    "values",
]
