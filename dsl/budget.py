"""Limits on the work of a check, so that no text takes long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Resource = Literal["characters", "nodes", "proof_steps", "suggestions"]


@dataclass
class Budget:
    """Work that is left for a check, of one text or of all texts of an answer.

    Attributes:
        characters: characters to parse, repetitions after syntax errors included.
        nodes: nodes of terms after their lets and defines are expanded.
        proof_steps: steps of proofs that a comparison never changes.
        suggestions: searches for the names closest to a mistyped one.
    """

    characters: int = 4_000_000
    nodes: int = 500_000
    proof_steps: int = 200_000
    suggestions: int = 20

    def take(self, resource: Resource, amount: int = 1) -> bool:
        """Subtract an amount; return whether it was left."""
        left: int = getattr(self, resource)
        setattr(self, resource, max(0, left - amount))
        return amount <= left
