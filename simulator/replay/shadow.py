"""A simulated station that knows what the capture does not: how a product of its profile registers and answers.

It runs in memory, against a CSMS that accepts everything, and nothing it says by itself goes anywhere. Asked in the
name of the captured station, it gives the answer that a station of its profile gives; that answer is an assumption.
"""

from __future__ import annotations

from typing import Any

from simulator.core import inputs as i
from simulator.core.model import Model
from simulator.core.station import Station
from simulator.fleet.virtual import VirtualFleet
from simulator.replay.capture import BOOT, Answer

BOOT_S, ANSWER_S = 300.0, 60.0
"""Virtual seconds it is given to boot, and for an answer."""


class Shadow:
    """One station of ``model``; it is switched on when it is first asked something."""

    def __init__(self, station_id: str, model: Model, *, epoch_us: int, seed: int = 1) -> None:
        self._fleet = VirtualFleet(epoch_us=epoch_us)
        self._station = Station(station_id, model, seed=seed, number=1, epoch_us=epoch_us)
        self._csms = self._fleet.add(self._station)
        self._on = False

    def boot(self) -> dict[str, Any] | None:
        """The payload of its BootNotification; None for a product that does not register by itself."""
        self._booted()
        return next(iter(self._csms.sent(BOOT)), None)

    def answer(self, action: str, payload: Any) -> Answer | None:
        """What it answers to this call of a CSMS; None when it stays silent."""
        self._booted()
        before = len(self._csms.seen)
        message_id = self._fleet.call(self._station, action, payload)
        answers = self._csms.answers
        self._fleet.settle(ANSWER_S, lambda: message_id in answers)
        for seen in self._csms.seen[before:]:
            if seen.message_id == message_id and seen.direction == "cp":
                if seen.kind == 3:
                    return Answer(seen.payload)
                code, description, details = (*seen.payload, "", {})[:3]
                return Answer(details, str(code) or "InternalError", str(description))
        return None

    def _booted(self) -> None:
        if not self._on:
            self._on = True
            self._fleet.feed(self._station, i.PowerOn())
            self._fleet.settle(BOOT_S, lambda: self._station.gate == "accepted")
