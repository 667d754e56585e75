"""Fitness: scores of programs on the folds of train."""
