"""What blocks, dialects and quirks use of a station: ask, say, answer, stamp, store.

``Desk`` is the lower half of :class:`simulator.core.station.Station`, which adds the door. It holds all of the state,
and only how to use it stands here; when anything happens is the station's business. (Every Desk is a Station, which the
type checker cannot know: hence the few ignored arguments.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from simulator.core import history, sending
from simulator.core.effects import AnyEffect, Effect, Record, Send
from simulator.core.records import AnyRecord, CsmsCallHandled, PhaseChanged
from simulator.core.reports import Report, Stamp, TransactionReport
from simulator.core.wiring import MOMENTS, NUMBER
from simulator.wire.rpc import encode_error, encode_result, encode_result_error

if TYPE_CHECKING:
    from simulator.core.connector import Evse
    from simulator.core.dialect import Dialect
    from simulator.core.link_policy import LinkPolicy
    from simulator.core.model import Model
    from simulator.core.outbox import Outbox
    from simulator.core.rng import Rng
    from simulator.core.settings import Setting, SettingsView
    from simulator.core.timers import Timers
    from simulator.hardware.board import Board

MAX_HELD = 64
SETTINGS_AREA = "settings"
#: area for small facts that must survive: boot reason, operative states, counters
FACTS_AREA = "facts"
#: the streams that ids of CALLs come from, here and in quirks. One run of a seed is told from the next only by the
#: place at which these begin, and no id may be used again (OCPP-J part 4, 4.1.4): who runs against a CSMS that
#: remembers begins them anew
ID_STREAMS = ("message_id", "quirk.message_id")


class Desk:
    """The state of a station and how to use it."""

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
        "job_no",
        "jobs",
        "later",
        "leave_by",
        "link",
        "lost",
        "lost_sent",
        "model",
        "now",
        "number",
        "outbox",
        "powered",
        "rng",
        "running",
        "serial",
        "settings",
        "speed",
        "started_us",
        "switched_on",
        "timers",
        "waits_for_outbox",
    )

    board: Board
    boot_no: int
    changed_settings: set[str]
    data: dict[Any, Any]
    dialect: Dialect
    evses: tuple[Evse, ...]
    gate: str
    held: list[tuple[int, Report]]
    id_prefix: str
    job_no: int
    jobs: dict[int, str]
    later: dict[str, tuple[str, str, int]]
    link: LinkPolicy
    model: Model
    now: int
    outbox: Outbox
    rng: Rng
    settings: SettingsView
    speed: int
    timers: Timers
    waits_for_outbox: bool
    _effects: list[AnyEffect]
    _phase: str

    def evse(self, evse_id: int) -> Evse | None:
        """The EVSE with this id (counted from 1), or None."""
        return self.evses[evse_id - 1] if 1 <= evse_id <= len(self.evses) else None

    def do(self, effect: Effect) -> None:
        """Ask the driver for something."""
        self._effects.append(effect)  # type: ignore[arg-type]

    def record(self, what: AnyRecord) -> None:
        """Put something on record."""
        self._effects.append(Record(what))
        if type(what) in history.LOGGED:
            history.watch(self, what)  # type: ignore[arg-type]

    def send(self, data: bytes, *, action: str = "", is_call: bool = False) -> None:
        """Hand a frame to the link; a dead modem swallows it, and hardware on its way may spoil it."""
        board = self.board
        if self.link.is_up and board.modem.passes(self.now):
            if board.network.faults:
                board.network.traffic(self.now)
            if board.frame.faults or board.controller.faults:
                sending.disturbed(self, data, action, is_call)
            else:
                self._effects.append(Send(self.link.number, data, is_call))

    def publish(self, report: Report, *, triggered: bool = False) -> None:
        """State a fact to the CSMS, after the quirks of the ``report`` seam had their say."""
        if type(report) in history.LOGGED and not triggered:
            history.watch(self, report)  # type: ignore[arg-type]
        if isinstance(report, TransactionReport):
            report = NUMBER[0](self, report)  # type: ignore[arg-type]
        for quirk in self.model.seams.report:
            changed = quirk.report(self, report)
            if changed is None:
                self.outbox.never_queued(self, report, "quirk")  # type: ignore[arg-type]
                return
            if isinstance(changed, tuple):  # hold until
                until_us, report = changed
                if len(self.held) < MAX_HELD:
                    self.held.append((until_us, report))
                    self.timers.set("held", min(at for at, _ in self.held))
                    return
                continue  # enough is held back: this one goes now
            report = changed
        self.outbox.publish(self, report, self.now, triggered=triggered)  # type: ignore[arg-type]

    def release_held(self, now: int) -> None:
        """Publish what a quirk held back until now."""
        due = [report for at, report in self.held if at <= now]
        self.held = [row for row in self.held if row[0] > now]
        for report in due:
            self.outbox.publish(self, report, now)  # type: ignore[arg-type]
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
        self.send(encode_result(message_id, payload), action=action)
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
        parts = (code, description, None)
        for quirk in self.model.seams.answer:
            parts = quirk.error(self, action, parts)
        self.send(encode_error(message_id, *parts), action=action)
        self.record(CsmsCallHandled(action, "callerror", code))

    def refuse_answer(self, message_id: str, kind: str, description: str, action: str) -> None:
        """Tell the CSMS by a CALLRESULTERROR that its answer breaks the schema; only where the version has that."""
        self.send(encode_result_error(message_id, self.dialect.error_codes[kind], description), action=action)

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
        """The CSMS told the time. During the moment "clock" ``data["clock_step_us"]`` is how far it was moved.

        The CSMS lives in real time. To a station that lives faster its clock would be a slow one, and each heartbeat
        would throw the station back: what is taken over is how far the CSMS's clock is off the real time.
        """
        wall_us += self.now - self.now // self.speed
        rtc = self.board.rtc
        before_us = rtc.wall(self.now)
        if rtc.set(wall_us, self.now):
            self.data["clock_step_us"] = rtc.wall(self.now) - before_us
            for function in MOMENTS["clock"]:
                function(self, self.now)  # type: ignore[arg-type]

    def write_setting(self, setting: Setting, value: Any) -> bool:
        """Store a validated value on flash. False when flash refused it."""
        if not self.board.flash.write(SETTINGS_AREA, setting.key, value, 24 + len(setting.key)):
            return False
        self.settings.overlay[setting.key] = value
        self.changed_settings.add(setting.key)
        for function in MOMENTS["settings"]:
            function(self, self.now)  # type: ignore[arg-type]
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

    def show_phase(self) -> None:
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
