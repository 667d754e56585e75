"""Counts of each proposer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields


@dataclass(frozen=True)
class ProposerStats:
    """Counts of one proposer.

    Attributes:
        proposed: number of proposed strategies.
        valid: number of those that fit the space.
        duplicate: number of valid ones that were evaluated before.
        idle: number of new ones that were discarded because they trade too little.
        evaluated: number of new ones that are trials.
        accepted: number of evaluated ones that entered a population.
        improved: number of evaluated ones that beat their best parent.
        gain: sum of the improvements, in the first objective.
    """

    proposed: int = 0
    valid: int = 0
    duplicate: int = 0
    idle: int = 0
    evaluated: int = 0
    accepted: int = 0
    improved: int = 0
    gain: float = 0.0

    def __add__(self, other: ProposerStats) -> ProposerStats:
        return ProposerStats(
            *[getattr(self, f.name) + getattr(other, f.name) for f in fields(self)]
        )

    def as_counts(self) -> dict[str, float]:
        """Return the counts as a mutable mapping, by name."""
        return asdict(self)

    @classmethod
    def from_counts(cls, counts: Mapping[str, float]) -> ProposerStats:
        """Build statistics from counts by name; missing ones are 0."""
        whole = {name: int(by) for name, by in counts.items() if name != "gain"}
        return cls(**whole, gain=float(counts.get("gain", 0.0)))


StatsByProposer = Mapping[str, ProposerStats]


def merge_stats(first: StatsByProposer, second: StatsByProposer) -> dict[str, ProposerStats]:
    """Return the sums of two mappings, by proposer."""
    names = dict.fromkeys([*first, *second])
    return {
        name: first.get(name, ProposerStats()) + second.get(name, ProposerStats()) for name in names
    }
