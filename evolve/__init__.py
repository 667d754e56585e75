"""Search for trading strategies by genetic programming.

`evolve.api` is the typed Python interface; the command line is a thin layer over it.
This module imports nothing.
"""
