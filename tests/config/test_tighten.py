"""Patches make a protocol stricter and have no other effect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from evolve.config import Experiment
from evolve.config.load import parse_experiment
from evolve.config.tighten import Change, TightenableSetting, stricter_settings, tighten
from evolve.errors import EvolveError
from tests.config.experiments import MINIMAL

UP, DOWN, FEWER = "may only go up", "may only go down", "may only lose members"
WAYS = {
    "backtest.fill": UP,
    "backtest.commission_bps": UP,
    "backtest.commission_per_share": UP,
    "backtest.commission_minimum": UP,
    "backtest.slippage_bps": UP,
    "backtest.slippage_range": UP,
    "backtest.borrow_bps": UP,
    "backtest.max_volume_share": DOWN,
    "language.operators": FEWER,
    "language.directions": FEWER,
    "language.max_nodes": DOWN,
    "fitness.folds": UP,
    "fitness.require": UP,
    "fitness.spread_penalty": UP,
}
LISTED = (
    "language: {operators: [sma, rsi, roc], directions: [long, short]}\n"
    "fitness: {require: {trades_per_fold: 3, exposure_per_fold: 0.1}}\n"
)
AT_CLOSE = "backtest: {fill: close}\n"


def experiment(more: str = "") -> Experiment:
    return parse_experiment(MINIMAL + more, "x.yaml")


def refusal(patch: str, more: str = "") -> str:
    with pytest.raises(EvolveError) as caught:
        tighten(experiment(more), patch)
    return caught.value.message


def list_settings(experiment: Experiment) -> dict[str, Any]:
    """Return all settings by path; a mapping that may be tightened is one setting."""
    values: dict[str, Any] = {}

    def walk(value: object, path: str) -> None:
        if isinstance(value, Mapping) and path not in WAYS:
            for key, inner in value.items():
                walk(inner, f"{path}.{key}".lstrip("."))
        else:
            values[path] = value

    walk(experiment.model_dump(mode="json", by_alias=True), "")
    return values


BOTH_WAYS = [
    ("", "fitness.folds", 5, 6, 4),
    ("", "fitness.spread_penalty", 0.5, 0.75, 0.25),
    ("", "backtest.commission_bps", 1, 1.5, 0.5),
    ("", "backtest.slippage_range", 0, 0.05, -0.1),
    ("", "language.max_nodes", 40, 30, 41),
    ("backtest: {max_volume_share: 0.1}\n", "backtest.max_volume_share", 0.1, 0.05, 0.2),
    (LISTED, "language.directions", ["long", "short"], ["short"], ["long", "short", "long up"]),
    (LISTED, "language.operators", ["sma", "rsi", "roc"], ["roc", "sma"], ["sma", "atr"]),
    ("", "language.operators", "all", ["sma", "rsi"], []),
    (AT_CLOSE, "backtest.fill", "close", "next_open", "soon"),
    (
        "",
        "fitness.require",
        {"trades_per_fold": 3.0, "exposure_per_fold": 0.05},
        {"trades_per_fold": 4.0, "exposure_per_fold": 0.05},
        {"trades_per_fold": 2},
    ),
]


@pytest.mark.parametrize(("more", "setting", "old", "stricter", "looser"), BOTH_WAYS)
def test_a_setting_changes_in_its_stricter_direction_only(
    more: str, setting: str, old: object, stricter: object, looser: object
) -> None:
    section, name = setting.split(".")
    before = experiment(more)
    after, changes = tighten(before, yaml.safe_dump({section: {name: stricter}}))
    assert changes == (Change(setting, old, stricter),)
    assert list_settings(after) == {**list_settings(before), setting: stricter}
    assert list_settings(before)[setting] == old
    part = getattr(before, {"validate": "validation"}.get(section, section))
    loose = yaml.safe_dump({section: {name: looser}})
    assert refusal(loose, more).splitlines() == [
        "the patch loosens the protocol:",
        f"  `{setting}` {WAYS[setting]}: it is {getattr(part, name)}, found {looser}",
    ]
    back = yaml.safe_dump({section: {name: old}})
    with pytest.raises(EvolveError, match=f"`{setting}` {WAYS[setting]}"):
        tighten(after, back)


def test_a_limit_may_be_added_but_not_removed() -> None:
    after, changes = tighten(experiment(), "backtest: {max_volume_share: 0.1}")
    assert after.backtest.max_volume_share == 0.1
    assert [each.old for each in changes] == [None]
    assert "may only go down" in refusal(
        "backtest: {max_volume_share: null}", "backtest: {max_volume_share: 0.1}\n"
    )


def test_requirements_that_a_patch_omits_do_not_change() -> None:
    after, _ = tighten(experiment(), "fitness: {require: {exposure_per_fold: 0.2}}")
    assert after.fitness.require == {"trades_per_fold": 3, "exposure_per_fold": 0.2}
    after, _ = tighten(experiment(LISTED), "fitness: {require: {exposure_per_fold: 0.2}}")
    assert after.fitness.require == {"trades_per_fold": 3, "exposure_per_fold": 0.2}


@pytest.mark.parametrize(
    "patch",
    [
        "fitness: {require: {exposure_per_fold: 0.1}}",
        "fitness: {require: {trades_per_fold: 3}}",
        "language: {operators: [roc, sma, rsi]}",
        "language: {directions: [long, long, short]}",
        "fitness: {folds: 5, spread_penalty: 0.5}\nbacktest: {slippage_bps: 5.0}",
        "fitness: {}",
    ],
)
def test_a_patch_without_a_change_is_rejected(patch: str) -> None:
    assert refusal(patch, LISTED) == "the patch changes nothing"


FIXED = {
    "split: {validation: 30%}": "split.validation",
    "split: null": "split",
    "seed: 2": "seed",
    "name: y": "name",
    "data: {from: sample:other}": "data.from",
    "validate: {permutations: 5}": "validate.permutations",
    "budget: {evaluations: 10}": "budget.evaluations",
    "search: {population: 10}": "search.population",
    "start_from: []": "start_from",
    "llm: {mode: only}": "llm.mode",
    "backtest: {capital: 100}": "backtest.capital",
    "backtest: {cash_rate: 0.01}": "backtest.cash_rate",
    "backtest: {max_leverage: 0.5}": "backtest.max_leverage",
    "fitness: {maximize: [sharpe]}": "fitness.maximize",
    "fitness: {scored_on: validation}": "fitness.scored_on",
    "fitness: null": "fitness",
    "split: {holdout: none}": "split.holdout",
    "holdout: none": "holdout",
    "language: {include: [custom.evo]}": "language.include",
    "fitness: {fold: 8}": "fitness.fold",
    "fitness.folds: 8": "fitness.folds",
    "8: 9": "8",
}


@pytest.mark.parametrize(("patch", "setting"), FIXED.items())
def test_other_settings_cannot_be_changed(patch: str, setting: str) -> None:
    assert refusal(patch).endswith(f"protocol:\n  `{setting}` cannot be changed")


LOOSER = {
    "backtest.commission_bps": ["0", "true"],
    "backtest.slippage_bps": ["4.9", "2000", "'10'", "true", "null"],
    "backtest.borrow_bps": [".inf"],
    "backtest.commission_per_share": [".inf"],
    "backtest.commission_minimum": [".inf"],
    "backtest.fill": ["close", "null", "[next_open]"],
    "language.max_nodes": ["41", "4", "false", "-.inf", ".nan", "30.5"],
    "language.directions": ["[long, short]", "[]", "long"],
    "language.operators": ["[[sma]]"],
    "fitness.folds": ["6.5", "101", "{at_least: 6}"],
    "fitness.spread_penalty": [".inf", ".nan"],
    "fitness.require": [
        *[f"{{trades_per_fold: {value}}}" for value in ("2.9", "true", ".nan", ".inf")],
        "{sharpe: 1}", "{}", "null", "[5]",
    ],
}  # fmt: skip


@pytest.mark.parametrize("setting", LOOSER)
def test_looser_and_invalid_values_are_rejected(setting: str) -> None:
    section, name = setting.split(".")
    for value in LOOSER[setting]:
        assert f"`{setting}" in refusal(f"{section}: {{{name}: {value}}}"), value


def test_all_errors_of_a_patch_are_reported() -> None:
    message = refusal(
        "seed: 2\nfitness: {folds: 4, require: {trades_per_fold: 9}}\nllm: {mode: off}"
    )
    assert message.splitlines() == [
        "the patch loosens the protocol:",
        "  `seed` cannot be changed",
        "  `fitness.folds` may only go up: it is 5, found 4",
        "  `llm.mode` cannot be changed",
    ]


@pytest.mark.parametrize(
    ("patch", "message"),
    [
        ("", "expected a mapping of settings"),
        ("# nothing", "expected a mapping of settings"),
        ("- fitness", "expected a mapping of settings"),
        ("more folds", "expected a mapping of settings"),
        ("fitness: {folds: 8", "error[E505]: invalid YAML"),
        ("fitness:\n\tfolds: 8", "error[E505]: invalid YAML"),
        ("fitness: {folds: 8}\nfitness: {folds: 9}", "error[E504]: duplicate setting `fitness`"),
        ("fitness: {folds: !!python/int 8}", "error[E507]: unsupported tag"),
        ("fitness: !custom {folds: 8}", "error[E507]: unsupported tag"),
        ("!!python/object:os.system {fitness: {folds: 8}}", "error[E507]: unsupported tag"),
        (
            "fitness:\n  folds: ${EVOLVE_FOLDS}",
            "error[E508]: environment variable `EVOLVE_FOLDS` is not set",
        ),
    ],
)
def test_an_invalid_patch_is_rejected(patch: str, message: str) -> None:
    assert refusal(patch).startswith(message)


def test_null_settings_do_not_change() -> None:
    before = experiment(
        "budget: {stale_epochs: null}\nllm: {models: [{name: m, temperature: null}]}\n"
    )
    after, _ = tighten(before, "fitness: {folds: 6}")
    assert after.budget.stale_epochs is None
    assert after.llm.models[0].temperature is None


def test_the_listed_settings_are_all_that_may_be_tightened() -> None:
    assert {each.setting: each.way for each in stricter_settings(experiment())} == WAYS
    assert set(list_tightenable(Experiment, ())) == set(WAYS)
    assert TightenableSetting("language.max_nodes", 40, DOWN) in stricter_settings(experiment())


def list_tightenable(kind: object, path: tuple[str, ...]) -> Iterator[str]:
    """Yield the paths of all fields of the schema that may be tightened."""
    for part in get_args(kind):
        yield from list_tightenable(part, path)
    if isinstance(kind, type) and issubclass(kind, BaseModel) and len(path) < 4:
        for name, info in kind.model_fields.items():
            if isinstance(info.json_schema_extra, dict) and "tighter" in info.json_schema_extra:
                yield ".".join((*path, info.alias or name))
            yield from list_tightenable(info.annotation, (*path, info.alias or name))


NUMBERS = st.integers(0, 60) | st.floats(0, 60).map(lambda x: round(x, 2))
TYPICAL = {
    "backtest.fill": st.sampled_from(["close", "next_open"]),
    "backtest.slippage_range": st.floats(0, 1),
    "language.operators": st.lists(st.sampled_from(["sma", "rsi", "roc", "atr"]), min_size=1),
    "language.directions": st.lists(st.sampled_from(["long", "short"]), min_size=1, max_size=3),
    "language.max_nodes": st.integers(5, 45),
    "fitness.folds": st.integers(4, 60),
    "fitness.require": st.dictionaries(
        st.sampled_from(["trades_per_fold", "exposure_per_fold"]), NUMBERS, min_size=1
    ),
}
WILD: st.SearchStrategy[Any] = NUMBERS | st.sampled_from(
    [None, True, -1, "close", "all", [], {}, "7", float("nan")]
)
OTHERS = sorted(set(list_settings(experiment())) - set(WAYS))


@st.composite
def patches(draw: st.DrawFn) -> dict[str, Any]:
    patch: dict[str, Any] = {}
    is_wild = draw(st.integers(0, 3)) == 0
    names = st.sampled_from([*sorted(WAYS), *(OTHERS if is_wild else [])])
    for setting in draw(st.lists(names, min_size=1, max_size=3, unique=True)):
        section, _, name = setting.partition(".")
        value = draw(WILD if is_wild else TYPICAL.get(setting, NUMBERS))
        if not name:
            patch[section] = value
        elif isinstance(patch.setdefault(section, {}), dict):
            patch[section][name] = value
    return patch


def is_as_strict(setting: str, old: Any, new: Any) -> bool:
    if setting == "backtest.fill":
        return bool(new == "next_open" or old == "close")
    if setting == "fitness.require":
        return all(new.get(name, -1) >= minimum for name, minimum in old.items())
    if WAYS[setting] == FEWER:
        return old == "all" or (new != "all" and set(new) <= set(old))
    if old is None:
        return True
    return bool(new <= old if WAYS[setting] == DOWN else new >= old)


@pytest.mark.slow
@settings(max_examples=400)
@given(st.sampled_from(["", LISTED, AT_CLOSE]), patches())
def test_an_accepted_patch_loosens_nothing_and_applies_once(
    more: str, patch: dict[str, Any]
) -> None:
    before, text = experiment(more), yaml.safe_dump(patch)
    try:
        after, changes = tighten(before, text)
    except EvolveError:
        return
    old, new = list_settings(before), list_settings(after)
    changed = [each.setting for each in changes]
    assert changed
    assert all(is_as_strict(name, old[name], new[name]) for name in changed)
    assert {name: value for name, value in old.items() if name not in changed} == {
        name: value for name, value in new.items() if name not in changed
    }
    with pytest.raises(EvolveError, match="the patch changes nothing"):
        tighten(after, text)
