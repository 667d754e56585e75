"""Result of a run on the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from dsl.printing.decompile import format_program
from evolve.cli.terminal import OutputConsole
from evolve.experiment.assessed import Assessed, describe_finalists
from evolve.experiment.result import Run
from evolve.experiment.result_parts import FinalistDocument
from evolve.experiment.robustness import Robustness
from evolve.llm.transport.usage import Cost
from evolve.report.formats import format_count
from evolve.report.glossary import HINT
from evolve.report.terminal.diagnostics import list_diagnostics
from evolve.report.terminal.finalists import list_finalists
from evolve.report.terminal.robustness import (
    costs_table,
    counterfactuals_table,
    plateau_table,
    pruning_table,
    statistics_table,
)
from evolve.report.terminal.run_summary import format_line
from evolve.report.terminal.tables import arm_costs_table, metrics_by_part_table, proposers_table
from evolve.report.terminal.trading import symbols_table
from evolve.report.terminal.verdict import format_verdict, gates_table, luck_table
from evolve.store.files import EXPERIMENT, REPORT, format_command, format_resume
from evolve.validation.verdict import LUCK

FILES = (REPORT, "best.evo", "result.json", "journal.sqlite", "finalists/", "learnings.md")


def print_run(console: OutputConsole, run: Run, command: str) -> None:
    """Print the winner, the verdict and the next steps of a run.

    Args:
        console: the console.
        run: the finished run.
        command: the command line of the run; if empty, the suggestions name the experiment in the
            run folder.
    """
    progress, best = run.progress, run.best
    print_line(console, "ended", f"{progress.stop_reason}, epoch {progress.epoch}")
    if best is None:
        console.print("no feasible strategy", style="bold red")
        console.print("  = lower `fitness.require`, allow more operators, or raise the budget")
    else:
        _print_winner(console, best)
    if run.robustness is not None:
        _print_robustness(console, run.robustness)
    if run.finalists:
        finalists = [FinalistDocument(**each) for each in describe_finalists(run.finalists)]
        for part in list_finalists(finalists, run.experiment.fitness.maximize[0]):
            console.print(part)
    for each in list_diagnostics(run.diagnostics) if run.diagnostics else ():
        console.print(each)
    null = run.evidence.null
    if null is not None and null.results:
        console.print(luck_table(run.evidence.curve, null))
    console.print()
    console.print(gates_table(run.verdict))
    console.print(format_verdict(run.verdict))
    _print_counts(console, run)
    _print_models(console, run)
    _print_next_steps(console, run, command)


def print_line(console: OutputConsole, label: str, text: str | Text, style: str = "bold") -> None:
    """Print a line with a label, which wraps under its text."""
    console.print(format_line(label, text, style))


def _print_winner(console: OutputConsole, best: Assessed) -> None:
    console.print()
    console.print(Text(format_program(best.program)), soft_wrap=True)
    pruned = best.pruned
    if pruned is not None and pruned.dropped:
        console.print(pruning_table(pruned))
        console.print()
    parts = {"train": best.train, "validation": best.validation}
    results = {part: result for part, result in parts.items() if result is not None}
    console.print(metrics_by_part_table(results))
    for part, result in results.items():
        if result.sleeves:
            console.print(symbols_table(result, part))
    for part, result in results.items():
        strategy, benchmark = (
            metrics["total_return"] for metrics in (result.metrics, result.benchmark_metrics)
        )
        is_above = "yes" if strategy > benchmark else "no"
        console.print(f"total return above buy and hold on {part}: {is_above}")


def _print_robustness(console: OutputConsole, robustness: Robustness) -> None:
    metric = robustness.counterfactuals.metric
    for table in (
        counterfactuals_table(robustness.counterfactuals, "train"),
        plateau_table(robustness.plateau),
        costs_table(robustness.costs, metric, "train"),
        statistics_table(robustness.statistics),
    ):
        console.print(table)


def _print_counts(console: OutputConsole, run: Run) -> None:
    stats = run.progress.stats.values()
    proposed = sum(each.proposed for each in stats)
    duplicates = sum(each.duplicate for each in stats)
    idle = sum(each.idle for each in stats)
    trials = format_count(run.progress.evaluated, "trial")
    console.print(
        f"\n{trials} (distinct strategies evaluated; {proposed:,} proposed, "
        f"{format_count(duplicates, 'duplicate')}, {idle:,} idle) at "
        f"{run.evaluations_per_second:,.0f} per second; {run.seconds:.1f} s in all"
    )


def _print_models(console: OutputConsole, run: Run) -> None:
    if run.call_budget is None:
        return
    spent, assumed = run.call_budget.spent, run.call_budget.assumed
    refused = run.call_budget.refused
    is_recorded = run.experiment.llm.replay is not None
    console.print(
        format_count(spent.calls + refused, "call")
        + (" answered from the recording" if is_recorded else " to models")
        + (f", {refused} of them refused" if refused else "")
        + f": {spent.tokens_in:,} tokens in, {spent.tokens_out:,} out, ${spent.usd:.4f}"
    )
    if assumed != Cost():
        console.print(
            f"  of these, {assumed.calls} without an answer count at their maximum cost: "
            f"{assumed.tokens:,} tokens, ${assumed.usd:.4f}"
        )
    console.print(proposers_table(run.progress.stats))
    if run.arm_costs:
        console.print(arm_costs_table(run.arm_costs, run.progress.stats))


def _print_next_steps(console: OutputConsole, run: Run, command: str) -> None:
    folder = run.folder
    files = [name for name in FILES if (folder / name).exists()]
    print_line(console, "files", f"in {folder}: {', '.join(files)}")
    if run.best is not None:
        console.print("\nnext steps:", style="bold")
        for text in _list_next_steps(run, command):
            console.print(Text(f"  {text}"), soft_wrap=True)
    console.print(f"\n{HINT}")


def _list_next_steps(run: Run, command: str) -> Iterator[str]:
    """Yield the commands that follow from the verdict."""
    folder = run.folder
    if not run.is_complete:
        yield format_resume(folder)
    yield format_command("show", folder)
    yield format_command("report", folder, "--open")
    yield format_command("backtest", folder)
    last = str(run.split.seen.time[-1])[:10]
    data = [word for each in run.dataset.used for word in ("--data", each)]
    yield format_command("signals", run.run_folder.best, *data, "--end", last, "--last")
    again = command or format_command("run", folder / EXPERIMENT)
    if run.evidence.sealed:
        yield format_command("holdout open", folder)
    elif run.verdict.label == LUCK:
        yield again.replace("evolve run", "evolve power", 1)
    elif run.is_complete and run.evidence.untested:
        yield again
