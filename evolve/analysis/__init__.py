"""Questions about one strategy's backtest."""
