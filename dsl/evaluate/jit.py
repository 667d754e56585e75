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

from dsl.cache_dir import cache_dir, create_private, find_foreign_writer

Kernel = TypeVar("Kernel", bound=Callable[..., object])

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
    """Return whether the cache contains kernels of these sources, and may be used."""
    return can_cache() and any(kernel_cache_dir().glob(f"{_digest_here()}*/**/*.nbi"))


def can_cache() -> bool:
    """Return whether compiled kernels can be cached."""
    return not find_cache_problem()


def find_cache_problem() -> str:
    """Return why kernels are not cached; empty if they are.

    Cached kernels are code, so a cache that other users may write is not used.
    """
    try:
        return _find_problem(kernel_cache_dir())
    except OSError as error:
        return str(error)


@cache
def _find_problem(root: Path) -> str:
    with suppress(OSError):
        create_private(root)
    if not os.access(root, os.W_OK):
        return f"cannot write {root}"
    try:
        problem = find_foreign_writer(root, f"{_digest_here()}*")
    except OSError as error:
        return f"cannot read {error.filename or root}"
    hint = "set NUMBA_CACHE_DIR to a new folder that only you may write"
    return f"{problem}; {hint}" if problem else ""


def is_cached(kernel: Callable[..., object]) -> bool:
    """Return whether the cache contains a kernel."""
    return can_cache() and any(_get_folder(kernel).rglob("*.nbi"))


def _digest_here() -> str:
    return _digest(Path(__file__).parent)


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

    compiled = numba.njit(**OPTIONS, nogil=True)(kernel)
    if (cache := _open_cache(kernel, kernel)) is not None:
        compiled._cache = cache
    return cast(Kernel, compiled)


def get_address(function: Callable[..., None], signature: Any, kernel: Callable[..., None]) -> int:
    """Return the address of a compiled function.

    Args:
        function: function to compile, a closure over the kernel.
        signature: numba signature of C types.
        kernel: kernel of which the sources determine the cache folder.
    """
    from numba.core.ccallback import CFunc
    from numba.core.sigutils import normalize_signature

    callback: Any = CFunc(function, normalize_signature(signature), locals={}, options=OPTIONS)
    if (cache := _open_cache(function, kernel)) is not None:
        callback._cache = cache
    callback.compile()
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


def _open_cache(function: Callable[..., object], kernel: Callable[..., object]) -> Any:
    """Return the cache of a function in the folder of a kernel; None if it is not cached."""
    from dsl.evaluate.kernel_cache import open_kernel_cache

    if not can_cache():
        return None
    folder = _get_folder(kernel)
    with suppress(OSError):
        create_private(folder)
    return open_kernel_cache(function, folder)
