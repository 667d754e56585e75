"""Messages come from `prompts/` and contain neither dates nor figures of another window."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from dsl.analysis.catalog import catalog
from dsl.analysis.check import check, check_file, extend_catalog
from dsl.analysis.program import Program
from dsl.bars import Bars
from evolve.backtest.backtest import backtest
from evolve.backtest.market import market
from evolve.data.split import SplitSizes, split_bars
from evolve.errors import EvolveError
from evolve.fitness.fitness import FoldFitness
from evolve.fitness.goals import FitnessSpec
from evolve.llm.answer.parse import Rejected
from evolve.llm.prompt import templates
from evolve.llm.prompt.assets import PromptAssets
from evolve.llm.prompt.builder import PromptBuilder, build_failure, build_program_failure
from evolve.llm.prompt.guide import Guide
from evolve.llm.prompt.learnings import Learning, Learnings
from evolve.llm.prompt.parts import PromptParts
from evolve.llm.prompt.profile import Profiler
from evolve.llm.prompt.selection import FALLBACK_TASK
from evolve.llm.transport.request_body import Message
from evolve.search.individual import Fitness, Individual
from evolve.search.space import Space, build_space
from tests.fitness.test_fitness import arrays_within
from tests.samples import random_bars

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "golden"
PARTITION = split_bars(replace(random_bars(7, 900), symbols=("ACMEX",)), SplitSizes())
GOALS = FitnessSpec(folds=4)
SPACE = build_space(["sma", "rsi", "atr", "highest", "lag", "+", "-", "*", "/"], ("long",), 40)
SEED = check("""strategy acmex_since_2009 {
  about "ACMEX turned on 2009-03-09."
  param days = 5 in 2..20
  buy when close > sma(close, days)
  sell when close < sma(close, days)
}""")
CHILD = check('strategy evolved { about "Dips revert." buy when rsi(close, 3) < 30 hold 5 }')
RARE = check("strategy rare { buy when close > 1.2 * highest(high, 20)[1] hold 5 }")


def individuals(bars: Bars, start: int = 0) -> list[Individual]:
    """Return an infeasible individual, a seed of a user and its child, scored on some bars."""
    programs = [RARE, SEED, CHILD]
    scores = FoldFitness(bars, market(), GOALS, start)(programs)
    makers = [("random", ()), ("seed", ()), ("llm:tiny:tune", (SEED.hash,))]
    return [
        Individual(program, score, Fitness(GOALS.weights, score.values), name, parents, 0, 1)
        for program, score, (name, parents) in zip(programs, scores, makers, strict=True)
    ]


def prompts_on(bars: Bars, start: int = 0, folder: Path | None = None) -> PromptBuilder:
    assets = PromptAssets(folder)
    return PromptBuilder(SPACE, GOALS, Profiler(bars, market(), start), assets=assets)


TRAIN = prompts_on(PARTITION.train)
SYSTEM = TRAIN.systems["full"]
FAILURES = (
    build_program_failure(RARE, "trades_per_fold 0, below 3"),
    build_failure("I\ncannot", "error[E101]: no"),
)
LEARNED = Learning("Dips revert.", "tune", "appraisal_ratio", 0.91, 0.875)
LEARNINGS = Learnings({"works": ("Trends last.",)}, (LEARNED,))


def messages(
    prompts: PromptBuilder = TRAIN, task: str = "worst_fold", bars: Bars = PARTITION.train,
    start: int = 0, losing: Sequence[str] | None = (), count: int = 3, guide: Guide = "full",
) -> list[Message]:  # fmt: skip
    lines = [("random",), ("seed",), ("tune", "seed")]
    described = [
        prompts.describe_parent(each, f"p{index + 1}", lines[index])
        for index, each in enumerate(individuals(bars, start)[:count])
    ]
    parents = described
    if losing is not None:
        parents = [{**each, "losing_conditions": losing} for each in described]
    examples = prompts.examples(2, Random(3))
    base = str(parents[-1]["name"]) if parents else ""
    parts = PromptParts(
        task=task, parents=tuple(parents), base=base, failures=FAILURES, learnings=LEARNINGS,
        learnings_tokens=1500, examples=tuple(examples), guide=guide,
    )  # fmt: skip
    return prompts.request_strategies(parts)


def text_of(sent: Sequence[Message]) -> str:
    return "\n".join(f"=== {each['role']}\n{each['content']}\n" for each in sent)


def everything_sent(prompts: PromptBuilder = TRAIN) -> str:
    """Return the text of all messages that a builder can build."""
    sent = [each for name in prompts.tasks for each in messages(prompts, name)]
    sent += messages(losing=("falling and wild",)) + messages(task=FALLBACK_TASK, count=0)
    sent += prompts.request_strategies(prompts.ask("buy dips")) + messages(guide="compact")
    sent += prompts.needle("xyz", 3000, lambda sent: len(sent[0]["content"]) // 3)
    sent += prompts.repair("x", [Rejected("x", "error[E101]: no")])
    sent += prompts.chat() + prompts.merge_learnings(LEARNINGS.text(), 6, 240)
    return text_of(sent) + "".join(map(prompts.fixed_text, ("tool.md", "json.md", "probe.md")))


@pytest.mark.parametrize(
    ("guide", "name"),
    [("full", "prompt.txt"), ("compact", "prompt_compact.txt"), ("names", "prompt_names.txt")],
)
def test_the_messages_match_the_golden_files(guide: Guide, name: str) -> None:
    written = text_of(messages(losing=None, guide=guide)[: 2 if guide == "full" else 1])
    if os.environ.get("UPDATE_GOLDEN"):
        (GOLDEN / name).write_text(written, "utf-8")
    assert written == (GOLDEN / name).read_text("utf-8")


def test_no_message_contains_a_date_a_symbol_or_the_users_description_of_a_seed() -> None:
    sent = everything_sent()
    assert not re.findall(r"\d{4}-\d{2}-\d{2}", sent)
    assert not re.findall(r"acmex|since|2009|turned", sent, re.I)
    assert not re.findall(r"\{\{|\{%|\{#|Undefined", sent)
    assert sent.count('about "Dips revert."') == sent.count("strategy p3 {") > 0


def figures(program: Program, bars: Bars, start: int = 0) -> set[str]:
    """Return the metrics of a backtest as a message could format them, except short figures."""
    values = backtest(program, bars, market(), start=start).metrics.values()
    forms = [f"{v:.3f}" for v in values] + [str(round(v, 3)) for v in values]
    forms += [f"{100 * v:.1f}%" for v in values]
    return {each for each in forms if len(each.strip("-%0.")) >= 3}


def test_no_message_contains_a_figure_of_validation() -> None:
    seen, start = PARTITION.seen, PARTITION.validation_start
    sent = everything_sent()
    scored = individuals(PARTITION.train)
    elsewhere = individuals(seen, start)
    for one, other in zip(scored, elsewhere, strict=True):
        hidden = figures(one.program, seen, start) - figures(one.program, PARTITION.train)
        hidden |= {str(round(each, 3)) for each in getattr(other.scores, "folds", ()) if each}
        assert [each for each in hidden if re.search(rf"(?<![\d.]){re.escape(each)}", sent)] == []
        assert str(round(one.score, 3)) in sent
    # The test would detect figures of validation in a message.
    leaked = text_of(messages(prompts_on(seen, start), bars=seen, start=start))
    assert all(str(round(each.score, 3)) in leaked for each in elsewhere)
    later = set(seen.close[0, start:].tolist())
    for array in arrays_within(vars(TRAIN.profiler), set()):
        assert not later & set((array if array.base is None else array.base).ravel().tolist())


@pytest.mark.parametrize("name", templates.list_tasks())
@pytest.mark.parametrize("losing", [(), ("falling and wild", "rising and calm")])
def test_every_task_renders_for_the_last_parent(name: str, losing: tuple[str, ...]) -> None:
    system, user = messages(task=name, losing=losing)
    assert [system["role"], user["role"], system["content"]] == ["system", "user", SYSTEM]
    _, asked = user["content"].split("\nTask: ")
    assert ("p3" in asked) == (name != FALLBACK_TASK)
    assert ("when the market is falling and wild" in asked) == (
        name == "worst_fold" and bool(losing)
    )
    assert ("falling and wild, or rising and calm" in user["content"]) == bool(losing)


def space_of(operators: Sequence[str] | None, directions: Sequence[str]) -> Space:
    text = 'define centre(x: number) -> like x about "its middle" = sma(x, 3)'
    return build_space(operators, directions, 30, extend_catalog(text, "defined", catalog()))


def page(space: Space, guide: Guide = "full") -> str:
    return PromptBuilder(space, GOALS, TRAIN.profiler).systems[guide]


@pytest.mark.parametrize("directions", [["long"], ["short"], ["long", "short"]])
def test_the_system_message_describes_only_the_allowed_language(directions: list[str]) -> None:
    text = page(space_of(["sma", "rsi", "centre", "month"], directions))
    assert re.findall(r"^- `(\w+)\(", text, re.M) == ["sma", "rsi", "centre"]
    assert "- `centre(x: number) -> like x`: its middle" in text
    assert (
        "- Series: open, high, low, close, volume. " in text
    )  # the series `month` would reveal dates
    assert f"Limits: {' and '.join(directions)} only; at most 30 nodes" in text
    orders = set(re.findall(r"`(\w+) when`", text.split("Orders")[1]))
    assert ({"buy", "sell"} <= orders) == ("long" in directions)
    assert ({"short", "cover"} <= orders) == ("short" in directions)


@pytest.mark.parametrize("operators", [["sma", "rsi"], ["sma", "rsi", "atr", "*", "lag"], None])
@pytest.mark.parametrize("directions", [["long"], ["short"]])
def test_the_system_message_contains_nothing_that_would_be_rejected(
    operators: list[str] | None, directions: list[str]
) -> None:
    space = space_of(operators, directions)
    names = {each.name for each in space.operators}
    text = page(space)
    assert ("x[n]" in text) == ("lag" in names)
    signs = {each for match in re.findall("Arithmetic `(.*?)`", text) for each in match.split()}
    assert signs == names & set("+-*/")
    for block in re.findall(r"```\n(.*?)```", text, re.S):
        if "…" not in block:
            assert [space.rejection_reason(each) for each in check_file(block)] == [""]
    assert ("3 * atr(14)" in text) == ({"atr", "*"} <= names)


@pytest.mark.parametrize("symbol", ["A", "SMA", "hold", "BUY", "DAYS", "^GSPC", "BTC-USD"])
def test_symbols_are_masked_in_user_defined_names_only(symbol: str) -> None:
    bars = replace(TRAIN.profiler.bars, symbols=(symbol,))
    prompts = replace(TRAIN, profiler=replace(TRAIN.profiler, bars=bars))
    param = f"{re.sub('[^A-Za-z]', '', symbol.split('-')[0]).lower()}_span"
    text = f"strategy s {{ param {param} = 5 in 2..9 buy when close > sma(close, {param}) hold 9 }}"
    (scores,) = FoldFitness(TRAIN.profiler.bars, market(), GOALS)([check(text)])
    seed = Individual(check(text), scores, Fitness((1.0, -1.0), scores.values), "seed", (), 0, 0)
    source = prompts.describe_parent(seed, "p1", ("seed",))["source"]
    assert check(source).hash == check(text).hash
    assert "param market_span = 5" in source


def test_examples_are_drawn_from_the_space() -> None:
    space = build_space(None, ("long",), 40)
    prompts = replace(TRAIN, space=space)
    for count in (2, 3, 4):
        draws = [tuple(prompts.examples(count, Random(seed))) for seed in range(20)]
        assert draws == [tuple(prompts.examples(count, Random(seed))) for seed in range(20)]
        assert len(set(draws)) > 5
        assert {len(set(each)) for each in draws} == {count}
        shown = {each for draw in draws for each in draw}
        assert len(shown) == 6
        assert {space.rejection_reason(check(text)) for text in shown} == {""}
    assert prompts.examples(0, Random(1)) == []


def test_examples_are_generated_if_none_is_in_the_space() -> None:
    space = build_space(["wma", "aroon_up"], ("short",), 12)
    texts = PromptBuilder(space, GOALS, TRAIN.profiler).examples(4, Random(1))
    programs = [check(text) for text in texts]
    assert sorted(each.name for each in programs) == ["example_1", "example_2"]
    assert {space.rejection_reason(each) for each in programs} == {""}


def folder_with(folder: Path, **templates: str) -> Path:
    (folder / "tasks").mkdir()
    for name, text in templates.items():
        (folder / f"{name.replace('__', '/')}.md").write_text(text, "utf-8")
    return folder


def test_a_folder_overrides_single_templates_and_adds_tasks(tmp_path: Path) -> None:
    folder = folder_with(
        tmp_path, chat="Speak.", tasks__tune="Turn {{ base.name }}.", json="Custom {{ 1 + 1 }}",
        tasks__gaps="{# parents: 2 #}\nTrade gaps unlike {{ parents[-2].name }}.",
    )  # fmt: skip
    prompts = prompts_on(PARTITION.train, folder=folder)
    assert prompts.chat() == [{"role": "user", "content": "Speak."}]
    assert (prompts.fixed_text("json.md"), prompts.fixed_text("tool.md")) == (
        "Custom 2",
        TRAIN.fixed_text("tool.md"),
    )
    assert prompts.systems == TRAIN.systems
    assert set(prompts.tasks) == {*TRAIN.tasks, "gaps"}
    assert (prompts.tasks["gaps"].parents, prompts.tasks["tune"].parents) == (2, 0)
    assert messages(prompts, "tune")[1]["content"].endswith("Task: Turn p3.")
    assert messages(prompts, "gaps")[1]["content"].endswith("Trade gaps unlike p2.")
    assert messages(prompts, FALLBACK_TASK) == messages(task=FALLBACK_TASK)


@pytest.mark.parametrize(
    ("template", "text", "named"),
    [
        ("chat", "a\n{% if %}", "chat.md, line 2: TemplateSyntaxError"),
        ("chat", "a\n\n{{ 3 | nofilter }}", "chat.md, line 3: TemplateAssertionError"),
        ("chat", "a\n{{ nothing }}", "chat.md, line 2: UndefinedError: 'nothing' is undefined"),
        ("chat", "a\n\n\n{{ 1 / 0 }}", "chat.md, line 4: ZeroDivisionError"),
        ("chat", "{{ 'x' | percent }}", "chat.md, line 1: ValueError"),
        ("chat", "{{ '{}'.format() }}", "chat.md, line 1: TemplateAssertionError: a call is"),
        ("chat", "{% include 'chat.md' %}", "chat.md"),
        ("language", "a\nb\n{% if %}", "language.md, line 3: TemplateSyntaxError"),
        ("tasks__tune", "{{ base.nothing }}", "tune.md, line 1: UndefinedError"),
        ("task", "a\n{{ bars.time }}", "task.md, line 2: UndefinedError"),
    ],
)  # fmt: skip
def test_an_error_in_a_template_names_its_file_and_line(
    tmp_path: Path, template: str, text: str, named: str
) -> None:
    prompts = prompts_on(PARTITION.train, folder=folder_with(tmp_path, **{template: text}))
    with pytest.raises(EvolveError) as caught:
        (prompts.chat(), messages(prompts, "tune"))
    assert str(tmp_path) in caught.value.message
    assert named in caught.value.message
    assert caught.value.hint == "compare it with the default template in `prompts/`"


@pytest.mark.parametrize("first", ["{# parent: 1 #}", "{# parents: one #}", "{#parents:-1#}"])
def test_an_invalid_first_line_of_a_task_is_reported(tmp_path: Path, first: str) -> None:
    folder_with(tmp_path, tasks__mine=f"{first}\nTrade less.")
    with pytest.raises(EvolveError, match=r"mine\.md, line 1: expected `parents: N`, found"):
        templates.list_tasks(tmp_path)


HOSTILE = [
    "{{ ''.__class__.__mro__ }}", "{{ cycler.__init__.__globals__ }}", "{{ task.__class__ }}",
    "{% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %}",
    "{{ self.__init__.__globals__ }}", "{{ lipsum.__globals__['os'].popen('id').read() }}",
    "{{ '' | attr('__class__') }}", "{{ '{0.__class__.__mro__}'.format(1) }}",
    "{{ parents.append(1) }}", "{{ parents[0].clear() }}", "{{ parents[0].update(name='x') }}",
    "{{ joiner.__init__.__globals__ }}", "{% include '../../pyproject.toml' %}",
    "{% include '/etc/passwd' %}", "{% import 'os' as os %}{{ os }}", "{{ range(10 ** 9) | list }}",
    "{{ failures[0].__init__.__globals__ }}", "{{ ''['__class__'] }}", "{% do 1 %}",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_template_is_rejected(tmp_path: Path, text: str) -> None:
    prompts = prompts_on(PARTITION.train, folder=folder_with(tmp_path, task=text))
    with pytest.raises(EvolveError, match=r"task\.md"):
        messages(prompts)


def test_values_are_never_rendered_as_templates() -> None:
    value = "{{ 7 * 7 }} {% include 'chat.md' %} {# gone #}"
    quoted = "{ { 7 * 7 } } { % include 'chat.md' % } { # gone # }"  # text of a model
    assert value in TRAIN.request_strategies(TRAIN.ask(value))[1]["content"]
    returned, request = TRAIN.repair(value, [Rejected("x", value)])
    assert returned == {"role": "assistant", "content": quoted}
    assert quoted in request["content"]
    text = TRAIN.request_strategies(
        PromptParts(
            FALLBACK_TASK,
            failures=(build_failure(value, value),),
            examples=(value,),
            learnings=Learnings({"works": (value,)}),
            learnings_tokens=1500,
        )
    )[1]["content"]
    assert (text.count(value), text.count(quoted)) == (1, 3)


def sources() -> Iterator[tuple[Path, str]]:
    for folder in ("evolve", "dsl", "prompts"):
        for path in (ROOT / folder).rglob("*.py"):
            yield path, path.read_text("utf-8")


def test_every_file_of_prompts_is_used() -> None:
    code = "".join(text for _, text in sources())
    included = "".join(path.read_text("utf-8") for path in templates.FOLDER.rglob("*.md"))
    names = {path.name for path in templates.FOLDER.iterdir() if path.suffix in (".md", ".evo")}
    assert {"task.md", "language.md", "examples.evo"} < names
    assert {each for each in names if f'"{each}"' not in code + included} == set()
    assert set(templates.list_tasks()) == {
        each.stem for each in (templates.FOLDER / "tasks").iterdir()
    }


def test_no_message_is_written_in_code() -> None:
    contents = [
        value
        for _, text in sources()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant) and key.value == "content"
    ]
    assert len(contents) >= 6
    constants = [each for value in contents for each in ast.walk(value)]
    words = [each.value for each in constants if isinstance(each, ast.Constant)]
    assert not [each for each in words if isinstance(each, str) and " " in each.strip()]
