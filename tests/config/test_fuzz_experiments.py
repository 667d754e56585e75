"""Random mutations of the example experiments end in an experiment or in an error."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dsl.diagnostics import LanguageError
from evolve.config.load import parse_experiment, to_yaml
from evolve.errors import EvolveError
from evolve.experiment.plan import read_plan

FOLDER = Path(__file__).parents[2] / "experiments"
FEW, MANY, ALL = 200, 2_000, 10_000
MAX_MESSAGE_CHARACTERS = 100_000
SCALARS = (
    "true", "false", "null", "~", "", "off", "on", "yes", "auto", "all", "none", "0", "1", "-1",
    "20", "2000", "20000131", "864000", "1e3", "1e999", "-1e999", ".inf", "-.inf", ".nan", "0x1F",
    "0o17", "9" * 19, "9" * 400, "9" * 5000, "1" + "0" * 299, "20%", "120%", "-5%", "%", "0%",
    "2015-01-01", "2015-13-45", "2262-01-01", "0000-00-00", "2015-01-01T12:00:00", "12:30",
    "yahoo:SPY", "sample:stocks", "csv:/dev/null", "/dev/zero", "..", "strategies/sma_cross.evo",
    "sma", "crossover", "llm", "[]", "{}", "[1, [2, [3]]]", "{a: {b: 1}}", "[x, x]", "{x: true}",
    "&a 1", "*a", "&a [*a]", "!!python/name:os.system x", "!!binary eA==", "!x y", "<<: *a",
    "|\n  x\n", "'", '"', "'x'", '"\\0"', '"\\ud800"', '"\\e[31m"', "\x00", "\x1b[31m",
    "\u202e", "\ud800", "\U0001f600", "${OPENAI_API_KEY}", "${EVOLVE_X}", "${EVOLVE_X:-7}", "- x",
    "? x", "[" * 60, "{a: " * 60, "x" * 3000, "é" * 50, "date", "int", "str", "list[str]",
    "{[x]: 1}", "{1: 2}", "{? [x] : 1}",
)  # fmt: skip


def mutate_text(text: str, rng: random.Random) -> str:
    """Change some lines, words or characters of a YAML text."""
    for _ in range(rng.randint(1, 4)):
        kind, at = rng.randrange(8), rng.randrange(len(text) + 1)
        lines = text.split("\n")
        row = rng.randrange(len(lines))
        if kind == 0:  # another value behind a colon
            colons = [i for i, each in enumerate(text) if each == ":"] or [0]
            at = rng.choice(colons)
            end = min([i for i in (text.find(each, at) for each in ",}\n") if i >= 0] or [at])
            text = f"{text[: at + 1]} {rng.choice(SCALARS)}{text[end:]}"
        elif kind == 1:  # an inserted value
            text = text[:at] + rng.choice(SCALARS) + text[at:]
        elif kind == 2:  # a misspelled key
            text = text[:at] + text[at + 1 :]
        elif kind == 3:  # another nesting
            lines[row] = " " * rng.randrange(5) + lines[row].lstrip()
            text = "\n".join(lines)
        elif kind == 4:  # a line twice, or in another place
            lines.insert(rng.randrange(len(lines)), lines[row])
            text = "\n".join(lines)
        elif kind == 5:  # a missing line
            text = "\n".join(lines[:row] + lines[row + 1 :])
        elif kind == 6:  # the end is missing
            text = text[:at] if rng.random() < 0.1 else text
        else:  # another character
            text = (
                text[:at] + chr(rng.choice((0, 9, 13, 34, 39, 58, 91, 123, 233))) + text[at + 1 :]
            )
    return text


def mutate_data(text: str, rng: random.Random) -> str:
    """Replace some values of the data of a YAML text, at any depth."""
    data = yaml.load(text, yaml.BaseLoader)
    for _ in range(rng.randint(1, 3)):
        spots = list(list_spots(data))
        here, key = rng.choice(spots)
        kind = rng.randrange(4)
        other, inner = rng.choice(spots)
        if kind == 0:
            here[key] = rng.choice([True, 20, 0, -1.5, None, 10**400, "x\x07", [], {}, [[1]]])
        elif kind == 1:
            here[key] = other[inner] if not isinstance(other[inner], (dict, list)) else str(inner)
        elif kind == 2 and isinstance(here, dict):
            here[f"{key}{rng.choice('sx_')}"] = here.pop(key)
        else:
            here[key] = {str(key): here[key]} if rng.random() < 0.5 else [here[key]]
    return yaml.safe_dump(data)


def list_spots(data: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each container of YAML data with each of its keys."""
    items = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in list(items):
        yield data, key
        if isinstance(value, dict | list) and value:
            yield from list_spots(value)


def fuzz(count: int, folder: Path) -> tuple[int, int]:
    """Read mutated experiments; return the numbers of experiments and of errors."""
    shutil.copytree(FOLDER, folder / "experiments")
    texts = [path.read_text("utf-8") for path in sorted(FOLDER.glob("*.yaml"))]
    path = folder / "experiments" / "mutated.yaml"
    valid = 0
    for seed in range(count):
        rng = random.Random(seed)
        text = rng.choice(texts)
        mutated = mutate_text(text, rng) if rng.random() < 0.7 else mutate_data(text, rng)
        path.write_bytes(mutated.encode("utf-8", "surrogatepass"))
        try:
            experiment = read_plan(path).experiment
        except (EvolveError, LanguageError) as error:
            message = str(error)
            assert message, seed
            assert len(message) < MAX_MESSAGE_CHARACTERS, seed
            assert "\x1b" not in message, seed
            continue
        assert parse_experiment(to_yaml(experiment), "again.yaml") == experiment, seed
        valid += 1
    return valid, count - valid


def test_mutated_experiments_end_in_an_experiment_or_an_error(tmp_path: Path) -> None:
    valid, errors = fuzz(FEW, tmp_path)
    assert valid > FEW / 20
    assert errors > FEW / 3


@pytest.mark.parametrize(
    "count", [pytest.param(MANY, marks=pytest.mark.slow), pytest.param(ALL, marks=pytest.mark.soak)]
)
def test_many_mutated_experiments_end_in_an_experiment_or_an_error(
    count: int, tmp_path: Path
) -> None:
    valid, errors = fuzz(count, tmp_path)
    assert valid > count / 20
    assert errors > count / 3
