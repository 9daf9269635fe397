"""The retention lock that holds a plug in the station's socket.

``closed`` is where the bolt is, ``commanded`` where it should be. A tethered cable has no socket, so no lock is fitted:
driving it is confirmed and nothing moves. In a power cut the lock releases itself from a stored charge, as sockets on
the street do, so that a driver can leave.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from simulator.hardware.fault import Fault, Part, fault


class LockFault(Fault):
    """Base of faults of the lock."""

    component = "ConnectorPlugRetentionLock"

    def position(self, want: bool, closed: bool) -> bool:
        """Where the bolt is when ``want`` reaches this fault and it was ``closed`` so far."""
        return want

    def feedback(self, confirmed: bool) -> bool:
        """What the station is told about the drive."""
        return confirmed

    def report(self, closed: bool, commanded: bool) -> bool:
        """Where the station is told that the bolt is."""
        return closed


class Lock(Part[LockFault], gc=False, eq=False):
    """One lock; begins open. ``fitted`` False on a tethered cable."""

    fitted: bool = True
    commanded: bool = False
    closed: bool = False

    def drive(self, close: bool, now: int) -> bool:
        """Lock or unlock; True when the feedback confirms."""
        self.commanded = close
        self.refresh(now)
        confirmed = not self.fitted or self.closed == close
        for one in self.faults:
            confirmed = one.feedback(confirmed)
            if not confirmed and one.code:
                self.notice(one)
        return confirmed

    @property
    def reported(self) -> bool:
        """Closed, as the feedback tells; differs from ``closed`` when that lies."""
        closed = self.closed
        for one in self.faults:
            closed = one.report(closed, self.commanded)
        return closed

    def release(self, now: int) -> None:
        """Power is lost: the stored charge opens it."""
        self.commanded = False
        self.refresh(now)

    def refresh(self, now: int) -> None:
        """Move the bolt to where command and faults put it."""
        position = self.commanded and self.fitted
        if self.fitted:
            for one in self.faults:
                position = one.position(position, self.closed)
        if position != self.closed:
            self.closed = position
            self.pulse.beat()


@fault("lock.jammed")
class Jammed(LockFault):
    """The bolt does not move; noticed when it is driven and the feedback does not come."""

    code, info = "lock_failure", "connector lock does not move"
    wire16 = "StatusNotification with ConnectorLockFailure; UnlockConnector answers UnlockFailed if stuck closed"
    wire2x = "NotifyEvent for ConnectorPlugRetentionLock; UnlockConnector answers UnlockFailed if stuck closed"

    stuck: Annotated[
        Literal["as_is", "open", "closed"], Meta(description="where the bolt is stuck; as_is: where it was")
    ] = "as_is"
    at_closed: bool = False

    def begin(self, part: Any, now: int) -> None:
        """Get stuck."""
        self.at_closed = part.closed if self.stuck == "as_is" else self.stuck == "closed"

    def position(self, want: bool, closed: bool) -> bool:
        """Where it is stuck."""
        return self.at_closed

    def evident(self) -> bool:
        """Once a drive has failed."""
        return self.noticed


@fault("lock.lying")
class Lying(LockFault):
    """The feedback always confirms, but the bolt stays where it is."""

    wire16 = "UnlockConnector answers Unlocked although the plug is held; a session runs with the plug not held"
    wire2x = "UnlockConnector answers Unlocked although the plug is held; a session runs with the plug not held"

    def position(self, want: bool, closed: bool) -> bool:
        """As before."""
        return closed

    def feedback(self, confirmed: bool) -> bool:
        """Always."""
        return True

    def report(self, closed: bool, commanded: bool) -> bool:
        """Where it was told to go."""
        return commanded
