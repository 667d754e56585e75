"""What each proposer has earned, and the share of proposals that gives it.

Credit is frozen within an epoch and updated at its boundary from counts alone, so that it is
the same whatever the machine or the number of workers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

LEAST_SHARE, MOST_SHARE = 0.5, 2.0
PRIOR = 20.0


@dataclass(frozen=True)
class Credit:
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

    def __add__(self, other: Credit) -> Credit:
        return Credit(*[getattr(self, f.name) + getattr(other, f.name) for f in fields(self)])

    def counts(self) -> dict[str, float]:
        """The counts as they are kept during an epoch."""
        return asdict(self)

    @classmethod
    def of(cls, counts: Mapping[str, float]) -> Credit:
        """The credit of some counts; those not given are 0."""
        whole = {name: int(by) for name, by in counts.items() if name != "gain"}
        return cls(**whole, gain=float(counts.get("gain", 0.0)))


Ledger = Mapping[str, Credit]


def joined(first: Ledger, second: Ledger) -> dict[str, Credit]:
    """Two ledgers added up."""
    names = dict.fromkeys([*first, *second])
    return {name: first.get(name, Credit()) + second.get(name, Credit()) for name in names}


def shares(weights: Mapping[str, float], ledger: Ledger) -> dict[str, float]:
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
        own = ledger.get(name, Credit())
        rate = (own.accepted + PRIOR * mean) / (own.evaluated + PRIOR)
        result[name] = weight * min(max(rate / mean, LEAST_SHARE), MOST_SHARE)
    return result
