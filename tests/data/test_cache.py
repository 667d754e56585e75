"""Cache files: written whole, read back, and ignored if damaged."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evolve.data import cache
from evolve.errors import EvolveError
from tests.data.tables import frame


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EVOLVE_HOME", str(tmp_path / "home"))
    return tmp_path


def test_a_written_table_is_read() -> None:
    prices = frame(20)
    cache.write("yahoo", "SPY", prices, "2024-05-06")
    cached = cache.read("yahoo", "SPY")
    assert cached is not None
    assert cached.as_of == "2024-05-06"
    pd.testing.assert_frame_equal(cached.frame, prices, check_freq=False)
    assert cache.read("yahoo", "QQQ") is None


def test_a_cache_file_with_a_changed_byte_is_ignored_or_intact() -> None:
    prices = frame(5)
    cache.write("yahoo", "SPY", prices, "2024-05-06")
    path = cache.locate("yahoo", "SPY")
    whole = path.read_bytes()
    wrong: dict[int, str] = {}
    for offset in range(0, len(whole), 17):
        path.write_bytes(whole[:offset] + bytes([whole[offset] ^ 1]) + whole[offset + 1 :])
        try:
            cached = cache.read("yahoo", "SPY")
        except Exception as error:
            wrong[offset] = f"{type(error).__name__}: {error}"
            continue
        if cached is not None and not (
            cached.frame.equals(prices) and cached.as_of == "2024-05-06"
        ):
            wrong[offset] = f"read {list(cached.frame.columns)} of {cached.as_of}"
    assert wrong == {}


def test_a_cache_file_with_changed_values_is_ignored() -> None:
    cache.write("yahoo", "SPY", frame(), "2024-05-06")
    path = cache.locate("yahoo", "SPY")
    table = pq.read_table(path)
    changed = table.to_pandas()
    changed.iloc[0, 0] += 1
    pq.write_table(
        pa.Table.from_pandas(changed).replace_schema_metadata(table.schema.metadata), path
    )
    assert cache.read("yahoo", "SPY") is None


def test_a_foreign_parquet_file_is_ignored() -> None:
    path = cache.locate("yahoo", "SPY")
    path.parent.mkdir(parents=True)
    frame().to_parquet(path)
    assert cache.read("yahoo", "SPY") is None


def test_a_folder_in_place_of_a_cache_file_is_ignored() -> None:
    cache.locate("yahoo", "SPY").mkdir(parents=True)
    assert cache.read("yahoo", "SPY") is None


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
def test_a_failed_write_leaves_the_previous_table(
    error: BaseException, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.write("yahoo", "SPY", frame(3), "2024-05-06")

    def fail(table: object, path: str) -> None:
        Path(path).write_bytes(b"half of it")
        raise error

    monkeypatch.setattr(pq, "write_table", fail)
    with pytest.raises(EvolveError if isinstance(error, OSError) else type(error)):
        cache.write("yahoo", "SPY", frame(4), "2024-05-07")
    assert list(root.rglob("*.part")) == []
    cached = cache.read("yahoo", "SPY")
    assert cached is not None
    assert (len(cached.frame), cached.as_of) == (3, "2024-05-06")
