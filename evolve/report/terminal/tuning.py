"""Tables and sentences of a tuned strategy."""

from __future__ import annotations

import math

from rich.table import Table

from evolve.backtest.metrics import METRICS
from evolve.experiment.tune import PARTS, TunedStrategy
from evolve.report.formats import format_count, format_score, format_value
from evolve.report.terminal.fitting_table import blank_table

SHOWN_METRICS = ("appraisal_ratio", "total_return", "num_trades")


def constants_table(tuned: TunedStrategy) -> Table:
    """Build a table of the constants before and after, by line of the text."""
    tuning = tuned.tuning
    table = blank_table()
    table.add_column("line", justify="right")
    table.add_column("rule")
    table.add_column("constant", overflow="fold")
    table.add_column("before", justify="right")
    table.add_column("after", justify="right")
    for each, before, after in zip(
        tuning.text.tunables, tuning.before.point, tuning.after.point, strict=True
    ):
        new = each.format_value(after) if before != after else "·"
        rule = each.rule or "param"
        table.add_row(str(each.line), rule, each.name, each.format_value(before), new)
    return table


def scores_table(tuned: TunedStrategy) -> Table:
    """Build a table of score and metrics before and after, beside buy and hold."""
    tuning = tuned.tuning
    table = blank_table()
    table.add_column("")
    for heading in ("before", "after", "buy and hold"):
        table.add_column(heading, justify="right")
    scores = [_format_finite(each.score) for each in (tuning.before, tuning.after)]
    table.add_row("score on train", *scores, "")
    for part in PARTS:
        before, after = tuned.before[part], tuned.after[part]
        for name in SHOWN_METRICS:
            values = (before.metrics[name], after.metrics[name], after.benchmark_metrics[name])
            cells = [format_value(each, METRICS[name].unit) for each in values]
            table.add_row(f"{name.replace('_', ' ')}, {part}", *cells)
    return table


def describe_trials(tuned: TunedStrategy) -> str:
    """Describe the number of variants, earlier searches and the plateau, by line."""
    tuning, earlier = tuned.tuning, tuned.earlier
    lines = [f"{format_count(tuning.trials, 'variant')} counted as trials on these bars"]
    if earlier.searches:
        searches = "search" if earlier.searches == 1 else "searches"
        lines[0] += (
            f", after {earlier.searches:,} earlier {searches} with "
            f"{format_count(earlier.trials, 'trial')}"
        )
    if tuned.infeasible_reason:
        lines.append(f"infeasible before, in a slice of train: {tuned.infeasible_reason}")
    plateau = tuning.plateau
    if plateau.neighbors and not math.isnan(plateau.share):
        lines.append(
            f"plateau: {plateau.share:.0%} of {format_count(len(plateau.neighbors), 'neighbor')} "
            "have at least half of the score"
        )
    return "\n".join(lines)


def conclude(tuned: TunedStrategy) -> str:
    """Return the sentences that compare the gain and the score with those of luck."""
    tuning, luck = tuned.tuning, tuned.luck
    trials = format_count(tuning.trials, "variant")
    if not tuned.is_changed:
        text = f"No variant is better on train together with its neighbors; {trials} were tried."
    elif luck is None:
        text = "Train is too short to compare the gain with luck."
    else:
        verb = "exceeds" if luck.exceeds_luck else "does not exceed"
        text = (
            f"The gain of {luck.gain:.2f} in appraisal ratio on train {verb} what trying {trials} "
            f"gives by luck: {luck.mean:.2f} on average, and above {luck.threshold:.2f} with a "
            f"probability of 5% (p = {luck.p_value:.3f})."
        )
    level = tuned.independent_level
    if level is not None and math.isfinite(tuning.after.score):
        side = "above" if tuning.after.score > level else "not above"
        text += (
            f" The score of {tuning.after.score:.2f} is {side} {level:.2f}, which the best of "
            f"{tuning.trials + tuned.earlier.trials:,} trials without skill reaches on average."
        )
    return text


def _format_finite(score: float) -> str:
    return format_score(score) if math.isfinite(score) else "infeasible"
