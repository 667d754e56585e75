"""Programs to scores: the one place where language, backtest and metrics meet."""
