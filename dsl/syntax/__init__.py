"""Parsing of text to syntax trees, and printing of trees."""
