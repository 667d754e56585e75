"""Metrics that tables of a backtest show."""

BY_SYMBOL = ("total_return", "sharpe", "max_drawdown", "exposure", "num_trades", "costs_paid")
STRESSED = ("total_return", "cagr", "appraisal_ratio", "sharpe", "max_drawdown", "costs_paid")
