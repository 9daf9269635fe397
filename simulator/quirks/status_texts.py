"""Quirks of what a StatusNotification says beside the status, and of notifications nobody needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import structs

from simulator.core.connector import AVAILABLE, FINISHING, PREPARING, SUSPENDED_EV
from simulator.core.reports import StatusChanged
from simulator.quirks.payload import get, knows, plain, put
from simulator.quirks.port import QuirkPort
from simulator.quirks.seams import Quirk, quirk
from simulator.quirks.status import OPAQUE_INFO

if TYPE_CHECKING:
    from simulator.core.reports import Report
    from simulator.core.station import Station

_ZERO_APART = "Never take the status of connector 0 for that of the connectors."
_NO_ERROR = "NoError"


def _is_status(action: str, payload: Any) -> bool:
    # errorCode marks the older shape of the message, which has the vendor's fields
    return action == "StatusNotification" and knows(payload, "errorCode")


@quirk(
    "status-info-embedded-json",
    vendors=("EN+",),
    sources=("evcc-io/evcc#14673",),
    survive=OPAQUE_INFO,
    params={"vendor_id": ("EN+",)},
)
class InfoIsJson(Quirk):
    """info is a JSON document as text, with a reason and two numbers; the vendor is named beside it."""

    vendor_id: str

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """It fits into the 50 characters."""
        if not _is_status(action, payload):
            return payload
        evse, status = st.evse(get(payload, "connectorId")), str(get(payload, "status"))
        if status == FINISHING and evse is not None and evse.status == PREPARING:
            status = PREPARING  # it says so of a car that has just come, too (status-finishing-on-plugin)
        reason = _REASONS.get(status, "statusChange")
        return put(payload, info=f'{{"reason":"{reason}","cpv":0,"rv":0}}', vendor_id=self.vendor_id)


_REASONS = {PREPARING: "plugInGun", FINISHING: "stopCharge"}


@quirk(
    "status-vendor-error-bitfield",
    vendors=("EN+",),
    sources=("lbbrhzn/ocpp#211",),
    survive=OPAQUE_INFO,
    params={"bits": (32, 8, 50)},
)
class VendorErrorBits(Quirk):
    """vendorErrorCode is a text of 32 times 0 or 1, one for each thing that may be wrong."""

    bits: int

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """All 0 without an error; else the place of the error code says which."""
        if not _is_status(action, payload):
            return payload
        code = str(get(payload, "errorCode"))
        bits = ["0"] * self.bits
        if code in ERROR_CODES:
            bits[ERROR_CODES.index(code) % self.bits] = "1"
        return put(payload, vendor_error_code="".join(bits))


#: what errorCode may say beside NoError
ERROR_CODES = (
    "ConnectorLockFailure", "EVCommunicationError", "GroundFailure", "HighTemperature", "InternalError",
    "LocalListConflict", "OtherError", "OverCurrentFailure", "OverVoltage", "PowerMeterFailure", "PowerSwitchFailure",
    "ReaderFailure", "ResetFailure", "UnderVoltage", "WeakSignal",
)  # fmt: skip


@quirk(
    "status-finishing-with-error-code",
    vendors=("ABB Terra DC",),
    sources=(
        "sap-labs-france/ev-server@7bbf0a025",
        "sap-labs-france/ev-server@9bfc0a145",
        "sap-labs-france/ev-server@d28ad9ccf",
    ),
    breaks=("error_true",),
    survive="Raise alarms for Faulted only, not for an errorCode beside another status.",
    params={"code": ("OtherError",)},
)
class FinishingWithError(Quirk):
    """Finishing comes with an errorCode, although the session ended as it should."""

    code: str

    def refuse_text(self, name: str, value: str) -> str | None:
        """One of the codes."""
        return None if value in ERROR_CODES else f"{value!r} is not one of {', '.join(ERROR_CODES)}"

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """In the place of NoError."""
        if _is_status(action, payload) and get(payload, "status") == FINISHING:
            return put(payload, error_code=self.code) if get(payload, "errorCode") == _NO_ERROR else payload
        return payload


@quirk(
    "status-info-spam-on-residual-current",
    vendors=("Bender/Ebee",),
    sources=("manual: Ebee OCPP configuration keys (85.156.250.63)", "sap-labs-france/ev-server@01dd2be6b"),
    survive=OPAQUE_INFO,
    params={"every_s": (30.0, 1.0, 3_600.0), "largest": (60, 1, 1_000)},
    vendor_keys={"RCMBDelta": ("10", True), "InfoStatusNotifications": ("1", True)},
)
class ResidualCurrentSpam(Quirk):
    """While power flows, every change of the residual current is told by a StatusNotification.

    How much it has to change is set by the key RCMBDelta, in tenths of a milliampere (0: never);
    InfoStatusNotifications 0 turns all such messages off. ``every_s``: how often it is measured; ``largest``: residual
    current, in tenths of a milliampere.
    """

    every_s: float
    largest: int

    def moment(self, st: Station, name: str, now: int) -> None:
        """From the boot on."""
        if name == "accepted":
            QuirkPort(st, self).wake_in(self.every_s)

    def timer(self, st: Station, now: int) -> None:
        """Measure; tell what has changed enough."""
        port = QuirkPort(st, self)
        port.wake_in(self.every_s)
        if port.vendor_key("InfoStatusNotifications") == "0" or not st.link.is_up:
            return
        delta = _number(port.vendor_key("RCMBDelta"))
        for evse in st.evses if delta else ():
            measured = st.rng.below("quirk.residual", self.largest + 1)
            if evse.power_w > 0 and abs(measured - port.memory.get(evse.evse_id, 0)) >= delta:
                port.memory[evse.evse_id] = measured
                told = StatusChanged(
                    evse_id=evse.evse_id,
                    connector_id=1,
                    status=evse.status,
                    plugged=evse.plugged,
                    error="",
                    info=f"RCMB {measured / 10:.1f} mA",
                    at=st.stamp(),
                )
                port.publish(told)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0


@quirk(
    "status-connector-zero-available-while-plugged",
    vendors=("Autel",),
    sources=("lbbrhzn/ocpp:docs/supported-devices.md",),
    survive=_ZERO_APART,
)
class ZeroAvailableBesideSuspended(Quirk):
    """Right after connector 1 was told to be SuspendedEV, connector 0 is told to be Available."""

    def report(self, st: Station, report: Report) -> Report:
        """One more, of the station as a whole."""
        if isinstance(report, StatusChanged) and report.evse_id and report.status == SUSPENDED_EV:
            whole = {"evse_id": 0, "connector_id": 0, "status": AVAILABLE, "plugged": False, "error": "", "info": ""}
            QuirkPort(st, self).publish(structs.replace(report, **whole))
        return report


@quirk(
    "status-connector-zero-noise",
    vendors=("Bender/Ebee",),
    sources=("sap-labs-france/ev-server@6e0cfa732", "sap-labs-france/ev-server@e854db572"),
    survive=_ZERO_APART,
)
class ZeroEveryTime(Quirk):
    """With every status of a connector that of connector 0 is told too, changed or not."""

    def report(self, st: Station, report: Report) -> Report:
        """As the station as a whole was told last."""
        if isinstance(report, StatusChanged) and report.evse_id:
            status, error = st.data["station_told"] or (AVAILABLE, "")
            whole = {"evse_id": 0, "connector_id": 0, "status": status, "plugged": False, "error": error, "info": ""}
            QuirkPort(st, self).publish(structs.replace(report, **whole))
        return report


@quirk(
    "status-error-code-unknown",
    vendors=("Legrand",),
    sources=("lbbrhzn/ocpp#1248",),
    breaks=("schema",),
    survive="Take an error code that is no word of the specification for OtherError, and store it as it came.",
    params={"code": ("Error",)},
    order=20,
)
class UnknownErrorCode(Quirk):
    """Whatever the problem, its errorCode is Error, which is no word of the specification.

    ``code``: that word.
    """

    code: str

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """Only where there is one."""
        if not _is_status(action, payload) or get(payload, "errorCode") == _NO_ERROR:
            return payload
        return {**plain(payload), "errorCode": self.code}
