"""Search by genetic programming: populations on islands that evolve in epochs.

The search depends on programs and their scores, not on trading.
"""
