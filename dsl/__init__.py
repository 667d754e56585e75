"""The indicator language: text in, typed programs and their signals out.

`parse` turns text into a syntax tree, `check` turns that into `Program`s (typed, canonical,
hashed), `evaluate` computes what a program says on `Bars`. The package knows nothing of
backtests, search or models. Importing it loads neither numpy nor numba.
"""
