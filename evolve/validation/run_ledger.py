"""Runs and null searches in the ledger, by the data that they used."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from typing import Any, TypeVar

from evolve.search.best_curve import CurvePoint
from evolve.validation.ledger import Ledger, LedgerError
from evolve.validation.null_search import NullResult
from evolve.validation.prices import PriceId, read_prices

RUN, NULL, PRICES, SWEEP = "run", "null", "prices", "sweep"
BEGIN, END = "begin", "end"  # of a search

Record = TypeVar("Record")


@dataclass(frozen=True)
class RunRecord:
    """Run in the ledger.

    Attributes:
        data: hash of the train bars.
        recipe: settings and files that determine a search on the data, besides seed and trials.
        seed: seed of the search.
        trials: number of trials; with a curve that of each null search, the budget of the run.
        score: best score on train.
        winners: hashes of the strategy with that score and of the finalists, sorted; without those
            that the search started from.
        curve: best score so far of a search that could end by its lead; empty for other ones.
    """

    data: str
    recipe: Mapping[str, Any]
    seed: int
    trials: int
    score: float
    winners: tuple[str, ...]
    curve: tuple[CurvePoint, ...] = ()

    def describe(self) -> dict[str, Any]:
        """Return its fields as JSON has them, without an empty curve."""
        return {key: value for key, value in asdict(self).items() if key != "curve" or value}

    @property
    def key(self) -> str:
        """Key of its null searches: data, recipe, seed and trials."""
        text = json.dumps([self.data, self.recipe, self.seed, self.trials], sort_keys=True)
        return blake2b(text.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True)
class RunLedger:
    """Runs and null searches of a ledger.

    Attributes:
        ledger: the ledger.
        members: identities of the searches of a sweep, which are left out.
        other_members: number of the other runs of that sweep.
    """

    ledger: Ledger
    members: frozenset[str] = frozenset()
    other_members: int = 0

    def record_sweep(self, searches: Sequence[str]) -> None:
        """Add a sweep.

        Args:
            searches: identities of the searches of its runs; equal ones may differ in their budget.
        """
        self._add_once(SWEEP, "", {"searches": sorted(searches)})

    def leave_out_sweep(self, search: str) -> RunLedger:
        """Return the ledger without the runs of the sweeps that a search belongs to.

        The runs of a sweep end in any order. So each is tested as one of all of them, and none
        depends on those that ended before.

        Args:
            search: identity of the search.
        """
        runs = Counter[str]()
        for each in self.ledger.read(SWEEP):
            if search in each["searches"]:
                runs |= Counter(each["searches"])
        return replace(self, members=frozenset(runs), other_members=max(runs.total() - 1, 0))

    def record_begin(self, data: str, search: str) -> None:
        """Add the begin of a search.

        Args:
            data: hash of the train bars.
            search: hash of settings and seed.
        """
        self._add_once(BEGIN, data, {"search": search})

    def record_end(self, data: str, search: str) -> None:
        """Add the end of a search; see `record_begin`."""
        self._add_once(END, data, {"search": search})

    def count_abandoned(self, data: str) -> int:
        """Return the number of searches on data that began and did not end."""
        begun, ended = (
            {str(each["search"]) for each in self.ledger.read(kind, data)} for kind in (BEGIN, END)
        )
        return len(begun - ended - self.members)

    def record_run(self, run: RunRecord, prices: PriceId) -> None:
        """Add a run and the identity of its train bars, unless the ledger has them."""
        self._add_once(PRICES, run.data, {"data": run.data, **prices.describe()})
        text = json.dumps(run.describe(), sort_keys=True)
        self.ledger.append_unless(
            RUN, run.data, run.describe(),
            lambda known: any(json.dumps(each, sort_keys=True) == text for each in known),
        )  # fmt: skip

    def list_runs(self, data: str) -> list[RunRecord]:
        """Return the runs on data, in order.

        Raises:
            LedgerError: if an entry is damaged.
        """
        runs = [self._parse(_parse_run, each) for each in self.ledger.read(RUN, data)]
        return [
            each for each in runs if identify_search(each.recipe, each.seed) not in self.members
        ]

    def list_related(self, data: str, prices: PriceId) -> list[RunRecord]:
        """Return the runs on other bars that have prices in common with the data.

        Args:
            data: hash of the train bars; its own runs are left out.
            prices: identity of the train bars.
        """
        shared = {
            each["data"]
            for each in self.ledger.read(PRICES)
            if each["data"] != data and read_prices(each).overlaps(prices)
        }
        return [run for each in sorted(shared) for run in self.list_runs(each)]

    def record_null(self, run: RunRecord, result: NullResult) -> None:
        """Add the result of a null search, unless the ledger has one as complete."""
        self.ledger.append_unless(
            NULL, run.key, asdict(result),
            lambda known: any(
                each["number"] == result.number and each["reached"] <= result.reached
                for each in known
            ),
        )  # fmt: skip

    def read_nulls(self, run: RunRecord, target: float | None = None) -> dict[int, NullResult]:
        """Return the results of the null searches of a run by number.

        Each is the first that is complete or reaches the target, so that a run that goes on reads
        the result that it had, even if a later test completed the search.

        Args:
            run: the run.
            target: the score that ends a search; None for complete searches only.

        Raises:
            LedgerError: if an entry is damaged.
        """
        results: dict[int, NullResult] = {}
        for each in self.ledger.read(NULL, run.key):
            result = self._parse(_parse_result, each)
            if not result.reached or (target is not None and result.is_at_least(target)):
                results.setdefault(result.number, result)
        return results

    def _add_once(self, kind: str, key: str, body: dict[str, object]) -> None:
        self.ledger.append_unless(kind, key, body, lambda known: body in known)

    def _parse(
        self, parse: Callable[[Mapping[str, Any]], Record], body: Mapping[str, Any]
    ) -> Record:
        try:
            return parse(body)
        except (KeyError, TypeError, ValueError) as error:
            message = f"{self.ledger.path} has a damaged entry: {error!r}"
            raise LedgerError(message, "move the file away to begin a new ledger") from None


def identify_search(recipe: Mapping[str, Any], seed: int) -> str:
    """Return a hash of what determines a search on its data, besides models and trials.

    Args:
        recipe: the recipe of the search.
        seed: its seed.
    """
    text = json.dumps([{**recipe, "models": [], "asked": {}}, seed], sort_keys=True)
    return blake2b(text.encode(), digest_size=16).hexdigest()


def _parse_run(body: Mapping[str, Any]) -> RunRecord:
    winners, curve = tuple(body["winners"]), _parse_curve(body.get("curve", ()))
    return RunRecord(**{**body, "winners": winners, "curve": curve})


def _parse_result(body: Mapping[str, Any]) -> NullResult:
    return NullResult(**{**body, "curve": _parse_curve(body["curve"])})


def _parse_curve(points: Sequence[Sequence[Any]]) -> tuple[CurvePoint, ...]:
    return tuple(CurvePoint(*each) for each in points)
