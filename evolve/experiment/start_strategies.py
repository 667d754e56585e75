"""Strategies of `start_from`, and the rules of them that a search does not change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from dsl.analysis.catalog import Catalog
from dsl.analysis.program import RULES, Program, Rules
from dsl.syntax.vocabulary import DIRECTION_ORDERS, SETTINGS
from dsl.terms.terms import Term
from dsl.terms.text import format_term
from evolve.config.schema import Language
from evolve.config.start_file import StartEntry, StartFile
from evolve.errors import EvolveError
from evolve.experiment.input_files import InputFiles
from evolve.experiment.strategy_files import read_strategies
from evolve.search.fixed_rules import fix_program
from evolve.search.space import NOT_FIXED

SETTING = "start_from"


@dataclass(frozen=True)
class StartStrategies:
    """Strategies that a search starts from.

    Attributes:
        written: the strategies as their files have them.
        fixed: rules that every strategy of the search has.
    """

    written: tuple[Program, ...] = ()
    fixed: Rules = NOT_FIXED

    @property
    def programs(self) -> tuple[Program, ...]:
        """Strategies with the fixed rules in place of their own."""
        return tuple(fix_program(each, self.fixed) for each in self.written)


def read_start(
    entries: Sequence[StartEntry], files: InputFiles, operators: Catalog, where: str
) -> StartStrategies:
    """Read the strategies of `start_from`.

    Args:
        entries: the entries of the setting.
        files: locates their files.
        operators: the operators that they may use.
        where: name of the experiment, for messages.

    Raises:
        EvolveError, LanguageError: if a file is not valid, or if rules cannot be fixed.
    """
    where = f"{where}: {SETTING}"
    written, found = list[Program](), list[_FixedRule]()
    for entry in entries:
        name = entry.file if isinstance(entry, StartFile) else entry
        path = files.locate(SETTING, name, entry)
        programs = read_strategies(path, where, operators)
        written += programs
        if isinstance(entry, StartFile):
            found += [each for one in programs for each in _iterate_fixed(one, entry, where)]
    return StartStrategies(tuple(written), _merge(found, where))


def check_fixed(fixed: Rules, language: Language, where: str) -> None:
    """Check that a search may have the fixed rules, and that others remain to evolve.

    Raises:
        EvolveError: if not.
    """
    where = f"{where}: {SETTING}"
    names = [name for name, _ in fixed.named()]
    writable: set[str] = set(SETTINGS)
    for direction, orders in DIRECTION_ORDERS.items():
        if direction in language.directions:
            writable.update(orders)
            continue
        for name in orders:
            if name in names:
                raise EvolveError(
                    f"{where}: `{name}` is fixed, but `language.directions` lacks `{direction}`",
                    f"add `{direction}` to `language.directions`, or remove `{name}` from `fixed`",
                )
    if writable.issubset(names):
        message = f"{where}: all rules are fixed, so that none is left to evolve"
        raise EvolveError(message, "remove a rule from `fixed`")
    if fixed.nodes >= language.max_nodes:
        raise EvolveError(
            f"{where}: the fixed rules have {fixed.nodes} nodes, which leaves none of "
            f"`language.max_nodes`, {language.max_nodes}, to evolve",
            "raise `language.max_nodes`, or fix fewer rules",
        )


class _FixedRule(NamedTuple):
    """Rule that an entry fixes, with the place of its strategy for messages."""

    name: str
    term: Term
    place: str


def _iterate_fixed(program: Program, entry: StartFile, where: str) -> Iterator[_FixedRule]:
    """Yield the rules that an entry fixes in a strategy; `buy while` fixes its exit as well."""
    rules = dict(program.rules.named())
    place = f"`{program.name}` of {entry.file}"
    tied = [DIRECTION_ORDERS[side] for side in program.rules.tied]
    exits = [each.exit for each in tied if each.entry in entry.fixed]
    for name in dict.fromkeys([*entry.fixed, *exits]):
        if name not in rules:
            hint = f"expected rules that it has: {', '.join(rules)}"
            raise EvolveError(f"{where}: cannot fix `{name}`, which {place} does not have", hint)
        yield _FixedRule(name, rules[name], place)


def _merge(found: Sequence[_FixedRule], where: str) -> Rules:
    """Merge the fixed rules of all entries.

    Raises:
        EvolveError: if two of them contradict each other.
    """
    first: dict[str, _FixedRule] = {}
    for each in found:
        other = first.setdefault(each.name, each)
        if other.term is not each.term:
            raise EvolveError(
                f"{where}: `{each.name}` is fixed twice, and the two differ: "
                f"`{format_term(other.term)}` in {other.place}, "
                f"`{format_term(each.term)}` in {each.place}",
                "fix it in one entry, or write the same rule in both",
            )
    fixed = Rules(**{name: first[name].term for name in RULES if name in first})
    whole = Program("fixed", fixed)
    names = [each.name for each in whole.parameters] + [each.name for each in whole.defines]
    for name in names:
        if names.count(name) > 1:
            message = f"{where}: two fixed rules use `{name}` with different meanings"
            raise EvolveError(message, "rename one of them in its file")
    return fixed
