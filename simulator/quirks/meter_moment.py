"""Quirks of when meter values come, and of the session and the connector they say they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from msgspec import UNSET, structs

from simulator.blocks import transaction_record
from simulator.blocks.metering import SAMPLE_MEASURANDS, wanted
from simulator.core import readings
from simulator.core.readings import ENERGY
from simulator.core.reports import MeterReading, MeterSampled, SampleTaken, TransactionEnded, TransactionStarted
from simulator.core.wall import format_wall
from simulator.quirks.meter import REGISTER, ROUTE
from simulator.quirks.meter_register import DISTRUST
from simulator.quirks.payload import edit, get, knows, meter_values, plain
from simulator.quirks.port import QuirkPort
from simulator.quirks.seams import Quirk, quirk

if TYPE_CHECKING:
    from simulator.core.connector import Evse
    from simulator.core.reports import Report
    from simulator.core.station import Station

_SILENCE = (
    "Do not take silence for a fault; expect the station's own smallest interval, and zero while it is suspended."
)
_LATE = "Keep a transaction open for late samples; take values that come after its stop, or out of order."
_PERIODIC, _CLOCK, _BEGIN, _END = "Sample.Periodic", "Sample.Clock", "Transaction.Begin", "Transaction.End"
#: closing readings that wait to be told
_MAX_PENDING = 64


@quirk(
    "meter-interval-minimum",
    vendors=("Easee", "Mennekes"),
    sources=(
        "evcc-io/evcc:templates/definition/charger/ocpp-easee.yaml",
        "evcc-io/evcc:templates/definition/charger/ocpp-mennekes-acu.yaml",
    ),
    breaks=("configured_samples",),
    survive=_SILENCE,
    params={"least_s": (30.0, 1.0, 3_600.0)},
)
class IntervalMinimum(Quirk):
    """A shorter MeterValueSampleInterval is accepted, but samples come no faster than every 30 s (60 s at the ACU).

    ``least_s``: seconds between two of them, at least.
    """

    least_s: float

    def sample(self, st: Station, evse: Evse, reading: MeterReading | None, context: str) -> MeterReading | None:
        """What comes too early is not sent."""
        if reading is None or context != _PERIODIC:
            return reading
        memory = QuirkPort(st, self).memory
        last = memory.get(evse.evse_id)
        if last is not None and 0 < st.now - last < int(self.least_s * 1_000_000):
            return None
        memory[evse.evse_id] = st.now
        return reading


@quirk(
    "meter-stops-while-suspended",
    vendors=("ABL",),
    sources=("evcc-io/evcc#15559",),
    breaks=("configured_samples",),
    survive=_SILENCE,
)
class SilentWhileSuspended(Quirk):
    """As long as no current flows in a session, no samples come (eMH3)."""

    def sample(self, st: Station, evse: Evse, reading: MeterReading | None, context: str) -> MeterReading | None:
        """Only what begins and ends the session, and what is asked for, goes out."""
        idle = evse.tx is not None and evse.power_w <= 0.0
        return None if idle and context in (_PERIODIC, _CLOCK) else reading


@quirk(
    "meter-only-at-end",
    vendors=("go-e",),
    sources=("goecharger/go-eCharger-API-v2#105",),
    breaks=("configured_samples",),
    survive=REGISTER,
)
class EnergyOnlyAtEnd(Quirk):
    """Samples of a session hold no energy; it is told at the end only (2022)."""

    def sample(self, st: Station, evse: Evse, reading: MeterReading | None, context: str) -> MeterReading | None:
        """Take the register out."""
        if reading is None or evse.tx is None or context in (_BEGIN, _END):
            return reading
        rest = tuple(value for value in reading.values if value.measurand != ENERGY)
        return structs.replace(reading, values=rest) if rest else None


@quirk(
    "meter-only-sample-clock",
    vendors=("ABB Terra DC",),
    sources=("sap-labs-france/ev-server:src/server/ocpp/services/OCPPService.ts",),
    breaks=("sample_context", "configured_samples"),
    survive=ROUTE,
)
class OnlySampleClock(Quirk):
    """The samples of a session say Sample.Clock, although they come at its own interval (seen with OCPP 1.5)."""

    def sample(self, st: Station, evse: Evse, reading: MeterReading | None, context: str) -> MeterReading | None:
        """Another context."""
        if reading is None or context != _PERIODIC:
            return reading
        return structs.replace(reading, context=_CLOCK)


@quirk(
    "meter-no-transaction-begin",
    vendors=("Delta", "Cahors"),
    sources=("sap-labs-france/ev-server@06bd0d1ea", "sap-labs-france/ev-server@a8e605d8e"),
    breaks=("configured_samples",),
    survive=DISTRUST,
)
class NoBeginValues(Quirk):
    """There are no values of the begin of a session; the first ones are periodic."""

    def sample(self, st: Station, evse: Evse, reading: MeterReading | None, context: str) -> MeterReading | None:
        """Nothing is read at the begin."""
        return None if context == _BEGIN else reading


class _OwnMessages(Quirk):
    """Readings of the begin or the end of a session in MeterValues of their own, after the start or the stop."""

    #: which moments, as contexts
    moments: ClassVar[tuple[str, ...]] = (_END,)

    def _wait_s(self) -> float:
        return 0.5

    def report(self, st: Station, report: Report) -> Report:
        """Read now, tell later; the id is forgotten once the stop was answered, so it is kept."""
        context = {TransactionStarted: _BEGIN, TransactionEnded: _END}.get(type(report))
        if context not in self.moments:
            return report
        assert isinstance(report, TransactionStarted | TransactionEnded)
        port, evse = QuirkPort(st, self), st.evses[report.evse_id - 1]
        reading = readings.take(st, evse, context, wanted(st, SAMPLE_MEASURANDS))
        pending = port.memory.setdefault("pending", [])
        if reading is not None and len(pending) < _MAX_PENDING:
            name = transaction_record.csms_id(st, report.key) if context == _END else None
            reading = structs.replace(reading, at=report.at)
            pending.append((port.hold(self._wait_s()), report.evse_id, report.key, name, reading))
            self._follow(st, port)
        return report

    def timer(self, st: Station, now: int) -> None:
        """Tell what is due."""
        port = QuirkPort(st, self)
        pending = port.memory.get("pending", [])
        port.memory["pending"] = [row for row in pending if row[0] > now]
        for due, evse_id, key, name, reading in pending:
            if due <= now and st.link.is_up:
                if name is not None:
                    port.memory["names"] = {(evse_id, format_wall(st.wall_of(reading.at))): int(name)}
                port.publish(
                    MeterSampled(evse_id, reading, key if name is None and reading.context == _BEGIN else None)
                )
        self._follow(st, port)

    def _follow(self, st: Station, port: QuirkPort) -> None:
        if port.memory["pending"]:
            port.wake_in((min(row[0] for row in port.memory["pending"]) - st.now) / 1_000_000)

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """Name the session that is over."""
        names = QuirkPort(st, self).memory.get("names")
        if not names or action != "MeterValues" or not knows(payload, "transactionId"):
            return payload
        message = plain(payload)
        values = meter_values(message)
        name = names.get((message.get("connectorId"), values[0].get("timestamp"))) if values else None
        if name is None:
            return payload
        del QuirkPort(st, self).memory["names"]
        return edit(payload, lambda made: made.update(transactionId=name))


@quirk(
    "meter-values-after-stop",
    vendors=("Legacy AC (generic)", "Ocular"),
    sources=(
        "lbbrhzn/ocpp:custom_components/ocpp/ocppv16.py",
        "sap-labs-france/ev-server@4982907ef",
        "lbbrhzn/ocpp:docs/supported-devices.md",
    ),
    breaks=("samples_in_session",),
    survive=_LATE,
    params={"late_s": (2.0, 0.1, 600.0)},
)
class ValuesAfterStop(_OwnMessages):
    """The closing reading of a session comes as MeterValues some seconds after its StopTransaction.

    ``late_s``: how many.
    """

    late_s: float

    def _wait_s(self) -> float:
        return self.late_s


@quirk(
    "meter-end-out-of-order",
    vendors=("ChargeX",),
    sources=("SAP/e-mobility-charging-stations-simulator:src/assets/station-templates/chargex.station-template.json",),
    breaks=("samples_in_session",),
    survive=_LATE,
)
class EndOutOfOrder(_OwnMessages):
    """Begin and end of a session are told by MeterValues of their own, that of the end after StopTransaction."""

    moments = (_BEGIN, _END)


@quirk(
    "meter-transaction-id-sticks",
    vendors=("EN+",),
    sources=("evcc-io/evcc#14673",),
    breaks=("samples_in_session",),
    survive=ROUTE,
)
class TransactionIdSticks(Quirk):
    """Between sessions meter values still bear the transaction id of the last one."""

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """Remember the id for each connector, and put it where there is none."""
        if action != "MeterValues" or not knows(payload, "transactionId"):
            return payload
        memory = QuirkPort(st, self).memory
        connector, named = get(payload, "connectorId"), get(payload, "transactionId")
        if named is not UNSET:
            if named > 0:
                memory[connector] = named
            return payload
        last = memory.get(connector)
        return payload if last is None else edit(payload, lambda message: message.update(transactionId=last))


@quirk(
    "meter-transaction-id-zero",
    vendors=("Legacy AC (generic)", "Mennekes"),
    sources=("steve-community/steve#395", "evcc-io/evcc#27686"),
    breaks=("own_transaction_id",),
    survive=ROUTE,
)
class TransactionIdZero(Quirk):
    """Between sessions meter values bear the transaction id 0."""

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """Where there is none."""
        if action != "MeterValues" or not knows(payload, "transactionId"):
            return payload
        if get(payload, "transactionId") is not UNSET:
            return payload
        return edit(payload, lambda message: message.update(transactionId=0))


@quirk(
    "meter-trigger-reports-connector-zero",
    vendors=("Zaptec",),
    sources=("evcc-io/evcc#29190",),
    breaks=("connector_asked",),
    survive=ROUTE,
)
class TriggeredForConnectorZero(Quirk):
    """Meter values that the CSMS triggers come for connector 0, without a transaction id."""

    def report(self, st: Station, report: Report) -> Report:
        """The station as a whole in the place of the connector that was asked about."""
        if not isinstance(report, MeterSampled) or report.reading.context != "Trigger":
            return report
        return structs.replace(report, evse_id=0, key=None)


@quirk(
    "meter-resent-on-reconnect",
    vendors=("Webasto",),
    sources=("sap-labs-france/ev-dashboard#1686",),
    breaks=("message_ids", "register_never_falls"),
    survive="Take a message whose id was answered already for the same message, answer it again, and store it once.",
    order=100,  # the message as all others have left it
)
class SamplesAgain(Quirk):
    """After a lost connection the last values of the session come again, under the id they were answered under."""

    def report(self, st: Station, report: Report) -> Report:
        """Keep what goes out at once, as long as the session runs."""
        memory = QuirkPort(st, self).memory
        if isinstance(report, SampleTaken) and st.link.is_up:
            memory["report"] = report
        elif isinstance(report, TransactionEnded):
            memory.pop("report", None)
        return report

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """Is it the same once more?"""
        memory = QuirkPort(st, self).memory
        if action == "MeterValues" and knows(payload, "connectorId"):
            again = payload == memory.get("again", (None, ""))[0]
            memory["next"] = "again" if again else "new"
            if not again:
                memory["payload"] = payload
        return payload

    def message_id(self, st: Station, number: int) -> str | None:
        """The next CALL is the one that has just been rendered."""
        memory = QuirkPort(st, self).memory
        what = memory.pop("next", None)
        if what == "again":
            return str(memory.pop("again")[1])
        if what == "new":
            memory["id"] = f"{st.id_prefix}-{number}"
            return str(memory["id"])
        return None

    def moment(self, st: Station, name: str, now: int) -> None:
        """The connection is back."""
        port = QuirkPort(st, self)
        if name == "link_up" and st.gate == "accepted" and "report" in port.memory and "payload" in port.memory:
            port.memory["again"] = (port.memory["payload"], port.memory["id"])
            port.publish(port.memory["report"])
