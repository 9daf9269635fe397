"""Quirks of the form of meter values: where the same measurement is written down in another way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET, structs

from simulator.core.readings import CURRENT, CURRENT_OFFERED, ENERGY, FREQUENCY, POWER, SOC
from simulator.core.reports import MeterReading, Sampled, SampleTaken
from simulator.quirks.meter import MERGE, STRUCTURE
from simulator.quirks.payload import METER_MESSAGES, each_sample, edit, get, knows, meter_values, plain, rescale
from simulator.quirks.port import QuirkPort
from simulator.quirks.seams import Quirk, quirk

if TYPE_CHECKING:
    from simulator.core.reports import Report
    from simulator.core.station import Station

UNITS = (
    "Bring every sample to one unit (k prefix, Kelvin), trim and parse decimals, and hold them against values in Wh."
)


def _is_meter_values(action: str, payload: Any) -> bool:
    # connectorId marks the older shape of the message
    return action == "MeterValues" and knows(payload, "connectorId")


@quirk(
    "meter-metervalue-object-not-array",
    vendors=("Huawei",),
    sources=("lbbrhzn/ocpp#1144",),
    breaks=("schema",),
    survive=STRUCTURE,
    order=90,
)
class ObjectForArray(Quirk):
    """meterValue is one object in the place of a list with one."""

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """Take the only one out of the list; several stay a list."""
        if not _is_meter_values(action, payload):
            return payload
        message = plain(payload)
        values = message.get("meterValue")
        if not isinstance(values, list) or len(values) != 1:
            return payload
        return {**message, "meterValue": values[0]}


@quirk(
    "meter-empty-sampledvalue",
    vendors=("Vestel",),
    sources=("lbbrhzn/ocpp#466",),
    breaks=("schema", "configured_samples"),
    survive=STRUCTURE,
    params={"every": (3, 1, 1_000)},
)
class EmptySamples(Quirk):
    """Every few messages the list of sampled values is there, but empty.

    ``every``: one of so many.
    """

    every: int

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """Count, and empty the one whose turn it is."""
        if not _is_meter_values(action, payload):
            return payload
        memory = QuirkPort(st, self).memory
        memory["count"] = count = memory.get("count", 0) + 1
        if count % self.every:
            return payload
        message = plain(payload)
        for value in meter_values(message):
            value["sampledValue"] = []
        return message


@quirk(
    "meter-one-sample-per-metervalue",
    vendors=("Zaptec", "Mennekes"),
    sources=("evcc-io/evcc#29190", "evcc-io/evcc#27686"),
    survive=MERGE,
    params={"bare": (False,)},
)
class OneSampleEach(Quirk):
    """Every sampled value is in a meter value of its own, with the same time again.

    ``bare``: without context and format, as Mennekes does.
    """

    bare: bool

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """Take the values apart, those of a stop message too."""
        return edit(payload, self._split) if action in METER_MESSAGES and _has_values(payload) else payload

    def _split(self, message: dict[str, Any]) -> None:
        for key in ("meterValue", "transactionData"):
            if isinstance(values := message.get(key), list):
                message[key] = [part for value in values for part in _parts(value)]
        if self.bare:
            for value in meter_values(message):
                for sample in value["sampledValue"]:
                    sample.pop("context", None)
                    sample.pop("format", None)


def _parts(value: dict[str, Any]) -> list[dict[str, Any]]:
    """A meter value for each of its samples; one without any is left as it is."""
    return [{**value, "sampledValue": [sample]} for sample in value["sampledValue"]] or [value]


def _has_values(payload: Any) -> bool:
    return any(get(payload, key) not in (UNSET, None) for key in ("meterValue", "transactionData"))


@quirk(
    "meter-dc-location-mix",
    vendors=("ABB Terra DC",),
    sources=("evcc-io/evcc#30114",),
    survive=STRUCTURE,
    order=80,
)
class LocationMix(Quirk):
    """Each measurand has a location of its own, or none; the values come before their time in the object."""

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """A plain message, because only that keeps an order of members."""
        if action not in METER_MESSAGES or not _has_values(payload):
            return payload
        message = plain(each_sample(payload, self._place, numbers=True))
        for value in meter_values(message):
            value["timestamp"] = value.pop("timestamp")
        return message

    def _place(self, sample: dict[str, Any]) -> None:
        measurand = sample.get("measurand")
        location = _LOCATION.get(str(measurand))
        if location is None:
            sample.pop("location", None)
        else:
            sample["location"] = location
        if isinstance(sample["value"], str):
            if measurand == ENERGY:
                sample["format"] = "Raw"
            elif measurand == SOC:
                sample["value"] = f"{float(sample['value']):.1f}"


_LOCATION = {ENERGY: "Outlet", SOC: "EV", CURRENT_OFFERED: "Inlet"}


@quirk(
    "meter-mixed-missing-context",
    vendors=("EN+",),
    sources=("evcc-io/evcc#15691",),
    survive=STRUCTURE,
)
class CurrentWithoutContext(Quirk):
    """Current.Import has no context, while the values beside it have one."""

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """Leave it out; the default is Sample.Periodic."""
        return each_sample(payload, self._drop, numbers=True) if action in METER_MESSAGES else payload

    def _drop(self, sample: dict[str, Any]) -> None:
        if sample.get("measurand") == CURRENT:
            sample.pop("context", None)


@quirk(
    "meter-power-in-kw",
    vendors=("Grizzl-E", "Injet"),
    sources=("lbbrhzn/ocpp#1600", "lbbrhzn/ocpp#1311"),
    survive=UNITS,
    params={"decimals": (3, 0, 6), "bare": (True,)},
)
class PowerInKilowatts(Quirk):
    """Power is told in kW beside energy in Wh, without context and phase (Ultimate, firmware 3.09.9).

    ``bare: false`` leaves context and phase as they are.
    """

    decimals: int
    bare: bool

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """Convert every power."""
        return each_sample(payload, self._change, numbers=True) if action in METER_MESSAGES else payload

    def _change(self, sample: dict[str, Any]) -> None:
        if sample.get("measurand") == POWER and _unit(sample) == "W":
            rescale(sample, 0.001, "kW", self.decimals)
        if self.bare:
            sample.pop("context", None)
            sample.pop("phase", None)


def _unit(sample: dict[str, Any]) -> str | None:
    unit: str | None = sample.get("unit") or sample.get("unitOfMeasure", {}).get("unit")
    return unit


@quirk(
    "meter-energy-kwh-two-decimals",
    vendors=("Huawei",),
    sources=("lbbrhzn/ocpp#1144", "lbbrhzn/ocpp#1810"),
    survive=UNITS,
    params={"decimals": (2, 0, 6)},
)
class EnergyInKilowattHours(Quirk):
    """Energy is told in kWh with two decimals, while the registers of start and stop are in Wh."""

    decimals: int

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """Convert every energy."""
        return each_sample(payload, self._change, numbers=True) if action in METER_MESSAGES else payload

    def _change(self, sample: dict[str, Any]) -> None:
        if sample.get("measurand") == ENERGY and _unit(sample) == "Wh":
            rescale(sample, 0.001, "kWh", self.decimals)


@quirk(
    "meter-value-space-padded",
    vendors=("Enercab/ELEDIO",),
    sources=("evcc-io/evcc@68cc29a96",),
    breaks=("plain_numbers",),
    survive=UNITS,
    params={"width": (10, 2, 30)},
    order=50,
)
class SpacePadded(Quirk):
    """Numbers are padded with spaces to a fixed width.

    ``width``: in characters; at least one space is there.
    """

    width: int

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """Where values are texts."""
        return each_sample(payload, self._pad) if action in METER_MESSAGES else payload

    def _pad(self, sample: dict[str, Any]) -> None:
        text = str(sample["value"]).strip()
        sample["value"] = text.rjust(max(self.width, len(text) + 1))


@quirk(
    "meter-begin-value-repeated",
    vendors=("Growatt",),
    sources=("lbbrhzn/ocpp#1838", "lbbrhzn/ocpp#1709"),
    breaks=("sample_context",),
    survive=MERGE,
)
class BeginRepeated(Quirk):
    """Periodic values hold the energy twice: as it is, and as it was at the begin of the session (THOR)."""

    def report(self, st: Station, report: Report) -> Report:
        """One more reading, which is kept and repeated with the others."""
        if not isinstance(report, SampleTaken) or report.trigger != "MeterValuePeriodic":
            return report
        tx = st.evses[report.evse_id - 1].tx
        if tx is None or tx.register_wh is None or not report.readings:
            return report
        begun = MeterReading(report.readings[0].at, "Transaction.Begin", (Sampled(tx.register_wh, ENERGY, "Wh"),))
        return structs.replace(report, readings=(*report.readings, begun))

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """Among the values of the same moment, not behind them."""
        return edit(payload, _merge_begin) if action in METER_MESSAGES and _has_values(payload) else payload


def _merge_begin(message: dict[str, Any]) -> None:
    values = message.get("meterValue")
    if not isinstance(values, list) or len(values) != 2:
        return
    first, second = (value["sampledValue"] for value in values)
    if first and second and second[0].get("context") == "Transaction.Begin" != first[0].get("context"):
        message["meterValue"] = [{**values[0], "sampledValue": first + second}]


@quirk(
    "meter-unit-hz",
    vendors=("Charge Amps",),
    sources=("lbbrhzn/ocpp#1576",),
    breaks=("schema",),
    survive=UNITS,
    order=80,
)
class UnitHz(Quirk):
    """The frequency of the mains has the unit Hz, which the older specification does not know."""

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """Only there; the newer one takes any text for a unit."""
        if action != "StopTransaction" and not _is_meter_values(action, payload):
            return payload
        message = plain(payload)
        found = [s for v in meter_values(message) for s in v["sampledValue"] if s.get("measurand") == FREQUENCY]
        for sample in found:
            sample["unit"] = "Hz"
        return message if found else payload


@quirk(
    "meter-current-on-neutral",
    vendors=("Injet",),
    sources=("lbbrhzn/ocpp#1311",),
    breaks=("phases",),
    survive=MERGE,
)
class CurrentOnNeutral(Quirk):
    """On a single phase the current is told as that of phase N, though the voltage is that of L1-N."""

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """What has more than one phase is told as it is."""
        if action not in METER_MESSAGES:
            return payload

        def move(sample: dict[str, Any]) -> None:
            if sample.get("measurand") == CURRENT and "phase" not in sample:
                sample["phase"] = "N"

        return each_sample(payload, move, numbers=True)
