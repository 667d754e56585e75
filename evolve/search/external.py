"""Proposals from outside the search, collected at the end of an epoch only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from dsl.analysis.program import Program
from evolve.search.individual import Individual
from evolve.search.progress import Progress
from evolve.search.proposer_stats import ProposerStats

ProposalStatus = Literal["evaluated", "duplicate", "no budget"]


@dataclass(frozen=True)
class Proposal:
    """Program proposed from outside.

    Attributes:
        program: a checked program within the space.
        proposer: the arm whose statistics it counts for.
        parents: hashes of the parents.
        parent_score: the best score of the parents; None without parents.
    """

    program: Program
    proposer: str
    parents: tuple[str, ...] = ()
    parent_score: float | None = None


@dataclass(frozen=True)
class ProposalBatch:
    """Proposals since the last synchronization.

    Attributes:
        proposals: the valid ones, in an order that does not depend on their time of arrival.
        stats: counts of proposed and valid ones, by arm.
    """

    proposals: tuple[Proposal, ...] = ()
    stats: Mapping[str, ProposerStats] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """Result of a proposal.

    Attributes:
        proposal: the proposal.
        status: `evaluated`, `duplicate`, or `no budget` if the budget was spent.
        individual: the scored program; None if it was not evaluated.
        accepted: whether it entered a population.
        improved: whether it beat its best parent.
    """

    proposal: Proposal
    status: ProposalStatus
    individual: Individual | None = None
    accepted: bool = False
    improved: bool = False


class ExternalProposer(Protocol):
    """Slow source of programs, such as a model.

    It is asked at the end of one epoch, and its proposals are collected at the end of a later one.
    They may depend on the progress and on the answers that it received, but not on time.
    """

    def save(self) -> Mapping[str, Any]:
        """Return its state as JSON; called before `ask`."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over a saved state; `ask` of the same epoch follows."""

    def ask(self, progress: Progress, migration: int) -> None:
        """Start to propose; return at once.

        Args:
            progress: the state of the search.
            migration: the evaluation count at the next migration, at most. A synchronization there
                divides no epoch.
        """

    def next_sync(self, evaluated: int) -> int | None:
        """Return the evaluation count at which to collect; None if no proposals will follow.

        Args:
            evaluated: the evaluation count now.
        """

    def collect(self, epoch: int) -> ProposalBatch:
        """Return the proposals that are ready; may wait for them.

        Args:
            epoch: number of the current epoch.
        """

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        """Report the outcome of every collected proposal."""
