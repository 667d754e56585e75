"""Chart of the share by evaluations as SVG, one line per contestant with standard errors."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

Point = tuple[int, float, float]  # evaluations, mean share and its standard error

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 50, 110, 20, 40  # margins
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#777777")
TICK = 0.1
LABEL_HEIGHT = 14


def draw_chart(curves: Mapping[str, Sequence[Point]]) -> str:
    """Return the chart as SVG; the axis of evaluations is logarithmic."""
    points = [each for curve in curves.values() for each in curve]
    budgets = sorted({each[0] for each in points})
    ends = [mean + sign * _clean(error) for _, mean, error in points for sign in (-1, 1)]
    low, high = (
        TICK * math.floor(min([0.0, *ends]) / TICK), TICK * math.ceil(max([TICK, *ends]) / TICK)
    )  # fmt: skip

    def x(evaluations: int) -> float:
        span = math.log(budgets[-1] / budgets[0]) or 1.0
        return LEFT + (WIDTH - LEFT - RIGHT) * math.log(evaluations / budgets[0]) / span

    def y(share: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (share - low) / (high - low)

    parts = []
    for step in range(round((high - low) / TICK) + 1):
        share = low + step * TICK
        parts.append(_line([(LEFT, y(share)), (WIDTH - RIGHT, y(share))], "#dddddd"))
        parts.append(_text(LEFT - 6, y(share) + 4, f"{share:.1f}", "end"))
    for each in budgets:
        parts.append(_text(x(each), HEIGHT - BOTTOM + 18, f"{each:,}", "middle"))
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, "evaluations", "middle"))
    label_y = float("inf")
    order = sorted(curves.items(), key=lambda each: each[1][-1][1])
    for number, (name, curve) in enumerate(order):
        colour = COLOURS[number % len(COLOURS)]
        for evaluations, mean, error in curve:
            ends_of = [(x(evaluations), y(mean + sign * _clean(error))) for sign in (-1, 1)]
            parts.append(_line(ends_of, colour))
        parts.append(_line([(x(each[0]), y(each[1])) for each in curve], colour, 2))
        label_y = min(y(curve[-1][1]) + 4, label_y - LABEL_HEIGHT)  # labels never overlap
        parts.append(_text(WIDTH - RIGHT + 8, label_y, name, "start", colour))
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'font-family="sans-serif" font-size="12">\n<rect width="100%" height="100%" '
        f'fill="white"/>\n{body}\n</svg>\n'
    )


def _clean(error: float) -> float:
    return 0.0 if math.isnan(error) else error


def _line(points: Sequence[tuple[float, float]], colour: str, width: int = 1) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>'


def _text(x: float, y: float, text: str, anchor: str, colour: str = "#333333") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}"'
    return f"<text {place}>{escape(text)}</text>"
