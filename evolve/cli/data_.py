"""`evolve data`: fetch bars, look at them, export them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from evolve.cli.options import load_data
from evolve.errors import EvolveError


@click.command("data")
@click.argument("spec")
@click.option("--start", type=click.DateTime(["%Y-%m-%d"]), help="The first day.")
@click.option("--end", type=click.DateTime(["%Y-%m-%d"]), help="The last day.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write a .csv or .parquet.")
def command(spec: str, start: datetime | None, end: datetime | None, output: Path | None) -> None:
    """Fetch and describe the bars of SPEC, or write them to a file."""
    from evolve.data.frames import bars_to_frame

    dataset = load_data(spec, start, end)
    bars = dataset.bars
    if output is not None:
        frame = bars_to_frame(bars)
        if output.suffix == ".parquet":
            frame.to_parquet(output, index=False)
        elif output.suffix == ".csv":
            frame.to_csv(output, index=False)
        else:
            raise EvolveError(f"{output} is neither .csv nor .parquet", "choose one of the two")
    click.echo(f"source     {dataset.used}" + (f", as of {dataset.as_of}" if dataset.as_of else ""))
    click.echo(f"symbol     {', '.join(bars.symbols)}")
    click.echo(f"range      {dataset.first_day} to {dataset.last_day}, {len(bars):,} bars")
    click.echo(f"a year     {bars.bars_per_year:g} bars")
    click.echo(f"hash       {bars.hash}")
    if output is not None:
        click.echo(f"written    {output}")
