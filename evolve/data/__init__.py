"""Market data: sources, checks, the cache and the split.

A data spec names data everywhere in the same form: `yahoo:SPY`, `csv:PATH`, `parquet:PATH` (or only
the path), `sample:stocks`, `synthetic:walk?seed=1&bars=2500`.
"""

from evolve.data.dataset import DataRequest, Dataset, load
from evolve.data.split import DataSplit, SplitSizes, split_bars

__all__ = ["DataRequest", "DataSplit", "Dataset", "SplitSizes", "load", "split_bars"]
