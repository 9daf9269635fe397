"""The live driver: stations on real sockets, one loop, one heap of deadlines, no task per station.

It reads the clock before every feed, carries effects out strictly in order, and hands every record to whoever listens.
Latencies are taken here, in real time: when the bytes of a CALL are handed over and when the bytes of its answer
arrive. Wake-ups are batched: what falls due within ``BATCH_S`` is handled in one go, because at low rates the wake-up
costs more than the work.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, Protocol

from simulator.core import inputs as i
from simulator.core.effects import Dial, Hangup, Job, Ping, RawSend, Record, Send
from simulator.core.records import CallFinished, PhaseChanged, QueueDepth
from simulator.core.station import Station
from simulator.fleet.clock import LiveClock
from simulator.fleet.connection import Connection, DialSpec, DownCause
from simulator.fleet.scheduler import Scheduler
from simulator.fleet.transit import Transit, send_odd
from simulator.fleet.transport import Transport
from simulator.metrics import Handle

if TYPE_CHECKING:
    from simulator.fleet.jobs import Executor

BATCH_S = 0.005
#: stations served within one wake-up before sockets get their turn
SLICE = 500

Dialler = Callable[["Seat", Dial], DialSpec]


class Observer(Protocol):
    """Who wants to know what passes. All calls come on the loop and must be quick."""

    def record(self, seat: Seat, what: Any, now: int) -> None:
        """A record of a station."""

    def frame(self, seat: Seat, data: bytes, to_csms: bool, now: int) -> None:
        """A frame, before it is decoded or after it was encoded."""


class Seat:
    """One station's place in the live driver: its connection, and the real times of the CALL in flight."""

    __slots__ = (
        "arrived_us",
        "conn",
        "fleet",
        "handle",
        "index",
        "link",
        "phase",
        "plan",
        "queued",
        "sent_us",
        "station",
        "transit",
    )

    def __init__(self, fleet: LiveFleet, index: int, station: Station, handle: Handle, plan: Any) -> None:
        self.fleet, self.index, self.station, self.handle, self.plan = fleet, index, station, handle, plan
        self.conn: Connection | None = None
        self.link = 0
        self.sent_us = 0
        self.arrived_us = 0
        self.phase = "off"
        self.queued = 0
        #: what is held up on its way; None while nothing is
        self.transit: Transit | None = None
        handle.phase(None, "off")

    def exchange(self, station: Station) -> None:
        """Another station, switched off and without a connection, takes the place of one that has left."""
        if self.conn is not None:  # half-open since a power cut
            self.conn.abort()
        self.handle.queue(self.queued, 0)
        self.station, self.conn, self.link, self.queued = station, None, 0, 0

    # -- what the connection tells

    def on_open(self, conn: Connection, subprotocol: str | None) -> None:
        """The handshake is done."""
        if conn is self.conn:
            self.fleet.feed(self, i.LinkUp(self.link, subprotocol))

    def on_text(self, conn: Connection, data: bytes) -> None:
        """A message has arrived."""
        if conn is self.conn:
            fleet = self.fleet
            self.arrived_us = fleet.clock.real_us()
            if fleet.observer is not None:
                try:
                    fleet.observer.frame(self, data, False, fleet.clock.now())
                except BaseException as error:
                    fleet.fail(error)
                    raise
            if self.transit is not None or self.station.board.hampered:
                at = fleet.held(self, len(data), inbound=True)
                if at > fleet.clock.now():
                    fleet.call_at(at, partial(self._late_text, conn, data, self.arrived_us))
                    return
            fleet.feed(self, i.Frame(self.link, data))

    def _late_text(self, conn: Connection, data: bytes, arrived_us: int) -> None:
        if conn is self.conn:
            self.arrived_us = arrived_us
            self.fleet.feed(self, i.Frame(self.link, data))

    def on_pong(self, conn: Connection) -> None:
        """The peer is alive."""
        if conn is self.conn:
            self.fleet.feed(self, i.Pong(self.link))

    def on_down(self, conn: Connection, cause: DownCause, code: int, detail: str, retry_after_s: int | None) -> None:
        """The end of a connection, or of the attempt."""
        if conn is not self.conn:
            return
        if self.transit is not None and self.transit.in_us > self.fleet.clock.now():  # after what came before it
            self.fleet.call_at(self.transit.in_us, partial(self.on_down, conn, cause, code, detail, retry_after_s))
            return
        self.conn = None
        self.fleet.feed(self, i.LinkDown(self.link, cause, code, detail[:200], retry_after_s))


