"""Experiments with values of the wrong type, and documents that are too large or too deep."""

from __future__ import annotations

from pathlib import Path

import pytest

from evolve.config import ConfigError
from evolve.config.diagnose import MAX_SHOWN_ERRORS
from evolve.config.load import parse_experiment
from evolve.errors import EvolveError
from evolve.experiment.plan import read_plan
from evolve.files import MAX_TEXT_BYTES
from tests.config.experiments import MINIMAL, parse_errors

DATA = "name: x\ndata: {from: sample:sp500, RANGE}\n"
STRATEGY = "strategy s { buy when %s\n sell when close < sma(close, 5) }\n"


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("search: {population: true}", "expected a whole number, found `true`"),
        ("search: {proposers: {crossover: true}}", "expected a number for `crossover`"),
        ("backtest: {capital: true}", "expected a number, found `true`"),
        ("split: {validation: false}", "expected a number, found `false`"),
        ("fitness: {require: {trades_per_fold: true}}", "expected a number for `trades_per_fold`"),
        ("seed: false", "expected a whole number, found `false`"),
        ("llm: {models: [{name: x, weight: true}]}", "expected a number, found `true`"),
        ("budget: {minutes: true}", "expected a number, found `true`"),
        ("workers: true", "expected `auto` or a whole number"),
    ],
)
def test_true_and_false_are_not_numbers(setting: str, message: str) -> None:
    assert message in parse_errors(MINIMAL + setting + "\n")


def test_true_and_false_are_values_of_switches_and_of_request_fields() -> None:
    text = "llm: {repair: false, models: [{name: x, extra_body: {think: true}}]}\n"
    llm = parse_experiment(MINIMAL + text, "x").llm
    assert llm.repair is False
    assert llm.models[0].extra_body == {"think": True}


@pytest.mark.parametrize(
    ("text", "message", "fix"),
    [
        ("start: 2000", "expected a date such as 2015-01-01, found `2000`", "write 2000-01-01"),
        ("start: 20000131", "found `20000131`", "write 2000-01-31"),
        ("end: 864000", "found `864000`", ""),
        ("end: 0", "found `0`", ""),
        ("end: '864000'", "found `864000`", ""),
        ("end: true", "found `true`", ""),
    ],
)
def test_a_number_is_not_a_date(text: str, message: str, fix: str) -> None:
    errors = parse_errors(DATA.replace("RANGE", text))
    assert message in errors
    assert fix in errors


@pytest.mark.parametrize(
    ("setting", "fix"),
    [
        ("split: {validation: 20}", "write 20%"),
        ("split: {holdout: 20}", "write 20%"),
        ("backtest: {max_volume_share: 5}", "write 5%"),
        ("split: {validation: 2015}", "write 2015-01-01"),
        ("llm: off", "write `llm: {mode: off}`"),
        ("llm: false", "write `llm: {mode: off}`"),
        ("llm: no", "write `llm: {mode: off}`"),
        ("llm: none", "write `llm: {mode: off}`"),
        ("search:\n\tislands: 4", "indent with spaces"),
        ("llm: {mode: false}", "write `mode: off`"),
        ("search: 4", "such as `search: {preset: standard}`"),
        ("search:", "or remove it"),
        ("budget: 5000", "such as `budget: {evaluations: "),
        ("validate: [1]", "such as `validate: "),
    ],
)
def test_a_common_mistake_has_its_fix(setting: str, fix: str) -> None:
    assert fix in parse_errors(MINIMAL + setting + "\n")


def test_a_data_spec_instead_of_the_section_has_its_fix() -> None:
    assert "write `data: {from: yahoo:SPY}`" in parse_errors("name: x\ndata: yahoo:SPY\n")


def test_each_branch_of_a_union_is_in_one_message() -> None:
    errors = parse_errors(MINIMAL + "split: {holdout: much}\n")
    assert "expected a number, a date such as 2015-01-01 or `none`, found `much`" in errors
    assert errors.count("error[") == 1


