"""Quirks of StatusNotification: its fields, and statuses that come too early, too often or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET, structs

from simulator.core.connector import AVAILABLE, CHARGING, FINISHING, PREPARING, SUSPENDED_EV, SUSPENDED_EVSE
from simulator.core.reports import StatusChanged, TransactionStarted
from simulator.quirks.payload import get, knows, put
from simulator.quirks.port import QuirkPort
from simulator.quirks.seams import Quirk, quirk

if TYPE_CHECKING:
    from simulator.core.reports import Report
    from simulator.core.station import Station

OPAQUE_INFO = "Ignore vendorErrorCode and info when errorCode is NoError; treat info as opaque text."
LOOSE_ORDER = (
    "Drive sessions from transaction messages and use status only as a hint; allow any order within a window and do"
    " not close a transaction on Available at once."
)


_ENERGY = (CHARGING, SUSPENDED_EV, SUSPENDED_EVSE)


def _is_status(action: str, payload: Any) -> bool:
    # errorCode marks the older shape of the message, where timestamp and the vendor's fields are optional
    return action == "StatusNotification" and knows(payload, "errorCode")


@quirk(
    "status-no-timestamp",
    vendors=("ABB Terra AC", "Simpson & Partners"),
    sources=("lbbrhzn/ocpp#169", "evcc-io/evcc#15493", "lbbrhzn/ocpp#1160"),
    survive="Use the time of arrival when the timestamp is missing, and order by arrival.",
)
class StatusNoTimestamp(Quirk):
    """StatusNotification carries no timestamp."""

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """Leave it out."""
        return put(payload, timestamp=UNSET) if _is_status(action, payload) else payload


@quirk(
    "status-vendor-error-code-on-noerror",
    vendors=("ABB Terra AC",),
    sources=("lbbrhzn/ocpp#169", "evcc-io/evcc#15493"),
    survive=OPAQUE_INFO,
    params={"code": ("0x0000",)},
)
class StatusVendorErrorCode(Quirk):
    """vendorErrorCode is always there, also with NoError. Older firmware says 0x00, newer 0x0000."""

    code: str

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """Put the code where there is none."""
        if _is_status(action, payload) and get(payload, "vendorErrorCode") in (UNSET, ""):
            return put(payload, vendor_error_code=self.code)
        return payload


@quirk(
    "status-info-literal-null",
    vendors=("ABB Terra AC",),
    sources=("lbbrhzn/ocpp#169", "mikuso/ocpp-rpc#76"),
    survive=OPAQUE_INFO,
    params={"text": ("null",)},
)
class StatusInfoNull(Quirk):
    """Without anything to tell, info is the word null, as text."""

    text: str

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """The word in the place of nothing."""
        if _is_status(action, payload) and get(payload, "info") in (UNSET, ""):
            return put(payload, info=self.text)
        return payload


@quirk(
    "status-vendorid-always",
    vendors=("Wallbox",),
    sources=("lbbrhzn/ocpp#1245", "lbbrhzn/ocpp#1925"),
    survive=OPAQUE_INFO,
    params={"vendor_id": ("com.wallbox",)},
)
class StatusVendorId(Quirk):
    """Every StatusNotification names the vendor, with an empty vendorErrorCode and an empty info."""

    vendor_id: str

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """All three fields, always."""
        if not _is_status(action, payload):
            return payload
        empty = {name: "" for name, wire in _TEXTS.items() if get(payload, wire) is UNSET}
        return put(payload, vendor_id=self.vendor_id, **empty)


_TEXTS = {"vendor_error_code": "vendorErrorCode", "info": "info"}


@quirk(
    "status-charging-before-start-tx",
    vendors=("ABB Terra AC",),
    sources=("lbbrhzn/ocpp#169",),
    breaks=("status_true",),
    survive=LOOSE_ORDER,
    params={"lead_s": (1.0, 0.0, 60.0)},
)
class ChargingBeforeStart(Quirk):
    """Charging is told about a second before StartTransaction, and not again when it becomes true."""

    lead_s: float

    def report(self, st: Station, report: Report) -> Report | None:
        """The status goes first; the start lies on flash and waits its second there."""
        port = QuirkPort(st, self)
        if isinstance(report, TransactionStarted) and st.link.is_up:
            told = StatusChanged(
                evse_id=report.evse_id,
                connector_id=report.connector_id,
                status=CHARGING,
                plugged=True,
                error="",
                info="",
                at=st.stamp(),
            )
            if port.publish(told):
                port.memory[report.evse_id] = True
                port.pause_queue(self.lead_s)
        elif isinstance(report, StatusChanged) and port.memory.pop(report.evse_id, False) and report.status == CHARGING:
            return None
        return report

    def moment(self, st: Station, name: str, now: int) -> None:
        """After a new boot everything is told again."""
        if name == "accepted":
            QuirkPort(st, self).memory.clear()


@quirk(
    "status-available-direct-after-charging",
    vendors=("EVBox",),
    sources=("evcc-io/evcc#8116",),
    breaks=("status_true",),
    survive=LOOSE_ORDER,
    params={"info": ("EV side disconnected.",)},
)
class AvailableAfterCharging(Quirk):
    """When the plug is pulled at the car, Available follows at once, with a remark, though the cable is still there."""

    info: str

    def report(self, st: Station, report: Report) -> Report | None:
        """Available in the place of Finishing; the Available that would follow was told already."""
        if not isinstance(report, StatusChanged) or report.evse_id == 0:
            return report
        memory = QuirkPort(st, self).memory
        evse = st.evses[report.evse_id - 1]
        before, memory[report.evse_id] = memory.get(report.evse_id), report.status
        if report.status == FINISHING and evse.ev_gone:
            memory[report.evse_id] = AVAILABLE
            return structs.replace(report, status=AVAILABLE, info=self.info)
        if report.status == AVAILABLE and before == AVAILABLE:
            return None
        if report.status == AVAILABLE and before in _ENERGY:  # a fixed cable leaves nothing behind
            return structs.replace(report, info=self.info)
        return report

    def moment(self, st: Station, name: str, now: int) -> None:
        """After a new boot everything is told again."""
        if name == "accepted":
            QuirkPort(st, self).memory.clear()


@quirk(
    "status-preparing-available-flicker",
    vendors=("Alfen",),
    sources=("lbbrhzn/ocpp#45", "lbbrhzn/ocpp#174"),
    breaks=("status_true",),
    survive=LOOSE_ORDER,
    params={"step_s": (0.7, 0.1, 10.0)},
)
class PreparingFlicker(Quirk):
    """Plugging in is told as Preparing, Available, Preparing, within two seconds.

    ``step_s``: time between two of them. A status that becomes true meanwhile ends it.
    """

    step_s: float

    def report(self, st: Station, report: Report) -> Report:
        """The first Preparing starts the two others; any later status is what counts."""
        if isinstance(report, StatusChanged) and report.evse_id:
            port = QuirkPort(st, self)
            before, port.memory[report.evse_id] = port.memory.get(report.evse_id), report.status
            plan: list[tuple[int, StatusChanged]] = [
                (at, told) for at, told in port.memory.get("plan", ()) if told.evse_id != report.evse_id
            ]
            if report.status == PREPARING and before == AVAILABLE:
                plan.append((port.hold(self.step_s), structs.replace(report, status=AVAILABLE)))
                plan.append((port.hold(2 * self.step_s), report))
            self._follow(st, port, plan)
        return report

    def timer(self, st: Station, now: int) -> None:
        """Tell what is due, with the time it is told."""
        port = QuirkPort(st, self)
        plan = port.memory.get("plan", [])
        for at, told in plan:
            if at <= now:
                port.publish(structs.replace(told, at=st.stamp()))
        self._follow(st, port, [row for row in plan if row[0] > now])

    def _follow(self, st: Station, port: QuirkPort, plan: list[tuple[int, StatusChanged]]) -> None:
        port.memory["plan"] = plan
        if plan:
            port.wake_in((min(at for at, _ in plan) - st.now) / 1_000_000)
        else:
            port.sleep()
