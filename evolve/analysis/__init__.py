"""Analyses of one finished strategy and its backtest."""
