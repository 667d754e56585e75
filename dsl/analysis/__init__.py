"""Semantic analysis: from syntax trees to typed programs, with all diagnostics."""
