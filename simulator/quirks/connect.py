"""Quirks of the connection: message ids, frames, links that drop, messages nobody asked for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Raw

from simulator.core.reports import SecurityEvent
from simulator.quirks.port import QuirkPort
from simulator.quirks.seams import Quirk, quirk

if TYPE_CHECKING:
    from simulator.core.station import Station

_INDENT = re.compile(rb"^ +", re.MULTILINE)
_OPAQUE_IDS = "Message ids are opaque texts of up to 36 characters; match answers per connection and expect reuse."
_REDIALS = (
    "Replace the old socket on redial, keep transactions over gaps of many minutes, debounce offline alarms, back off"
    " triggers."
)


@quirk(
    "msgid-short-numeric-leading-zero",
    vendors=("ABB Terra AC",),
    sources=("lbbrhzn/ocpp#169", "mobilityhouse/ocpp#186"),
    breaks=("message_ids",),
    survive=_OPAQUE_IDS,
    params={"digits": (7, 1, 18)},
)
class MessageIdSevenDigits(Quirk):
    """Ids of CALLs are seven decimal digits, drawn anew each time, with zeros in front; in time they come again."""

    digits: int

    def message_id(self, st: Station, number: int) -> str:
        """So many digits."""
        return f"{st.rng.below('quirk.message_id', 10**self.digits):0{self.digits}d}"


@quirk(
    "msgid-compound",
    vendors=("ABB Terra DC",),
    sources=("evcc-io/evcc#30114",),
    survive=_OPAQUE_IDS,
    params={"prefix": (36, 0, 9_999)},
)
class MessageIdCompound(Quirk):
    """Ids of CALLs are two numbers with a colon between them: one of the boot, and a counter.

    ``prefix``: the number of the first boot.
    """

    prefix: int

    def message_id(self, st: Station, number: int) -> str:
        """Boot, colon, counter."""
        return f"{self.prefix + st.boot_no - 1}:{number}"


@quirk(
    "frame-pretty-printed-json",
    vendors=("Wallbox", "Vestel", "Grizzl-E"),
    sources=("lbbrhzn/ocpp#2", "lbbrhzn/ocpp#511", "lbbrhzn/ocpp#466", "lbbrhzn/ocpp#1600"),
    survive="Use a JSON reader, never text patterns on frames.",
    params={"indent": (2, 1, 8), "tabs": (False,)},
    order=100,
)
class FramePrettyPrinted(Quirk):
    """Payloads are written over several lines, with indentation and a space after every colon.

    ``indent``: blanks for each level. ``tabs``: a tab in their place (Grizzl-E Ultimate).
    """

    indent: int
    tabs: bool

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """Line breaks in a CALL."""
        return self._pretty(payload)

    def answer(self, st: Station, action: str, reply: Any, message_id: str) -> Any:
        """Line breaks in a CALLRESULT."""
        return self._pretty(reply)

    def _pretty(self, payload: Any) -> Raw:
        text = msgspec.json.format(msgspec.json.encode(payload), indent=self.indent)
        # a text never holds a line break as it is, so what begins a line is indentation
        return Raw(_INDENT.sub(lambda m: b"\t" * (len(m[0]) // self.indent), text) if self.tabs else text)


@quirk(
    "ws-drop-after-heartbeat",
    vendors=("ABB Terra AC",),
    sources=("evcc-io/evcc#6817",),
    breaks=("stays_connected",),
    survive=_REDIALS,
    params={"after_s": (60.0, 1.0, 3_600.0)},
)
class DropAfterHeartbeat(Quirk):
    """The socket closes a minute after a Heartbeat, when nothing else was said and no session runs."""

    after_s: float

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """A Heartbeat starts the minute, anything else ends it."""
        port = QuirkPort(st, self)
        if action == "Heartbeat":
            port.wake_in(self.after_s)
        else:
            port.sleep()
        return payload

    def timer(self, st: Station, now: int) -> None:
        """The minute is over."""
        if st.link.is_up and not any(evse.tx for evse in st.evses):
            QuirkPort(st, self).hang_up("close")


@quirk(
    "ws-flapping",
    vendors=("Wallbox",),
    sources=("evcc-io/evcc#26060",),
    breaks=("stays_connected",),
    survive=_REDIALS,
    params={"every_s": (25.0, 1.0, 3_600.0), "redial_s": (0.8, 0.0, 60.0)},
)
class Flapping(Quirk):
    """The station disconnects and dials again within a second, again and again.

    ``every_s``: how long a connection lasts. ``redial_s``: how long there is none.
    """

    every_s: float
    redial_s: float

    def moment(self, st: Station, name: str, now: int) -> None:
        """A new connection is counted from its beginning."""
        if name == "link_up":
            QuirkPort(st, self).wake_in(self.every_s)
        elif name == "link_down":
            QuirkPort(st, self).sleep()

    def timer(self, st: Station, now: int) -> None:
        """Down and up again."""
        if st.link.is_up:
            QuirkPort(st, self).hang_up("close", redial_s=self.redial_s)


@quirk(
    "security-events-unsolicited",
    vendors=("ABB Terra AC",),
    sources=("evcc-io/evcc#15493", "evcc-io/evcc#21645"),
    survive="Answer actions you do not know with NotSupported and do not count them as faults.",
)
class SecurityEventsUnsolicited(Quirk):
    """After the boot it sends SecurityEventNotification, also to a server without the security extension."""

    def moment(self, st: Station, name: str, now: int) -> None:
        """The first event carries the time of the start, the second that of the answer which set the clock."""
        port = QuirkPort(st, self)
        if name == "start":
            port.memory["started"] = st.stamp()
        elif name == "accepted" and "started" in port.memory:
            port.publish(SecurityEvent("StartupOfTheDevice", port.memory.pop("started")))
            port.publish(SecurityEvent("SettingSystemTime", st.stamp(), "ocppBoot"))
