"""Values of terms and signals of programs on bars. Importing this loads numpy, not numba."""

from dsl.evaluate.arena import ARENA_MB, WORD_BARS, Words
from dsl.evaluate.evaluator import Batch, Evaluator
from dsl.evaluate.lowering import kernels, plan_of
from dsl.evaluate.signals import Rulings, Signals
from dsl.evaluate.symbols import evaluate, truth_series, truth_values, values

__all__ = [
    "ARENA_MB",
    "WORD_BARS",
    "Batch",
    "Evaluator",
    "Rulings",
    "Signals",
    "Words",
    "evaluate",
    "kernels",
    "plan_of",
    "truth_series",
    "truth_values",
    "values",
]
