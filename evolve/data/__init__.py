"""Prices: where they come from, what is checked of them, and how they are parted.

A data spec is one notation everywhere: `yahoo:SPY`, `csv:PATH`, `parquet:PATH` (a bare path
works), `sample:stocks`, `synthetic:walk?seed=1&bars=2500`.
"""

from evolve.data.dataset import DataRequest, Dataset, load
from evolve.data.split import DataSplit, SplitSizes, split_bars

__all__ = ["DataRequest", "DataSplit", "Dataset", "SplitSizes", "load", "split_bars"]
