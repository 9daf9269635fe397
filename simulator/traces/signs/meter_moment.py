"""Signs of quirks of old and repeated meter values."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.traces.model import Frame
from simulator.traces.parts import fields
from simulator.traces.signs.story import Story
from simulator.traces.signs.table import Hit, may, shows, sign

DAY_S = 86_400.0


@sign("meter-stale-backlog")
def stale_backlog(story: Story) -> Iterator[Hit]:
    """Values that are months old."""
    for sample in story.samples:
        now = story.known_us(sample.frame)
        if sample.at is not None and now is not None and sample.frame.action == "MeterValues":
            days = (now - sample.at) / 1e6 / DAY_S
            if 30 <= days <= 36_500 and sample.at > 1_420_000_000_000_000:
                yield shows(sample.frame, f"stamped {days:.0f} days ago")


@sign("meter-resent-on-reconnect")
def values_again(story: Story) -> Iterator[Hit]:
    """The same values again, on a new connection, although they were answered; under the same id."""
    seen: dict[str, Frame] = {}
    for frame in story.told("MeterValues"):
        content = str(fields(frame.payload).get("meterValue"))
        first = seen.setdefault(content, frame)
        if first is frame or story.answer(first) is None:
            continue
        opened = any(mark.what == "opened" and first.line < mark.line < frame.line for mark in story.marks)
        if opened or first.id == frame.id:
            yield (shows if first.id == frame.id else may)(frame, f"the values of line {first.line} again")
