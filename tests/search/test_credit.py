"""Credit of the proposers, and the shares that it gives them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolve.search.credit import (
    MAX_SHARE,
    MIN_SHARE,
    Credit,
    compute_shares,
    update_credit,
)
from evolve.search.options import DEFAULT_OPTIONS
from evolve.search.progress import Budget
from evolve.search.proposer_stats import ProposerStats
from tests.search.toy import solve, toy_problem

DECAY = DEFAULT_OPTIONS.credit_decay
WEIGHTS = {"a": 2.0, "b": 2.0}
COUNTS = st.integers(0, 10_000)


def test_shares_follow_the_rate_of_improvement() -> None:
    assert compute_shares(WEIGHTS, {}) == WEIGHTS
    moved = compute_shares(WEIGHTS, {"a": Credit(1000, 90), "b": Credit(1000, 10)})
    assert 2.0 < moved["a"] <= 4.0
    assert 1.0 <= moved["b"] < 2.0


def test_acceptance_gives_no_credit() -> None:
    stats = {
        "a": ProposerStats(evaluated=1000, accepted=900, improved=10),
        "b": ProposerStats(evaluated=1000, accepted=20, improved=10),
    }
    assert compute_shares(WEIGHTS, update_credit({}, {}, stats, DECAY)) == pytest.approx(WEIGHTS)


@given(COUNTS, COUNTS, COUNTS, COUNTS)
def test_no_proposer_starves_or_takes_over(a: int, better: int, b: int, worse: int) -> None:
    credit = {"a": Credit(a, min(a, better)), "b": Credit(b, min(b, worse))}
    for share in compute_shares(WEIGHTS, credit).values():
        assert MIN_SHARE * 2.0 <= share <= MAX_SHARE * 2.0


def test_credit_decays_with_each_interval() -> None:
    first = update_credit({}, {}, {"a": ProposerStats(evaluated=100, improved=50)}, DECAY)
    assert first == {"a": Credit(100, 50)}
    before = {"a": ProposerStats(evaluated=100, improved=50)}
    after = {"a": ProposerStats(evaluated=200, improved=50)}
    second = update_credit(first, before, after, DECAY)
    assert second["a"] == pytest.approx((DECAY * 100 + 100, DECAY * 50))


def test_the_credit_of_a_search_is_that_of_its_intervals() -> None:
    credit: dict[str, Credit] = {}
    for before, after in pairwise(solve(toy_problem(), Budget(900), islands=2)):
        assert after.interval is None  # a migration follows each epoch of this search
        credit = update_credit(credit, before.stats, after.stats, DECAY)
        assert after.credit == credit
    assert credit["tune"].improved > 0
