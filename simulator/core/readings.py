"""From a meter to the values OCPP knows.

``take`` asks the meter of an EVSE (active faults included), then the profile's ``sample`` quirks, and picks the
measurands wanted. A dead meter gives no energy and no electrical value; what the station itself knows (SoC of the car,
what it offers) is still there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.core.power_path import account, offer
from simulator.core.reports import MeterReading, Sampled

if TYPE_CHECKING:
    from simulator.core.connector import Evse
    from simulator.core.station import Station

ENERGY = "Energy.Active.Import.Register"
POWER = "Power.Active.Import"
CURRENT = "Current.Import"
VOLTAGE = "Voltage"
SOC = "SoC"
CURRENT_OFFERED = "Current.Offered"
POWER_OFFERED = "Power.Offered"
FREQUENCY = "Frequency"
TEMPERATURE = "Temperature"

#: what a simulated meter and station can report at all
MEASURANDS = (ENERGY, POWER, CURRENT, VOLTAGE, SOC, CURRENT_OFFERED, POWER_OFFERED, FREQUENCY, TEMPERATURE)

_PHASES = ("L1", "L2", "L3")
_PHASES_N = ("L1-N", "L2-N", "L3-N")


def register_wh(st: Station, evse: Evse) -> float | None:
    """The reported energy register in Wh, None when the meter gives none."""
    reading = st.board.meters[evse.evse_id - 1].sample(st.now)
    return None if reading is None else reading.energy_wh


def take(st: Station, evse: Evse, context: str, measurands: tuple[str, ...]) -> MeterReading | None:
    """One reading of an EVSE; None when nothing that is wanted can be measured now."""
    reading = st.board.meters[evse.evse_id - 1].sample(st.now)
    spec = evse.spec
    values: list[Sampled] = []
    for name in measurands:
        if name == ENERGY:
            if reading is not None and reading.energy_wh is not None:
                values.append(Sampled(reading.energy_wh, name, "Wh"))
        elif name == POWER:
            if reading is not None and reading.power_w is not None:
                values.append(Sampled(round(reading.power_w, 1), name, "W"))
        elif name == CURRENT:
            if reading is not None and reading.currents_a is not None:
                if spec.phases > 1:
                    for index in range(spec.phases):
                        values.append(Sampled(round(reading.currents_a[index], 2), name, "A", _PHASES[index]))
                else:
                    values.append(Sampled(round(reading.currents_a[0], 2), name, "A"))
        elif name == VOLTAGE:
            if reading is not None and reading.voltage_v is not None:
                if spec.phases > 1:
                    for index in range(spec.phases):
                        values.append(Sampled(round(reading.voltage_v, 1), name, "V", _PHASES_N[index]))
                else:
                    values.append(Sampled(round(reading.voltage_v, 1), name, "V"))
        elif name == SOC:
            if evse.ev is not None and spec.is_dc:  # AC signalling does not tell the state of charge
                account(st, evse, st.now)  # the car counts between events as well
                values.append(Sampled(round(evse.ev.soc * 100, 1), name, "Percent", None, "EV"))
        elif name == CURRENT_OFFERED:
            values.append(Sampled(round(offer(evse)[1], 1) if _offering(evse) else 0.0, name, "A"))
        elif name == POWER_OFFERED:
            values.append(Sampled(round(offer(evse)[0], 1) if _offering(evse) else 0.0, name, "W"))
        elif name == FREQUENCY:
            if reading is not None:
                values.append(Sampled(50.0, name, "Hertz"))
        elif name == TEMPERATURE:
            celsius = round(st.board.thermal.temperature_c(0, st.now), 1)
            values.append(Sampled(celsius, name, "Celsius", None, "Body"))
    result = MeterReading(st.stamp(), context, tuple(values)) if values else None
    for quirk in st.model.seams.sample:
        result = quirk.sample(st, evse, result, context)
    return result


def _offering(evse: Evse) -> bool:
    return evse.plugged and evse.grant is not None and evse.grant.energy and evse.evse_ready


def only(reading: MeterReading | None, measurands: tuple[str, ...]) -> tuple[MeterReading, ...]:
    """The part of a reading that holds these measurands, as a tuple of none or one."""
    if reading is None:
        return ()
    values = tuple(value for value in reading.values if value.measurand in measurands)
    return (MeterReading(reading.at, reading.context, values),) if values else ()
