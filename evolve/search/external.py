"""Proposals from outside the search, collected at epoch boundaries only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from dsl.analysis.program import Program
from evolve.search.individual import Individual
from evolve.search.progress import Progress
from evolve.search.proposer_stats import ProposerStats

ProposalStatus = Literal["evaluated", "duplicate", "no budget"]


@dataclass(frozen=True)
class Proposal:
    """A program proposed from outside.

    Attributes:
        program: checked, and within the space.
        proposer: the arm that is credited.
        parents: hashes of the programs it was derived from.
        parent_score: the best of their scores; None if it has no parents.
    """

    program: Program
    proposer: str
    parents: tuple[str, ...] = ()
    parent_score: float | None = None


@dataclass(frozen=True)
class ProposalBatch:
    """The proposals since the last synchronization.

    Attributes:
        proposals: the usable ones, in an order that does not depend on when they arrived.
        stats: proposed and valid counts, by arm.
    """

    proposals: tuple[Proposal, ...] = ()
    stats: Mapping[str, ProposerStats] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """The result of a proposal.

    Attributes:
        status: evaluated, a duplicate, or beyond the budget.
        individual: with its scores; None if it was not evaluated.
        accepted: whether it entered a population.
        improved: whether it beat its best parent.
    """

    proposal: Proposal
    status: ProposalStatus
    individual: Individual | None = None
    accepted: bool = False
    improved: bool = False


class ExternalProposer(Protocol):
    """A slow source of programs, such as a model: asked at one boundary, collected at a later one.

    Its proposals may depend only on the progress it was given and on the answers it received,
    never on time.
    """

    def ask(self, progress: Progress) -> None:
        """Start to propose from the state of the search; return at once."""

    def next_sync(self, evaluated: int) -> int | None:
        """Return the number of evaluations at which to collect; None if nothing will come."""

    def collect(self, epoch: int) -> ProposalBatch:
        """Return the proposals that are ready; may wait for them."""

    def tell(self, outcomes: Sequence[Outcome]) -> None:
        """Report the outcome of every collected proposal."""
