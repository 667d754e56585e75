"""Tests that forms weigh as much as their counted shares, and that the search can write them."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

from dsl.types.kinds import BOOL
from evolve.search.forms import ARGUMENTS, COMPARED, CROSSED, NOT_COUNTED, PRICES, find_form
from evolve.search.space import build_space

COUNTS = Path(__file__).parents[2] / "benchmarks/forms.csv"
ROUNDING = 5  # of the sum of rounded shares


def read_shares() -> dict[str, dict[str, int]]:
    """Return the counted shares by part and form, in tenths of a percent."""
    shares: defaultdict[str, dict[str, int]] = defaultdict(dict)
    with COUNTS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            shares[row["part"]][row["form"]] = int(row["per_mille"])
    return dict(shares)


def test_weights_are_the_counted_shares() -> None:
    assert read_shares() == {
        "comparison": {" ".join(form): weight for form, weight in COMPARED.items()},
        "argument": ARGUMENTS,
        "price": PRICES,
        "crossing": {"crossing": CROSSED},
    }


def test_shares_sum_to_one_and_exceed_what_was_not_counted() -> None:
    for part in (COMPARED, ARGUMENTS, PRICES):
        assert abs(sum(part.values()) - 1000) <= ROUNDING
        assert min(part.values()) > NOT_COUNTED


def test_every_counted_form_can_be_written() -> None:
    productions = build_space().productions
    forms = {find_form(each) for group in productions[BOOL] for each in group}
    assert set(COMPARED) <= forms
    families = {kind.family for kind in productions}
    assert set(ARGUMENTS) <= families
