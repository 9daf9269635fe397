"""Quirks of when a status is told, and of statuses that are not, or not yet, those of the connector."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET, structs

from simulator.core.connector import AVAILABLE, FINISHING, PREPARING, UNAVAILABLE
from simulator.core.reports import StatusChanged, TransactionEnded
from simulator.quirks.deeds import answer
from simulator.quirks.payload import get
from simulator.quirks.port import MAX_EXTRA, QuirkPort
from simulator.quirks.seams import Quirk, quirk
from simulator.quirks.status import LOOSE_ORDER, OPAQUE_INFO

if TYPE_CHECKING:
    from simulator.core.reports import Report
    from simulator.core.station import Station

_FINISHING = (
    "Take Finishing for plugged in; offer to unlock or reset; do not start from it, and pause by a limit instead of a"
    " stop."
)


@quirk(
    "status-available-before-stop-tx",
    vendors=("ABB Terra DC", "Legacy AC (generic)", "KEBA"),
    sources=(
        "sap-labs-france/ev-server@6e0cfa732",
        "sap-labs-france/ev-server:src/server/ocpp/services/OCPPService.ts",
        "dallmann-consulting/OCPP.Core#97",
    ),
    survive=LOOSE_ORDER,
    params={"lag_s": (2.0, 0.1, 60.0)},
)
class StopLags(Quirk):
    """StopTransaction comes some seconds after the end: statuses, Available too, arrive before it.

    ``lag_s``: how many.
    """

    lag_s: float

    def report(self, st: Station, report: Report) -> Report:
        """The stop lies on flash and waits there."""
        if isinstance(report, TransactionEnded):
            QuirkPort(st, self).pause_queue(self.lag_s)
        return report


class _FalseStart(Quirk):
    """The first status of a connector after the boot is another one; the true one follows in a moment."""

    def _wait_s(self) -> float:
        raise NotImplementedError

    def _told(self, report: StatusChanged) -> StatusChanged | None:
        """What is told in the place of the first one; None tells the truth."""
        raise NotImplementedError

    def report(self, st: Station, report: Report) -> Report:
        """Once for each connector; a status that is told meanwhile is what counts."""
        if not isinstance(report, StatusChanged) or not report.evse_id:
            return report
        port = QuirkPort(st, self)
        pending = port.memory.setdefault("pending", {})
        pending.pop(report.evse_id, None)
        if port.memory.get(report.evse_id):
            return report
        port.memory[report.evse_id] = True
        told = self._told(report)
        if told is None:
            return report
        pending[report.evse_id] = (port.hold(self._wait_s()), report)
        self._follow(st, port)
        return told

    def timer(self, st: Station, now: int) -> None:
        """Tell the truth, with the time at which it is told."""
        port = QuirkPort(st, self)
        pending = port.memory.get("pending", {})
        for evse_id, (due, report) in list(pending.items()):
            if due <= now:
                del pending[evse_id]
                port.publish(structs.replace(report, status=st.evses[evse_id - 1].status, at=st.stamp()))
        self._follow(st, port)

    def _follow(self, st: Station, port: QuirkPort) -> None:
        pending = port.memory.get("pending")
        if pending:
            port.wake_in((min(due for due, _ in pending.values()) - st.now) / 1_000_000)

    def moment(self, st: Station, name: str, now: int) -> None:
        """After a new boot everything is told again."""
        if name == "accepted":
            QuirkPort(st, self).memory.clear()


@quirk(
    "status-available-flash-before-unavailable",
    vendors=("Easee",),
    sources=("manual: Easee developer pages, OCPP commands",),
    breaks=("status_true",),
    survive=LOOSE_ORDER,
    params={"flash_s": (1.2, 0.1, 60.0)},
)
class AvailableFlash(_FalseStart):
    """After a boot an inoperative connector is Available for more than a second, then Unavailable.

    ``flash_s``: how long.
    """

    flash_s: float

    def _wait_s(self) -> float:
        return self.flash_s

    def _told(self, report: StatusChanged) -> StatusChanged | None:
        return structs.replace(report, status=AVAILABLE) if report.status == UNAVAILABLE else None


@quirk(
    "status-vendor-init-state",
    vendors=("ABL",),
    sources=("manual: ABL Integration Manual 1.7",),
    breaks=("status_true",),
    survive=OPAQUE_INFO,
    params={"init_s": (3.0, 0.1, 120.0)},
)
class InitState(_FalseStart):
    """After a boot a connector is Unavailable for a while, with the maker's own state INIT as vendorErrorCode and info.

    ``init_s``: how long.
    """

    init_s: float

    def _wait_s(self) -> float:
        return self.init_s

    def _told(self, report: StatusChanged) -> StatusChanged | None:
        return structs.replace(report, status=UNAVAILABLE, info="INIT", vendor_error="INIT")


@quirk(
    "status-available-while-plugged",
    vendors=("FoxESS",),
    sources=("lbbrhzn/ocpp:docs/supported-devices.md", "lbbrhzn/ocpp#2008"),
    breaks=("status_true",),
    survive=LOOSE_ORDER,
    params={"after_s": (0.5, 0.1, 60.0)},
)
class AvailableWhilePlugged(Quirk):
    """After every session the connector is Available, with the cable still in.

    ``after_s``: seconds from the end of the session, where the status would not change at all (2.x).
    """

    after_s: float

    def report(self, st: Station, report: Report) -> Report | None:
        """Available in the place of Finishing; the Available that would follow was told already."""
        port = QuirkPort(st, self)
        if isinstance(report, TransactionEnded):
            port.wake_in(self.after_s)
        if not isinstance(report, StatusChanged) or report.evse_id == 0:
            return report
        before, port.memory[report.evse_id] = port.memory.get(report.evse_id), report.status
        if report.status == FINISHING and st.evses[report.evse_id - 1].tx is None:
            report = structs.replace(report, status=AVAILABLE, plugged=False, info="")
            port.memory[report.evse_id] = AVAILABLE
        elif report.status == AVAILABLE and before == AVAILABLE:
            return None
        return report

    def timer(self, st: Station, now: int) -> None:
        """Of those that are over and still plugged in."""
        port = QuirkPort(st, self)
        for evse in st.evses:
            over = evse.tx is None and evse.used and evse.plugged and st.gate == "accepted" and st.link.is_up
            if over and port.memory.get(evse.evse_id) != AVAILABLE:
                port.memory[evse.evse_id] = AVAILABLE
                told = StatusChanged(
                    evse_id=evse.evse_id,
                    connector_id=1,
                    status=AVAILABLE,
                    plugged=False,
                    error="",
                    info="",
                    at=st.stamp(),
                )
                port.publish(told)

    def moment(self, st: Station, name: str, now: int) -> None:
        """After a new boot everything is told again."""
        if name == "accepted":
            QuirkPort(st, self).memory.clear()


@quirk(
    "status-finishing-on-plugin",
    vendors=("EN+",),
    sources=("evcc-io/evcc#15752", "evcc-io/evcc#14673"),
    breaks=("status_true",),
    survive=_FINISHING,
    params={"chance": (1.0, 0.0, 1.0)},
)
class FinishingOnPlugIn(Quirk):
    """A cable that is plugged in makes the connector Finishing in the place of Preparing.

    ``chance``: how often.
    """

    chance: float

    def report(self, st: Station, report: Report) -> Report:
        """Only what comes from Available by the cable; a token makes it Preparing as usual."""
        if not isinstance(report, StatusChanged) or not report.evse_id:
            return report
        memory = QuirkPort(st, self).memory
        before, memory[report.evse_id] = memory.get(report.evse_id), report.status
        fresh = report.status == PREPARING and before == AVAILABLE and report.plugged
        if fresh and st.rng.chance("quirk.finishing", self.chance):
            return structs.replace(report, status=FINISHING)
        return report


_STARTS = {"RemoteStartTransaction": "connectorId", "RequestStartTransaction": "evseId"}


@quirk(
    "status-finishing-until-reset",
    vendors=("Autel",),
    sources=("lbbrhzn/ocpp:docs/supported-devices.md",),
    survive=_FINISHING,
)
class StuckInFinishing(Quirk):
    """After a remote stop the connector is stuck in Finishing: until unplugged or reset no remote start works."""

    def report(self, st: Station, report: Report) -> Report:
        """A remote stop sticks, Available frees."""
        stuck = QuirkPort(st, self).memory
        if isinstance(report, TransactionEnded) and report.reason == "Remote":
            stuck[report.evse_id] = True
        elif isinstance(report, StatusChanged) and report.status == AVAILABLE:
            stuck.pop(report.evse_id, None)
        return report

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """Refuse a start at a connector that is stuck, or at any when all are."""
        if action not in _STARTS:
            return None
        stuck = QuirkPort(st, self).memory
        asked = get(req, _STARTS[action])
        wanted = st.evses if asked in (UNSET, None, 0) else [e for e in st.evses if e.evse_id == asked]
        if not wanted or not all(stuck.get(e.evse_id) and e.plugged for e in wanted):
            return None
        return answer(st, self, action, message_id, "Rejected")


@quirk(
    "status-stale-timestamp-on-reconnect",
    vendors=("ABB Terra DC",),
    sources=("evcc-io/evcc#30114",),
    survive="Use the time of arrival when a timestamp is missing or implausible, and order statuses by arrival.",
)
class StatusAgainOnReconnect(Quirk):
    """After a lost connection every status is told again, with the time of its last change, hours ago."""

    def report(self, st: Station, report: Report) -> Report:
        """Remember the last one of each connector."""
        if isinstance(report, StatusChanged):
            QuirkPort(st, self).memory[report.evse_id] = report
        return report

    def moment(self, st: Station, name: str, now: int) -> None:
        """What is still so is told as it was; what has changed meanwhile the station tells by itself."""
        if name != "link_up" or st.gate != "accepted":
            return
        port = QuirkPort(st, self)
        told = [report for _, report in sorted((k, v) for k, v in port.memory.items() if isinstance(v, StatusChanged))]
        same = [r for r in told if r.evse_id == 0 or st.evses[r.evse_id - 1].status == r.status]
        for report in same[:MAX_EXTRA]:
            port.publish(report)
