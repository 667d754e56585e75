"""Fetched prices kept on disk: whole files only, with the day they were fetched and their hash."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from dsl.cache_dir import cache_dir
from evolve.files import atomic_write


@dataclass(frozen=True)
class CachedTable:
    """A table as it was fetched, when, and of what kind of thing (`ETF`; empty if not known)."""

    frame: pd.DataFrame
    as_of: str
    kind: str = ""


def locate(source: str, symbol: str) -> Path:
    """Where a symbol's table is kept; the name cannot leave the folder."""
    safe = re.sub(r"[^A-Za-z0-9^=.-]", "_", symbol).lstrip(".")
    digest = hashlib.blake2b(symbol.encode(), digest_size=4).hexdigest()
    return cache_dir() / "prices" / source / f"{safe}-{digest}.parquet"


def read(source: str, symbol: str) -> CachedTable | None:
    """What was kept of a symbol; None if nothing was, or what was is damaged."""
    path = locate(source, symbol)
    try:
        with path.open("rb") as file:  # opened once: another may take its place meanwhile
            table = pq.read_table(file)
        notes = table.schema.metadata or {}
        frame: pd.DataFrame = table.to_pandas()
        as_of = notes[b"as_of"].decode()
        is_whole = notes[b"hash"].decode() == _hash(frame, as_of)
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError):
        return None
    return CachedTable(frame, as_of, notes.get(b"kind", b"").decode()) if is_whole else None


def write(source: str, symbol: str, frame: pd.DataFrame, as_of: str, kind: str = "") -> None:
    """Keep a table: written beside its place and moved there, so that it is whole or absent."""
    table = pa.Table.from_pandas(frame)
    notes = {
        **(table.schema.metadata or {}),
        b"as_of": as_of.encode(),
        b"kind": kind.encode(),
        b"hash": _hash(frame, as_of).encode(),
    }
    path = locate(source, symbol)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as (temporary,):
        pq.write_table(table.replace_schema_metadata(notes), temporary)


def _hash(frame: pd.DataFrame, as_of: str) -> str:
    rows = pd.util.hash_pandas_object(frame, index=True).to_numpy()
    digest = hashlib.blake2b(rows.tobytes(), digest_size=16)
    digest.update("\n".join([as_of, str(frame.index.name), *map(str, frame.columns)]).encode())
    return digest.hexdigest()
