"""The control pilot: how the station senses that a car is plugged in and asks for energy (IEC 61851-1 states A, B, C).

The world says what is true (``set_plugged``, ``set_ev_ready``); ``plugged`` and ``ev_ready`` are what the station
senses through the faults. A car that is not plugged cannot ask.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from simulator.hardware.fault import Fault, Part, fault


class PilotFault(Fault):
    """Base of faults of the signalling."""

    component = "CPPWMController"

    def signal(self, plugged: bool, ev_ready: bool, now: int) -> tuple[bool, bool]:
        """What is sensed when these two reach the fault."""
        return plugged, ev_ready


class Pilot(Part[PilotFault], gc=False, eq=False):
    """One control pilot. ``car_*`` is the truth, ``plugged`` and ``ev_ready`` what the station senses."""

    car_plugged: bool = False
    car_ready: bool = False
    plugged: bool = False
    ev_ready: bool = False

    def set_plugged(self, plugged: bool, now: int) -> None:
        """The cable connects a car, or no longer."""
        self.car_plugged = plugged
        self.refresh(now)

    def set_ev_ready(self, ready: bool, now: int) -> None:
        """The car asks for energy, or no longer."""
        self.car_ready = ready
        self.refresh(now)

    def refresh(self, now: int) -> None:
        """Sense again."""
        plugged, ready = self.car_plugged, self.car_plugged and self.car_ready
        for one in self.faults:
            plugged, ready = one.signal(plugged, ready, now)
        if plugged != self.plugged or ready != self.ev_ready:
            self.plugged, self.ev_ready = plugged, ready
            self.pulse.beat()


@fault("pilot.bouncing")
class Bouncing(PilotFault):
    """A loose contact: the plugged car disappears and comes back."""

    moves = True
    wire16 = "sessions end with EVDisconnected and begin anew, or status flaps, while the car stays"
    wire2x = "TransactionEvents with EVDisconnected or cable events come and go while the car stays"

    closed_s: Annotated[float, Meta(ge=0.05, le=86_400.0, description="how long the contact holds")] = 15.0
    open_s: Annotated[float, Meta(ge=0.05, le=86_400.0, description="how long it is lost")] = 0.5
    jitter: Annotated[float, Meta(ge=0.0, le=1.0, description="how far the moment of contact moves")] = 0.2
    signal_lost: Annotated[
        Literal["plugged", "ev_ready"], Meta(description="what gets lost: the whole car, or only its wish for energy")
    ] = "plugged"
    plugged: bool = False

    def signal(self, plugged: bool, ev_ready: bool, now: int) -> tuple[bool, bool]:
        """Both, or the wish alone, in the on-part of the cycle only."""
        self.plugged = plugged
        on = self.duty(self.closed_s, self.open_s, self.jitter, now)[0]
        return plugged and (on or self.signal_lost == "ev_ready"), ev_ready and on

    def next_change(self, now: int) -> int | None:
        """The next bounce, while a car is there."""
        return self.duty(self.closed_s, self.open_s, self.jitter, now)[1] if self.plugged else None


@fault("pilot.short")
class Short(PilotFault):
    """The pilot is shorted to earth (state E): the plug is felt, but no charging is possible."""

    code, blocks, info = "ev_communication", True, "control pilot shorted"
    wire16 = "StatusNotification Faulted with OtherError and a vendorErrorCode"
    wire2x = "StatusNotification Faulted, NotifyEvent for CPPWMController"

    def signal(self, plugged: bool, ev_ready: bool, now: int) -> tuple[bool, bool]:
        """No car can ask."""
        return plugged, False


@fault("pilot.no_communication")
class NoCommunication(PilotFault):
    """The car's wish for energy is not understood; the connector stays usable and the session is suspended."""

    code, info = "ev_communication", "no communication with the car"
    wire16 = "StatusNotification with EVCommunicationError; the session is suspended, the connector is not Faulted"
    wire2x = "NotifyEvent for CPPWMController; the session is suspended, the connector is not Faulted"

    def signal(self, plugged: bool, ev_ready: bool, now: int) -> tuple[bool, bool]:
        """No car can ask."""
        return plugged, False
