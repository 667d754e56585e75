"""Spent and committed cost stay within the limits, however calls end."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from evolve.llm.transport.exchange import Exchange
from evolve.llm.transport.model import Model
from evolve.llm.transport.usage import CallBudget, CallLimits, Cost, estimate_max_cost

MAX_COST = Cost(1, 1000, 500, 0.25)
ANSWERED = Exchange(
    "propose", "m", "text", (), "an answer", tokens_in=800, tokens_out=90, usd=0.125
)
PROBED = Exchange("probe", "m", "gbnf", (), "xyz", tokens_in=10, tokens_out=5, usd=0.0625)
REFUSED = Exchange("propose", "m", "text", (), error="cannot reach it", status=None)
NOT_TAKEN = Exchange("propose", "m", "gbnf", (), error="it answered 400", status=400)
UNSEEN = replace(REFUSED, error="it did not answer within 300 seconds", may_be_billed=True)
NO_CAPS = CallLimits()


def spent_on(*exchanges: Exchange) -> Cost:
    """Return the cost of a call that is reserved and ends with some exchanges."""
    budget = CallBudget(NO_CAPS)
    assert budget.reserve(1, MAX_COST)
    assert (budget.committed, budget.spent) == (MAX_COST, Cost())
    budget.settle(1, exchanges)
    assert budget.committed == budget.spent
    return budget.spent


@pytest.mark.parametrize(
    ("exchanges", "cost"),
    [
        ((), Cost()),
        ((ANSWERED,), Cost(1, 800, 90, 0.125)),
        ((replace(ANSWERED, kind="repair"),), Cost(1, 800, 90, 0.125)),
        ((replace(ANSWERED, kind="summarize"),), Cost(1, 800, 90, 0.125)),
        ((REFUSED,), Cost()),
        ((NOT_TAKEN,), Cost()),
        ((UNSEEN,), MAX_COST),
        ((PROBED,), Cost(0, 10, 5, 0.0625)),
        ((PROBED, PROBED, ANSWERED), Cost(1, 820, 100, 0.25)),
        ((PROBED, REFUSED), Cost(0, 10, 5, 0.0625)),
        ((PROBED, UNSEEN), MAX_COST),
        ((NOT_TAKEN, PROBED, ANSWERED), Cost(1, 810, 95, 0.1875)),
        ((replace(NOT_TAKEN, kind="probe"), ANSWERED), Cost(1, 800, 90, 0.125)),
    ],
)  # fmt: skip
def test_a_call_costs_its_usage_or_its_reservation_if_it_may_be_billed(
    exchanges: tuple[Exchange, ...], cost: Cost
) -> None:
    assert spent_on(*exchanges) == cost


@pytest.mark.parametrize("further", [(), (ANSWERED,), (NOT_TAKEN, ANSWERED), (REFUSED,)])
def test_a_probe_that_may_be_billed_costs_the_reserved_tokens(
    further: tuple[Exchange, ...],
) -> None:
    cost = spent_on(replace(UNSEEN, kind="probe"), *further)
    assert (cost.tokens, cost.usd) == (MAX_COST.tokens, MAX_COST.usd)


@pytest.mark.parametrize(
    ("caps", "count"),
    [
        (NO_CAPS, 100), (CallLimits(calls=3), 3), (CallLimits(calls=0), 0),
        (CallLimits(tokens=3000), 2), (CallLimits(tokens=2999), 1), (CallLimits(usd=0.75), 3),
        (CallLimits(usd=0.74), 2), (CallLimits(usd=0.0), 0),
        (CallLimits(4, 4500, 9.0), 3), (CallLimits(4, 99_999, 0.5), 2),
    ],
)  # fmt: skip
def test_reservations_stay_within_the_limits(caps: CallLimits, count: int) -> None:
    budget = CallBudget(caps)
    assert [budget.reserve(number, MAX_COST) for number in range(100)].count(True) == count
    assert budget.committed == Cost(count, 1000 * count, 500 * count, 0.25 * count)


def test_a_rejected_reservation_has_no_effect_and_a_settled_one_frees_its_cost() -> None:
    budget = CallBudget(CallLimits(tokens=1600))
    assert budget.reserve(1, MAX_COST)
    assert not budget.reserve(2, MAX_COST)
    with pytest.raises(KeyError):
        budget.settle(2, [ANSWERED])
    budget.settle(1, [REFUSED])
    assert budget.reserve(2, MAX_COST)


def test_committed_calls_reduce_the_calls_left() -> None:
    budget = CallBudget(CallLimits(calls=3))
    lefts = [budget.calls_left]
    for number, exchange in enumerate((ANSWERED, REFUSED, UNSEEN, PROBED)):
        assert budget.reserve(number, MAX_COST)
        lefts.append(budget.calls_left)
        budget.settle(number, [exchange])
        lefts.append(budget.calls_left)
    assert lefts == [3, 2, 2, 1, 2, 1, 1, 0, 1]
    assert CallBudget(NO_CAPS).calls_left >= 1_000_000


def test_affordable_calls_are_estimated_from_the_average_cost() -> None:
    budget = CallBudget(CallLimits(calls=20, tokens=10_000, usd=9.0))
    assert budget.calls_affordable == 20  # no cost is known yet
    assert budget.reserve(1, MAX_COST)
    budget.settle(1, [ANSWERED])
    a_call = budget.spent.tokens
    assert budget.calls_affordable == (10_000 - a_call) // a_call < 19
    assert CallBudget(CallLimits(calls=3)).calls_affordable == 3
    free = CallBudget(CallLimits(calls=5, usd=0.0))
    assert free.reserve(1, Cost(1, 10, 10, 0.0))
    assert free.calls_affordable == 4


def test_abandoned_calls_cost_their_reservations() -> None:
    budget = CallBudget(CallLimits(calls=3))
    assert budget.reserve(1, MAX_COST)
    assert budget.reserve(2, MAX_COST)
    budget.settle(1, [ANSWERED])
    budget.assume_spent()
    assert budget.spent == budget.committed == Cost(2, 1800, 590, 0.375)
    budget.assume_spent()
    assert budget.spent == Cost(2, 1800, 590, 0.375)


@given(st.lists(st.text(max_size=50), max_size=4), st.integers(0, 5000), st.integers(1, 4000))
def test_the_maximum_cost_covers_all_bytes_of_the_prompt_and_all_allowed_tokens(
    texts: list[str], further: int, tokens: int
) -> None:
    model = Model("m", max_tokens=tokens, usd_per_million_in=2.0, usd_per_million_out=8.0)
    messages = [{"role": "user", "content": text} for text in texts]
    cost = estimate_max_cost(model, messages, further)
    size = len("".join(texts).encode())
    assert cost.calls == 1
    assert cost.tokens_in == size // 2 + further
    assert cost.tokens_out == tokens + further
    assert cost.usd == pytest.approx((2 * cost.tokens_in + 8 * cost.tokens_out) / 1e6)
    assert estimate_max_cost(Model("m"), messages).usd == 0.0


CENTS = st.integers(0, 200).map(lambda cents: cents / 64)  # sums of which are exact
MAX_COSTS = st.builds(Cost, st.just(1), st.integers(0, 3000), st.integers(0, 3000), CENTS)
CAPS = st.builds(
    CallLimits, st.none() | st.integers(0, 8), st.none() | st.integers(0, 20_000), st.none() | CENTS
)
ENDINGS = st.sampled_from(
    ["answered", "refused", "unseen", "probed", "probed, then refused", "lost"]
)


class BudgetMachine(RuleBasedStateMachine):
    """Calls that start and end in any order, compared with a simple budget."""

    @initialize(caps=CAPS)
    def open(self, caps: CallLimits) -> None:
        self.caps, self.budget = caps, CallBudget(caps)
        self.spent, self.reserved = Cost(), dict[int, Cost]()
        self.number = 0

    @rule(max_cost=MAX_COSTS)
    def reserve(self, max_cost: Cost) -> None:
        self.number += 1
        total = sum(self.reserved.values(), self.spent) + max_cost
        assert self.budget.reserve(self.number, max_cost) == is_within(total, self.caps)
        if is_within(total, self.caps):
            self.reserved[self.number] = max_cost

    @precondition(lambda self: self.reserved)
    @rule(data=st.data(), ending=ENDINGS)
    def settle(self, data: st.DataObject, ending: str) -> None:
        number = data.draw(st.sampled_from(sorted(self.reserved)))
        max_cost = self.reserved.pop(number)
        tokens_in = data.draw(st.integers(0, max_cost.tokens_in))
        tokens_out = data.draw(st.integers(0, max_cost.tokens_out))
        usd = data.draw(st.integers(0, int(max_cost.usd * 64))) / 64
        answer = replace(ANSWERED, tokens_in=tokens_in, tokens_out=tokens_out, usd=usd)
        probe = replace(answer, kind="probe")
        exchanges, cost = {
            "answered": ([answer], Cost(1, tokens_in, tokens_out, usd)),
            "refused": ([REFUSED], Cost()),
            "unseen": ([NOT_TAKEN, UNSEEN], max_cost),
            "probed": ([probe], Cost(0, tokens_in, tokens_out, usd)),
            "probed, then refused": ([probe, REFUSED], Cost(0, tokens_in, tokens_out, usd)),
            "lost": ([], Cost()),
        }[ending]
        self.budget.settle(number, exchanges)
        self.spent += cost

    @rule()
    def abandon(self) -> None:
        self.budget.assume_spent()
        self.spent = sum(self.reserved.values(), self.spent)
        self.reserved.clear()

    @invariant()
    def both_budgets_agree_and_stay_within_the_limits(self) -> None:
        committed = sum(self.reserved.values(), self.spent)
        assert self.budget.spent == self.spent
        assert self.budget.committed == committed
        assert is_within(self.budget.spent, self.caps)
        assert is_within(self.budget.committed, self.caps)
        max_cost = self.caps.calls
        assert max_cost is None or self.budget.calls_left == max_cost - committed.calls >= 0


def is_within(cost: Cost, caps: CallLimits) -> bool:
    pairs = ((cost.calls, caps.calls), (cost.tokens, caps.tokens), (cost.usd, caps.usd))
    return all(cap is None or spent <= cap for spent, cap in pairs)


TestAnyOrderOfCalls = BudgetMachine.TestCase
TestAnyOrderOfCalls.settings = settings(max_examples=60, stateful_step_count=30)
