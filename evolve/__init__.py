"""A machine that improves trading strategies.

`evolve.api` is the typed Python interface; the command line is a thin layer over the same parts.
Importing this package loads nothing else.
"""
