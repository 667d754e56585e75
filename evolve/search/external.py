"""Proposals from outside the search, taken in at its boundaries and never in between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from dsl.analysis.program import Program
from evolve.search.credit import Credit
from evolve.search.individual import Individual
from evolve.search.progress import Progress

Fate = Literal["evaluated", "duplicate", "no budget"]


@dataclass(frozen=True)
class Proposal:
    """A program that somebody outside proposes.

    Attributes:
        program: checked, and within the space.
        proposer: the arm that earns its credit.
        parents: hashes of the programs it was made from.
        parent_score: the best of their scores; None if it has no parents.
    """

    program: Program
    proposer: str
    parents: tuple[str, ...] = ()
    parent_score: float | None = None


@dataclass(frozen=True)
class Hearing:
    """What was proposed since the hearing before.

    Attributes:
        proposals: the usable ones, in an order that does not depend on when they came.
        ledger: how many were proposed and how many of them valid, by arm.
    """

    proposals: tuple[Proposal, ...] = ()
    ledger: Mapping[str, Credit] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What became of a proposal.

    Attributes:
        individual: with its scores; None if it was not evaluated.
        accepted: whether it entered a population; improved: whether it beat its best parent.
    """

    proposal: Proposal
    fate: Fate
    individual: Individual | None = None
    accepted: bool = False
    improved: bool = False


class Adviser(Protocol):
    """Someone who proposes programs, slowly: asked at one boundary and heard at a later one.

    What it says must depend on what it is told alone, and on what it was answered.
    """

    def ask(self, progress: Progress) -> None:
        """Begin to think about the state of the search; comes back at once."""

    def next_hearing(self, evaluated: int) -> int | None:
        """At how many evaluations it is to be heard; None if it will say nothing more."""

    def hear(self, epoch: int) -> Hearing:
        """What it has to say; may wait for it."""

    def learn(self, outcomes: Sequence[Outcome]) -> None:
        """Be told what became of its proposals."""
