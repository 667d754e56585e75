"""Power of a search by the size of a planted edge."""

from __future__ import annotations

from collections.abc import Iterator

from evolve.experiment.result_parts import PowerDocument
from evolve.experiment.run_view import RunView
from evolve.report.page.blocks import Block, Column, Table
from evolve.report.page.charts import Axis, Chart, Mark, Trace
from evolve.validation.power import GOOD_SHARE


def iterate_power(view: RunView) -> Iterator[Block]:
    """Yield the chart and the table of a power; nothing if the run did not measure it."""
    power = view.document.power if view.document is not None else None
    if power is None or not power.edges:
        return
    edges = power.edges
    yield Chart(
        "power",
        "What the search would find",
        _describe(power),
        Axis("planted edge, in basis points of a bar", unit="ratio"),
        Axis("share of searches that find it", unit="percent"),
        (
            Trace(
                "found", tuple(abs(each.edge_bps) for each in edges),
                tuple(each.share for each in edges), "line",
                hover=tuple(f"{each.found} of {each.searches} searches" for each in edges),
            ),
        ),
        marks=(Mark("a good power", GOOD_SHARE, "y", "neutral"),),
    )  # fmt: skip
    yield Table(
        "power-edges",
        "Planted edges",
        (
            Column("edge, basis points"),
            Column("found", "count"),
            Column("searches", "count"),
            Column("share", "percent"),
            Column("rule alone", "ratio", "appraisal ratio of the planted rule, net of costs"),
        ),
        tuple(
            (f"{each.edge_bps:g}", each.found, each.searches, each.share, each.ratio)
            for each in edges
        ),
        "Each search runs on shuffled prices into which a rule with an edge was planted.",
    )


def _describe(power: PowerDocument) -> str:
    sentences = [
        "The line shows how often this budget on this much data finds an edge of a known size. "
        "An edge where the line is low may exist without being found."
    ]
    good = [each for each in power.edges if each.share >= GOOD_SHARE]
    if good:
        size = abs(good[0].edge_bps)
        sentences.append(f"From {size:g} basis points on, most searches find it.")
    else:
        sentences.append("Even the largest edge is often missed, so no result means little here.")
    if not power.is_complete:
        sentences.append("The searches were interrupted.")
    return " ".join(sentences)
