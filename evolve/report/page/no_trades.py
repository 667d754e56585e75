"""Reasons why a strategy never entered a position."""

from __future__ import annotations

from dsl.syntax.vocabulary import ENTRIES
from evolve.backtest.activity import Activity


def explain_no_trades(activity: Activity) -> str:
    """Return why a strategy never entered a position, one line per reason."""
    if not activity.entries:
        names = [f"`{rule.name}`" for rule in activity.rules if rule.name in ENTRIES]
        rules = f"{names[0]} was never" if len(names) == 1 else "neither `buy` nor `short` was ever"
        return f"never traded: {rules} true"
    entries = " or ".join(f"`{rule.name}`" for rule in activity.rules if rule.name in ENTRIES)
    bars = "1 bar" if activity.entries == 1 else f"{activity.entries:,} bars"
    lines = [f"never traded: {entries} was true on {bars}, but"]
    lines += [f"  on {count:,}: {reason}" for reason, count in activity.blocked.items()]
    return "\n".join(lines)
