"""The glossary of a report: metrics, objectives, requirements, proposers, settings and other words.

Terms that are declared elsewhere are read from there. TERMS has the words that are not.
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
    "trial": "one distinct strategy that was evaluated; each raises what luck alone can reach",
    "score": "what the search maximizes: the leading objective's mean over the folds of train, "
    "less `fitness.spread_penalty` standard deviations over them",
    "fold": "one of `fitness.folds` slices of train; each is scored, and each must meet "
    "`fitness.require`",
    "train": "the first bars of the data; the search is scored on them",
    "validation": "the bars after train; they choose among the finalists",
    "holdout": "the last bars, sealed: neither the search nor a model sees them",
    "finalist": "one of at most five strategies, the best on train that differ; validation ranks "
    "them",
    "feasible": "meets `fitness.require` on every fold and is not ruined; others are never chosen",
    "nothing feasible": "no strategy met `fitness.require` on every fold",
    "epoch": "`search.generations_per_epoch` generations on each island; at its end islands "
    "exchange strategies and receive those of models",
    "stale epochs": "epochs in a row without a better best score; `budget.stale_epochs` of them "
    "end the search",
    "generation": "one round of choosing parents and making children from them",
    "island": "a population that evolves apart from the others between the ends of epochs",
    "seed": "a strategy of `start_from`, scored before the search begins; also the number that "
    "every random draw depends on",
    "spread penalty": "standard deviations over the folds that are taken off the mean: a strategy "
    "that is good in one fold alone scores less",
    "luck level": "the score that the best of as many trials without skill is expected to reach",
    "verdict": "what the run may claim",
    "NOT TESTED": "no test distinguished skill from luck",
    "proposer": "a way of making new strategies: an operator of genetic programming, or a model "
    "with a direction",
    "arm": "a model asked for one direction",
    "direction": "what a model is asked for; `language.directions` are the sides a strategy trades",
    "proposed": "strategies that a proposer offered",
    "valid": "of those proposed, the ones within the limits of the language",
    "known": "of the valid ones, those that were evaluated before",
    "tried": "of the valid ones, those that were evaluated: trials",
    "taken": "of those tried, the ones that entered a population",
    "better": "of those tried, the ones with a higher score than their best parent",
    "gain": "how far the score rose above the best parent's, as a mean over those tried; in the "
    "table of arms, the sum",
    "gain a call": "the gain of an arm, divided by its calls",
    "gain a $": "the gain of an arm, divided by its cost",
    "calls": "requests to a model; a repair is one more",
    "seconds": "time that the calls of an arm took",
    "tokens": "pieces of text that a model counts, sent and received",
    "$": "the cost of the calls in US dollars, by the prices of `llm.models`",
    "bars a year": "returns over the years passed, or the usual number if it is within a tenth",
    "traded opens": "opens that orders could fill at; a symbol without them trades on closes alone",
    "survivorship": "stocks chosen today leave out those that failed, so that results look better",
    "null run": "the same search on shuffled prices, which hold no edge",
    "seen before": "strategies that were proposed again: they are no new trials",
    "benchmark": "buy and hold: buy at the first open, sell at the last close, costs included",
    "buy and hold": "the benchmark that a strategy is compared with",
    "market exposure": "how far the strategy moves with buy and hold; `beta` measures it",
    "trade": "a closed round trip, from the entry to the exit",
    "drawdown": "a fall of equity from a high until it is reached again",
    "depth": "how far equity fell in a drawdown",
    "held": "the total return of holding the symbol",
    "sleeve": "the equal share of the capital that each symbol trades, never rebalanced",
    "warm-up": "the bars that a strategy's indicators need before they have a value",
    "reason": "why a trade was closed: signal, reverse, hold, stop, trail, target, end of the "
    "data, or ruin",
    "bars": "how many bars a trade or a drawdown lasted",
    "at higher costs": "the same strategy with all costs doubled and quadrupled",
    "bps": "basis points: hundredths of a percent",
}


@dataclass(frozen=True)
class Explanation:
    """A term and what it means.

    Attributes:
        name: as it is printed.
        kind: `metric`, `objective`, `requirement`, `proposer`, `setting` or `word`.
        about: one line.
    """

    name: str
    kind: str
    about: str


@cache
def explanations() -> tuple[Explanation, ...]:
    """Return every term, by kind."""
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
    """Return the explanations of a term, none if it is unknown.

    A setting is found by its last name too, and a word by its plural.
    """
    wanted = _key(term)
    return [each for each in explanations() if wanted in _keys(each)]


def known_terms() -> list[str]:
    """Return every term that `explain` knows, each once."""
    return list(dict.fromkeys(key for each in explanations() for key in _keys(each)))


def _about_setting(setting: Setting) -> str:
    """Return a setting's meaning, unit, values and default in one line."""
    unit = f" ({setting.unit})" if setting.unit else ""
    default = REQUIRED if setting.default == REQUIRED else f"{setting.default} if left out"
    return f"{setting.about}{unit}; {setting.allowed.replace('`', '')}; {default}"


def _keys(each: Explanation) -> Iterator[str]:
    """Yield the keys by which a term is found, in singular and plural."""
    names = [each.name, each.name.rpartition(".")[2]] if each.kind == "setting" else [each.name]
    for name in names:
        key = _key(name)
        yield key
        if each.kind == "word" and key[-1].isalpha() and not key.endswith("s"):
            yield f"{key}s"


def _key(name: str) -> str:
    return " ".join(name.lower().replace("_", " ").replace("-", " ").split())
