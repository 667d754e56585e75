"""Edges of the markets of `search_quality.py`, from the scores that luck reaches.

Its seeds are used for nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from contestants import search_as_run
from planted_markets import MARKETS, TRAIN_BARS, HiddenMarket, draw_walk, measure_shares, plant
from quality_task import COSTS, open_task

from evolve.data.paths import bars_from_paths
from evolve.experiment.plan import build_fitness

SEEDS, LUCK_SEEDS = range(1001, 1013), range(2001, 2004)
EVALUATIONS = 10_000
RUN_BARS = 4_000
SHARE_BARS = 40_000
GRID_BPS = (0, 12, 24, 36, 55, 80)


def calibrate(strengths: Sequence[float]) -> dict[str, Any]:
    """Return luck, the share of each rule, and the edge by costs, market and strength.

    Args:
        strengths: scores of a hidden rule on train, in units of luck.
    """
    hidden = [each for each in MARKETS.values() if each.edges]
    walk = bars_from_paths(draw_walk("shares", SEEDS[0], SHARE_BARS))
    shares: dict[str, float] = {}
    for market in hidden:
        found = measure_shares(market.edges, walk)
        shares |= {rule: round(each, 3) for rule, each in found.items()}
    directions = sorted({each.directions for each in hidden})
    luck = {
        costs: {"+".join(each): measure_luck(each, costs) for each in directions} for costs in COSTS
    }
    edges: dict[str, dict[str, dict[str, float]]] = {costs: {} for costs in COSTS}
    for market in hidden:
        for costs, scores in measure_scores(market, shares).items():
            unit = luck[costs]["+".join(market.directions)]
            targets = [unit * each for each in strengths]
            found_bps = find_edges(scores, targets)
            edges[costs][market.name] = {
                f"{strength:g}": edge for strength, edge in zip(strengths, found_bps, strict=True)
            }
    return {"luck": luck, "shares": shares, "edges_bps": edges}


def measure_luck(directions: Sequence[str], costs: str) -> float:
    """Return the mean best score of the search without an edge."""
    bests = []
    for seed in LUCK_SEEDS:
        bars = bars_from_paths(draw_walk("luck", seed, RUN_BARS))
        task = open_task(bars, directions, costs, seed, [f"budget.evaluations={EVALUATIONS}"])
        bests.append(search_as_run(task)[0].score)
    return round(float(np.mean(bests)), 3)


def measure_scores(market: HiddenMarket, shares: dict[str, float]) -> dict[str, list[float]]:
    """Return the mean score of the hidden rule on train by costs, and by edge of GRID_BPS."""
    rule = market.rule
    assert rule is not None
    bars = bars_from_paths(draw_walk("", 0, RUN_BARS))
    tasks = {costs: open_task(bars, market.directions, costs, 0, ()) for costs in COSTS}
    fitness = {costs: build_fitness(each.plan, each.data) for costs, each in tasks.items()}
    means: dict[str, list[float]] = {costs: [] for costs in COSTS}
    for edge in GRID_BPS:
        scores: dict[str, list[float]] = {costs: [] for costs in COSTS}
        for seed in SEEDS:
            paths = draw_walk(f"calibration/{market.name}", seed, TRAIN_BARS)
            planted = plant(paths, market.edges, edge * 1e-4, shares)
            for costs, found in scores.items():
                fitness[costs] = fitness[costs].with_bars(planted)
                found.append(fitness[costs]([rule])[0].values[0])
        for costs, found in scores.items():
            means[costs].append(float(np.mean(found)))
    return means


def find_edges(scores: Sequence[float], targets: Sequence[float]) -> list[float]:
    """Return the edges in basis points at which the mean score is that of the targets.

    Raises:
        ValueError: if a target is outside the scores, or these do not rise with the edge.
    """
    if min(np.diff(scores)) <= 0 or not scores[0] < min(targets) <= max(targets) <= scores[-1]:
        raise ValueError(f"no edge from {GRID_BPS} reaches {targets}: {scores}")
    return [round(float(each), 1) for each in np.interp(targets, scores, GRID_BPS)]
