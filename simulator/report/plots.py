"""Plots over time as inline SVG: lines and stacked areas on one time axis, with bands where faults were in force.

The pictures are drawn without a script and coloured by classes only, so the page decides what light and dark look like.
Every axis begins at zero; the time axis of all plots of a page is the same, so that they can be read below one another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from math import ceil, floor, inf, log10

WIDTH, HEIGHT = 900, 200
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 12, 26
SPANS_MAX = 200
LABEL_LANES, LANE_HEIGHT, CHAR_WIDTH = 4, 12, 5.5
"""Names of bands stand below one another where they would overlap; those that find no room are in the tooltip only."""

Span = tuple[str, float, float | None]
"""(name, begin s, end s or None while still on)"""


def line_plot(
    title: str, unit: str, times_s: Sequence[float], values: Sequence[float | None], *, spans: Iterable[Span] = ()
) -> str:
    """One line; a None leaves a gap."""
    top = nice_ceiling(max((value for value in values if value is not None), default=0.0))
    end_s = _end(times_s)
    runs: list[list[str]] = [[]]
    for time_s, value in zip(times_s, values, strict=True):
        if value is None:
            runs.append([])
        else:
            runs[-1].append(f"{_x(time_s, end_s):.1f},{_y(value, top):.1f}")
    # A run of one point would be an invisible line; a short stroke shows it.
    lines = "".join(
        f'<polyline class="line" points="{" ".join(run if len(run) > 1 else [run[0], run[0]])}"/>'
        for run in runs
        if run
    )
    return _frame(title, unit, top, end_s, lines, spans)


def stacked_plot(
    title: str,
    unit: str,
    times_s: Sequence[float],
    layers: Sequence[tuple[str, Sequence[float]]],
) -> str:
    """Layers on top of each other, the first at the bottom; each is coloured by the class ``s-<name>``.

    There are no bands: the layers would hide them.
    """
    end_s = _end(times_s)
    heights = [0.0] * len(times_s)
    total = [sum(column) for column in zip(*(values for _, values in layers), strict=True)]
    top = nice_ceiling(max(total, default=0.0))
    areas = []
    for name, values in layers:
        upper = [low + value for low, value in zip(heights, values, strict=True)]
        if any(values):
            there = [f"{_x(t, end_s):.1f},{_y(v, top):.1f}" for t, v in zip(times_s, upper, strict=True)]
            back = [f"{_x(t, end_s):.1f},{_y(v, top):.1f}" for t, v in zip(times_s, heights, strict=True)][::-1]
            areas.append(
                f'<polygon class="area s-{escape(name)}" points="{" ".join(there + back)}">'
                f"<title>{escape(name)}</title></polygon>"
            )
        heights = upper
    shown = [name for name, values in layers if any(values)]
    legend = "".join(f'<li><span class="key s-{escape(name)}"></span>{escape(name)}</li>' for name in shown)
    return _frame(title, unit, top, end_s, "".join(areas), ()) + f'<ul class="legend">{legend}</ul>'


def nice_ceiling(value: float) -> float:
    """The smallest of 1, 2, 2.5, 5 times a power of ten that is not below ``value``; 1 for nothing."""
    if value <= 0:
        return 1.0
    power = 10.0 ** floor(log10(value))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= value * (1 - 1e-9))


def merged(spans: Iterable[Span]) -> list[Span]:
    """The spans of each name as stretches that do not overlap, by their begin: a fault at many stations is one band."""
    stretches: list[tuple[str, float, float]] = []
    for name, begin_s, until_s in sorted(spans, key=lambda span: (span[0], span[1])):
        end_s = inf if until_s is None else until_s
        if stretches and stretches[-1][0] == name and begin_s <= stretches[-1][2]:
            stretches[-1] = (name, stretches[-1][1], max(stretches[-1][2], end_s))
        else:
            stretches.append((name, begin_s, end_s))
    stretches.sort(key=lambda stretch: stretch[1])
    return [(name, begin_s, None if end_s == inf else end_s) for name, begin_s, end_s in stretches]


def _end(times_s: Sequence[float]) -> float:
    return max(times_s[-1] if times_s else 0.0, 1.0)


def _x(time_s: float, end_s: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * min(max(time_s / end_s, 0.0), 1.0)


def _y(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top


def _frame(title: str, unit: str, top: float, end_s: float, inside: str, spans: Iterable[Span]) -> str:
    parts = [
        f'<figure><figcaption>{escape(title)} <span class="unit">{escape(unit)}</span></figcaption>',
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title, quote=True)}">',
    ]
    labels = []
    lanes = [0.0] * LABEL_LANES
    for name, begin_s, until_s in merged(spans)[:SPANS_MAX]:
        left = _x(begin_s, end_s)
        right = _x(end_s if until_s is None else until_s, end_s)
        label = f"{name}: {begin_s:.0f} s to {'the end' if until_s is None else f'{until_s:.0f} s'}"
        parts.append(
            f'<rect class="fault" x="{left:.1f}" y="{TOP}" width="{max(right - left, 1):.1f}" '
            f'height="{HEIGHT - TOP - BOTTOM}"><title>{escape(label)}</title></rect>'
        )
        lane = next((n for n, until in enumerate(lanes) if until <= left), None)
        width = len(name) * CHAR_WIDTH + 8
        if lane is not None and left + width <= WIDTH - RIGHT:
            lanes[lane] = left + width
            base = TOP + LANE_HEIGHT * (lane + 1) - 2
            labels.append(f'<text class="tick" x="{left + 4:.1f}" y="{base}">{escape(name)}</text>')
    for share in (0.0, 0.5, 1.0):
        y = _y(top * share, top)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="tick end" x="{LEFT - 6}" y="{y + 4:.1f}">{top * share:g}</text>')
    step = nice_ceiling(end_s / 8)
    for tick in range(ceil(end_s / step) + 1):
        time_s = tick * step
        if time_s <= end_s:
            x = _x(time_s, end_s)
            parts.append(f'<text class="tick mid" x="{x:.1f}" y="{HEIGHT - 8}">{time_s:g} s</text>')
    return "".join([*parts, inside, *labels, "</svg></figure>"])
