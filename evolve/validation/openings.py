"""Openings of holdouts on the same prices, counted over all runs of a user."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from evolve.validation.ledger import Ledger
from evolve.validation.prices import PriceId, read_prices

KIND = "opening"
LEVEL = 0.05


def open_prices(
    ledger: Ledger,
    holdout: PriceId,
    detail: Mapping[str, object],
    is_allowed: Callable[[int], bool],
) -> int:
    """Count an opening of a holdout in the ledger, and return its number, from 1.

    The number is one more than that of the earlier openings that share prices. The same strategy
    of the same run, on the same holdout, has the same number again. Two processes at once have
    different numbers.

    Args:
        ledger: the ledger.
        holdout: the identity of the holdout.
        detail: strategy, protocol and number of trials.
        is_allowed: returns whether an opening of that number is written, given the number.

    Raises:
        LedgerError: if the ledger cannot be written.
    """
    body = {"holdout": holdout.describe(), **detail}
    number = 0

    def is_settled(entries: list[dict[str, Any]]) -> bool:
        nonlocal number
        earlier = [each for each in entries if read_prices(each["holdout"]).overlaps(holdout)]
        is_known = body in earlier
        number = 1 + (earlier.index(body) if is_known else len(earlier))
        return is_known or not is_allowed(number)

    ledger.append_unless(KIND, "", body, is_settled)
    return number


def required_p_value(opening: int) -> float:
    """Return the maximum p-value for the n-th opening; the sum over all openings is 0.1.

    Args:
        opening: n, from 1.
    """
    return LEVEL * 2.0 / (opening * (opening + 1))