def test_days_out_of_order_are_errors_without_data() -> None:
    errors = parse_errors(DATA.replace("RANGE", "start: 2010-01-02, end: 2010-01-01"))
    assert "`start` 2010-01-02 is after `end` 2010-01-01" in errors
    assert parse_experiment(DATA.replace("RANGE", "start: 2010-01-02, end: 2010-01-02"), "x")
    dated = (
        DATA.replace("RANGE", "start: 2010-01-01, end: 2012-01-01")
        + "split: {validation: FIRST, holdout: SECOND}\n"
    )
    for first, second in (("2009-01-01", "2011-01-01"), ("2011-01-01", "2013-01-01")):
        text = dated.replace("FIRST", first).replace("SECOND", second)
        assert "`data." in parse_errors(text)
    text = dated.replace("FIRST", "2010-06-01").replace("SECOND", "2011-01-01")
    assert parse_experiment(text, "x")


@pytest.mark.parametrize("place", ["start_from", "language.operators", "language.include"])
def test_an_unknown_operator_is_an_error_before_data_are_loaded(place: str, tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    (tmp_path / "bad.evo").write_text(STRATEGY % "close > smaa(close, 5)")
    lines = {
        "start_from": "start_from: [bad.evo]",
        "language.operators": "language: {operators: [smaa]}",
        "language.include": "language: {include: [bad.evo]}",
    }
    path.write_text(f"name: x\ndata: {{from: csv:missing.csv}}\n{lines[place]}\n")
    with pytest.raises(Exception, match=r"(?s)smaa.*did you mean `sma`") as caught:
        read_plan(path)
    assert type(caught.value).__name__ in ("EvolveError", "LanguageError")


@pytest.mark.slow
def test_a_document_with_19_000_wrong_keys_shows_the_first_errors() -> None:
    text = MINIMAL + "".join(f"seeed{i}: 1\n" for i in range(19_000))
    with pytest.raises(ConfigError) as caught:
        parse_experiment(text, "x.yaml")
    assert len(caught.value.diagnostics) == 19_000
    assert str(caught.value).count("error[E501]") == MAX_SHOWN_ERRORS
    assert "x.yaml:3:1" in str(caught.value)
    assert str(caught.value).endswith("and 18,900 more errors")


def test_both_of_two_missing_settings_are_shown() -> None:
    errors = parse_errors("data: {}\nllm: {models: [{}]}\n")
    assert "missing setting `data.from`" in errors
    assert "missing setting `llm.models.0.name`" in errors


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed: " + "9" * 5000, "expected a number of at most 300 digits, found 5,000"),
        ("seed: 0x" + "f" * 5000, "expected a number of at most 300 digits"),
        ("seed: " + "9" * 299, "expected a value below"),
        ("seed: 1e999", "expected a"),
        ("fitness: {require: {exposure_per_fold: " + "9" * 299 + "}}", "expected a value from"),
        ("a: \0", "unexpected character U+0000"),
        ('a: "\\0"', "unexpected character U+0000 in text"),
        ('"\\e[31m": 1', "unexpected character U+001B in text"),
        ('a: "\\ud800"', "unexpected character U+D800 in text"),
        ('start_from: "\\ud800"', "unexpected character U+D800 in text"),
        ('language: {directions: "\\ud800"}', "unexpected character U+D800 in text"),
        ("a: \ud800", "unexpected character U+D800"),
        ("a: " + "[" * 10_000, "nested at most 50 deep"),
        ("a: " + "{a: " * 10_000, "nested at most 50 deep"),
        ("".join(" " * i + "a:\n" for i in range(900)), "nested at most 50 deep"),
        ("a: [" + "x," * 400_000 + "]", "expected at most 20,000 values"),
        ("? " + "k" * 100_000 + "\n: 1", "unknown setting `kkk"),
    ],
    ids=range(17),
)
def test_a_hostile_document_ends_in_a_short_message(text: str, message: str) -> None:
    errors = parse_errors(MINIMAL + text + "\n")
    assert message in errors
    assert len(errors) < 5_000
    assert errors.isprintable() or errors.replace("\n", "").isprintable()


def test_a_file_above_the_limit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(MINIMAL + "#" * MAX_TEXT_BYTES)
    with pytest.raises(EvolveError, match="too large"):
        read_plan(path)
