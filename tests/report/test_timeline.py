"""One time line: axis, curves, lanes, labels that find room, and the lead."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from simulator.report.timeline import LEFT, MARKS_MAX, RIGHT, WIDTH, Curve, Lane, Mark, Timeline, draw, lasting, thinned


def svg(**fields: object) -> ET.Element:
    text = draw(Timeline("a <title>", 0.0, 10 * 86_400.0, **fields))  # type: ignore[arg-type]
    return ET.fromstring(f"<div>{text}</div>")


def texts(root: ET.Element) -> list[str]:
    return [one.text or "" for one in root.iter("text")]


def test_the_axis_is_in_the_unit_that_fits() -> None:
    assert texts(svg())[:3] == ["0", "1", "2"]
    assert texts(svg())[-1] == "days"
    short = ET.fromstring(draw(Timeline("t", 100.0, 190.0)))
    assert texts(short)[0] == "0"
    assert texts(short)[-1] == "s"


def test_curves_limits_and_lead() -> None:
    hot = Curve("temperature", "°C", [(0.0, 20.0), (86_400.0, 90.0)])
    ohm = Curve("resistance", "mΩ", [(0.0, 0.4), (86_400.0, 1.4)])
    root = svg(curves=[hot, ohm], limits=[(85.0, "alert above 85 °C")], lead=(0.0, 864_000.0, "lead time 10 days"))
    assert len(list(root.iter("polyline"))) == 2
    assert {"temperature, °C", "resistance, mΩ", "alert above 85 °C", "lead time 10 days"} <= set(texts(root))
    left, right = re.findall(r"[MH](\d+\.\d)", next(p.get("d", "") for p in root.iter("path")))[:2]
    assert (float(left), float(right)) == (LEFT, WIDTH - RIGHT)


def test_bars_marks_and_tooltips() -> None:
    marks = [Mark(86_400.0, "it <was>", "bad"), Mark(0.0, "long", "good", 432_000.0), Mark(0.0, "tick", "soft")]
    root = svg(lanes=[Lane("lane & more", marks)], facts=[("onset", "day 1")], legend=[("bad", "trouble")])
    assert "lane & more" in texts(root)
    tips = [one.text for one in root.iter("title")]
    assert {"day 1.00: it <was>", "day 0.00: long", "day 0.00: tick"} <= set(tips)
    bar = next(one for one in root.iter("rect") if "k-good" in one.get("class", ""))
    assert float(bar.get("width", "0")) == pytest.approx((WIDTH - LEFT - RIGHT) / 2)
    assert [one.text for one in root.iter("td")] == ["day 1"]


def test_a_label_stands_where_there_is_room() -> None:
    at_the_end = [Mark(864_000.0, "x", "act", label="ChangeAvailability")]
    root = svg(lanes=[Lane("ops", at_the_end)])
    (label,) = [one for one in root.iter("text") if one.text == "ChangeAvailability"]
    assert label.get("text-anchor") == "end"
    crowded = [Mark(43_200.0 * n, "x", "act", label="ChangeAvailability") for n in range(20)]
    shown = [one for one in texts(svg(lanes=[Lane("ops", crowded)])) if one == "ChangeAvailability"]
    assert len(shown) < len(crowded)


def test_marks_in_one_place_are_drawn_once_and_never_without_bound() -> None:
    many = [Mark(n * 10.0, str(n), "soft") for n in range(80_000)]
    root = svg(lanes=[Lane("busy", many)])
    drawn = [one for one in root.iter("rect") if "k-soft" in one.get("class", "")]
    assert len(drawn) <= min(MARKS_MAX, WIDTH)


def test_thinning_loses_no_peak() -> None:
    points = [(float(n), 1.0 if n != 777 else 99.0) for n in range(10_000)]
    kept = thinned(points, 400)
    assert len(kept) <= 400
    assert (777.0, 99.0) in kept
    assert kept == sorted(kept)
    assert thinned(points[:5]) == points[:5]


def test_lengths_of_time_for_people() -> None:
    assert [lasting(s) for s in (0.5, 90.0, 180.0, 7_200.0, 11.5 * 86_400, 40 * 86_400)] == [
        "0.5 s", "90 s", "3.0 minutes", "2.0 hours", "11.5 days", "40 days",
    ]  # fmt: skip
