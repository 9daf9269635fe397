"""A scenario in memory: stations, network and CSMS under one stepped clock; days pass in milliseconds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from simulator.certify.security import NEW_PASSWORD, Security
from simulator.core import effects as e
from simulator.core import inputs as i
from simulator.core.model import Model
from simulator.core.station import Station
from simulator.fleet.books import close_station
from simulator.fleet.trace import FrameTrace, InputRecorder
from simulator.fleet.virtual import VirtualFleet
from simulator.lab.csms import LabCsms
from simulator.lab.jobs import LabWorker
from simulator.ledger import Ledger
from simulator.report.redact import Redactor
from simulator.scenario.counterpart import TOKENS, Counterpart
from simulator.scenario.player import Failure, Judged, Operate, Player, Register, Told
from simulator.scenario.schema import Scenario
from simulator.scenario.seat import Heard, Seat
from simulator.scenario.truth import Truth

#: a station must have booted within this time, and after the steps queues may take this time to become empty
BOOT_TIMEOUT_US = 60_000_000
DRAIN_US = 60_000_000
#: where the file server of the virtual network has firmware, and where it takes logs
IMAGE_URL, UPLOADS_URL = "http://files.example/firmware/2.0.0.bin", "http://files.example/uploads/"
IMAGE = b"CPFARM-FIRMWARE 2.0.0\n" + bytes(range(256)) * 400
FILES = {"firmware": IMAGE_URL, "uploads": UPLOADS_URL}
#: nobody does two things at the same instant; things at several stations may be
HAND_US = 1_000
#: events of one scenario
MAX_EVENTS = 5_000_000


@dataclass(frozen=True, slots=True)
class Place:
    """One station as it is to be built."""

    id: str
    model: Model
    group: str = ""
    profile: str = ""


@dataclass(slots=True)
class Played:
    """What came of playing a scenario once."""

    failure: Failure | None
    seats: list[Seat]
    ledger: Ledger
    story: list[Told]
    began_us: int
    ended_us: int
    records: list[tuple[int, str, Any]] = field(default_factory=list)
    counterparts: list[LabCsms] = field(default_factory=list)
    truth: Truth = field(default_factory=Truth)
    judged: list[Judged] = field(default_factory=list)
    #: why the CSMS cannot be reached by anybody, as one of :mod:`simulator.report.reasons`; empty when it can
    unreachable: str = ""


def play_in_memory(
    scenario: Scenario,
    places: Sequence[Place],
    *,
    seed: int,
    version: str,
    ledger: Ledger,
    trace: FrameTrace | None = None,
    csms: Callable[[str], LabCsms] = Counterpart,
    variables: Mapping[str, Any] | None = None,
    recorder: InputRecorder | None = None,
) -> Played:
    """Play it. ``csms`` makes the CSMS end of a station's link from its subprotocol; ``recorder`` takes every input and
    every effect of every station."""
    memory = _Memory(scenario, places, seed, version, ledger, trace, csms, variables or {})
    memory.recorder = recorder
    return memory.play()


class _Memory:
    def __init__(
        self,
        scenario: Scenario,
        places: Sequence[Place],
        seed: int,
        version: str,
        ledger: Ledger,
        trace: FrameTrace | None,
        csms: Callable[[str], LabCsms],
        variables: Mapping[str, Any],
    ) -> None:
        self.recorder: InputRecorder | None = None
        self.scenario, self.ledger, self.trace = scenario, ledger, trace
        self.fleet = VirtualFleet(observer=self._observe)
        self.fleet.worker = worker = LabWorker()
        worker.files.serve(IMAGE_URL, IMAGE)
        self.seats: list[Seat] = []
        self.counterparts: list[LabCsms] = []
        self.truth = Truth()
        self.records: list[tuple[int, str, Any]] = []
        self._by_station: dict[int, Seat] = {}
        redactor = Redactor()
        info = {"scenario": scenario.name, "seed": seed}
        ledger.begin_run(info, start_us=0, start_utc_us=self.fleet.epoch_us)
        for index, place in enumerate(places):
            station = Station(place.id, place.model, seed=seed, number=index + 1, epoch_us=self.fleet.epoch_us)
            self.counterparts.append(self.fleet.add(station, csms(station.dialect.subprotocol)))
            self.counterparts[-1].boot_status = scenario.fields.registration
            seat = Seat(index, station, place.group, redactor=redactor)
            self.seats.append(seat)
            self._by_station[id(station)] = seat
            if scenario.fields.security is not None and scenario.fields.security.profile:
                self._secure(seat, scenario.fields.security.profile, worker)
            ledger.add_station(place.id, ocpp=station.dialect.name, profile=place.profile, group=place.group, at_us=0)
        self.player = Player(
            scenario.document,
            self.seats,
            seed=seed,
            epoch_us=self.fleet.epoch_us,
            tokens=TOKENS,
            variables={**FILES, **scenario.fields.variables, **variables},
            version=version,
        )

    def _secure(self, seat: Seat, profile: int, worker: LabWorker) -> None:
        """The station leaves the factory with what a security profile needs, and the CSMS wants to see it."""
        security = Security(self.fleet.epoch_us, seat.id, worker.keystore)
        security.deliver(seat.station, profile)
        if self.scenario.kept_out:
            security.take(NEW_PASSWORD)
        self.fleet.paths[seat.index].door = security.door

    def play(self) -> Played:
        fleet, player = self.fleet, self.player
        if self.scenario.fields.begin == "booted":
            for seat in self.seats:
                fleet.feed(seat.station, i.PowerOn())
            fleet.settle(BOOT_TIMEOUT_US / 1e6, self._all_at_rest)
        began_us = fleet.now
        player.begin(self.scenario.steps, fleet.now)
        for _ in range(MAX_EVENTS):
            player.turn(fleet.now)
            wanted = player.take()
            for what in wanted:
                if isinstance(what, Operate):
                    fleet.call(what.seat.station, what.action, dict(what.payload))
                elif isinstance(what, Register):
                    self.counterparts[what.seat.index].boot_status = what.status
                else:
                    fleet.feed(what.seat.station, what.event)
            if wanted:
                fleet.run_until(fleet.now + HAND_US)
                continue
            if player.done:
                break
            self._advance(player.deadline)
        else:
            raise AssertionError(f"more than {MAX_EVENTS} events")
        fleet.settle(DRAIN_US / 1e6, self._all_delivered)
        for seat in self.seats:
            close_station(self.ledger, seat.station, fleet.now)
        return Played(
            player.failure,
            self.seats,
            self.ledger,
            player.story,
            began_us,
            fleet.now,
            self.records,
            self.counterparts,
            self.truth,
            player.judged,
        )

    def _advance(self, deadline: int | None) -> None:
        """To the next event, or to the player's deadline if that comes first."""
        due = self.fleet.next_event()
        if due is not None and (deadline is None or due <= deadline):
            self.fleet.step(due)
        elif deadline is not None:
            self.fleet.run_until(deadline)
        else:
            raise AssertionError("the scenario waits, and nothing will ever happen")

    def _all_at_rest(self) -> bool:
        """Has every station booted and said what there is to say?"""
        return all(seat.station.gate == "accepted" and not seat.station.outbox.waiting() for seat in self.seats)

    def _all_delivered(self) -> bool:
        return all(not seat.station.outbox.waiting() for seat in self.seats)

    def _observe(self, station: Station, event: i.Input, effects: list[e.AnyEffect], now: int) -> None:
        seat = self._by_station[id(station)]
        self.truth.look(seat, now)
        if self.recorder is not None:
            self.recorder.record(now, station.id, event, effects)
        if isinstance(event, i.Frame) and self._arrives(seat, event, now):
            self._frame(seat, event.data, False, now)
        for effect in effects:
            if isinstance(effect, e.Send | e.RawSend):
                self._frame(seat, effect.data, True, now)
            elif isinstance(effect, e.Record):
                seat.recorded(effect.what)
                self.ledger.add(station.id, effect.what, now)
                self.records.append((now, station.id, effect.what))

    def _arrives(self, seat: Seat, event: i.Frame, now: int) -> bool:
        """Does the station get this frame? Not one of a link that is gone, nor one its modem does not let through."""
        return self.fleet.paths[seat.index].link == event.link and seat.station.board.modem.passes(now)

    def _frame(self, seat: Seat, data: bytes, to_csms: bool, now: int) -> Heard:
        if self.trace is not None:
            self.trace.frame(
                seat.id,
                data,
                ocpp=seat.station.dialect.name,
                utc_us=self.fleet.epoch_us + now,
                to_csms=to_csms,
            )
        return seat.hear(data, to_csms, now)
