"""What each proposer has earned, and the share of proposals that gives it.

Credit is frozen within an epoch and updated at its boundary from counts alone, so that it is
the same whatever the machine or the number of workers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

MIN_SHARE, MAX_SHARE = 0.5, 2.0
PRIOR_EVALUATIONS = 20.0


@dataclass(frozen=True)
class ProposerStats:
    """The counts of one proposer.

    Attributes:
        proposed: strategies it offered; valid: of those, within the limits of the language;
        duplicate: of those, seen before; evaluated: the rest; accepted: of those, taken into
        the population; improved: better than the best parent; gain: the sum of improvements in
        the first objective.
    """

    proposed: int = 0
    valid: int = 0
    duplicate: int = 0
    evaluated: int = 0
    accepted: int = 0
    improved: int = 0
    gain: float = 0.0

    def __add__(self, other: ProposerStats) -> ProposerStats:
        return ProposerStats(
            *[getattr(self, f.name) + getattr(other, f.name) for f in fields(self)]
        )

    def as_counts(self) -> dict[str, float]:
        """The counts as they are kept during an epoch."""
        return asdict(self)

    @classmethod
    def from_counts(cls, counts: Mapping[str, float]) -> ProposerStats:
        """The credit of some counts; those not given are 0."""
        whole = {name: int(by) for name, by in counts.items() if name != "gain"}
        return cls(**whole, gain=float(counts.get("gain", 0.0)))


StatsByProposer = Mapping[str, ProposerStats]


def merge_stats(first: StatsByProposer, second: StatsByProposer) -> dict[str, ProposerStats]:
    """Two ledgers added up."""
    names = dict.fromkeys([*first, *second])
    return {
        name: first.get(name, ProposerStats()) + second.get(name, ProposerStats()) for name in names
    }


def compute_shares(weights: Mapping[str, float], ledger: StatsByProposer) -> dict[str, float]:
    """Each proposer's share: its weight, up to doubled or halved by its rate of acceptance.

    The rate is shrunk towards the mean rate of those weighed until it rests on enough
    evaluations.
    """
    weighed = [ledger[name] for name in weights if name in ledger]
    evaluated = sum(each.evaluated for each in weighed)
    accepted = sum(each.accepted for each in weighed)
    if not evaluated or not accepted:
        return dict(weights)
    mean = accepted / evaluated
    result = {}
    for name, weight in weights.items():
        own = ledger.get(name, ProposerStats())
        rate = (own.accepted + PRIOR_EVALUATIONS * mean) / (own.evaluated + PRIOR_EVALUATIONS)
        result[name] = weight * min(max(rate / mean, MIN_SHARE), MAX_SHARE)
    return result
