"""The `llm` section: what it takes, what it never reads, and which models come of it."""

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
from evolve.llm.model_set import ModelSet
from evolve.llm.prompt.assets import PromptAssets
from evolve.llm.transport.model import OPENAI
from tests.config.experiments import LEAST, all_errors, errors_of
from tests.golden import golden

ROOT = Path(__file__).parents[2]
BLOG = ROOT / "experiments" / "blog.yaml"
GOLDEN = Path(__file__).parent / "golden" / "models.txt"
LOCAL = "http://localhost:11434/v1"
KEPT_BACK = {"SECRET": "tr0ub4dor", "HOME": "/root/tr0ub4dor", "OPENAI_API_KEY": "sk-tr0ub4dor"}

WRONG = {
    "unknown keys": "llm: {mod: only, parent: 3, tokens: 5}\n",
    "not a section": "llm: [tiny]\n",
    "models that are none": "llm: {models: tiny}\n",
    "a model without a name": "llm: {models: [{base_url: http://localhost:1/v1}, {name: ''}]}\n",
    "addresses": "llm:\n  models:\n    - {name: a, base_url: localhost:11434}\n"
    "    - {name: b, base_url: nowhere}\n    - {name: c, base_url: ftp://localhost/v1}\n",
    "numbers of a model": "llm:\n  models:\n    - {name: a, temperature: 9, weight: 0}\n"
    "    - {name: b, max_tokens: 3, usd_per_million_in: -1, api_key_env: lower}\n",
    "numbers": "llm: {parents: 21, examples: -1, wait_seconds: -1, timeout_seconds: 0}\n",
    "words": "llm: {repair: perhaps, learnings_tokens: few}\n",
    "none at once": "llm: {concurrency: 0}\n",
    "too many at once": "llm: {concurrency: 65}\n",
    "some at once": "llm: {concurrency: some}\n",
    "no direction": "llm: {tasks: []}\n",
    "no such words": "llm: {mode: both, constraint: strict, tasks: tune}\n",
    "a weight for models": "search: {proposers: {crossover: 1, llm: 3}}\n",
    "a proposer that sets its own weight": "search: {proposers: {crossover: auto}}\n",
    "models alone by weight": "search: {proposers: {llm: auto}}\n",
    "validation beside GP": "fitness: {scored_on: validation}\n",
    "validation without models": "fitness: {scored_on: validation}\nllm: {mode: off}\n",
    "nothing sealed": "split: {holdout: none}\n",
    "nothing sealed, though models are alone": "split: {holdout: none}\nllm: {mode: only}\n",
    "limits": "budget: {llm_usd: -1, llm_calls: -1, llm_tokens: 1.5}\n",
    "a secret": "llm:\n  prompts: ${SECRET}\n",
    "a secret with a default": "llm:\n  prompts: ${SECRET:-prompts}\n",
    "a folder of the machine": "llm:\n  prompts: ${HOME}/prompts\n",
    "a variable that is not set": "llm:\n  prompts: ${OPENAI_MODEL}/prompts\n",
}


def errors(text: str) -> str:
    return errors_of(LEAST + text, KEPT_BACK)


def written(folder: Path, more: str = "") -> Path:
    path = folder / "x.yaml"
    path.write_text(LEAST + more)
    return path


def panel(more: str = "", *overrides: str) -> ModelSet:
    return models_of(parse_experiment(LEAST + more, "x.yaml", overrides))


def models_of(experiment: Experiment, base: Path = Path()) -> ModelSet:
    """Return the models of an experiment that names no files."""
    return load_model_set(Plan(experiment, base, (), catalog(), PromptAssets()))


def test_every_mistake_reads_as_in_the_golden_file() -> None:
    golden(GOLDEN, all_errors({name: LEAST + text for name, text in WRONG.items()}, KEPT_BACK))


def test_a_mistyped_setting_of_a_model_is_named_with_the_one_that_was_meant() -> None:
    message = errors("llm: {models: [{name: m, temprature: 0}]}\n")
    assert "there is no setting `temprature` in `llm.models.0`" in message
    assert "did you mean `temperature`?" in message


@pytest.mark.parametrize("name", ["SECRET", "OPENAI_API_KEY", "NEVER_SET"])
def test_a_variable_that_must_not_be_read_is_refused_whether_it_is_set_or_not(name: str) -> None:
    message = errors(f"llm:\n  prompts: ${{{name}}}\n")
    assert f"`{name}` is not read from the environment" in message
    assert "is not set" not in message


