"""Credit of the proposers for improvements, which decides their shares of the proposals.

A proposer is credited for a child that scores above its best parent. Acceptance into the population
would favor operators whose children are neutral or smaller. Credit decays, since the operators that
find the first improvements differ from those that find the last ones; and each proposer has a
minimum share, so that none starves. This is probability matching with a decay: Thierens (2005), "An
adaptive pursuit strategy for allocating operator probabilities".

Shares change with a migration only, and depend on counts only. So they do not depend on the machine
or on the number of workers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from evolve.search.proposer_stats import ProposerStats, StatsByProposer

MIN_SHARE, MAX_SHARE = 0.5, 2.0
PRIOR_EVALUATIONS = 20.0  # at the mean rate of improvement, added to those of each proposer


class Counts(Protocol):
    """Counts of the evaluated strategies of a proposer, and of those that improved."""

    @property
    def evaluated(self) -> float:
        """Number of evaluated strategies."""

    @property
    def improved(self) -> float:
        """Number of those that scored above their best parent."""


class Credit(NamedTuple):
    """Decayed counts of a proposer.

    Attributes:
        evaluated: number of evaluated strategies.
        improved: number of those that scored above their best parent.
    """

    evaluated: float = 0.0
    improved: float = 0.0


CreditByProposer = Mapping[str, Credit]


def update_credit(
    credit: CreditByProposer, before: StatsByProposer, after: StatsByProposer, decay: float
) -> dict[str, Credit]:
    """Return the credit after an interval.

    Args:
        credit: the credit before it.
        before, after: the counts by proposer before and after it.
        decay: factor of the credit before it.
    """
    none, result = ProposerStats(), {}
    for name, stats in after.items():
        old, start = credit.get(name, Credit()), before.get(name, none)
        result[name] = Credit(
            decay * old.evaluated + stats.evaluated - start.evaluated,
            decay * old.improved + stats.improved - start.improved,
        )
    return result


def compute_shares(weights: Mapping[str, float], credit: Mapping[str, Counts]) -> dict[str, float]:
    """Return each proposer's share: its weight, scaled by its relative rate of improvement.

    The factor lies between `MIN_SHARE` and `MAX_SHARE`. A rate that rests on few evaluations is
    shrunk towards the mean rate.

    Args:
        weights: by proposer.
        credit: counts by proposer; those without a weight are ignored.
    """
    weighted = [credit[name] for name in weights if name in credit]
    evaluated = sum(each.evaluated for each in weighted)
    improved = sum(each.improved for each in weighted)
    if not evaluated or not improved:
        return dict(weights)
    mean = improved / evaluated
    result = {}
    for name, weight in weights.items():
        each = credit.get(name, Credit())
        rate = (each.improved + PRIOR_EVALUATIONS * mean) / (each.evaluated + PRIOR_EVALUATIONS)
        result[name] = weight * min(max(rate / mean, MIN_SHARE), MAX_SHARE)
    return result
