"""Answers of models: how strictly they were constrained, and what became of their strategies."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from dsl.printable import make_printable
from evolve.experiment.run_view import RunView
from evolve.llm.transport.request_formats import REQUEST_FORMATS
from evolve.report.page.blocks import Column, Table
from evolve.report.page.charts import Cell
from evolve.store.rows import ExchangeRow, JournalRows, ProposalRow

MAX_REASONS = 10
MAX_REASON_CHARACTERS = 200
STRICTNESS = {each.name: each.strictness.replace("_", " ") for each in REQUEST_FORMATS}
WHOLE = {  # of each strictness
    "grammar": "grammar of the language",
    "json schema": "JSON schema of the language",
    "text": "none: plain text",
}
STATUSES = ("evaluated", "duplicate", "rejected", "no budget")
_CODE = re.compile(r"(?:error|warning)\[(\w+)\]")

FORMAT_COLUMNS = (
    Column("model"),
    Column("request format"),
    Column("constraint", "text", "what the server enforces"),
    Column("answers", "count"),
    Column("share", "percent", "share of the answers of the model"),
    Column("strategies", "count", "strategies in these answers"),
    Column("valid", "percent", "share of the strategies that the checker accepts"),
)
STRATEGY_COLUMNS = (
    Column("model"),
    Column("task"),
    Column("strategies", "count"),
    *[Column(each, "count") for each in STATUSES],
    Column("valid", "percent", "share of the strategies that the checker accepts"),
    Column("repairs", "count", "answers without a usable strategy that were returned with errors"),
    Column("repaired", "count", "repairs that gave a usable strategy"),
)
REASON_COLUMNS = (
    Column("count", "count"),
    Column("code", "text", "code of the error; `evolve explain CODE` explains it"),
    Column("example"),
)
ERROR_COLUMNS = (Column("model"), Column("count", "count"), Column("error"))


def iterate_answers(view: RunView) -> Iterator[Table]:
    """Yield the tables of the answers; a table without rows is left out."""
    rows = view.rows
    answers = find_answers(rows)
    tables = (
        Table(
            "formats",
            "How strictly the models answered",
            FORMAT_COLUMNS,
            tuple(_list_formats(rows, answers)),
            "A grammar permits only programs of the language, so all strategies should be valid.",
        ),
        Table(
            "proposals",
            "What became of the strategies of the models",
            STRATEGY_COLUMNS,
            tuple(_list_strategies(rows, answers)),
            "Each strategy of an answer was evaluated, known before, rejected, or beyond the "
            "budget of evaluations.",
        ),
        Table(
            "rejections",
            "Most frequent reasons for a rejection",
            REASON_COLUMNS,
            tuple(_list_reasons(rows.proposals)),
        ),
        Table("failures", "Requests that failed", ERROR_COLUMNS, tuple(_list_errors(rows))),
    )
    yield from (each for each in tables if each.rows)


def find_answers(rows: JournalRows) -> dict[int, ExchangeRow]:
    """Return the answer of each call that has one: its last request, if it did not fail."""
    last = {each.call: each for each in rows.exchanges if each.kind != "probe"}
    return {call: each for call, each in last.items() if not each.error}


def _list_formats(
    rows: JournalRows, answers: Mapping[int, ExchangeRow]
) -> Iterator[tuple[Cell, ...]]:
    asked = {call: each for call, each in answers.items() if each.kind != "summarize"}
    counts = Counter((each.model, each.request_format) for each in asked.values())
    totals = Counter(each.model for each in asked.values())
    proposals = dict[tuple[str, str], list[ProposalRow]]()
    for proposal in rows.proposals:
        if (answer := asked.get(proposal.call)) is not None:
            proposals.setdefault((answer.model, answer.request_format), []).append(proposal)
    for (model, name), count in sorted(counts.items()):
        strategies = proposals.get((model, name), [])
        yield (
            make_printable(model), make_printable(name),
            WHOLE.get(STRICTNESS.get(name, ""), "unknown"), count, count / totals[model],
            len(strategies), _find_valid_share(strategies),
        )  # fmt: skip


def _list_strategies(
    rows: JournalRows, answers: Mapping[int, ExchangeRow]
) -> Iterator[tuple[Cell, ...]]:
    groups = dict[tuple[str, str], list[ProposalRow]]()
    for proposal in rows.proposals:
        if (answer := answers.get(proposal.call)) is not None:
            groups.setdefault((answer.model, answer.task), []).append(proposal)
    usable = {each.call for each in rows.proposals if each.status != "rejected"}
    for (model, task), proposals in sorted(groups.items()):
        counts = Counter(each.status for each in proposals)
        repairs = [
            call
            for call, each in answers.items()
            if each.kind == "repair" and (each.model, each.task) == (model, task)
        ]
        yield (
            make_printable(model), make_printable(task), len(proposals),
            *[counts[each] for each in STATUSES], _find_valid_share(proposals),
            len(repairs), len(usable.intersection(repairs)),
        )  # fmt: skip


def _list_reasons(proposals: Iterable[ProposalRow]) -> Iterator[tuple[Cell, ...]]:
    """Yield the most frequent reasons: by the code of the first error, else by its first line."""
    examples = dict[str, Counter[str]]()
    for each in proposals:
        if each.status == "rejected":
            line = each.reason.strip().partition("\n")[0]
            code = _CODE.match(line)
            key = code[1] if code else line
            examples.setdefault(key, Counter())[line] += 1
    ranked = sorted(examples.items(), key=lambda item: (-item[1].total(), item[0]))
    for key, lines in ranked[:MAX_REASONS]:
        line = min(lines, key=lambda each: (-lines[each], each))
        shown = make_printable(key) if _CODE.match(line) else None
        yield lines.total(), shown, make_printable(line, MAX_REASON_CHARACTERS)


def _list_errors(rows: JournalRows) -> Iterator[tuple[Cell, ...]]:
    counts = Counter(
        (each.model, make_printable(each.error.strip().partition("\n")[0], MAX_REASON_CHARACTERS))
        for each in rows.exchanges
        if each.error
    )
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    for (model, error), count in ranked[:MAX_REASONS]:
        yield make_printable(model), count, error


def _find_valid_share(proposals: Iterable[ProposalRow]) -> float | None:
    valid = [each.status != "rejected" for each in proposals]
    return sum(valid) / len(valid) if valid else None
