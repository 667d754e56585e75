"""Space: the operators, directions and kinds that an experiment allows."""

from __future__ import annotations

from random import Random

import pytest

from dsl.analysis.check import check
from dsl.analysis.program import Program, Rules
from dsl.diagnostics import LanguageError
from dsl.generate.productions import Constant
from dsl.printing.decompile import compact_text
from dsl.terms.infer import infer_kind, list_mismatches
from dsl.terms.terms import Term
from dsl.types.kinds import BOOL, LEVEL
from evolve.errors import EvolveError
from evolve.search.epoch import fits_space
from evolve.search.grow import grow, grow_rules
from evolve.search.space import build_space


def test_grown_terms_have_their_kind_and_no_mismatch() -> None:
    space, rng = build_space(), Random(1)
    for kind in space.productions:
        for _ in range(20):
            term = grow(kind, 4, space, rng)
            assert infer_kind(term) == kind
            assert not list(list_mismatches(term))


def test_grown_rules_use_only_the_allowed_operators() -> None:
    space, rng = build_space(["sma", "rsi"]), Random(1)
    always = {"<", ">", "and", "or", "not", "open", "high", "low", "close", "volume"}
    for _ in range(50):
        for _, term in grow_rules(space, rng).named():
            heads = {part.head for part in term.walk() if part.operator}
            assert heads <= always | {"sma", "rsi"}


def test_an_unknown_operator_is_rejected_with_a_suggestion() -> None:
    with pytest.raises(EvolveError, match="did you mean `sma`"):
        build_space(["smaa"])


@pytest.mark.parametrize("directions", [("long",), ("short",), ("long", "short")])
def test_grown_rules_trade_only_the_allowed_directions(directions: tuple[str, ...]) -> None:
    space, rng = build_space(directions=directions), Random(1)
    for _ in range(20):
        rules = grow_rules(space, rng)
        assert (rules.buy is not None) == ("long" in directions)
        assert (rules.short is not None) == ("short" in directions)


def test_no_production_compares_a_price_level_with_a_constant() -> None:
    space = build_space()
    for group in space.productions[BOOL]:
        for production in group:
            kinds = production.domains
            assert not (LEVEL in kinds and any(isinstance(each, Constant) for each in kinds))


@pytest.mark.parametrize("is_left", [True, False])
@pytest.mark.parametrize("levels", [56, 57, 58, 59])
def test_a_program_fits_if_its_text_can_be_read_again(levels: int, is_left: bool) -> None:
    both = check("strategy s { buy when close > open and high > low }").rules.buy
    assert both is not None
    condition = both
    for _ in range(levels):
        args = (condition, both.args[0]) if is_left else (both.args[0], condition)
        condition = Term(both.operator, args, None)
    rules = Rules(buy=condition)
    try:
        check(compact_text(Program("s", rules)))
        can_be_read = True
    except LanguageError:
        can_be_read = False
    assert can_be_read == (levels <= 57)
    assert fits_space(rules, build_space(max_nodes=500)) == can_be_read
