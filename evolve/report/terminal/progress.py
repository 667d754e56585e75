"""Progress of a run as the lines of a live display."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from rich.text import Text

from evolve.llm.transport.usage import CallLimits, Cost
from evolve.report.formats import format_count, format_value
from evolve.report.terminal.hanging import Hanging
from evolve.report.terminal.run_summary import format_line
from evolve.report.terminal.sparkline import sparkline
from evolve.report.terminal.tables import label_proposer
from evolve.search.proposer_stats import ProposerStats
from evolve.validation.null_run import NullRun

BAR_CHARACTERS, BEST_CHARACTERS = 24, 30
LATELY_EPOCHS = 5
WIDE_CHARACTERS = 60  # a narrower terminal has bars of half the length
MIN_SHARE = 0.005  # a smaller one is rounded to 0
BLOCKS, ASCII_BLOCKS = "█░", "#-"

Stats = Mapping[str, ProposerStats]


@dataclass(frozen=True)
class SearchState:
    """State of a search.

    Attributes:
        epoch: its number.
        evaluated: number of trials so far.
        budget: maximum number of trials.
        bests: best score after each epoch; NaN while no trial was feasible.
        stats: counts by proposer after the last epochs, the newest last.
        seconds: time since the search started, when the epoch ended.
        has_rate: whether trials per second mean anything, as they do not if only models propose.
    """

    epoch: int
    evaluated: int
    budget: int
    bests: tuple[float, ...] = ()
    stats: tuple[Stats, ...] = ()
    seconds: float = 0.0
    has_rate: bool = True

    @property
    def rate(self) -> float:
        """Trials per second; NaN before the first epoch."""
        return self.evaluated / self.seconds if self.epoch and self.seconds > 0 else math.nan

    @property
    def seconds_left(self) -> float:
        """Seconds until the budget of trials is spent, when the epoch ended; NaN if unknown."""
        return (self.budget - self.evaluated) / self.rate if self.has_rate else math.nan

    @property
    def lately(self) -> dict[str, ProposerStats]:
        """Counts by proposer of the last epochs; only `proposed` and `accepted`."""
        if not self.stats:
            return {}
        first, last = self.stats[0] if len(self.stats) > 1 else {}, self.stats[-1]
        none = ProposerStats()
        return {
            name: ProposerStats(
                proposed=each.proposed - first.get(name, none).proposed,
                accepted=each.accepted - first.get(name, none).accepted,
            )
            for name, each in last.items()
        }


@dataclass(frozen=True)
class RunProgress:
    """What a live display shows of a run.

    Attributes:
        search: the search; None before it.
        step: what happens now, besides the search and the null searches; empty for nothing.
        spent: the cost of models so far; None without models.
        limits: the limits on that cost.
        planned_nulls: maximum number of null searches.
        null: the null run; None before the first search ended.
        null_seconds: duration of the null searches so far.
        since_change: time since the last epoch or null search ended.
        is_searched: whether the search has ended.
    """

    search: SearchState | None = None
    step: str = ""
    spent: Cost | None = None
    limits: CallLimits = field(default_factory=CallLimits)
    planned_nulls: int = 0
    null: NullRun | None = None
    null_seconds: float = 0.0
    since_change: float = 0.0
    is_searched: bool = False


def list_progress(state: RunProgress, width: int, is_ascii: bool = False) -> Iterator[Hanging]:
    """Yield the lines of a live display.

    Args:
        state: what to show.
        width: maximum length of a line, in characters.
        is_ascii: whether the terminal has no blocks.
    """
    blocks = ASCII_BLOCKS if is_ascii else BLOCKS
    factor = 1.0 if width >= WIDE_CHARACTERS else 0.5
    search = state.search
    if search is not None:
        yield format_line("epoch", _describe_epoch(search, blocks, round(BAR_CHARACTERS * factor)))
        curve = "" if is_ascii else _draw_bests(search, round(BEST_CHARACTERS * factor))
        best = search.bests[-1] if search.bests else math.nan
        score = format_value(best, "ratio") if math.isfinite(best) else "none yet"
        yield format_line("best", f"{score} {curve}".rstrip())
        if not state.is_searched:
            yield from _list_shares(search)
    if state.spent is not None:
        yield format_line("model", _describe_cost(state.spent, state.limits))
    if state.is_searched and state.planned_nulls:
        yield format_line("luck", _describe_nulls(state.null, state.planned_nulls))
    if state.step:
        yield format_line("now", state.step)
    left = "" if search is None else describe_time_left(state, search)
    if left:
        yield format_line("left", left)


def describe_time_left(state: RunProgress, search: SearchState) -> str:
    """Return the time until the search ends, and at most until the run does; empty if unknown.

    A null search takes about as long as the search. They are fewer if luck does as well early.
    """
    if state.is_searched:
        count = len(state.null.results) if state.null is not None else 0
        if not count:
            seconds = state.planned_nulls * search.seconds
        else:
            seconds = (state.planned_nulls - count) * state.null_seconds / count
        seconds -= state.since_change
        return f"at most about {format_duration(seconds)}" if state.planned_nulls else ""
    seconds = search.seconds_left - state.since_change
    if not math.isfinite(seconds):
        return ""
    text = f"{format_duration(seconds)} for the search"
    if state.planned_nulls:
        whole = search.seconds + state.since_change + max(seconds, 0.0)
        total = max(seconds, 0.0) + state.planned_nulls * whole
        text += f", at most about {format_duration(total)} with the shuffled searches"
    return text


def format_duration(seconds: float) -> str:
    """Format a duration: `12 s`, `3:05`, `1:02:03`; at least 0 s."""
    minutes, rest = divmod(max(round(seconds), 0), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02d}:{rest:02d}"
    return f"{minutes}:{rest:02d}" if minutes else f"{rest} s"


def _describe_epoch(search: SearchState, blocks: str, length: int) -> Text:
    share = min(search.evaluated / search.budget, 1.0) if search.budget else 0.0
    done = round(length * share)
    rate = "" if math.isnan(search.rate) or not search.has_rate else f", {search.rate:,.0f}/s"
    return Text.assemble(
        f"{search.epoch} ", (blocks[0] * done, "cyan"), blocks[1] * (length - done),
        f" {search.evaluated:,} of {search.budget:,} trials{rate}",
    )  # fmt: skip


def _draw_bests(search: SearchState, length: int) -> str:
    bests = np.array(search.bests)
    return sparkline(bests, length).strip() if np.isfinite(bests).any() else ""


def _list_shares(search: SearchState) -> Iterator[Hanging]:
    """Yield the shares of the proposers among the proposals and the accepted, lately."""
    lately = search.lately
    for label, name in (("by", "proposed"), ("", "accepted")):
        counts = {each: getattr(stats, name) for each, stats in lately.items()}
        total = sum(counts.values())
        if not total:
            continue
        ordered = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
        shares = ", ".join(
            f"{label_proposer(each, lately)} {_format_share(count / total)}"
            for each, count in ordered
            if count
        )
        yield format_line(label, f"{name}: {shares}")


def _format_share(share: float) -> str:
    return f"{share:.0%}" if share >= MIN_SHARE else "<1%"


def _describe_cost(spent: Cost, limits: CallLimits) -> str:
    calls = format_count(spent.calls, "call") if limits.calls is None else (
        f"{spent.calls:,} of {limits.calls:,} calls"
    )  # fmt: skip
    tokens = format_count(spent.tokens, "token") if limits.tokens is None else (
        f"{spent.tokens:,} of {limits.tokens:,} tokens"
    )  # fmt: skip
    usd = f"${spent.usd:.4f}" + ("" if limits.usd is None else f" of ${limits.usd:.2f}")
    return f"{calls}, {tokens}, {usd}"


def _describe_nulls(null: NullRun | None, planned: int) -> str:
    if null is None:
        return f"0 of {planned} searches on shuffled prices"
    done = len(null.results)
    best = null.results[-1].best
    score = "none" if best is None else format_value(best, "ratio")
    return (
        f"{done} of {planned} searches on shuffled prices, beaten {done - null.exceedances}; "
        f"the last reached {score}"
    )