SPILLS = [
    "seed: ${OPENAI_API_KEY}",
    "llm:\n  prompts: ${OPENAI_API_KEY}",
    "llm:\n  prompts: 'a/${OPENAI_API_KEY:-b}'",
    "llm:\n  models: [{name: m, base_url: '${OPENAI_API_KEY}'}]",
    'llm:\n  models: [{name: m, extra_body: {a: ["${OPENAI_API_KEY}"]}}]',
]


@pytest.mark.parametrize("line", SPILLS)
def test_a_key_is_never_read_into_an_experiment_nor_printed(line: str) -> None:
    message = errors(line + "\n")
    assert "`OPENAI_API_KEY` is not read from the environment" in message
    assert "tr0ub4dor" not in message


@pytest.mark.parametrize(
    ("value", "without", "with_it"),
    [
        ("${OPENAI_MODEL:-tiny}", "tiny", "qwen3:4b"),
        ('"${OPENAI_MODEL:-tiny}"', "tiny", "qwen3:4b"),
        ("'${OPENAI_MODEL:-}x'", "x", "qwen3:4bx"),
        ("a-${OPENAI_MODEL:-b c}-${OPENAI_MODEL:-d}", "a-b c-d", "a-qwen3:4b-qwen3:4b"),
        ("$OPENAI_MODEL", "$OPENAI_MODEL", "$OPENAI_MODEL"),
    ],
)
def test_a_variable_becomes_its_value_or_the_default(
    value: str, without: str, with_it: str
) -> None:
    text = f"{LEAST}llm:\n  models:\n    - name: {value}\n"
    for set_to, expected in (("", without), ("qwen3:4b", with_it)):
        read = parse_experiment(text, "x.yaml", variables={"OPENAI_MODEL": set_to})
        assert [model.name for model in read.llm.models] == [expected]
    own = f"{LEAST}seed: ${{EVOLVE_SEED:-4}}\n"
    assert parse_experiment(own, "x.yaml", variables={"EVOLVE_SEED": "12"}).seed == 12
    assert parse_experiment(own, "x.yaml", variables={"EVOLVE_SEED": ""}).seed == 4


def test_a_plan_names_what_an_experiment_refers_to_but_lacks(tmp_path: Path) -> None:
    messages = {
        "tasks: [simplify, tuen]": "llm.tasks: unknown task `tuen`\n  = did you mean `tune`?",
        "prompts: nowhere": f"llm.prompts: there is no folder {tmp_path}/nowhere",
        "prompts: x.yaml": f"llm.prompts: there is no folder {tmp_path}/x.yaml",
        "learnings: no.md": f"llm.learnings: no such file: {tmp_path}/no.md",
    }
    for setting, message in messages.items():
        with pytest.raises(EvolveError) as caught:
            read_plan(written(tmp_path, f"llm: {{{setting}}}\n"))
        assert str(caught.value) == message


