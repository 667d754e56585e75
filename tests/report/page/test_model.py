"""Section of the models: calls, answers, budget and beliefs, as data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from evolve.experiment.model_costs import sum_arm_costs
from evolve.experiment.run import run
from evolve.experiment.run_view import RunView, read_view
from evolve.report.page.blocks import Block, Table
from evolve.report.page.charts import Cell, Chart
from evolve.report.page.model import iterate_blocks
from evolve.report.page.model.answers import STATUSES
from evolve.report.page.search.credit import iterate_credit, list_credits
from evolve.store.rows import ExchangeRow, JournalRows, ProposalRow
from tests.experiment.small_runs import NOISE, write_experiment
from tests.llm.scripted import fail, in_turn, say, serving

IDEAS = (
    'strategy a { about "<b>dips</b> revert" buy when roc(close, 1) < 0 hold 9 }',
    "strategy b { buy when smaa(close, 3) > close }",
    "strategy c { buy when rsi(close, 3) < 30 sell when rsi(close, 3) > 60 }",
    "strategy c { buy when rsi(close, 3) < 30 sell when rsi(close, 3) > 60 }",
    "no strategy at all",
)


@pytest.fixture(scope="module")
def view(tmp_path_factory: pytest.TempPathFactory) -> RunView:
    """Return the view of a run that asks a scripted server, which fails once."""
    folder = tmp_path_factory.mktemp("model")
    plan = write_experiment(folder, NOISE)
    # The search does not wait for a model that failed, so a failure comes last.
    script = in_turn([*map(say, (*IDEAS, IDEAS[0])), fail(400), *map(say, 6 * IDEAS)])
    with serving(script) as server:
        settings = [
            f"llm.models=[{{name: tiny, base_url: '{server.url}', usd_per_million_in: 10, "
            "usd_per_million_out: 10}]", "llm.constraint=text", "budget.llm_calls=8",
            "llm.concurrency=1", "budget.llm_usd=1", "validate.null_runs=0",
        ]  # fmt: skip
        return read_view(run(plan, settings, out=folder / "run").folder)


def list_rows(view: RunView, name: str) -> list[dict[str, Cell]]:
    """Return the rows of a table of the section by heading."""
    blocks: dict[str, Block] = {getattr(each, "name", ""): each for each in iterate_blocks(view)}
    table = blocks[name]
    assert isinstance(table, Table)
    headings = [each.heading for each in table.columns]
    return [dict(zip(headings, row, strict=True)) for row in table.rows]


def test_a_run_without_models_has_no_section(view: RunView) -> None:
    plain = replace(view, rows=replace(view.rows, exchanges=(), proposals=()))
    assert list(iterate_blocks(plain)) == []


def test_calls_and_costs_add_up_to_those_of_the_result(view: RunView) -> None:
    rows, spent = list_rows(view, "calls"), view.result["llm"]
    assert sum(float(str(row["calls"])) for row in rows) >= spent["calls"]
    for heading, name in (("tokens in", "tokens_in"), ("tokens out", "tokens_out")):
        known = sum(float(str(row[heading])) for row in rows)
        assert known == spent[name] - spent["assumed"][name]
    assert {row["model"] for row in rows} == {"tiny"}
    assert all(float(str(row["latency, 90 %"])) >= float(str(row["latency, median"])) > 0
               for row in rows if row["calls"] != row["failed"])  # fmt: skip


def test_the_budget_compares_limits_with_what_was_spent(view: RunView) -> None:
    rows = {row[""]: row for row in list_rows(view, "budget")}
    assert set(rows) == {"calls", "US dollars"}
    assert rows["calls"]["limit"] == 8
    assert rows["calls"]["spent"] == view.result["llm"]["calls"]
    assert rows["US dollars"]["share"] == pytest.approx(view.result["llm"]["usd"])


def test_costs_from_the_answers_are_those_of_the_result(view: RunView) -> None:
    arms = view.result["llm"]["arms"]
    summed = sum_arm_costs(view.rows)
    assert set(summed) == set(arms)
    for name, cost in summed.items():
        assert cost.calls == arms[name]["calls"]
        assert cost.seconds == pytest.approx(arms[name]["seconds"])
        assert cost.usd == pytest.approx(arms[name]["usd"])


def test_the_credit_of_a_model_has_its_time_and_cost(view: RunView) -> None:
    credits = [each for each in list_credits(view) if each.usd is not None]
    assert {each.proposer for each in credits} == set(view.result["llm"]["arms"])
    assert sum(each.usd or 0.0 for each in credits) > 0
    table = next(each for each in iterate_credit(view) if isinstance(each, Table))
    assert [each.heading for each in table.columns][-2:] == ["$", "gain per $"]


def test_every_strategy_of_the_models_has_one_status(view: RunView) -> None:
    rows = list_rows(view, "proposals")
    assert sum(int(str(row["strategies"])) for row in rows) == len(view.rows.proposals)
    for row in rows:
        assert sum(int(str(row[each])) for each in STATUSES) == row["strategies"]
    assert sum(int(str(row["duplicate"])) for row in rows) > 0
    assert sum(int(str(row["repairs"])) for row in rows) > 0


def test_answers_are_counted_by_the_constraint_of_their_request(view: RunView) -> None:
    (row,) = list_rows(view, "formats")
    assert (row["request format"], row["constraint"]) == ("text", "none: plain text")
    assert row["share"] == 1.0
    rejected = sum(each.status == "rejected" for each in view.rows.proposals)
    assert row["valid"] == pytest.approx(1 - rejected / len(view.rows.proposals))


def test_reasons_for_a_rejection_are_counted_by_code(view: RunView) -> None:
    rows = list_rows(view, "rejections")
    assert sum(int(str(row["count"])) for row in rows) == sum(
        each.status == "rejected" for each in view.rows.proposals
    )
    by_code = {row["code"]: str(row["example"]) for row in rows}
    assert any("unknown" in text and "smaa" in text for text in by_code.values())
    assert all(str(code) in text for code, text in by_code.items() if code)


def test_requests_that_failed_are_counted_by_their_error(view: RunView) -> None:
    rows = list_rows(view, "failures")
    assert sum(int(str(row["count"])) for row in rows) == sum(
        bool(each.error) for each in view.rows.exchanges
    )
    assert rows[0]["model"] == "tiny"


def test_a_belief_is_data_beside_the_score_of_its_trial(view: RunView) -> None:
    rows = list_rows(view, "beliefs")
    trials = {each.number: each for each in view.rows.trials}
    evaluated = [each for each in view.rows.proposals if each.status == "evaluated"]
    assert len(rows) == len(evaluated)
    assert "<b>dips</b> revert" in {row["belief"] for row in rows}
    for row in rows:
        trial = trials[int(str(row["trial"]))]
        assert trial.proposer.startswith("llm:tiny:")
        assert row["score"] == (trial.scores[0] if trial.is_feasible else None)


def test_the_sentences_of_learnings_are_listed_without_the_records(
    view: RunView, tmp_path: Path
) -> None:
    text = '# Learnings\n\n## Works\n\n- "short <window>"\n\n## Measured\n\n- "x" → 1\n'
    (tmp_path / "learnings.md").write_text(text, "utf-8")
    rows = list_rows(replace(view, folder=tmp_path), "learnings")
    assert rows == [{"section": "works", "sentence": "short < window>"}]


def test_learnings_that_cannot_be_read_are_absent(view: RunView, tmp_path: Path) -> None:
    (tmp_path / "learnings.md").write_bytes(b"\xff\xfe\x00")
    names = {getattr(each, "name", "") for each in iterate_blocks(replace(view, folder=tmp_path))}
    assert "learnings" not in names


def test_a_run_in_progress_shows_the_calls_so_far(view: RunView) -> None:
    early = replace(view, state="running", document=None, result={})
    assert len(list_rows(early, "calls")) > 0
    (calls, _) = list_rows(early, "budget")
    answered = {each.call for each in view.rows.exchanges if each.kind != "probe"}
    assert calls["spent"] == len(answered)


def test_many_answers_are_thinned_in_the_chart_of_latency(view: RunView) -> None:
    many = tuple(
        ExchangeRow(number, "2026-01-01T00:00:00", "propose", f"m{number % 2}\x1b[1m", "simplify",
                    "gbnf", "", "", 10, 5, 0.0, 1.0 + number)
        for number in range(9000)
    )  # fmt: skip
    rejected = ProposalRow(3, "x", "", "rejected", "odd reason\x1b[1m\nmore")
    busy = replace(view, rows=JournalRows(exchanges=many, proposals=(rejected,)), result={})
    (chart,) = (each for each in iterate_blocks(busy) if isinstance(each, Chart))
    assert 1500 < sum(len(each.x) for each in chart.traces) <= 2000
    assert len({each.symbol for each in chart.traces}) == 2
    assert "\x1b" not in "".join(each.name for each in chart.traces)
    (row,) = list_rows(busy, "rejections")
    assert row["code"] is None
    assert "\x1b" not in str(row["example"])
