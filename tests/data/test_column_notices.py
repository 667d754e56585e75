"""Notices about columns that are read in one of several possible ways."""

from __future__ import annotations

from pathlib import Path

from evolve.data import load
from evolve.notices import NoticeList

FOREX = """\
<DATE>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>
2024.01.02\t1.1\t1.2\t1.0\t1.15\t123\t0
2024.01.03\t1.1\t1.2\t1.0\t1.15\t124\t{last}
"""
SPLIT = """\
Date,Open,High,Low,Close,Volume,Stock Splits
2020-08-28,504,505,498,500,100,0
2020-08-31,126,131,125,129,400,4.0
"""


def test_a_count_of_price_changes_in_place_of_the_volume_is_reported(tmp_path: Path) -> None:
    (tmp_path / "EURUSD.csv").write_text(FOREX.format(last=0))
    notices = NoticeList()
    assert load(f"csv:{tmp_path}/EURUSD.csv", notices).bars.volume.tolist() == [[123.0, 124.0]]
    (text,) = notices.texts
    assert text.endswith("the volume is the number of price changes, from the column `<TICKVOL>`")


def test_a_known_volume_is_read_without_a_notice(tmp_path: Path) -> None:
    (tmp_path / "EURUSD.csv").write_text(FOREX.format(last=7))
    notices = NoticeList()
    assert load(f"csv:{tmp_path}/EURUSD.csv", notices).bars.volume.tolist() == [[0.0, 7.0]]
    assert not notices.texts


def test_an_applied_split_is_reported_with_its_day(tmp_path: Path) -> None:
    (tmp_path / "AAPL.csv").write_text(SPLIT)
    notices = NoticeList()
    assert load(f"csv:{tmp_path}/AAPL.csv", notices).bars.close[0, 0] == 125.0
    (text,) = notices.texts
    assert "AAPL: prices before 2020-08-31 are adjusted for the splits" in text
