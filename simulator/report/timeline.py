"""One time line as inline SVG: curves above, lanes of marks and bars below them, one axis of time for all.

It shows what really happened beside what was said and done about it, so that the eye can compare moments: a curve has
its own scale at the left or the right, a limit is a dashed line across, a lane holds bars (something lasted) and marks
(something happened). One stretch may be singled out as the *lead*, with its length as a figure. Everything is drawn
without a script and coloured by classes; every mark says in its tooltip what it is and when.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor

from simulator.report.plots import nice_ceiling

WIDTH, LEFT, RIGHT, TOP = 960, 118, 52, 18
CURVES, GAP, LANE, AXIS = 210, 14, 24, 24
#: room that the text of a mark takes, per character and around it
CHAR, AROUND = 5.6, 10
#: marks of one lane that are drawn, points of one curve
MARKS_MAX, POINTS_MAX = 2_000, 4_000
_UNITS = (("days", 86_400.0), ("hours", 3_600.0), ("minutes", 60.0), ("s", 1.0))

STYLE = """
.timeline svg { font: 11px system-ui, sans-serif; } .timeline text { fill: var(--dim); }
.timeline table { font-size: 14px; margin-top: .6rem; } .timeline .key.k-plain { background: #8b96a3; }
.timeline .key { display: inline-block; width: .7rem; height: .7rem; margin-right: .35rem; border-radius: 2px; }
.timeline .key.k-good { background: #2f8f5b; } .timeline .key.k-warn { background: #d38b1f; }
.timeline .key.k-bad { background: #c0362c; } .timeline .key.k-act { background: #1f6fb5; }
.timeline .key.k-soft { background: #9fb3c8; }
.timeline .legend { list-style: none; display: flex; flex-wrap: wrap; gap: .1rem 1.2rem; padding: 0; margin: .3rem 0 0;
  color: var(--dim); font-size: 13px; }
.timeline .name { fill: var(--ink); text-anchor: end; } .timeline .strong { fill: var(--ink); font-weight: 600; }
.timeline .c0 { stroke: #c2410c; } .timeline .c1 { stroke: #1f6fb5; }
.timeline .curve { fill: none; stroke-width: 1.3; stroke-linejoin: round; }
.timeline .t0 { fill: #c2410c; } .timeline .t1 { fill: #1f6fb5; text-anchor: start; }
.timeline .grid { stroke: var(--line); } .timeline .limit { stroke: #b42318; stroke-dasharray: 5 4; }
.timeline .lead { fill: #9a670022; } .timeline .leadline { stroke: #9a6700; stroke-width: 1.5; fill: none; }
.timeline .bar { rx: 2; } .timeline .k-plain { fill: #8b96a3; } .timeline .k-good { fill: #2f8f5b; }
.timeline .k-warn { fill: #d38b1f; } .timeline .k-bad { fill: #c0362c; } .timeline .k-act { fill: #1f6fb5; }
.timeline .k-soft { fill: #9fb3c8; }
@media (prefers-color-scheme: dark) { .timeline .c0 { stroke: #fb923c; } .timeline .c1 { stroke: #6cb2f0; }
  .timeline .t0 { fill: #fb923c; } .timeline .t1 { fill: #6cb2f0; } .timeline .limit { stroke: #ff8a7a; }
  .timeline .lead { fill: #e3b34122; } .timeline .leadline { stroke: #e3b341; } .timeline .k-soft { fill: #55677a; }
  .timeline .k-act { fill: #6cb2f0; } .timeline .k-bad { fill: #f0685c; } .timeline .k-warn { fill: #e3b341; } }
"""


@dataclass(frozen=True, slots=True)
class Mark:
    """Something at ``at_s``, or from there ``until_s``. ``kind``: plain good warn bad act soft. ``label`` stands beside
    it where there is room, ``text`` in the tooltip."""

    at_s: float
    text: str
    kind: str = "plain"
    until_s: float | None = None
    label: str = ""


@dataclass(frozen=True, slots=True)
class Lane:
    """A row of marks."""

    name: str
    marks: Sequence[Mark]


@dataclass(frozen=True, slots=True)
class Curve:
    """A quantity over time. The first of a time line is scaled at the left, the second at the right."""

    name: str
    unit: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Timeline:
    """What is drawn. ``limits`` (value, text) belong to the first curve; ``lead`` is (from, until, text); ``facts`` are
    said in words below the picture, ``legend`` is (kind, what it means)."""

    title: str
    begin_s: float
    end_s: float
    curves: Sequence[Curve] = ()
    limits: Sequence[tuple[float, str]] = ()
    lanes: Sequence[Lane] = ()
    lead: tuple[float, float, str] | None = None
    facts: Sequence[tuple[str, str]] = ()
    legend: Sequence[tuple[str, str]] = ()


def draw(line: Timeline) -> str:
    """The figure with its facts."""
    return "".join(_Drawing(line).parts())


class _Drawing:
    def __init__(self, line: Timeline) -> None:
        self.line = line
        self.span_s = max(line.end_s - line.begin_s, 1e-6)
        self.top = TOP + (CURVES + GAP if line.curves else 0)
        self.height = self.top + LANE * len(line.lanes) + AXIS
        self.unit, self.unit_s = next((u for u in _UNITS if self.span_s >= 2 * u[1]), _UNITS[-1])

    def parts(self) -> Iterator[str]:
        line = self.line
        yield f'<figure class="timeline"><figcaption>{escape(line.title)}</figcaption>'
        yield f'<svg viewBox="0 0 {WIDTH} {self.height}" role="img" aria-label="{escape(line.title, quote=True)}">'
        yield from self._axis()
        if line.lead is not None:
            yield self._lead_band(*line.lead)
        for number, curve in enumerate(line.curves[:2]):
            yield from self._curve(number, curve)
        for number, lane in enumerate(line.lanes):
            yield from self._lane(number, lane)
        if line.lead is not None:
            yield self._lead_text(*line.lead)
        yield "</svg>"
        if line.legend:
            keys = "".join(f'<li><span class="key k-{kind}"></span>{escape(text)}</li>' for kind, text in line.legend)
            yield f'<ul class="legend">{keys}</ul>'
        if line.facts:
            rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>" for name, text in line.facts)
            yield f'<table class="pair">{rows}</table>'
        yield "</figure>"

    # -- where

    def x(self, at_s: float) -> float:
        share = (at_s - self.line.begin_s) / self.span_s
        return LEFT + (WIDTH - LEFT - RIGHT) * min(max(share, 0.0), 1.0)

    def when(self, at_s: float) -> str:
        """A moment for people, in the unit of the axis."""
        value = (at_s - self.line.begin_s) / self.unit_s
        return f"{self.unit[:-1]} {value:.2f}" if self.unit == "days" else f"{value:.1f} {self.unit}"

    def _axis(self) -> Iterator[str]:
        bottom = self.height - AXIS
        step = nice_ceiling(self.span_s / self.unit_s / 12) * self.unit_s
        for number in range(floor(self.span_s / step) + 1):
            x = self.x(self.line.begin_s + number * step)
            yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{bottom}"/>'
            value = number * step / self.unit_s
            yield f'<text x="{x:.1f}" y="{self.height - 8}" text-anchor="middle">{value:g}</text>'
        yield f'<text class="name" x="{LEFT - 8}" y="{self.height - 8}">{self.unit}</text>'

    # -- curves

    def _curve(self, number: int, curve: Curve) -> Iterator[str]:
        values = [value for _, value in curve.points]
        limits = [value for value, _ in self.line.limits] if number == 0 else []
        low, high = 0.0, nice_ceiling(max([*values, *limits], default=1.0) * 1.02)

        def y(value: float) -> float:
            return TOP + CURVES * (1.0 - (value - low) / (high - low))

        for share in (0.0, 0.25, 0.5, 0.75, 1.0):
            value = low + share * (high - low)
            if number == 0:
                place = f'x="{LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end"'
                yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>'
            else:
                place = f'x="{WIDTH - RIGHT + 6}" y="{y(value) + 4:.1f}"'
            yield f'<text class="t{number}" {place}>{value:g}</text>'
        if number == 0:
            yield f'<text class="t0" x="{LEFT}" y="{TOP - 6}">{escape(curve.name)}, {escape(curve.unit)}</text>'
        else:
            yield (
                f'<text class="t1" style="text-anchor:end" x="{WIDTH - RIGHT}" y="{TOP - 6}">'
                f"{escape(curve.name)}, {escape(curve.unit)}</text>"
            )
        for value, text in self.line.limits if number == 0 else ():
            yield f'<line class="limit" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>'
            yield f'<text class="strong" x="{LEFT + 4}" y="{y(value) - 4:.1f}">{escape(text)}</text>'
        points = thinned(curve.points)
        path = " ".join(f"{self.x(at_s):.1f},{y(value):.1f}" for at_s, value in points)
        yield f'<polyline class="curve c{number}" points="{path}"><title>{escape(curve.name)}</title></polyline>'

    # -- lanes

    def _lane(self, number: int, lane: Lane) -> Iterator[str]:
        middle = self.top + LANE * number + LANE / 2
        yield f'<text class="name" x="{LEFT - 8}" y="{middle + 4:.1f}">{escape(lane.name)}</text>'
        yield (
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{middle + LANE / 2:.1f}" '
            f'y2="{middle + LANE / 2:.1f}"/>'
        )
        marks = self._visible(lane)
        places = [self.x(mark.at_s) for mark in marks]
        free = float(LEFT)
        for index, (mark, x) in enumerate(zip(marks, places, strict=True)):
            yield self._mark(mark, x, middle)
            if not mark.label:
                continue
            wide = len(mark.label) * CHAR + AROUND
            following = next((other for other in places[index + 1 :] if other > x + 0.5), WIDTH - RIGHT + 10.0)
            before = max((other for other in places[:index] if other < x - 0.5), default=0.0)
            if x + wide + 6 <= following and x >= free:
                yield f'<text x="{x + 8:.1f}" y="{middle + 4:.1f}">{escape(mark.label)}</text>'
                free = x + wide
            elif x - wide - 6 >= max(before, free):
                yield f'<text x="{x - 8:.1f}" y="{middle + 4:.1f}" text-anchor="end">{escape(mark.label)}</text>'
                free = x

    def _visible(self, lane: Lane) -> list[Mark]:
        """The marks in order of time; of those of a kind in the same place the first is enough."""
        seen: set[tuple[int, str]] = set()
        found = []
        for mark in sorted(lane.marks, key=lambda mark: mark.at_s):
            place = (round(self.x(mark.at_s)), mark.kind)
            if mark.until_s is None and not mark.label and place in seen:
                continue
            seen.add(place)
            found.append(mark)
        return found[:MARKS_MAX]

    def _mark(self, mark: Mark, x: float, middle: float) -> str:
        tip = f"<title>{escape(self.when(mark.at_s))}: {escape(mark.text)}</title>"
        if mark.until_s is not None:
            wide = max(self.x(mark.until_s) - x, 1.5)
            return (
                f'<rect class="bar k-{mark.kind}" x="{x:.1f}" y="{middle - 6:.1f}" width="{wide:.1f}" height="12">'
                f"{tip}</rect>"
            )
        if mark.kind in ("bad", "act", "warn"):
            return f'<path class="k-{mark.kind}" d="M{x:.1f} {middle - 6:.1f}l5 6l-5 6l-5 -6z">{tip}</path>'
        return (
            f'<rect class="k-{mark.kind}" x="{x - 0.75:.2f}" y="{middle - 5:.1f}" width="1.5" height="10">{tip}</rect>'
        )

    # -- the lead

    def _lead_band(self, begin_s: float, until_s: float, text: str) -> str:
        left, right = self.x(begin_s), self.x(until_s)
        return (
            f'<rect class="lead" x="{left:.1f}" y="{TOP}" width="{right - left:.1f}" '
            f'height="{self.height - AXIS - TOP}"><title>{escape(text)}</title></rect>'
        )

    def _lead_text(self, begin_s: float, until_s: float, text: str) -> str:
        left, right, y = self.x(begin_s), self.x(until_s), TOP + 12
        wide = len(text) * CHAR
        inside = right - left >= wide + 20
        place = (
            f'x="{(left + right) / 2:.1f}" text-anchor="middle"' if inside else f'x="{left - 6:.1f}" text-anchor="end"'
        )
        return (
            f'<path class="leadline" d="M{left:.1f} {y + 6}H{right:.1f}M{left:.1f} {y + 2}v8M{right:.1f} {y + 2}v8"/>'
            f'<text class="strong" {place} y="{y}">{escape(text)}</text>'
        )


def thinned(points: Sequence[tuple[float, float]], most: int = POINTS_MAX) -> list[tuple[float, float]]:
    """At most so many points: of each stretch the lowest and the highest, so that no peak is lost."""
    if len(points) <= most:
        return list(points)
    size = ceil(len(points) / (most // 2))
    found: list[tuple[float, float]] = []
    for start in range(0, len(points), size):
        stretch = points[start : start + size]
        low, high = min(stretch, key=lambda point: point[1]), max(stretch, key=lambda point: point[1])
        found += sorted({low, high})
    return found


def lasting(seconds: float) -> str:
    """A length of time as a figure for people: ``3.4 days``, ``25 minutes``."""
    for unit, size in _UNITS:
        if seconds >= 2 * size or unit == "s":
            value = seconds / size
            return f"{value:.0f} {unit}" if value >= 20 else f"{value:.1f} {unit}"
    raise AssertionError("the last unit takes everything")
