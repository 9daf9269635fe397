"""The page: well formed, nothing from outside, nothing hostile inside, and the figures where they belong."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.fleet.trace import FrameRings
from simulator.report import plots, truth
from simulator.report.html import KeptStation, html_report, write_html
from simulator.report.plots import line_plot, nice_ceiling, stacked_plot
from simulator.report.redact import Redactor
from simulator.report.summary import build_summary
from tests.report.sample_run import SampleRun, bad_run, checks_of, good_run, info

VOID = {"meta", "br"}


class Page(HTMLParser):
    """Checks that every tag is closed, and collects what matters."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def page_of(run: SampleRun, **more: Any) -> str:
    summary = build_summary(run.metrics, run.ledger, info(), storms=run.storms, checks=checks_of(run))
    spans = [
        (fault, begin / 1e6, None if end is None else end / 1e6) for fault, begin, end in truth.fault_spans(run.ledger)
    ]
    return html_report(summary, points=run.series.points, spans=spans, **more)


@pytest.mark.parametrize("make", [good_run, bad_run, SampleRun])
def test_the_page_is_whole_and_needs_nothing_from_outside(make: Any) -> None:
    text = page_of(make())
    page = Page(text)
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "link", "img", "iframe", "object", "base", "form"}
    for tag, attributes in page.tags:
        assert not {name for name in attributes if name in ("src", "href", "style") or name.startswith("on")}, tag
    assert "url(" not in text
    assert "@import" not in text
    assert "default-src 'none'" in text


def test_a_hostile_csms_cannot_put_markup_into_it() -> None:
    text = page_of(bad_run())
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_light_and_dark_have_a_colour_for_every_name_used() -> None:
    text = page_of(good_run())
    style = text[text.index("<style>") : text.index("</style>")]
    light, dark = style.split("prefers-color-scheme: dark", 1)
    used = set(re.findall(r"var\((--[a-z]+)\)", style))
    for name in used:
        assert f"{name}:" in light, name
        assert f"{name}:" in dark, name


def test_tables_plots_and_marks() -> None:
    page = Page(page_of(bad_run()))
    words = " ".join(page.words)
    for text in ("Checks", "Heartbeat", "http_401", "modem.half_open: 5 s to 20 s", "Storms", "Repeat"):
        assert text in words, text
    assert sum(tag == "svg" for tag, _ in page.tags) == 3
    assert sum(tag == "rect" and a["class"] == "fault" for tag, a in page.tags) == 2, "one band in each line plot"


def test_without_samples_there_are_no_plots() -> None:
    assert "<svg" not in page_of(SampleRun())


def test_frames_around_failures_with_the_last_one_marked(tmp_path: Path) -> None:
    rings = FrameRings()
    rings.add("CP2", 0, b'[2,"1","DataTransfer",{"data":"%s"}]' % (b"x" * 3000), True)
    rings.add("CP2", 1, b'[4,"1","InternalError","<b>",{}]', False)
    rings.add("CP2", 2, b"<garbage>", False)
    rings.keep("CP2", "DataTransfer: callerror <i>")
    frames = rings.read("CP2", Redactor(), ocpp="1.6")
    run = bad_run()
    summary = build_summary(run.metrics, run.ledger, info())
    kept = [KeptStation("CP2", "DataTransfer: callerror <i>", frames), KeptStation("CP3", "refused", [])]
    write_html(summary, tmp_path / "r.html", kept=kept)
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    Page(text)
    assert "CP2: DataTransfer: callerror &lt;i&gt;" in text
    assert text.count('class="offending"') == 1
    assert "UNPARSEABLE &lt;garbage&gt;</pre>" in text
    assert "CALLERROR DataTransfer 1" in text
    assert "(cut)" in text
    assert "no frame yet" in text


@given(st.floats(min_value=1e-6, max_value=1e9))
def test_a_nice_ceiling_is_close_above(value: float) -> None:
    assert value * (1 - 1e-9) <= nice_ceiling(value) <= value * 2.5000001


def points(svg: str, tag: str) -> list[list[tuple[float, float]]]:
    found = []
    for text in re.findall(rf'<{tag}[^>]* points="([^"]*)"', svg):
        found.append([(float(x), float(y)) for x, y in (pair.split(",") for pair in text.split())])
    return found


def test_a_line_is_drawn_to_scale_with_gaps() -> None:
    svg = line_plot("T & U", "ms", [0.0, 5.0, 10.0, 15.0, 20.0], [0.0, 100.0, None, 50.0, None])
    ET.fromstring(svg)
    first, second = points(svg, "polyline")
    left, right = plots.LEFT, plots.WIDTH - plots.RIGHT
    bottom, top = plots.HEIGHT - plots.BOTTOM, plots.TOP
    assert first == [(left, bottom), (pytest.approx(left + (right - left) / 4, abs=0.1), top)]
    assert second[0] == second[1], "a lone point is still to be seen"
    assert "T &amp; U" in svg


def test_layers_stand_on_each_other() -> None:
    svg = stacked_plot(
        "S", "n", [0.0, 10.0], [("off", [0.0, 0.0]), ("available", [3.0, 1.0]), ("charging", [1.0, 3.0])]
    )
    lower, upper = points(svg, "polygon")
    bottom = plots.HEIGHT - plots.BOTTOM
    assert [y for _, y in lower[2:]] == [bottom, bottom]
    assert upper[2:] == lower[:2][::-1], "the second begins where the first ends"
    assert "off" not in re.findall(r"</span>(\w+)</li>", svg)


def test_bands_are_bounded_and_stay_inside() -> None:
    spans = [("f<", 5.0, 500.0), ("g", 8.0, None), *[(f"h{n}", 9.0, 9.5) for n in range(1000)]]
    svg = line_plot("T", "x", [0.0, 10.0], [1.0, 1.0], spans=spans)
    rects = re.findall(r'<rect class="fault" x="([\d.]+)" y="\d+" width="([\d.]+)"', svg)
    assert len(rects) == plots.SPANS_MAX
    for x, width in rects:
        assert plots.LEFT <= float(x) <= float(x) + float(width) <= plots.WIDTH - plots.RIGHT + 0.2
    assert "f&lt;: 5 s to 500 s" in svg
    assert "g: 8 s to the end" in svg


def test_a_fault_at_many_stations_is_one_band() -> None:
    one, other = "meter.frozen", "rtc.drift"
    spans = [(one, 5.0, 8.0), (one, 6.0, 9.0), (other, 5.5, None), (one, 12.0, 13.0), (other, 6.0, 7.0)]
    assert plots.merged(spans * 50) == [(one, 5.0, 9.0), (other, 5.5, None), (one, 12.0, 13.0)]
    svg = line_plot("T", "x", [0.0, 20.0], [1.0, 1.0], spans=spans * 50)
    assert svg.count('<rect class="fault"') == 3
    labels = re.findall(r'y="(\d+)">([a-z.]+)</text>', svg)
    assert [name for _, name in labels] == [one, other, one]
    assert labels[0][0] != labels[1][0], "names that would overlap stand below one another"
