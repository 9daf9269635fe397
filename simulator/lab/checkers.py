"""Independent invariants of a station: what must hold whatever happens to it.

A :class:`Checkers` is an observer of the virtual driver: it sees every feed (input, effects, frames both ways) and
holds it against rules that know nothing of how the station works. Safety is checked feed by feed;
:meth:`Checkers.finish` asks for liveness once faults are cleared and the network is mended: queues empty, every
transaction ended or still there, the CSMS told the truth.

Rules have names (:data:`RULES`). What a quirk of the profile declares to break is waived for its stations, and so is
what a fault excuses: a meter that lies, a clock that jumps, a memory that lost something *and said so*. Nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from simulator.core import effects as e
from simulator.core import inputs as i
from simulator.core import records as r
from simulator.core.connector import LEGAL_MOVES
from simulator.core.outbox import MESSAGE_TIMEOUT
from simulator.core.station import Station
from simulator.errors import UnknownName
from simulator.lab.wire import Conversation
from simulator.registry import nearest

#: rule -> what it demands
RULES: dict[str, str] = {
    "frames": "every message of the station is JSON",
    "one_call_in_flight": "a CALL is sent only when the one before was answered, given up, or lost with its link",
    "message_ids": "no CALL bears the message id of an earlier one",
    "status_before_boot": "nothing but BootNotification, and what the CSMS triggered, is sent before it was accepted",
    "one_start": "a transaction starts once, with an id that was never used, and says so first and once",
    "one_end": "a transaction that has started ends once, and says so last and once",
    "samples_in_session": "values that name a transaction are told before its end",
    "sequence": "seqNo counts from 0 without gaps but those of messages dropped on record",
    "own_transaction_id": "messages name the transaction id the CSMS gave, or -1 when it never did",
    "time_in_order": "the time stamps of a transaction do not fall",
    "register_never_falls": "the energy register of an EVSE never falls",
    "energy_true": "the energy reported for a transaction is the energy taken, within the meter's resolution",
    "every_fate": "every durable message ends with exactly one fate on record, or still waits",
    "legal_status": "a status changes only as the table of 1.6 4.9 allows",
    "status_true": "in the end the CSMS knows the status of every connector",
    "converged": "without faults and with a network everything is delivered, and what is open is really there",
}

#: what the words in which quirks and profiles confess mean for these rules
ALSO: dict[str, tuple[str, ...]] = {
    "true_time": ("time_in_order",),
    "register_never_falls": ("register_never_falls", "energy_true"),
    "measurand_unit": ("register_never_falls", "energy_true"),
    "own_transaction_id": ("own_transaction_id",),
    # what comes again under its id is as old as it was
    "message_ids": ("message_ids", "time_in_order"),
    "sessions_told": ("one_start", "one_end"),
    # the reading of an end that is told later is as old as the end
    "samples_in_session": ("samples_in_session", "time_in_order"),
    # who is not connected tells nothing
    "gets_in": ("converged", "status_true"),
}

#: what nobody can hold a station to once its memory has lost something, and that is on record
EXCUSED_BY_LOSS = frozenset(
    {
        "one_start",
        "one_end",
        "sequence",
        "samples_in_session",
        "own_transaction_id",
        "time_in_order",
        "energy_true",
        "every_fate",
    }
)

MAX_PROBLEMS = 100


class Problem(msgspec.Struct, frozen=True):
    """A broken rule: when (microseconds), which station, which rule, and what was seen."""

    now: int
    station: str
    rule: str
    text: str

    def __str__(self) -> str:
        return f"{self.now / 1e6:.3f} s {self.station}: {self.rule}: {self.text}"


class Deal(msgspec.Struct):
    """What is known of one transaction of a station."""

    evse_id: int
    closed: bool = False
    fates: dict[str, str] = msgspec.field(default_factory=dict)
    meter_fault: bool = False
    dropped: int = 0


class Watch:
    """Everything remembered of one station."""

    __slots__ = (
        "accepted",
        "boot_no",
        "clock",
        "clock_back_us",
        "damaged",
        "deals",
        "flash_trouble",
        "muted",
        "muted_us",
        "register_wh",
        "shaken",
        "status",
        "talk",
        "waived",
    )

    def __init__(self, station: Station, waived: frozenset[str]) -> None:
        self.waived = waived
        self.accepted = False
        self.boot_no = station.boot_no
        self.status = [evse.status for evse in station.evses]
        self.deals: dict[str, Deal] = {}
        #: flash lost or refused something, on record
        self.flash_trouble = False
        #: ... and a restart made that matter
        self.damaged = False
        #: the modem swallows what the station believes to send
        self.muted = False
        #: when it last did
        self.muted_us = -1
        self.register_wh = [0.0 for _ in station.evses]
        self.shaken = [False for _ in station.evses]
        self.clock: int | None = None
        self.clock_back_us = 0
        self.talk = Conversation(station.dialect.name)


class Checkers:
    """The rules, over any number of stations. ``waived`` names rules nobody is held to.

    Raises UnknownName for a waiver that is no rule.
    """

    def __init__(self, waived: Iterable[str] = ()) -> None:
        for name in waived:
            if name not in RULES:
                raise UnknownName("rule", name, nearest(name, list(RULES)))
        self.waived = frozenset(waived)
        self.problems: list[Problem] = []
        self._watches: dict[str, Watch] = {}

    def observe(self, station: Station, event: i.Input, effects: list[e.AnyEffect], now: int) -> None:
        """One feed of a station; has the shape of the virtual driver's observer."""
        watch = self._watch(station)
        if isinstance(event, i.Frame) and event.link == station.link.number:
            watch.talk.heard(event.data)
        self._before(station, watch)
        for effect in effects:
            if isinstance(effect, e.Send):
                self._sent(station, watch, effect.data, now)
            elif isinstance(effect, e.RawSend) and effect.meant:  # a station is judged by what it wanted to say
                self._sent(station, watch, effect.meant, now)
            elif isinstance(effect, e.Record):
                self._recorded(station, watch, effect.what, now)
        if not station.link.is_up:
            watch.talk.lost()
        self._status(station, watch, now)

    def finish(self, stations: Iterable[Station], now: int) -> list[Problem]:
        """The end of a run that was given time to come to rest: liveness. Returns all problems."""
        for station in stations:
            self._converged(station, self._watch(station), now)
        return self.problems

    # -- machinery

    def _watch(self, station: Station) -> Watch:
        found = self._watches.get(station.id)
        if found is None:
            confessed = {word for quirk in station.model.quirks for word in quirk.breaks}
            waived = set(self.waived) | {rule for word in confessed for rule in ALSO.get(word, (word,))}
            found = self._watches[station.id] = Watch(station, frozenset(waived))
        return found

    def _problem(self, watch: Watch, station: Station, rule: str, text: str, now: int) -> None:
        assert rule in RULES
        if watch.damaged and rule in EXCUSED_BY_LOSS:
            return
        if rule not in watch.waived and len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(now, station.id, rule, text))

    # -- feed by feed

    def _before(self, station: Station, watch: Watch) -> None:
        """Facts the effects are judged by: meters that may lie, a clock that was set back."""
        watch.muted = not station.board.modem.passes(station.now)
        if watch.muted:
            watch.muted_us = station.now
        active = station.board.active.values()
        for index, evse in enumerate(station.evses):
            lying = [f for a in active for at, f, _ in a.instances if f.part == "meter" and at in (0, evse.evse_id)]
            if lying:
                watch.shaken[index] = True
                for deal in watch.deals.values():
                    if deal.evse_id == evse.evse_id and not deal.closed:
                        deal.meter_fault = True
        offset = station.board.rtc.wall(station.now) - station.now
        if watch.clock is not None and offset < watch.clock:
            watch.clock_back_us += watch.clock - offset
        watch.clock = offset

    def _sent(self, station: Station, watch: Watch, data: bytes, now: int) -> None:
        call = watch.talk.said(data)
        for rule, text in watch.talk.complaints:
            self._problem(watch, station, rule, text, now)
        watch.talk.complaints.clear()
        if call is None:
            return
        action, payload = call
        if not watch.accepted and action != "BootNotification" and not watch.talk.triggered(action):
            self._problem(watch, station, "status_before_boot", f"{action} while {station.gate}", now)
        late_us = watch.talk.time_fell(payload)
        if late_us > watch.clock_back_us + 1_000:  # stamps are cut to the millisecond
            self._problem(watch, station, "time_in_order", f"{action} is {late_us} us older than the one before", now)

    def _recorded(self, station: Station, watch: Watch, what: Any, now: int) -> None:
        if isinstance(what, r.CallFinished):
            if what.outcome in ("timeout", "lost"):
                watch.talk.given_up()
            if what.outcome != "ok" and what.action == "StatusNotification":
                watch.talk.statuses.clear()  # nobody knows what arrived, and nothing has to be told again
        elif isinstance(what, r.Booted):
            watch.accepted = True
        elif isinstance(what, r.PhaseChanged):
            if what.phase == "off":
                watch.accepted = False
                watch.talk.restarted()
                watch.damaged = watch.damaged or watch.flash_trouble
        elif isinstance(what, r.FlashTrouble):
            watch.flash_trouble = True
            watch.damaged = watch.damaged or what.why == "torn"
        elif isinstance(what, r.TransactionOpened):
            self._opened(station, watch, what, now)
        elif isinstance(what, r.TransactionClosed):
            self._closed(station, watch, what, now)
        elif isinstance(what, r.TransactionNamed):
            watch.talk.named(what.key, what.csms_id)
        elif isinstance(what, r.TransactionTold):
            if watch.muted:
                watch.talk.swallowed(what.key)
            else:
                for rule, text in watch.talk.told(what.key, what.moment):
                    self._problem(watch, station, rule, text, now)
        elif isinstance(what, r.MessageFate):
            self._fate(station, watch, what, now)

    def _opened(self, station: Station, watch: Watch, what: r.TransactionOpened, now: int) -> None:
        if what.key in watch.deals:
            self._problem(watch, station, "one_start", f"transaction {what.key} was there before", now)
        for key, deal in watch.deals.items():
            if deal.evse_id == what.evse_id and not deal.closed:
                self._problem(watch, station, "one_end", f"{key} never ended, yet {what.key} begins", now)
        lying = any(a.fault.part == "meter" for a in station.board.active.values())
        watch.deals[what.key] = Deal(what.evse_id, meter_fault=lying)
        self._register(station, watch, what.evse_id, what.register_wh, now)

    def _closed(self, station: Station, watch: Watch, what: r.TransactionClosed, now: int) -> None:
        deal = watch.deals.get(what.key)
        if deal is None:
            self._problem(watch, station, "one_start", f"{what.key} ends and never began", now)
            return
        if deal.closed:
            self._problem(watch, station, "one_end", f"{what.key} ends again", now)
        deal.closed = True
        self._register(station, watch, what.evse_id, what.register_wh, now)
        if deal.meter_fault:
            return
        spec = station.model.hardware.meter
        allowed = spec.resolution_wh + what.physical_energy_wh * spec.accuracy_permille / 1000.0 + 1e-3
        error = what.reported_energy_wh - what.physical_energy_wh
        if abs(error) > allowed:
            self._problem(watch, station, "energy_true", f"{what.key} reports {error:+.3f} Wh", now)

    def _register(self, station: Station, watch: Watch, evse_id: int, register_wh: float, now: int) -> None:
        index = evse_id - 1
        if register_wh < watch.register_wh[index] and not watch.shaken[index]:
            fell = watch.register_wh[index] - register_wh
            self._problem(watch, station, "register_never_falls", f"EVSE {evse_id} fell by {fell:.3f} Wh", now)
        watch.register_wh[index] = register_wh
        # a fault of the meter may have moved the register for good: this reading is the new beginning
        watch.shaken[index] = any(a.fault.part == "meter" for a in station.board.active.values())

    def _fate(self, station: Station, watch: Watch, what: r.MessageFate, now: int) -> None:
        deal = watch.deals.get(what.key)
        if deal is None:
            return
        # the modem may have recovered while the station waited for an answer to what was swallowed
        since_us = now - station.settings[MESSAGE_TIMEOUT] * 1_000_000 * station.speed
        swallowed = what.fate == "sent_unanswered" and 0 <= watch.muted_us >= since_us
        if what.fate == "dropped_by_station" or swallowed:
            watch.talk.dropped(what.key)
        if what.action not in ("TransactionStarted", "TransactionEnded"):
            return
        before = deal.fates.get(what.action)
        if before is not None:
            self._problem(watch, station, "every_fate", f"{what.action} of {what.key}: {before}, then {what.fate}", now)
        deal.fates[what.action] = what.fate

    def _status(self, station: Station, watch: Watch, now: int) -> None:
        if not station.running or station.boot_no != watch.boot_no:
            watch.boot_no = station.boot_no
            watch.status = [evse.status for evse in station.evses]
            return
        for index, evse in enumerate(station.evses):
            before = watch.status[index]
            if evse.status != before:
                watch.status[index] = evse.status
                if evse.status not in LEGAL_MOVES[before]:
                    text = f"EVSE {evse.evse_id} went from {before} to {evse.status}"
                    self._problem(watch, station, "legal_status", text, now)

    # -- at the end

    def _converged(self, station: Station, watch: Watch, now: int) -> None:
        def problem(rule: str, text: str) -> None:
            self._problem(watch, station, rule, text, now)

        if not station.running or not station.link.is_up or station.gate != "accepted":
            problem("converged", f"running {station.running}, link {station.link.state}, registration {station.gate}")
            return
        if station.outbox.waiting():
            problem("converged", f"{station.outbox.waiting()} messages still wait")
        alive = {evse.tx.key: evse for evse in station.evses if evse.tx is not None}
        for key, evse in alive.items():
            if not (evse.plugged or evse.ev_gone or evse.grant is not None or evse.bay):
                problem("converged", f"{key} is open at EVSE {evse.evse_id} with nobody there")
        for key, deal in watch.deals.items():
            if not deal.closed and key not in alive:
                problem("one_end", f"{key} never ended")
            for action, due in (("TransactionStarted", True), ("TransactionEnded", deal.closed)):
                if due and action not in deal.fates:
                    problem("every_fate", f"{action} of {key} has none")
        for rule, text in watch.talk.at_the_end(set(watch.deals) - set(alive), set(alive)):
            problem(rule, text)
        for evse in station.evses:
            told = watch.talk.statuses.get(evse.evse_id)
            if told is not None and told not in watch.talk.words_for(evse.status, evse.plugged or evse.ev_gone):
                problem("status_true", f"EVSE {evse.evse_id} is {evse.status}, the CSMS was told {told}")
