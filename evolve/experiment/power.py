"""Power of an experiment's search, measured on markets with a planted edge."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace

from dsl.analysis.check import check
from evolve.backtest.backtest import backtest
from evolve.errors import EvolveError
from evolve.experiment.null_test import NullTester
from evolve.experiment.plan import LoadedData, Plan
from evolve.experiment.recipe import build_recipe
from evolve.experiment.repeated_search import (
    JobRunner,
    check_repeatable,
    identify_problem,
)
from evolve.validation.ledger import Ledger, ledger_path
from evolve.validation.null_run import NullJob, NullRun
from evolve.validation.null_search import NullResult
from evolve.validation.power import (
    MARKETS_PER_EDGE,
    RULES,
    HiddenRule,
    PlantedMarkets,
    Power,
    PowerRow,
    choose_edges,
    list_found,
    start_power,
)
from evolve.validation.run_ledger import RunLedger, RunRecord


@dataclass(frozen=True)
class PowerTest:
    """Test of an experiment's power.

    Attributes:
        plan: the experiment.
        data: its data.
        runner: runs the searches.
    """

    plan: Plan
    data: LoadedData
    runner: JobRunner

    @property
    def direction(self) -> str:
        """Direction of the edge: `long` if the experiment allows it."""
        directions = self.plan.experiment.language.directions
        return "long" if "long" in directions else "short"

    def iterate(self, trials: int | None = None) -> Iterator[NullRun | Power]:
        """Yield the null run after each null search, then the power after each further search.

        Args:
            trials: number of trials of each search; None for those of the last run of the
                experiment in the ledger, or else for its budget.

        Raises:
            EvolveError: if the experiment has no test of power.
        """
        rules = self._choose_rules()
        ledger = RunLedger(Ledger(ledger_path()))
        record = self._build_record(ledger, trials)
        source = self.runner.build_source(self.plan, self.data)
        tester = NullTester(record, source, self.data, ledger, self.runner)
        null = None
        for null in tester.iterate_luck(self.plan.experiment.validation.max_null_runs):
            yield null
        if null is None or len(null.results) < null.planned:
            return
        train, market = self.data.split.train, self.data.market
        markets = PlantedMarkets(rules, choose_edges(train, market, self.direction), market)
        power = start_power(null, train.bars_per_year, rules)
        job = NullJob(source, record.trials, power.target, build=markets)
        yield from self._search(job, markets, power)

    def _search(self, job: NullJob, markets: PlantedMarkets, power: Power) -> Iterator[Power]:
        """Yield the power after each search, until one edge is found in all of them."""
        detail = {
            "trials": job.trials,
            "target": job.target,
            "rules": [asdict(each) for each in markets.rules],
            "edges_bps": markets.edges_bps,
        }
        problem = identify_problem("power", self.plan, self.data, detail)
        store = self.runner.find_store(problem, job.form)
        results: list[NullResult] = []
        with closing(self.runner.iterate(job, markets.numbers, store)) as searches:
            for result in searches:
                results.append(result)
                power = self._add(power, markets, results)
                yield power
                if power.is_complete:
                    return

    def _add(self, power: Power, markets: PlantedMarkets, results: Sequence[NullResult]) -> Power:
        """Return the power with the last result in its row."""
        index = (len(results) - 1) // MARKETS_PER_EDGE
        of_edge = results[index * MARKETS_PER_EDGE :]
        found = list_found(power, [each.best for each in of_edge])
        ratio = self._measure_rule(markets, results[-1].number)
        if len(found) > 1:
            ratio = power.rows[-1].ratio + (ratio - power.rows[-1].ratio) / len(found)
        row = PowerRow(markets.edges_bps[index], found, ratio)
        is_last = len(results) == len(markets.numbers)
        is_whole = len(found) == MARKETS_PER_EDGE
        return replace(
            power,
            rows=(*power.rows[:index], row),
            is_complete=is_whole and (is_last or all(found)),
        )

    def _measure_rule(self, markets: PlantedMarkets, number: int) -> float:
        """Return the appraisal ratio of the hidden rule traded alone on its market."""
        program = check(markets.find_rule(number).write(self.direction))
        market = markets(self.data.split.train, number)
        return backtest(program, market, self.data.market).metrics["appraisal_ratio"]

    def _choose_rules(self) -> tuple[HiddenRule, ...]:
        """Return the rules that the search can write.

        Raises:
            EvolveError: if there is none, or if the experiment has no null run.
        """
        check_repeatable(self.plan)
        if not self.plan.experiment.validation.max_null_runs:
            raise EvolveError("power needs null searches", "set `validate.null_runs` to 19")
        rules = tuple(
            each
            for each in RULES
            if not self.plan.space.rejection_reason(check(each.write(self.direction)))
        )
        if not rules:
            texts = ", ".join(f"`{each.text}`" for each in RULES)
            raise EvolveError(
                f"the search can write none of the hidden rules: {texts}",
                "allow more in `language.operators`, raise `language.max_nodes`, or fix no entry "
                "and exit in `start_from`",
            )
        return rules

    def _build_record(self, ledger: RunLedger, trials: int | None) -> RunRecord:
        """Return the key of the null searches, with the trials of the last equal run."""
        settings = self.plan.experiment
        record = RunRecord(
            self.data.split.train.hash, build_recipe(self.plan, self.data), settings.seed,
            trials or settings.budget.evaluations, math.inf, (),
        )  # fmt: skip
        if trials is None:
            for each in ledger.list_runs(record.data):
                if replace(record, trials=each.trials).key == each.key:
                    record = replace(record, trials=each.trials)
        return record


def describe_power(power: Power) -> dict[str, object]:
    """Describe a power for JSON."""
    return {
        "trials": power.trials,
        "null_runs": power.null_runs,
        "threshold": power.threshold,
        "is_complete": power.is_complete,
        "rules": [asdict(each) for each in power.rules],
        "edges": [
            {
                "edge_bps": each.edge_bps,
                "found": sum(each.found),
                "searches": len(each.found),
                "share": each.share,
                "ratio": each.ratio,
            }
            for each in power.rows
        ],
    }
