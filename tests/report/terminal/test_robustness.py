"""Tables of the analyses of a strategy, against a golden file."""

from __future__ import annotations

import math
from pathlib import Path

from rich.table import Table

from dsl.analysis.check import check
from evolve.analysis.costs import AtCosts
from evolve.analysis.counterfactuals import (
    Counterfactual,
    Counterfactuals,
    Figures,
    RandomEntries,
)
from evolve.analysis.plateau import Neighbor, Plateau
from evolve.analysis.prune import Pruned
from evolve.report.terminal.robustness import (
    costs_table,
    counterfactuals_table,
    plateau_table,
    pruning_table,
)
from tests.golden import golden
from tests.report.terminal.test_trading import read_cells, render

GOLDEN = Path(__file__).parent / "golden" / "robustness.txt"
PRUNED = Pruned(
    check("strategy s { buy when close > open and close > 0 sell when close < open stop 90% }"),
    check("strategy s { buy when close > open sell when close < open }"),
    (
        "`close > 0` in `buy` is always true",
        "`volume > sma(volume, 200) and [red]not[/red] close < lowest(low, 100) and rsi(close, 14) "
        "< 99` in `buy` changes no trade",
        "`stop 90%` is never reached",
    ),
)
UNPRUNED = Pruned(PRUNED.program, PRUNED.program, ())
LONG_CHANGE = (
    "`buy` with `crossover(sma(close, 20), sma(close, 200)) or rsi(close, 14) / 100 < "
    "percentrank(volume, 60)` negated"
)
ROWS = (
    Counterfactual("`buy` on every bar", Figures(0.02, 1.9, 12.0), -1.21),
    Counterfactual("without `sell`", Figures(1.5, 2.25, 3.0), 0.27),
    Counterfactual(LONG_CHANGE, Figures(-0.31, -0.421, 1234.0), -1.54),
    Counterfactual("without `stop`", Figures(math.nan, math.nan, math.nan), math.nan),
)
DRAWN = RandomEntries(200, Figures(0.113, 0.052, 151.4), 0.381, -1.117, 0.005)
WITHOUT_SELL = Counterfactual("without `sell`", Figures(0.5, 0.5, 3.0), 0.2)
RANDOM_RETURNS = RandomEntries(200, Figures(0.113, 0.113, 151.4), 0.081, -0.187, 0.005)
COUNTERFACTUALS = Counterfactuals("appraisal_ratio", Figures(1.23, 3.456, 165.0), ROWS, DRAWN)
BY_RETURN = Counterfactuals("total_return", Figures(0.3, 0.3, 9.0), (WITHOUT_SELL,), RANDOM_RETURNS)
PLATEAU = Plateau(
    1.4,
    (
        Neighbor("`rsi(close, 2) < 10` to `rsi(close, 2) < 18`", -math.inf),
        Neighbor("`n` from 2 to 3", 1.1),
        Neighbor("`hold 5` to `6`", 1.5),
    ),
)
COSTS = tuple(AtCosts(*row) for row in ((1.0, 1.23, 3.456), (2.0, 0.98, 1.2), (4.0, -0.1, -0.2)))
RETURNS = (AtCosts(1.0, 0.3, 0.3), AtCosts(2.0, 0.1, 0.1))
TABLES: dict[str, Table] = {
    "pruned": pruning_table(PRUNED),
    "nothing to prune": pruning_table(UNPRUNED),
    "counterfactuals": counterfactuals_table(COUNTERFACTUALS, "validation"),
    "counterfactuals by total return": counterfactuals_table(BY_RETURN),
    "plateau": plateau_table(PLATEAU),
    "plateau without neighbors": plateau_table(Plateau(-0.2, ())),
    "costs": costs_table(COSTS, "appraisal_ratio", "validation"),
    "costs by total return": costs_table(RETURNS, "total_return"),
}


def test_the_tables_match_the_golden_file() -> None:
    parts = [f"== {name}\n{render(table)}" for name, table in TABLES.items()]
    lines = [line.rstrip() for part in parts for line in part.splitlines()]
    assert max(map(len, lines)) <= 80
    golden(GOLDEN, "\n".join(lines) + "\n")


def test_markup_in_a_condition_is_not_interpreted() -> None:
    assert "[red]not[/red]" in render(TABLES["pruned"])


def test_each_change_has_a_row_between_the_strategy_and_the_random_entries() -> None:
    rows = read_cells(TABLES["counterfactuals"])
    assert [row[0] for row in rows[1:-3]] == [row.change for row in ROWS]
    assert rows[0] == ["no change", "1.23", "–", "345.6%", "165"]
