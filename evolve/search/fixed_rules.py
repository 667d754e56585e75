"""Fixed rules of a search: every strategy has them, and no operator sees or changes them."""

from __future__ import annotations

from dsl.analysis.program import Program, Rules
from evolve.search.edit import adopt_parameters


def remove_fixed(rules: Rules, fixed: Rules) -> Rules:
    """Return the rules without the fixed ones."""
    if not any(fixed):
        return rules
    return rules._replace(**{name: None for name, _ in fixed.named()})


def put_fixed(rules: Rules, fixed: Rules) -> Rules:
    """Return the rules with the fixed ones in place of their own.

    Each of the others adopts the parameters of those before it, so that a parameter of a fixed rule
    has one value.
    """
    if not any(fixed):
        return rules
    whole = fixed
    for name, term in remove_fixed(rules, fixed).named():
        whole = whole._replace(**{name: adopt_parameters(term, whole)})
    return whole


def fix_program(program: Program, fixed: Rules) -> Program:
    """Return a program with the fixed rules in place of its own."""
    return program.change(rules=put_fixed(program.rules, fixed)) if any(fixed) else program
