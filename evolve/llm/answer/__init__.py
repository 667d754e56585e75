"""Answers of models, parsed as programs."""
