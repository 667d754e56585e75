"""What may be written: productions for the search, grammars for constrained decoding."""
