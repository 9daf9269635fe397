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

import msgspec

from simulator.core import inputs as i
from simulator.core import world
from simulator.core.connector import Evse
from simulator.core.dialect import CallRefused, Later
from simulator.core.effects import AnyEffect, Effect, Record, Send
from simulator.core.link_policy import LinkPolicy
from simulator.core.outbox import QUEUE_AREA, Entry, Outbox
from simulator.core.records import (
    AnyRecord,
    CsmsCallHandled,
    FaultBegan,
    FaultEnded,
    FlashTrouble,
    PhaseChanged,
    QueueDepth,
    Remark,
    ViolationSeen,
)
from simulator.core.reports import BootAsked, Report, Stamp, TransactionReport
from simulator.core.rng import Rng, seed_of
from simulator.core.settings import SETTINGS, Setting, SettingsView
from simulator.core.timers import Timers
from simulator.core.wiring import DRAINS, EVSE_RULES, MOMENTS, QUIET, STATION_RULES, TIMERS, WATCHING_DRAINS
from simulator.errors import AuthorError, RemoteProtocolError, UnknownName
from simulator.hardware.board import Board
from simulator.wire.rpc import Call, Error, Result, encode_error, encode_result, parse

if TYPE_CHECKING:
    from simulator.core.model import Model

MAX_ROUNDS = 16
MAX_LATER = 16
MAX_HELD = 64
#: a longer frame of the CSMS is refused without being read
MAX_FRAME_BYTES = 1 << 20
#: longest error code of a CALLERROR that is kept
MAX_CODE = 50
SETTINGS_AREA = "settings"
#: area for small facts that must survive: boot reason, operative states, counters
FACTS_AREA = "facts"


