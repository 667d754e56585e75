"""Validation of the result of a search: selection bias and verdict."""
