"""What a quirk may do beyond changing what passes through its seam, and how much of it.

A quirk is shared by all stations of a model. Its port belongs to one station: it keeps the quirk's memory (lost at a
reboot like all RAM), its one timer, and lets it publish, answer, pause the queue, reboot or hang up. All of it is
bounded, so that no quirk can flood a CSMS or grow without end.

Importing this module also wires quirks to the moments of a station's life, after the blocks: a quirk sees a moment when
the blocks have dealt with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import simulator.blocks  # noqa: F401 - blocks come first at every moment
from simulator.blocks import config_keys
from simulator.core.records import Remark
from simulator.core.wiring import MOMENTS, at, on_timer
from simulator.wire.rpc import encode_error, encode_result

if TYPE_CHECKING:
    from simulator.core.reports import Report
    from simulator.core.station import Station
    from simulator.quirks.seams import Quirk

#: the longest a quirk may hold something back or wait
MAX_HOLD_US = 3_600_000_000
#: messages a quirk may add at one moment
MAX_EXTRA = 8
#: things a quirk may remember of one station
MAX_MEMORY = 256
TIMER = "quirk"


class QuirkPort:
    """The way of one quirk to one station. Made where it is used; all state lies with the station."""

    __slots__ = ("_quirk", "_st")

    def __init__(self, st: Station, quirk: Quirk) -> None:
        self._st, self._quirk = st, quirk

    @property
    def memory(self) -> dict[Any, Any]:
        """What the quirk remembers of this station since its boot."""
        memory: dict[Any, Any] = self._st.data.setdefault(("quirk", self._quirk.name), {})
        assert len(memory) <= MAX_MEMORY, f"quirk {self._quirk.name} remembers too much"
        return memory

    def _index(self) -> int:
        return next(n for n, known in enumerate(self._st.model.quirks) if known is self._quirk)

    def wake_in(self, seconds: float) -> None:
        """Set the quirk's timer, at most an hour from now; a running one is moved."""
        wait_us = min(int(seconds * 1_000_000), MAX_HOLD_US)
        self._st.timers.set(TIMER, self._st.now + wait_us, self._index())

    def sleep(self) -> None:
        """Stop the timer."""
        self._st.timers.cancel(TIMER, self._index())

    def publish(self, report: Report) -> bool:
        """Queue a message more than the station would send; it passes no ``report`` seam. False: too many at once."""
        st, memory = self._st, self.memory
        moment, count = memory.get("extra", (-1, 0))
        count = count + 1 if moment == st.now else 1
        if count > MAX_EXTRA:
            st.record(Remark(f"quirk {self._quirk.name}: more than {MAX_EXTRA} messages at once, one was dropped"))
            return False
        memory["extra"] = (st.now, count)
        st.outbox.publish(st, report, st.now)
        return True

    def hold(self, seconds: float) -> int:
        """The moment until which a report may be held, at most an hour from now."""
        return self._st.now + min(int(seconds * 1_000_000), MAX_HOLD_US)

    def pause_queue(self, seconds: float) -> None:
        """Offer no durable message for so long, at most an hour; other messages go on."""
        st = self._st
        until_us = max(self.hold(seconds), st.outbox.retry_us or 0)
        st.outbox.retry_us = until_us
        st.timers.set("retry", until_us)

    def answer(self, message_id: str, reply: Any) -> str:
        """Answer a request of the CSMS in the station's place; returns the outcome for the ``request`` seam."""
        self._st.send(encode_result(message_id, reply))
        return "ok"

    def refuse(self, message_id: str, kind: str, description: str) -> str:
        """Answer a request of the CSMS by a CALLERROR; ``kind`` is a neutral error word."""
        parts = (self._st.dialect.error_codes[kind], description, None)
        for other in self._st.model.seams.answer:  # it passes the other habits of the product like any CALLERROR
            parts = other.error(self._st, "", parts)
        self._st.send(encode_error(message_id, *parts))
        return "callerror"

    def vendor_key(self, name: str) -> str:
        """The present text of a configuration key that only the product has; "" without such a key."""
        found = config_keys.read_key(self._st, name)
        return found[1] or "" if found is not None else ""

    def skip_registration(self) -> None:
        """Go on as if BootNotification had been accepted."""
        st = self._st
        st.gate = "accepted"
        for function in MOMENTS["accepted"]:
            function(st, st.now)

    def reboot(self, reason: str = "Unknown") -> None:
        """Restart the station's software; ``reason`` in BootReasonEnumType words. Only from ``timer``."""
        self._st.reboot(reason, "hard", self._st.now)

    def hang_up(self, how: str, *, redial_s: float | None = None) -> None:
        """Drop the link (``close`` or ``reset``); dial again after ``redial_s``, or as the station's rules say."""
        st = self._st
        st.link.drop(st, st.now, how)
        if redial_s is not None:
            st.timers.set("dial", st.now + int(redial_s * 1_000_000))


@on_timer(TIMER)
def due(st: Station, index: int, now: int) -> None:
    """The timer of the quirk at this place of the profile."""
    known = st.model.quirks[index]
    if known.name not in st.model.outgrown:
        known.timer(st, now)


def _tell(moment: str) -> None:
    @at(moment)
    def pass_on(st: Station, now: int) -> None:
        for known in st.model.quirks:
            if known.name not in st.model.outgrown:
                known.moment(st, moment, now)


for _moment in ("start", "link_up", "link_down", "accepted", "callerror"):
    _tell(_moment)
