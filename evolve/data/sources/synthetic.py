"""Prices made by a known law: the laboratory for the search and the statistics."""

from __future__ import annotations

from dataclasses import replace

from dsl.diagnostics import did_you_mean
from evolve.data.source import Fetched, Source, Spec
from evolve.errors import EvolveError
from evolve.notices import NoticeLog

MAX_BARS = 60_000  # business days from 2000 that nanoseconds since 1970 can count


def fetch(spec: Spec, notices: NoticeLog) -> Fetched:
    """Daily bars from 2000-01-03 on business days, by a law: walk, garch, ar, regime or planted."""
    from evolve.data.generators import GENERATORS

    law = GENERATORS.get(spec.name)
    if law is None:
        hint = did_you_mean(spec.name, GENERATORS) or f"there is: {', '.join(GENERATORS)}"
        raise EvolveError(f"{spec.text}: there is no synthetic market `{spec.name}`", hint)
    texts = ("rule",) if law.needs_rule else ()
    spec.only("seed", "bars", *texts, *law.options)
    bars = _parse_whole(spec, "bars", 2500, least=2, most=MAX_BARS)
    seed = _parse_whole(spec, "seed", 1, least=0, most=2**63)
    values = {}
    for name, option in law.options.items():
        values[name] = spec.number(name, option.default)
        if not option.low <= values[name] <= option.high:
            message = (
                f"{spec.text}: `{name}` must be from {option.low:g} to {option.high:g}: "
                f"{option.about}"
            )
            raise EvolveError(message, f"write {name}={option.default:g}")
    if law.needs_rule and not spec.options.get("rule"):
        hint = f"write synthetic:{spec.name}?rule=rsi(close, 2) < 10"
        raise EvolveError(f"{spec.text}: `{spec.name}` needs a rule", hint)
    made = law.draw(bars, seed, spec.options.get("rule", ""), values)
    return Fetched(replace(made, symbols=(f"{spec.name.upper()}{seed}",)), are_stocks=False)


def _parse_whole(spec: Spec, option: str, default: int, least: int, most: int) -> int:
    text = spec.options.get(option, "")
    value = int(text) if text.isdecimal() else spec.number(option, default)
    if not float(value).is_integer() or not least <= value <= most:
        message = f"{spec.text}: `{option}` must be a whole number from {least} to {most}"
        raise EvolveError(message, f"write {option}={default}")
    return int(value)


SOURCE = Source(
    "synthetic", "prices made by a known law", "synthetic:walk?seed=1&bars=2500&drift=0.06", fetch
)
