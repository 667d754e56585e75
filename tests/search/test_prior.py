"""Prior: usual operators and forms are drawn more often, none is out of reach, `flat` has none."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterable
from itertools import chain
from random import Random

import pytest

from dsl.analysis.check import check
from dsl.generate.productions import Production, Window
from dsl.terms.infer import infer_kind
from dsl.terms.terms import Term
from dsl.types.kinds import BOOL, LEVEL, Kind
from evolve.search.forms import COMPARED, CROSSED, NUMBER, PRICES, Form
from evolve.search.grow import draw_window, grow, grow_rules
from evolve.search.prior import PRIORS, Choices, Prior, PriorName
from evolve.search.proposers.point import propose
from evolve.search.space import Space, build_space
from tests.params import thin_out

AVERAGES = {"sma": "usual", "kama": "rare", "smooth": "exotic"}
EXPECTED = {"sma": 16, "kama": 4, "smooth": 1}
CHI_SQUARE = 13.8  # of 2 degrees of freedom, exceeded with a probability of 0.001
COMPARISONS = ("<", ">", "crossover", "crossunder")
DEPTHS = range(1, 6)


@pytest.fixture(scope="module")
def space() -> Space:
    return build_space()


@pytest.fixture(scope="module")
def flat() -> Space:
    return build_space(prior=PRIORS["flat"])


def compute_chi_square(drawn: Iterable[str], weights: dict[str, int]) -> float:
    """Return the distance of frequencies from those that the weights expect."""
    counts = Counter(each for each in drawn if each in weights)
    unit = counts.total() / sum(weights.values())
    return sum((counts[each] - unit * w) ** 2 / (unit * w) for each, w in weights.items())


def find_kind(text: str) -> Kind:
    """Return the kind of the left side of a comparison."""
    condition = check(f"strategy s {{ buy when {text} > 0 }}").rules.buy
    assert condition is not None
    return infer_kind(condition.args[0])


def find_production(space: Space, name: str, *domains: Kind) -> Production:
    """Return the production of a condition with some domains."""
    found = chain.from_iterable(space.productions[BOOL])
    return next(each for each in found if (each.operator.name, each.domains) == (name, domains))


def list_levels(space: Space) -> list[tuple[Kind, int]]:
    """Return the kinds with the depths within which they have a term."""
    return [
        (kind, depth)
        for kind in space.productions
        for depth in DEPTHS
        if depth >= space.min_depth(kind)
    ]


def test_the_weights_of_the_tests_are_those_of_the_default_prior(space: Space) -> None:
    assert {each: space.catalog.operator(each).usage for each in AVERAGES} == AVERAGES
    assert {
        each: space.prior.weigh_operator(space.catalog.operator(each)) for each in AVERAGES
    } == EXPECTED


@pytest.mark.parametrize("name", PRIORS)
def test_growth_draws_operators_in_proportion_to_their_weights(name: PriorName) -> None:
    space, rng = build_space(AVERAGES, prior=PRIORS[name]), Random(1)
    drawn = [grow(LEVEL, 3, space, rng).head for _ in range(10_000)]
    weights = EXPECTED if name == "usual" else dict.fromkeys(EXPECTED, 1)
    assert compute_chi_square(drawn, weights) < CHI_SQUARE
    others = EXPECTED if name == "flat" else dict.fromkeys(EXPECTED, 1)
    assert compute_chi_square(drawn, others) > 10 * CHI_SQUARE


@pytest.mark.parametrize("name", PRIORS)
def test_point_mutation_draws_operators_in_proportion_to_their_weights(name: PriorName) -> None:
    space, rng = build_space([*AVERAGES, "wma"], prior=PRIORS[name]), Random(2)
    parent = check("strategy s { buy when wma(close, 20) > open }").rules
    children = [propose([parent], space, rng) for _ in range(6_000)]
    terms = [each.buy for each in children if each is not None]
    weights = EXPECTED if name == "usual" else dict.fromkeys(EXPECTED, 1)
    drawn = [term.args[0].head for term in terms if term is not None]
    assert sum(each in EXPECTED for each in drawn) > 500
    assert compute_chi_square(drawn, weights) < CHI_SQUARE


def test_a_comparison_weighs_as_much_as_the_least_usual_operator_that_it_needs(
    space: Space,
) -> None:
    weights = {
        text: space.weights.weigh_production(
            find_production(space, ">", *[find_kind(text)] * 2), depth=4
        )
        for text in ("rsi(close, 14)", "cci(20)", "skew(roc(close, 1), 20)")
    }
    assert list(weights.values()) == [16, 4, 1]


def test_a_kind_weighs_as_much_as_the_most_usual_term_within_a_depth(space: Space) -> None:
    signed_volume = find_kind("ad()")
    assert space.weights.weigh_kind(signed_volume, 1) == PRIORS["usual"].rare
    assert space.weights.weigh_kind(signed_volume, 2) == PRIORS["usual"].usual


def list_productions(choices: Choices[Choices[Production]]) -> list[Production]:
    return [production for group in choices.items for production in group.items]


def test_no_production_is_out_of_reach(space: Space) -> None:
    for kind, depth in list_levels(space):
        choices = space.within(kind, depth)
        assert set(list_productions(choices)) == {
            each for group in space.productions[kind] for each in group if each.depth <= depth
        }
        assert min([*choices.weights, *chain(*(each.weights for each in choices.items))]) > 0


def test_every_operator_of_a_production_is_drawn(space: Space) -> None:
    rng = Random(3)
    productions = chain.from_iterable(chain.from_iterable(space.productions.values()))
    missing = {each.operator.name for each in productions} - {"and", "or"}  # of `grow_condition`
    for _ in range(1_000):
        for kind in space.productions:
            missing -= {part.head for part in grow(kind, 4, space, rng).walk()}
        if not missing:
            return
    assert missing == set()


def test_the_flat_prior_draws_all_operators_alike_and_all_productions_of_each(flat: Space) -> None:
    for kind, depth in list_levels(flat):
        choices = flat.within(kind, depth)
        assert set(choices.weights) == {1.0}
        assert set(chain(*(each.weights for each in choices.items))) == {1.0}


def draw_comparisons(space: Space, count: int) -> list[Term]:
    """Return random comparisons without conditions such as `rising`."""
    rng = Random(6)
    drawn = (grow(BOOL, 3, space, rng) for _ in range(2 * count))
    return [each for each in drawn if len(each.args) == 2 and each.head in COMPARISONS][:count]


def find_families(comparison: Term) -> Form:
    """Return the families that a comparison compares, NUMBER for a literal."""
    left, right = map(infer_kind, comparison.args)
    is_number = comparison.args[1].value is not None
    return left.family, NUMBER if is_number else right.family


def test_comparisons_are_drawn_as_often_as_people_use_them(space: Space) -> None:
    drawn = draw_comparisons(space, 4_000)
    counts = Counter(map(find_families, drawn))
    total = sum(COMPARED.values())
    for form, weight in COMPARED.items():
        expected = len(drawn) * weight / total
        assert abs(counts[form] - expected) < 0.06 * len(drawn), form
        assert counts[form] > 0.4 * expected, form
    crossed = sum(each.head in ("crossover", "crossunder") for each in drawn) / len(drawn)
    assert 0.6 * CROSSED < 1000 * crossed < 1.6 * CROSSED


def test_a_flat_prior_hardly_compares_two_prices_which_people_do_most(flat: Space) -> None:
    counts = Counter(map(find_families, draw_comparisons(flat, 4_000)))
    assert max(COMPARED, key=COMPARED.__getitem__) == ("level", "level")
    assert counts["level", "level"] < 0.05 * counts.total()


def test_indicators_are_computed_of_prices_and_prices_are_mostly_the_close(space: Space) -> None:
    rng, kind = Random(7), find_kind("rsi(close, 14)")
    terms = [grow(kind, 2, space, rng) for _ in range(6_000)]
    series = Counter(part.args[0].head for part in terms if part.head == "rsi")
    assert sum(series[each] for each in PRICES) > 0.9 * series.total() > 100
    prices = {each: weight for each, weight in PRICES.items() if weight > 50}
    assert compute_chi_square(series.elements(), prices) < 18.5  # exceeded with probability 0.001


@pytest.mark.parametrize(
    "prior", [Prior(7, 7, 7, has_forms=False), Prior(16, 16, 16, has_forms=False)]
)
def test_priors_with_equal_weights_draw_alike(prior: Prior, flat: Space) -> None:
    equal = build_space(prior=prior)
    drawn = [[grow_rules(each, rng) for _ in range(30)] for each, rng in _seed(equal, flat)]
    assert drawn[0] == drawn[1]


def _seed(*spaces: Space) -> list[tuple[Space, Random]]:
    return [(each, Random(4)) for each in spaces]


@pytest.mark.parametrize("name", PRIORS)
def test_the_same_seed_draws_the_same_rules_in_another_process(name: PriorName) -> None:
    space = build_space(prior=PRIORS[name])
    other = copy.copy(space)  # built as in another process
    assert other.prior == PRIORS[name]
    drawn = [[grow_rules(each, rng) for _ in range(30)] for each, rng in _seed(space, other)]
    assert drawn[0] == drawn[1]


def test_a_space_without_volume_has_the_prior_of_the_whole(flat: Space) -> None:
    assert flat.without_series("volume").prior == PRIORS["flat"]


WINDOWS = sorted(
    {
        (domain.low, domain.high)
        for production in chain.from_iterable(
            chain.from_iterable(build_space().productions.values())
        )
        for domain in production.domains
        if isinstance(domain, Window)
    }
)


@pytest.mark.parametrize(("low", "high"), thin_out(WINDOWS, 2))
def test_windows_cover_their_range_on_a_log_scale(low: int, high: int) -> None:
    window, rng = Window(low, high), Random(5)
    drawn = [draw_window(window, rng).value or 0.0 for _ in range(3_000)]
    assert (min(drawn), max(drawn)) == (low, high)
    ratio = (high / low) ** (1 / 3)
    thirds = Counter(
        0 if each < low * ratio else 1 if each < low * ratio**2 else 2 for each in drawn
    )
    assert min(thirds[each] for each in range(3)) > 0.1 * len(drawn)
