"""Models and the null run: what it covers, and new answers on permuted bars."""

from __future__ import annotations

from pathlib import Path

import pytest

from evolve.config import ConfigError
from evolve.experiment.result import Run
from evolve.experiment.run import run
from evolve.search.proposers import PROPOSERS
from evolve.validation.verdict import LUCK, NOT_TESTED
from tests.experiment.test_models import IDEAS, QUICK, ideas, settings_for
from tests.llm.scripted import in_turn, say, serving

pytestmark = pytest.mark.usefixtures("own_home")

ONLY_TUNE = f"search.proposers={dict.fromkeys(PROPOSERS, 0) | {'tune': 1}}"
NULLS = "validate.null_runs=19"

WINNER = (
    "strategy hidden { buy when rsi(close, 3) < 30 sell when rsi(close, 3) > 55 }"  # planted below
)
PLANTED = (
    "data.from='synthetic:planted?seed=3&bars=2000&drift=0&edge_bps=60&rule=rsi(close, 3) < 30'"
)
ONLY = ["llm.mode=only", "fitness.require={trades_per_fold: 1, exposure_per_fold: 5%}"]


def searched(folder: Path, *settings: str, answers: list[str] | None = None) -> tuple[Run, int]:
    """Run the quick experiment with a model; return the run and the number of requests."""
    script = ideas() if answers is None else in_turn([say(each) for each in answers])
    with serving(script) as server:
        done = run(QUICK, settings_for(server.url, NULLS, *settings), out=folder)
        return done, len(server.bodies)


@pytest.mark.slow
def test_without_a_request_the_null_run_asks_no_model(tmp_path: Path) -> None:
    done, requests = searched(tmp_path / "run")
    assert done.evidence.null is not None
    assert done.verdict.label == LUCK
    assert done.call_budget is not None
    assert requests == done.call_budget.spent.calls
    assert all(each.evaluated <= done.progress.evaluated for each in done.evidence.null.results)


@pytest.mark.slow
def test_a_null_run_may_ask_the_model_again_on_each_permutation(tmp_path: Path) -> None:
    answers = [*IDEAS] * 40
    done, requests = searched(tmp_path / "run", "validate.null_llm=ask", answers=answers)
    null = done.evidence.null
    assert null is not None
    assert done.call_budget is not None
    searches = len(null.results)
    assert requests > done.call_budget.spent.calls + searches  # several calls in each search
    assert requests <= (1 + searches) * 7  # six calls each, and one probe
    assert not any("did not ask" in each for each in done.evidence.caveats)


@pytest.mark.slow
def test_a_winner_that_descends_from_an_answer_has_caveats(tmp_path: Path) -> None:
    answers = [WINNER] * 20
    settings = [PLANTED, ONLY_TUNE, "validate.holdout=sealed"]
    done, _ = searched(tmp_path / "run", *settings, answers=answers)
    assert done.best is not None and done.best.individual is not None
    text = " ".join(done.evidence.caveats)
    assert "It descends from answers of tiny, which the null run did not ask." in text
    assert "The model tiny may know this period." in text


@pytest.mark.parametrize(("cutoff", "may_know"), [("1999-01-01", False), ("2005-01-01", True)])
def test_a_model_may_know_the_period_before_its_cutoff(
    tmp_path: Path, cutoff: str, may_know: bool
) -> None:
    with serving(in_turn([say(WINNER)] * 20)) as server:
        model = f"llm.models=[{{name: tiny, base_url: '{server.url}', knowledge_cutoff: {cutoff}}}]"
        settings = [*settings_for(server.url), model, PLANTED]
        settings += [ONLY_TUNE]
        done = run(QUICK, settings, out=tmp_path / "run")
    text = " ".join(done.evidence.caveats)
    assert "which the null run did not ask" in text
    assert ("may know this period" in text) is may_know  # synthetic bars begin in 2000


def test_models_alone_are_not_tested_unless_asked_again(tmp_path: Path) -> None:
    done, _ = searched(tmp_path / "run", *ONLY)
    assert done.verdict.label == NOT_TESTED
    assert "Only models proposed" in done.verdict.sentence
    assert done.evidence.null is None


@pytest.mark.slow
def test_recorded_answers_are_no_null_run(tmp_path: Path) -> None:
    first, _ = searched(tmp_path / "run")
    settings = [f"llm.replay={first.folder}", "validate.null_llm=ask"]
    done, requests = searched(tmp_path / "again", *settings)
    assert requests == 0
    assert done.verdict.label == NOT_TESTED
    assert "Recorded answers were written for the real prices" in done.verdict.sentence


def test_a_cutoff_is_a_date(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="knowledge_cutoff"):
        run(QUICK, ["llm.models=[{name: m, knowledge_cutoff: soon}]"], out=tmp_path / "run")
