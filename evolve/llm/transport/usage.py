"""Cost of model calls and the budget for it; committed cost is spent or in flight."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields

from evolve.llm.transport.exchange import Exchange
from evolve.llm.transport.model import Model
from evolve.llm.transport.request_body import Message

MIN_CHARACTERS_PER_TOKEN = 2  # a conservative bound for prompts


@dataclass(frozen=True)
class Cost:
    """Calls, tokens and dollars. A probe counts as tokens but not as a call."""

    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    usd: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(*[getattr(self, f.name) + getattr(other, f.name) for f in fields(self)])

    @property
    def tokens(self) -> int:
        """Input and output tokens."""
        return self.tokens_in + self.tokens_out


@dataclass(frozen=True)
class ArmCost:
    """Cost of one arm: a model with a task."""

    calls: int
    seconds: float
    usd: float


@dataclass(frozen=True)
class CallLimits:
    """Limits on the committed cost; None for no limit."""

    calls: int | None = None
    tokens: int | None = None
    usd: float | None = None


@dataclass
class BudgetState:
    """State of the budget of a run.

    Attributes:
        spent: the cost that servers reported, or the reserved cost of a call without a report.
        assumed: the part of `spent` that no server reported.
        refused: the number of calls that no server accepted; they cost nothing.
        reserved: the maximum cost of each call in flight, by number.
    """

    spent: Cost = field(default_factory=Cost)
    assumed: Cost = field(default_factory=Cost)
    refused: int = 0
    reserved: dict[int, Cost] = field(default_factory=dict)


class CallBudget:
    """Budget of the model calls of a run."""

    def __init__(
        self, limits: CallLimits, report: Callable[[Cost], None] = lambda spent: None
    ) -> None:
        """
        Args:
            limits: the limits on the committed cost.
            report: receives the cost spent whenever it changes.
        """
        self.limits, self._report = limits, report
        self.state, self._left = BudgetState(), Cost()

    @property
    def spent(self) -> Cost:
        """Cost spent, as in `BudgetState`, and that of calls of a course that the run left."""
        return self.state.spent + self._left

    @property
    def assumed(self) -> Cost:
        """Part of the cost spent that no server reported."""
        return self.state.assumed

    @property
    def refused(self) -> int:
        """Number of calls that no server accepted."""
        return self.state.refused

    @property
    def committed(self) -> Cost:
        """Cost spent or reserved for calls in flight."""
        return sum(self.state.reserved.values(), self.spent)

    @property
    def max_calls(self) -> int:
        """Limit on calls; a large number without one."""
        return 1_000_000 if self.limits.calls is None else self.limits.calls

    @property
    def calls_left(self) -> int:
        """Further calls within the limit on calls; a large number without one."""
        return max(0, self.max_calls - self.committed.calls)

    @property
    def calls_affordable(self) -> int:
        """Further calls within all limits, at the average cost so far."""
        committed, calls = self.committed, float(self.calls_left)
        for used, limit in (
            (committed.tokens, self.limits.tokens),
            (committed.usd, self.limits.usd),
        ):
            if limit is not None and used:
                calls = min(calls, committed.calls * (limit - used) / used)
        return int(calls)

    def reserve(self, number: int, max_cost: Cost) -> bool:
        """Reserve the maximum cost of a call; return False if that exceeds a limit."""
        total = self.committed + max_cost
        limits = self.limits
        if limits.calls is not None and total.calls > limits.calls:
            return False
        if limits.tokens is not None and total.tokens > limits.tokens:
            return False
        if limits.usd is not None and total.usd > limits.usd:
            return False
        self.state.reserved[number] = max_cost
        return True

    def record_left(self, cost: Cost) -> None:
        """Record the cost of all calls of a course that the run left."""
        self._left = cost
        self._report(self.spent)

    def restore(self, state: BudgetState) -> None:
        """Restore a saved state, and report its cost."""
        self.state = state
        self._report(self.spent)

    def settle(self, number: int, exchanges: Sequence[Exchange]) -> None:
        """Replace the reserved cost of a call by its cost.

        If a server may bill an exchange that failed, the call costs what was reserved. A call
        that no server accepted costs nothing.
        """
        reserved = self.state.reserved.pop(number)
        billable = [each for each in exchanges if not each.error or each.may_be_billed]
        calls = int(any(each.kind != "probe" for each in billable))
        if any(each.error for each in billable):
            self._assume(Cost(calls, reserved.tokens_in, reserved.tokens_out, reserved.usd))
            return
        self.state.spent += Cost(calls=calls)
        self.state.refused += not calls and any(each.kind != "probe" for each in exchanges)
        for each in exchanges:
            self.state.spent += Cost(0, each.tokens_in, each.tokens_out, each.usd)
        self._report(self.spent)

    def assume_spent(self) -> None:
        """Count calls in flight as spent: their servers may continue to work on them."""
        for reserved in self.state.reserved.values():
            self._assume(reserved)
        self.state.reserved.clear()

    def _assume(self, cost: Cost) -> None:
        self.state.spent += cost
        self.state.assumed += cost
        self._report(self.spent)


def estimate_max_cost(model: Model, messages: Sequence[Message], further_tokens: int = 0) -> Cost:
    """Return the maximum cost of a call.

    Args:
        model: the model to call.
        messages: the prompt.
        further_tokens: input and output tokens that probes may use.
    """
    sent_bytes = sum(len(each["content"].encode()) for each in messages)
    tokens_in = sent_bytes // MIN_CHARACTERS_PER_TOKEN + further_tokens
    tokens_out = model.max_tokens + further_tokens
    return Cost(1, tokens_in, tokens_out, model.usd(tokens_in, tokens_out))
