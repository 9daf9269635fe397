"""Storms: many stations lost at once, and how long the CSMS takes to have them all back.

Theory. A storm begins when at least 5 % of the connected stations, and more than one, are lost within 10 s; its begin
is the first of these losses. It goes on taking in stations as long as losses follow each other within 10 s. From then
on only its own stations matter: for each the moments are noted when it was connected again, back at work (booted, or
available again where the version needs no new boot), and had nothing left in its queue. A station that is lost again
starts over. The figures are the times by which 50, 95 and 100 % of the stations had got so far.

Losses at the end of a run are the farm's own doing: tell :meth:`Storms.ending` before the stations are sent away.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from typing import Any

from simulator.core import records as r
from simulator.report.reasons import failure_reason

WINDOW_US = 10_000_000
SHARE = 0.05
STATIONS_MIN = 2
STORMS_MAX = 100
"""Storms described one by one; more are only counted."""
AT_WORK = ("available", "charging", "faulted")
STAGES = ("reconnected", "booted", "queues_empty")
PERCENTS = (50, 95, 100)


class Storm:
    """One storm, in us of the run. ``reached`` holds, per stage and station, when it got there."""

    def __init__(self, begin_us: int, connected_before: int) -> None:
        self.begin_us = self.last_loss_us = begin_us
        self.connected_before = connected_before
        self.lost: set[str] = set()
        self.by_code: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self.reached: dict[str, dict[str, int]] = {stage: {} for stage in STAGES}

    def take(self, station_id: str, code: str, at_us: int) -> None:
        """A station was lost, for the first time or again."""
        self.last_loss_us = max(self.last_loss_us, at_us)
        self.lost.add(station_id)
        self.by_code[code] += 1
        for reached in self.reached.values():
            reached.pop(station_id, None)

    def arrived(self, stage: str, station_id: str, at_us: int) -> None:
        """A station got to a stage; only the first time counts."""
        self.reached[stage].setdefault(station_id, at_us)

    @property
    def over(self) -> bool:
        """Every station has an empty queue again."""
        return len(self.reached["queues_empty"]) == len(self.lost)

    def summary(self, start_us: int = 0) -> dict[str, Any]:
        """Plain data; times in seconds, ``begin_s`` since ``start_us``, the others since the begin of the storm."""
        return {
            "begin_s": _seconds(self.begin_us - start_us),
            "connected_before": self.connected_before,
            "stations_lost": len(self.lost),
            "by_code": dict(self.by_code.most_common()),
            "refusals": dict(self.refusals.most_common()),
            **{stage: self._times(stage) for stage in STAGES},
        }

    def _times(self, stage: str) -> dict[str, float | None]:
        times = sorted(self.reached[stage].values())
        result: dict[str, float | None] = {}
        for percent in PERCENTS:
            rank = -(-len(self.lost) * percent // 100)
            result[f"p{percent}_s"] = _seconds(times[rank - 1] - self.begin_us) if rank <= len(times) else None
        return result


class Storms:
    """Watches all stations of a run; feed it every record through :meth:`add`."""

    def __init__(self) -> None:
        self.storms: list[Storm] = []
        self.left_off = 0
        self._open: list[Storm] = []
        self._connected: dict[str, int] = {}  # since when
        self._working: dict[str, int] = {}  # since when, on this connection
        self._waiting: set[str] = set()  # stations with something in their queue
        self._recent: deque[tuple[int, str, str, int]] = deque()
        self._ending = False
        self._by_type: dict[type, Callable[[str, Any, int], None]] = {
            r.Connected: self._on_connected,
            r.Disconnected: self._on_disconnected,
            r.Booted: lambda station_id, _, at_us: self._at_work(station_id, at_us),
            r.PhaseChanged: self._on_phase,
            r.QueueDepth: self._on_queue,
            r.ConnectFailed: self._on_refusal,
            r.BootRefused: self._on_refusal,
        }

    def add(self, station_id: str, record: r.AnyRecord, at_us: int) -> None:
        """Look at one record made at ``at_us``; most kinds do not matter here."""
        handler = self._by_type.get(type(record))
        if handler is not None:
            handler(station_id, record, at_us)

    def ending(self) -> None:
        """From now on stations leave because the run ends: losses do not count any more."""
        self._ending = True

    def summary(self, start_us: int = 0) -> list[dict[str, Any]]:
        """All storms in the order of their begin."""
        return [storm.summary(start_us) for storm in self.storms]

    def _on_connected(self, station_id: str, rec: r.Connected, at_us: int) -> None:
        self._connected[station_id] = at_us
        self._arrived("reconnected", station_id, at_us)

    def _on_phase(self, station_id: str, rec: r.PhaseChanged, at_us: int) -> None:
        if rec.phase in AT_WORK:
            self._at_work(station_id, at_us)

    def _at_work(self, station_id: str, at_us: int) -> None:
        if station_id not in self._connected or station_id in self._working:
            return
        self._working[station_id] = at_us
        self._arrived("booted", station_id, at_us)
        if station_id not in self._waiting:
            self._arrived("queues_empty", station_id, at_us)

    def _on_queue(self, station_id: str, rec: r.QueueDepth, at_us: int) -> None:
        if rec.waiting:
            self._waiting.add(station_id)
            return
        self._waiting.discard(station_id)
        for storm in self._open:
            if station_id in storm.reached["booted"]:
                storm.arrived("queues_empty", station_id, at_us)

    def _on_refusal(self, station_id: str, rec: r.ConnectFailed | r.BootRefused, at_us: int) -> None:
        reason = failure_reason(rec, booted=True)
        for storm in self._open:
            if reason is not None and station_id in storm.lost:
                storm.refusals[reason] += 1

    def _arrived(self, stage: str, station_id: str, at_us: int) -> None:
        for storm in self._open:
            if station_id in storm.lost:
                storm.arrived(stage, station_id, at_us)

    def _on_disconnected(self, station_id: str, rec: r.Disconnected, at_us: int) -> None:
        before = len(self._connected)
        self._connected.pop(station_id, None)
        self._working.pop(station_id, None)
        if self._ending:
            return
        code = str(rec.code) if rec.cause == "closed" else rec.cause
        self._open = [storm for storm in self._open if not storm.over or at_us - storm.last_loss_us <= WINDOW_US]
        if self._open and at_us - self._open[-1].last_loss_us <= WINDOW_US:
            self._open[-1].take(station_id, code, at_us)
            return
        for storm in self._open:  # an older storm's station, lost again by itself
            if station_id in storm.lost:
                storm.take(station_id, code, storm.last_loss_us)
        recent = self._recent
        while recent and at_us - recent[0][0] > WINDOW_US:
            recent.popleft()
        recent.append((at_us, station_id, code, before))
        stations = len({entry[1] for entry in recent})
        if stations >= STATIONS_MIN and stations >= SHARE * recent[0][3]:
            self._begin()

    def _begin(self) -> None:
        storm = Storm(self._recent[0][0], self._recent[0][3])
        for at_us, station_id, code, _ in self._recent:
            storm.take(station_id, code, at_us)
        for station_id in storm.lost & self._connected.keys():  # back while others were still being lost
            storm.arrived("reconnected", station_id, self._connected[station_id])
            if station_id in self._working:
                storm.arrived("booted", station_id, self._working[station_id])
                if station_id not in self._waiting:
                    storm.arrived("queues_empty", station_id, self._working[station_id])
        self._recent.clear()
        self._open.append(storm)
        if len(self.storms) < STORMS_MAX:
            self.storms.append(storm)
        else:
            self.left_off += 1


def _seconds(us: int) -> float:
    return round(us / 1e6, 3)
