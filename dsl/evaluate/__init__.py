"""Values of terms and signals of programs on bars. Importing this loads numpy, not numba."""

from dsl.evaluate.evaluator import Evaluator, Signals, evaluate, values

__all__ = ["Evaluator", "Signals", "evaluate", "values"]
