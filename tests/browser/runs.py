"""A real run whose texts from outside are markup."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from evolve.data import load
from evolve.data.tables.frames import bars_to_frame
from evolve.experiment.plan import read_plan
from evolve.experiment.run import run
from evolve.report.save import save_report
from tests.llm.scripted import Answer, say, serving

SYMBOLS = ("<script>alert(1)</script>", "<b>B</b> &amp; C")
ABOUT = "<script>alert(2)</script> dips"
ANSWER = "<script>alert(3)</script> <img src=x onerror=alert(3)>"
LEARNING = "<script>alert(4)</script> dips revert"
EDGE = "synthetic:planted?seed={seed}&bars=1200&edge_bps=60&rule=roc(close, 1) < 0"
EXPERIMENT = """
name: hostile
seed: 1
data: {from: bars.csv}
language: {operators: [roc, rsi, sma, "<", ">", and], max_nodes: 16}
start_from: [seed.evo]
fitness: {folds: 2}
search: {islands: 2, population: 20, generations_per_epoch: 2}
budget: {evaluations: 400, stale_epochs: null, llm_calls: 4}
validate: {null_runs: 19}
llm: {models: [{name: tiny, base_url: "%s"}], constraint: text, learnings: learnings.md}
workers: 1
"""


def make_hostile_run(folder: Path) -> Path:
    """Run an experiment with markup in symbols, strategies, answers and learnings."""
    tables = [
        bars_to_frame(load(EDGE.format(seed=seed)).bars).assign(symbol=name)
        for seed, name in enumerate(SYMBOLS, 3)
    ]
    pd.concat(tables).to_csv(folder / "bars.csv", index=False)
    seed = f'strategy seed {{ about "{ABOUT}" buy when roc(close, 1) < 0 hold 1 }}'
    (folder / "seed.evo").write_text(seed, "utf-8")
    (folder / "learnings.md").write_text(f"- {LEARNING}\n", "utf-8")
    with serving(_list_answers()) as server:
        (folder / "hostile.yaml").write_text(EXPERIMENT % server.url, "utf-8")
        run_folder = run(read_plan(folder / "hostile.yaml"), out=folder / "run").folder
    save_report(run_folder)
    return run_folder


def _list_answers() -> list[Answer]:
    windows = range(3, 7)
    return [
        say(
            f'{ANSWER}\n```\nstrategy a{each} {{ about "{ANSWER}" '
            f"buy when rsi(close, {each}) < 40 hold 3 }}\n```"
        )
        for each in windows
    ]
