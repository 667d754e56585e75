"""The schedule of model calls, in evaluations and rounds; no clock affects it."""

from __future__ import annotations

from dataclasses import dataclass

MAX_SKIPPED_ROUNDS = 63  # after consecutive rounds without an answer
MAX_UNANSWERED_ROUNDS = 3  # consecutive ones, if only models propose


@dataclass
class ScheduleState:
    """State of a schedule.

    Attributes:
        is_due: whether the next round may start.
        is_spent: whether no answer can arrive any more.
        is_silent: whether the last synchronization with calls brought no answer.
        next_sync: the evaluation count of the planned synchronization.
        migration: the evaluation count at the next migration.
        unanswered_rounds: consecutive rounds without an answer.
        rounds_to_skip: rounds without calls that follow.
    """

    is_due: bool = True
    is_spent: bool = False
    is_silent: bool = False
    next_sync: int = 0
    migration: int = 0
    unanswered_rounds: int = 0
    rounds_to_skip: int = 0


class Schedule:
    """Rounds of calls and synchronizations, spread over a budget of evaluations.

    The plan fixes the least distance of two synchronizations: the evaluations over the rounds of
    the budget of calls. While no model answers, synchronizations also coincide with migrations, so
    that they divide no epoch.
    """

    def __init__(self, evaluations: int, calls: int, concurrency: int, syncs_at_once: bool) -> None:
        """
        Args:
            evaluations: the budget.
            calls: the budget of calls.
            concurrency: the number of calls in a round.
            syncs_at_once: synchronize immediately, because nothing else proposes.
        """
        self._evaluations, self._concurrency = evaluations, concurrency
        self._syncs_at_once = syncs_at_once
        self._min_distance = max(evaluations // (self._count_rounds(calls) + 1), 1)
        self.state = ScheduleState()

    @property
    def is_silent(self) -> bool:
        """Whether the last synchronization with calls brought no answer."""
        return self.state.is_silent

    @property
    def is_last(self) -> bool:
        """Whether the next synchronization is at the end of the budget of evaluations."""
        return not self._syncs_at_once and self._defer(self.state.next_sync) >= self._evaluations

    @property
    def is_due(self) -> bool:
        """Whether the next round may start."""
        return self.state.is_due

    def renew(self) -> None:
        """Let the next round start if no answer could arrive any more, since the budget changed."""
        if self.state.is_spent:
            self.state.is_due, self.state.is_spent = True, False
            self.state.unanswered_rounds = self.state.rounds_to_skip = 0

    def record_progress(self, migration: int) -> None:
        """Record the evaluation count at the next migration."""
        self.state.migration = migration

    def skip_round(self) -> bool:
        """Return whether this round has no calls; count it as skipped if so."""
        is_skipped = self.state.rounds_to_skip > 0
        self.state.rounds_to_skip -= is_skipped
        return is_skipped

    def fits_round(self, evaluated: int) -> bool:
        """Return whether a round from now on ends before the budget of evaluations."""
        if self._syncs_at_once:
            return self.state.unanswered_rounds < MAX_UNANSWERED_ROUNDS
        return self._defer(evaluated + self._min_distance) < self._evaluations

    def record_asked(
        self, evaluated: int, in_flight: int, calls_left: int, is_active: bool
    ) -> None:
        """Plan the next synchronization.

        Args:
            evaluated: evaluations so far.
            in_flight: calls without an answer.
            calls_left: further calls that the budget allows.
            is_active: whether an answer can still arrive.
        """
        self.state.is_due, self.state.is_spent = False, not is_active
        left = max(self._evaluations - evaluated, 0)
        rounds = self._count_rounds(in_flight + calls_left)
        distance = max(left // (rounds + 1), self._min_distance)
        self.state.next_sync = min(evaluated + distance, self._evaluations)

    def next_sync(self, evaluated: int) -> int | None:
        """Return the evaluation count of the next synchronization; None if none follows."""
        if self.state.is_spent:
            return None
        return evaluated if self._syncs_at_once else self._defer(self.state.next_sync)

    def _defer(self, sync: int) -> int:
        """Return the evaluation count of a planned synchronization."""
        return max(sync, self.state.migration) if self.state.is_silent else sync

    def _count_rounds(self, calls: int) -> int:
        return -(-calls // self._concurrency)

    def record_collected(self, had_calls: bool, has_answered: bool, in_flight: int) -> None:
        """Record the end of a round; skip ever more rounds while no server answers."""
        self.state.is_due = True
        if has_answered:
            self.state.unanswered_rounds, self.state.is_silent = 0, False
        elif had_calls:
            self.state.is_silent = True
            if not in_flight:
                self.state.unanswered_rounds += 1
                skipped = 2 ** (self.state.unanswered_rounds - 1) - 1
                self.state.rounds_to_skip = min(skipped, MAX_SKIPPED_ROUNDS)
