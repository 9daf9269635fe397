"""The station on the test bench: the device under test, the tool's end of the wire, the clock, and a pair of hands.

Hands do what a tester does with a charge point on the table: plug, present a token, take the power or the network away,
break a part. What they did is remembered, so that :meth:`Rig.tidy_up` can undo it before the next case. Everything runs
on the virtual clock here; a rig knows its ``transport``, and the one on sockets is in :mod:`simulator.certify.sockets`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from simulator.blocks.device_model import serial_of
from simulator.certify.edition import edition_of
from simulator.certify.security import HOST, SECOND, Security, connect_payload, connection_of, endpoint_of
from simulator.certify.wire import ATTEMPT, ToolCsms, Watch
from simulator.core import effects as e
from simulator.core import inputs as i
from simulator.core.link_policy import TLS_PROFILES
from simulator.core.model import Model
from simulator.core.records import Remark
from simulator.core.station import Station
from simulator.errors import AuthorError
from simulator.fleet.virtual import VirtualFleet
from simulator.lab.files import LabFiles
from simulator.lab.jobs import LabWorker
from simulator.lab.security import Door
from simulator.pki.authority import Issued
from simulator.pki.keystore import PoolKeystore
from simulator.profile.compiled import compile_profile
from simulator.report.performance import MAX_SAMPLES, Performance

STATION_ID = "DUT"
#: no wait is longer than this, in seconds
MAX_WAIT_S = 7 * 86_400.0
MAINS, NETWORK = "hand-mains", "hand-network"


@dataclass(frozen=True, slots=True)
class Tool:
    """What is entered into the tool before a run: tokens by role, the connector under test, intervals in seconds."""

    valid: str = "VALID"
    valid2: str = "VALID2"
    group: str = "GROUP"
    group_member: str = "MEMBER"
    invalid: str = "INVALID"
    expired: str = "EXPIRED"
    blocked: str = "BLOCKED"
    connector: int = 1
    heartbeat_interval_s: int = 600
    boot_retry_s: int = 30
    connection_timeout_s: int = 30
    sample_interval_s: int = 60
    aligned_interval_s: int = 60
    transaction_s: int = 60

    def as_dict(self) -> dict[str, Any]:
        """Plain data for the report."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def delivered_model(profile: str, ocpp: str = "1.6") -> Model:
    """The product as it comes to the lab; raises ProfileError when it does not speak that version."""
    plain = compile_profile(profile, ocpp)
    absent = {name for setting in plain.absent for name in (setting.name, setting.key16)}
    wanted = edition_of(ocpp).delivered
    return compile_profile(profile, ocpp, settings={k: v for k, v in wanted.items() if k not in absent})


class Fleet(Protocol):
    """What a bench needs of the driver of its station: as ``VirtualFleet``, or on sockets."""

    epoch_us: int

    @property
    def now(self) -> int:
        """Microseconds since the beginning."""

    def add(self, station: Station, csms: ToolCsms) -> object:
        """The station and the tool's end of its link."""

    def feed(self, station: Station, event: i.Input) -> object:
        """An input, now."""

    def run(self, seconds: float) -> None:
        """Let so much time pass."""

    def run_until(self, until_us: int) -> None:
        """Let time pass up to a moment."""

    def settle(self, seconds: float, quiet: Callable[[], bool]) -> bool:
        """Let time pass until something holds, at most so long; does it?"""

    def call(self, station: Station, action: str, payload: dict[str, Any]) -> str:
        """The tool calls; the id of the message."""

    def cut(self, station: Station) -> None:
        """The network goes."""

    def mend(self, station: Station) -> None:
        """The network is back."""

    def recorded(self, kind: type) -> list[Any]:
        """All records of a kind, in order."""


@dataclass(slots=True)
class Hands:
    """What hands have done and not undone."""

    plugged: set[int] = field(default_factory=set)
    #: EVSEs with a car in the bay
    parked: set[int] = field(default_factory=set)
    faults: set[str] = field(default_factory=set)
    not_ready: set[tuple[str, int]] = field(default_factory=set)
    #: ids of reservations the tool has made
    reservations: set[int] = field(default_factory=set)


