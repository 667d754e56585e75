"""The schedule of model calls, in evaluations and rounds; no clock affects it."""

from __future__ import annotations

MAX_SKIPPED_ROUNDS = 63  # after consecutive rounds without an answer
MAX_UNANSWERED_ROUNDS = 3  # consecutive ones, if only models propose


class Schedule:
    """Rounds of calls and synchronizations, spread over a budget of evaluations.

    The plan fixes the distance of two synchronizations: the evaluations over the rounds that the
    first budget of calls allows. While no model answers, synchronizations coincide with migrations,
    so that they divide no epoch.
    """

    def __init__(self, evaluations: int, concurrency: int, syncs_at_once: bool) -> None:
        """
        Args:
            evaluations: the budget.
            concurrency: the number of calls in a round.
            syncs_at_once: synchronize immediately, because nothing else proposes.
        """
        self._evaluations, self._concurrency = evaluations, concurrency
        self._syncs_at_once = syncs_at_once
        self._is_due, self._is_spent = True, False
        self._min_distance, self._next_sync = 0, 0
        self._is_silent = False
        self._unanswered_rounds, self._rounds_to_skip = 0, 0

    @property
    def is_silent(self) -> bool:
        """Whether the last synchronization with calls brought no answer."""
        return self._is_silent

    @property
    def is_due(self) -> bool:
        """Whether the next round may start."""
        return self._is_due

    def skip_round(self) -> bool:
        """Return whether this round has no calls; count it as skipped if so."""
        is_skipped = self._rounds_to_skip > 0
        self._rounds_to_skip -= is_skipped
        return is_skipped

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
        rounds = -(-(in_flight + calls_left) // self._concurrency)
        distance = max(left // (rounds + 1), self._min_distance, 1)
        self._min_distance = self._min_distance or distance
        self._next_sync = evaluated + distance

    def next_sync(self, evaluated: int, migration: int) -> int | None:
        """Return the evaluation count of the next synchronization; None if none follows.

        Args:
            evaluated: evaluations so far.
            migration: evaluations at the next migration.
        """
        if self._is_spent:
            return None
        if self._syncs_at_once:
            return None if self._unanswered_rounds >= MAX_UNANSWERED_ROUNDS else evaluated
        return max(self._next_sync, migration) if self._is_silent else self._next_sync

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
