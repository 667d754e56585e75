"""Comparison with other tools at the same work, in one run.

SMA 20/50 cross of the S&P 500 sample (5,031 bars): row by row in pandas, with backtesting.py and
with vectorbt; a grid of 1,000 crosses beside 1,000 columns of vectorbt; random trees that DEAP
compiles over TA-Lib; and an evaluation of gplearn, which simulates no trades. Each tool has a
virtual environment, created on first use. Its run is between two of ours, and ratios are to their
mean. The script checks that both have equal trades. Ours is complete scoring: canonical form,
indicators that are not cached, conditions, fills, costs and five folds.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from report import report
from warm import build_warm_scorer

from dsl.analysis.check import check
from dsl.analysis.program import Program
from dsl.cache_dir import cache_dir
from evolve.backtest.backtest import backtest
from evolve.backtest.market import market
from evolve.data import load
from evolve.data.tables.frames import bars_to_frame
from evolve.fitness.fitness import FoldFitness
from evolve.report.export import write_table

SCRIPTS = Path(__file__).parent / "peer_scripts"
REQUIREMENTS = {
    "loop": ["pandas==3.1.1"],
    "backtesting_py": ["backtesting==0.6.6", "pandas==3.1.1"],
    "vectorbt_cross": ["vectorbt==1.2.0", "numba==0.68.1", "pandas==3.1.1"],
    "deap_trees": ["deap==1.4.4", "TA-Lib==0.8.2", "numba==0.68.1", "pandas==3.1.1"],
    "gplearn_fit": ["gplearn==0.4.3", "scikit-learn==1.9.1", "pandas==3.1.1"],
}
TARGETS = {"loop": 1000, "backtesting": 400, "vectorbt": 300, "vectorbt grid": 80, "deap": 4,
          "gplearn": 20}  # fmt: skip
TERMS = market(commission_bps=5, slippage_bps=0)
GRID = [(fast, slow) for fast in range(5, 45) for slow in range(50, 175, 5)]
NAMES = {"SMA": "sma", "EMA": "ema", "WMA": "wma", "RSI": "rsi", "ROC": "roc", "MOM": "change",
         "MAX": "highest", "MIN": "lowest", "STDDEV": "stdev", "LINEARREG": "linreg"}  # fmt: skip


def cross(fast: int, slow: int) -> Program:
    """Return a strategy that is long from one crossing to the next."""
    pair = f"(sma(close, {fast}), sma(close, {slow}))"
    return check(f"strategy cross {{ buy when crossover{pair} sell when crossunder{pair} }}")


def tree_to_program(tree: str) -> Program:
    """Return a strategy that is long while the condition of a DEAP tree is true."""
    condition = _condition(tree)
    return check(f"strategy tree {{ buy when {condition} sell when not ({condition}) }}")


def _condition(tree: str) -> str:
    head, _, rest = tree.partition("(")
    if not rest:
        return tree
    parts = [_condition(each) for each in _arguments(rest[:-1])]
    symbol = {"gt": ">", "lt": "<", "logical_and": "and", "logical_or": "or"}.get(head)
    return f"({f' {symbol} '.join(parts)})" if symbol else f"{NAMES[head]}({', '.join(parts)})"


def _arguments(text: str) -> Iterator[str]:
    depth, start = 0, 0
    for index, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            yield text[start:index].strip()
            start = index + 1
    yield text[start:].strip()


def scorer(arena_mb: float = 32) -> FoldFitness:
    """Build a scorer on the sample, with loaded kernels and used memory, as in a search."""
    fitness = build_warm_scorer(load("sample:sp500").bars, TERMS, arena_mb)
    fitness([cross(300, slow) for slow in range(310, 1310)])
    return fitness


def seconds_each(programs: Sequence[Program], score: FoldFitness, batch: int) -> float:
    """Return the mean time to score a program, canonical form included."""
    fresh = [Program(each.name, each.rules) for each in programs]
    gc.collect()
    gc.disable()
    began = time.perf_counter()
    for first in range(0, len(fresh), batch):
        score(fresh[first : first + batch])
    took = time.perf_counter() - began
    gc.enable()
    return took / len(fresh)


def one_cross() -> float:
    """Return the time of one of 150 crosses scored together, with averages that are not cached."""
    crosses = [cross(2 + each, 200 + each) for each in range(150)]
    return seconds_each(crosses, scorer(), len(crosses))


def one_call() -> float:
    """Return the time of one of 150 crosses scored one at a time."""
    return seconds_each([cross(2 + each, 200 + each) for each in range(150)], scorer(), 1)


def grid() -> float:
    """Return the time of one cross of the grid."""
    return seconds_each([cross(*each) for each in GRID], scorer(), len(GRID))


def trees(texts: Sequence[str]) -> float:
    """Return the time of one tree of the second half; the first half warms the arena."""
    programs, score = [tree_to_program(each) for each in texts], scorer(256)
    half = len(programs) // 2
    score(programs[:half])
    return seconds_each(programs[half:], score, half)


def python_of(peer: str, folder: Path) -> Path:
    """Return the interpreter of a tool's environment, and create it if necessary."""
    environment = folder / peer
    python = environment / "bin" / "python"
    if not (environment / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(environment)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", *REQUIREMENTS[peer]]
        subprocess.run(install, check=True, stdout=sys.stderr)
        (environment / "ready").touch()
    return python


def run(peer: str, folder: Path, table: Path, *more: str) -> dict[str, Any]:
    """Run the script of a tool, and return the document that it prints."""
    command = [str(python_of(peer, folder)), str(SCRIPTS / f"{peer}.py"), str(table), *more]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    document: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return document


def compare(theirs: Callable[[], dict[str, Any]], ours: Callable[[], float]) -> dict[str, Any]:
    """Compare the time of a tool with the mean of ours before and after it."""
    before = ours()
    document = theirs()
    mean = statistics.mean([before, ours()])
    return {
        "ours_us": round(1e6 * mean, 1),
        "theirs_us": round(1e6 * document["seconds_each"], 1),
        "ratio": round(document["seconds_each"] / mean, 1),
        "versions": document["versions"],
        "check": document["check"],
    }


def main() -> None:
    """Print our time, the time of each tool, and the ratio."""
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--folder", type=Path, default=cache_dir() / "peers", help="folder of the environments"
    )
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    table = folder / "sp500.csv"
    write_table(bars_to_frame(load("sample:sp500").bars), table)
    figures = {
        "loop": compare(lambda: run("loop", folder, table), one_cross),
        "backtesting": compare(lambda: run("backtesting_py", folder, table), one_cross),
        "vectorbt": compare(lambda: run("vectorbt_cross", folder, table), one_cross),
        "vectorbt grid": compare(lambda: run("vectorbt_cross", folder, table, "grid"), grid),
    }
    texts = run("deap_trees", folder, table)["texts"]
    figures["deap"] = compare(lambda: run("deap_trees", folder, table), lambda: trees(texts))
    figures["gplearn"] = compare(lambda: run("gplearn_fit", folder, table), lambda: trees(texts))
    ours = backtest(cross(20, 50), load("sample:sp500").bars, TERMS).metrics
    for name in ("loop", "backtesting", "vectorbt", "vectorbt grid"):
        theirs = figures[name]["check"]
        if theirs["trades"] != ours["num_trades"]:
            raise SystemExit(
                f"{name}: expected {ours['num_trades']} trades, found {theirs['trades']}"
            )
        if abs(theirs["total_return"] - ours["total_return"]) > 1e-4:
            raise SystemExit(
                f"{name}: expected return {ours['total_return']}, found {theirs['total_return']}"
            )
    report("peers", target=TARGETS, one_at_a_time_us=round(1e6 * one_call(), 1), **figures)


if __name__ == "__main__":
    main()
