"""Kinds of values, and the table of type rules."""
