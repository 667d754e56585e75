"""Statistics of each proposer, and the share of proposals that they give it.

Shares change at the end of an epoch only, and depend on counts only. So they do not depend on the
machine or on the number of workers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

MIN_SHARE, MAX_SHARE = 0.5, 2.0
PRIOR_EVALUATIONS = 20.0  # at the mean rate of acceptance, added to those of each proposer


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


def compute_shares(weights: Mapping[str, float], stats: StatsByProposer) -> dict[str, float]:
    """Return each proposer's share: its weight, scaled by its relative rate of acceptance.

    The factor lies between `MIN_SHARE` and `MAX_SHARE`. A rate that rests on few evaluations is
    shrunk towards the mean rate.

    Args:
        weights: by proposer.
        stats: counts by proposer; those without a weight are ignored.
    """
    weighted = [stats[name] for name in weights if name in stats]
    evaluated = sum(each.evaluated for each in weighted)
    accepted = sum(each.accepted for each in weighted)
    if not evaluated or not accepted:
        return dict(weights)
    mean = accepted / evaluated
    result = {}
    for name, weight in weights.items():
        each = stats.get(name, ProposerStats())
        rate = (each.accepted + PRIOR_EVALUATIONS * mean) / (each.evaluated + PRIOR_EVALUATIONS)
        result[name] = weight * min(max(rate / mean, MIN_SHARE), MAX_SHARE)
    return result
