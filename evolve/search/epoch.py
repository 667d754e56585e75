"""Epoch on one island: a pure function of the island's state."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence, Set
from itertools import accumulate
from time import perf_counter
from typing import NamedTuple

from dsl.analysis.program import Program, Rules
from dsl.syntax.expressions import MAX_DEPTH
from dsl.syntax.vocabulary import DIRECTION_ORDERS
from dsl.terms.canonical import MeaningError
from evolve.search.fixed_rules import put_fixed, remove_fixed
from evolve.search.individual import Individual, Scored
from evolve.search.island import EpochResult, EpochTask, Island
from evolve.search.problem import SearchProblem
from evolve.search.proposer_stats import ProposerStats
from evolve.search.proposers import PROPOSERS
from evolve.search.selection import build_toolbox, select_distinct
from evolve.search.space import Space

MAX_TRIES_PER_CHILD = 20
MAX_REDRAWS = 8  # of the idle children of a generation


def run_epoch(task: EpochTask, problem: SearchProblem, seen: Set[bytes]) -> EpochResult:
    """Run the generations of one epoch.

    Args:
        task: the island, the shares and the budget.
        problem: the constants of the search.
        seen: keys of programs evaluated before the epoch, which are not evaluated again.
    """
    return _EpochRun(task, problem, seen).run()


def fits_space(rules: Rules, space: Space) -> bool:
    """Return whether rules enter a position, in allowed directions, within the limits of size.

    The parser reads no deeper nesting than `MAX_DEPTH`, and a run that goes on reads its programs.
    """
    entered = {
        name for name, side in DIRECTION_ORDERS.items() if getattr(rules, side.entry) is not None
    }
    return (
        bool(entered)
        and entered.issubset(space.directions)
        and rules.nodes <= space.max_nodes
        and max(term.depth for term in rules if term is not None) <= MAX_DEPTH
    )


class _Proposal(NamedTuple):
    """New program with its proposer and parents."""

    program: Program
    proposer: str
    parents: Sequence[Individual]


class _EpochRun:
    """Working state of one epoch."""

    def __init__(self, task: EpochTask, problem: SearchProblem, seen: Set[bytes]) -> None:
        self.task, self.problem, self.seen = task, problem, seen
        self.rng = random.Random()
        self.rng.setstate(task.island.rng_state)
        self.toolbox = build_toolbox(problem)
        self.population = sorted(
            task.island.population, key=lambda each: each.fitness.wvalues, reverse=True
        )
        self.proposed: set[bytes] = set()  # keys
        self.trials: list[Individual] = []
        self.counts = {name: ProposerStats().as_counts() for name in PROPOSERS}
        self.seconds = dict.fromkeys(PROPOSERS, 0.0)

    def run(self) -> EpochResult:
        for _ in range(self.task.generations):
            size = min(self.problem.population, self.task.max_evaluations - len(self.trials))
            if size <= 0:
                break
            self._run_generation(size)
        state = self.rng.getstate()
        island = Island(self.task.island.index, tuple(self.population), state)
        stats = {
            name: ProposerStats.from_counts(counts)
            for name, counts in self.counts.items()
            if any(counts.values())
        }
        seconds = {name: spent for name, spent in self.seconds.items() if spent > 0}
        return EpochResult(island, tuple(self.trials), stats, seconds)

    def _run_generation(self, size: int) -> None:
        offspring = self._breed(size)
        children = [
            Individual.create(
                program, scores, self.problem.weights, name,
                tuple(parent.program.hash for parent in parents), self.task.island.index,
                self.task.epoch,
            )
            for (program, name, parents), scores in offspring
        ]  # fmt: skip
        self.trials.extend(children)
        feasible = [each for each in children if each.scores.is_feasible]
        candidates = [*self.population, *feasible]
        if self.problem.options.distinct:
            candidates = select_distinct(candidates)
        self.population = self.toolbox.survive(
            candidates, min(self.problem.population, len(candidates))
        )
        self.population.sort(key=lambda each: each.fitness.wvalues, reverse=True)
        survivors = set(map(id, self.population))
        for each, (proposal, _) in zip(children, offspring, strict=True):
            counts = self.counts[proposal.proposer]
            counts["evaluated"] += 1
            counts["accepted"] += id(each) in survivors
            best = max([parent.score for parent in proposal.parents], default=each.score)
            if each.scores.is_feasible and each.score > best:
                counts["improved"] += 1
                counts["gain"] = round(counts["gain"] + each.score - best, 12)

    def _breed(self, size: int) -> list[tuple[_Proposal, Scored]]:
        """Return new programs with their scores.

        An idle one is no trial: it is replaced, except after the last redraw. So a generation ends
        in a space where hardly any program trades.
        """
        bred, idle = list[tuple[_Proposal, Scored]](), set[bytes]()
        redraws = MAX_REDRAWS if self.problem.options.idle == "replace" else 0
        for redraws_left in range(redraws, -1, -1):
            proposals = list(self._propose(size - len(bred)))
            started = perf_counter()
            scores = self.problem.evaluate([each.program for each in proposals])
            share = (perf_counter() - started) / max(len(proposals), 1)
            for proposal, score in zip(proposals, scores, strict=True):
                self.seconds[proposal.proposer] += share
                if score.is_idle and redraws_left:
                    self.counts[proposal.proposer]["idle"] += 1
                    idle.add(proposal.program.key)
                else:
                    bred.append((proposal, score))
            if len(bred) == size or not proposals:
                break
        self.proposed -= idle  # else the division of an interval into epochs would change them
        return bred

    def _propose(self, size: int) -> Iterator[_Proposal]:
        """Yield new programs."""
        shares = self.task.shares
        names, weights = list(shares), list(accumulate(shares.values()))
        count = 0
        for _ in range(size * MAX_TRIES_PER_CHILD):
            if count == size:
                return
            started = perf_counter()
            name = self.rng.choices(names, cum_weights=weights)[0]
            proposer = PROPOSERS[name]
            if len(self.population) < max(2, proposer.parents):
                proposer = PROPOSERS["random"]
            parents = self.toolbox.select(self.population, proposer.parents, rng=self.rng)
            rules = getattr(self.toolbox, proposer.name)(
                [remove_fixed(each.program.rules, self.problem.space.fixed) for each in parents],
                rng=self.rng,
            )
            program = self._admit(rules, proposer.name)
            self.seconds[proposer.name] += perf_counter() - started
            if program is not None:
                count += 1
                yield _Proposal(program, proposer.name, parents)

    def _admit(self, rules: Rules | None, name: str) -> Program | None:
        """Return the program of rules if it fits the space and is new, else None."""
        if rules is None:
            return None
        counts = self.counts[name]
        counts["proposed"] += 1
        rules = put_fixed(rules, self.problem.space.fixed)
        if not fits_space(rules, self.problem.space):
            return None
        program = Program("evolved", rules)
        try:
            key = program.key
        except MeaningError:
            return None
        counts["valid"] += 1
        is_known = key in self.seen and key not in self.task.unknown
        if is_known or key in self.proposed:
            counts["duplicate"] += 1
            return None
        self.proposed.add(key)
        return program
