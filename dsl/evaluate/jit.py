"""Compilation of plain functions to machine code, cached on disk."""

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
    """Register a function and its callees of the same package for use in compiled kernels.

    Python code still calls the plain functions.
    """
    _register(function)
    return function


@cache
def _register(function: Callable[..., object]) -> None:
    """Register the callees of a function, then the function, with numba."""
    from numba.extending import register_jitable

    for callee in _list_callees(function):
        _register(callee)
    register_jitable(function)


def _list_callees(function: Callable[..., object]) -> list[Callable[..., object]]:
    """Return the functions of the same package that a function calls."""
    package, _, _ = function.__module__.rpartition(".")
    scope = function.__globals__
    values = [scope[name] for name in function.__code__.co_names if name in scope]
    return [
        each
        for each in values
        if isinstance(each, FunctionType) and each.__module__.startswith(f"{package}.")
    ]


def kernel_cache_dir() -> Path:
    """Return the cache folder of kernels: `NUMBA_CACHE_DIR`, or `kernels` in the cache folder."""
    folder = os.environ.get("NUMBA_CACHE_DIR")
    return Path(folder) if folder else cache_dir() / "kernels"


def is_compiled() -> bool:
    """Return whether the cache contains kernels of these sources."""
    return any(kernel_cache_dir().glob(f"{_digest(Path(__file__).parent)}*/**/*.nbi"))


def can_cache() -> bool:
    """Return whether the cache folder is writable."""
    folder = kernel_cache_dir()
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    return os.access(folder, os.W_OK)


def is_cached(kernel: Callable[..., object]) -> bool:
    """Return whether the cache contains a kernel."""
    return any(_get_folder(kernel).rglob("*.nbi"))


@cache
def _digest(package: Path) -> str:
    """Return the name and the hash of the sources of a package."""
    digest = blake2b(digest_size=8)
    for path in sorted(package.glob("*.py")):
        digest.update(path.read_bytes())
    return f"{package.name}-{digest.hexdigest()}"


@cache
def compile_kernel(kernel: Kernel) -> Kernel:
    """Compile a kernel without fast math and without the GIL; x / 0 is not an error.

    The first call with new argument types compiles the kernel or loads it from the cache.
    """
    import numba

    def compile_kernel(cache: bool) -> Kernel:
        return cast(Kernel, numba.njit(cache=cache, **OPTIONS, nogil=True)(kernel))

    return _compile_cached(compile_kernel, kernel)


def get_address(function: Callable[..., None], signature: Any, kernel: Callable[..., None]) -> int:
    """Return the address of a compiled function.

    Args:
        function: function to compile, a closure over the kernel.
        signature: numba signature of C types.
        kernel: kernel of which the sources determine the cache folder.
    """
    import numba

    def compile_function(cache: bool) -> Any:
        return numba.cfunc(signature, cache=cache, **OPTIONS)(function)

    callback = _compile_cached(compile_function, kernel)
    _callbacks.append(callback)
    return int(callback.address)


_callbacks: list[Any] = []  # references, because the code is freed with its callback


def _get_folder(kernel: Callable[..., object]) -> Path:
    """Return the cache folder of a kernel, by its sources, those of this package and its name.

    Each kernel has its own folder: numba numbers the files of a folder, and two processes that
    write at the same time could choose the same number.
    """
    packages = [Path(__file__).parent, Path(kernel.__code__.co_filename).parent]
    sources = "-".join(dict.fromkeys(map(_digest, packages)))
    return kernel_cache_dir() / sources / f"{kernel.__module__}.{kernel.__qualname__}"


def _compile_cached(compile_: Callable[[bool], Result], kernel: Callable[..., object]) -> Result:
    """Compile a kernel with the disk cache, or in memory only if the cache is not writable."""
    import numba

    folder = _get_folder(kernel)
    previous = numba.config.CACHE_DIR
    try:
        folder.mkdir(parents=True, exist_ok=True)
        numba.config.CACHE_DIR = str(folder)
        return compile_(True)
    except (OSError, RuntimeError):
        return compile_(False)
    finally:
        numba.config.CACHE_DIR = previous
