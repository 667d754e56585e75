"""Generators of programs: productions for the search, grammars for constrained decoding."""
