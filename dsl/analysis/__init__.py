"""Syntax tree to program: names, types, and everything that is wrong with a text."""
