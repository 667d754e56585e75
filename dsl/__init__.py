"""Indicator language: a compiler from text to typed programs and their signals.

`parse` builds a syntax tree from text. `check` turns it into `Program`s, which are typed, canonical
and hashed. `evaluate` computes the signals of a program on `Bars`. The package does not depend on
backtests, search or models. Importing it loads neither numpy nor numba.
"""
