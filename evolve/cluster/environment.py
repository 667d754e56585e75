"""Environment of a process: what must be equal so that a computation has equal results."""

from __future__ import annotations

import math
import platform
from collections.abc import Mapping
from functools import cache
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("evolve-trading", "numpy", "numba", "llvmlite", "deap")
SOURCES = (".py", ".evo", ".lark")
SAMPLES = 500  # numbers of which the functions are compared


@cache
def describe_environment() -> Mapping[str, str]:
    """Describe this process.

    Returns:
        Versions of Python, the language and the packages; the type of the machine; a hash of the
        source code; a hash of the logarithms and powers that its mathematical library computes,
        which differ in the last bit between some machines of one type.
    """
    from dsl.analysis.program import LANGUAGE_VERSION

    return {
        "Python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "language": LANGUAGE_VERSION,
        **{name: _read_version(name) for name in PACKAGES},
        "source code": _hash_sources(),
        "arithmetic": _hash_arithmetic(),
    }


def describe_difference(found: Mapping[str, str], expected: Mapping[str, str]) -> str:
    """Return how an environment differs from the expected one; empty if it does not."""
    differing = [
        f"{name} is {found.get(name, 'missing')}, expected {value}"
        for name, value in expected.items()
        if found.get(name) != value
    ]
    return "; ".join(differing)


def _read_version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


def _hash_sources() -> str:
    """Hash the modules of the language and of the tool, in the order of their names."""
    import dsl
    import evolve

    total = blake2b(digest_size=6)
    for package in (dsl, evolve):
        root = Path(package.__path__[0])
        for path in sorted(each for each in root.rglob("*") if each.suffix in SOURCES):
            total.update(f"{package.__name__}/{path.relative_to(root).as_posix()}\0".encode())
            total.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return total.hexdigest()


def _hash_arithmetic() -> str:
    """Hash functions of fixed numbers, of the library of the system and of numpy."""
    import numpy as np

    numbers = [(index + 1) * 0.01618033988749895 for index in range(SAMPLES)]
    values = [
        each
        for x in numbers
        for each in (math.log(x), math.exp(-x), math.pow(x, 0.37), math.tanh(x), math.sqrt(x))
    ]
    array = np.array(numbers)
    columns = (
        np.log(array),
        np.exp(-array),
        array**0.37,
        np.cumsum(array),
        array.std(keepdims=True),
    )
    content = np.concatenate([np.array(values), *columns]).astype("<f8").tobytes()
    return blake2b(content, digest_size=6).hexdigest()
