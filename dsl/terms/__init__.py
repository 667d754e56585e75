"""Interned terms: inference, canonical form, proofs about their values."""
