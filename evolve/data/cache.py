"""Disk cache of fetched prices: whole files, each with its fetch date and hash."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from dsl.cache_dir import cache_dir
from evolve.errors import EvolveError
from evolve.files import atomic_write, open_regular


@dataclass(frozen=True)
class CachedTable:
    """A cached table.

    Attributes:
        frame: the table as fetched.
        as_of: the day of the fetch, in ISO format.
        kind: the kind of instrument, such as `ETF`; empty if unknown.
    """

    frame: pd.DataFrame
    as_of: str
    kind: str = ""


def locate(source: str, symbol: str) -> Path:
    """Return the path of a symbol's table; no symbol leads out of the folder."""
    safe = re.sub(r"[^A-Za-z0-9^=.-]", "_", symbol).lstrip(".")
    digest = hashlib.blake2b(symbol.encode(), digest_size=4).hexdigest()
    return cache_dir() / "prices" / source / f"{safe}-{digest}.parquet"


def read(source: str, symbol: str) -> CachedTable | None:
    """Read the cached table of a symbol; None if it is missing or damaged."""
    path = locate(source, symbol)
    try:
        with open_regular(path) as file:  # opened once: another process may replace it
            table = pq.read_table(file)
        metadata = table.schema.metadata or {}
        frame: pd.DataFrame = table.to_pandas()
        as_of = metadata[b"as_of"].decode()
        is_whole = metadata[b"hash"].decode() == _hash(frame, as_of)
    except (EvolveError, OSError, pa.ArrowException, ValueError, KeyError, TypeError):
        return None
    return CachedTable(frame, as_of, metadata.get(b"kind", b"").decode()) if is_whole else None


def write(source: str, symbol: str, frame: pd.DataFrame, as_of: str, kind: str = "") -> None:
    """Write a table to the cache atomically, so that the file is whole or absent."""
    table = pa.Table.from_pandas(frame)
    metadata = {
        **(table.schema.metadata or {}),
        b"as_of": as_of.encode(),
        b"kind": kind.encode(),
        b"hash": _hash(frame, as_of).encode(),
    }
    path = locate(source, symbol)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path, is_durable=False) as (temporary,):
        pq.write_table(table.replace_schema_metadata(metadata), temporary)


def _hash(frame: pd.DataFrame, as_of: str) -> str:
    rows = pd.util.hash_pandas_object(frame, index=True).to_numpy()
    digest = hashlib.blake2b(rows.tobytes(), digest_size=16)
    digest.update("\n".join([as_of, str(frame.index.name), *map(str, frame.columns)]).encode())
    return digest.hexdigest()
