"""How many times faster the same work is done here than by other tools, in one run.

The SMA 20/50 cross of the S&P 500 sample (5,031 bars): row by row in pandas, with backtesting.py
and with vectorbt; a grid of 1,000 crosses beside vectorbt's 1,000 columns; the same random trees
as DEAP compiles over TA-Lib; and gplearn's cost of an evaluation, which simulates no trades. Each
tool has a virtual environment of its own, made on first use. Its run stands between two of ours,
and ratios are to their mean; that both trade alike is checked. Ours is the whole of scoring:
canonical form, indicators that nobody asked for before, conditions, fills, costs and five folds.
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
from warm import warmed

from dsl.analysis.check import check
from dsl.analysis.program import Program
from dsl.cache_dir import cache_dir
from evolve.backtest.backtest import backtest
from evolve.backtest.market import market
from evolve.data import load
from evolve.data.frames import bars_to_frame
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
SOUGHT = {"loop": 1000, "backtesting": 400, "vectorbt": 300, "vectorbt grid": 80, "deap": 4,
          "gplearn": 20}  # fmt: skip
TERMS = market(commission_bps=5, slippage_bps=0)
GRID = [(fast, slow) for fast in range(5, 45) for slow in range(50, 175, 5)]
NAMES = {"SMA": "sma", "EMA": "ema", "WMA": "wma", "RSI": "rsi", "ROC": "roc", "MOM": "change",
         "MAX": "highest", "MIN": "lowest", "STDDEV": "stdev", "LINEARREG": "linreg"}  # fmt: skip


def cross(fast: int, slow: int) -> Program:
    """Long from one crossing to the next."""
    pair = f"(sma(close, {fast}), sma(close, {slow}))"
    return check(f"strategy cross {{ buy when crossover{pair} sell when crossunder{pair} }}")


def written(tree: str) -> Program:
    """A tree of DEAP's as a strategy: long while it holds."""
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
    for place, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            yield text[start:place].strip()
            start = place + 1
    yield text[start:].strip()


def scorer(arena_mb: float = 32) -> FoldFitness:
    """Scores on the sample, with the kernels loaded and its memory used before, as in a search."""
    made = warmed(load("sample:sp500").bars, TERMS, arena_mb)
    made([cross(300, slow) for slow in range(310, 1310)])
    return made


def seconds_each(programs: Sequence[Program], score: FoldFitness, batch: int) -> float:
    """The time of scoring each of some programs, canonical form included."""
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
    """One of 150 scored together, each of two averages that nobody asked for before."""
    crosses = [cross(2 + each, 200 + each) for each in range(150)]
    return seconds_each(crosses, scorer(), len(crosses))


def one_call() -> float:
    """The same, scored one at a time."""
    return seconds_each([cross(2 + each, 200 + each) for each in range(150)], scorer(), 1)


def grid() -> float:
    """One of the crosses of a grid."""
    return seconds_each([cross(*each) for each in GRID], scorer(), len(GRID))


def trees(texts: Sequence[str]) -> float:
    """One of the second half of some trees; the first half warms the arena."""
    programs, score = [written(each) for each in texts], scorer(256)
    half = len(programs) // 2
    score(programs[:half])
    return seconds_each(programs[half:], score, half)


def python_of(peer: str, folder: Path) -> Path:
    """The interpreter of a tool's own environment, made if it is not there."""
    place = folder / peer
    python = place / "bin" / "python"
    if not (place / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(place)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", *REQUIREMENTS[peer]]
        subprocess.run(install, check=True, stdout=sys.stderr)
        (place / "ready").touch()
    return python


def run(peer: str, folder: Path, table: Path, *more: str) -> dict[str, Any]:
    """What a tool's script prints."""
    command = [str(python_of(peer, folder)), str(SCRIPTS / f"{peer}.py"), str(table), *more]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def bracketed(theirs: Callable[[], dict[str, Any]], ours: Callable[[], float]) -> dict[str, Any]:
    """A tool's time between two of ours."""
    before = ours()
    found = theirs()
    mean = statistics.mean([before, ours()])
    return {
        "ours_us": round(1e6 * mean, 1),
        "theirs_us": round(1e6 * found["seconds_each"], 1),
        "ratio": round(found["seconds_each"] / mean, 1),
        "versions": found["versions"],
        "check": found["check"],
    }


def main() -> None:
    """Print ours, theirs and the ratio, by tool."""
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--folder", type=Path, default=cache_dir() / "peers", help="of environments"
    )
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    table = folder / "sp500.csv"
    write_table(bars_to_frame(load("sample:sp500").bars), table)
    figures = {
        "loop": bracketed(lambda: run("loop", folder, table), one_cross),
        "backtesting": bracketed(lambda: run("backtesting_py", folder, table), one_cross),
        "vectorbt": bracketed(lambda: run("vectorbt_cross", folder, table), one_cross),
        "vectorbt grid": bracketed(lambda: run("vectorbt_cross", folder, table, "grid"), grid),
    }
    texts = run("deap_trees", folder, table)["texts"]
    figures["deap"] = bracketed(lambda: run("deap_trees", folder, table), lambda: trees(texts))
    figures["gplearn"] = bracketed(lambda: run("gplearn_fit", folder, table), lambda: trees(texts))
    mine = backtest(cross(20, 50), load("sample:sp500").bars, TERMS).metrics
    for name in ("loop", "backtesting", "vectorbt", "vectorbt grid"):
        theirs = figures[name]["check"]
        if theirs["trades"] != mine["num_trades"]:
            raise SystemExit(f"{name} makes {theirs['trades']} trades, not {mine['num_trades']}")
        if abs(theirs["total_return"] - mine["total_return"]) > 1e-4:
            raise SystemExit(f"{name} returns {theirs['total_return']}")
    report("peers", sought=SOUGHT, one_at_a_time_us=round(1e6 * one_call(), 1), **figures)


if __name__ == "__main__":
    main()