class Rig:
    """One device under test. ``deliver``: begin with a station on the table. Raises ProfileError for an unknown
    profile."""

    transport = "simulated"
    station_id = STATION_ID
    #: how fast the station's time runs
    speed = 1
    #: what the tool waits for is waited for at least so long; more than nothing where time is real, s
    patience_s = 0.0

    def __init__(
        self, profile: str, *, seed: int = 1, tool: Tool | None = None, deliver: bool = True, ocpp: str = "1.6"
    ) -> None:
        self.profile, self.seed, self.tool = profile, seed, tool or Tool()
        self.edition = edition_of(ocpp)
        self.model = delivered_model(profile, ocpp)
        self.deliveries = 0
        #: a case has left what cannot be undone: before the next one another station is delivered
        self.spent = False
        #: what was measured in all cases so far; the way back to the basic state does not count
        self.performance = Performance()
        #: SHA-256 of the last firmware image that was installed; a case that installs one notes it here
        self.firmware_sha256: str | None = None
        self.firmware_version: str | None = None
        #: a case wants to hear of connections, also where the tool lets everybody in, and of those that are not let in
        self.tells_connections = False
        #: number of the last link of this station that was up
        self._up = 0
        self.fleet: Fleet
        self._virtual: VirtualFleet
        self.station: Station
        self.csms: ToolCsms
        self.watch: Watch
        #: the tool's authority, passwords and door
        self.security: Security
        if deliver:
            self.deliver()

    def deliver(self, security_profile: int | None = None) -> None:
        """A station as it comes out of the box, on and booted as far as the tool lets it at once.

        ``security_profile``: it was ordered with one, and the tool's door is for this one; without it knows of none.
        """
        self.deliveries += 1
        self.spent, self._up = False, 0
        self.watch = Watch(self.edition.ocpp)
        self.keystore = PoolKeystore()
        self.worker = LabWorker(LabFiles(), self.keystore)
        self.fleet = self._new_fleet()
        epoch_us = self.fleet.epoch_us
        self.station = Station(STATION_ID, self.model, seed=self.seed, epoch_us=epoch_us, speed=self.speed)
        self.security = self._new_security(epoch_us)
        self.security.deliver(self.station, security_profile)
        tool = self.tool
        self.csms = self.edition.csms(
            self.model.dialect.subprotocol,
            station_id=STATION_ID,
            interval_s=tool.heartbeat_interval_s,
            verdicts={tool.invalid: "Invalid", tool.expired: "Expired", tool.blocked: "Blocked"},
        )
        self.fleet.add(self.station, self.csms)
        self.door = self.security.door
        self.hands = Hands()
        self.feed(i.PowerOn())
        self.run(0)

    def _new_fleet(self) -> Fleet:
        """The driver of one station."""
        fleet = VirtualFleet(observer=self._observe)
        fleet.worker = self.worker
        self._virtual = fleet
        return fleet

    def _new_security(self, epoch_us: int) -> Security:
        """The tool's side of security for the station."""
        return Security(epoch_us, serial_of(self.station) or STATION_ID, self.keystore)

    def _observe(self, st: Station, event: i.Input, effects: list[e.AnyEffect], now: int) -> None:
        if isinstance(event, i.LinkUp):
            self._up = event.link
            dial = self._virtual.paths[0].dials[-1]
            if self.security.door is not None:
                self.csms.connected(connection_of(self.security, st, dial), now)
            elif self.tells_connections:
                self.csms.connected(connect_payload(st.id, endpoint=endpoint_of(dial.url)), now)
        elif isinstance(event, i.LinkDown) and self.tells_connections and event.link != self._up:
            dial = self._virtual.paths[0].dials[-1]
            self.csms.connected({"endpoint": endpoint_of(dial.url)}, now, ATTEMPT)
        self.watch(st, event, effects, now)

    def close(self) -> None:
        """Nothing is needed any more."""

    @property
    def files(self) -> LabFiles:
        """The tool's file servers; a case finds them empty."""
        return self.worker.files

    @property
    def door(self) -> Door | None:
        """Who is let in at the tool's end; None lets everybody in. The basic state is the one of the delivery."""
        return self._virtual.paths[0].door

    @door.setter
    def door(self, door: Door | None) -> None:
        self._virtual.paths[0].door = door

    @property
    def connectors(self) -> tuple[int, ...]:
        """Numbers of the connectors, without 0."""
        return tuple(spec.evse_id for spec in self.model.evses)

    def fixed_cable(self, connector: int) -> bool:
        """Does the cable hang on the station?"""
        return self.model.evses[connector - 1].tethered

    def feels_cars(self, connector: int) -> bool:
        """Does the station know that a car is there before energy flows? Not through a household socket."""
        return self.model.evses[connector - 1].pilot

    # -- time

    @property
    def now_us(self) -> int:
        """The clock of the bench."""
        return self.fleet.now

    def run(self, seconds: float) -> None:
        """Let time pass."""
        assert 0 <= seconds <= MAX_WAIT_S, f"a wait of {seconds} s"
        self.fleet.run(seconds)

    def wait_for(self, quiet: Callable[[], bool], seconds: float) -> bool:
        """Let time pass until something holds, at most so long; did it?"""
        assert 0 <= seconds <= MAX_WAIT_S, f"a wait of {seconds} s"
        until_us = self.fleet.now + int(seconds * 1_000_000)
        if self.fleet.settle(seconds, quiet):
            return True
        self.fleet.run_until(until_us)
        return quiet()

    def measure(self) -> Performance:
        """A new measurement begins; :meth:`measured` adds it to the rest."""
        self.csms.performance = Performance()
        return self.csms.performance

    def measured(self, one: Performance) -> None:
        """Keep what was measured."""
        for name, samples in one.samples.items():
            kept = self.performance.samples[name]
            kept += samples[: MAX_SAMPLES - len(kept)]

    # -- hands

    def feed(self, event: i.Input) -> None:
        """An input, by whatever hand."""
        self.fleet.feed(self.station, event)

    def plug(self, connector: int, ev: i.EvSpec | None = None) -> None:
        """A car is connected."""
        self.hands.plugged.add(connector)
        self.feed(i.Plug(connector, ev or i.EvSpec(soc=0.1, curve="flat")))

    def unplug(self, connector: int, side: str = "both") -> None:
        """The cable is pulled: at the car (``ev``), at the socket (``station``), or both."""
        if side != "ev":
            self.hands.plugged.discard(connector)
        self.feed(i.Unplug(connector, side))

    def replug(self, connector: int) -> None:
        """The cable that still sits in the socket goes back into the car."""
        self.feed(i.Plug(connector, i.EvSpec(soc=0.1, curve="flat"), side="ev"))

    def park(self, connector: int, there: bool = True) -> None:
        """A car drives into the bay, or leaves it."""
        (self.hands.parked.add if there else self.hands.parked.discard)(connector)
        self.feed(i.Park(connector, there))

    def present(self, token: str, connector: int = 0) -> None:
        """A token at the reader; ``connector`` for a station with a reader each."""
        self.feed(i.Present(token, connector))

    def press(self, connector: int = 0) -> None:
        """The stop button; where a display asks which session a master pass is for, 0 means all of them."""
        self.feed(i.Press("stop", connector))

    def ev_ready(self, connector: int, ready: bool) -> None:
        """The car asks for energy or does not."""
        self._mark(("ev", connector), ready)
        self.feed(i.EvReady(connector, ready))

    def evse_ready(self, connector: int, ready: bool) -> None:
        """The station offers energy or does not."""
        self._mark(("evse", connector), ready)
        self.feed(i.EvseReady(connector, ready))

    def _mark(self, what: tuple[str, int], ready: bool) -> None:
        if ready:
            self.hands.not_ready.discard(what)
        else:
            self.hands.not_ready.add(what)

    def inject(self, name: str, fault: str, connector: int = 0, **params: Any) -> None:
        """A part breaks. Raises AuthorError when the station has no such fault."""
        before = len(self.fleet.recorded(Remark))
        self.feed(i.Inject(name, fault, connector, params))
        refused = [r.text for r in self.fleet.recorded(Remark)[before:] if r.text.startswith("fault not injected")]
        if refused:
            raise AuthorError(refused[0])
        self.hands.faults.add(name)

    def clear(self, name: str) -> None:
        """A part works again."""
        self.hands.faults.discard(name)
        self.feed(i.Clear(name))

    def network(self, up: bool) -> None:
        """The way between station and tool is cut at the tool's end, or mended."""
        if up:
            self.fleet.mend(self.station)
        else:
            self.fleet.cut(self.station)

    def refuse(self, on: bool) -> None:
        """The tool does not accept connections, or does again. It must be on the virtual clock."""
        self._virtual.paths[0].refuse = "refused" if on else ""

    def hang_up(self) -> None:
        """The tool drops the connection; the station may come back at once."""
        self.network(False)
        self.network(True)

    def second_url(self, security_profile: int, listening: bool = True) -> str:
        """The tool's second address, for a network profile of this security; not ``listening``: nobody answers."""
        url = f"{'wss' if security_profile in TLS_PROFILES else 'ws'}://{HOST}{SECOND}"
        self._virtual.elsewhere(self.station, url, self.csms if listening else None)
        return url

    def show(self, server: Issued) -> None:
        """The tool's server shows this certificate from now on."""
        self.security.show(server)

    def speak(self, *versions: str) -> None:
        """The tool's server knows these versions of TLS only."""
        assert self.security.door is not None
        self.security.door.versions = frozenset(versions)

    def mains(self, on: bool) -> None:
        """Mains power is there, or fails."""
        if on:
            self.clear(MAINS)
        else:
            self.inject(MAINS, "supply.mains_outage")

    def tidy_up(self) -> None:
        """Hands undo what they did: power, network, parts, cables. The tool has no files; its door is as it was."""
        self.worker.files = LabFiles()
        self.tells_connections = False
        if self.transport == "simulated":
            self.refuse(False)
        self.door = self.security.door
        self.fleet.mend(self.station)
        for name in sorted(self.hands.faults):
            self.clear(name)
        for who, connector in sorted(self.hands.not_ready):
            (self.ev_ready if who == "ev" else self.evse_ready)(connector, True)
        if not self.station.switched_on:
            self.feed(i.PowerOn())
        for connector in sorted(self.hands.plugged):
            self.unplug(connector)
        for connector in sorted(self.hands.parked):
            self.park(connector, False)
