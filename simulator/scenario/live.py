"""A scenario on sockets: the same player, stations of a farm, a real CSMS, its operator by HTTP.

Time is the stations' own: with a speed of 60 an hour of a scenario is a real minute, while time-outs of the link stay
what they are. Each cell has a farm of its own on a loop of its own, so that nothing of one can reach the next; the CSMS
is the same for all of them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr

import simulator
from simulator.core import inputs as i
from simulator.core.outbox import MESSAGE_TIMEOUT
from simulator.core.rng import seed_of
from simulator.fleet.acts import OUTAGES
from simulator.fleet.books import close_station
from simulator.fleet.clock import station_speed
from simulator.fleet.credentials import Credentials
from simulator.fleet.farm import Farm
from simulator.fleet.live import Seat as LiveSeat
from simulator.fleet.loops import run_loop
from simulator.fleet.operations import Operations
from simulator.fleet.plan import FleetPlan, StationPlan
from simulator.fleet.resolver import addresses
from simulator.fleet.target import Target, guard
from simulator.fleet.trace import FrameTrace
from simulator.ledger import Ledger
from simulator.metrics import RunMetrics
from simulator.report import truth
from simulator.report.reasons import what_helps
from simulator.report.redact import Redactor
from simulator.scenario.cells import Cell, places_of
from simulator.scenario.memory import Place, Played
from simulator.scenario.player import INCONCLUSIVE, Failure, Operate, Player, Register
from simulator.scenario.schema import Scenario
from simulator.scenario.seat import Seat
from simulator.scenario.step import walk
from simulator.scenario.truth import Truth

#: real seconds: for all stations to boot, for their queues to become empty at the end, and for closing handshakes
BOOT_S, DRAIN_S, CLOSING_S = 60.0, 30.0, 0.1
#: what the outside may take beyond its time when the stations live faster than it does
SLACK_S = 5.0
#: faults that swallow frames: only the time-out of a call, which is of real seconds, tells the station
SILENT = frozenset({OUTAGES["half_open"]})
#: nobody does two things at the same instant
HAND_S = 0.001
CONNECT_RATE = 200.0
#: reasons for which no station of any scenario gets in
UNREACHABLE = frozenset({"dns", "refused", "timeout", "tls_untrusted", "tls_client_rejected"})
#: real time of one scenario; nobody who does not say so means to wait a week for an answer
LONGEST_US = 3_600_000_000
#: a password in either form that no CSMS has given to a station of ours
WRONG_PASSWORD = "00112233445566778899aabbccddeeff"


@dataclass
class Live:
    """How scenarios are played on sockets. ``id_prefix`` begins every station's id; what takes longer than
    ``longest_us`` of real time is skipped."""

    target: Target
    speed: float = 1.0
    id_prefix: str = "CPF-"
    boot_s: float = BOOT_S
    longest_us: int = LONGEST_US
    #: what the target itself says of variables
    variables: Mapping[str, Any] = field(default_factory=dict)
    #: tells the CSMS how to answer BootNotifications; None: this one cannot be told
    register: Callable[[str], None] | None = None
    #: the same with another security profile; None: this target has one, and that is all
    secured: Callable[[int], Live] | None = None
    #: what stations have when they leave the factory; None: what the target names
    credentials: Callable[[Sequence[StationPlan]], Credentials] | None = None
    redactor: Redactor = field(default_factory=Redactor)

    def __post_init__(self) -> None:
        station_speed(self.speed)
        self.redactor = Redactor(self.target.secrets())

    def fit_for(self, scenario: Scenario) -> Live:
        """Itself, or the one with the security profile that the scenario asks for, if there is one."""
        wanted = scenario.fields.security
        if wanted is None or self.secured is None or wanted.profile == self.target.security_profile:
            return self
        return self.secured(wanted.profile)

    def play(
        self,
        scenario: Scenario,
        places: Sequence[Place],
        *,
        seed: int,
        version: str,
        ledger: Ledger,
        trace: FrameTrace | None = None,
        variables: Mapping[str, Any] | None = None,
    ) -> Played:
        """Play it once."""
        stage = _Stage(self, scenario, places, seed, version, ledger, trace, variables or {})
        run_loop(stage.main())
        assert stage.played is not None
        return stage.played


class _Stage:
    def __init__(
        self,
        live: Live,
        scenario: Scenario,
        places: Sequence[Place],
        seed: int,
        version: str,
        ledger: Ledger,
        trace: FrameTrace | None,
        variables: Mapping[str, Any],
    ) -> None:
        self.variables = {**live.variables, **scenario.fields.variables, **variables}
        self.live, self.scenario, self.seed, self.version = live, scenario, seed, version
        self.ledger, self.trace = ledger, trace
        self.plan = _plan(live, scenario, places, seed, version)
        self.groups = [place.group for place in places]
        self.seats: list[Seat] = []
        self.truth = Truth()
        self.records: list[tuple[int, str, Any]] = []
        self.played: Played | None = None
        self.operations = Operations(live.target.fields.operations)
        self._asked: set[asyncio.Task[None]] = set()
        self._gone: set[int] = set()
        self._farm: Farm | None = None
        self._news: asyncio.Event

    @property
    def farm(self) -> Farm:
        """The farm, once there is a loop."""
        assert self._farm is not None
        return self._farm

    async def main(self) -> dict[str, Any]:
        """From the first dial to the last frame."""
        self._news = asyncio.Event()
        farm = self._farm = Farm(
            self.plan,
            self.live.target,
            loop=asyncio.get_running_loop(),
            user_agent=f"cpfarm/{simulator.__version__}",
            metrics=RunMetrics(),
            ledger=self.ledger,
            redactor=self.live.redactor,
            trace=self.trace,
            credentials=self.live.credentials(self.plan.stations) if self.live.credentials is not None else None,
            boot_timeout_s=self.live.boot_s,
        )
        info = {"scenario": self.scenario.name, "seed": self.seed}
        self.ledger.begin_run(info, start_us=0, start_utc_us=farm.clock.epoch_us, speed=self.plan.speed)
        farm.live.observer = self
        try:
            await self._play()
        finally:
            if self.scenario.registers:
                await self._register("Accepted")
            await farm.close()
            for task in self._asked:
                task.cancel()
        if farm.live.failure is not None:
            raise farm.live.failure
        return {}

    async def _play(self) -> None:
        farm, fields = self.farm, self.scenario.fields
        if self.scenario.registers:
            await self._register(fields.registration)
        booted = fields.begin == "booted"
        farm.start(power=booted)
        self.seats = [
            Seat(index, seat.station, self.groups[index], redactor=self.live.redactor)
            for index, seat in enumerate(farm.live.seats)
        ]
        if booted:
            await self._until(self._all_at_rest, self.live.boot_s)
            if not any(seat.station.link.is_up for seat in self.seats) and not truth.stations(self.ledger)[1]:
                return self._nobody_in()
        began_us = farm.clock.now()
        player = Player(
            self.scenario.document,
            self.seats,
            seed=self.seed,
            epoch_us=farm.clock.epoch_us,
            tokens={role: list(tokens) for role, tokens in self.live.target.fields.tokens},
            variables=self.variables,
            version=self.version,
            slack_us=int(self._slack_s() * 1e6 * self.live.speed) if self.live.speed > 1 else 0,
            speed=self.live.speed,
        )
        player.begin(self.scenario.steps, began_us)
        while farm.live.failure is None:
            player.turn(farm.clock.now())
            wanted = player.take()
            for what in wanted:
                if isinstance(what, Operate):
                    self._ask(what)
                elif isinstance(what, Register):
                    await self._register(what.status)
                else:
                    farm.live.feed(farm.live.seats[what.seat.index], what.event)
            if wanted:
                await asyncio.sleep(HAND_S)
            elif player.done:
                break
            else:
                await self._wait(player.deadline)
        ended_us = farm.clock.now()
        if player.failure is not None and not any(seat.frames for seat in self.seats) and self._unreachable():
            return self._nobody_in()
        await self._until(self._all_gone, DRAIN_S)
        for seat in self.seats:
            if seat.index not in self._gone:
                close_station(self.ledger, seat.station, farm.clock.now())
        await asyncio.sleep(CLOSING_S)
        self.played = Played(
            player.failure, self.seats, self.ledger, player.story, began_us, ended_us, self.records, [], self.truth
        )

    def _unreachable(self) -> str:
        """Why no station of any scenario gets in, as most of the dials say; empty when they do not say so."""
        reason = next(iter(truth.connect_failures(self.ledger)), "")
        return reason if reason in UNREACHABLE else ""

    def _nobody_in(self) -> None:
        """No station has booted or is connected: nothing is to be judged, and why is not a matter of a step."""
        failures = truth.connect_failures(self.ledger)
        reason = next(iter(failures), "")
        booting = self.scenario.fields.begin == "booted"
        sentence = "no station got in" + (f" within {self.live.boot_s:g} s" if booting else "")
        if reason:
            sentence += f": {reason}, {failures[reason]['example']['detail']}. {what_helps(reason)}"
        failure = Failure(INCONCLUSIVE, self.live.redactor.clean_text(sentence), "begin", 1, station=self.seats[0].id)
        now = self.farm.clock.now()
        self.played = Played(
            failure, self.seats, self.ledger, [], now, now, self.records, unreachable=self._unreachable()
        )

    def _slack_s(self) -> float:
        """Where a station or its quirks may leave a call of either side without an answer, that costs its time-out."""
        quirks = any(seat.station.model.quirks for seat in self.seats)
        if not quirks and not SILENT & faults_of(self.scenario):
            return SLACK_S
        timeouts: list[int] = [seat.station.settings[MESSAGE_TIMEOUT] for seat in self.seats]
        return SLACK_S + max(timeouts)

    # -- what passes (called by the live driver)

    def record(self, seat: LiveSeat, what: Any, now: int) -> None:
        """A record of a station."""
        self.farm.record(seat, what, now)
        if seat.index < len(self.seats):
            ours = self.seats[seat.index]
            ours.recorded(what)
            self.truth.look(ours, now)
        self.records.append((now, seat.station.id, what))
        self._news.set()

    def frame(self, seat: LiveSeat, data: bytes, to_csms: bool, now: int) -> None:
        """A frame of a station."""
        self.farm.frame(seat, data, to_csms, now)
        if seat.index < len(self.seats) and (to_csms or seat.station.board.modem.passes(now)):
            self.seats[seat.index].hear(data, to_csms, now)
        self._news.set()

    # -- waiting and asking

    async def _wait(self, deadline_us: int | None) -> None:
        """Until something passes or the moment has come."""
        self._news.clear()
        seconds = None if deadline_us is None else self.farm.clock.seconds_until(deadline_us)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()

    async def _until(self, reached: Callable[[], bool], seconds: float) -> None:
        """Until something holds, at most so many real seconds."""
        deadline_us = self.farm.clock.now() + int(seconds * 1e6 * self.plan.speed)
        while not reached() and self.farm.clock.now() < deadline_us and self.farm.live.failure is None:
            await self._wait(deadline_us)

    def _all_at_rest(self) -> bool:
        return all(seat.station.gate == "accepted" and not seat.station.outbox.waiting() for seat in self.seats)

    def _all_gone(self) -> bool:
        """Each station hangs up, and its books are closed, in the moment it has nothing left to say: one with a session
        under way would talk for ever."""
        now = self.farm.clock.now()
        for live, seat in zip(self.farm.live.seats, self.seats, strict=True):
            # nobody lets it in, or accepts it, any more
            kept_waiting = self.scenario.kept_out or seat.station.gate in ("pending", "rejected")
            if seat.index not in self._gone and (kept_waiting or not seat.station.outbox.waiting()):
                self._gone.add(seat.index)
                close_station(self.ledger, seat.station, now)
                self.farm.live.feed(live, i.Leave(now))
        return len(self._gone) == len(self.seats)

    async def _register(self, status: str) -> None:
        assert self.live.register is not None, "a scenario that needs it is skipped"
        await asyncio.get_running_loop().run_in_executor(None, self.live.register, status)

    def _ask(self, what: Operate) -> None:
        async def ask() -> None:
            refused = await self.operations.ask(what.seat.id, what.action, what.payload)
            if refused:
                what.refused(self.live.redactor.clean_text(refused))
                self._news.set()

        task = asyncio.get_running_loop().create_task(ask())
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)


def stem_of(id_prefix: str, version: str) -> str:
    """How the ids of stations begin: of each version its own, because a CSMS may hold a station to the one it knows."""
    return f"{id_prefix}{version.replace('.', '')}-"


def faults_of(scenario: Scenario) -> set[str]:
    """The faults that its steps begin, by their names."""
    found: set[str] = set()
    for item, _ in walk(scenario.steps, ()):
        if item.name == "network" and getattr(item.body, "on", True) is not True:
            how = getattr(item.body, "how", "")
            found |= {OUTAGES[how]} if how in OUTAGES else set(OUTAGES.values())
        elif item.name == "inject":
            found.add(str(getattr(item.body, "fault", "")))
    return found


def guarded(target: Target, cells: Sequence[Cell]) -> None:
    """Raise TargetError when something in these cells needs a permission that the target does not give."""
    faults: set[str] = set()
    hostile: set[str] = set()
    most = 0
    for cell in cells:
        if cell.not_applicable:
            continue
        faults |= faults_of(cell.scenario)
        places = places_of(cell)
        most = max(most, len(places))
        hostile |= {q.name for place in places for q in place.model.quirks if getattr(q, "hostile", False)}
    guard(target, most, sorted(hostile), sorted(faults), resolve=addresses)


def _plan(live: Live, scenario: Scenario, places: Sequence[Place], seed: int, version: str) -> FleetPlan:
    stations = tuple(
        StationPlan(
            id=place.id,
            index=index,
            seed=seed_of(seed, place.id),
            group=place.group,
            profile=place.profile,
            version=version,
            model=place.model,
            serial=None,
            password=SecretStr(WRONG_PASSWORD) if scenario.kept_out else None,
        )
        for index, place in enumerate(places)
    )
    return FleetPlan(
        name=scenario.name,
        seed=seed,
        stations=stations,
        target=live.target,
        connect_rate=CONNECT_RATE,
        duration_us=None,
        speed=live.speed,
        at_end="disconnect",
        expect="default",
        fault_lines=(),
    )
