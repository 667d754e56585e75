"""Run of a folder in a notebook: tables of its trials and calls, its verdict and its charts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from dsl.analysis.program import Program
from dsl.printable import make_printable
from dsl.printing.decompile import compact_text
from evolve.api import frames
from evolve.api.backtest_result import BacktestResult, run_backtest
from evolve.api.charts import plot_chart
from evolve.api.markup import render_table
from evolve.api.parts import Part, check_part
from evolve.errors import EvolveError

if TYPE_CHECKING:
    import pandas as pd
    from plotly.graph_objects import Figure

    from evolve.experiment.run_state import RunState
    from evolve.experiment.run_view import RunView
    from evolve.validation.verdict import Verdict

NONE_YET = "none yet"


@dataclass(frozen=True, eq=False, repr=False)
class RunResult:
    """Run of a folder at the moment it was loaded; what does not exist yet is empty.

    Attributes:
        view: contents of the folder.
    """

    view: RunView

    @property
    def folder(self) -> Path:
        """Run folder."""
        return self.view.folder

    @property
    def state(self) -> RunState:
        """State of the run: `running`, `stopped` or `finished`."""
        return self.view.state

    @property
    def report(self) -> Path | None:
        """Report of the run; None if it is not written yet."""
        from evolve.store import REPORT

        path = self.folder / REPORT
        return path if path.exists() else None

    @property
    def best(self) -> Program | None:
        """Winner of the run, or the best strategy so far; None if there is none."""
        return self.view.best

    @property
    def verdict(self) -> str:
        """Label of the verdict, such as PASS; empty before the end of the search."""
        return self._verdict.label if self._verdict is not None else ""

    @property
    def explanation(self) -> str:
        """Sentences that explain the verdict; empty before the end of the search."""
        return self._verdict.sentence if self._verdict is not None else ""

    @cached_property
    def trials(self) -> pd.DataFrame:
        """Trials by number: proposer, parents, score, source and others."""
        return frames.build_trials_frame(self.view.rows.trials)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Objectives of each trial, and the first of them on each fold."""
        fitness = self.view.plan.experiment.fitness
        names = [*fitness.maximize, *fitness.minimize]
        return frames.build_scores_frame(self.view.rows.trials, names)

    @cached_property
    def finalists(self) -> pd.DataFrame:
        """Finalists by rank: the winner, then others that trade differently and have no verdict.

        Empty before the end of the search.
        """
        metric = self.view.plan.experiment.fitness.maximize[0]
        finalists = self.view.document.finalists if self.view.document is not None else ()
        return frames.build_finalists_frame(finalists, metric)

    @cached_property
    def front(self) -> pd.DataFrame:
        """Trials that score above all of their size or smaller, the smallest first."""
        from evolve.experiment.front import find_front

        return frames.build_trials_frame(find_front(self.view.rows.trials))

    @cached_property
    def lineage(self) -> pd.DataFrame:
        """Line of descent of the best trial so far: its ancestors in order, then itself."""
        from evolve.experiment.lineage import find_winner, trace_lineage

        winner = find_winner(self.view) or ""
        return frames.build_lineage_frame(trace_lineage(self.view.rows, winner))

    @cached_property
    def calls(self) -> pd.DataFrame:
        """Requests to models with their answers, tokens, cost and duration."""
        return frames.build_calls_frame(self.view.rows.exchanges)

    def backtest(self, part: Part = "train") -> BacktestResult:
        """Backtest the best strategy on the bars and at the costs of the run, as the run did.

        Args:
            part: `train`, or `validation` once the search has ended.

        Raises:
            EvolveError: if there is no strategy yet, or the part may not be shown.
        """
        from evolve.experiment.run_parts import select_part

        if self.best is None:
            raise EvolveError(f"{self.folder} has no strategy yet", "wait until the search has one")
        check_part(part)
        data = select_part(self.view, part)
        return run_backtest(self.best, data.bars, data.start, self.view.data.market)

    def plot(self, name: str = "equity") -> Figure:
        """Plot equity of the best strategy beside buy and hold, or another chart of the report.

        Args:
            name: name of the chart.

        Raises:
            EvolveError: if the report has no such chart, or a file of the run is damaged.
        """
        from evolve.report.page.build import SECTIONS

        names = dict.fromkeys(("performance", *SECTIONS))  # the first is found without the others
        return plot_chart(name, chain.from_iterable(SECTIONS[each][1](self.view) for each in names))

    def __repr__(self) -> str:
        return "\n".join([self._title, *[f"{name}: {text}" for name, text in self._list_rows()]])

    def _repr_html_(self) -> str:
        return render_table(self._title, (), self._list_rows())

    @property
    def _title(self) -> str:
        name, trials = self.view.plan.experiment.name, len(self.view.rows.trials)
        return make_printable(f"run {name} in {self.folder}: {self.state}, {trials:,} trials")

    def _list_rows(self) -> list[tuple[str, str]]:
        """Return the verdict and the best strategy with their names, as text."""
        from evolve.experiment.lineage import find_winner

        verdict, best = NONE_YET, NONE_YET
        if self.verdict:
            verdict = f"{self.verdict}. {self.explanation.partition('. ')[0]}"
        if self.best is not None:
            best = compact_text(self.best)
            scores = {each.hash: each.scores for each in self.view.rows.trials}
            winner = scores.get(find_winner(self.view) or "", ())
            best += f", score {winner[0]:.3f}" if winner else ""
        return [("verdict", make_printable(verdict)), ("best", make_printable(best))]

    @property
    def _verdict(self) -> Verdict | None:
        return self.view.document.verdict if self.view.document is not None else None
