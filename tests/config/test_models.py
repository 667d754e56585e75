"""The `llm` section: its values, the environment variables, and the resulting models."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from dsl.analysis.catalog import catalog
from evolve.config import Experiment, load_experiment
from evolve.config.load import parse_experiment, to_yaml
from evolve.errors import EvolveError
from evolve.experiment.models import load_model_set
from evolve.experiment.plan import Plan, read_plan
from evolve.experiment.start_strategies import StartStrategies
from evolve.llm.model_set import ModelSet
from evolve.llm.prompt.assets import PromptAssets
from evolve.llm.transport.model import OPENAI
from evolve.search.proposers import PROPOSERS
from tests.config.experiments import MINIMAL, all_errors, parse_errors
from tests.golden import golden

ROOT = Path(__file__).parents[2]
BLOG = ROOT / "experiments" / "blog.yaml"
GOLDEN = Path(__file__).parent / "golden" / "models.txt"
LOCAL = "http://localhost:11434/v1"
SECRETS = {"SECRET": "tr0ub4dor", "HOME": "/root/tr0ub4dor", "OPENAI_API_KEY": "sk-tr0ub4dor"}

INVALID = {
    "unknown keys": "llm: {mod: only, parent: 3, tokens: 5}\n",
    "not a section": "llm: [tiny]\n",
    "a model instead of a list": "llm: {models: tiny}\n",
    "a model without a name": "llm: {models: [{base_url: http://localhost:1/v1}, {name: ''}]}\n",
    "addresses": "llm:\n  models:\n    - {name: a, base_url: localhost:11434}\n"
    "    - {name: b, base_url: nowhere}\n    - {name: c, base_url: ftp://localhost/v1}\n",
    "numbers of a model": "llm:\n  models:\n    - {name: a, temperature: 9, weight: 0}\n"
    "    - {name: b, max_tokens: 3, usd_per_million_in: -1, api_key_env: lower}\n",
    "numbers": "llm: {parents: 21, examples: -1, wait_seconds: -1, timeout_seconds: 0}\n",
    "a boolean and a number as text": "llm: {repair: perhaps, learnings_tokens: few}\n",
    "a concurrency of 0": "llm: {concurrency: 0}\n",
    "a concurrency above 64": "llm: {concurrency: 65}\n",
    "a concurrency as text": "llm: {concurrency: some}\n",
    "no task": "llm: {tasks: []}\n",
    "unknown choices": "llm: {mode: both, constraint: strict, tasks: tune}\n",
    "a weight for llm": "search: {proposers: {crossover: 1, llm: 3}}\n",
    "auto for another proposer": "search: {proposers: {crossover: auto}}\n",
    "no genetic operator": f"search: {{proposers: {dict.fromkeys(PROPOSERS, 0)}}}\n",
    "validation with GP": "fitness: {scored_on: validation}\n",
    "validation without models": "fitness: {scored_on: validation}\nllm: {mode: off}\n",
    "no holdout": "split: {holdout: none}\n",
    "no holdout with models alone": "split: {holdout: none}\nllm: {mode: only}\n",
    "limits": "budget: {llm_usd: -1, llm_calls: -1, llm_tokens: 1.5}\n",
    "a secret": "llm:\n  prompts: ${SECRET}\n",
    "a secret with a default": "llm:\n  prompts: ${SECRET:-prompts}\n",
    "a folder of the machine": "llm:\n  prompts: ${HOME}/prompts\n",
    "a variable that is not set": "llm:\n  prompts: ${OPENAI_MODEL}/prompts\n",
}


def errors(text: str) -> str:
    return parse_errors(MINIMAL + text, SECRETS)


def write(folder: Path, more: str = "") -> Path:
    path = folder / "x.yaml"
    path.write_text(MINIMAL + more)
    return path


def load_models(more: str = "", *overrides: str) -> ModelSet:
    return list_models(parse_experiment(MINIMAL + more, "x.yaml", overrides))


def list_models(experiment: Experiment, base: Path = Path()) -> ModelSet:
    """Return the models of an experiment that names no files."""
    return load_model_set(Plan(experiment, base, StartStrategies(), catalog(), PromptAssets()))


def test_error_messages_equal_the_golden_file() -> None:
    golden(GOLDEN, all_errors({name: MINIMAL + text for name, text in INVALID.items()}, SECRETS))


def test_an_unknown_setting_of_a_model_is_reported_with_a_suggestion() -> None:
    message = errors("llm: {models: [{name: m, temprature: 0}]}\n")
    assert "unknown setting `llm.models.0.temprature`" in message
    assert "did you mean `temperature`?" in message


@pytest.mark.parametrize("name", ["SECRET", "OPENAI_API_KEY", "NEVER_SET"])
def test_the_error_of_a_secret_variable_does_not_depend_on_its_value(name: str) -> None:
    message = errors(f"llm:\n  prompts: ${{{name}}}\n")
    assert f"environment variable `{name}` is not readable" in message
    assert "is not set" not in message


REFERENCES = [
    "seed: ${OPENAI_API_KEY}",
    "llm:\n  prompts: ${OPENAI_API_KEY}",
    "llm:\n  prompts: 'a/${OPENAI_API_KEY:-b}'",
    "llm:\n  models: [{name: m, base_url: '${OPENAI_API_KEY}'}]",
    'llm:\n  models: [{name: m, extra_body: {a: ["${OPENAI_API_KEY}"]}}]',
]


@pytest.mark.parametrize("line", REFERENCES)
def test_an_api_key_is_neither_read_nor_printed(line: str) -> None:
    message = errors(line + "\n")
    assert "environment variable `OPENAI_API_KEY` is not readable" in message
    assert "tr0ub4dor" not in message


@pytest.mark.parametrize(
    ("value", "default", "expanded"),
    [
        ("${OPENAI_MODEL:-tiny}", "tiny", "qwen3:4b"),
        ('"${OPENAI_MODEL:-tiny}"', "tiny", "qwen3:4b"),
        ("'${OPENAI_MODEL:-}x'", "x", "qwen3:4bx"),
        ("a-${OPENAI_MODEL:-b c}-${OPENAI_MODEL:-d}", "a-b c-d", "a-qwen3:4b-qwen3:4b"),
        ("$OPENAI_MODEL", "$OPENAI_MODEL", "$OPENAI_MODEL"),
    ],
)
def test_a_variable_becomes_its_value_or_the_default(
    value: str, default: str, expanded: str
) -> None:
    text = f"{MINIMAL}llm:\n  models:\n    - name: {value}\n"
    for set_to, expected in (("", default), ("qwen3:4b", expanded)):
        read = parse_experiment(text, "x.yaml", variables={"OPENAI_MODEL": set_to})
        assert [model.name for model in read.llm.models] == [expected]
    seeded = f"{MINIMAL}seed: ${{EVOLVE_SEED:-4}}\n"
    assert parse_experiment(seeded, "x.yaml", variables={"EVOLVE_SEED": "12"}).seed == 12
    assert parse_experiment(seeded, "x.yaml", variables={"EVOLVE_SEED": ""}).seed == 4


def test_missing_files_and_unknown_tasks_are_reported(tmp_path: Path) -> None:
    messages = {
        "tasks: [simplify, tuen]": "llm.tasks: unknown task `tuen`\n  = did you mean `tune`?",
        "prompts: nowhere": f"llm.prompts: no such folder: {tmp_path}/nowhere",
        "prompts: x.yaml": f"llm.prompts: no such folder: {tmp_path}/x.yaml",
        "learnings: no.md": f"llm.learnings: no such file: {tmp_path}/no.md",
    }
    for setting, message in messages.items():
        with pytest.raises(EvolveError) as caught:
            read_plan(write(tmp_path, f"llm: {{{setting}}}\n"))
        assert str(caught.value) == message


def test_user_defined_tasks_are_added_to_the_default_ones(tmp_path: Path) -> None:
    (tmp_path / "custom" / "tasks").mkdir(parents=True)
    (tmp_path / "custom" / "tasks" / "calm.md").write_text("Trade less.\n")
    plan = read_plan(write(tmp_path, "llm: {prompts: custom, tasks: [calm, tune]}\n"))
    assert plan.assets.tasks == ("calm", "tune")
    assert plan.assets.folder == tmp_path / "custom"
    assert len(read_plan(write(tmp_path)).assets.tasks) == 6


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ("llm: {mode: off}\n", "`llm.mode` is off"),
        ("search: {proposers: {llm: 0}}\n", "`search.proposers` excludes llm"),
        ("budget: {llm_calls: 0}\n", "`budget.llm_calls` is 0"),
    ],
)
def test_no_model_is_used_if_the_experiment_excludes_it(
    more: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", LOCAL)
    assert load_models()
    assert (bool(load_models(more)), load_models(more).reason_empty) == (False, why)


def test_no_model_is_used_if_none_is_configured() -> None:
    assert not load_models()
    assert load_models().reason_empty == "set OPENAI_BASE_URL (or OPENAI_API_KEY) to add one"
    assert not load_models("llm: {models: [{name: gpt-5-mini}]}\n"), "neither an address nor a key"


@pytest.mark.parametrize(
    ("variables", "name", "base_url"),
    [
        ({"OPENAI_BASE_URL": LOCAL}, "default", LOCAL),
        ({"OPENAI_BASE_URL": LOCAL + "/"}, "default", LOCAL),
        ({"OPENAI_BASE_URL": LOCAL, "OPENAI_MODEL": "tiny"}, "tiny", LOCAL),
        ({"OPENAI_API_KEY": "sk-1"}, "gpt-5-mini", OPENAI),
        ({"OPENAI_API_KEY": "sk-1", "OPENAI_BASE_URL": OPENAI + "/"}, "gpt-5-mini", OPENAI),
    ],
)
def test_the_environment_configures_a_model(
    variables: dict[str, str], name: str, base_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each, value in variables.items():
        monkeypatch.setenv(each, value)
    (model,) = load_models().models.values()
    assert (model.name, model.base_url) == (name, base_url)
    assert "sk-1" not in repr(load_models()) + str(load_models().record())


def test_the_models_of_an_experiment_replace_that_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://10.0.0.7/v1/")
    monkeypatch.setenv("OPENAI_MODEL", "other")
    labelled = load_models(
        "llm: {models: [{name: a/b c.gguf, base_url: 'http://localhost:1/v1/', weight: 3,"
        " temperature: null}, {name: near}]}\n"
    ).models
    assert list(labelled) == ["b-c", "near"]
    models = [(each.base_url, each.weight, each.temperature) for each in labelled.values()]
    assert models == [("http://localhost:1/v1", 3, None), ("http://10.0.0.7/v1", 1, 1)]


def test_models_with_equal_names_have_distinct_labels() -> None:
    models = [f"{{name: {name}, base_url: '{LOCAL}'}}" for name in ("m", "x/m", "m-2", "m.gguf")]
    labelled = load_models(f"llm: {{models: [{', '.join(models)}]}}\n").models
    assert {label: model.name for label, model in labelled.items()} == {
        "m": "m", "m-2": "x/m", "m-2-2": "m-2", "m-3": "m.gguf",
    }  # fmt: skip


REMOTE, PRIVATE = (
    "https://api.example.com/v1",
    ["http://192.168.1.5:8000/v1", "http://box.local/v1"],
)


def test_a_cost_limit_requires_both_prices_or_a_local_server() -> None:
    def models(base_url: str, prices: str = "") -> str:
        return f"llm: {{models: [{{name: m, base_url: '{base_url}'{prices}}}]}}\n"

    one, other = ", usd_per_million_in: 1", ", usd_per_million_out: 0"
    for prices in ("", one, other):
        assert load_models(models(REMOTE, prices))
        with pytest.raises(EvolveError, match=r"`budget\.llm_usd` requires prices, but m has none"):
            load_models(models(REMOTE, prices), "budget.llm_usd=0.5")
    assert load_models(models(REMOTE, one + other), "budget.llm_usd=0.5")
    assert load_models(models(LOCAL), "budget.llm_usd=0")


def test_models_alone_require_a_model_and_ignore_the_weights(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alone = "llm: {mode: only}\nsearch: {proposers: {crossover: 1}}\n"
    with pytest.raises(
        EvolveError, match=r"`llm\.mode: only` requires a model, but none is configured"
    ):
        load_models(alone)
    monkeypatch.setenv("OPENAI_BASE_URL", LOCAL)
    assert (load_models(alone).settings.mode, list(load_models(alone).models)) == (
        "only",
        ["default"],
    )


def test_models_alone_require_calls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", LOCAL)
    with pytest.raises(EvolveError, match=r"budget\.llm_calls"):
        list_models(load_experiment(BLOG, ["budget.llm_calls=0"]), BLOG.parent)


@pytest.mark.parametrize(
    ("urls", "calls"), [([LOCAL], 1), (PRIVATE, 1), ([REMOTE], 4), ([LOCAL, REMOTE], 4)]
)
def test_local_servers_get_one_concurrent_call_and_remote_ones_four(
    urls: list[str], calls: int
) -> None:
    models = ", ".join(f"{{name: m, base_url: '{each}'}}" for each in urls)
    assert load_models(f"llm: {{models: [{models}]}}\n").settings.concurrency == calls
    assert load_models(f"llm: {{concurrency: 3, models: [{models}]}}\n").settings.concurrency == 3


def test_a_dotenv_beside_the_experiment_is_read_and_the_environment_overrides_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EVOLVE_DOTENV")
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "experiments"
    home.mkdir()
    (home / ".env").write_text(f"OPENAI_BASE_URL={LOCAL}\nOPENAI_MODEL='a b'\nEVOLVE_SEED=5\n")
    path = write(home, "seed: ${EVOLVE_SEED}\nllm:\n  prompts: ${OPENAI_MODEL}\n")

    def read() -> tuple[Experiment, str]:
        settings = load_experiment(path)
        return settings, next(iter(list_models(settings, home).models.values())).name

    settings, name = read()
    assert (settings.seed, settings.llm.prompts, name) == (5, "a b", "a b")
    (tmp_path / ".env").write_text("OPENAI_MODEL=nearer\n")
    assert read()[1] == "nearer"
    monkeypatch.setenv("OPENAI_MODEL", "nearest")
    settings, name = read()
    assert (settings.seed, settings.llm.prompts, name) == (5, "nearest", "nearest")


def test_a_serialized_experiment_contains_null_settings() -> None:
    text = "budget: {stale_epochs: null}\nllm: {models: [{name: m, temperature: null}]}\n"
    settings = parse_experiment(MINIMAL + text, "x.yaml")
    again = parse_experiment(to_yaml(settings), "again.yaml")
    assert again.budget.stale_epochs is None
    assert again.llm.models[0].temperature is None
    assert again == settings


def test_the_split_of_a_fallback_requires_a_holdout() -> None:
    assert "`split.holdout: none` requires" in errors("split: {fallback: {holdout: none}}\n")


def test_the_blog_experiment_has_the_settings_of_the_original_loop() -> None:
    blog = load_experiment(BLOG)
    assert (blog.llm.mode, blog.llm.parents, blog.search.islands) == ("only", 3, 1)
    assert (blog.budget.llm_calls, blog.budget.stale_epochs) == (50, 5)
    market = blog.backtest.market()
    assert not market.is_executable
    costs = (market.commission, market.commission_per_share, market.commission_minimum)
    assert (*costs, market.slippage, market.slippage_range, market.borrow) == (0,) * 6
    goals, split = blog.fitness.goals(), blog.split.sizes()
    assert (blog.fitness.scored_on, goals.folds, goals.maximize) == (
        "validation",
        1,
        ("total_return",),
    )
    assert (goals.minimize, set(goals.require.values())) == ((), {0.0})
    assert (split.validation_from, split.holdout_from) == (date(2019, 1, 1), None)
    assert not split.has_holdout
    assert (str(blog.data.start), blog.data.end) == ("2000-01-01", None)
    assert (blog.data.source, blog.data.fallback) == ("yahoo:SPY", "sample:sp500")
    assert blog.split.fallback is not None
    other = blog.split.fallback.sizes()
    assert round(other.train, 9) == 0.8
    assert (other.validation, other.validation_from, other.has_holdout) == (0.2, None, False)
