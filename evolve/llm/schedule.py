"""When an adviser asks and is heard: by counts of evaluations and rounds, never by a clock."""

from __future__ import annotations

MAX_SKIPPED_ROUNDS = 63  # rounds without a call after failures in a row


class Schedule:
    """The rounds of asking and hearing, spread over a budget of evaluations."""

    def __init__(self, evaluations: int, concurrency: int, waits_for_nothing: bool) -> None:
        """
        Args:
            evaluations: the budget.
            concurrency: calls a round.
            waits_for_nothing: be heard at once, as nobody else proposes.
        """
        self._evaluations, self._concurrency = evaluations, concurrency
        self._waits_for_nothing = waits_for_nothing
        self._is_due, self._is_spent = True, False
        self._hearing_at = 0
        self._silent_rounds, self._rests = 0, 0

    @property
    def is_unanswered(self) -> bool:
        """Whether no answer came in the last round that had calls."""
        return self._silent_rounds > 0

    @property
    def is_due(self) -> bool:
        """Whether it is time to ask."""
        return self._is_due

    def skip_round(self) -> bool:
        """Whether this round passes without a call; uses up one of the rests."""
        rests = self._rests > 0
        self._rests -= rests
        return rests

    def record_asked(self, evaluated: int, under_way: int, calls_left: int, goes_on: bool) -> None:
        """Fix when the answers are heard.

        Args:
            evaluated: so far.
            under_way: calls without an answer.
            calls_left: how many more may be made.
            goes_on: whether an answer can still come.
        """
        self._is_due, self._is_spent = False, not goes_on
        left = max(self._evaluations - evaluated, 0)
        rounds = -(-(under_way + calls_left) // self._concurrency)
        self._hearing_at = evaluated + max(1, left // (rounds + 1))

    def next_sync(self, evaluated: int) -> int | None:
        """At how many evaluations to be heard; None once nothing more can come."""
        if self._is_spent:
            return None
        return evaluated if self._waits_for_nothing else self._hearing_at

    def record_collected(self, had_calls: bool, has_answered: bool, under_way: int) -> None:
        """A round ended: the next follows, later and later while no server answers."""
        self._is_due = True
        if has_answered:
            self._silent_rounds = 0
        elif had_calls and not under_way:
            self._silent_rounds += 1
            self._rests = min(2 ** (self._silent_rounds - 1) - 1, MAX_SKIPPED_ROUNDS)
