"""The in-memory driver: stations, scripted CSMSs and a simulated network under one stepped clock; no event loop.

Time jumps to whatever is due next. The network delays every frame by half a round trip drawn per station from its
modem's range, keeps order, and can be cut. The very same ``Station`` runs here, live, and in replay.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any, Protocol, runtime_checkable

from simulator.core import effects as e
from simulator.core import inputs as i
from simulator.core.rng import draw
from simulator.core.station import Station
from simulator.fleet.scheduler import Scheduler
from simulator.lab.csms import LabCsms
from simulator.lab.security import Door

#: no run of the virtual driver takes more steps than this
MAX_STEPS = 5_000_000

#: how many dials of a station are remembered
MAX_DIALS = 8

#: how long a handshake that was cut off keeps its station waiting
DIAL_TIMEOUT_US = 30_000_000

Observer = Callable[[Station, i.Input, list[e.AnyEffect], int], None]


class Worker(Protocol):
    """Who carries out the jobs of stations in memory."""

    def begin(self, station: Station, job: e.Job, now: int) -> list[tuple[int, i.JobProgress | i.JobDone]]:
        """What will become of it: inputs with the moment of each, the last a ``JobDone``."""


@runtime_checkable
class JudgingWorker(Worker, Protocol):
    """A worker that has a last word when the moment of an input has come: what it began may have been broken off."""

    def due(
        self, station: Station, event: i.JobProgress | i.JobDone, now: int, *, reached: bool
    ) -> i.JobProgress | i.JobDone | None:
        """What is to be fed, None for nothing. ``reached``: the network is not cut."""


class Path:
    """The simulated connection of one station."""

    __slots__ = (
        "csms",
        "cut",
        "dials",
        "door",
        "home",
        "link",
        "lot",
        "order_us",
        "others",
        "out_us",
        "password",
        "refuse",
    )

    def __init__(self, csms: LabCsms, lot: int) -> None:
        self.csms = csms
        #: when the last message to the CSMS arrives, if something holds it up
        self.out_us = 0
        #: number of the open link, 0 when down
        self.link = 0
        #: 64-bit draw: where in its modem's range the round trip of this station lies
        self.lot = lot
        #: dials get no answer and frames vanish
        self.cut = False
        #: cause a dial is refused with, "" when it succeeds
        self.refuse = ""
        self.order_us = 0
        self.password: str | None = None
        #: what the CSMS demands of who dials; None: everybody is let in
        self.door: Door | None = None
        #: the last dials, newest last
        self.dials: list[e.Dial] = []
        #: the CSMS of the target, and those at other addresses; None there: nobody answers
        self.home = csms
        self.others: dict[str, LabCsms | None] = {}


class VirtualFleet:
    """Stations in memory. ``records`` collects (now, station, record); ``observer`` sees every feed."""

    def __init__(self, *, epoch_us: int = 1_772_323_200_000_000, observer: Observer | None = None) -> None:
        self.epoch_us = epoch_us
        self.now = 0
        self.stations: list[Station] = []
        self.paths: list[Path] = []
        self.records: list[tuple[int, Station, Any]] = []
        #: carries out jobs; without one they are only kept in ``jobs``
        self.worker: Worker | None = None
        self.jobs: list[tuple[Station, e.Job]] = []
        self._scheduler = Scheduler()
        self._events: list[tuple[int, int, int, i.Input]] = []
        self._sequence = 0
        self._observer = observer

    # -- building

    def add(self, station: Station, csms: LabCsms | None = None) -> LabCsms:
        """Put a station into the fleet; it is off until fed ``PowerOn``."""
        csms = csms or LabCsms(station.dialect.subprotocol)
        csms.epoch_us = self.epoch_us
        self.stations.append(station)
        self.paths.append(Path(csms, draw(station.rng.seed, "rtt", 0)))
        return csms

    def elsewhere(self, station: Station, url: str, csms: LabCsms | None) -> None:
        """Another CSMS that a network profile of the station may name; None: nobody listens at that address."""
        if csms is not None:
            csms.epoch_us = self.epoch_us
        self.paths[self.index_of(station)].others[url] = csms

    def _rtt_us(self, index: int) -> int:
        """The round trip of a station now: its own place within the modem's range."""
        low, high = self.stations[index].board.modem.rtt_ms(self.now)
        return low * 1000 + self.paths[index].lot * max(0, (high - low) * 1000) // (1 << 64)

    def _transfer_us(self, index: int, data: bytes) -> int:
        """How long so many bytes take through the modem."""
        kb_s = self.stations[index].board.modem.bandwidth_kb_s()
        return int(len(data) * 1_000 / kb_s) if kb_s is not None else 0

    def index_of(self, station: Station) -> int:
        """The place of a station in this fleet."""
        return self.stations.index(station)

    # -- time

    def at(self, at_us: int, station: Station, event: i.Input) -> None:
        """Plan an input."""
        self._push(at_us, self.index_of(station), event)

    def _push(self, at_us: int, index: int, event: i.Input) -> None:
        self._sequence += 1
        heappush(self._events, (at_us, self._sequence, index, event))

    def feed(self, station: Station, event: i.Input) -> list[e.AnyEffect]:
        """Feed an input now and carry out what the station asks for."""
        return self._feed(self.index_of(station), event)

    def _feed(self, index: int, event: i.Input) -> list[e.AnyEffect]:
        station = self.stations[index]
        effects = station.feed(event, self.now)
        if self._observer is not None:
            self._observer(station, event, effects, self.now)
        for effect in effects:
            self._carry_out(index, effect)
        self._scheduler.set(index, station.next_deadline())
        return effects

    def run(self, seconds: float) -> None:
        """Let so much time pass, event by event."""
        self.run_until(self.now + int(seconds * 1_000_000))

    def run_until(self, until_us: int) -> None:
        """Let time pass up to a moment."""
        for _ in range(MAX_STEPS):
            due = self.next_event()
            if due is None or due > until_us:
                self.now = max(self.now, until_us)
                return
            self.step(due)
        raise AssertionError(f"more than {MAX_STEPS} steps")

    def next_event(self) -> int | None:
        """When something happens next, or None."""
        timer = self._scheduler.next_deadline()
        if self._events and (timer is None or self._events[0][0] <= timer):
            return self._events[0][0]
        return timer

    def step(self, due: int) -> None:
        """Go to ``due`` and handle one event there; planned inputs come before timers."""
        self.now = max(self.now, due)
        if self._events and self._events[0][0] <= self.now:
            _, _, index, event = heappop(self._events)
            if self.paths[index].cut and isinstance(event, i.Frame | i.Pong | i.LinkUp):
                if isinstance(event, i.LinkUp):  # it went while the handshake was under way
                    self._push(self.now + DIAL_TIMEOUT_US, index, i.LinkDown(event.link, "timeout"))
                return
            if isinstance(event, i.JobProgress | i.JobDone) and isinstance(self.worker, JudgingWorker):
                judged = self.worker.due(self.stations[index], event, self.now, reached=not self.paths[index].cut)
                if judged is None:
                    return
                event = judged
            self._feed(index, event)
            return
        for index in self._scheduler.pop_due(self.now, 1):
            self._feed(index, i.Tick())

    def settle(self, seconds: float = 3600.0, quiet: Callable[[], bool] | None = None) -> bool:
        """Run until ``quiet()`` holds, at most ``seconds``; was it reached?"""
        until_us = self.now + int(seconds * 1_000_000)
        while quiet is None or not quiet():
            due = self.next_event()
            if due is None or due > until_us:
                return quiet is not None and quiet()
            self.step(due)
        return True

    # -- effects

    def _carry_out(self, index: int, effect: e.AnyEffect) -> None:
        path = self.paths[index]
        if isinstance(effect, e.Send):
            self._deliver(index, effect.link, effect.data)
        elif isinstance(effect, e.RawSend):
            code = path.csms.close_code(effect.data, binary=effect.binary)
            if code is None:
                self._deliver(index, effect.link, effect.data, odd=True)
            elif effect.link == path.link and not path.cut:
                path.link = 0
                self._push(self.now + self._rtt_us(index), index, i.LinkDown(effect.link, "closed", code))
        elif isinstance(effect, e.Record):
            self.records.append((self.now, self.stations[index], effect.what))
        elif isinstance(effect, e.Dial):
            path.password = effect.password
            path.dials = [*path.dials[-(MAX_DIALS - 1) :], effect]
            station = self.stations[index]
            found = path.others.get(effect.url) if effect.url else path.home
            refusal = path.door.judge(station, effect, self.epoch_us + self.now) if path.door is not None else None
            if path.cut:
                self._push(self.now + effect.timeout_us, index, i.LinkDown(effect.link, "timeout"))
            elif path.refuse or found is None:
                cause = path.refuse or ("refused" if effect.url in path.others else "dns")
                self._push(self.now + self._rtt_us(index), index, i.LinkDown(effect.link, cause))
            elif refusal is not None:
                down = i.LinkDown(effect.link, refusal.cause, refusal.code, refusal.detail)
                self._push(self.now + 2 * self._rtt_us(index), index, down)
            else:
                path.link, path.csms = effect.link, found
                trips = 4 if effect.manner.probe else 2
                path.order_us = self.now + trips * self._rtt_us(index)
                self._push(path.order_us, index, i.LinkUp(effect.link, path.csms.pick(effect.subprotocols)))
        elif isinstance(effect, e.Hangup):
            path.link = 0
        elif isinstance(effect, e.Ping):
            if effect.link == path.link and not path.cut:
                self._push(self.now + self._rtt_us(index), index, i.Pong(effect.link))
        else:
            station = self.stations[index]
            self.jobs.append((station, effect))
            for at_us, event in self.worker.begin(station, effect, self.now) if self.worker is not None else ():
                self._push(at_us, index, event)

    def _deliver(self, index: int, link: int, data: bytes, *, odd: bool = False) -> None:
        path = self.paths[index]
        if link != path.link or path.cut:
            return
        arrival = self.now + self._rtt_us(index) // 2 + self._transfer_us(index, data)
        network = self.stations[index].board.network
        if network.faults or path.out_us > self.now:
            arrival = path.out_us = max(path.out_us, arrival + network.hold_us())
        for answer in path.csms.receive(data, arrival, odd=odd):
            self._answer(index, link, arrival, answer)
        for wait_us, answer in path.csms.late:
            self._push(arrival + wait_us + (self._rtt_us(index) + 1) // 2, index, i.Frame(link, answer))
        path.csms.late.clear()

    def _answer(self, index: int, link: int, at_us: int, data: bytes) -> None:
        path = self.paths[index]
        at_us += (self._rtt_us(index) + 1) // 2 + self._transfer_us(index, data)
        network = self.stations[index].board.network
        if network.faults:
            at_us = network.reads_at(at_us + network.hold_us())
        path.order_us = max(path.order_us, at_us)
        self._push(path.order_us, index, i.Frame(link, data))

    # -- what a CSMS or the network does

    def call(self, station: Station, action: str, payload: dict[str, Any]) -> str:
        """The CSMS calls the station; the answer will be in ``csms.answers`` under the id returned."""
        index = self.index_of(station)
        path = self.paths[index]
        path.csms.now = self.now
        message_id, data = path.csms.call(action, payload)
        if path.link and not path.cut:
            self._answer(index, path.link, self.now, data)
        return message_id

    def ask(self, station: Station, action: str, payload: dict[str, Any], seconds: float = 5.0) -> Any:
        """The CSMS calls the station and waits; the answer's payload, or None when there was none in time."""
        message_id = self.call(station, action, payload)
        answers = self.paths[self.index_of(station)].csms.answers
        self.settle(seconds, lambda: message_id in answers)
        return answers.get(message_id)

    def cut(self, station: Station, *, silently: bool = False) -> None:
        """The network goes: dials get nowhere. Unless ``silently`` the station notices by a reset."""
        index = self.index_of(station)
        path = self.paths[index]
        path.cut = True
        link, path.link = path.link, 0
        if link and not silently:
            self._feed(index, i.LinkDown(link, "reset"))

    def ping(self, station: Station) -> None:
        """The CSMS pings: WebSocket answers by itself, except on a product that cannot bear it."""
        index = self.index_of(station)
        path = self.paths[index]
        if path.link and not path.cut and path.dials[-1].manner.ping_kills:
            link, path.link = path.link, 0
            self._push(self.now + (self._rtt_us(index) + 1) // 2, index, i.LinkDown(link, "reset"))

    def mend(self, station: Station) -> None:
        """The network is back."""
        self.paths[self.index_of(station)].cut = False

    def csms(self, station: Station) -> LabCsms:
        """The CSMS end of a station."""
        return self.paths[self.index_of(station)].csms

    def recorded(self, kind: type) -> list[Any]:
        """All records of a kind, in order."""
        return [record for _, _, record in self.records if isinstance(record, kind)]