class LiveFleet:
    """Stations on real sockets. ``dialler`` turns a station's Dial into where and how to connect."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        transport: Transport,
        dialler: Dialler,
        clock: LiveClock,
        observer: Observer | None = None,
    ) -> None:
        self.loop, self.transport, self.dialler, self.clock, self.observer = loop, transport, dialler, clock, observer
        self.seats: list[Seat] = []
        self._scheduler = Scheduler()
        self._planned: list[tuple[int, int, int, i.Input | Callable[[], None]]] = []
        self._sequence = 0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        #: station time for which the timer is set
        self._timer_due_us = 0
        self._waking = False
        self._stopped = False
        self.on_lag: Callable[[int], None] | None = None
        self.failure: BaseException | None = None
        #: who carries out the jobs of the stations; a fleet whose stations start some must be given one
        self.executor: Executor | None = None

    def add(self, station: Station, handle: Handle, plan: Any = None) -> Seat:
        """Give a station its seat; it is off until fed ``PowerOn``."""
        seat = Seat(self, len(self.seats), station, handle, plan)
        self.seats.append(seat)
        return seat

    # -- time

    def at(self, at_us: int, seat: Seat, event: i.Input) -> None:
        """Plan an input."""
        self._plan(at_us, seat.index, event)

    def call_at(self, at_us: int, function: Callable[[], None]) -> None:
        """Plan a function of the run itself."""
        self._plan(at_us, -1, function)

    def _plan(self, at_us: int, index: int, what: i.Input | Callable[[], None]) -> None:
        self._sequence += 1
        heappush(self._planned, (at_us, self._sequence, index, what))
        self._arm()

    def _arm(self) -> None:
        if self._stopped or self._waking:  # a wake-up arms once, at its end
            return
        due = self._scheduler.next_deadline()
        if self._planned and (due is None or self._planned[0][0] < due):
            due = self._planned[0][0]
        if due is None:
            return
        if self._timer is not None:
            if self._timer_due_us <= due:
                return
            self._timer.cancel()
        self._timer_at = self.loop.time() + max(BATCH_S, self.clock.seconds_until(due))
        self._timer = self.loop.call_at(self._timer_at, self._wake)
        self._timer_due_us = due

    def _wake(self) -> None:
        self._timer = None
        if self._stopped:
            return
        if self.on_lag is not None:
            self.on_lag(int((self.loop.time() - self._timer_at) * 1e6))
        now = self.clock.now()
        served = 0
        self._waking = True
        try:
            while self._planned and self._planned[0][0] <= now and served < SLICE:
                _, _, index, what = heappop(self._planned)
                served += 1
                if isinstance(what, i.Input):
                    self.feed(self.seats[index], what)
                else:
                    what()
            for index in self._scheduler.pop_due(now, SLICE):
                self.feed(self.seats[index], _TICK)
        finally:
            self._waking = False
        self._arm()

    def cut(self) -> None:
        """Cut every connection and dial with a TCP reset, as a failing network does; stations dial again as they do."""
        for seat in self.seats:
            if seat.conn is not None:
                seat.conn.abort()

    def stop(self) -> None:
        """No more feeds; connections are aborted."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
        if self.executor is not None:
            self.executor.stop()
        for seat in self.seats:
            if seat.conn is not None:
                seat.conn.abort()
                seat.conn = None

    # -- feeding

    def feed(self, seat: Seat, event: i.Input) -> None:
        """Feed one input now and carry out the effects. A bug of ours stops the fleet and is kept in ``failure``."""
        if self._stopped:
            return
        station = seat.station
        now = self.clock.now()
        try:
            effects = station.feed(event, now)
            for effect in effects:
                kind = type(effect)
                if kind is Record:
                    self._record(seat, effect.what, now)  # type: ignore[union-attr]
                elif kind is Send or kind is RawSend:
                    self._send(seat, effect, now)  # type: ignore[arg-type]
                else:
                    self._other(seat, effect, now)
        except BaseException as error:
            self.fail(error)
            raise
        if seat.transit is not None or station.board.network.faults:
            self._look_at_line(seat, now)
        self._scheduler.set(seat.index, station.next_deadline())
        self._arm()

    def held(self, seat: Seat, size: int, *, inbound: bool) -> int:
        """When a message that is held up will be through."""
        if seat.transit is None:
            seat.transit = Transit()
        now, speed = self.clock.now(), self.clock.speed
        return seat.transit.through_us(seat.station.board, size, now, speed, inbound=inbound)

    def _look_at_line(self, seat: Seat, now: int) -> None:
        if seat.transit is None:
            seat.transit = Transit()
        board = seat.station.board
        seat.transit.read(seat.conn, board.network.reads_at(now), now)
        if seat.transit.over(now) and not board.hampered:
            seat.transit = None

    def fail(self, error: BaseException) -> None:
        """Nothing is fed any more; the first error is kept."""
        if self.failure is None:
            self.failure = error
        self._stopped = True

    def _record(self, seat: Seat, what: Any, now: int) -> None:
        kind = type(what)
        if kind is PhaseChanged:
            seat.handle.phase(seat.phase, what.phase)
            seat.phase = what.phase
        elif kind is QueueDepth:
            seat.handle.queue(seat.queued, what.waiting)
            seat.queued = what.waiting
        else:
            timed = kind is CallFinished and what.outcome in _TIMED
            real_us = seat.arrived_us - seat.sent_us if timed else None
            seat.handle.record(what, real_us, seat.phase)
        if self.observer is not None:
            self.observer.record(seat, what, now)

    def _send(self, seat: Seat, effect: Send | RawSend, now: int) -> None:
        conn = seat.conn
        if conn is None or effect.link != seat.link:
            return
        if self.observer is not None:
            self.observer.frame(seat, effect.data, True, now)
        if seat.transit is not None or seat.station.board.hampered:
            at = self.held(seat, len(effect.data), inbound=False)
            if at > now:
                self.call_at(at, partial(self._send_now, seat, conn, effect))
                return
        self._send_now(seat, conn, effect)

    def _send_now(self, seat: Seat, conn: Connection, effect: Send | RawSend) -> None:
        if type(effect) is RawSend:
            send_odd(conn, effect.data, binary=effect.binary, pieces=effect.pieces)
        else:
            conn.send(effect.data)
        if effect.is_call and conn is seat.conn:
            seat.sent_us = self.clock.real_us()

    def _other(self, seat: Seat, effect: Any, now: int) -> None:
        if isinstance(effect, Dial):
            if seat.conn is not None:  # a vanished one is let go when the next begins
                seat.conn.abort()
            seat.link = effect.link
            seat.conn = self.transport.open(self.dialler(seat, effect), seat)
        elif isinstance(effect, Hangup):
            conn = seat.conn
            if conn is None or effect.link != seat.link:
                return
            if effect.how == "vanish":
                conn.vanish()  # kept, half-open, until the next dial or the end
                return
            seat.conn = None
            if effect.how == "close":
                conn.close(effect.code)
            else:
                conn.abort()
        elif isinstance(effect, Ping):
            if seat.conn is not None and effect.link == seat.link:
                seat.conn.ping()
        else:
            assert isinstance(effect, Job) and self.executor is not None, f"no executor for {type(effect).__name__}"
            self.executor.start(seat, effect)


_TICK = i.Tick()
_TIMED = ("ok", "callerror")