def test_user_defined_tasks_are_known_beside_those_that_ship(tmp_path: Path) -> None:
    (tmp_path / "own" / "tasks").mkdir(parents=True)
    (tmp_path / "own" / "tasks" / "calm.md").write_text("Trade less.\n")
    ready = read_plan(written(tmp_path, "llm: {prompts: own, tasks: [calm, tune]}\n"))
    assert ready.assets.tasks == ("calm", "tune")
    assert ready.assets.folder == tmp_path / "own"
    assert len(read_plan(written(tmp_path)).assets.tasks) == 6


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ("llm: {mode: off}\n", "`llm.mode` is off"),
        ("search: {proposers: {crossover: 1}}\n", "`search.proposers` leaves llm out"),
        ("search: {proposers: {crossover: 1, llm: 0}}\n", "`search.proposers` leaves llm out"),
        ("budget: {llm_calls: 0}\n", "`budget.llm_calls` is 0"),
    ],
)
def test_nobody_is_asked_if_the_experiment_rules_it_out(
    more: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", LOCAL)
    assert panel()
    assert (bool(panel(more)), panel(more).reason_empty) == (False, why)


def test_nobody_is_asked_where_nothing_names_a_model() -> None:
    assert not panel()
    assert panel().reason_empty == "set OPENAI_BASE_URL (or OPENAI_API_KEY) to add one"
    assert not panel("llm: {models: [{name: gpt-5-mini}]}\n"), "neither an address nor a key"


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
def test_the_environment_names_a_model(
    variables: dict[str, str], name: str, base_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each, value in variables.items():
        monkeypatch.setenv(each, value)
    (model,) = panel().models.values()
    assert (model.name, model.base_url) == (name, base_url)
    assert "sk-1" not in repr(panel()) + str(panel().record())


def test_the_models_of_an_experiment_go_before_the_environments(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://10.0.0.7/v1/")
    monkeypatch.setenv("OPENAI_MODEL", "other")
    found = panel(
        "llm: {models: [{name: a/b c.gguf, base_url: 'http://localhost:1/v1/', weight: 3,"
        " temperature: null}, {name: near}]}\n"
    ).models
    assert list(found) == ["b-c", "near"]
    models = [(each.base_url, each.weight, each.temperature) for each in found.values()]
    assert models == [("http://localhost:1/v1", 3, None), ("http://10.0.0.7/v1", 1, 1)]


def test_models_of_one_name_get_labels_of_their_own() -> None:
    models = [f"{{name: {name}, base_url: '{LOCAL}'}}" for name in ("m", "x/m", "m-2", "m.gguf")]
    found = panel(f"llm: {{models: [{', '.join(models)}]}}\n").models
    assert {label: model.name for label, model in found.items()} == {
        "m": "m", "m-2": "x/m", "m-2-2": "m-2", "m-3": "m.gguf",
    }  # fmt: skip


AFAR, NEAR = "https://api.example.com/v1", ["http://192.168.1.5:8000/v1", "http://box.local/v1"]


def test_dollars_are_counted_only_with_both_prices_or_where_nothing_is_paid() -> None:
    def models(base_url: str, prices: str = "") -> str:
        return f"llm: {{models: [{{name: m, base_url: '{base_url}'{prices}}}]}}\n"

    one, other = ", usd_per_million_in: 1", ", usd_per_million_out: 0"
    for prices in ("", one, other):
        assert panel(models(AFAR, prices))
        with pytest.raises(EvolveError, match=r"`budget\.llm_usd` cannot be kept: what m costs"):
            panel(models(AFAR, prices), "budget.llm_usd=0.5")
    assert panel(models(AFAR, one + other), "budget.llm_usd=0.5")
    assert panel(models(LOCAL), "budget.llm_usd=0")


def test_models_alone_need_a_model_and_no_leave_of_the_proposers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alone = "llm: {mode: only}\nsearch: {proposers: {crossover: 1}}\n"
    with pytest.raises(EvolveError, match=r"`llm\.mode: only` needs a model, and there is none"):
        panel(alone)
    monkeypatch.setenv("OPENAI_BASE_URL", LOCAL)
    assert (panel(alone).settings.mode, list(panel(alone).models)) == ("only", ["default"])


def test_models_alone_without_a_call_do_not_become_breeding_on_validation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", LOCAL)
    with pytest.raises(EvolveError, match=r"budget\.llm_calls"):
        models_of(load_experiment(BLOG, ["budget.llm_calls=0"]), BLOG.parent)


@pytest.mark.parametrize(
    ("places", "calls"), [([LOCAL], 1), (NEAR, 1), ([AFAR], 4), ([LOCAL, AFAR], 4)]
)
def test_one_call_at_a_time_goes_to_this_house_and_four_elsewhere(
    places: list[str], calls: int
) -> None:
    models = ", ".join(f"{{name: m, base_url: '{each}'}}" for each in places)
    assert panel(f"llm: {{models: [{models}]}}\n").settings.concurrency == calls
    assert panel(f"llm: {{concurrency: 3, models: [{models}]}}\n").settings.concurrency == 3


def test_a_dotenv_is_read_beside_the_experiment_and_the_environment_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EVOLVE_DOTENV")
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "experiments"
    home.mkdir()
    (home / ".env").write_text(f"OPENAI_BASE_URL={LOCAL}\nOPENAI_MODEL='a b'\nEVOLVE_SEED=5\n")
    path = written(home, "seed: ${EVOLVE_SEED}\nllm:\n  prompts: ${OPENAI_MODEL}\n")

    def read() -> tuple[Experiment, str]:
        settings = load_experiment(path)
        return settings, next(iter(models_of(settings, home).models.values())).name

    settings, name = read()
    assert (settings.seed, settings.llm.prompts, name) == (5, "a b", "a b")
    (tmp_path / ".env").write_text("OPENAI_MODEL=nearer\n")
    assert read()[1] == "nearer"
    monkeypatch.setenv("OPENAI_MODEL", "nearest")
    settings, name = read()
    assert (settings.seed, settings.llm.prompts, name) == (5, "nearest", "nearest")


def test_what_is_written_out_keeps_what_is_switched_off() -> None:
    text = "budget: {stale_epochs: null}\nllm: {models: [{name: m, temperature: null}]}\n"
    settings = parse_experiment(LEAST + text, "x.yaml")
    again = parse_experiment(to_yaml(settings), "again.yaml")
    assert again.budget.stale_epochs is None
    assert again.llm.models[0].temperature is None
    assert again == settings


def test_a_fallback_seals_something_too() -> None:
    assert "seals nothing" in errors("split: {fallback: {holdout: none}}\n")


def test_the_experiment_of_the_first_loop_has_exactly_its_limits() -> None:
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
