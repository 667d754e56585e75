"""The glossary explains every term of a report."""

from __future__ import annotations

import pytest

from dsl.analysis.check import check
from evolve.backtest.activity import measure_activity
from evolve.backtest.backtest import backtest
from evolve.backtest.market import market
from evolve.backtest.metrics import METRICS
from evolve.config.reference import settings
from evolve.data.generators import random_walk
from evolve.fitness.objectives import OBJECTIVES, REQUIREMENTS
from evolve.llm.transport.usage import ArmCost
from evolve.report.glossary import TERMS, explain, list_explanations, list_terms
from evolve.report.terminal import trading
from evolve.report.terminal.tables import arm_costs_table, proposers_table
from evolve.search.proposer_stats import ProposerStats
from evolve.search.proposers import PROPOSERS
from evolve.validation.verdict import LABELS
from tests.command_line import invoke

PLAIN = ("", "entry", "exit", "side", "shares", "from", "to", "lowest", "recovered", "profit",
         "costs", "year", "strategy", "symbol", "rule", "true", "known", "of bars")  # fmt: skip


def test_every_declared_name_is_explained() -> None:
    names = [*METRICS, *OBJECTIVES, *REQUIREMENTS, *PROPOSERS, *[s.name for s in settings()]]
    for name in names:
        assert any(each.name == name for each in explain(name)), name
        assert any(each.name == name for each in explain(name.replace("_", " ").upper())), name
    assert explain("appraisal_ratio")[0].about == METRICS["appraisal_ratio"].about
    assert [each.name for each in explain("capital")] == ["backtest.capital"]
    assert explain("budget.stale_epochs")[0].about.endswith("at least 1; default 5")
    assert explain("an unknown term") == []


def test_headings_of_tables_are_explained_or_plain_words() -> None:
    bars = random_walk(300, 3)
    program = check("strategy s { buy when rsi(close, 3) < 30 sell when rsi(close, 3) > 60 }")
    result = backtest(program, bars, market())
    stats, costs = {"point": ProposerStats()}, {"m": ArmCost(1, 1.0, 0.1)}
    tables = [
        proposers_table(stats), arm_costs_table(costs, stats), trading.drawdowns_table(result),
        trading.years_table(result), trading.trades_table(result.trades),
        trading.symbols_table(result), trading.rules_table(
            measure_activity(program, bars, market())
        ),
    ]  # fmt: skip
    headings = {str(column.header) for table in tables for column in table.columns}
    assert {"duplicate", "gain per $", "reason", "depth", "calls", "num trades"} <= headings
    unknown = [each for each in headings if each not in PLAIN and not explain(each)]
    assert unknown == []
    for each in (*LABELS, "trials", "finalists", "folds", "epochs", "holdout"):
        assert explain(each)


def test_a_term_has_one_line_and_is_declared_once() -> None:
    for each in list_explanations():
        assert each.about
        assert "\n" not in each.about
    keys = [each.lower() for each in TERMS]
    assert len(keys) == len(set(keys))
    declared = {name.replace("_", " ") for name in (*METRICS, *OBJECTIVES, *REQUIREMENTS)}
    assert not declared & set(keys)
    assert {key.replace("-", " ") for key in keys} <= set(list_terms())


@pytest.mark.parametrize(
    ("args", "status", "expected"),
    [
        (["stale", "epochs"], 0, "budget.stale_epochs (setting): stop after this number"),
        (["appraisal_ratio"], 0, "appraisal_ratio (metric): annualized ratio of alpha"),
        (["Trials"], 0, "trial (word): one distinct strategy"),
        (["apraisal"], 1, "did you mean `appraisal ratio`"),
        (["zzz"], 1, "`evolve explain` lists all terms"),
    ],
)
def test_a_term_is_explained_at_the_command_line(
    args: list[str], status: int, expected: str
) -> None:
    _, out, err = invoke("explain", *args, status=status)
    assert expected in out + err


def test_all_terms_are_listed() -> None:
    lines = invoke("explain").out.splitlines()
    for each in list_explanations():
        assert f"  {each.name}: {each.about}" in lines
