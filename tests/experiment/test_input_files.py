"""Files that an experiment names: inside of its folder, unless the command line names them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from evolve.errors import EvolveError
from evolve.experiment.input_files import MAX_TEMPLATES, InputFiles, expand_user, resolve_path
from evolve.experiment.plan import read_plan
from evolve.experiment.run import run
from tests.command_line import invoke
from tests.llm.scripted import GOOD, say, serving

pytestmark = pytest.mark.usefixtures("own_home")
SECRET = "the-secret-of-the-user"
STRATEGY = "strategy mine { buy when close > sma(close, 7) sell when close < sma(close, 9) }\n"
OPERATOR = 'define mine(x: number) -> like x about "mean" = sma(x, 7)\n'
MINIMAL = "name: x\ndata: {from: 'synthetic:walk?seed=1&bars=700'}\n"
SETTINGS = {
    "llm.learnings": "llm: {{learnings: '{}'}}\n",
    "llm.prompts": "llm: {{prompts: '{}'}}\n",
    "start_from": "llm: {{models: [{{name: m, base_url: 'http://x.example/v1'}}]}}\n"
    "start_from: ['{}']\n",
    "language.include": "language: {{include: ['{}']}}\n",
}
NAMES = {
    "llm.learnings": "learnings.md", "llm.prompts": "prompts", "start_from": "mine.evo",
    "language.include": "mine_ops.evo",
}  # fmt: skip
Folders = tuple[Path, Path]


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folders:
    """Return the folder of the experiment, and one of the user with a file for each setting."""
    inside, outside = tmp_path / "experiment", tmp_path / "user"
    for folder in (inside, outside):
        (folder / "prompts" / "tasks").mkdir(parents=True)
        (folder / "learnings.md").write_text(f"# Learnings\n\n- {SECRET}\n")
        (folder / "prompts" / "tasks" / "calm.md").write_text(f"Trade less. {SECRET}\n")
        (folder / "mine.evo").write_text(STRATEGY)
        (folder / "mine_ops.evo").write_text(OPERATOR)
    monkeypatch.chdir(outside)
    monkeypatch.setenv("HOME", str(outside))
    return inside, outside


def write(folder: Path, setting: str, name: str | Path) -> Path:
    path = folder / "x.yaml"
    path.write_text(MINIMAL + SETTINGS[setting].format(name))
    return path


def refusal(folder: Path, setting: str, name: str | Path) -> EvolveError:
    with pytest.raises(EvolveError) as caught:
        read_plan(write(folder, setting, name))
    return caught.value


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_file_outside_of_the_folder_is_refused(setting: str, folders: Folders) -> None:
    inside, outside = folders
    name = NAMES[setting]
    (inside / "link").symlink_to(outside / name)
    (inside / "linked").symlink_to(outside)
    spellings: list[str | Path] = [
        outside / name, f"../user/{name}", "link", f"linked/{name}", f"~/{name}",
        f"./linked/../linked/{name}",
    ]  # fmt: skip
    for spelling in spellings:
        error = refusal(inside, setting, spelling)
        expected = f"{setting}: {spelling} is outside of the folder of the experiment: {inside}"
        assert error.message == expected
        value = f"[{spelling}]" if setting in ("start_from", "language.include") else spelling
        hint = f"copy it there, or give it on the command line: --set '{setting}={value}'"
        assert error.hint == hint
        assert SECRET not in str(error)


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_file_inside_of_the_folder_or_on_the_command_line_is_read(
    setting: str, folders: Folders
) -> None:
    inside, outside = folders
    name = NAMES[setting]
    (inside / "link").symlink_to(inside / name)
    (inside.parent / "other").symlink_to(inside)
    for path in (inside / "x.yaml", inside.parent / "other" / "x.yaml"):
        for spelling in (name, f"./{name}", f"../experiment/{name}", inside / name, "link"):
            write(inside, setting, spelling)
            assert read_plan(path)
    (inside / name).rename(inside / "moved")
    path = write(inside, setting, outside / name)
    for spelling in (outside / name, name, f"../user/{name}", f"~/{name}"):
        value = f"[{spelling}]" if setting in ("start_from", "language.include") else spelling
        assert read_plan(path, [f"{setting}={value}"])
    with pytest.raises(EvolveError, match="outside of the folder"):
        read_plan(path, ["seed=3", "name=y"])


def test_a_template_that_links_out_of_the_folder_is_refused(folders: Folders) -> None:
    inside, outside = folders
    for name in ("task.md", "tasks/link.md", ".hidden", "sub"):
        link = inside / "prompts" / name
        link.symlink_to(outside if name == "sub" else outside / "learnings.md")
        error = refusal(inside, "llm.prompts", "prompts")
        assert "is outside of the folder of the exp" in error.message or "link out" in error.message
        if name != "tasks/link.md":  # a task is read at once, and no template may be such a link
            assert read_plan(inside / "x.yaml", [f"llm.prompts={inside / 'prompts'}"])
        link.unlink()
    assert read_plan(inside / "x.yaml")
    for number in range(MAX_TEMPLATES):
        (inside / "prompts" / f"{number}.md").touch()
    error = refusal(inside, "llm.prompts", "prompts")
    assert error.message == f"llm.prompts: more than 500 files in {inside / 'prompts'}"


@pytest.mark.parametrize("setting", ["llm.learnings", "llm.prompts"])
def test_no_prompt_has_a_file_of_the_user(setting: str, folders: Folders) -> None:
    inside, outside = folders
    path = write(inside, setting, outside / NAMES[setting])
    task = ("--task", "calm") if setting == "llm.prompts" else ()
    refused = invoke("prompt", str(path), *task, status=1)
    assert SECRET not in refused.out + refused.err
    allowed = invoke("prompt", str(path), "--set", f"{setting}={outside / NAMES[setting]}", *task)
    assert SECRET in allowed.out


@pytest.mark.parametrize("text", ["", "root:x:0:0:root:/root:/bin/sh\n"])
def test_the_text_of_an_invalid_file_does_not_reach_a_model(text: str, folders: Folders) -> None:
    inside, _ = folders
    for setting in ("start_from", "language.include"):
        (inside / "invalid.evo").write_text(text + f"# {SECRET}\n" + "strategy {")
        path = write(inside, setting, "invalid.evo")
        with serving([say(GOOD)]) as server:
            models = f"llm.models=[{{name: m, base_url: '{server.url}'}}]"
            invoke("run", str(path), "--set", models, "--out", "run", status=1)
        assert server.bodies == []


def test_a_run_folder_has_all_files_that_its_experiment_names(folders: Folders) -> None:
    inside, outside = folders
    path = inside / "x.yaml"
    path.write_text(
        MINIMAL + "budget: {evaluations: 20}\nvalidate: {null_runs: 0}\nstart_from: [mine.evo]\n"
        "language: {include: [mine_ops.evo]}\nsearch: {population: 10}\n"
    )
    sets = [f"llm.learnings={outside / 'learnings.md'}", f"llm.prompts={outside / 'prompts'}"]
    folder = run(path, sets, out=outside / "run").folder
    for each in (inside, outside / "prompts"):
        each.rename(f"{each}-moved")
    plan = read_plan(folder / "experiment.yaml")
    assert SECRET in str(plan.assets.learnings)
    assert "calm" in plan.assets.tasks
    assert plan.experiment.llm.learnings == "inputs/learnings/learnings.md"
    assert [each.name for each in plan.start_from] == ["mine"]
    again = run(folder / "experiment.yaml", out=outside / "again").folder
    for name in ("best.evo", "inputs/prompts/tasks/calm.md", "inputs/learnings/learnings.md"):
        assert (again / name).read_bytes() == (folder / name).read_bytes()


def test_a_path_without_a_home_folder_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for setting in SETTINGS:
        error = refusal(tmp_path, setting, "~no-such-user/x")
        assert error.message == "no home folder for the path ~no-such-user/x"
        assert error.hint == "write the path without `~`"
    with pytest.raises(EvolveError, match="no home folder for the path ~no-such-user"):
        resolve_path("~no-such-user", tmp_path)
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)  # as KeyError of an unknown user
    with pytest.raises(EvolveError, match="no home folder for the path ~/x"):
        expand_user("~/x")


def test_an_invalid_path_is_refused(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    files = InputFiles(tmp_path)
    for name in ("loop", "a\0b"):
        with pytest.raises(EvolveError, match=r"^llm\.learnings: invalid path "):
            files.locate("llm.learnings", name)
    (tmp_path / "x.yaml").write_text(MINIMAL + f"start_from: [{'x' * 5000}]\n")
    with pytest.raises(EvolveError, match=r"start_from: cannot read .*File name too long$"):
        read_plan(tmp_path / "x.yaml")
    assert files.locate("llm.learnings", os.fsdecode(b"\xff.md")).parent == tmp_path


@pytest.mark.parametrize("name", ["blog", "etfs", "quick", "spy"])
def test_the_experiments_of_this_project_name_files_in_their_folder(name: str) -> None:
    folder = Path(__file__).parents[2] / "experiments"
    assert read_plan(folder / f"{name}.yaml").start_from


@pytest.mark.parametrize(
    ("more", "is_read"),
    [
        ("", True),
        ("llm: {models: [{name: m}]}\n", True),
        ("llm: {models: [{name: m, base_url: 'http://x.example/v1'}]}\n", False),
    ],
)
def test_a_strategy_of_the_user_goes_to_no_server_that_an_experiment_names(
    more: str, is_read: bool, folders: Folders
) -> None:
    inside, _ = folders
    path = inside / "x.yaml"
    path.write_text(MINIMAL + more + "start_from: [../user/mine.evo]\n")
    if not is_read:
        with pytest.raises(EvolveError, match="outside of the folder"):
            read_plan(path)
        return
    assert [each.name for each in read_plan(path).start_from] == ["mine"]
    (inside / ".env").write_text("OPENAI_BASE_URL=http://x.example/v1\n")
    with pytest.raises(EvolveError, match="outside of the folder"):
        read_plan(path)
