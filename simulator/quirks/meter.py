"""Quirks of meter values: what the register counts, what a sample says of itself, and samples that should not exist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import structs

from simulator.core import readings
from simulator.core.readings import CURRENT, ENERGY, VOLTAGE
from simulator.core.reports import MeterReading, MeterSampled, SampleTaken, Stamp, TransactionEnded, TransactionStarted
from simulator.core.wall import format_wall
from simulator.quirks.payload import each_sample, edit, knows, plain
from simulator.quirks.port import QuirkPort
from simulator.quirks.seams import Quirk, quirk

if TYPE_CHECKING:
    from simulator.core.connector import Evse
    from simulator.core.reports import Report
    from simulator.core.station import Station

REGISTER = (
    "Bill on meterStop minus meterStart only after sanity checks; know for each station whether its register counts"
    " sessions or its life, and notice resets."
)
MERGE = (
    "Merge the samples of one message by timestamp, measurand, phase and context; map L1-N to L1; let Sample.Periodic"
    " win over Transaction.Begin."
)
STRUCTURE = "Accept unknown contexts and missing measurands; skip just the bad sample."
ROUTE = (
    "Route MeterValues by connector and known transaction; keep those with id 0 or an unknown id out of sessions, but"
    " answer them."
)
_METER_MESSAGES = ("MeterValues", "StopTransaction")
_DAY_US = 86_400_000_000


@quirk(
    "meter-energy-session-reset",
    vendors=("ABB Terra AC", "Grizzl-E"),
    sources=("lbbrhzn/ocpp#169", "evcc-io/evcc#12728", "lbbrhzn/ocpp:docs/user-guide.md"),
    breaks=("register_never_falls",),
    survive=REGISTER,
)
class EnergyPerSession(Quirk):
    """The energy register counts from 0 in every session; between sessions it stands at 0."""

    def sample(self, st: Station, evse: Evse, reading: MeterReading | None, context: str) -> MeterReading | None:
        """Readings count from the begin of the session."""
        if reading is None:
            return None
        tx = evse.tx
        begun_wh = None if tx is None else tx.register_wh
        values = tuple(
            structs.replace(v, value=0.0 if begun_wh is None else max(0.0, v.value - begun_wh))
            if v.measurand == ENERGY
            else v
            for v in reading.values
        )
        return structs.replace(reading, values=values)

    def report(self, st: Station, report: Report) -> Report:
        """So do the registers of the start and the stop."""
        if isinstance(report, TransactionStarted) and report.register_wh is not None:
            return structs.replace(report, register_wh=0.0)
        if isinstance(report, TransactionEnded) and report.register_wh is not None and report.begun_wh is not None:
            return structs.replace(report, register_wh=max(0.0, report.register_wh - report.begun_wh), begun_wh=0.0)
        return report


@quirk(
    "meter-energy-dropouts",
    vendors=("ABB Terra AC",),
    sources=("lbbrhzn/ocpp#374",),
    breaks=("configured_samples",),
    survive="Fall back to the last good sample when energy is missing.",
    params={"chance": (0.25, 0.0, 1.0)},
)
class EnergyDropouts(Quirk):
    """Now and then a periodic sample has no energy register (firmware 1.5.2)."""

    chance: float

    def sample(self, st: Station, evse: Evse, reading: MeterReading | None, context: str) -> MeterReading | None:
        """Take the register out of some readings; one that held nothing else is not sent."""
        if reading is None or context != "Sample.Periodic" or not st.rng.chance("quirk.dropouts", self.chance):
            return reading
        rest = tuple(value for value in reading.values if value.measurand != ENERGY)
        return structs.replace(reading, values=rest) if rest else None


@quirk(
    "meter-first-sample-transaction-begin",
    vendors=("ABB Terra AC",),
    sources=("lbbrhzn/ocpp#169",),
    breaks=("sample_context",),
    survive=MERGE,
)
class FirstSampleIsBegin(Quirk):
    """The first periodic sample of a session says Transaction.Begin, although energy flows already."""

    def report(self, st: Station, report: Report) -> Report:
        """Change the context of the first one."""
        if not isinstance(report, SampleTaken) or report.trigger != "MeterValuePeriodic":
            return report
        memory = QuirkPort(st, self).memory
        first = memory.get(report.evse_id) != report.key
        memory[report.evse_id] = report.key
        if not first:
            return report
        begun = tuple(structs.replace(reading, context="Transaction.Begin") for reading in report.readings)
        return structs.replace(report, readings=begun)


@quirk(
    "meter-voltage-phase-ln",
    vendors=("ABB Terra AC", "Wallbox", "Injet"),
    sources=("evcc-io/evcc#12728", "lbbrhzn/ocpp#1741", "evcc-io/evcc#15707", "lbbrhzn/ocpp#1311"),
    survive=MERGE,
    params={"location": ("",), "raw": (False,), "decimals": (-1, -1, 6)},
)
class VoltagePhaseToNeutral(Quirk):
    """Voltage is reported as L1-N, L2-N, L3-N, current and power as L1, L2, L3, on a single phase too.

    ``location`` and ``raw`` put a location and format Raw on every sample; ``decimals`` are those of every value, -1
    leaves them as they are.
    """

    location: str
    raw: bool
    decimals: int

    def refuse_text(self, name: str, value: str) -> str | None:
        """A location is one of five words."""
        return None if value in _LOCATIONS else f"{value!r} is not one of {', '.join(_LOCATIONS[1:])}, or empty"

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """Name the phases."""
        return each_sample(payload, self._name) if action in _METER_MESSAGES else payload

    def _name(self, sample: dict[str, Any]) -> None:
        measurand = sample.get("measurand")
        phase = sample.get("phase")
        if measurand == VOLTAGE and phase in (None, "L1", "L2", "L3"):
            sample["phase"] = f"{phase or 'L1'}-N"
        elif measurand == CURRENT and phase is None:
            sample["phase"] = "L1"
        if self.location:
            sample["location"] = self.location
        if self.raw:
            sample["format"] = "Raw"
        if self.decimals >= 0:
            sample["value"] = f"{float(sample['value']):.{self.decimals}f}"


_LOCATIONS = ("", "Body", "Cable", "EV", "Inlet", "Outlet")


@quirk(
    "meter-phase-rotation-applied",
    vendors=("EVBox",),
    sources=("evcc-io/evcc:templates/definition/charger/ocpp-evbox-elvi.yaml",),
    breaks=("phases",),
    survive="Do not take L1 on the wire for L1 at the car; read the rotation or compare with the site's meter.",
    params={"rotation": ("STR",)},
)
class PhaseRotationApplied(Quirk):
    """Reported phases follow the rotation set by the installer. With RST nothing is rotated."""

    rotation: str

    def refuse_text(self, name: str, value: str) -> str | None:
        """A rotation names R, S and T once each."""
        return None if sorted(value) == ["R", "S", "T"] else f"{value!r} is no order of R, S and T"

    def sample(self, st: Station, evse: Evse, reading: MeterReading | None, context: str) -> MeterReading | None:
        """What was measured on R is told as the phase on which the rotation has R."""
        if reading is None:
            return None
        values = []
        for value in reading.values:
            if value.phase in _PLACES:
                place = self.rotation.index("RST"[_PLACES[value.phase]]) + 1
                value = structs.replace(value, phase=f"L{place}{value.phase[2:]}")
            values.append(value)
        return structs.replace(reading, values=tuple(sorted(values, key=lambda v: (v.measurand, v.phase or ""))))


_PLACES = {"L1": 0, "L2": 1, "L3": 2, "L1-N": 0, "L2-N": 1, "L3-N": 2}


@quirk(
    "meter-clock-aligned-connector-zero",
    vendors=("Wallbox",),
    sources=("lbbrhzn/ocpp#1742",),
    survive=ROUTE,
)
class AlignedForConnectorZero(Quirk):
    """Clock-aligned energy is sent for connector 0 too, without a transaction, beside that of connector 1."""

    def report(self, st: Station, report: Report) -> Report:
        """The same reading once more, of the station as a whole."""
        reading: MeterReading | None = None
        if isinstance(report, SampleTaken) and report.trigger == "MeterValueClock" and report.evse_id == 1:
            reading = report.readings[0]
        elif isinstance(report, MeterSampled) and report.reading.context == "Sample.Clock" and report.evse_id == 1:
            reading = report.reading
        if reading is not None:
            for energy in readings.only(reading, (ENERGY,)):
                QuirkPort(st, self).publish(MeterSampled(0, energy))
        return report


@quirk(
    "meter-foreign-transaction-id",
    vendors=("Wallbox", "Grizzl-E"),
    sources=("lbbrhzn/ocpp#511", "lbbrhzn/ocpp#1600"),
    breaks=("own_transaction_id", "true_time"),
    survive=ROUTE,
    params={"every_s": (900.0, 1.0, 3_600.0), "late_s": (86_400.0, 0.0, 1e8)},
)
class ForeignTransactionId(Quirk):
    """Between sessions meter values come with a transaction id nobody gave, and yesterday's time (firmware 5.7.18)."""

    every_s: float
    late_s: float

    def moment(self, st: Station, name: str, now: int) -> None:
        """From the boot on."""
        if name == "accepted":
            QuirkPort(st, self).wake_in(self.every_s)

    def timer(self, st: Station, now: int) -> None:
        """One more, if no session runs."""
        port = QuirkPort(st, self)
        port.wake_in(self.every_s)
        evse = st.evses[0]
        if evse.tx is not None or not st.link.is_up:
            return
        reading = readings.take(st, evse, "Sample.Periodic", (ENERGY,))
        if reading is not None:
            at = structs.replace(reading.at, wall_us=reading.at.wall_us - int(self.late_s * 1e6), synced=True)
            port.memory["stamp"] = at
            port.publish(MeterSampled(evse.evse_id, structs.replace(reading, at=at)))

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """The foreign id, known by its time."""
        if action != "MeterValues" or not knows(payload, "transactionId"):
            return payload
        memory = QuirkPort(st, self).memory
        at = memory.get("stamp")
        if at is None or plain(payload)["meterValue"][0].get("timestamp") != format_wall(st.wall_of(at)):
            return payload
        del memory["stamp"]
        foreign = 1_000_000_000 + st.rng.below("quirk.foreign", 1_000_000_000)
        return edit(payload, lambda message: message.update(transactionId=foreign))