class Station:
    """One simulated charging station.

    ``station_id`` is its identity, ``number`` its place in the fleet, ``seed`` the run's seed, ``epoch_us`` the true
    time (microseconds since 1970) at ``now`` = 0, ``speed`` how much faster station time runs than real time.
    """

    __slots__ = (
        "_busy",
        "_depth",
        "_effects",
        "_phase",
        "_rest",
        "board",
        "booked_wh",
        "boot_no",
        "boot_reason",
        "changed_settings",
        "data",
        "dialect",
        "epoch_us",
        "evses",
        "gate",
        "held",
        "id",
        "id_prefix",
        "later",
        "leave_by",
        "link",
        "lost",
        "model",
        "now",
        "number",
        "outbox",
        "powered",
        "reply_extra",
        "rng",
        "running",
        "serial",
        "settings",
        "speed",
        "started_us",
        "switched_on",
        "timers",
        "triggering",
    )

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
            # never 0 unless the profile says so, and the same for this id in every run
            register_wh = float(1_000 + seed_of("register", station_id) % 9_000_000)
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
        self.gate = "unknown"
        self._busy = False
        self._phase = "off"
        self._depth = 0
        self._rest: tuple[object, ...] | None = None
        self._effects: list[AnyEffect] = []
        #: during the moment "link_down": the volatile reports that went with the link
        self.lost: tuple[Report, ...] = ()
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
        self.held: list[tuple[int, Report]] = []
        self.changed_settings: set[str] = set()
        self.triggering = False
        self.gate = "unknown"
        self.id_prefix = ""
        self.started_us = self.now
        for evse in self.evses:
            evse.reset()

    def start(self, now: int) -> None:
        """The software starts: flash is read, blocks rebuild their state, the link is wanted."""
        self._fresh_ram()
        self.boot_no += 1
        self.running = True
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
        for evse in self.evses:
            index = evse.evse_id - 1
            self.board.contactors[index].drive(False, now)
            self.board.meters[index].set_flow(0.0, (0.0, 0.0, 0.0), evse.spec.voltage_v, now)
        self.link.held = True
        self.link.drop(self, now, how, redial=False)
        torn = self.board.power_cut(now) if how == "vanish" else ()
        for area, key in torn:
            self.record(FlashTrouble(area, "torn", str(key)))
        self.outbox.software_ends(self, {key for area, key in torn if area == QUEUE_AREA})
        for _, report in self.held:
            self.outbox.never_queued(self, report, "held back by a quirk")
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
            outbox.pump(self, now)
            depth = outbox.waiting()
            if depth != self._depth and (depth > 1 or self._depth):  # one message on its way is no queue
                self._depth = depth
                effects.append(Record(QueueDepth(depth)))
            if not passing:
                self._show_phase()
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
        in_flight, self.lost = self.outbox.link_down(self, now)
        if in_flight is not None:
            self._failure(in_flight, "lost")
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
            self.link.pong(self, now)

    def _frame(self, event: i.Frame, now: int) -> object:
        if event.link != self.link.number or not self.link.is_up or not self.board.modem.passes(now):
            return None
        try:
            if len(event.data) > MAX_FRAME_BYTES:
                raise RemoteProtocolError("rpc_framework", f"a frame of {len(event.data)} bytes is too long")
            message = parse(event.data)
            if not isinstance(message, self.dialect.frame_types):
                raise RemoteProtocolError(
                    "message_type",
                    f"this version has no message type {type(message).__name__}",
                    message_id=message.message_id,
                )
        except RemoteProtocolError as error:
            self._on_garbage(error)
            return None
        if type(message) is Result:
            return self._on_result(message, now)
        if type(message) is Call:
            self._on_call(message, now)
        elif type(message) is Error:
            self._on_error(message, now)
        else:  # neither is ever answered; the CSMS has no business to send the one, and the other is our own fault
            self.record(ViolationSeen("", "", type(message).__name__, "nobody waits for this"))
        return None

    def _on_garbage(self, error: RemoteProtocolError) -> None:
        """A frame that cannot be used: on record, and refused if this version answers such a frame at all."""
        self.record(ViolationSeen("", "", error.kind, error.description[:100]))
        if error.kind in self.dialect.never_answered:
            return
        message_id = error.message_id if error.message_id is not None else self.dialect.unreadable_id
        if message_id is not None:
            self.refuse(message_id, error.kind, error.description)

    def _on_result(self, message: Result, now: int) -> object:
        outbox = self.outbox
        entry = outbox.take_answer(self, message.message_id, now)
        if entry is None:
            return None
        action = outbox.action
        decoded = self.dialect.codec.decode_response(action, message.payload)
        for violation in decoded.violations:
            self.record(ViolationSeen(action, violation.path, violation.rule, violation.value))
        if decoded.value is None:
            # answered, but with nothing that can be used: as good as a failure to process
            outbox.finished(self, entry, "callerror", now, "unusable")
            if not outbox.failed(self, entry, now, "unusable"):
                self._failure(entry, "unusable")
            return None
        outbox.finished(self, entry, "ok", now)
        outbox.delivered(self, entry)
        reply = self.dialect.replies.get(action)
        return QUIET if reply is None else reply(self, entry.report, decoded.value)

    def _on_error(self, message: Error, now: int) -> None:
        outbox = self.outbox
        entry = outbox.take_answer(self, message.message_id, now)
        if entry is None:
            return
        code = message.code[:MAX_CODE]
        outbox.finished(self, entry, "callerror", now, code)
        if not outbox.failed(self, entry, now, code):
            self._failure(entry, code)

    def call_timed_out(self, now: int) -> None:
        """The call timer fired."""
        entry = self.outbox.timeout(self, now)
        if entry is not None and not self.outbox.failed(self, entry, now, "timeout"):
            self._failure(entry, "timeout")

    def _failure(self, entry: Entry, code: str) -> None:
        failure = self.dialect.failures.get(self.outbox.action)
        if failure is not None:
            failure(self, entry.report, code)

    def _on_call(self, message: Call, now: int) -> None:
        dialect = self.dialect
        action = message.action
        route = dialect.routes.get(action)
        if action in self.model.not_offered:
            route = None
        if route is None:
            if dialect.codec.knows(action):
                self.refuse(message.message_id, "not_supported", action, action)
            else:  # the name is whatever a peer likes; on record it would become a label without bounds
                self.refuse(message.message_id, "not_implemented", action)
            return
        decoded = dialect.codec.decode_request(action, message.payload)
        for violation in decoded.violations:
            self.record(ViolationSeen(action, violation.path, violation.rule, violation.value))
        if decoded.violations and not (self.model.lenient and decoded.value is not None):
            first = decoded.violations[0]
            self.refuse(message.message_id, first.kind, f"{first.path}: {first.rule}", action)
            return
        for quirk in self.model.seams.request:
            verdict = quirk.request(self, action, decoded.value, message.message_id)
            if verdict is not None:  # answered by the quirk, or left unanswered on purpose
                self.record(CsmsCallHandled(action, verdict))
                return
        if self.gate not in route.when:
            self.refuse(message.message_id, dialect.refused_kind, f"not while registration is {self.gate}", action)
            return
        try:
            answer = route.handler(self, decoded.value, dialect.messages)
        except CallRefused as refusal:
            self.refuse(message.message_id, refusal.kind, refusal.description, action)
            return
        if isinstance(answer, Later):
            if len(self.later) >= MAX_LATER:
                self.refuse(message.message_id, "internal", f"{MAX_LATER} answers are owed already", action)
                return
            self.later[answer.token] = (message.message_id, action, answer.deadline_us)
            self.timers.set("later", min(deadline for _, _, deadline in self.later.values()))
            return
        self.reply(message.message_id, action, answer)

    def _job_progress(self, event: i.JobProgress, now: int) -> None:
        self.record(Remark(f"progress of unknown job {event.job} ignored"))

    def _job_done(self, event: i.JobDone, now: int) -> None:
        self.record(Remark(f"end of unknown job {event.job} ignored"))

    def _present(self, event: i.Present, now: int) -> None:
        if not self.running:
            return
        for token in self.board.reader.read(event.id_token, now):
            PRESENTED[0](self, token, event.token_type, event.evse_id, now)

    def _press(self, event: i.Press, now: int) -> None:
        if event.button == "emergency_stop":
            self._inject(i.Inject("panel-emergency", "protection.emergency_stop"), now)
        elif event.button == "emergency_release":
            self._clear(i.Clear("panel-emergency"), now)
        elif self.running:
            PRESSED[0](self, event.button, event.evse_id, now)

    def _inject(self, event: i.Inject, now: int) -> None:
        try:
            self.board.inject(event.fault_id, event.fault, event.evse_id, event.params, now)
        except (AuthorError, UnknownName) as error:
            self.record(Remark(f"fault not injected: {error}"))
            return
        self.record(FaultBegan(event.fault_id, event.fault, event.evse_id, event.params))
        self._follow_supply(now)

    def _clear(self, event: i.Clear, now: int) -> None:
        name = self.board.clear(event.fault_id, now)
        if name is None:
            self.record(Remark(f"no active fault {event.fault_id!r} to clear"))
            return
        self.record(FaultEnded(event.fault_id, name))
        self._follow_supply(now)

    def _follow_supply(self, now: int) -> None:
        """Mains may have gone or come; a hold-up time lets the station say so first."""
        mains = self.board.supply.mains
        if mains and not self.powered and self.switched_on:
            self.power_up(now)
        elif mains:
            self.timers.cancel("holdup")
        elif self.powered:
            holdup_s = self.model.hardware.holdup_s
            if holdup_s > 0:
                self.timers.set("holdup", now + int(holdup_s * 1_000_000))
            else:
                self.power_cut(now)

    def _leave(self, event: i.Leave, now: int) -> None:
        self.leave_by = event.deadline_us
        self.timers.set("leave", event.deadline_us)

    def _perform(self, event: i.Perform, now: int) -> None:
        if event.what == "reboot":
            self.reboot(str(event.args.get("reason", "Watchdog")), str(event.args.get("kind", "hard")), now)
        else:
            self.record(Remark(f"nothing known to perform as {event.what!r}"))

    # -- what blocks and dialects use --------------------------------------------------------------------------------

    def evse(self, evse_id: int) -> Evse | None:
        """The EVSE with this id (counted from 1), or None."""
        return self.evses[evse_id - 1] if 1 <= evse_id <= len(self.evses) else None

    def do(self, effect: Effect) -> None:
        """Ask the driver for something."""
        self._effects.append(effect)  # type: ignore[arg-type]

    def record(self, what: AnyRecord) -> None:
        """Put something on record."""
        self._effects.append(Record(what))

    def send(self, data: bytes, *, is_call: bool = False) -> None:
        """Hand a frame to the link; a dead modem swallows it."""
        if self.link.is_up and self.board.modem.passes(self.now):
            self._effects.append(Send(self.link.number, data, is_call))

    def publish(self, report: Report, *, triggered: bool = False) -> None:
        """State a fact to the CSMS, after the quirks of the ``report`` seam had their say."""
        if isinstance(report, TransactionReport):
            report = NUMBER[0](self, report)
        for quirk in self.model.seams.report:
            changed = quirk.report(self, report)
            if changed is None:
                self.outbox.never_queued(self, report, "quirk")
                return
            if isinstance(changed, tuple):  # hold until
                until_us, report = changed
                if len(self.held) < MAX_HELD:
                    self.held.append((until_us, report))
                    self.timers.set("held", min(at for at, _ in self.held))
                    return
                continue  # enough is held back: this one goes now
            report = changed
        self.outbox.publish(self, report, self.now, triggered=triggered or self.triggering)

    def release_held(self, now: int) -> None:
        """Publish what a quirk held back until now."""
        due = [report for at, report in self.held if at <= now]
        self.held = [row for row in self.held if row[0] > now]
        for report in due:
            self.outbox.publish(self, report, now)
        if self.held:
            self.timers.set("held", min(at for at, _ in self.held))

    def reply(self, message_id: str, action: str, payload: msgspec.Struct) -> None:
        """Answer a CALL of the CSMS, after the quirks of the ``answer`` seam had their say."""
        for quirk in self.model.seams.answer:
            changed = quirk.answer(self, action, payload, message_id)
            if changed is None:
                self.record(CsmsCallHandled(action, "silent"))
                return
            payload = changed
        self.send(encode_result(message_id, payload))
        self.record(CsmsCallHandled(action, "ok"))

    def answer_later(self, token: str, payload: msgspec.Struct) -> None:
        """Give the answer a handler promised with ``Later``; nothing happens if it was dropped meanwhile."""
        waiting = self.later.pop(token, None)
        if waiting is not None:
            self.reply(waiting[0], waiting[1], payload)

    def drop_later(self, now: int) -> None:
        """Promised answers whose time is over are dropped, on record."""
        for token, (_, action, deadline_us) in list(self.later.items()):
            if deadline_us <= now:
                del self.later[token]
                self.record(CsmsCallHandled(action, "silent"))
        if self.later:
            self.timers.set("later", min(deadline for _, _, deadline in self.later.values()))

    def refuse(self, message_id: str, kind: str, description: str, action: str = "") -> None:
        """Answer with the version's CALLERROR for a neutral error kind."""
        code = self.dialect.error_codes[kind]
        self.send(encode_error(message_id, code, description))
        self.record(CsmsCallHandled(action, "callerror", code))

    def new_message_id(self, number: int) -> str:
        """The id of the next CALL: a random prefix per boot and a counter, unless a quirk shapes it."""
        for quirk in self.model.seams.link:
            shaped = quirk.message_id(self, number)
            if shaped is not None:
                return str(shaped)
        return f"{self.id_prefix}-{number}"

    def seam_send(self, action: str, payload: Any) -> Any:
        """The rendered message after the quirks of the ``send`` seam; None drops it."""
        for quirk in self.model.seams.send:
            payload = quirk.send(self, action, payload)
            if payload is None:
                return None
        return payload

    def stamp(self) -> Stamp:
        """This moment, as the station's clock sees it."""
        rtc = self.board.rtc
        return Stamp(self.now, rtc.wall(self.now), rtc.synced, self.boot_no)

    def wall_of(self, stamp: Stamp) -> int:
        """When a stamped moment was, for rendering (microseconds since 1970).

        A stamp from before the first synchronisation of this boot is repaired by the clock as it is now; one of an
        earlier boot cannot be.
        """
        wall_us = stamp.wall_us
        if not stamp.synced and stamp.boot == self.boot_no and self.board.rtc.synced:
            wall_us = self.board.rtc.wall(self.now) - (self.now - stamp.mono_us)
        for quirk in self.model.seams.clock:
            wall_us = quirk.clock(self, wall_us, stamp)
        return wall_us

    def set_clock(self, wall_us: int) -> None:
        """The CSMS told the time."""
        if self.board.rtc.set(wall_us, self.now):
            for function in MOMENTS["clock"]:
                function(self, self.now)

    def write_setting(self, setting: Setting, value: Any) -> bool:
        """Store a validated value on flash. False when flash refused it."""
        if not self.board.flash.write(SETTINGS_AREA, setting.key, value, 24 + len(setting.key)):
            return False
        self.settings.overlay[setting.key] = value
        self.changed_settings.add(setting.key)
        for function in MOMENTS["settings"]:
            function(self, self.now)
        self.changed_settings.clear()
        return True

    def blocked(self, evse: Evse) -> bool:
        """Does a hardware problem forbid using this EVSE?"""
        problems = self.board.problems(evse.evse_id)
        return bool(problems) and any(p.blocks for p in problems)

    def meter_dead(self, evse: Evse) -> bool:
        """Does the meter of this EVSE give no readings?"""
        problems = self.board.problems(evse.evse_id)
        return bool(problems) and any(p.code == "meter_failure" for p in problems)

    # -- phase -------------------------------------------------------------------------------------------------------

    def phase(self, phase: str) -> None:
        """The station's phase for the gauge; on record when it changes."""
        if phase != self._phase:
            self._phase = phase
            self.record(PhaseChanged(phase))

    def _show_phase(self) -> None:
        link = self.link
        if not link.is_up:
            return
        if self.gate != "accepted":
            self.phase("pending")
            return
        phase = "available"
        for evse in self.evses:
            if evse.status == "Faulted":
                phase = "faulted"
            elif evse.tx is not None and phase != "faulted":
                phase = "charging"
        self.phase(phase)


