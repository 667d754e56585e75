"""Synthetic prices of known statistics, for tests of the search and the validation."""

from __future__ import annotations

from dataclasses import replace

from dsl.diagnostics import did_you_mean
from evolve.data.source import FetchedBars, Source, Spec
from evolve.errors import EvolveError
from evolve.notices import NoticeLog

MAX_BARS = 60_000  # business days from 2000 within the range of datetime64[ns]


def fetch(spec: Spec, notices: NoticeLog) -> FetchedBars:
    """Generate daily bars on business days from 2000-01-03.

    Raises:
        EvolveError: for an unknown generator or a wrong option.
        LanguageError: for a rule that is not a valid expression.
    """
    from evolve.data.generators import GENERATORS

    generator = GENERATORS.get(spec.name)
    if generator is None:
        hint = did_you_mean(spec.name, GENERATORS) or f"expected one of: {', '.join(GENERATORS)}"
        raise EvolveError(f"{spec.text}: unknown synthetic market `{spec.name}`", hint)
    texts = ("rule",) if generator.needs_rule else ()
    spec.check_options("seed", "bars", *texts, *generator.options)
    count = _parse_whole(spec, "bars", 2500, low=2, high=MAX_BARS)
    seed = _parse_whole(spec, "seed", 1, low=0, high=2**63)
    values = {}
    for name, option in generator.options.items():
        values[name] = spec.parse_number(name, option.default)
        if not option.low <= values[name] <= option.high:
            message = (
                f"{spec.text}: expected `{name}` from {option.low:g} to {option.high:g}, "
                f"found {values[name]:g}"
            )
            raise EvolveError(message, f"`{name}` is the {option.about}")
    if generator.needs_rule and not spec.options.get("rule"):
        hint = f"write for example synthetic:{spec.name}?rule=rsi(close, 2) < 10"
        raise EvolveError(f"{spec.text}: missing option `rule`", hint)
    bars = generator.draw(count, seed, spec.options.get("rule", ""), values)
    return FetchedBars(replace(bars, symbols=(f"{spec.name.upper()}{seed}",)), are_stocks=False)


def _parse_whole(spec: Spec, option: str, default: int, low: int, high: int) -> int:
    """Return an option as a whole number.

    Raises:
        EvolveError: if it is not a whole number within its limits.
    """
    text = spec.options.get(option, "")
    # Digits are parsed as int, since a float is exact only up to 2**53.
    value = int(text) if text.isdecimal() else spec.parse_number(option, default)
    if not float(value).is_integer() or not low <= value <= high:
        expected = f"a whole number from {low} to {high}"
        message = f"{spec.text}: expected {expected} for `{option}`, found {text}"
        raise EvolveError(message, f"write {option}={default}")
    return int(value)


SOURCE = Source(
    "synthetic",
    "synthetic prices of known statistics",
    "synthetic:walk?seed=1&bars=2500&drift=0.06",
    fetch,
)
