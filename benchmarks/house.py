"""Structure and prose of the code: packages, imports, lengths, parameters, docstrings, words.

`--root` measures another checkout, so that two states are compared by the same rules.
"""

from __future__ import annotations

import argparse
import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from report import report

PACKAGES = ("dsl", "evolve")
BANNED = (
    "said", "says", "told", "stands", "kept", "made", "anew", "afresh", "lest", "nought",
    "whatever", "so many", "one's own", "by itself",
)  # fmt: skip
VERBS = frozenset(Path(__file__).with_name("verbs.txt").read_text("utf-8").split())


@dataclass
class House:
    """Figures of a source tree.

    Attributes:
        packages: second-level packages and modules, such as `dsl.syntax`.
        imports: pairs of an importing and an imported package.
        files, functions: lines by name.
        parameters: number of parameters by function, without `self`.
        docstrings: docstrings of functions that are no properties.
        callbacks: number of parameters that are callables.
    """

    packages: set[str] = field(default_factory=set)
    imports: set[tuple[str, str]] = field(default_factory=set)
    files: dict[str, int] = field(default_factory=dict)
    functions: dict[str, int] = field(default_factory=dict)
    parameters: dict[str, int] = field(default_factory=dict)
    docstrings: list[str] = field(default_factory=list)
    callbacks: int = 0


def get_package(module: str) -> str:
    """Return the second-level package of a module; the module if it has none."""
    parts = module.split(".")
    return ".".join(parts[:2])


def measure(root: Path) -> House:
    """Measure the packages below a root."""
    house = House()
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            text = path.read_text("utf-8")
            module = ".".join(path.relative_to(root).with_suffix("").parts)
            module = module.removesuffix(".__init__")
            house.files[str(path.relative_to(root))] = len(text.splitlines())
            if module != package:
                house.packages.add(get_package(module))
            _measure_module(house, module, ast.parse(text))
    return house


def _measure_module(house: House, module: str, tree: ast.Module) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            target = get_package(node.module)
            if node.module.split(".")[0] in PACKAGES and target != get_package(module):
                house.imports.add((get_package(module), target))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            name = f"{module}.{node.name}"
            house.functions[name] = (node.end_lineno or 0) - node.lineno + 1
            names = [each.arg for each in (*node.args.posonlyargs, *node.args.args)]
            names += [each.arg for each in node.args.kwonlyargs]
            house.parameters[name] = len(names) - (names[:1] in (["self"], ["cls"]))
            annotations = [each.annotation for each in node.args.args if each.annotation]
            house.callbacks += sum("Callable" in ast.dump(each) for each in annotations)
            is_property = any("property" in ast.dump(each) for each in node.decorator_list)
            docstring = ast.get_docstring(node)
            if docstring and not is_property:
                house.docstrings.append(docstring)


def begins_with_verb(docstring: str) -> bool:
    """Return whether the first word is an imperative verb."""
    word = re.split(r"\W", docstring.strip(), maxsplit=1)[0].lower()
    return word in VERBS


def read_prose(root: Path) -> Iterator[str]:
    """Yield the names, comments, strings and documents of a checkout, in lower case."""
    for pattern in ("dsl/**/*.py", "evolve/**/*.py", "tests/**/*.py", "benchmarks/**/*.py"):
        for path in root.glob(pattern):
            if path.resolve() == Path(__file__).resolve():
                continue
            tokens = tokenize.generate_tokens(io.StringIO(path.read_text("utf-8")).readline)
            kinds = (tokenize.COMMENT, tokenize.STRING, tokenize.NAME)
            yield " ".join(each.string.replace("_", " ") for each in tokens if each.type in kinds)
    for pattern in ("*.md", "docs/**/*.md", "benchmarks/*.md", "prompts/**/*.md", "dsl/**/*.evo"):
        for path in root.glob(pattern):
            yield path.read_text("utf-8")


def count_banned(root: Path) -> dict[str, int]:
    """Return the number of occurrences of each banned word or phrase."""
    text = "\n".join(read_prose(root)).lower()
    return {each: len(re.findall(rf"\b{re.escape(each)}\b", text)) for each in BANNED}


def main() -> None:
    """Print the figures of a checkout."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", type=Path, default=Path(__file__).parents[1])
    root = parser.parse_args().root.resolve()
    house = measure(root)
    longest_file = max(house.files, key=house.files.__getitem__)
    longest_function = max(house.functions, key=house.functions.__getitem__)
    banned = count_banned(root)
    tests = sum(len(path.read_text("utf-8").splitlines()) for path in root.glob("tests/**/*.py"))
    report(
        "house",
        packages={each: sum(p.startswith(f"{each}.") for p in house.packages) for each in PACKAGES},
        imports={
            "within dsl": sum(a.startswith("dsl.") for a, _ in house.imports),
            "within evolve": sum(
                a.startswith("evolve.") and b.startswith("evolve.") for a, b in house.imports
            ),
            "evolve to dsl": sum(
                a.startswith("evolve.") and b.startswith("dsl.") for a, b in house.imports
            ),
        },
        loose_modules={
            each: sum(1 for path in (root / each).glob("*.py") if path.stem != "__init__")
            for each in PACKAGES
        },
        files=len(house.files),
        lines=sum(house.files.values()),
        test_lines=tests,
        longest_file=[longest_file, house.files[longest_file]],
        files_over_300=sum(each > 300 for each in house.files.values()),
        longest_function=[longest_function, house.functions[longest_function]],
        functions_over_6_parameters=sorted(
            name for name, count in house.parameters.items() if count > 6
        ),
        callback_parameters=house.callbacks,
        docstrings_with_a_verb=round(
            sum(map(begins_with_verb, house.docstrings)) / len(house.docstrings), 3
        ),
        banned=sum(banned.values()),
        banned_words=banned,
    )


if __name__ == "__main__":
    main()
