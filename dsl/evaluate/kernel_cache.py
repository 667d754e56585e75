"""Cache of compiled kernels on disk: a file that is damaged is ignored. Importing it loads numba.

The files of numba are pickled, so that loading them can run code. They are loaded only if their
checksum is right; who may write them is checked before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from io import BytesIO
from pathlib import Path
from typing import Any

import numba
from numba.core.caching import FunctionCache, IndexDataCacheFile

CHECKSUM_BYTES = 32


def open_kernel_cache(function: Callable[..., object], folder: Path) -> KernelCache | None:
    """Return the cache of a function in a folder; None if it cannot be written."""
    previous = numba.config.CACHE_DIR
    try:
        numba.config.CACHE_DIR = str(folder)
        return KernelCache(function)
    except (OSError, RuntimeError):
        return None
    finally:
        numba.config.CACHE_DIR = previous


class KernelCache(FunctionCache):  # type: ignore[misc]
    """Cache of one function, which ignores what it cannot load or save."""

    def __init__(self, function: Callable[..., object]) -> None:
        super().__init__(function)
        files: Any = self._cache_file
        self._cache_file: Any = _CheckedFiles(
            files._cache_path, files._index_name.removesuffix(".nbi"), files._source_stamp
        )

    def load_overload(self, signature: Any, target: Any) -> Any:
        """Return the compiled function; None if it is not cached or cannot be loaded."""
        try:
            return super().load_overload(signature, target)
        except Exception:
            return None

    def save_overload(self, signature: Any, compiled: Any) -> None:
        """Save a compiled function if possible."""
        with suppress(OSError):
            super().save_overload(signature, compiled)


class _CheckedFiles(IndexDataCacheFile):  # type: ignore[misc]
    """Files of a cache that end with a checksum, which numba's reader skips."""

    def _load_index(self) -> Any:
        return super()._load_index() if _is_whole(self._index_path) else {}

    def _load_data(self, name: str) -> Any:
        path = self._data_path(name)
        if not _is_whole(path):
            raise OSError(f"damaged: {path}")
        return super()._load_data(name)

    @contextmanager
    def _open_for_write(self, path: str) -> Iterator[BytesIO]:
        content = BytesIO()
        yield content
        with super()._open_for_write(path) as file:
            file.write(content.getvalue() + _compute_checksum(content.getvalue()))


def _is_whole(path: str) -> bool:
    """Return whether a file can be read and ends with the checksum of its content."""
    try:
        file = Path(path)
        data = file.read_bytes() if file.is_file() else b""  # a pipe would wait
    except OSError:
        return False
    content, checksum = data[:-CHECKSUM_BYTES], data[-CHECKSUM_BYTES:]
    return checksum == _compute_checksum(content)


def _compute_checksum(content: bytes) -> bytes:
    return blake2b(content, digest_size=CHECKSUM_BYTES).digest()
