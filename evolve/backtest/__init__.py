"""Backtests: fills, costs, equity, trades and metrics."""