@quirk(
    "meter-nonstandard-context",
    vendors=("Alfen",),
    sources=("lbbrhzn/ocpp#361",),
    breaks=("schema", "measurand_unit"),
    survive=STRUCTURE,
)
class ContextCurrentMax(Quirk):
    """A sample has the context CurrentMax, which OCPP does not know, and no measurand: it is the limit in A."""

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """One more sample in every MeterValues."""
        if action != "MeterValues" or not knows(payload, "connectorId"):
            return payload
        message = plain(payload)
        spec = st.evses[max(1, message["connectorId"]) - 1].spec
        for value in message["meterValue"]:
            value["sampledValue"].append({"value": f"{spec.max_current_a:.3f}", "context": "CurrentMax", "unit": "A"})
        return message


@quirk(
    "meter-missing-measurand",
    vendors=("Alfen",),
    sources=("lbbrhzn/ocpp#361",),
    breaks=("measurand_unit",),
    survive=STRUCTURE,
)
class MissingMeasurand(Quirk):
    """A sample in A has no measurand, which makes it energy by default."""

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """The present current, without its name."""
        if action != "MeterValues" or not knows(payload, "connectorId"):
            return payload

        def add(message: dict[str, Any]) -> None:
            evse = st.evses[max(1, message["connectorId"]) - 1]
            reading = readings.take(st, evse, "Sample.Periodic", (CURRENT,))
            current_a = reading.values[0].value if reading is not None else 0.0
            for value in message["meterValue"]:
                value["sampledValue"].append({"value": f"{current_a:.3f}", "context": "Sample.Periodic", "unit": "A"})

        return edit(payload, add)


