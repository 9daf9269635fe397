"""The contactor: whether the power path to the car is closed.

``closed`` is the physical truth, ``commanded`` what the station wants. Protection and loss of mains open it whatever is
commanded (``locked_out``). The station learns of a broken contactor only from its feedback: a welded one shows when it
should be open, one that does not close when it should be closed. Once seen, the problem stays until the fault is
cleared, as a firmware latches it.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from simulator.hardware.fault import Fault, Part, fault


class ContactorFault(Fault):
    """Base of faults of the contactor."""

    component = "PowerContactor"

    def position(self, want: bool, closed: bool, now: int) -> bool:
        """Where the contacts are when ``want`` reaches this fault and they were ``closed`` so far."""
        return want

    def feedback(self, confirmed: bool) -> bool:
        """What the station is told about the drive."""
        return confirmed


class Contactor(Part[ContactorFault], gc=False, eq=False):
    """One contactor; begins open."""

    commanded: bool = False
    locked_out: bool = False
    closed: bool = False

    def drive(self, close: bool, now: int) -> bool:
        """Close or open it; True when the feedback confirms."""
        self.commanded = close
        self.refresh(now)
        confirmed = self.closed == close
        for one in self.faults:
            confirmed = one.feedback(confirmed)
        return confirmed

    def lock_out(self, locked_out: bool, now: int) -> None:
        """Protection or missing mains force it open, or no longer do."""
        self.locked_out = locked_out
        self.refresh(now)

    def release(self, now: int) -> None:
        """The coil has lost its supply and its command."""
        self.commanded = False
        self.refresh(now)

    def refresh(self, now: int) -> None:
        """Move the contacts to where command, lock-out and faults put them."""
        wanted = self.commanded and not self.locked_out
        position = wanted
        for one in self.faults:
            position = one.position(position, self.closed, now)
        if position != self.closed:
            self.closed = position
            self.pulse.beat()
        if position != wanted:
            for one in self.faults:
                if one.code:
                    self.notice(one)


@fault("contactor.welded")
class Welded(ContactorFault):
    """The contacts are stuck closed.

    Noticed as soon as they should be open: at once on an idle connector, otherwise when the session ends.
    """

    code, blocks, info = "power_switch_failure", True, "contactor does not open"
    wire16 = "StatusNotification Faulted with PowerSwitchFailure once the contactor should have opened"
    wire2x = "StatusNotification Faulted, NotifyEvent for PowerContactor once it should have opened"

    def position(self, want: bool, closed: bool, now: int) -> bool:
        """Closed."""
        return True

    def evident(self) -> bool:
        """Once the feedback has shown it."""
        return self.noticed


@fault("contactor.stuck_open")
class StuckOpen(ContactorFault):
    """The contacts do not close any more.

    Noticed when they should be closed: during a session at once, otherwise when the next one is to deliver energy.
    """

    code, blocks, info = "power_switch_failure", True, "contactor does not close"
    wire16 = "StatusNotification Faulted with PowerSwitchFailure when energy should flow; no energy in MeterValues"
    wire2x = "StatusNotification Faulted, NotifyEvent for PowerContactor when energy should flow"

    def position(self, want: bool, closed: bool, now: int) -> bool:
        """Open."""
        return False

    def evident(self) -> bool:
        """Once the feedback has shown it."""
        return self.noticed


@fault("contactor.chattering")
class Chattering(ContactorFault):
    """The closed contacts open again and again for a moment; the station's self-test does not see it."""

    moves = True
    wire16 = (
        "status goes back and forth between Charging and SuspendedEVSE; power in MeterValues drops to zero at times"
    )
    wire2x = "chargingState goes back and forth between Charging and SuspendedEVSE"

    closed_s: Annotated[float, Meta(ge=0.05, le=86_400.0, description="how long the contacts hold")] = 20.0
    open_s: Annotated[float, Meta(ge=0.05, le=86_400.0, description="how long they are apart")] = 1.0
    jitter: Annotated[float, Meta(ge=0.0, le=1.0, description="how far the moment of closing moves")] = 0.2
    wanted: bool = False

    def position(self, want: bool, closed: bool, now: int) -> bool:
        """Closed in the on-part of the cycle only."""
        self.wanted = want
        return want and self.duty(self.closed_s, self.open_s, self.jitter, now)[0]

    def feedback(self, confirmed: bool) -> bool:
        """The auxiliary contact is read between two bounces."""
        return True

    def next_change(self, now: int) -> int | None:
        """The next bounce, while it is to be closed."""
        return self.duty(self.closed_s, self.open_s, self.jitter, now)[1] if self.wanted else None


@fault("contactor.slow")
class Slow(ContactorFault):
    """The contacts follow the command late, yet within the time the station waits for the feedback."""

    moves = True
    wire16 = "energy begins to flow after Charging is reported and still flows for a moment after the end"
    wire2x = "energy begins to flow after Charging is reported and still flows for a moment after the end"

    delay_ms: Annotated[int, Meta(ge=1, le=5_000, description="from the command to the movement")] = 800
    due_us: int | None = None

    def position(self, want: bool, closed: bool, now: int) -> bool:
        """As before, until the delay is over."""
        if want == closed:
            self.due_us = None
            return closed
        if self.due_us is None:
            self.due_us = now + self.delay_ms * 1000
        if now < self.due_us:
            return closed
        self.due_us = None
        return want

    def feedback(self, confirmed: bool) -> bool:
        """In time."""
        return True

    def next_change(self, now: int) -> int | None:
        """When the pending movement happens."""
        return self.due_us

    def end(self, part: Any, now: int) -> None:
        """Nothing pending is left."""
        self.due_us = None
