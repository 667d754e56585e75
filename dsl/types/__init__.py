"""Kinds of values, and the type rules of operators."""
