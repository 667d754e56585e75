"""Parquet and Feather files with the same columns as CSV files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from evolve.data.files import fetch_files
from evolve.data.source import FetchedBars, Source, Spec
from evolve.errors import EvolveError
from evolve.files import open_regular

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from evolve.notices import NoticeLog

EXTENSIONS = (".parquet", ".feather")
FEATHER_MARKS = (b"ARROW1", b"FEA1")  # first bytes of versions 2 and 1
MAX_TABLE_BYTES = 1_000_000_000
CELL_BYTES = 8  # of a number


def fetch(spec: Spec, notices: NoticeLog) -> FetchedBars:
    """Read Parquet or Feather files; the symbol is the file name, or in the symbol column."""
    return fetch_files(spec, "Parquet", EXTENSIONS, read, _name_row, notices)


def read(path: Path, origin: str) -> pd.DataFrame:
    """Read the table of a Parquet or Feather file, flat; its content tells the format.

    Args:
        path: the file.
        origin: its name for messages.

    Raises:
        EvolveError: if the file is of another format, or if its table is too large.
    """
    from evolve.data.tables.flatten import flatten_table

    with open_regular(path) as file:
        mark = file.read(8) or b""  # None if a file of the system would block
        is_feather = mark.startswith(FEATHER_MARKS)
        file.seek(0)
        try:
            table = _read_feather(file, origin) if is_feather else _read_parquet(file, origin)
            return flatten_table(_decode_text(table, origin).to_pandas())
        except EvolveError:
            raise
        except Exception as error:  # pyarrow and pandas raise many kinds on damaged files
            reason = str(error).strip().split("\n")[0]
            kind = "Feather" if is_feather else "Parquet"
            hint = "give a Parquet or Feather file, or csv:PATH for a CSV file"
            raise EvolveError(f"{origin} is not a {kind} file: {reason}", hint) from None


def _read_parquet(file: BinaryIO, origin: str) -> pa.Table:
    """Read a Parquet file; check its number of cells first. Text stays encoded."""
    import pyarrow.parquet as pq

    schema = pq.read_schema(file)
    file.seek(0)
    texts = [field.name for field in schema if _is_text(field.type)]
    parquet = pq.ParquetFile(file, read_dictionary=texts)
    cells = parquet.metadata.num_rows * parquet.metadata.num_columns
    _check_size(cells * CELL_BYTES, origin)
    return parquet.read()


def _read_feather(file: BinaryIO, origin: str) -> pa.Table:
    """Read a Feather file batch by batch, up to the maximum size."""
    import pyarrow as pa
    import pyarrow.feather as feather

    _check_size(file.seek(0, 2), origin)
    file.seek(0)
    if file.read(4) == FEATHER_MARKS[1]:  # version 1, which is not compressed
        file.seek(0)
        return feather.read_table(file)
    reader = pa.ipc.open_file(file)
    batches, size = [], 0
    for number in range(reader.num_record_batches):
        batches.append(reader.get_batch(number))
        size += batches[-1].num_rows * batches[-1].num_columns * CELL_BYTES
        _check_size(size, origin)
    return pa.Table.from_batches(batches, reader.schema)


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _decode_text(table: pa.Table, origin: str) -> pa.Table:
    """Decode text; a small file may repeat one long text in each row, so the size is checked."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for position, field in enumerate(table.schema):
        if not pa.types.is_dictionary(field.type) or not _is_text(field.type.value_type):
            continue
        chunks = table.column(position).chunks
        lengths = [pc.max(pc.binary_length(each.dictionary)).as_py() or 0 for each in chunks]
        _check_size(len(table) * max(lengths, default=0), origin)
        column = table.column(position).cast(field.type.value_type)
        table = table.set_column(position, field.name, column)
    return table


def _check_size(size: int, origin: str) -> None:
    """Raise EvolveError if a table of a size in bytes does not fit."""
    if size > MAX_TABLE_BYTES:
        raise EvolveError(
            f"{origin} is too large: expected a table of at most {MAX_TABLE_BYTES / 1e9:g} GB in "
            f"memory, found {size / 1e9:.3g} GB",
            "write fewer rows or columns",
        )


def _name_row(row: int) -> str:
    return f"row {row + 1}"


SOURCE = Source("parquet", "Parquet and Feather files", "parquet:prices.parquet", fetch, EXTENSIONS)
