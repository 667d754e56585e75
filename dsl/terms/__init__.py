"""Interned terms: type inference, canonical form, and facts about their values."""
