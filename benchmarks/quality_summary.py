"""Tables and chart of RESULTS.md, from the lines that `search_quality.py` prints.

Standard errors are clustered: the results of a market and seed count as one draw. A win is a larger
share than the baseline on an equal market, strength, seed and budget; a tie is half a win.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from quality_chart import draw_chart

Result = dict[str, Any]
NOISE = "noise"


def read_results(paths: Iterable[Path]) -> list[Result]:
    """Read the results of files; the last one of equal cell, contestant and budget counts."""
    lines = [json.loads(each) for path in paths for each in path.read_text("utf-8").splitlines()]
    found = {
        (*identify_cell(each), each["contestant"]): each for each in lines if "contestant" in each
    }
    return list(found.values())


def identify_cell(result: Result) -> tuple[Any, ...]:
    """Return what two contestants on one market share, with the budget."""
    return tuple(result[name] for name in ("market", "strength", "costs", "seed", "evaluations"))


def summarize(values: Sequence[float], clusters: Sequence[object]) -> tuple[float, float]:
    """Return the mean and its standard error, clustered; NaN if there is one cluster."""
    mean = float(np.mean(values))
    sums: dict[object, float] = defaultdict(float)
    for value, cluster in zip(values, clusters, strict=True):
        sums[cluster] += value - mean
    count = len(sums)
    if count < 2:
        return mean, float("nan")
    error = np.sqrt(sum(each**2 for each in sums.values()) * count / (count - 1)) / len(values)
    return mean, float(error)


def summarize_figure(results: Sequence[Result], name: str = "share") -> str:
    """Return the mean of a figure with its standard error as text."""
    if not results:
        return "–"
    clusters = [(each["market"], each["seed"]) for each in results]
    return format_mean(*summarize([each[name] for each in results], clusters))


def format_mean(mean: float, error: float) -> str:
    """Return a mean and its standard error as text."""
    return f"{mean:.2f}" if np.isnan(error) else f"{mean:.2f} ± {error:.2f}"


def build_table(
    results: Sequence[Result],
    row: str,
    column: str,
    compute: Callable[[Sequence[Result]], str] = summarize_figure,
) -> list[str]:
    """Return a Markdown table of a figure by two fields of the results."""  # fmt: skip
    rows, columns = (list(dict.fromkeys(each[name] for each in results)) for name in (row, column))
    lines = [
        f"| {row} | " + " | ".join(format_label(each) for each in columns) + " |",
        "|---" * (len(columns) + 1) + "|",
    ]
    for first in rows:
        cells = [
            compute([each for each in results if each[row] == first and each[column] == second])
            for second in columns
        ]
        lines.append(f"| {format_label(first)} | {' | '.join(cells)} |")
    return lines


def format_label(value: object) -> str:
    """Return a value as text, with separators of thousands."""
    return f"{value:,}" if isinstance(value, int) else str(value)


def compare(results: Sequence[Result], baseline: str) -> list[str]:
    """Return a Markdown table of the paired differences from a baseline."""
    of_baseline = {
        identify_cell(each): each["share"] for each in results if each["contestant"] == baseline
    }
    paired = [
        {**each, "gain": each["share"] - of_baseline[identify_cell(each)]}
        for each in results
        if each["contestant"] != baseline and identify_cell(each) in of_baseline
    ]
    return build_table(paired, "contestant", "evaluations", _describe_gain) if paired else []


def _describe_gain(results: Sequence[Result]) -> str:
    if not results:
        return "–"
    wins = np.mean([(np.sign(each["gain"]) + 1) / 2 for each in results])
    return f"{summarize_figure(results, 'gain')}, {wins:.0%}"


def _describe_luck(results: Sequence[Result]) -> str:
    found = [each["train"] > each["rule_train"] for each in results if "train" in each]
    return f"{np.mean(found):.0%}" if found else "–"


def _describe_noise(results: Sequence[Result]) -> str:
    return summarize_figure(results, "ratio")


def iterate_sections(results: Sequence[Result], baseline: str) -> Iterable[tuple[str, list[str]]]:
    """Yield the title and the table of each section."""
    planted = [each for each in results if each["market"] != NOISE]
    noise = [each for each in results if each["market"] == NOISE]
    if planted:
        largest = max(each["evaluations"] for each in planted)
        last = [each for each in planted if each["evaluations"] == largest]
        cells = len({identify_cell(each)[:-1] for each in planted})
        yield (
            f"Mean share of the rule's appraisal ratio, {cells} markets, by evaluations",
            build_table(planted, "contestant", "evaluations"),
        )
        if differences := compare(planted, baseline):
            yield f"Paired difference from `{baseline}`, and wins", differences
        yield f"By market, {largest:,} evaluations", build_table(last, "market", "contestant")
        yield f"By strength, {largest:,} evaluations", build_table(last, "strength", "contestant")
        yield (
            "Winners whose score on train exceeds that of the rule",
            build_table(planted, "contestant", "evaluations", _describe_luck),
        )
    if noise:
        yield (
            "Appraisal ratio of the winner on noise",
            build_table(noise, "contestant", "evaluations", _describe_noise),
        )


def list_curves(results: Sequence[Result]) -> dict[str, list[tuple[int, float, float]]]:
    """Return evaluations, mean share and error of each point, by contestant."""
    groups: dict[tuple[str, int], list[Result]] = defaultdict(list)
    for each in results:
        if each["market"] != NOISE:
            groups[each["contestant"], each["evaluations"]].append(each)
    curves: dict[str, list[tuple[int, float, float]]] = defaultdict(list)
    for (contestant, evaluations), group in groups.items():
        clusters = [(each["market"], each["seed"]) for each in group]
        mean, error = summarize([each["share"] for each in group], clusters)
        curves[contestant].append((evaluations, mean, error))
    return {name: sorted(points) for name, points in curves.items()}


def main() -> None:
    """Print the tables; write the chart."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--baseline", default="random", help="contestant of paired differences")
    parser.add_argument("--chart", type=Path, help="SVG file to write")
    options = parser.parse_args()
    results = read_results(options.files)
    for title, table in iterate_sections(results, options.baseline):
        print("\n".join([f"### {title}", "", *table, ""]))
    if options.chart:
        options.chart.write_text(draw_chart(list_curves(results)), "utf-8")


if __name__ == "__main__":
    main()
