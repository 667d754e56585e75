"""Fixed rules of a search: every strategy has them, and no operator sees or changes them."""

from __future__ import annotations

from functools import lru_cache

from dsl.analysis.program import Program, Rules
from evolve.search.edit import inline_parameters

CACHED_RULES = 8


def remove_fixed(rules: Rules, fixed: Rules) -> Rules:
    """Return the rules without the fixed ones."""
    if not any(fixed):
        return rules
    return rules._replace(**{name: None for name, _ in fixed.named()})


def put_fixed(rules: Rules, fixed: Rules) -> Rules:
    """Return the rules with the fixed ones in place of their own.

    A parameter of a fixed rule is a number in the others, which may tune it alone.
    """
    if not any(fixed):
        return rules
    names = _list_parameter_names(fixed)
    free = {
        name: inline_parameters(term, names)
        for name, term in rules.named()
        if getattr(fixed, name) is None
    }
    return fixed._replace(**free)


def fix_program(program: Program, fixed: Rules) -> Program:
    """Return a program with the fixed rules in place of its own."""
    return program.change(rules=put_fixed(program.rules, fixed)) if any(fixed) else program


@lru_cache(CACHED_RULES)
def _list_parameter_names(rules: Rules) -> frozenset[str]:
    return frozenset(each.name for each in Program("fixed", rules).parameters)
