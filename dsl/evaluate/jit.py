"""Plain functions to machine code, kept on disk so that a machine compiles each once."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from hashlib import blake2b
from pathlib import Path
from types import FunctionType
from typing import Any, TypeVar, cast

from dsl.cache_dir import cache_dir

Kernel = TypeVar("Kernel", bound=Callable[..., object])
Result = TypeVar("Result")

OPTIONS: dict[str, Any] = {"error_model": "numpy"}  # x / 0 is not an error


def jitable(function: Kernel) -> Kernel:
    """Mark a function, and those of its package that it calls, for use in compiled kernels.

    Python code still calls the plain functions.
    """
    _register(function)
    return function


@cache
def _register(function: Callable[..., object]) -> None:
    """Register the functions that a function calls, then the function, with numba."""
    from numba.extending import register_jitable

    for called in _called_by(function):
        _register(called)
    register_jitable(function)


def _called_by(function: Callable[..., object]) -> list[Callable[..., object]]:
    """Return the functions of the same package that a function calls by name."""
    package, _, _ = function.__module__.rpartition(".")
    known = function.__globals__
    named = [known[name] for name in function.__code__.co_names if name in known]
    return [
        each
        for each in named
        if isinstance(each, FunctionType) and each.__module__.startswith(f"{package}.")
    ]


def kernel_cache_dir() -> Path:
    """Where compiled kernels are kept: `NUMBA_CACHE_DIR`, or `kernels` in the tool's home."""
    given = os.environ.get("NUMBA_CACHE_DIR")
    return Path(given) if given else cache_dir() / "kernels"


def is_compiled() -> bool:
    """Whether this machine has compiled kernels of these sources before."""
    return any(kernel_cache_dir().glob(f"{_digest(Path(__file__).parent)}*/**/*.nbi"))


def can_cache() -> bool:
    """Whether what is compiled can be written down."""
    folder = kernel_cache_dir()
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    return os.access(folder, os.W_OK)


def is_cached(kernel: Callable[..., object]) -> bool:
    """Whether a kernel was compiled on this machine before."""
    return any(_folder(kernel).rglob("*.nbi"))


@cache
def _digest(package: Path) -> str:
    """Of the sources of a package: what was compiled from other sources is not used."""
    digest = blake2b(digest_size=8)
    for path in sorted(package.glob("*.py")):
        digest.update(path.read_bytes())
    return f"{package.name}-{digest.hexdigest()}"


@cache
def compiled(kernel: Kernel) -> Kernel:
    """The kernel compiled: NaN-safe (no fast maths), without the GIL, x / 0 is not an error.

    The first call with given argument types compiles, or loads what was compiled before.
    """
    import numba

    def make(keeps: bool) -> Kernel:
        return cast(Kernel, numba.njit(cache=keeps, **OPTIONS, nogil=True)(kernel))

    return _cached(make, kernel)


def get_address(function: Callable[..., None], signature: Any, kernel: Callable[..., None]) -> int:
    """Where a function begins in memory, compiled in the same way for one signature.

    Args:
        function: what is called; it closes over the kernel.
        signature: numba's, of C types.
        kernel: what has sources of its own.
    """
    import numba

    def make(keeps: bool) -> Any:
        return numba.cfunc(signature, cache=keeps, **OPTIONS)(function)

    made = _cached(make, kernel)
    _addressed.append(made)
    return int(made.address)


_addressed: list[Any] = []  # code is there for as long as what it was compiled as


def _folder(kernel: Callable[..., object]) -> Path:
    """Where what is compiled of a kernel is kept: by its sources and ours, and its name.

    No other's is there: numba numbers what is in a folder, and two processes that add something
    at once may take the same number.
    """
    packages = [Path(__file__).parent, Path(kernel.__code__.co_filename).parent]
    sources = "-".join(dict.fromkeys(map(_digest, packages)))
    return kernel_cache_dir() / sources / f"{kernel.__module__}.{kernel.__qualname__}"


def _cached(make: Callable[[bool], Result], kernel: Callable[..., object]) -> Result:
    """What is compiled of a kernel, kept on disk; in memory if it cannot be written."""
    import numba

    folder = _folder(kernel)
    others = numba.config.CACHE_DIR
    try:
        folder.mkdir(parents=True, exist_ok=True)
        numba.config.CACHE_DIR = str(folder)
        return make(True)
    except (OSError, RuntimeError):
        return make(False)
    finally:
        numba.config.CACHE_DIR = others
