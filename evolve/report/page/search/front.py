"""Chart of score against size, with the trials that no other one beats in both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from textwrap import wrap

from evolve.experiment.front import find_front
from evolve.experiment.lineage import find_winner
from evolve.experiment.run_view import RunView
from evolve.report.formats import format_rules
from evolve.report.page.charts import Axis, Chart, Role, Trace
from evolve.report.page.search.authors import AUTHORS, find_role, name_author
from evolve.store.rows import TrialRow

SCORE_LEVELS = 100  # of the thinned cloud: finer than a point of the chart
MAX_SOURCE_CHARACTERS = 160
LINE_CHARACTERS = 60


def build_front(view: RunView) -> Chart:
    """Build the chart of score against size of a run with feasible trials."""
    feasible = [each for each in view.rows.trials if each.is_feasible]
    front = find_front(feasible)
    shown = thin_out(feasible, front)
    fitness = view.plan.experiment.fitness
    traces = [
        _build_points(label, role, [each for each in shown if find_role(each.proposer) == role])
        for role, label in AUTHORS.items()
    ]
    edge = Trace("best score of each size", tuple(each.nodes for each in front),
                 tuple(each.scores[0] for each in front), "step", "good")  # fmt: skip
    finalists = _find_finalists(view, feasible)
    best = find_winner(view)  # once: it looks at all trials of a run without a result
    winner = [each for each in feasible if each.hash == best]
    return Chart(
        "front",
        "Score against size",
        f"Each point is a trial: higher is a better score, further left is a smaller program. The "
        f"{len(feasible):,} feasible trials trade in {len({each.behavior for each in feasible}):,} "
        f"different ways. The line joins the {len(front)} of them that no trial of "
        f"their size or smaller beats, from {_describe(front[0])} to {_describe(front[-1])}. A "
        "line that hardly rises to the right shows that size adds little. The winner may be below "
        "it, since validation has a part in its selection."
        + (f" The cloud shows {len(shown):,} of them." if len(shown) < len(feasible) else ""),
        Axis("size (nodes)", unit="count"),
        Axis(f"score on {fitness.scored_on} ({fitness.maximize[0].replace('_', ' ')})"),
        (
            *[each for each in traces if each.x],
            edge,
            *_build_marks("finalists", "diamond", finalists),
            *_build_marks("winner", "star", winner),
        ),
        is_tall=True,
    )


def thin_out(trials: Sequence[TrialRow], front: Iterable[TrialRow]) -> list[TrialRow]:
    """Return the first trial of each size, level of the score and kind of author, and the front.

    Args:
        trials: feasible trials, at least one.
        front: trials that are shown in any case.
    """
    scores = [each.scores[0] for each in trials]
    low = min(scores)
    height = (max(scores) - low) / SCORE_LEVELS or 1.0
    chosen = dict[tuple[int, int, Role], TrialRow]()
    for each in trials:
        level = int((each.scores[0] - low) / height)
        chosen.setdefault((each.nodes, level, find_role(each.proposer)), each)
    shown = {each.number: each for each in (*chosen.values(), *front)}
    return [shown[number] for number in sorted(shown)]


def _find_finalists(view: RunView, trials: Iterable[TrialRow]) -> list[TrialRow]:
    hashes = {each.trial for each in view.document.finalists} if view.document else set[str]()
    return [each for each in trials if each.hash in hashes]


def _build_points(label: str, role: Role, trials: Sequence[TrialRow]) -> Trace:
    return Trace(
        label, tuple(each.nodes for each in trials), tuple(each.scores[0] for each in trials),
        "points", role, tuple(map(_describe_trial, trials)),
    )  # fmt: skip


def _build_marks(label: str, symbol: str, trials: Sequence[TrialRow]) -> Iterable[Trace]:
    if trials:
        yield Trace(
            label, tuple(each.nodes for each in trials), tuple(each.scores[0] for each in trials),
            "points", "good" if symbol == "star" else "validation",
            tuple(map(_describe_trial, trials)), symbol,
        )  # fmt: skip


def _describe_trial(trial: TrialRow) -> str:
    lines = wrap(format_rules(trial.source, MAX_SOURCE_CHARACTERS), LINE_CHARACTERS)
    heading = f"trial {trial.number:,}: {_describe(trial)}, by {name_author(trial.proposer)}"
    return "\n".join([heading, *lines])


def _describe(trial: TrialRow) -> str:
    return f"{trial.scores[0]:.3f} with {trial.nodes} nodes"
