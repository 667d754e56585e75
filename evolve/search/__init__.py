"""The search: a population of programs, bred on islands, an epoch at a time.

It knows programs and scores, not trading: any `Evaluate` serves.
"""
