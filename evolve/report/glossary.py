"""Glossary of reports: metrics, objectives, requirements, proposers, settings and other terms.

Terms that are declared elsewhere are read from their declarations; TERMS has the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from evolve.backtest.metrics import METRICS
from evolve.config.reference import REQUIRED, Setting, settings
from evolve.fitness.objectives import OBJECTIVES, REQUIREMENTS
from evolve.search.proposers import PROPOSERS

HINT = "`evolve explain TERM` explains any term above, such as `appraisal ratio`"
TERMS = {
    "trial": "one distinct strategy that was evaluated; each raises the score that luck can reach",
    "score": "the value that the search maximizes: the mean of the leading objective over the "
    "folds of train, minus `fitness.spread_penalty` standard deviations over them",
    "fold": "one of `fitness.folds` slices of train; each is scored, and each must meet "
    "`fitness.require`",
    "train": "the first bars of the data, on which the search is scored",
    "validation": "the bars after train, which select from the shortlist",
    "holdout": "the last bars, sealed: neither the search nor a model sees them",
    "shortlist": "the best of each size and the best with other positions, which score and "
    "validation rank",
    "finalist": "one of up to five strategies of the shortlist that trade differently; the first "
    "is the winner, and only the winner has a verdict",
    "front": "the trials that score above all of their size or smaller",
    "feasible": "meets `fitness.require` on every fold and is not ruined; only a feasible "
    "strategy can be selected",
    "no feasible strategy": "no strategy met `fitness.require` on every fold",
    "epoch": "`search.generations_per_epoch` generations on each island; at its end islands "
    "exchange migrants and receive the strategies of models",
    "stale epochs": "consecutive epochs without a better best score; `budget.stale_epochs` of "
    "them end the search",
    "generation": "one round of selection and variation",
    "island": "a population that evolves apart from the others between migrations",
    "seed": "a strategy of `start_from`, scored before the search begins; also the number that "
    "determines every random draw",
    "spread penalty": "standard deviations over the folds that are subtracted from the mean, so "
    "that a strategy that is good on one fold only scores less",
    "independent trials": "trials without skill that are drawn, not searched; a search reaches "
    "more by luck than as many independent trials",
    "verdict": "the claim that the evidence of a run supports",
    "PASS": "searches on shuffled prices did worse, and the holdout shows the edge again",
    "UNCONFIRMED": "searches on shuffled prices did worse, but the holdout does not show the edge",
    "TOO SHORT TO TELL": "searches on shuffled prices did worse, but the holdout is too short to "
    "show an edge of this size",
    "NOT DISTINGUISHED FROM LUCK": "searches on shuffled prices did as well",
    "NOT TESTED": "no test was possible; the reason comes first",
    "family-wise p": "p-value of the best of all runs on the same data; the gate of the null run",
    "proposer": "a source of strategies: a genetic operator, or a model with a task",
    "arm": "a pair of a model and a task",
    "task": "the purpose of a call to a model, such as `simplify`; a file in `prompts/tasks/`",
    "direction": "a side that a strategy may trade: `long` or `short`",
    "proposed": "strategies that a proposer returned",
    "valid": "proposed strategies within the limits of the language",
    "idle": "new strategies that trade too little for `fitness.require`; they are replaced, and no "
    "trials",
    "duplicate": "valid strategies that were evaluated before; they are no new trials",
    "evaluated": "valid strategies that were scored: trials",
    "accepted": "evaluated strategies that entered a population",
    "improved": "evaluated strategies with a higher score than their best parent",
    "gain": "sum of the rises of the score over the best parent",
    "mean gain": "the gain of a proposer, divided by its evaluated strategies",
    "gain per call": "the gain of an arm, divided by its calls",
    "gain per $": "the gain of an arm, divided by its cost",
    "calls": "questions to a model, each of one or more requests; a repair is another call",
    "seconds": "time that the calls of an arm took",
    "tokens": "units of text that a model counts, sent and received",
    "$": "the cost of the calls in US dollars, by the prices of `llm.models`",
    "bars per year": "returns divided by the years that passed, or the usual number if it is "
    "within a tenth",
    "traded opens": "opens at which orders could fill; a symbol without them trades at closes only",
    "survivorship": "bias of a universe of today's stocks: it omits those that failed, so results "
    "are too good",
    "lead": "best score less the mean of the other searches, over their deviation; with "
    "`budget.stop: luck` its largest value decides",
    "null run": "the same search on shuffled prices, which have no edge",
    "power": "how often the search finds an edge of a known size, planted into shuffled prices by "
    "a hidden rule; found means a score that passes the null searches",
    "hidden rule": "a condition after which planted prices move more by the edge",
    "walk-forward": "the search repeated on earlier bars, its winners traded on later ones; a view "
    "of stability, not a test",
    "efficiency": "mean of a metric out of sample over its mean in sample, in a walk-forward",
    "benchmark": "buy and hold: buy at the first open, sell at the last close, costs included",
    "buy and hold": "the benchmark of every strategy",
    "market exposure": "sensitivity of the strategy's returns to those of buy and hold; `beta` "
    "measures it",
    "trade": "a closed round trip, from the entry to the exit",
    "drawdown": "a fall of equity below a peak, until the peak is reached again",
    "depth": "the largest fall of equity in a drawdown",
    "held": "the total return of holding the symbol",
    "sleeve": "the part of a portfolio that trades one symbol; all are equal and never rebalanced",
    "warm-up": "the bars before the indicators of a strategy have a value",
    "reason": "the cause of an exit: signal, reverse, hold, stop, trail, target, end of the data, "
    "or ruin",
    "bars": "length of a trade or a drawdown",
    "at higher costs": "the same strategy with all costs doubled and quadrupled",
    "bps": "basis points: hundredths of a percent",
}


@dataclass(frozen=True)
class Explanation:
    """Term with its meaning.

    Attributes:
        name: the term as reports print it.
        kind: `metric`, `objective`, `requirement`, `proposer`, `setting` or `word`.
        about: the meaning, in one line.
    """

    name: str
    kind: str
    about: str


@cache
def list_explanations() -> tuple[Explanation, ...]:
    """Return all terms, by kind."""
    return (
        *[Explanation(name, "metric", each.about) for name, each in METRICS.items()],
        *[
            Explanation(name, "objective", each.about)
            for name, each in OBJECTIVES.items()
            if name not in METRICS
        ],
        *[Explanation(name, "requirement", each.about) for name, each in REQUIREMENTS.items()],
        *[Explanation(name, "proposer", each.about) for name, each in PROPOSERS.items()],
        *[Explanation(name, "word", about) for name, about in TERMS.items()],
        *[Explanation(each.name, "setting", _about_setting(each)) for each in settings()],
    )


def explain(term: str) -> list[Explanation]:
    """Return the explanations of a term; an empty list if it is unknown.

    A setting also has its last name as a key, and a word its plural.
    """
    wanted = _key(term)
    return [each for each in list_explanations() if wanted in _keys(each)]


def list_terms() -> list[str]:
    """Return all keys that `explain` accepts, without duplicates."""
    return list(dict.fromkeys(key for each in list_explanations() for key in _keys(each)))


def _about_setting(setting: Setting) -> str:
    """Return the meaning, unit, values and default of a setting in one line."""
    unit = f" ({setting.unit})" if setting.unit else ""
    default = REQUIRED if setting.default == REQUIRED else f"default {setting.default}"
    return f"{setting.about}{unit}; {setting.allowed.replace('`', '')}; {default}"


def _keys(each: Explanation) -> Iterator[str]:
    """Yield the lookup keys of a term, in singular and plural."""
    names = [each.name, each.name.rpartition(".")[2]] if each.kind == "setting" else [each.name]
    for name in names:
        key = _key(name)
        yield key
        if each.kind == "word" and key[-1].isalpha() and not key.endswith("s"):
            yield f"{key}s"


def _key(name: str) -> str:
    """Return a name in lower case, with single spaces between its words."""
    return " ".join(name.lower().replace("_", " ").replace("-", " ").split())
