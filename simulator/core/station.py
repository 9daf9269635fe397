"""The station: one pure object, one door.

``feed(input, now)`` applies the input to facts, settles the joint-state rules to a fixed point, lets blocks drain their
reports into the outbox, sends what may be sent, and returns the effects in order. ``next_deadline()`` says when it
wants a ``Tick``. Nothing else touches a station: no clock, socket, thread, log or global random number is in here.

Three lifetimes. *RAM* (``_fresh_ram``) is lost at every reboot. *Flash* (``board.flash``) is kept unless torn. *Board
and world* (plugs, cars, locks, registers, the RTC's battery, active faults) go on whatever the software does.

Order inside one feed: replies are sent where they arise, everything else after settling, so that a reply always comes
before what the same input caused.

A station is *at rest* when the last settling found nothing to change and the drains nothing to tell. An input that is
``QUIET`` (``core/wiring.py``) cannot disturb a rest, so neither is run again: most of what a busy station is told are
moments to sample and answers to samples. Active faults, which may change by themselves, forbid rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from simulator.core import hands, history, inbound, jobs, world
from simulator.core import inputs as i
from simulator.core.connector import Evse
from simulator.core.desk import FACTS_AREA, SETTINGS_AREA, Desk
from simulator.core.effects import AnyEffect, Record
from simulator.core.link_policy import LinkPolicy
from simulator.core.outbox import QUEUE_AREA, Outbox
from simulator.core.records import (
    FlashTrouble,
    QueueDepth,
    Remark,
)
from simulator.core.reports import BootAsked, Report
from simulator.core.rng import Rng, seed_of
from simulator.core.settings import SettingsView
from simulator.core.timers import Timers
from simulator.core.wiring import (
    DRAINS,
    EVSE_RULES,
    MOMENTS,
    PERFORMED,
    QUIET,
    STATION_RULES,
    TIMERS,
    WATCHING_DRAINS,
)
from simulator.hardware.board import Board

if TYPE_CHECKING:
    from simulator.core.model import Model

MAX_ROUNDS = 16


class Station(Desk):
    """One simulated charging station.

    ``station_id`` is its identity, ``number`` its place in the fleet, ``seed`` the run's seed, ``epoch_us`` the true
    time (microseconds since 1970) at ``now`` = 0, ``speed`` how much faster station time runs than real time.
    """

    __slots__ = ()

    def __init__(
        self,
        station_id: str,
        model: Model,
        *,
        seed: int,
        number: int = 0,
        epoch_us: int = 0,
        now: int = 0,
        speed: int = 1,
        register_wh: float | Sequence[float] | None = None,
        serial: str | None = None,
    ) -> None:
        self.serial = serial
        self.id, self.model, self.number = station_id, model, number
        self.dialect = model.dialect
        self.epoch_us, self.speed, self.now = epoch_us, speed, now
        self.rng = Rng(seed_of(seed, station_id))
        if register_wh is None:
            register_wh = model.initial_register_wh
        if register_wh is None:
            # never 0 unless the profile says so, the same for this id in every run, and each meter has its own past
            register_wh = [
                float(1_000 + seed_of("register", station_id if evse == 0 else f"{station_id}/{evse}") % 9_000_000)
                for evse in range(len(model.evses))
            ]
        self.board = Board(model, self.rng, epoch_us, now, register_wh)
        self.evses = tuple(Evse(spec) for spec in model.evses)
        self.booked_wh = [meter.physical_wh(now) for meter in self.board.meters]
        self.timers = Timers()
        self.link = LinkPolicy()
        self.boot_no = 0
        self.boot_reason = "PowerUp"
        self.powered = False
        #: the switch of the station, whatever the mains do
        self.switched_on = False
        self.running = False
        #: when the end of the run cannot wait any longer; None while there is no end in sight
        self.leave_by: int | None = None
        #: number of the last job; never used twice
        self.job_no = 0
        self.gate = "unknown"
        self._busy = False
        self._phase = "off"
        self._depth = 0
        self._rest: tuple[object, ...] | None = None
        self._effects: list[AnyEffect] = []
        #: during the moment "link_down": the volatile reports that went with the link, and how many of them, the first
        #: ones, had been sent: the CSMS may have heard these
        self.lost: tuple[Report, ...] = ()
        self.lost_sent = 0
        self._fresh_ram()

    # -- lifetimes ---------------------------------------------------------------------------------------------------

    def _fresh_ram(self) -> None:
        flash = self.board.flash
        holdup_us = self.timers.get("holdup") if self.powered else None
        self.timers.clear()
        if holdup_us is not None:  # the capacitors empty themselves whatever the software does
            self.timers.set("holdup", holdup_us)
        self.outbox = Outbox()
        self.settings = SettingsView(self.model.defaults, dict(flash.items(SETTINGS_AREA)))
        #: each block's own state, by the block's name; rebuilt at the moment "start"
        self.data: dict[Any, Any] = {}
        self.later: dict[str, tuple[str, str, int]] = {}
        #: jobs under way: number -> who is told
        self.jobs: dict[int, str] = {}
        self.held: list[tuple[int, Report]] = []
        self.changed_settings: set[str] = set()
        self.gate = "unknown"
        #: somebody goes on as soon as the outbox has no more to say: the drains that watch it must look
        self.waits_for_outbox = self.leave_by is not None
        self.id_prefix = ""
        self.started_us = self.now
        for evse in self.evses:
            evse.reset()

    def start(self, now: int) -> None:
        """The software starts: flash is read, blocks rebuild their state, the link is wanted."""
        self._fresh_ram()
        self.boot_no += 1
        self.running = True
        self.board.controller.software(True, now)
        self.started_us = now
        self.id_prefix = format(self.rng.next("message_id") >> 32, "08x")
        self.outbox.restore(self, now)
        for function in MOMENTS["start"]:
            function(self, now)
        self.link.start(self, now)
        if self.leave_by is not None:
            self.timers.set("leave", self.leave_by)
        self.phase("connecting")

    def stop_software(self, now: int, how: str) -> None:
        """The software ends (reboot, power cut): contactors open, the link goes, RAM is lost."""
        self.running = False
        self.board.controller.software(False, now)
        for evse in self.evses:
            index = evse.evse_id - 1
            self.board.contactors[index].drive(False, now)
            self.board.meters[index].set_flow(0.0, (0.0, 0.0, 0.0), evse.spec.voltage_v, now)
        self.board.warm(now)
        self.link.held = True
        self.link.drop(self, now, how, redial=False)
        torn = self.board.power_cut(now) if how == "vanish" else ()
        for area, key in torn:
            self.record(FlashTrouble(area, "torn", str(key)))
        self.outbox.software_ends(self, {key for area, key in torn if area == QUEUE_AREA})
        for _, report in self.held:
            self.outbox.never_queued(self, report, "held back by a quirk")
        history.software_ends(self, orderly=how == "close")
        self._fresh_ram()
        self.phase("off")

    def reboot(self, reason: str, kind: str, now: int) -> None:
        """Restart the software. ``kind`` soft or hard decides how long it takes; ``reason`` in BootReasonEnumType."""
        hardware = self.model.hardware
        self.boot_reason = reason
        self.board.flash.write(FACTS_AREA, "boot_reason", reason, 16)
        self.stop_software(now, "close")
        wait_s = hardware.boot_soft_s if kind == "soft" else hardware.boot_hard_s
        self.timers.set("boot", now + int(wait_s * 1_000_000))

    def power_cut(self, now: int) -> None:
        """Supply is gone: no farewell, flash as it is."""
        if not self.powered:
            return
        self.powered = False
        self.stop_software(now, "vanish")

    def power_up(self, now: int) -> None:
        """Supply is back (or there for the first time)."""
        if self.powered:
            return
        self.powered = True
        first = self.boot_no == 0  # at the beginning of a run it is taken to have booted already
        self.board.power_up(now)
        self.boot_reason = "PowerUp"
        self.board.flash.write(FACTS_AREA, "boot_reason", "PowerUp", 16)
        wait_us = 0 if first else int(self.model.hardware.boot_power_s * 1_000_000)
        self.timers.set("boot", now + wait_us)

    # -- the door ----------------------------------------------------------------------------------------------------

    def feed(self, event: i.Input, now: int) -> list[AnyEffect]:
        """Take one input at ``now`` (microseconds, never falling) and return what is to be done, in order."""
        assert not self._busy, "feed is not re-entrant"
        assert now >= self.now, "time does not fall"
        self._busy = True
        self.now = now
        effects: list[AnyEffect] = []
        self._effects = effects
        self.board.flash.why = ""
        try:
            quiet = APPLY[type(event)](self, event, now) is QUIET
            if self._stopped():
                return effects
            outbox = self.outbox
            passing = quiet and self._rest is not None and self._rest == self._restful()
            if passing:
                if self.waits_for_outbox:
                    said, order = len(effects), outbox.next_order
                    for _, drain in WATCHING_DRAINS:
                        drain(self, now)
                        if not self.running:
                            return effects
                    if len(effects) != said or outbox.next_order != order:
                        self._rest = None
            else:
                at_rest = self._settle(now)
                if self._stopped():
                    return effects
                said, order = len(effects), outbox.next_order
                for _, drain in DRAINS:
                    drain(self, now)
                    if self._stopped():
                        return effects
                at_rest = at_rest and len(effects) == said and outbox.next_order == order and not self.board.active
                self._rest = self._restful() if at_rest else None
            if self.board.flash.why:
                for function in MOMENTS["flash"]:
                    function(self, now)
            outbox.pump(self, now)
            depth = outbox.waiting()
            if depth != self._depth and (depth > 1 or self._depth):  # one message on its way is no queue
                self._depth = depth
                effects.append(Record(QueueDepth(depth)))
            if not passing:
                self.show_phase()
        finally:
            self._busy = False
            if self.board.flash.why:
                self._say_flash_failed(effects)
        return effects

    def _say_flash_failed(self, effects: list[AnyEffect]) -> None:
        """A memory that refused a write or a deletion is on record, even if nobody looked. Full is left to the
        writers: they make room or say what is lost."""
        why = self.board.flash.why
        said = any(isinstance(e, Record) and isinstance(e.what, FlashTrouble) for e in effects)
        if why != "full" and not said:
            effects.append(Record(FlashTrouble("other", why, "something was not written or not deleted")))

    def next_deadline(self) -> int | None:
        """When the station wants its next ``Tick``."""
        own = self.timers.next_deadline()
        board = self.board.next_change(self.now)
        if own is None:
            return board
        return own if board is None or own < board else board

    def _stopped(self) -> bool:
        """Has the software ended within this very feed?"""
        return not self.running

    def _restful(self) -> tuple[object, ...]:
        """What a rest is bound to, beside the facts that only inputs change."""
        link = self.link
        return (self.board.version, link.number, link.state, self.gate, self.boot_no)

    def _settle(self, now: int) -> bool:
        """Run the rules until nothing changes; was that so from the beginning?"""
        for rounds in range(MAX_ROUNDS):
            changed = False
            for _, station_rule in STATION_RULES:
                changed = station_rule(self, now) or changed
                if self._stopped():
                    return False
            for evse in self.evses:
                for _, evse_rule in EVSE_RULES:
                    if evse_rule(self, evse, now):
                        changed = True
            if not changed:
                return rounds == 0
        raise AssertionError(f"{self.id}: rules did not settle in {MAX_ROUNDS} rounds")

    # -- inputs ------------------------------------------------------------------------------------------------------

    def _tick(self, event: i.Tick, now: int) -> object:
        self.board.advance(now)
        due = self.timers.pop_due(now)
        answer: object = QUIET if due else None
        for name, index in due:
            if TIMERS[name](self, index, now) is not QUIET:
                answer = None
        return answer

    def _power_on(self, event: i.PowerOn, now: int) -> None:
        self.switched_on = True
        if self.board.supply.mains:
            self.power_up(now)

    def _power_off(self, event: i.PowerOff, now: int) -> None:
        self.switched_on = False
        self.power_cut(now)

    def _link_up(self, event: i.LinkUp, now: int) -> None:
        if event.link != self.link.number or self.link.state != "dialing":
            return
        if self.link.up(self, event, now):
            self.outbox.link_up(now)
            for function in MOMENTS["link_up"]:
                function(self, now)
            self.link.down_since_us = None

    def _link_down(self, event: i.LinkDown, now: int) -> None:
        if event.link == self.link.number and self.link.state != "down":
            self.link.down(self, event, now)

    def link_lost(self, now: int) -> None:
        """The link policy says an open link is gone: nothing can be answered or delivered any more."""
        self.later.clear()
        in_flight, self.lost, self.lost_sent = self.outbox.link_down(self, now)
        if in_flight is not None:
            inbound.failure(self, in_flight, "lost")
        for report in self.lost:
            if in_flight is None or report is not in_flight.report:
                self._never_sent(report)
        for function in MOMENTS["link_down"]:
            function(self, now)
        self.lost = ()

    def _never_sent(self, report: Report) -> None:
        """What somebody at the station waits for went down with the link before its turn came: tell whoever asked."""
        if not report.urgent or isinstance(report, BootAsked):  # a boot asks again by itself
            return
        rendered = self.dialect.renderers[type(report)](self, report, self.dialect.messages)
        failure = self.dialect.failures.get(rendered[0]) if rendered else None
        if failure is not None:
            failure(self, report, "lost")

    def _pong(self, event: i.Pong, now: int) -> None:
        if event.link == self.link.number and self.link.is_up and self.board.modem.passes(now):
            self.board.network.traffic(now)
            self.link.pong(self, now)

    def _leave(self, event: i.Leave, now: int) -> None:
        self.leave_by = event.deadline_us
        self.waits_for_outbox = True
        self.timers.set("leave", event.deadline_us)

    def _perform(self, event: i.Perform, now: int) -> None:
        if event.what == "reboot":
            self.reboot(str(event.args.get("reason", "Watchdog")), str(event.args.get("kind", "hard")), now)
        elif event.what in PERFORMED and self.running:
            PERFORMED[event.what](self, event.args, now)
        else:
            self.record(Remark(f"nothing known to perform as {event.what!r}"))


APPLY: dict[type, Callable[[Station, Any, int], object]] = {
    i.Tick: Station._tick,
    i.PowerOn: Station._power_on,
    i.PowerOff: Station._power_off,
    i.LinkUp: Station._link_up,
    i.LinkDown: Station._link_down,
    i.Frame: inbound.frame,
    i.Pong: Station._pong,
    i.JobProgress: jobs.progress,
    i.JobDone: jobs.done,
    i.Plug: world.plug,
    i.Unplug: world.unplug,
    i.Park: world.park,
    i.EvReady: world.ev_ready,
    i.EvseReady: world.evse_ready,
    i.Present: hands.present,
    i.Press: hands.press,
    i.Inject: hands.inject,
    i.Clear: hands.clear,
    i.Leave: Station._leave,
    i.Perform: Station._perform,
}
