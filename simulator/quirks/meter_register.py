"""Quirks of what is measured: registers that count from elsewhere, and values that are not what the meter saw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from simulator.core import readings
from simulator.core.readings import CURRENT, CURRENT_OFFERED, ENERGY, POWER, POWER_OFFERED, SOC, TEMPERATURE, VOLTAGE
from simulator.core.reports import MeterReading, Sampled, TransactionEnded, TransactionStarted
from simulator.quirks.meter import REGISTER, EnergyPerSession
from simulator.quirks.meter_form import UNITS
from simulator.quirks.port import QuirkPort
from simulator.quirks.seams import Quirk, quirk

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.core.connector import Evse
    from simulator.core.reports import Report
    from simulator.core.station import Station

DISTRUST = (
    "Work out power, phases or totals that are missing from the others; distrust totals that contradict the phases, and"
    " offers that contradict the profile."
)


def _with(reading: MeterReading | None, change: Callable[[Sampled], Sampled | None]) -> MeterReading | None:
    """The reading with its values changed, or left out where ``change`` gives None; None when nothing is left."""
    if reading is None:
        return None
    values = tuple(new for value in reading.values if (new := change(value)) is not None)
    return structs.replace(reading, values=values) if values else None


@quirk(
    "meter-energy-uint32-wrap",
    vendors=("Zaptec",),
    sources=("evcc-io/evcc#29190",),
    survive="Flag energy that is negative, equal, wrapped or missing, and fall back to the last good sample.",
    params={"offset_wh": (4_294_967_296.0, 0.0, 1e13)},
)
class RegisterOverflow(Quirk):
    """The energy register is too high by 2 to the power of 32 Wh: an overflow that was added for good (Go 2)."""

    offset_wh: float

    def sample(self, st: Station, evse: Evse, reading: MeterReading | None, context: str) -> MeterReading | None:
        """In every sample."""
        return _with(
            reading, lambda v: structs.replace(v, value=v.value + self.offset_wh) if v.measurand == ENERGY else v
        )

    def report(self, st: Station, report: Report) -> Report:
        """And at the start and the stop."""
        if isinstance(report, TransactionStarted) and report.register_wh is not None:
            return structs.replace(report, register_wh=report.register_wh + self.offset_wh)
        if isinstance(report, TransactionEnded):
            both = {"register_wh": report.register_wh, "begun_wh": report.begun_wh}
            return structs.replace(report, **{k: v + self.offset_wh for k, v in both.items() if v is not None})
        return report


_TOTAL, _PARTIAL = "total", "partial"


@quirk(
    "meter-energy-partial-or-total-switch",
    vendors=("Circontrol",),
    sources=("manual: Circontrol Master/Slave, pages 66 and 67",),
    breaks=("register_never_falls",),
    survive=REGISTER,
    params={"start_stop": (_TOTAL,), "samples": (_PARTIAL,)},
)
class PartialOrTotal(EnergyPerSession):
    """The installer chooses apart for start and stop and for samples whether energy is that of the session or of life.

    ``start_stop`` and ``samples``: ``total`` or ``partial``.
    """

    start_stop: str
    samples: str

    def refuse_text(self, name: str, value: str) -> str | None:
        """One of two words."""
        return None if value in (_TOTAL, _PARTIAL) else f"{value!r} is neither total nor partial"

    def sample(self, st: Station, evse: Evse, reading: MeterReading | None, context: str) -> MeterReading | None:
        """As chosen."""
        return super().sample(st, evse, reading, context) if self.samples == _PARTIAL else reading

    def report(self, st: Station, report: Report) -> Report:
        """As chosen."""
        return super().report(st, report) if self.start_stop == _PARTIAL else report


_POLICIES = ("boot", "transaction", "never")


@quirk(
    "meter-reset-policy-varies",
    vendors=("Legacy AC (generic)",),
    sources=("ChargeTimeEU/Java-OCA-OCPP#331",),
    breaks=("register_never_falls",),
    survive=REGISTER,
    params={"at": ("boot",)},
)
class ResetPolicy(EnergyPerSession):
    """The energy register begins anew at every boot; on other units at every session, or never.

    ``at``: ``boot``, ``transaction`` or ``never``.
    """

    at: str

    def refuse_text(self, name: str, value: str) -> str | None:
        """One of three words."""
        return None if value in _POLICIES else f"{value!r} is not one of {', '.join(_POLICIES)}"

    def moment(self, st: Station, name: str, now: int) -> None:
        """Where the registers stand when the software starts."""
        if name == "start" and self.at == "boot":
            for evse in st.evses:
                self._zero_wh(st, evse.evse_id)

    def sample(self, st: Station, evse: Evse, reading: MeterReading | None, context: str) -> MeterReading | None:
        """Count from there."""
        if self.at == "transaction":
            return super().sample(st, evse, reading, context)
        return _with(
            reading,
            lambda v: structs.replace(v, value=self._since(st, evse.evse_id, v.value)) if v.measurand == ENERGY else v,
        )

    def report(self, st: Station, report: Report) -> Report:
        """At the start and the stop too; of a session from before the boot only what came since."""
        if self.at == "transaction":
            return super().report(st, report)
        if isinstance(report, TransactionStarted) and report.register_wh is not None:
            return structs.replace(report, register_wh=self._since(st, report.evse_id, report.register_wh))
        if isinstance(report, TransactionEnded):
            both = {"register_wh": report.register_wh, "begun_wh": report.begun_wh}
            since = {k: self._since(st, report.evse_id, v) for k, v in both.items() if v is not None}
            return structs.replace(report, **since)
        return report

    def _since(self, st: Station, evse_id: int, register_wh: float) -> float:
        return max(0.0, register_wh - self._zero_wh(st, evse_id)) if self.at == "boot" else register_wh

    def _zero_wh(self, st: Station, evse_id: int) -> float:
        """The register when the software started; a session that is ended at the start is told before that moment."""
        memory = QuirkPort(st, self).memory
        if evse_id not in memory:
            memory[evse_id] = readings.register_wh(st, st.evses[evse_id - 1]) or 0.0
        zero_wh: float = memory[evse_id]
        return zero_wh


@quirk(
    "meter-idle-voltage-zero",
    vendors=("Zaptec",),
    sources=("evcc-io/evcc#29190",),
    breaks=("value_true",),
    survive=DISTRUST,
    params={"volts": (0.1, 0.0, 50.0)},
)
class IdleVoltage(Quirk):
    """Between sessions the voltage is told as 0.1 V on every phase."""

    volts: float

    def sample(self, st: Station, evse: Evse, reading: MeterReading | None, context: str) -> MeterReading | None:
        """The meter sits behind the contactor."""
        if evse.tx is not None:
            return reading
        return _with(reading, lambda v: structs.replace(v, value=self.volts) if v.measurand == VOLTAGE else v)


@quirk(
    "meter-voltage-constant-or-zero",
    vendors=("EN+",),
    sources=("lbbrhzn/ocpp:docs/supported-devices.md",),
    breaks=("value_true",),
    survive=DISTRUST,
    params={"volts": (230.0, 1.0, 1_000.0)},
)
class ConstantVoltage(Quirk):
    """Voltage is always the same round number in a session, and 0 outside."""

    volts: float

    def sample(self, st: Station, evse: Evse, reading: MeterReading | None, context: str) -> MeterReading | None:
        """It is no measurement."""
        volts = 0.0 if evse.tx is None else self.volts
        return _with(reading, lambda v: structs.replace(v, value=volts) if v.measurand == VOLTAGE else v)


@quirk(
    "meter-offered-contradicts-profile",
    vendors=("Wallbox",),
    sources=("evcc-io/evcc#15581",),
    breaks=("value_true",),
    survive=DISTRUST,
    params={"hardware_a": (0.0, 0.0, 1_000.0)},
)
class OfferedIsHardware(Quirk):
    """Current.Offered is what the hardware can do, whatever a charging profile allows.

    ``hardware_a``: that current; 0 takes the largest of the connector.
    """

    hardware_a: float

    def sample(self, st: Station, evse: Evse, reading: MeterReading | None, context: str) -> MeterReading | None:
        """The limit is obeyed, only not told."""
        told_a = self.hardware_a or evse.spec.max_current_a
        return _with(reading, lambda v: structs.replace(v, value=told_a) if v.measurand == CURRENT_OFFERED else v)


_UNRELIABLE = (CURRENT_OFFERED, POWER_OFFERED, SOC)


@quirk(
    "meter-offered-unreliable",
    vendors=("EVBox",),
    sources=("evcc-io/evcc:templates/definition/charger/ocpp-evbox-elvi.yaml", "evcc-io/evcc@fe02f7fea"),
    breaks=("configured_samples",),
    survive="Ask for a set of measurands that is known to be good; leave out Current.Offered, Power.Offered and SoC.",
    params={"chance": (0.5, 0.0, 1.0)},
)
class OfferedUnreliable(Quirk):
    """As long as Current.Offered, Power.Offered or SoC is asked for, samples lack other values now and then.

    ``chance``: that one of them has nothing but those.
    """

    chance: float

    def sample(self, st: Station, evse: Evse, reading: MeterReading | None, context: str) -> MeterReading | None:
        """Without one of the three everything is there."""
        asked = reading is not None and any(v.measurand in _UNRELIABLE for v in reading.values)
        if not asked or context != "Sample.Periodic" or not st.rng.chance("quirk.offered", self.chance):
            return reading
        return _with(reading, lambda v: v if v.measurand in _UNRELIABLE else None)


@quirk(
    "meter-total-current-inconsistent",
    vendors=("Schneider",),
    sources=("sap-labs-france/ev-server@4d5d94238",),
    breaks=("value_true",),
    survive=DISTRUST,
    params={"factor": (0.8, 0.0, 2.0)},
)
class TotalCurrent(Quirk):
    """Beside the currents of the phases there is a total, which is not their sum.

    ``factor``: the total by the sum.
    """

    factor: float

    def sample(self, st: Station, evse: Evse, reading: MeterReading | None, context: str) -> MeterReading | None:
        """One more value, without a phase."""
        if reading is None:
            return None
        phased = [v.value for v in reading.values if v.measurand == CURRENT and v.phase is not None]
        if not phased:
            return reading
        total = Sampled(round(sum(phased) * self.factor, 2), CURRENT, "A")
        return structs.replace(reading, values=(*reading.values, total))


@quirk(
    "meter-temperature-in-kelvin",
    vendors=("Tritium",),
    sources=("public: log of a Veefil in a charging network's blog",),
    survive=UNITS,
)
class TemperatureInKelvin(Quirk):
    """The temperature of the body is told in Kelvin, about 300."""

    def sample(self, st: Station, evse: Evse, reading: MeterReading | None, context: str) -> MeterReading | None:
        """The newer versions have no such measurand."""
        return _with(
            reading,
            lambda v: structs.replace(v, value=round(v.value + 273.15, 2), unit="K") if _is_celsius(v) else v,
        )


def _is_celsius(value: Sampled) -> bool:
    return value.measurand == TEMPERATURE and value.unit == "Celsius"


@quirk(
    "meter-no-phase-power",
    vendors=("Schneider",),
    sources=("sap-labs-france/ev-server@4d5d94238", "sap-labs-france/ev-server@01dd2be6b"),
    breaks=("configured_samples",),
    survive=DISTRUST,
)
class NoPower(Quirk):
    """Power.Active.Import is never told, for no phase and not in all; it must be worked out (firmware 3.2.0.12)."""

    def sample(self, st: Station, evse: Evse, reading: MeterReading | None, context: str) -> MeterReading | None:
        """Leave it out."""
        return _with(reading, lambda v: None if v.measurand == POWER else v)


@quirk(
    "meter-no-power-when-idle",
    vendors=("Mennekes",),
    sources=("evcc-io/evcc@2db85aeed", "evcc-io/evcc#30650"),
    breaks=("configured_samples",),
    survive=DISTRUST,
)
class IdleOnlyEnergy(Quirk):
    """Outside of sessions only the energy register is told (ACU)."""

    def sample(self, st: Station, evse: Evse, reading: MeterReading | None, context: str) -> MeterReading | None:
        """Leave out the rest."""
        return reading if evse.tx is not None else _with(reading, lambda v: v if v.measurand == ENERGY else None)