@quirk(
    "meter-stale-backlog",
    vendors=("Alfen",),
    sources=("lbbrhzn/ocpp#361",),
    breaks=("true_time",),
    survive=ROUTE,
    params={"age_days": (515.0, 0.0, 10_000.0), "count": (3, 1, 8), "every_s": (900.0, 1.0, 86_400.0)},
)
class StaleBacklog(Quirk):
    """After the boot old meter values are delivered, stamped many months ago.

    ``age_days`` of the oldest; ``count`` of them, ``every_s`` apart.
    """

    age_days: float
    count: int
    every_s: float

    def moment(self, st: Station, name: str, now: int) -> None:
        """They come right after the answer to the boot."""
        if name != "accepted":
            return
        port = QuirkPort(st, self)
        reading = readings.take(st, st.evses[0], "Sample.Clock", (ENERGY,))
        if reading is None:
            return
        oldest_us = st.stamp().wall_us - int(self.age_days * _DAY_US)
        for number in range(self.count):
            at = Stamp(now, oldest_us + int(number * self.every_s * 1e6), True, st.boot_no)
            port.publish(MeterSampled(1, structs.replace(reading, at=at)))


@quirk(
    "meter-three-decimal-strings",
    vendors=("Alfen",),
    sources=("mobilityhouse/ocpp#617",),
    survive="Parse values as decimals, never as whole numbers.",
    params={"decimals": (3, 0, 6)},
)
class ThreeDecimals(Quirk):
    """Every value has three decimals, the register too."""

    decimals: int

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """Write the zeros."""
        return each_sample(payload, self._write) if action in _METER_MESSAGES else payload

    def _write(self, sample: dict[str, Any]) -> None:
        sample["value"] = f"{float(sample['value']):.{self.decimals}f}"
