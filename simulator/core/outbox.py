"""What waits to be told, and the one CALL that is in flight.

Reports wait here, not JSON: a report is rendered when the slot frees, because only then is the transaction id of the
CSMS known and the clock set. Lanes, in the order in which they are served:

1. urgent (boot, authorisation): somebody waits for the answer;
2. normal before durable *while the durable head is history* from an offline time (1.6 3.7 allows the overtaking),
   otherwise normal and durable in the order in which they were published;
3. durable: on flash, in order, retried as the version's settings say (1.6 3.7.1, E13.FR.01-04).

One CALL is in flight at a time (OCPP-J). A durable report leaves flash only when it was answered or given up, and every
end has a fate on record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from simulator.core.dialect import HOLD
from simulator.core.records import (
    STATION_STOPPED,
    CallFinished,
    FlashTrouble,
    MessageFate,
    StrayAnswer,
    TransactionTold,
)
from simulator.core.reports import (
    BootAsked,
    ClockSampled,
    Report,
    TransactionEnded,
    TransactionReport,
    TransactionStarted,
    reading_bytes,
)
from simulator.core.settings import READ_ONLY, setting
from simulator.wire.rpc import encode_call

if TYPE_CHECKING:
    from simulator.core.station import Station

MESSAGE_TIMEOUT = setting(
    "OCPPCommCtrlr.MessageTimeout[Default]",
    "int",
    30,
    key16="MessageTimeout",
    mutability=READ_ONLY,
    mutability16="ReadWrite",
    minimum=1,
    maximum=3600,
    unit="s",
    required=True,
    description="seconds after which an unanswered CALL counts as timed out",
)
MESSAGE_ATTEMPTS = setting(
    "OCPPCommCtrlr.MessageAttempts[TransactionEvent]",
    "int",
    3,
    key16="TransactionMessageAttempts",
    minimum=0,
    maximum=1000,
    required=True,
    required16=True,
    description="how often a transaction message is offered when the CSMS fails to process it",
)
MESSAGE_INTERVAL = setting(
    "OCPPCommCtrlr.MessageAttemptInterval[TransactionEvent]",
    "int",
    60,
    key16="TransactionMessageRetryInterval",
    minimum=0,
    maximum=86_400,
    unit="s",
    required=True,
    required16=True,
    description="seconds before the second attempt; grows with every further one",
)

#: no station queues more than this, whatever its flash says
MAX_WAITING = 5_000
#: ids of past CALLs that are remembered to tell a late or second answer from an unknown one
MAX_PAST = 8
#: messages that timed out in a row and are remembered, in case the link was dead already
MAX_UNANSWERED = 16
#: error codes by which a CSMS says that it has no use for a message at all; both versions spell them so
NEVER_KNOWN = frozenset({"NotImplemented", "NotSupported"})
#: the flash area of the durable lane
QUEUE_AREA = "queue"


class Entry:
    """A report that waits. ``order`` is its place among all reports of this station, kept on flash."""

    __slots__ = ("attempts", "due_us", "offline", "order", "report", "triggered", "unsafe")

    def __init__(self, report: Report, order: int, due_us: int) -> None:
        self.report = report
        self.order = order
        self.due_us = due_us
        self.attempts = 0
        #: it has waited through a time without a connection
        self.offline = False
        #: asked for by the CSMS: may pass the gate of a station that is not registered yet
        self.triggered = False
        #: flash could not take it; a power cut loses it
        self.unsafe = False


def estimate_bytes(report: Report) -> int:
    """What a report takes on flash: a small binary record, not JSON."""
    size = 96
    if isinstance(report, TransactionReport):
        for reading in report.readings:
            size += reading_bytes(reading)
    elif isinstance(report, ClockSampled):
        size += reading_bytes(report.reading)
    return size


class Outbox:
    """The queues and the slot of one station. RAM, except what lies in flash area ``queue``."""

    __slots__ = (
        "action",
        "answered_ids",
        "durable",
        "in_flight",
        "link_open_us",
        "message_id",
        "message_no",
        "next_order",
        "normal",
        "retry_us",
        "sent_us",
        "timed_out_ids",
        "unanswered",
        "urgent",
    )

    def __init__(self) -> None:
        self.urgent: list[Entry] = []
        self.normal: list[Entry] = []
        self.durable: list[Entry] = []
        self.in_flight: Entry | None = None
        self.message_id = ""
        self.action = ""
        self.sent_us = 0
        self.link_open_us = 0
        #: when the head of the durable lane may be offered again
        self.retry_us: int | None = None
        #: what timed out since something was answered last; the durable ones among it are still on flash
        self.unanswered: tuple[Entry, ...] = ()
        self.next_order = 1
        self.message_no = 0
        self.timed_out_ids: tuple[str, ...] = ()
        self.answered_ids: tuple[str, ...] = ()

    # -- state that others read

    def waiting(self) -> int:
        """How many reports wait, the one in flight included."""
        return len(self.urgent) + len(self.normal) + len(self.durable) + (self.in_flight is not None)

    def transaction_waits(self, key: str) -> bool:
        """Are there undelivered messages about this transaction (E14.FR.04)?"""
        return any(_key_of(entry.report) == key for entry in self._all())

    def start_waits(self, key: str) -> bool:
        """Is it still to be told that this transaction has begun?"""
        return any(isinstance(e.report, TransactionStarted) and e.report.key == key for e in self._all())

    def durable_waits(self) -> bool:
        """Is anything undelivered that must not be lost?"""
        return bool(self.durable) or (self.in_flight is not None and self.in_flight.report.durable)

    def undelivered(self) -> list[tuple[str, str]]:
        """(kind of report, transaction key) of every durable report not yet answered, oldest first."""
        entries = [e for e in self._all() if e.report.durable]
        return [(type(e.report).__name__, _key_of(e.report)) for e in sorted(entries, key=lambda e: e.order)]

    def _all(self) -> list[Entry]:
        head = [self.in_flight] if self.in_flight is not None else []
        return [*head, *self.urgent, *self.normal, *self.durable]

    # -- taking reports

    def publish(self, st: Station, report: Report, now: int, *, triggered: bool = False) -> None:
        """Queue a report. Volatile ones are dropped at once while there is no connection."""
        if type(report) not in st.dialect.renderers:
            return  # this version has no message for it
        entry = Entry(report, self.next_order, now)
        entry.triggered = triggered
        self.next_order += 1
        if report.durable:
            entry.offline = not st.link.is_up
            self._keep(st, entry, now)
            return
        if not st.link.is_up and not isinstance(report, BootAsked):
            return
        lane = self.urgent if report.urgent or triggered else self.normal
        if len(lane) >= MAX_WAITING:
            st.record(MessageFate(type(report).__name__, "dropped_by_station", why="queue bound"))
            return
        lane.append(entry)

    def _keep(self, st: Station, entry: Entry, now: int) -> None:
        flash = st.board.flash
        report = entry.report
        size = estimate_bytes(report)
        while not flash.write(QUEUE_AREA, entry.order, report, size):
            if flash.why == "full" and self._thin(st):
                continue
            entry.unsafe = True
            st.record(FlashTrouble(QUEUE_AREA, flash.why, type(report).__name__))
            break
        if len(self.durable) >= MAX_WAITING and not self._thin(st):
            flash.delete(QUEUE_AREA, entry.order)
            self._fate(st, entry, "dropped_by_station", "queue bound")
            return
        self.durable.append(entry)

    def _thin(self, st: Station) -> bool:
        """Flash is full: drop every second meter update, first of the highest rank (1.6 4.7, E04.FR.08, J02.FR.20)."""
        for rank in (2, 1):
            droppable = [e for e in self.durable if e.report.drop_rank >= rank]
            victims = {e.order for e in droppable[::2]}
            if victims:
                kept: list[Entry] = []
                for entry in self.durable:
                    if entry.order in victims:
                        st.board.flash.delete(QUEUE_AREA, entry.order)
                        self._fate(st, entry, "dropped_by_station", "flash full")
                    else:
                        kept.append(entry)
                self.durable = kept
                return True
        return False

    def restore(self, st: Station, now: int) -> None:
        """After a boot: what flash kept is queued again, in order."""
        stored = sorted(st.board.flash.items(QUEUE_AREA))
        for order, report in stored:
            entry = Entry(report, order, now)
            entry.offline = True
            self.durable.append(entry)
        if stored:
            self.next_order = stored[-1][0] + 1

    # -- the slot

    def pump(self, st: Station, now: int) -> None:
        """Send the next report if the slot is free and something may go."""
        while self.in_flight is None and st.link.is_up:
            entry = self._pick(st, now)
            if entry is None:
                return
            if not self._send(st, entry, now):
                return

    def _pick(self, st: Station, now: int) -> Entry | None:
        gate = st.gate
        if gate != "accepted":
            # B01.FR.08, B02.FR.02: only BootNotification and what the CSMS asked for
            for lane in (self.urgent, self.normal):
                for entry in lane:
                    if isinstance(entry.report, BootAsked) or (gate == "pending" and entry.triggered):
                        lane.remove(entry)
                        return entry
            return None
        if self.urgent:
            return self.urgent.pop(0)
        durable = self.durable[0] if self.durable else None
        if durable is not None and self.retry_us is not None:
            if now < self.retry_us:
                durable = None
            else:  # nothing in this lane was due before
                self.link_open_us = max(self.link_open_us, self.retry_us)
                self.retry_us = None
        if self.normal and (durable is None or durable.offline or self.normal[0].order < durable.order):
            return self.normal.pop(0)
        if durable is not None:
            self.durable.pop(0)
        return durable

    def _send(self, st: Station, entry: Entry, now: int) -> bool:
        report = entry.report
        if entry.offline and isinstance(report, TransactionReport) and not report.offline:
            report = structs.replace(report, offline=True)  # E04.FR.03, E11.FR.07
        rendered = st.dialect.renderers[type(report)](st, report, st.dialect.messages)
        if rendered is HOLD:
            assert entry.report.durable
            self.durable.insert(0, entry)
            return False
        if rendered is None:
            self._forget(st, entry)
            return True
        action, payload = rendered
        if st.model.seams.send:
            payload = st.seam_send(action, payload)
            if payload is None:
                self._fate(st, entry, "dropped_by_station", "quirk")
                self._forget(st, entry)
                return True
        self.message_no += 1
        message_id = st.new_message_id(self.message_no)
        self.in_flight, self.message_id, self.action, self.sent_us = entry, message_id, action, now
        st.send(encode_call(message_id, action, payload), action=action, is_call=True)
        timeout_s = st.settings[MESSAGE_TIMEOUT]
        st.timers.set("call", now + timeout_s * 1_000_000 * st.speed)
        if isinstance(report, (TransactionStarted, TransactionEnded)) and entry.attempts == 0:
            moment = "begin" if isinstance(report, TransactionStarted) else "end"
            st.record(TransactionTold(report.key, moment, report.register_wh, report.at.wall_us))
        return True

    # -- the end of a CALL

    def take_answer(self, st: Station, message_id: str, now: int) -> Entry | None:
        """The entry an answer belongs to, slot freed; None (and on record) when it matches no CALL in flight."""
        entry = self.in_flight
        if entry is None or message_id != self.message_id:
            if message_id in self.timed_out_ids:
                kind = "late"
            elif message_id in self.answered_ids:
                kind = "twice"
            else:
                kind = "unknown_id"
            st.record(StrayAnswer(kind, message_id))
            return None
        self.in_flight = None
        if self.unanswered:
            self._give_up(st, len(self.unanswered))  # the link is alive
        st.timers.cancel("call")
        self.answered_ids = (*self.answered_ids[-(MAX_PAST - 1) :], message_id)
        return entry

    def finished(self, st: Station, entry: Entry, outcome: str, now: int, code: str = "") -> None:
        """Put the end of the CALL that was in flight on record."""
        due_us, sent_us = entry.due_us, self.sent_us
        if due_us < self.link_open_us:
            due_us = self.link_open_us
        late_us = sent_us - due_us if sent_us > due_us else 0
        st.record(CallFinished(self.action, outcome, now - sent_us, late_us, code))

    def delivered(self, st: Station, entry: Entry) -> None:
        """Answered by a CALLRESULT: the report may be forgotten."""
        if entry.report.durable and entry.report.drop_rank == 0:  # CallFinished counts the others
            self._fate(st, entry, "answered")
        self._forget(st, entry)

    def failed(self, st: Station, entry: Entry, now: int, code: str) -> bool:
        """A CALLERROR or a time-out. True when the report will be offered again (E13.FR.02-04)."""
        report = entry.report
        entry.attempts += 1
        # a CSMS that does not know the message will not know it later; a transaction message is offered all the same,
        # because only repeated failure permits to skip it (1.6 3.7.1)
        hopeless = code in NEVER_KNOWN and not isinstance(report, TransactionReport | ClockSampled)
        if code == "timeout" and not (report.retry or report.urgent):
            self._give_up(st, max(len(self.unanswered) + 1 - MAX_UNANSWERED, 0))
            self.unanswered = (*self.unanswered, entry)
            return False
        if not report.retry or hopeless or entry.attempts >= st.settings[MESSAGE_ATTEMPTS]:
            if report.durable:
                self._fate(st, entry, "answered_with_error" if code != "timeout" else "sent_unanswered", code)
            self._forget(st, entry)
            return False
        self.durable.insert(0, entry)
        self.retry_us = now + st.settings[MESSAGE_INTERVAL] * 1_000_000 * entry.attempts
        entry.due_us = self.retry_us
        st.timers.set("retry", self.retry_us)
        return True

    def _give_up(self, st: Station, count: int) -> None:
        """The first so many of what timed out will not be offered again."""
        for entry in self.unanswered[:count]:
            if entry.report.durable:
                self._fate(st, entry, "sent_unanswered", "timeout")
                self._forget(st, entry)
        self.unanswered = self.unanswered[count:]

    def timeout(self, st: Station, now: int) -> Entry | None:
        """The CALL in flight was not answered in time."""
        entry = self.in_flight
        if entry is None:
            return None
        self.in_flight = None
        self.timed_out_ids = (*self.timed_out_ids[-(MAX_PAST - 1) :], self.message_id)
        self.finished(st, entry, "timeout", now)
        return entry

    def link_down(self, st: Station, now: int) -> tuple[Entry | None, tuple[Report, ...], int]:
        """The connection is gone: volatile reports go with it.

        Returns the volatile entry that was in flight, every volatile report that was not answered, and how many of
        these, the first, were sent: after the last answer the connection was dead. Durable ones are offered again.
        """
        entry = self.in_flight
        lost: Entry | None = None
        dropped = [waiting.report for waiting in (*self.urgent, *self.normal)]
        timed_out, self.unanswered = self.unanswered, ()
        sent = tuple(one.report for one in timed_out if not one.report.durable)
        if entry is not None:
            self.in_flight = None
            st.timers.cancel("call")
            self.finished(st, entry, "lost", now, "" if st.running else STATION_STOPPED)
            if entry.report.durable:
                self.durable.insert(0, entry)
            else:
                lost = entry
                sent = (*sent, entry.report)
        self.urgent.clear()
        self.normal.clear()
        if timed_out:
            again = (one for one in timed_out if one.report.durable)
            self.durable = sorted((*again, *self.durable), key=lambda one: one.order)
        for waiting in self.durable:
            waiting.offline = True  # E11.FR.07
        return lost, (*sent, *dropped), len(sent)

    def link_up(self, now: int) -> None:
        """A connection opened: what waited is due from now on. A retry keeps its time (1.6 3.7.1, E13.FR.03)."""
        self.link_open_us = now

    def software_ends(self, st: Station, torn: set[object]) -> None:
        """RAM is lost: say what becomes of the durable reports that flash does not hold (any more)."""
        for entry in self.durable:
            if entry.unsafe:
                self._fate(st, entry, "dropped_by_station", "flash refused it")
            elif entry.order in torn and st.board.flash.get(QUEUE_AREA, entry.order) is None:
                self._fate(st, entry, "dropped_by_station", "torn write")

    def _forget(self, st: Station, entry: Entry) -> None:
        if entry.report.durable and not entry.unsafe and not st.board.flash.delete(QUEUE_AREA, entry.order):
            what = f"{type(entry.report).__name__} is over but cannot be deleted, it will come again"
            st.record(FlashTrouble(QUEUE_AREA, st.board.flash.why, what))

    def _fate(self, st: Station, entry: Entry, fate: str, why: str = "") -> None:
        st.record(MessageFate(type(entry.report).__name__, fate, _key_of(entry.report), why))

    def never_queued(self, st: Station, report: Report, why: str) -> None:
        """A durable report was dropped before it came here: that is its fate all the same."""
        if report.durable:
            st.record(MessageFate(type(report).__name__, "dropped_by_station", _key_of(report), why))


def _key_of(report: Report) -> str:
    return report.key if isinstance(report, TransactionReport) else ""
