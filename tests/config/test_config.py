"""Experiments: YAML 1.2, errors with their lines, and overrides."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from evolve.backtest.market import MarketSettings, market
from evolve.config import ConfigError, Experiment, load_experiment
from evolve.config.document import parse_scalar, read_document
from evolve.config.load import parse_experiment, to_yaml
from evolve.config.schema import Backtest
from evolve.errors import EvolveError
from evolve.search.proposers import PROPOSERS
from tests.config.experiments import MINIMAL, all_errors, parse_errors
from tests.golden import golden

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "golden" / "errors.txt"

INVALID = {
    "several errors": """\
name: 1st
sede: 4
data: {form: sample:sp500, start: tomorrow}
search: {populaton: 3, islands: 99, proposers: {crosover: 1}}
fitness: {maximize: [sharp], require: {trades: 3}}
split: {train: 90%, validation: 20%, holdout: 20%}
budget: {evaluations: none}
""",
    "a duplicate key": MINIMAL + "seed: 1\nseed: 2\n",
    "invalid YAML": MINIMAL + "search: {islands: 4\n",
    "a tab": "name: x\n\tdata: y\n",
    "a list": "- 1\n",
    "empty": "",
    "a tag": MINIMAL + "seed: !!python/object/apply:os.getpid []\n",
    "dates mixed with fractions": MINIMAL + "split: {validation: 2015-01-01, holdout: 20%}\n",
    "nodes as first objective": MINIMAL + "fitness: {maximize: [nodes]}\n",
    "no weight above 0": MINIMAL + f"search: {{proposers: {dict.fromkeys(PROPOSERS, 0)}}}\n",
}


def test_error_messages_equal_the_golden_file() -> None:
    golden(GOLDEN, all_errors(INVALID))


@pytest.mark.parametrize(
    "path", sorted((ROOT / "experiments").glob("*.yaml")), ids=lambda p: p.name
)
def test_the_example_experiments_survive_a_round_trip(path: Path) -> None:
    experiment = load_experiment(path)
    assert parse_experiment(to_yaml(experiment), "again.yaml") == experiment


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001), ("no", "no"), ("yes", "yes"), ("on", "on"), ("012", 12), ("0o14", 12),
        ("0x1F", 31), ("true", True), ("~", None), ("", None), (".5", 0.5), ("1_000", "1_000"),
        ("2000-01-01", "2000-01-01"), ("60%", "60%"), ("12:30", "12:30"), ("-3", -3), ("+4", 4),
    ],
)  # fmt: skip
def test_scalars_follow_yaml_1_2(text: str, value: object) -> None:
    assert parse_scalar(text) == value
    assert type(parse_scalar(text)) is type(value)


def test_quoted_scalars_stay_text() -> None:
    assert read_document("a: '1'\nb: \"true\"", "x").data == {"a": "1", "b": "true"}


def test_overrides_replace_settings_and_invalid_ones_are_reported() -> None:
    experiment = parse_experiment(MINIMAL, "x.yaml", ["budget.evaluations=500", "seed=9"])
    assert (experiment.budget.evaluations, experiment.seed) == (500, 9)
    with pytest.raises(ConfigError, match=r"--set budget\.evaluation=500"):
        parse_experiment(MINIMAL, "x.yaml", ["budget.evaluation=500"])
    with pytest.raises(EvolveError, match="expected NAME=VALUE"):
        parse_experiment(MINIMAL, "x.yaml", ["budget"])


@pytest.mark.parametrize(
    "override",
    ["search.proposers.crosover=8", "search.proposers.subtree=auto", "fitness.require.trades=3"],
)
def test_a_name_that_its_section_refuses_is_shown_in_the_override(override: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_experiment(MINIMAL + "search: {islands: 2}\n", "x.yaml", [override])
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.source.name == f"--set {override}"


def test_the_error_of_a_missing_file_suggests_another() -> None:
    with pytest.raises(EvolveError, match=r"quick\.yaml"):
        load_experiment(ROOT / "experiments" / "quik.yaml")


def test_a_split_is_given_by_fractions_or_by_dates() -> None:
    parts = parse_experiment(
        MINIMAL + "split: {train: 50%, validation: 0.3, holdout: 20%}", "x"
    ).split
    assert parts.sizes().train == pytest.approx(0.5)
    dated = parse_experiment(MINIMAL + "split: {validation: 2010-01-01, holdout: 2015-01-01}", "x")
    assert str(dated.split.sizes().holdout_from) == "2015-01-01"


def test_the_default_market_is_that_of_an_experiment() -> None:
    assert Backtest().model_dump() == asdict(MarketSettings())
    assert Backtest().market() == market() == MarketSettings().market()
    assert (
        market(5, "close", borrow_bps=3) == Backtest(capital=5, fill="close", borrow_bps=3).market()
    )


SCHEMA = jsonschema.Draft202012Validator(Experiment.model_json_schema())


@pytest.mark.parametrize("path", sorted((ROOT / "experiments").glob("*.yaml")), ids=str)
def test_the_example_experiments_match_the_json_schema(path: Path) -> None:
    assert not list(SCHEMA.iter_errors(read_document(path.read_text("utf-8"), path.name).data))


VALUES = st.one_of(
    st.sampled_from(["5%", "60%", "2.5 %", " 5%", "%", "5%%", "-5%", "1e1%", ".5%", "nan%"]),
    st.sampled_from(["inf%", "5 percent", "auto", "", "1_0%"]),
    st.floats(-1, 2).filter(lambda value: value % 1 > 0),  # 1.0 is a whole number in JSON
    st.integers(-1, 300),
)
DOCUMENTS: dict[str, Callable[[object], dict[str, object]]] = {
    "train": lambda value: {"split": {"train": value, "validation": value, "holdout": "20%"}},
    "volume": lambda value: {"backtest": {"max_volume_share": value}},
    "exposure": lambda value: {"fitness": {"require": {"exposure_per_fold": value}}},
    "workers": lambda value: {"workers": value},
}
# A schema has neither sums of fields nor limits by key.
BEYOND_A_SCHEMA = r"parts that add up|expected a value from"


@pytest.mark.parametrize("setting", DOCUMENTS)
@given(value=VALUES)
def test_the_json_schema_accepts_what_the_loader_accepts(setting: str, value: object) -> None:
    document = {"name": "x", "data": {"from": "sample:sp500"}, **DOCUMENTS[setting](value)}
    try:
        Experiment.model_validate(document)
        is_valid = True
    except ValidationError as error:
        is_valid = bool(re.search(BEYOND_A_SCHEMA, str(error)))
    assert SCHEMA.is_valid(document) == is_valid


def test_deep_or_large_documents_end_in_an_error() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]\n" for i in range(20)
    )
    for text in (bomb, "a: &a [*a]", "[" * 5000, "{a: " * 3000, "a: " + "x" * 2_000_000):
        assert "error[" in parse_errors(text)


@given(st.text(max_size=200) | st.from_regex(r"([a-z_]{1,8}: ?[\[{a-z0-9%,.:&*!-]{0,12}\n){1,6}"))
def test_any_text_is_an_experiment_or_an_error_with_its_line(text: str) -> None:
    try:
        parse_experiment(text, "x.yaml")
    except ConfigError as error:
        assert error.diagnostics
        assert "x.yaml:" in str(error)


def test_a_serialized_experiment_is_plain_yaml() -> None:
    text = to_yaml(parse_experiment(MINIMAL, "x.yaml"))
    assert yaml.safe_load(text)["data"] == {"from": "sample:sp500"}
