"""Interval between two migrations, which synchronizations divide into epochs.

A division changes no trial. An island proposes as if its interval ran at once: the shares of the
proposers are those of the start, and it does not know what other islands evaluated since then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from evolve.search.island import EpochResult, EpochTask, Island
from evolve.search.proposer_stats import ProposerStats


@dataclass(frozen=True)
class Interval:
    """The rest of the generations between two migrations.

    Attributes:
        stats: counts by proposer at its start.
        shares: shares of the proposals by proposer.
        quotas: evaluations that each island may still use.
        generations: generations left.
        proposed: keys of the programs that each island evaluated in it.
    """

    stats: Mapping[str, ProposerStats]
    shares: Mapping[str, float]
    quotas: tuple[int, ...]
    generations: int
    proposed: tuple[frozenset[bytes], ...]

    @property
    def is_over(self) -> bool:
        """Whether a migration follows."""
        return self.generations == 0 or not any(self.quotas)

    def limit(self, max_evaluations: int) -> Interval:
        """Return a copy with lower quotas if they exceed a number of evaluations together."""
        if sum(self.quotas) <= max_evaluations:
            return self
        return replace(self, quotas=split_quota(max_evaluations, len(self.quotas)))

    def build_tasks(
        self, islands: Sequence[Island], generations: int, epoch: int
    ) -> list[EpochTask]:
        """Build the task of each island for an epoch of some generations."""
        everything = frozenset[bytes]().union(*self.proposed)
        return [
            EpochTask(island, self.shares, quota, epoch, generations, everything - proposed)
            for island, quota, proposed in zip(islands, self.quotas, self.proposed, strict=True)
        ]

    def advance(self, results: Sequence[EpochResult], generations: int) -> Interval:
        """Return the rest after an epoch of some generations."""
        return replace(
            self,
            quotas=tuple(
                quota - len(each.trials) for quota, each in zip(self.quotas, results, strict=True)
            ),
            generations=self.generations - generations,
            proposed=tuple(
                before | {trial.program.key for trial in each.trials}
                for before, each in zip(self.proposed, results, strict=True)
            ),
        )


def begin_interval(
    stats: Mapping[str, ProposerStats],
    shares: Mapping[str, float],
    islands: int,
    generations: int,
    max_evaluations: int,
) -> Interval:
    """Return a complete interval.

    Args:
        stats: counts by proposer so far.
        shares: shares of the proposals by proposer.
        islands: number of islands.
        generations: number of generations between two migrations.
        max_evaluations: number of evaluations that the islands may use together.
    """
    quotas = split_quota(max_evaluations, islands)
    return Interval(dict(stats), dict(shares), quotas, generations, (frozenset(),) * islands)


def split_quota(remaining: int, islands: int) -> tuple[int, ...]:
    """Split the remaining evaluations among the islands."""
    share, extra = divmod(remaining, islands)
    return tuple(share + (index < extra) for index in range(islands))
