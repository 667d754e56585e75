"""Contestants of `search_quality.py`: each searches a market and chooses its winner.

All have an equal number of distinct strategies that trade, score them by the fitness of the
experiment, and choose among their finalists as `evolve run` does.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from typing import Any

from deap import algorithms, base, gp, tools
from formula_contestant import fit_formulas
from quality_task import METRIC, Contestant, Task, Winner

from dsl.analysis.program import Program, Rules
from dsl.gc_pause import pause_gc
from dsl.printing.decompile import compact_text
from dsl.terms.canonical import MeaningError
from evolve.experiment.finalists import assess_finalists
from evolve.experiment.plan import build_problem
from evolve.search.epoch import fits_space
from evolve.search.grow import grow_rules
from evolve.search.hall_of_fame import HallOfFame
from evolve.search.individual import Individual
from evolve.search.problem import SearchProblem
from evolve.search.proposers import crossover, subtree
from evolve.search.search import search

BATCH = 150
MAX_TRIES = 50  # per strategy of the budget, until a contestant gives up
POPULATION, TOURNAMENT, CROSSOVER, MUTATION = 300, 3, 0.8, 0.2  # of plain DEAP
FLAT = ("language.prior=flat", "language.tied=0")  # all operators alike, entry and exit apart
BEFORE = (  # settings without what has been added to the search
    *FLAT, "search.idle=count", "search.distinct=false", "search.niche_members=0",
    "search.credit_decay=1", "search.population=150", "search.proposers.tie=0",
)  # fmt: skip


def search_as_run(task: Task) -> Sequence[Individual]:
    """Search as `evolve run` does; return the hall of fame."""
    *_, last = search(build_problem(task.plan, task.data), task.plan.experiment.budget.budget())
    return last.hall_of_fame


def sample_at_random(task: Task) -> Sequence[Individual]:
    """Grow random strategies as the search does; return the hall of fame."""
    problem, rng = build_problem(task.plan, task.data), task.rng
    trials = _Trials(problem)
    while trials.count < task.evaluations and trials.tries < MAX_TRIES * task.evaluations:
        size = min(BATCH, task.evaluations - trials.count)
        trials.evaluate([grow_rules(problem.space, rng) for _ in range(size)])
    return trials.hall_of_fame.members


def evolve_plainly(task: Task) -> Sequence[Individual]:
    """Evolve one population with the algorithm of DEAP; return the hall of fame."""
    problem, rng = build_problem(task.plan, task.data), task.rng
    random.seed(rng.random())  # DEAP draws from the global generator
    trials, toolbox = _Trials(problem), _build_toolbox(problem, rng)
    population: list[_Tree] = []
    while trials.count < task.evaluations and trials.tries < MAX_TRIES * task.evaluations:
        if population:
            parents = toolbox.select(population, POPULATION)
            population = algorithms.varAnd(parents, toolbox, CROSSOVER, MUTATION)
        else:
            population = [_Tree(grow_rules(problem.space, rng)) for _ in range(POPULATION)]
        changed = [each for each in population if not each.fitness.valid]
        left = task.evaluations - trials.count
        scores = trials.evaluate([each.rules for each in changed], left)
        for tree, score in zip(changed, scores, strict=True):
            tree.fitness.values = (score,)
    return trials.hall_of_fame.members


class _Trials:
    """Evaluated strategies, each once."""

    def __init__(self, problem: SearchProblem) -> None:
        self.problem = problem
        self.scores: dict[bytes, float] = {}
        self.hall_of_fame = HallOfFame()
        self.tries = self.count = 0

    def evaluate(self, rules: Sequence[Rules], left: int = BATCH) -> list[float]:
        """Evaluate at most `left` new strategies; return the scores of all, -inf if infeasible."""
        self.tries += len(rules)
        keys, new = list[bytes](), dict[bytes, Program]()
        for each in rules:
            program = Program("evolved", each)
            try:
                fits = fits_space(each, self.problem.space)
                keys.append(program.key if fits else b"")
            except MeaningError:
                keys.append(b"")
            if keys[-1] and keys[-1] not in self.scores and len(new) < left:
                new.setdefault(keys[-1], program)
        for key, trial in zip(new, self._score(list(new.values())), strict=True):
            self.scores[key] = trial.score if trial.scores.is_feasible else WORST
            self.count += not trial.scores.is_idle or self.problem.options.idle == "count"
        return [self.scores.get(key, WORST) for key in keys]

    def _score(self, programs: list[Program]) -> list[Individual]:
        scores = self.problem.evaluate(programs) if programs else []
        trials = [
            Individual.create(program, score, self.problem.weights, "contestant", (), 0, 0)
            for program, score in zip(programs, scores, strict=True)
        ]
        niche_members = self.problem.options.niche_members
        self.hall_of_fame = self.hall_of_fame.add(trials, niche_members)
        return trials


WORST = -1e9  # of an infeasible strategy; DEAP compares finite numbers


class _Score(base.Fitness):  # type: ignore[misc]
    weights = (1.0,)


class _Tree:
    """Individual of DEAP."""

    def __init__(self, rules: Rules) -> None:
        self.rules, self.fitness = rules, _Score()

    def __deepcopy__(self, memo: object) -> _Tree:
        copy = _Tree(self.rules)  # terms never change
        copy.fitness.wvalues = self.fitness.wvalues
        return copy


def _build_toolbox(problem: SearchProblem, rng: random.Random) -> Any:
    """Build the toolbox of a strongly typed tree with a limit of its nodes."""
    space = problem.space

    def mate(one: _Tree, other: _Tree) -> tuple[_Tree, _Tree]:
        first = crossover.propose([one.rules, other.rules], space, rng)
        second = crossover.propose([other.rules, one.rules], space, rng)
        return _Tree(first or one.rules), _Tree(second or other.rules)

    def mutate(tree: _Tree) -> tuple[_Tree]:
        return (_Tree(subtree.propose([tree.rules], space, rng) or tree.rules),)

    toolbox = base.Toolbox()
    toolbox.register("mate", mate)
    toolbox.register("mutate", mutate)
    toolbox.register("select", tools.selTournament, tournsize=TOURNAMENT)
    limit = gp.staticLimit(key=lambda tree: tree.rules.nodes, max_value=space.max_nodes)
    toolbox.decorate("mate", limit)
    toolbox.decorate("mutate", limit)
    return toolbox


def choose_winner(find: Callable[[Task], Sequence[Individual]], task: Task) -> Winner | None:
    """Choose the winner among what a search finds, as `evolve run` does."""
    with pause_gc():
        found = find(task)
    finalists = assess_finalists(found, task.plan, task.data)
    if not finalists:
        return None
    best = finalists[0]
    assert best.individual is not None
    return Winner(
        best.program, compact_text(best.program), best.individual.score,
        best.validation_metric(METRIC),
    )  # fmt: skip


CONTESTANTS = {
    "random": Contestant(partial(choose_winner, sample_at_random)),
    "random_flat": Contestant(partial(choose_winner, sample_at_random), FLAT),
    "deap": Contestant(partial(choose_winner, evolve_plainly)),
    "deap_flat": Contestant(partial(choose_winner, evolve_plainly), FLAT),
    **({"gplearn": Contestant(fit_formulas)} if find_spec("gplearn") else {}),
    "before": Contestant(partial(choose_winner, search_as_run), BEFORE),
    "after": Contestant(partial(choose_winner, search_as_run)),
}
