"""Values of terms and signals of programs on bars. Importing this loads numpy, not numba."""

from dsl.evaluate.arena import WORD_BARS, Words
from dsl.evaluate.evaluator import Evaluator, kernels, plan_of
from dsl.evaluate.panel import evaluate, values
from dsl.evaluate.signals import Rulings, Signals

__all__ = [
    "WORD_BARS",
    "Evaluator",
    "Rulings",
    "Signals",
    "Words",
    "evaluate",
    "kernels",
    "plan_of",
    "values",
]
