"""The controller board: the processor and the memory the station's software runs on.

Faults here are those of software as much as of hardware: it gets slow, it eats its memory, it does not survive its own
start. A watchdog restarts what no longer answers; the station then boots with that reason and goes on as after any
restart.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from simulator.hardware.fault import Fault, Part, fault

_SECOND_US = 1_000_000


class ControllerFault(Fault):
    """Base of faults of the controller. ``running_us`` is when the software started, None while it does not run."""

    component = "Controller"

    running_us: int | None = None

    def answer_us(self, now: int) -> int:
        """How much longer an answer takes."""
        return 0

    def crash_us(self) -> int | None:
        """When the watchdog will bite, None when it will not."""
        return None

    def begin(self, part: Controller, now: int) -> None:
        """It finds the software as it is."""
        self.running_us = part.running_us

    def next_change(self, now: int) -> int | None:
        """The watchdog."""
        return self.crash_us()


class Controller(Part[ControllerFault], gc=False, eq=False):
    """The controller. ``crashed``: the watchdog wants a restart now."""

    running_us: int | None = None
    crashed: bool = False

    def software(self, running: bool, now: int) -> None:
        """The software has started, or has ended."""
        self.running_us, self.crashed = now if running else None, False
        for one in self.faults:
            one.running_us = self.running_us

    def answer_us(self, now: int) -> int:
        """How much longer than usual an answer takes."""
        return sum(one.answer_us(now) for one in self.faults)

    def refresh(self, now: int) -> None:
        """Is it time for the watchdog?"""
        for one in self.faults:
            due = one.crash_us()
            if due is not None and due <= now and not self.crashed:
                self.crashed = True
                self.pulse.beat()


@fault("controller.slow_cpu")
class SlowCpu(ControllerFault):
    """The processor is busy with something else: every request of the CSMS is answered late."""

    wire16 = "answers to requests come late, in order; the station's own messages are as ever"
    wire2x = "answers to requests come late, in order; the station's own messages are as ever"
    sound_csms = "waits for its own time-out before it gives a request up, and sends the next one only then"

    delay_ms: Annotated[int, Meta(ge=0, le=300_000, description="how much later")] = 3_000

    def answer_us(self, now: int) -> int:
        """Always the same."""
        return self.delay_ms * 1_000


@fault("controller.memory_leak")
class MemoryLeak(ControllerFault):
    """Memory leaks away: answers get slower and slower, until the watchdog restarts the station; then once more."""

    moves = True
    wire16 = "answers later and later, then a BootNotification, again and again at equal distances"
    wire2x = "answers later and later, then a BootNotification with reason Watchdog, over and over"
    sound_csms = "sees the pattern in the distances between boots; sessions survive or end as after any restart"

    lasts_s: Annotated[float, Meta(ge=1.0, le=31_536_000.0, description="from a start to the watchdog")] = 21_600.0
    slow_ms: Annotated[int, Meta(ge=0, le=300_000, description="delay of an answer at the very end")] = 5_000

    def answer_us(self, now: int) -> int:
        """Grows with the square of what is used up."""
        used = (now - self._from()) / (self.lasts_s * _SECOND_US) if self.running_us is not None else 0.0
        return int(self.slow_ms * 1_000 * min(used, 1.0) ** 2)

    def crash_us(self) -> int | None:
        """When nothing is left."""
        return None if self.running_us is None else self._from() + int(self.lasts_s * _SECOND_US)

    def _from(self) -> int:
        return max(self.running_us or 0, self.since)


@fault("controller.crash_loop")
class CrashLoop(ControllerFault):
    """The software does not survive its own start: the watchdog restarts it again and again."""

    moves = True
    wire16 = "a connection, a BootNotification at most, and the end without a word, over and over"
    wire2x = "a connection, a BootNotification with reason Watchdog at most, and the end, over and over"
    sound_csms = "takes the station in each time, may answer the boot with a longer interval, and lets no other wait"

    after_s: Annotated[float, Meta(ge=0.1, le=86_400.0, description="from a start to the next crash")] = 20.0

    def crash_us(self) -> int | None:
        """So long after each start, and after the fault began."""
        if self.running_us is None:
            return None
        return max(self.running_us, self.since) + int(self.after_s * _SECOND_US)
