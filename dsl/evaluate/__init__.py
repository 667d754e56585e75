"""Values of terms and signals of programs on bars. Importing this loads numpy, not numba."""

from dsl.evaluate.evaluator import Evaluator, evaluate, values
from dsl.evaluate.signals import Rulings, Signals, Words

__all__ = ["Evaluator", "Rulings", "Signals", "Words", "evaluate", "values"]
