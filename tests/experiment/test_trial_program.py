"""Programs of trials: each source is checked once, however often pages show it."""

from __future__ import annotations

from evolve.experiment.trial_program import check_trial


def test_a_source_that_was_checked_before_gives_the_same_program() -> None:
    source = "strategy once { buy when rsi(close, 11) < 31 hold 2 }"
    assert check_trial(source) is check_trial(str(bytes(source, "utf-8"), "utf-8"))
