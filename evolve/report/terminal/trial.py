"""One trial of a run, and the line of descent of one, on the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from dsl.printable import make_lines_printable
from evolve.experiment.lineage import Ancestor, format_source
from evolve.experiment.result_parts import FinalistDocument
from evolve.experiment.trial_view import TrialView
from evolve.llm.prompt.selection import is_arm, split_arm
from evolve.llm.transport.exchange import Exchange
from evolve.report.formats import format_count
from evolve.report.page.diff import diff_sources
from evolve.report.terminal.hanging import Hanging
from evolve.report.terminal.run_summary import format_block, format_line
from evolve.store.rows import TrialRow

STYLES = {"-": "red", "+": "green", " ": ""}
Part = Hanging | Text


def list_trial(trial: TrialView) -> Iterator[Part]:
    """Yield a trial whole: its figures, source, parents and the answer that has it."""
    row = trial.row
    yield format_line("trial", f"{row.number:,} of {trial.count:,}, hash {row.hash}")
    island = f", island {row.island + 1}" if row.island >= 0 else ""
    yield format_line("by", f"{_name_proposer(row.proposer)}, epoch {row.epoch}{island}")
    scores = ", ".join(f"{_name(name)} {value:.6g}" for name, value in trial.scores.items())
    yield format_line("score", scores)
    if row.folds:
        first = _name(next(iter(trial.scores), "score"))
        folds = "  ".join(f"{each:.4g}" for each in row.folds)
        yield format_line(
            "folds", f"{folds} ({first} by fold; {format_count(row.trades, 'trade')} in all)"
        )
    if row.infeasible_reason:
        yield format_line("out", f"not feasible: {row.infeasible_reason}", "bold red")
    times = "once" if trial.children == 1 else f"{trial.children:,} times"
    yield format_line("used", f"{times} as a parent" if trial.children else "never as a parent")
    yield Text()
    yield _format_lines(trial.source)
    if trial.dropped:
        yield format_line("won", f"pruned after the search: {'; '.join(trial.dropped)}")
    for parent in trial.parents:
        yield Text()
        yield Hanging(f"from trial {_describe(parent)}")
        yield _format_diff(format_source(parent.source), trial.source)
    if trial.call is not None:
        yield Text()
        proposal = trial.call.proposal
        yield Text(f"answer of call {proposal.call} to a model", "bold")
        for exchange in trial.call.exchanges:
            yield from _list_exchange(exchange)


def list_lineage(
    lineage: Sequence[Ancestor], winner: FinalistDocument | None = None
) -> Iterator[Part]:
    """Yield the main line of descent of a trial, the first ancestor first, with each change.

    Args:
        lineage: the trial and its ancestors.
        winner: the winner of the run; if it is this trial, its pruned form is the last step.
    """
    trials = {each.trial.hash: each.trial for each in lineage}
    main = [each for each in lineage if each.is_main]
    others = len(lineage) - len(main)
    yield Text(
        f"{format_count(len(main), 'trial')} in line from trial {main[0].trial.number:,} to "
        f"{main[-1].trial.number:,}; {format_count(others, 'other ancestor')}",
        "bold",
    )
    for each in main:
        yield Text()
        gain = "" if each.gain is None else f", {each.gain:+.4g}"
        yield Hanging(Text(f"trial {_describe(each.trial)}{gain}", "bold"))
        if not each.parents:
            yield _format_lines(format_source(each.trial.source))
            continue
        parents = [trials[digest] for digest in each.parents]
        second = "".join(f" and trial {_describe(other)}" for other in parents[1:])
        yield Hanging(f"from trial {parents[0].number:,}{second}")
        before, after = (format_source(row.source) for row in (parents[0], each.trial))
        yield _format_diff(before, after)
    last = main[-1].trial
    pruned = winner.pruned if winner is not None else None
    if winner is not None and pruned is not None and pruned.dropped and pruned.hash == last.hash:
        yield Text()
        yield Hanging(Text(f"pruned to {format_count(winner.nodes, 'node')}", "bold"))
        yield Hanging(f"without the parts that change no trade: {'; '.join(pruned.dropped)}")
        yield _format_diff(format_source(last.source), winner.source)


def _describe(row: TrialRow) -> str:
    score = f"{row.scores[0]:.6g}" if row.is_feasible else "not feasible"
    proposer = _name_proposer(row.proposer)
    nodes = format_count(row.nodes, "node")
    return f"{row.number:,} ({proposer}, epoch {row.epoch}, {nodes}): {score}"


def _name_proposer(proposer: str) -> str:
    """Return the name of a genetic operator, or of a model and its task."""
    if not is_arm(proposer):
        return proposer
    model, task = split_arm(proposer)
    return f"model {model}, task {task}"


def _name(objective: str) -> str:
    return objective.replace("_", " ")


def _format_lines(text: str) -> Text:
    return format_block(make_lines_printable(text.rstrip()))


def _format_diff(before: str, after: str) -> Text:
    """Format the lines of two sources: those that were removed, added, and those of both."""
    lines: list[tuple[str, str]] = []
    removed: list[str] = []
    added: list[str] = []
    for pair in diff_sources(before, after):
        if pair.before == pair.after:
            lines += [("-", each) for each in removed] + [("+", each) for each in added]
            removed, added = [], []
            lines.append((" ", pair.after or ""))
            continue
        removed += [] if pair.before is None else [pair.before]
        added += [] if pair.after is None else [pair.after]
    lines += [("-", each) for each in removed] + [("+", each) for each in added]
    text = format_block("")
    for number, (mark, line) in enumerate(lines):
        end = "\n" if number < len(lines) - 1 else ""
        text.append(f"{mark} {make_lines_printable(line)}{end}", STYLES[mark])
    return text


def _list_exchange(exchange: Exchange) -> Iterator[Part]:
    yield format_line(
        "asked",
        f"{exchange.model} to {exchange.kind}, answer in {exchange.request_format}: "
        f"{exchange.tokens_in:,} tokens in, {exchange.tokens_out:,} out, ${exchange.usd:.4f}, "
        f"{exchange.seconds:.1f} s",
    )
    texts = [(each["role"], each["content"]) for each in exchange.messages]
    if exchange.reasoning:
        texts.append(("reasoning", exchange.reasoning))
    texts.append(("error", exchange.error) if exchange.error else ("answer", exchange.text))
    for name, text in texts:
        yield Text(f"--- {name}", "bold")
        yield Text(make_lines_printable(text))
