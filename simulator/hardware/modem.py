"""The modem or network interface: whether anything can get out of the station.

``up`` is what the station sees of its link layer, ``passes`` whether packets really get through; they differ when a
mobile network has forgotten the session. Both are functions of the time alone.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from simulator.core.model import ModemSpec
from simulator.hardware.fault import Fault, Part, fault


class ModemFault(Fault):
    """Base of faults of the modem."""

    component = "DataLink"

    def up(self, up: bool, now: int) -> bool:
        """Does the station see a link?"""
        return up

    def passes(self, passes: bool, now: int) -> bool:
        """Does anything get through?"""
        return passes

    def bandwidth(self, kb_s: float | None) -> float | None:
        """Thousand bytes a second, None without a limit."""
        return kb_s

    def round_trip(self, low_ms: int, high_ms: int) -> tuple[int, int]:
        """The range of the round trip."""
        return low_ms, high_ms

    def signal(self, dbm: int | None) -> int | None:
        """The received signal strength."""
        return dbm


class Modem(Part[ModemFault], gc=False, eq=False):
    """The station's way to the outside."""

    spec: ModemSpec = ModemSpec()
    was: tuple[bool, bool] = (True, True)

    def up(self, now: int) -> bool:
        """Does the station see a link?"""
        up = True
        for one in self.faults:
            up = one.up(up, now)
        return up

    def passes(self, now: int) -> bool:
        """Do packets get through? Never without a link."""
        if not self.faults:
            return True
        passes = self.up(now)
        for one in self.faults:
            passes = one.passes(passes, now)
        return passes

    def rtt_ms(self, now: int) -> tuple[int, int]:
        """The range from which a simulated network draws the round trip, in milliseconds."""
        low, high = self.spec.rtt_ms
        for one in self.faults:
            low, high = one.round_trip(low, high)
        return low, high

    def added_rtt_ms(self) -> int:
        """What faults add to the round trip of a real network, in milliseconds."""
        added, most = 0, 0
        for one in self.faults:
            added, most = one.round_trip(added, most)
        return added

    def bandwidth_kb_s(self) -> float | None:
        """Thousand bytes a second that get through, either way; None without a limit."""
        kb_s = self.spec.bandwidth_kb_s
        for one in self.faults:
            kb_s = one.bandwidth(kb_s)
        return kb_s

    def signal_dbm(self) -> int | None:
        """The received signal strength; None with a cable."""
        dbm = self.spec.signal_dbm
        for one in self.faults:
            dbm = one.signal(dbm)
        return dbm

    def refresh(self, now: int) -> None:
        """Say so when the link has come or gone."""
        seen = (self.up(now), self.passes(now))
        if seen != self.was:
            self.was = seen
            self.pulse.beat()


@fault("modem.outage")
class Outage(ModemFault):
    """No network: the link is down and cannot be dialled."""

    wire16 = "the connection is lost; queued transaction messages arrive after the end"
    wire2x = "the connection is lost; queued TransactionEvents arrive with offline set after the end"

    def up(self, up: bool, now: int) -> bool:
        """Down."""
        return False


@fault("modem.flapping")
class Flapping(ModemFault):
    """The network comes and goes; it goes first."""

    moves = True
    wire16 = "connections are lost and opened again and again"
    wire2x = "connections are lost and opened again and again"

    up_s: Annotated[float, Meta(ge=0.1, le=86_400.0, description="how long the link holds")] = 60.0
    down_s: Annotated[float, Meta(ge=0.1, le=86_400.0, description="how long it is gone")] = 10.0
    jitter: Annotated[float, Meta(ge=0.0, le=1.0, description="how far the moment of coming back moves")] = 0.2

    def up(self, up: bool, now: int) -> bool:
        """In the on-part of the cycle only."""
        return up and self.duty(self.up_s, self.down_s, self.jitter, now)[0]

    def next_change(self, now: int) -> int | None:
        """The next coming or going."""
        return self.duty(self.up_s, self.down_s, self.jitter, now)[1]


@fault("modem.half_open")
class HalfOpen(ModemFault):
    """The link looks alive but nothing passes in either direction, and no close is seen."""

    wire16 = "the station falls silent on an open connection until a ping or a call times out"
    wire2x = "the station falls silent on an open connection until a ping or a call times out"

    def passes(self, passes: bool, now: int) -> bool:
        """Nothing."""
        return False


@fault("modem.slow")
class SlowLink(ModemFault):
    """Every round trip takes longer."""

    wire16 = "answers of the station come late; its calls may time out"
    wire2x = "answers of the station come late; its calls may time out"

    rtt_ms: Annotated[int, Meta(ge=0, le=120_000, description="added to every round trip")] = 1_500

    def round_trip(self, low_ms: int, high_ms: int) -> tuple[int, int]:
        """Later by the delay."""
        return low_ms + self.rtt_ms, high_ms + self.rtt_ms


@fault("modem.narrow")
class NarrowLink(ModemFault):
    """Few bytes get through: large messages, logs and firmware take long."""

    wire16 = "large messages come late; uploads and downloads take long or fail"
    wire2x = "large messages come late; uploads and downloads take long or fail"

    bandwidth_kb_s: Annotated[float, Meta(ge=0.1, le=1_000_000.0, description="thousand bytes a second")] = 5.0

    def bandwidth(self, kb_s: float | None) -> float | None:
        """At most this."""
        return self.bandwidth_kb_s if kb_s is None else min(kb_s, self.bandwidth_kb_s)


@fault("modem.weak_signal")
class WeakSignal(ModemFault):
    """The radio signal is weak and the station says so; traffic still passes."""

    code = "weak_signal"
    wire16 = "StatusNotification with WeakSignal"
    wire2x = "NotifyEvent for DataLink"

    signal_dbm: Annotated[int, Meta(ge=-140, le=-30, description="received signal strength")] = -113

    def signal(self, dbm: int | None) -> int | None:
        """Weak."""
        return self.signal_dbm if dbm is None else min(dbm, self.signal_dbm)

    def text(self) -> str:
        """With the strength."""
        return f"signal {self.signal_dbm} dBm"
