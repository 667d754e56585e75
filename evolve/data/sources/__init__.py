"""Data sources, one module each."""

from evolve.data.source import Source
from evolve.data.sources import csv, parquet, sample, synthetic, yahoo

SOURCES: dict[str, Source] = {
    each.SOURCE.name: each.SOURCE for each in (csv, parquet, sample, synthetic, yahoo)
}