def state_setting(name: str) -> Setting:
    """A setting by its name; for code that must not import the block that declares it."""
    return SETTINGS.get(name)


#: set by the transactions block: gives a transaction report its sequence number
NUMBER: list[Callable[[Station, TransactionReport], TransactionReport]] = []
#: set by the authorization block: who takes a presented token
PRESENTED: list[Callable[[Station, str, str, int, int], None]] = []
#: set by the transactions block: who takes a pressed button
PRESSED: list[Callable[[Station, str, int, int], None]] = []

APPLY: dict[type, Callable[[Station, Any, int], object]] = {
    i.Tick: Station._tick,
    i.PowerOn: Station._power_on,
    i.PowerOff: Station._power_off,
    i.LinkUp: Station._link_up,
    i.LinkDown: Station._link_down,
    i.Frame: Station._frame,
    i.Pong: Station._pong,
    i.JobProgress: Station._job_progress,
    i.JobDone: Station._job_done,
    i.Plug: world.plug,
    i.Unplug: world.unplug,
    i.Park: world.park,
    i.EvReady: world.ev_ready,
    i.EvseReady: world.evse_ready,
    i.Present: Station._present,
    i.Press: Station._press,
    i.Inject: Station._inject,
    i.Clear: Station._clear,
    i.Leave: Station._leave,
    i.Perform: Station._perform,
}
