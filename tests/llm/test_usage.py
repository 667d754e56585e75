"""Whatever happens to calls, what is spent and what is committed stay within the caps."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from evolve.llm.transport.exchange import Exchange
from evolve.llm.transport.model import Model
from evolve.llm.transport.usage import CallBudget, CallLimits, Cost, estimate_max_cost

MOST = Cost(1, 1000, 500, 0.25)
ANSWERED = Exchange(
    "propose", "m", "text", (), "an answer", tokens_in=800, tokens_out=90, usd=0.125
)
PROBED = Exchange("probe", "m", "gbnf", (), "xyz", tokens_in=10, tokens_out=5, usd=0.0625)
REFUSED = Exchange("propose", "m", "text", (), error="it cannot be reached", status=None)
NOT_TAKEN = Exchange("propose", "m", "gbnf", (), error="it answered 400", status=400)
UNSEEN = replace(REFUSED, error="it did not answer within 300 seconds", may_be_billed=True)
NO_CAPS = CallLimits()


def spent_on(*exchanges: Exchange) -> Cost:
    """What the account says of one call that was held and ended so; nothing stays in flight."""
    ledger = CallBudget(NO_CAPS)
    assert ledger.reserve(1, MOST)
    assert (ledger.committed, ledger.spent) == (MOST, Cost())
    ledger.settle(1, exchanges)
    assert ledger.committed == ledger.spent
    return ledger.spent


@pytest.mark.parametrize(
    ("exchanges", "cost"),
    [
        ((), Cost()),
        ((ANSWERED,), Cost(1, 800, 90, 0.125)),
        ((replace(ANSWERED, kind="repair"),), Cost(1, 800, 90, 0.125)),
        ((replace(ANSWERED, kind="summarize"),), Cost(1, 800, 90, 0.125)),
        ((REFUSED,), Cost()),
        ((NOT_TAKEN,), Cost()),
        ((UNSEEN,), MOST),
        ((PROBED,), Cost(0, 10, 5, 0.0625)),
        ((PROBED, PROBED, ANSWERED), Cost(1, 820, 100, 0.25)),
        ((PROBED, REFUSED), Cost(0, 10, 5, 0.0625)),
        ((PROBED, UNSEEN), MOST),
        ((NOT_TAKEN, PROBED, ANSWERED), Cost(1, 810, 95, 0.1875)),
        ((replace(NOT_TAKEN, kind="probe"), ANSWERED), Cost(1, 800, 90, 0.125)),
    ],
)  # fmt: skip
def test_a_call_costs_what_was_answered_and_what_was_held_if_it_may_be_billed_unseen(
    exchanges: tuple[Exchange, ...], cost: Cost
) -> None:
    assert spent_on(*exchanges) == cost


@pytest.mark.parametrize("further", [(), (ANSWERED,), (NOT_TAKEN, ANSWERED), (REFUSED,)])
def test_a_probe_that_may_be_billed_unseen_costs_the_tokens_that_were_held(
    further: tuple[Exchange, ...],
) -> None:
    cost = spent_on(replace(UNSEEN, kind="probe"), *further)
    assert (cost.tokens, cost.usd) == (MOST.tokens, MOST.usd)


@pytest.mark.parametrize(
    ("caps", "holds"),
    [
        (NO_CAPS, 100), (CallLimits(calls=3), 3), (CallLimits(calls=0), 0),
        (CallLimits(tokens=3000), 2), (CallLimits(tokens=2999), 1), (CallLimits(usd=0.75), 3),
        (CallLimits(usd=0.74), 2), (CallLimits(usd=0.0), 0),
        (CallLimits(4, 4500, 9.0), 3), (CallLimits(4, 99_999, 0.5), 2),
    ],
)  # fmt: skip
def test_no_more_is_held_than_the_caps_allow(caps: CallLimits, holds: int) -> None:
    ledger = CallBudget(caps)
    assert [ledger.reserve(number, MOST) for number in range(100)].count(True) == holds
    assert ledger.committed == Cost(holds, 1000 * holds, 500 * holds, 0.25 * holds)


def test_what_is_refused_leaves_no_trace_and_what_is_settled_makes_room() -> None:
    ledger = CallBudget(CallLimits(tokens=1600))
    assert ledger.reserve(1, MOST)
    assert not ledger.reserve(2, MOST)
    with pytest.raises(KeyError):
        ledger.settle(2, [ANSWERED])
    ledger.settle(1, [REFUSED])
    assert ledger.reserve(2, MOST)


def test_the_calls_left_are_those_not_committed() -> None:
    ledger = CallBudget(CallLimits(calls=3))
    lefts = [ledger.calls_left]
    for number, exchange in enumerate((ANSWERED, REFUSED, UNSEEN, PROBED)):
        assert ledger.reserve(number, MOST)
        lefts.append(ledger.calls_left)
        ledger.settle(number, [exchange])
        lefts.append(ledger.calls_left)
    assert lefts == [3, 2, 2, 1, 2, 1, 1, 0, 1]
    assert CallBudget(NO_CAPS).calls_left >= 1_000_000


def test_the_calls_that_can_be_paid_are_judged_by_what_they_cost_so_far() -> None:
    ledger = CallBudget(CallLimits(calls=20, tokens=10_000, usd=9.0))
    assert ledger.calls_affordable == 20  # nothing is known yet
    assert ledger.reserve(1, MOST)
    ledger.settle(1, [ANSWERED])
    a_call = ledger.spent.tokens
    assert ledger.calls_affordable == (10_000 - a_call) // a_call < 19
    assert CallBudget(CallLimits(calls=3)).calls_affordable == 3
    free = CallBudget(CallLimits(calls=5, usd=0.0))
    assert free.reserve(1, Cost(1, 10, 10, 0.0))
    assert free.calls_affordable == 4


def test_what_is_given_up_is_spent_as_it_was_held() -> None:
    ledger = CallBudget(CallLimits(calls=3))
    assert ledger.reserve(1, MOST)
    assert ledger.reserve(2, MOST)
    ledger.settle(1, [ANSWERED])
    ledger.assume_spent()
    assert ledger.spent == ledger.committed == Cost(2, 1800, 590, 0.375)
    ledger.assume_spent()
    assert ledger.spent == Cost(2, 1800, 590, 0.375)


@given(st.lists(st.text(max_size=50), max_size=4), st.integers(0, 5000), st.integers(1, 4000))
def test_the_most_a_call_can_cost_covers_every_byte_sent_and_every_token_allowed(
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
HELD = st.builds(Cost, st.just(1), st.integers(0, 3000), st.integers(0, 3000), CENTS)
CAPS = st.builds(
    CallLimits, st.none() | st.integers(0, 8), st.none() | st.integers(0, 20_000), st.none() | CENTS
)
ENDINGS = st.sampled_from(
    ["answered", "refused", "unseen", "probed", "probed, then refused", "lost"]
)


class Account(RuleBasedStateMachine):
    """Calls begun, answered, refused, lost and given up in any order, beside a plain account."""

    @initialize(caps=CAPS)
    def open(self, caps: CallLimits) -> None:
        self.caps, self.ledger = caps, CallBudget(caps)
        self.spent, self.held = Cost(), dict[int, Cost]()
        self.number = 0

    @rule(most=HELD)
    def hold(self, most: Cost) -> None:
        self.number += 1
        would = sum(self.held.values(), self.spent) + most
        assert self.ledger.reserve(self.number, most) == is_within(would, self.caps)
        if is_within(would, self.caps):
            self.held[self.number] = most

    @precondition(lambda self: self.held)
    @rule(data=st.data(), ending=ENDINGS)
    def settle(self, data: st.DataObject, ending: str) -> None:
        number = data.draw(st.sampled_from(sorted(self.held)))
        most = self.held.pop(number)
        tokens_in = data.draw(st.integers(0, most.tokens_in))
        tokens_out = data.draw(st.integers(0, most.tokens_out))
        usd = data.draw(st.integers(0, int(most.usd * 64))) / 64
        answer = replace(ANSWERED, tokens_in=tokens_in, tokens_out=tokens_out, usd=usd)
        probe = replace(answer, kind="probe")
        exchanges, cost = {
            "answered": ([answer], Cost(1, tokens_in, tokens_out, usd)),
            "refused": ([REFUSED], Cost()),
            "unseen": ([NOT_TAKEN, UNSEEN], most),
            "probed": ([probe], Cost(0, tokens_in, tokens_out, usd)),
            "probed, then refused": ([probe, REFUSED], Cost(0, tokens_in, tokens_out, usd)),
            "lost": ([], Cost()),
        }[ending]
        self.ledger.settle(number, exchanges)
        self.spent += cost

    @rule()
    def give_up(self) -> None:
        self.ledger.assume_spent()
        self.spent = sum(self.held.values(), self.spent)
        self.held.clear()

    @invariant()
    def both_accounts_agree_and_keep_to_the_caps(self) -> None:
        committed = sum(self.held.values(), self.spent)
        assert self.ledger.spent == self.spent
        assert self.ledger.committed == committed
        assert is_within(self.ledger.spent, self.caps)
        assert is_within(self.ledger.committed, self.caps)
        most = self.caps.calls
        assert most is None or self.ledger.calls_left == most - committed.calls >= 0


def is_within(cost: Cost, caps: CallLimits) -> bool:
    pairs = ((cost.calls, caps.calls), (cost.tokens, caps.tokens), (cost.usd, caps.usd))
    return all(cap is None or spent <= cap for spent, cap in pairs)


TestAnyOrderOfCalls = Account.TestCase
TestAnyOrderOfCalls.settings = settings(max_examples=60, stateful_step_count=30)
