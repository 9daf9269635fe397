"""The mains supply: whether there is power, and at what share of its nominal voltage.

The part states a fact. What a station makes of it (hold-up time, last words, end of the run) is decided elsewhere; the
board opens the contactors, because no energy can flow without mains.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from simulator.hardware.fault import Fault, Part, fault


class SupplyFault(Fault):
    """Base of faults of the supply."""

    component = "ElectricalFeed"

    def feed(self, mains: bool, voltage_share: float) -> tuple[bool, float]:
        """What arrives when this reaches the fault."""
        return mains, voltage_share

    def power(self, share: float) -> float:
        """The share of the rated power that can be drawn."""
        return share


class Supply(Part[SupplyFault], gc=False, eq=False):
    """The station's feed. ``voltage_share`` multiplies the nominal voltage; 0 without mains.

    ``phases``: how many of the grid's it is connected to. ``rotation``: its L1 is phase 1 + ``rotation`` of the grid,
    because stations at one connection are wired in turn. ``power_share``: what the phases that are left can carry.
    """

    mains: bool = True
    voltage_share: float = 1.0
    phases: int = 3
    rotation: int = 0
    power_share: float = 1.0

    def refresh(self, now: int) -> None:
        """Measure again."""
        mains, share, power = True, 1.0, 1.0
        for one in self.faults:
            mains, share = one.feed(mains, share)
            power = one.power(power)
        self.power_share = power
        self.mains, self.voltage_share = mains, share if mains else 0.0


@fault("supply.mains_outage")
class MainsOutage(SupplyFault):
    """No mains power."""

    wire16 = "sessions end with PowerLoss, now or after the restart; the connection is lost without a close"
    wire2x = "TransactionEvent with PowerLoss, now or after the restart; the connection is lost without a close"

    def feed(self, mains: bool, voltage_share: float) -> tuple[bool, float]:
        """Nothing."""
        return False, 0.0


@fault("supply.brown_out")
class BrownOut(SupplyFault):
    """The voltage is too low; charging goes on with less power and the station says so."""

    code, info = "under_voltage", "supply voltage too low"
    wire16 = "StatusNotification with UnderVoltage; voltage and power in MeterValues are lower"
    wire2x = "NotifyEvent for ElectricalFeed; voltage and power in sampled values are lower"

    voltage_to: Annotated[float, Meta(ge=0.1, le=1.0, description="remaining share of the nominal voltage")] = 0.8

    def feed(self, mains: bool, voltage_share: float) -> tuple[bool, float]:
        """Less."""
        return mains, voltage_share * self.voltage_to


@fault("supply.over_voltage")
class OverVoltage(SupplyFault):
    """The voltage is too high; the station protects itself and the cars by not charging."""

    code, blocks, info, opens = "over_voltage", True, "supply voltage too high", True
    wire16 = "StatusNotification Faulted with OverVoltage on every connector"
    wire2x = "StatusNotification Faulted, NotifyEvent for ElectricalFeed"

    voltage_to: Annotated[float, Meta(ge=1.0, le=2.0, description="share of the nominal voltage")] = 1.2

    def feed(self, mains: bool, voltage_share: float) -> tuple[bool, float]:
        """More."""
        return mains, voltage_share * self.voltage_to


@fault("supply.phase_loss")
class PhaseLoss(SupplyFault):
    """One phase of the grid is gone: a station that has no other is dead, the others charge with what is left."""

    code, info = "under_voltage", "a phase is missing"
    wire16 = "single-phase stations on that phase go offline; the others say UnderVoltage and deliver two thirds"
    wire2x = "single-phase stations on that phase go offline; NotifyEvent for ElectricalFeed, two thirds of the power"

    phase: Annotated[int, Meta(ge=1, le=3, description="the phase of the grid, 1 to 3")] = 1
    #: 0 the station has nothing to do with that phase, 1 it is its only one, 3 it is one of three
    hit: int = 0

    def begin(self, part: Supply, now: int) -> None:
        """Is it one of the station's?"""
        own = {(part.rotation + n) % 3 + 1 for n in range(part.phases)}
        self.hit = part.phases if self.phase in own else 0

    def feed(self, mains: bool, voltage_share: float) -> tuple[bool, float]:
        """Nothing through the only phase."""
        return (False, 0.0) if self.hit == 1 else (mains, voltage_share)

    def power(self, share: float) -> float:
        """One phase less."""
        return share * (self.hit - 1) / self.hit if self.hit > 1 else share

    def evident(self) -> bool:
        """Whoever has other phases can say so."""
        return self.hit > 1
