"""A fleet plan brought to life: stations switched on at the ramp's pace, drivers, the timetable of faults, the end.

``Farm`` knows nothing of terminals or files; ``fleet/run.py`` and the load engine own one each. Everything it does goes
through inputs of the stations. What it learns it learns from their records.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from simulator.blocks.product_identity import serial_of
from simulator.core import inputs as i
from simulator.core.desk import ID_STREAMS
from simulator.core.effects import Dial
from simulator.core.link_policy import CERTIFICATE_PROFILE, PASSWORD_PROFILES, TLS_PROFILES
from simulator.core.records import Booted
from simulator.core.rng import draw, seed_of
from simulator.core.station import Station
from simulator.fleet.books import close_station
from simulator.fleet.clock import LiveClock, station_speed
from simulator.fleet.connection import DialSpec
from simulator.fleet.credentials import Credentials, read_credentials
from simulator.fleet.jobs import Executor, JobSetup
from simulator.fleet.live import LiveFleet, Seat
from simulator.fleet.manner import in_manner
from simulator.fleet.plan import FleetPlan, StationPlan
from simulator.fleet.state import StateDir, restore
from simulator.fleet.target import Target, elsewhere
from simulator.fleet.timetable import StationFault
from simulator.fleet.tls import Contexts, Credential
from simulator.fleet.trace import FrameRings, FrameTrace, failure_of
from simulator.fleet.transport import Transport
from simulator.ledger import Ledger
from simulator.metrics import RunMetrics
from simulator.pki.keystore import Keystore
from simulator.report.performance import Performance
from simulator.report.redact import Redactor
from simulator.report.storms import Storms
from simulator.world.driver import DriverPlan

#: phases in which a station has done what can be expected of it
AT_WORK = ("available", "charging", "faulted")
DEFAULT_TOKENS = tuple(f"VALID{number:04d}" for number in range(1, 101))
WATCH_US = 250_000
#: real seconds between a driver's token and his pulling the cable, when he is sent away
PARTING_S = 0.2


class Farm:
    """All stations of a plan on one loop. ``url_of`` comes from the target; see :meth:`start` and :meth:`finish`."""

    def __init__(
        self,
        plan: FleetPlan,
        target: Target,
        *,
        loop: asyncio.AbstractEventLoop,
        user_agent: str,
        metrics: RunMetrics,
        ledger: Ledger,
        redactor: Redactor,
        trace: FrameTrace | None = None,
        state: StateDir | None = None,
        boot_timeout_s: float = 60.0,
        transport: Transport | None = None,
        credentials: Credentials | None = None,
        threads: bool = True,
    ) -> None:
        self.plan, self.target, self.metrics, self.ledger, self.redactor = plan, target, metrics, ledger, redactor
        self.trace, self.state = trace, state
        self.rings = FrameRings(len(plan.stations))
        self.storms = Storms()
        self.performance = Performance()
        self.clock = LiveClock(plan.speed)
        self.transport = transport or Transport(loop, user_agent=user_agent)
        if credentials is None:
            credentials = read_credentials(target, plan.stations, Keystore())
        self.credentials = credentials
        self.contexts = Contexts(target.fields.tls.versions, target.fields.tls.suites)
        self.live = LiveFleet(loop, self.transport, self._dial, self.clock, self)
        self.live.on_lag = metrics.lag
        self.boot_timeout_us = int(boot_timeout_s * 1e6 * plan.speed)
        self.tokens = target.fields.tokens.valid or DEFAULT_TOKENS
        self.loop = loop
        self.executor = self.live.executor = self._executor(user_agent, threads)
        self.by_id: dict[str, Seat] = {}
        self.booted: set[int] = set()
        #: station time at which every station had booted or given up; the duration and the timetable count from here
        self.settled_us: int | None = None
        self.ending = False
        #: seats of stations that have left or are about to (see :meth:`leave`)
        self.away: set[int] = set()
        self._faults: Iterator[StationFault] | None = None
        self._cables: list[Any] = []

    # -- beginning

    def start(self, *, power: bool = True) -> None:
        """Build every station, switch them on at the pace of the plan unless somebody else is to do that."""
        for plan in self.plan.stations:
            at_us = self.plan.connect_at_us(plan.index)
            seat = self._seat(plan, at_us)
            if power:
                self.live.at(at_us, seat, i.PowerOn())
        self.live.call_at(WATCH_US, self._watch)

    def add_station(self, plan: StationPlan) -> Seat:
        """Switch one more station on, now. One that has left comes back with the flash and the registers it had."""
        now = self.clock.now()
        seat = self.by_id.get(plan.id)
        if seat is None:
            seat = self._seat(plan, now)
        else:
            assert seat.index in self.away, f"{plan.id} is switched on already"
            old = seat.station
            stored = {
                "registers_wh": [meter.physical_wh(now) for meter in old.board.meters],
                "pages": [meter.page for meter in old.board.meters],
                "counters": old.rng.counters,
                "flash": old.board.flash.areas,
            }
            seat.exchange(self._station(plan, stored))
            self.booted.discard(seat.index)
            self.away.discard(seat.index)
        self.live.feed(seat, i.PowerOn())
        return seat

    def _seat(self, plan: StationPlan, at_us: int) -> Seat:
        station = self._station(plan, self.state.load(plan.id) if self.state is not None else None)
        handle = self.metrics.bind(station.dialect.name, plan.profile)
        self.ledger.add_station(
            plan.id,
            ocpp=station.dialect.name,
            profile=plan.profile,
            group=plan.group,
            at_us=at_us,
        )
        seat = self.by_id[plan.id] = self.live.add(station, handle, plan)
        return seat

    def _station(self, plan: StationPlan, stored: dict[str, Any] | None) -> Station:
        station = Station(
            plan.id,
            plan.model,
            seed=self.plan.seed,
            number=plan.number,
            epoch_us=self.clock.epoch_us,
            speed=station_speed(self.plan.speed),
            register_wh=stored["registers_wh"] if stored is not None else None,
            serial=plan.serial,
        )
        if plan.place is not None:
            station.board.supply.rotation = plan.place.rotation
        if stored is not None:
            restore(station, stored)
        station.rng.counters.update(dict.fromkeys(ID_STREAMS, self.clock.epoch_us + self.clock.now()))
        self.credentials.read_station(self.target, plan)
        self.credentials.deliver(station, self.target.security_profile)
        return station

    def _dial(self, seat: Seat, dial: Dial) -> DialSpec:
        plan: StationPlan = seat.plan
        target, fields = self.target, self.target.fields
        auth: tuple[str, str | bytes] | None = None
        if dial.security_profile in PASSWORD_PROFILES:
            auth = (plan.id, self._password(seat, plan, dial))
        url, context, credential, forbidden = target.station_url(plan.id), None, None, ""
        if dial.slot:
            url, forbidden = elsewhere(target, dial.url, plan.id)
        if (target.is_tls and not dial.slot) or dial.security_profile in TLS_PROFILES:
            url = url if dial.slot else target.secure_url(plan.id)
            if dial.security_profile == CERTIFICATE_PROFILE:
                credential = self._credential(plan, dial)
            # What the station trusts by itself goes before what the target's file says.
            context = self.contexts.context(
                dial.refs.get("trust") or ("" if dial.manner.own_trust else self.credentials.trust),
                credential,
                wildcards=dial.wildcards,
            )
        sources = fields.source_addresses
        spec = DialSpec(
            url=url,
            subprotocols=(*dial.subprotocols, *fields.subprotocols),
            headers=tuple((name, value.get_secret_value()) for name, value in fields.headers.items()),
            basic_auth=auth,
            ssl_context=context,
            identity=credential,
            server_name=fields.tls.server_name,
            proxy=target.proxy,
            source_address=_source(sources, plan.index + seat.station.board.network.address),
            timeout_s=fields.connect_timeout_us / 1e6,
            forbidden=forbidden,
        )
        return in_manner(spec, plan.id, serial_of(seat.station) or "", dial.manner)

    def _credential(self, plan: StationPlan, dial: Dial) -> Credential | None:
        """The station's own certificate, if its key is here; else the one the target's files gave it."""
        keystore = self.credentials.keystore
        if "certificate" in dial.refs and dial.refs.get("key", "") in keystore:
            return Credential(dial.refs["certificate"], dial.refs["key"], keystore)
        return self.credentials.credential(plan.id)

    def _password(self, seat: Seat, plan: StationPlan, dial: Dial) -> bytes:
        """What the station has in its own store goes before the stations file, that before the target's."""
        if dial.password is not None:
            return stored_password(seat.station, dial.password)
        known = self.target.basic_password(plan.password)
        if known is not None:
            return known
        return initial_password(self.plan.seed, plan.id)

    def _executor(self, user_agent: str, threads: bool) -> Executor:
        """Who carries out the stations' jobs. Without threads no name but the target's can be looked up."""

        async def lookup(host: str) -> list[str]:
            if not threads and host != self.target.host and host != "localhost":
                raise OSError(f"only the target's name is looked up here, not {host}; an address in numbers works")
            return await self.transport.lookup(host)

        setup = JobSetup(
            self.target.fields.transfers,
            (self.target.host, urlsplit(self.target.secure_url("")).hostname or self.target.host),
            lookup,
            user_agent,
            self.credentials.keystore,
            trust=self.credentials.trust,
            speed=self.plan.speed,
            threads=threads,
        )
        return Executor(self.loop, setup, feed=self.live.feed, now=self.clock.now, fail=self.live.fail)

    # -- watching

    def record(self, seat: Seat, what: Any, now: int) -> None:
        """A record of a station (called by the live driver)."""
        station_id = seat.station.id
        self.ledger.add(station_id, what, now)
        self.storms.add(station_id, what, now)
        if type(what) is Booted and seat.index not in self.booted:
            self.booted.add(seat.index)
            self._drivers(seat, now)
        why = failure_of(what)
        if why is not None:
            self.rings.keep(station_id, why)

    def frame(self, seat: Seat, data: bytes, to_csms: bool, now: int) -> None:
        """A frame passed (called by the live driver)."""
        real_us, station_id = self.clock.real_us(), seat.station.id
        self.performance.frame(station_id, data, to_csms, real_us)
        if self.trace is not None:
            utc_us = self.clock.epoch_us + real_us
            self.trace.frame(station_id, data, ocpp=seat.station.dialect.name, utc_us=utc_us, to_csms=to_csms)
        self.rings.add(station_id, real_us, data, to_csms)

    def _watch(self) -> None:
        now = self.clock.now()
        if self.settled_us is None and self.all_decided(now):
            self.settled_us = now
            self._faults = self.plan.faults()
            self._next_fault()
        if not self.ending:
            self.live.call_at(now + int(WATCH_US * self.plan.speed), self._watch)

    def all_decided(self, now: int) -> bool:
        """Has every station booted, or had its time to?"""
        if len(self.booted) == len(self.live.seats):
            return True
        last = self.plan.connect_at_us(len(self.live.seats) - 1)
        return now >= last + self.boot_timeout_us

    def still_has_time(self, index: int) -> bool:
        """Has a station not booted that need not have?"""
        return index not in self.booted and self.clock.now() < self.plan.connect_at_us(index) + self.boot_timeout_us

    # -- drivers and faults

    def _drivers(self, seat: Seat, now: int) -> None:
        plan: StationPlan = seat.plan
        if plan.habit is None:
            return
        for spec in plan.model.evses:
            driver = DriverPlan(seat.station.rng, plan.habit, spec.evse_id, self.tokens, dc=spec.is_dc)
            self._visit(seat, seat.station, driver, now)

    def _visit(self, seat: Seat, station: Station, driver: DriverPlan, start_us: int) -> None:
        if self.ending or seat.index in self.away or seat.station is not station:
            return
        acts, over_us = driver.next(start_us, self.clock.epoch_us + start_us)
        now = self.clock.now()
        for at_us, event in acts:
            if isinstance(event, i.Unplug):
                event = i.Unplug(event.evse_id, "both")
            self.live.call_at(max(now, at_us), _act(self, seat, station, event))
        self.live.call_at(max(now, over_us), lambda: self._visit(seat, station, driver, over_us))

    def act(self, seat: Seat, station: Station, event: i.Input) -> None:
        """A driver does something, unless the run is ending or the station he came to has left."""
        if not self.ending and seat.index not in self.away and seat.station is station:
            self.live.feed(seat, event)

    def _next_fault(self) -> None:
        if self._faults is None or self.ending or self.settled_us is None:
            return
        fault = next(self._faults, None)
        if fault is not None:
            self.live.call_at(self.settled_us + fault.at_us, lambda: self._begin_fault(fault))

    def _begin_fault(self, fault: StationFault) -> None:
        if self.ending:
            return
        for station_id in fault.station_ids:
            place = self.by_id[station_id].plan.place
            cause = fault.cause_at(place.site if place is not None else "")
            self.inject(station_id, fault.fault_id, fault.name, fault.evse_id, dict(fault.params), cause)
        if fault.until_us is not None and self.settled_us is not None:
            self.live.call_at(self.settled_us + fault.until_us, lambda: self._end_fault(fault))
        self._next_fault()

    def _end_fault(self, fault: StationFault) -> None:
        for station_id in fault.station_ids:
            self.clear(station_id, fault.fault_id)

    def inject(
        self, station_id: str, fault_id: str, name: str, evse_id: int, params: dict[str, Any], cause: str = ""
    ) -> None:
        """A fault begins at a station."""
        self.live.feed(self.by_id[station_id], i.Inject(fault_id, name, evse_id, params, cause))

    def clear(self, station_id: str, fault_id: str) -> None:
        """A fault ends at a station; nothing happens if it is not active."""
        seat = self.by_id[station_id]
        if fault_id in seat.station.board.active:
            self.live.feed(seat, i.Clear(fault_id))

    # -- the end

    def leave(self, station_id: str, drain_s: float) -> None:
        """One station begins to leave as at the end of a run; it is away after ``drain_s`` real seconds at the latest.

        Its phase is ``off`` once it is away; :meth:`add_station` brings it back then.
        """
        seat = self.by_id[station_id]
        if seat.index in self.away or self.ending:
            return
        self.away.add(seat.index)
        self._present(seat)
        now, second_us = self.clock.now(), int(1e6 * self.plan.speed)
        deadline_us = now + int(drain_s * second_us)
        self.live.call_at(now + int(PARTING_S * second_us), lambda: self._part(seat, i.Leave(deadline_us)))
        self.live.call_at(deadline_us + second_us, lambda: self._switch_off(seat))

    def _part(self, seat: Seat, leave: i.Leave) -> None:
        self._unplug(seat)
        self.live.feed(seat, leave)

    def _switch_off(self, seat: Seat) -> None:
        """A station that was rebooting or otherwise not to be talked to has to go as well."""
        if seat.index in self.away and seat.phase != "off":
            self.live.feed(seat, i.PowerOff())

    async def finish(self, mode: str, drain_s: float) -> None:
        """End the run: ``finish``, ``disconnect`` or ``power-cut``, at most ``drain_s`` real seconds."""
        self.ending = True
        self.storms.ending()
        deadline_us = self.clock.now() + int(drain_s * 1e6 * self.plan.speed)
        if mode == "power-cut":
            for seat in self.live.seats:
                self.live.feed(seat, i.PowerOff())
        else:
            if mode == "finish":
                await self._sessions_over()
            leave = i.Leave(deadline_us if mode == "finish" else self.clock.now())
            for number, seat in enumerate(self.live.seats):
                self.live.feed(seat, leave)
                if number % 500 == 499:
                    await asyncio.sleep(0)
            while self._anyone_left() and self.clock.now() < deadline_us + 1_000_000:
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.05)  # closing handshakes under way
        self.close_books()

    async def _sessions_over(self) -> None:
        """Every driver ends his session as he would: token, then cable; faults in the way are left in the way."""
        for seat in self.live.seats:
            self._present(seat)
        await asyncio.sleep(PARTING_S)
        for number, seat in enumerate(self.live.seats):
            self._unplug(seat)
            if number % 500 == 499:
                await asyncio.sleep(0)

    def _present(self, seat: Seat) -> None:
        for evse in seat.station.evses:
            if evse.grant is not None and evse.tx is not None:
                self.live.feed(seat, i.Present(evse.grant.id_token, evse.evse_id, evse.grant.token_type))

    def _unplug(self, seat: Seat) -> None:
        for evse in seat.station.evses:
            if evse.connected or evse.ev_gone:
                self.live.feed(seat, i.Unplug(evse.evse_id, "both"))

    def _anyone_left(self) -> bool:
        return any(not seat.station.link.held for seat in self.live.seats if seat.station.running)

    async def close(self) -> None:
        """Nothing is fed any more, and the connections of jobs are dropped."""
        self.live.stop()
        await self.executor.close()

    def close_books(self) -> None:
        """What was queued or open at the end goes into the ledger, what flash holds into the state."""
        now = self.clock.now()
        for seat in self.live.seats:
            close_station(self.ledger, seat.station, now)
        if self.state is not None:
            self.state.save([seat.station for seat in self.live.seats], now)
        self.live.stop()


def _act(farm: Farm, seat: Seat, station: Station, event: i.Input) -> Any:
    return lambda: farm.act(seat, station, event)


def _source(sources: Sequence[str], number: int) -> str | None:
    """The local address of a station; another number is another one, where there are several."""
    return sources[number % len(sources)] if sources else None


def stored_password(station: Station, text: str) -> bytes:
    """The bytes of a password as the station keeps it."""
    if station.dialect.password_is_hex:
        try:
            return bytes.fromhex(text)
        except ValueError:
            return text.encode()
    return text.encode()


def initial_password(seed: int, station_id: str) -> bytes:
    """The password a station of a farm without a stations file begins with: from the seed, 32 hexadecimal digits."""
    one = seed_of(seed, station_id)
    return (format(draw(one, "password", 0), "016x") + format(draw(one, "password", 1), "016x")).encode()
