"""What models may cost and have cost: committed is spent plus what is in flight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from evolve.llm.transport.exchange import Exchange
from evolve.llm.transport.model import Model
from evolve.llm.transport.server import Message

MIN_CHARACTERS_PER_TOKEN = 2  # of the texts sent here, with room to spare


@dataclass(frozen=True)
class Cost:
    """Calls, tokens and dollars. A probe of a server is no call, but its tokens count."""

    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    usd: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(*[getattr(self, f.name) + getattr(other, f.name) for f in fields(self)])

    @property
    def tokens(self) -> int:
        """Those sent and those received."""
        return self.tokens_in + self.tokens_out


@dataclass(frozen=True)
class ArmCost:
    """What one arm, a model asked for one direction, took."""

    calls: int
    seconds: float
    usd: float


@dataclass(frozen=True)
class CallLimits:
    """The most that may be committed; None for no cap."""

    calls: int | None = None
    tokens: int | None = None
    usd: float | None = None


class CallBudget:
    """The account of one run.

    Attributes:
        spent: by the servers' own count, or as held where a server may have worked unseen.
        assumed: the part of it that no server has counted.
        refused: further calls, which no server accepted and which cost nothing.
    """

    def __init__(self, caps: CallLimits) -> None:
        self.caps = caps
        self.spent, self.assumed, self.refused = Cost(), Cost(), 0
        self._held: dict[int, Cost] = {}

    @property
    def committed(self) -> Cost:
        """What is spent and what is in flight."""
        return sum(self._held.values(), self.spent)

    @property
    def calls_left(self) -> int:
        """How many calls may still be made; a large number where they have no cap."""
        most = self.caps.calls
        return 1_000_000 if most is None else max(0, most - self.committed.calls)

    @property
    def calls_affordable(self) -> int:
        """How many further calls what is left will pay for, at what they cost so far."""
        committed, found = self.committed, float(self.calls_left)
        for used, cap in ((committed.tokens, self.caps.tokens), (committed.usd, self.caps.usd)):
            if cap is not None and used:
                found = min(found, committed.calls * (cap - used) / used)
        return int(found)

    def reserve(self, number: int, most: Cost) -> bool:
        """Commit to a call that costs at the most so much; False, and nothing, over a cap."""
        would = self.committed + most
        caps = self.caps
        if caps.calls is not None and would.calls > caps.calls:
            return False
        if caps.tokens is not None and would.tokens > caps.tokens:
            return False
        if caps.usd is not None and would.usd > caps.usd:
            return False
        self._held[number] = most
        return True

    def settle(self, number: int, exchanges: Sequence[Exchange]) -> None:
        """Account for a call that ended; one that the server may bill unseen costs what was held.

        A call that the server never took costs nothing.
        """
        held = self._held.pop(number)
        may_be_billed = [each for each in exchanges if not each.error or each.may_be_billed]
        calls = int(any(each.kind != "probe" for each in may_be_billed))
        if any(each.error for each in may_be_billed):
            self._assume(Cost(calls, held.tokens_in, held.tokens_out, held.usd))
            return
        self.spent += Cost(calls=calls)
        self.refused += not calls and any(each.kind != "probe" for each in exchanges)
        for each in exchanges:
            self.spent += Cost(0, each.tokens_in, each.tokens_out, each.usd)

    def assume_spent(self) -> None:
        """Count what is in flight as spent: its servers may go on with it."""
        for held in self._held.values():
            self._assume(held)
        self._held.clear()

    def _assume(self, cost: Cost) -> None:
        self.spent += cost
        self.assumed += cost


def estimate_max_cost(model: Model, messages: Sequence[Message], further_tokens: int = 0) -> Cost:
    """The most that a call can cost.

    Args:
        model: who is asked.
        messages: what is sent.
        further_tokens: for finding out what the server can do.
    """
    sent = sum(len(each["content"].encode()) for each in messages)
    tokens_in = sent // MIN_CHARACTERS_PER_TOKEN + further_tokens
    tokens_out = model.max_tokens + further_tokens
    return Cost(1, tokens_in, tokens_out, model.usd(tokens_in, tokens_out))
