"""Quirks of the boot: when BootNotification is sent, and whether at all.

What BootNotification *says* is plain data and stands in the profiles: composite model and firmware texts, serials that
are sent twice, empty optional fields.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulator.core.reports import BootAsked
from simulator.quirks.port import QuirkPort
from simulator.quirks.seams import Quirk, quirk

if TYPE_CHECKING:
    from simulator.core.reports import Report
    from simulator.core.station import Station


@quirk(
    "boot-delayed-after-connect",
    vendors=("Alfen",),
    sources=("steve-community/steve#1347",),
    survive="Send no CALL until a BootNotification was answered or a grace period ran out, then pace set-up calls.",
    params={"delay_s": (5.0, 0.0, 600.0), "queue_s": (10.0, 0.0, 600.0)},
)
class BootDelayed(Quirk):
    """BootNotification comes seconds after the connection, queued messages seconds after its answer.

    ``delay_s``: connection to BootNotification. ``queue_s``: answer to the first queued message.
    """

    delay_s: float
    queue_s: float

    def report(self, st: Station, report: Report) -> Report | None:
        """Put the BootNotification off; the timer sends it if the connection still stands."""
        if not isinstance(report, BootAsked):
            return report
        port = QuirkPort(st, self)
        port.memory["boot"] = report
        port.wake_in(self.delay_s)
        return None

    def timer(self, st: Station, now: int) -> None:
        """The delay is over."""
        port = QuirkPort(st, self)
        asked = port.memory.pop("boot", None)
        if asked is not None and st.link.is_up:
            port.publish(asked)

    def moment(self, st: Station, name: str, now: int) -> None:
        """A lost connection takes the delayed message with it; the next one asks anew."""
        port = QuirkPort(st, self)
        if name == "link_down":
            port.memory.pop("boot", None)
            port.sleep()
        elif name == "accepted" and st.outbox.durable_waits():
            port.pause_queue(self.queue_s)


@quirk(
    "boot-not-sent-on-connect",
    vendors=("Wallbox", "Webasto NEXT"),
    sources=("evcc-io/evcc#28539", "evcc-io/evcc#28540", "evcc-io/evcc#31158"),
    breaks=("status_before_boot",),
    survive="Accept sessions without BootNotification: trigger it after a few seconds, reuse what is known of the"
    " station, do not gate status or metering on it.",
)
class BootNotSent(Quirk):
    """After the connection only StatusNotification arrives; BootNotification comes when it is triggered."""

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """Remember that the CSMS asks for it."""
        if action in ("TriggerMessage", "ExtendedTriggerMessage") and req.requested_message == "BootNotification":
            QuirkPort(st, self).memory["asked"] = True
        return None

    def report(self, st: Station, report: Report) -> Report | None:
        """Only an asked-for BootNotification is sent."""
        if isinstance(report, BootAsked) and not QuirkPort(st, self).memory.pop("asked", False):
            return None
        return report

    def moment(self, st: Station, name: str, now: int) -> None:
        """The station takes itself for registered as soon as it is connected."""
        if name == "link_up" and st.gate != "accepted":
            QuirkPort(st, self).skip_registration()


@quirk(
    "boot-loop-if-called-before-accept",
    vendors=("Wallbox",),
    sources=("lbbrhzn/ocpp#1503", "lbbrhzn/ocpp#1510"),
    breaks=("boot_once", "every_call_answered"),
    fixed_in="6.7.25",
    survive="Send no CALL until a BootNotification was answered or a grace period ran out, then pace set-up calls.",
    params={"repeat_s": (10.0, 1.0, 600.0)},
)
class BootLoop(Quirk):
    """A CALL before the answer to BootNotification is ignored, and BootNotification then repeats for ever.

    Firmware 6.6.12 to 6.7.17. Only a new connection ends it. ``repeat_s``: answer to the next BootNotification.
    """

    repeat_s: float

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """Too early: not answered, and remembered."""
        if st.gate == "accepted":
            return None
        QuirkPort(st, self).memory["called"] = True
        return "silent"

    def moment(self, st: Station, name: str, now: int) -> None:
        """The answer is not taken for one; a lost connection clears the state."""
        port = QuirkPort(st, self)
        if name == "link_down":
            port.memory.pop("called", None)
            port.sleep()
        elif name == "accepted" and port.memory.get("called"):
            st.gate = "unknown"
            port.wake_in(self.repeat_s)

    def timer(self, st: Station, now: int) -> None:
        """Once more."""
        if st.link.is_up and st.gate != "accepted":
            QuirkPort(st, self).publish(BootAsked(st.boot_reason))
