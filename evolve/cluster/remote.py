"""Functions that run on a worker: one call at a time, and what it builds from shared bytes."""

from __future__ import annotations

import threading
import traceback
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pkgutil import resolve_name
from time import perf_counter
from typing import Any, NamedTuple, TypeVar

from evolve.errors import EvolveError

MAX_BLOBS = 4  # that a worker remembers
MAX_OPENED = 4  # objects that it built from them

T = TypeVar("T")


@dataclass(frozen=True)
class Blob:
    """Bytes that all workers share.

    Attributes:
        hash: BLAKE2b hash of the content, in hexadecimal.
        content: the bytes.
    """

    hash: str
    content: bytes

    @classmethod
    def of(cls, content: bytes) -> Blob:
        """Build a blob from its content."""
        return cls(blake2b(content, digest_size=16).hexdigest(), content)


class Answer(NamedTuple):
    """Outcome of a call as plain data.

    Attributes:
        result: what the function returned; None after an error.
        seconds: the time that the call took.
        error: name of the exception; empty for none.
        message: its message.
        hint: how to fix it, if it is an EvolveError.
        trace: its traceback, unless it is an EvolveError.
        lacks: whether the worker does not have a blob, so that the function did not run.
    """

    result: Any
    seconds: float
    error: str = ""
    message: str = ""
    hint: str = ""
    trace: str = ""
    lacks: bool = False


# The terms of the language and the caches of an evaluator belong to one thread.
_one_call = threading.Lock()
_contents: OrderedDict[str, bytes] = OrderedDict()
_opened: OrderedDict[tuple[Callable[[bytes], Any], str], Any] = OrderedDict()


def name_function(function: Callable[..., Any]) -> str:
    """Return the name by which `pkgutil.resolve_name` finds a function of a module.

    Raises:
        TypeError: if it is no function of a module that others can import.
    """
    name = getattr(function, "__qualname__", "<")
    if "<" in name or "." in name or function.__module__ == "__main__":
        raise TypeError(f"expected a function of a module, found {function!r}")
    return f"{function.__module__}:{name}"


def run_call(function: str, hashes: Sequence[str], *args: Any) -> Answer:
    """Run a function on a worker.

    Args:
        function: name of a function of a module.
        hashes: for each argument the hash of the blob of which it is the content, or empty.
        args: the arguments; None for the content of a blob that an earlier call brought.
    """
    with _one_call:
        started = perf_counter()
        given = [
            _remember(name, each) if name else each for name, each in zip(hashes, args, strict=True)
        ]
        if None in given:
            return Answer(None, perf_counter() - started, lacks=True)
        try:
            result = resolve_name(function)(*given)
        except EvolveError as error:
            spent = perf_counter() - started
            return Answer(None, spent, type(error).__name__, error.message, error.hint)
        except MemoryError:
            raise  # another worker may have more
        except Exception as error:
            spent = perf_counter() - started
            trace = traceback.format_exc()
            return Answer(None, spent, type(error).__name__, str(error), trace=trace)
        return Answer(result, perf_counter() - started)


def open_once(opener: Callable[[bytes], T], blob: Blob) -> T:
    """Return what a function builds from a blob; a worker remembers the last few.

    Args:
        opener: a function of a module.
        blob: the bytes.
    """
    key = (opener, blob.hash)
    if key not in _opened:
        while len(_opened) >= MAX_OPENED:
            _opened.popitem(last=False)
        _opened[key] = opener(blob.content)
    _opened.move_to_end(key)
    opened: T = _opened[key]
    return opened


def _remember(name: str, content: bytes | None) -> Blob | None:
    """Return the blob of a hash; None if this worker does not have its content.

    The scheduler removes copies from the memory that it manages, and would send them again.
    """
    if content is not None:
        while len(_contents) >= MAX_BLOBS:
            _contents.popitem(last=False)
        _contents[name] = content
    if name not in _contents:
        return None
    _contents.move_to_end(name)
    return Blob(name, _contents[name])
