"""Plain functions to machine code, kept on disk so that a machine compiles each once."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import TypeVar, cast

from dsl.home import home

Kernel = TypeVar("Kernel", bound=Callable[..., object])


def jitable(function: Kernel) -> Kernel:
    """Mark a function that compiled kernels call; called from Python it stays plain."""
    from numba.extending import register_jitable

    return cast(Kernel, register_jitable(function))


def cache_folder() -> Path:
    """Where compiled kernels are kept: `NUMBA_CACHE_DIR`, or `kernels` in the tool's home."""
    given = os.environ.get("NUMBA_CACHE_DIR")
    return Path(given) if given else home() / "kernels"


def is_compiled() -> bool:
    """Whether this machine has compiled kernels before."""
    return any(cache_folder().rglob("*.nbi"))


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

    folder = cache_folder() / _digest(Path(kernel.__code__.co_filename).parent)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        numba.config.CACHE_DIR = str(folder)
        made = numba.njit(cache=True, nogil=True, error_model="numpy")(kernel)
    except (OSError, RuntimeError):  # a read-only home: compile in memory
        made = numba.njit(nogil=True, error_model="numpy")(kernel)
    return cast(Kernel, made)
