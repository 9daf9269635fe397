"""What is really going on inside a station while a scenario is played, for the picture of it afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field

from simulator.scenario.seat import Seat

#: between two samples at least, and samples of one EVSE at most
SAMPLE_US, SAMPLES_MAX = 120_000_000, 20_000


@dataclass(slots=True)
class Truth:
    """Samples of the contacts of each EVSE: (us, temperature in degrees Celsius, resistance in mOhm)."""

    samples: dict[tuple[str, int], list[tuple[int, float, float]]] = field(default_factory=dict)

    def look(self, seat: Seat, now: int) -> None:
        """Take a sample of a station with a thermal fault, unless the last one is recent."""
        thermal = seat.station.board.thermal
        if not thermal.faults:
            return
        for evse in seat.station.evses:
            rows = self.samples.setdefault((seat.id, evse.evse_id), [])
            if len(rows) < SAMPLES_MAX and (not rows or now - rows[-1][0] >= SAMPLE_US):
                place = evse.evse_id
                rows.append((now, thermal.temperature_c(place, now), thermal.contact_mohm(place, now)))
