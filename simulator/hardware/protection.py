"""Protection: devices that stop or limit charging whatever the station wants.

Some sit before one EVSE, some before the whole station (``evse_id`` 0). ``opens`` says whether the contactors of an
EVSE are forced open, ``limit_share`` how much of the rated power is left. A pushed emergency stop button is a fault
like the others: it begins, and it ends when the button is pulled out again.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from simulator.hardware.fault import Fault, Part, fault


class ProtectionFault(Fault):
    """Base of what trips."""

    def limit_share(self) -> float:
        """How much of the rated power it leaves."""
        return 0.0 if self.opens else 1.0


class Protection(Part[ProtectionFault], gc=False, eq=False):
    """The protective devices of the station."""

    def opens(self, evse_id: int) -> bool:
        """Are the contactors of this EVSE forced open?"""
        return any(f.opens and f.evse_id in (0, evse_id) for f in self.faults)

    def limit_share(self, evse_id: int) -> float:
        """What is left of the rated power, 0 to 1."""
        share = 1.0
        for one in self.faults:
            if one.evse_id in (0, evse_id):
                share = min(share, one.limit_share())
        return share


@fault("protection.rcd_trip")
class RcdTrip(ProtectionFault):
    """The residual current device has tripped; the contactors open."""

    component, code, blocks, opens = "RCD", "ground_failure", True, True
    info = "residual current device tripped"
    wire16 = "StatusNotification Faulted with GroundFailure; a running session ends"
    wire2x = "StatusNotification Faulted, NotifyEvent for RCD; a running session ends with GroundFault"


@fault("protection.emergency_stop")
class EmergencyStop(ProtectionFault):
    """The emergency stop is down; it concerns the whole station."""

    component, code, blocks, opens = "EmergencyStopSensor", "other_error", True, True
    station_wide = True
    info = "emergency stop pressed"
    wire16 = "every running session ends with EmergencyStop; StatusNotification Faulted with OtherError"
    wire2x = "every running session ends with EmergencyStop; StatusNotification Faulted, NotifyEvent"


@fault("protection.over_temperature")
class OverTemperature(ProtectionFault):
    """Too hot inside: the power is reduced, or with 0 switched off."""

    component, code, info = "TemperatureSensor", "high_temperature", "temperature too high"
    wire16 = "StatusNotification with HighTemperature; less power in MeterValues, or Faulted with nothing left"
    wire2x = "NotifyEvent for TemperatureSensor; less power in sampled values, or Faulted with nothing left"

    derate_to: Annotated[float, Meta(ge=0.0, le=1.0, description="what is left of the rated power")] = 0.5

    def limit_share(self) -> float:
        """What is left."""
        return self.derate_to

    def blocking(self, part: Any) -> bool:
        """Only with nothing left."""
        return self.derate_to == 0.0


@fault("protection.over_current")
class OverCurrent(ProtectionFault):
    """The over-current protection has tripped."""

    component, code, blocks, opens = "OverCurrentProtection", "over_current", True, True
    info = "over-current protection tripped"
    wire16 = "StatusNotification Faulted with OverCurrentFailure; a running session ends"
    wire2x = "StatusNotification Faulted, NotifyEvent for OverCurrentProtection; a running session ends"
