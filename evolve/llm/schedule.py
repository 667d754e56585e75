"""The schedule of model calls, in evaluations and rounds; no clock affects it."""

from __future__ import annotations

MAX_SKIPPED_ROUNDS = 63  # after consecutive rounds without an answer
MAX_UNANSWERED_ROUNDS = 3  # consecutive ones, if only models propose


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
        self._is_due, self._is_spent, self._is_silent = True, False, False
        self._next_sync, self._migration = 0, 0
        self._unanswered_rounds, self._rounds_to_skip = 0, 0

    @property
    def is_silent(self) -> bool:
        """Whether the last synchronization with calls brought no answer."""
        return self._is_silent

    @property
    def is_last(self) -> bool:
        """Whether the next synchronization is at the end of the budget of evaluations."""
        return not self._syncs_at_once and self._defer(self._next_sync) >= self._evaluations

    @property
    def is_due(self) -> bool:
        """Whether the next round may start."""
        return self._is_due

    def record_progress(self, migration: int) -> None:
        """Record the evaluation count at the next migration."""
        self._migration = migration

    def skip_round(self) -> bool:
        """Return whether this round has no calls; count it as skipped if so."""
        is_skipped = self._rounds_to_skip > 0
        self._rounds_to_skip -= is_skipped
        return is_skipped

    def fits_round(self, evaluated: int) -> bool:
        """Return whether a round from now on ends before the budget of evaluations."""
        if self._syncs_at_once:
            return self._unanswered_rounds < MAX_UNANSWERED_ROUNDS
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
        self._is_due, self._is_spent = False, not is_active
        left = max(self._evaluations - evaluated, 0)
        rounds = self._count_rounds(in_flight + calls_left)
        distance = max(left // (rounds + 1), self._min_distance)
        self._next_sync = min(evaluated + distance, self._evaluations)

    def next_sync(self, evaluated: int) -> int | None:
        """Return the evaluation count of the next synchronization; None if none follows."""
        if self._is_spent:
            return None
        return evaluated if self._syncs_at_once else self._defer(self._next_sync)

    def _defer(self, sync: int) -> int:
        """Return the evaluation count of a planned synchronization."""
        return max(sync, self._migration) if self._is_silent else sync

    def _count_rounds(self, calls: int) -> int:
        return -(-calls // self._concurrency)

    def record_collected(self, had_calls: bool, has_answered: bool, in_flight: int) -> None:
        """Record the end of a round; skip ever more rounds while no server answers."""
        self._is_due = True
        if has_answered:
            self._unanswered_rounds, self._is_silent = 0, False
        elif had_calls:
            self._is_silent = True
            if not in_flight:
                self._unanswered_rounds += 1
                skipped = 2 ** (self._unanswered_rounds - 1) - 1
                self._rounds_to_skip = min(skipped, MAX_SKIPPED_ROUNDS)
