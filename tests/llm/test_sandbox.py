"""Untrusted templates: each is refused, or its time and memory are bounded."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path

import pytest

from evolve.errors import EvolveError
from evolve.llm.prompt.sandbox import MAX_RENDERED_CHARACTERS, MAX_TEMPLATE_BYTES
from evolve.llm.prompt.templates import FOLDER, PromptError, list_tasks, render
from tests.params import thin_out

VALUES = {
    "text": "ab" * 1000,
    "numbers": list(range(1000)),
    "scores": {"sharpe": 1.5, "nodes": 7},
    "base": {"name": "p1"},
}
REFUSED = {
    "range": "{% for i in range(10**9) %}x{% endfor %}",
    "range without power": "{% for i in range(1000000000) %}{% endfor %}",
    "repeated text": '{{ "a" * 1000000000 }}',
    "repeated list": "{{ [0] * 1000000000 }}",
    "center": '{{ "x".center(1000000000) }}',
    "center filter": '{{ "x" | center(1000000000) }}',
    "power": "{{ 9**9**9 }}",
    "modulo": '{{ "%1000000000d" % 1 }}',
    "format method": '{{ "{:1000000000}".format(1) }}',
    "format filter": '{{ "%1000000000d" | format(1) }}',
    "indent": "{{ text | indent(100000000) }}",
    "round": "{{ 1.5 | round(1000000000, 'ceil') }}",
    "wordwrap": "{{ text | wordwrap(1) }}",
    "macro": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "set": "{% set x = text %}{% set x = x + x %}{{ x }}",
    "namespace": "{% set ns = namespace(x='a') %}",
    "recursive loop": "{% for x in numbers recursive %}{{ loop(numbers) }}{% endfor %}",
    "call of loop": "{% for x in numbers %}{{ loop.cycle(1, 2) }}{% endfor %}",
    "import": "{% import 'chat.md' as c %}",
    "from": "{% from 'chat.md' import c %}",
    "extends": "{% extends 'chat.md' %}",
    "block": "{% block b %}{{ self.b() }}{% endblock %}",
    "filter block": "{% filter replace('a', 'aa') %}{{ text }}{% endfilter %}",
    "call block": "{% call x() %}{% endcall %}",
    "with": "{% with x = text %}{{ x }}{% endwith %}",
    "include of itself": "{% include 'chat.md' %}",
    "include in a loop": "{% for x in numbers %}{% include 'language.md' %}{% endfor %}",
    "include of an include": "{% include 'system.md' %}",
    "include of a variable": "{% include base.name %}",
    "include of a list": "{% include ['language.md'] %}",
    "include without context": "{% include 'language.md' without context %}",
    "many includes": "{% include 'probe.md' %}" * 9,
    "digits": "{{ 0.5 | percent(1000000000) }}",
    "hidden name": "{{ _budget }}",
    "hidden filter": "{{ text | counted(1) }}",
    "hidden attribute": "{{ base._x }}",
    "concatenation": "{{ text ~ text }}",
    "sequence test": "{{ text is divisibleby 3 }}",
    "list of lists": "{{ [text] + [text] }}",
    "deep expression": "{{ " + "(" * 20_000 + "1" + ")" * 20_000 + " }}",
    "deep negation": "{{ " + "not " * 10_000 + "1 }}",
    "deep subscripts": "{{ " + "base[" * 150 + "'name'" + "]" * 150 + " }}",
    "deep attributes": "{{ base" + ".name" * 10_000 + " }}",
    "deep loops": "{% for x in numbers %}" * 30 + "{% endfor %}" * 30,
    "deep conditions": "{% if base %}" * 300 + "{% endif %}" * 300,
    "large": "x" * (MAX_TEMPLATE_BYTES + 1),
    "not text": "\udcff",
}
BOUNDED = {
    "nested loops": "{% for a in numbers %}{% for b in numbers %}"
    "{% for c in numbers %}{% endfor %}{% endfor %}{% endfor %}",
    "loops over text": "{% for a in text %}{% for b in text %}{% endfor %}{% endfor %}",
    "long body": "{% for a in numbers %}" + "{{ base.name }}" * 1000 + "{% endfor %}",
    "long output": "{% for a in numbers %}" + "x" * 30_000 + "{% endfor %}",
    "replace": "{{ text" + " | replace('a', 'aaaa')" * 40 + " }}",
    "replace of nothing": "{{ text" + " | replace('', 'aaaa')" * 40 + " }}",
    "join": "{{ text" + " | join('aaaaaaaaaa')" * 40 + " }}",
    "sum": "{{ " + " + ".join(["(text | replace('a', '" + "b" * 900 + "'))"] * 30) + " }}",
    "texts without output": "{% for a in numbers %}{% if (text | capitalize) == (text | "
    "replace('a', 'b')) %}{% endif %}{% endfor %}",
}


def rendered(folder: Path, text: str) -> str:
    (folder / "chat.md").write_bytes(text.encode("utf-8", "surrogateescape"))
    return render("chat.md", folder, **VALUES)


@pytest.mark.parametrize("name", REFUSED)
def test_a_template_is_refused_by_its_syntax(tmp_path: Path, name: str) -> None:
    with pytest.raises(PromptError, match=r"chat\.md") as caught:
        rendered(tmp_path, REFUSED[name])
    assert len(caught.value.message) < 3000


@pytest.mark.slow
@pytest.mark.parametrize("name", thin_out(BOUNDED, 2))
def test_the_work_of_a_template_is_bounded(tmp_path: Path, name: str) -> None:
    tracemalloc.start()
    with pytest.raises(PromptError, match=r"chat\.md.*(loops too often|characters of text)"):
        rendered(tmp_path, BOUNDED[name])
    assert tracemalloc.get_traced_memory()[1] < 40 * MAX_RENDERED_CHARACTERS
    tracemalloc.stop()


def test_a_refusal_names_the_file_the_line_and_what_is_allowed(tmp_path: Path) -> None:
    with pytest.raises(PromptError) as caught:
        rendered(tmp_path, "a\nb\n{{ 2 ** 9 }}")
    assert f"{tmp_path}: chat.md, line 3: " in caught.value.message
    assert "`pow` is not allowed" in caught.value.message
    assert "filters capitalize, first, join, last, length, percent, plain, replace" in (
        caught.value.message
    )


def test_what_the_default_templates_use_is_allowed(tmp_path: Path) -> None:
    text = (
        "{% for name, score in scores.items() %}{{ name }} {{ score | plain }}"
        "{{ ', ' if not loop.last }}{% endfor %}; {{ numbers[-2:] | join('/') }}; "
        "{% if text is not none and 'ab' in text %}{{ 0.25 | percent(0) }}{% else %}-{% endif %}; "
        "{{ 1 + 2 - 3 / 4 }} {{ base.name | replace('p', 'q') | capitalize }}"
        "{% raw %} {{ raw }}{% endraw %}{# comment #}"
    )
    assert rendered(tmp_path, text) == ("sharpe 1.5, nodes 7; 998/999; 25%; 2.25 Q1 {{ raw }}")


def test_the_default_templates_are_accepted_as_those_of_a_user(tmp_path: Path) -> None:
    for path in FOLDER.rglob("*.md"):
        target = tmp_path / path.relative_to(FOLDER)
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(path.read_bytes())
    assert list_tasks(tmp_path) == list_tasks()
    assert render("chat.md", tmp_path) == render("chat.md")


def test_a_task_is_checked_when_it_is_listed(tmp_path: Path) -> None:
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "mine.md").write_text("a\n{{ 2 * 2 }}", "utf-8")
    with pytest.raises(PromptError, match=r"tasks/mine\.md, line 2: `mul` is not allowed"):
        list_tasks(tmp_path)
    (tmp_path / "tasks" / "mine.md").write_text("{# parents: " + "9" * 5000 + " #}", "utf-8")
    with pytest.raises(PromptError, match=r"mine\.md, line 1: expected `parents: N`"):
        list_tasks(tmp_path)


def test_a_template_is_a_regular_file_in_its_folder(tmp_path: Path) -> None:
    folder, secret = tmp_path / "prompts", tmp_path / "secret.md"
    folder.mkdir()
    secret.write_text("secret", "utf-8")
    os.mkfifo(folder / "probe.md")
    (folder / "tool.md").mkdir()
    (folder / "json.md").symlink_to(secret)
    (folder / "ask.md").symlink_to(tmp_path / "nothing")
    (folder / "repair.md").write_text("{% include '../secret.md' %}", "utf-8")
    for name, reason in {
        "probe.md": "expected a regular file, found a pipe",
        "tool.md": "Is a directory",
        "json.md": "it is a link out of its folder",
        "ask.md": "it is a link out of its folder",
        "repair.md": "secret.md",
    }.items():
        with pytest.raises(EvolveError) as caught:
            render(name, folder)
        assert reason in caught.value.message
