"""From a table of prices to a backtest and a search, in the cells of a notebook.

Open it in an editor that knows `# %%` cells, or run it in the folder of the checkout:
`python examples/notebook.py`. Without a notebook, add `.show()` to see a figure.
"""

# %% Prices: a table of pandas, such as one of yfinance. Here, one of the samples.
import pandas as pd

from evolve.api import backtest, bars, check, load_run, run

sample = bars("sample:stocks")
columns = {"Open": sample.open, "High": sample.high, "Low": sample.low, "Close": sample.close}
prices = pd.DataFrame(
    {name: values[0] for name, values in columns.items()}, index=pd.DatetimeIndex(sample.time)
)
print(prices.tail(3))

# %% A strategy: checked, with the line and the fix of each error.
dips = check(
    """
    strategy dips {
      about "Oversold dips inside a long-term uptrend revert within days."
      let uptrend = close > sma(close, 200)
      buy  when uptrend and rsi(close, 2) < 10
      sell when rsi(close, 2) > 60 or not uptrend
      stop 3 * atr(14)
    }
    """
)

# %% A backtest beside buy and hold; its tables are those of pandas.
result = backtest(dips, {sample.symbols[0]: prices}, commission_bps=2)
print(result)
print(result.trades.groupby("reason")["profit"].agg(["count", "mean"]))
print(result.signals["buy"].sum(), "signals to buy")
figure = result.plot()

# %% A part of the bars: validation is between the first 60% and the last 20%.
print(backtest(dips, prices, part="validation", split={"validation": "20%"}))

# %% A small search, with its report and its verdict: is the best strategy better than luck?
found = run("experiments/quick.yaml", ["budget.evaluations=300"])
print(found)

# %% The folder of a run has everything, also while the run goes on.
again = load_run(found.folder)
print(again.trials.query("is_feasible").groupby("proposer")["score"].describe())
print(again.lineage[["proposer", "score", "gain"]])
if again.best is not None:
    print(again.backtest("validation"))
    figure = again.plot("drawdown")
