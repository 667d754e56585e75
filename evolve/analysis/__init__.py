"""Analyses of the backtest of one strategy."""
