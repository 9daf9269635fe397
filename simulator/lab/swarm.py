"""Random fleets from one seed, in memory, against the checkers: ``cpfarm hunt``.

A *plan* is plain data drawn from named streams of the seed: which profiles in which version, and a list of acts in time
(drivers, faults, the network, the switch, the CSMS). :func:`play` plays it on the virtual driver with the checkers
watching, then clears every fault, mends the network, has the cars leave, and asks for convergence. The same seed gives
the same plan and the same run; one number is the whole bug report.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import msgspec

from simulator.core import inputs as i
from simulator.core import records as r
from simulator.core.effects import AnyEffect
from simulator.core.rng import Rng, seed_of
from simulator.core.station import Station
from simulator.fleet.virtual import VirtualFleet
from simulator.hardware.board import PER_EVSE
from simulator.hardware.fault import FAULTS
from simulator.lab.checkers import Checkers, Problem
from simulator.lab.csms import SILENT, CallError, LabCsms, Late, Raw, Stranger, Twice
from simulator.profile.compiled import compile_profile
from simulator.profile.load import load_profile, profile_paths

MAX_STATIONS = 4
#: how long a fleet without faults may take to come to rest
REST_S = 1_800
TOKENS = ("A", "B", "BLOCKED")
#: what every station of a hunt is set to, so that an hour holds many sessions
SETTINGS = {
    "AllowOfflineTxForUnknownId": True,
    "MeterValueSampleInterval": 30,
    "TransactionMessageAttempts": 3,
    "TransactionMessageRetryInterval": 5,
    "MessageTimeout": 10,
}
GARBAGE = ("", "[]", "][", '[2,"a"]', '[2,"a","MakeTea",{}]', '[3,"nobody",{}]', '[2,"a","Reset",{"type":7}]', "[9]")
#: what a station's code may die of; a bug hunt has to survive its prey
CRASHES = (AssertionError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RuntimeError)
#: kind of act -> how often, relative to the others
ACTS = {
    "plug": 12, "unplug": 8, "present": 14, "suspend": 4, "press": 1, "inject": 6, "clear": 6, "cut": 3, "mend": 5,
    "switch_off": 2, "switch_on": 4, "reboot": 1, "remote_start": 4, "remote_stop": 3, "reset": 1, "availability": 2,
    "unlock": 2, "trigger": 2, "misbehave": 3, "behave": 3, "garbage": 1,
}  # fmt: skip


class Seat(msgspec.Struct, frozen=True):
    """One station of a plan."""

    station_id: str
    profile: str
    version: str


class Act(msgspec.Struct, frozen=True):
    """Something that happens to station ``seat`` at ``at_us``; ``lot`` decides what the kind leaves open."""

    at_us: int
    seat: int
    kind: str
    lot: int


class Plan(msgspec.Struct, frozen=True):
    """Everything a run is made of."""

    seed: int
    minutes: float
    seats: tuple[Seat, ...]
    acts: tuple[Act, ...]


@dataclass
class HuntResult:
    """What a hunt found: ``problems`` as sentences, empty when every rule was kept; ``digest`` of all frames."""

    seed: int
    minutes: float
    problems: list[str] = field(default_factory=list)
    digest: str = ""
    stations: int = 0
    feeds: int = 0
    transactions: int = 0

    @property
    def replay(self) -> str:
        """The one command that repeats it."""
        return f"cpfarm hunt --seed {self.seed} --runs 1 --minutes {self.minutes:g}"


def random_plan(seed: int, minutes: float = 30.0) -> Plan:
    """The plan of a seed. Profiles, network and acts are streams of their own: more of one shifts no other."""
    rng = Rng(seed_of("hunt", seed))
    names = sorted(profile_paths())
    seats = []
    for number in range(rng.between("stations", 1, MAX_STATIONS)):
        name = names[rng.below("profile", len(names))]
        versions = load_profile(name).profile.versions
        version = str(versions[rng.below("version", len(versions))])
        seats.append(Seat(f"HUNT-{seed}-{number}", name, version))
    kinds = [kind for kind, weight in ACTS.items() for _ in range(weight)]
    acts = []
    for number in range(len(seats)):
        at_us = 0
        while True:
            at_us += 1 + rng.below(f"pause-{number}", 2 ** rng.between(f"scale-{number}", 10, 27))
            if at_us > minutes * 60_000_000:
                break
            kind = kinds[rng.below(f"kind-{number}", len(kinds))]
            acts.append(Act(at_us, number, kind, rng.next(f"lot-{number}")))
    return Plan(seed, minutes, tuple(seats), tuple(sorted(acts, key=lambda act: act.at_us)))


def hunt(seed: int, minutes: float = 30.0) -> HuntResult:
    """Draw the plan of ``seed`` and play it."""
    return play(random_plan(seed, minutes))


def play(plan: Plan) -> HuntResult:
    """Run a plan against the checkers, then demand that everything comes to rest."""
    return _Run(plan).result()


class _Run:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.checkers = Checkers()
        self.fleet = VirtualFleet(observer=self._see)
        self.feeds = 0
        self._sha = sha256()
        self._faults = 0
        self.stations: list[Station] = []
        for number, seat in enumerate(plan.seats):
            model = compile_profile(seat.profile, seat.version, settings=SETTINGS)
            station = Station(seat.station_id, model, seed=plan.seed, number=number, epoch_us=self.fleet.epoch_us)
            csms = self.fleet.add(station)
            csms.verdicts["BLOCKED"] = "Blocked"
            self.stations.append(station)

    def _see(self, station: Station, event: i.Input, effects: list[AnyEffect], now: int) -> None:
        self.feeds += 1
        self._sha.update(msgspec.json.encode((now, station.id, event, effects)))
        self.checkers.observe(station, event, effects, now)

    def result(self) -> HuntResult:
        """Play, rest, judge."""
        found = HuntResult(self.plan.seed, self.plan.minutes, stations=len(self.stations))
        try:
            for station in self.stations:
                self.fleet.feed(station, i.PowerOn())
            for act in self.plan.acts:
                self.fleet.run_until(act.at_us)
                self._act(act)
            self._rest()
            self.checkers.finish(self.stations, self.fleet.now)
        except CRASHES as error:
            place = error.__traceback__
            while place is not None and place.tb_next is not None:
                place = place.tb_next
            code = place.tb_frame.f_code if place is not None else None
            where = f"{code.co_qualname}:{place.tb_lineno}" if code is not None and place is not None else "?"
            what = f"{type(error).__name__}: {error} in {where}"
            self.checkers.problems.append(Problem(self.fleet.now, "-", "crash", what))
        found.problems = [str(problem) for problem in self.checkers.problems]
        found.digest, found.feeds = self._sha.hexdigest(), self.feeds
        found.transactions = len(self.fleet.recorded(r.TransactionOpened))
        return found

    def _rest(self) -> None:
        """No faults, a network, a sound CSMS, and everybody goes home."""
        for station in self.stations:
            csms = self.fleet.csms(station)
            csms.script.clear()
            for fault_id in list(station.board.active):
                self.fleet.feed(station, i.Clear(fault_id))
            self.fleet.feed(station, i.Press("emergency_release"))
            self.fleet.cut(station)  # some products recover only with a new connection
            if station.link.is_up:  # lost silently, and it never pings
                self.fleet.feed(station, i.LinkDown(station.link.number, "reset"))
            self.fleet.mend(station)
            self.fleet.feed(station, i.PowerOn())
        self.fleet.settle(REST_S, self._quiet)
        for _ in range(2):  # a lock may let go only after a while
            for station in self.stations:
                for evse in station.evses:
                    if evse.bay:
                        self.fleet.feed(station, i.Park(evse.evse_id, False))
                    if evse.connected or evse.ev_gone:
                        self.fleet.feed(station, i.Unplug(evse.evse_id, "both"))
            self.fleet.run(180)
        self.fleet.settle(REST_S, self._quiet)

    def _quiet(self) -> bool:
        return all(
            st.running and st.link.is_up and st.gate == "accepted" and not st.outbox.waiting() for st in self.stations
        )

    # -- acts

    def _act(self, act: Act) -> None:
        station = self.stations[act.seat]
        lot = act.lot
        evse_id = 1 + lot % len(station.evses)
        rest = lot // 64
        event: i.Input | None = None
        match act.kind:
            case "plug":
                soc = (0.2, 0.6, 0.79, 0.999)[rest % 4]
                event = i.Plug(evse_id, i.EvSpec(soc=soc, battery_wh=(2_000.0, 60_000.0)[rest % 2]))
            case "unplug":
                event = i.Unplug(evse_id, ("ev", "station", "both")[rest % 3])
            case "present":
                event = i.Present(TOKENS[rest % len(TOKENS)], evse_id if rest % 2 else 0)
            case "suspend":
                event = i.EvReady(evse_id, rest % 2 == 0) if rest % 3 else i.EvseReady(evse_id, rest % 2 == 0)
            case "press":
                event = i.Press(("stop", "emergency_stop", "emergency_release")[rest % 3], evse_id)
            case "inject":
                names = list(FAULTS)
                name = names[rest % len(names)]
                self._faults += 1
                single = FAULTS.get(name).part in PER_EVSE
                event = i.Inject(f"fault-{self._faults}", name, evse_id if single else 0)
            case "clear":
                active = list(station.board.active)
                event = i.Clear(active[rest % len(active)]) if active else None
            case "cut":
                self.fleet.cut(station, silently=rest % 2 == 0)
            case "mend":
                self.fleet.mend(station)
            case "switch_off":
                event = i.PowerOff()
            case "switch_on":
                event = i.PowerOn()
            case "reboot":
                event = i.Perform("reboot", {"kind": ("soft", "hard")[rest % 2]})
            case "misbehave":
                self._misbehave(self.fleet.csms(station), rest)
            case "behave":
                self.fleet.csms(station).script.clear()
            case "garbage":
                event = i.Frame(station.link.number, GARBAGE[rest % len(GARBAGE)].encode())
            case _:
                call = _request(station.dialect.name, act.kind, evse_id, rest, self.fleet.csms(station))
                self.fleet.call(station, *call)
        if event is not None:
            self.fleet.feed(station, event)

    def _misbehave(self, csms: LabCsms, lot: int) -> None:
        actions = ("BootNotification", "Authorize", "StartTransaction", "StopTransaction", "MeterValues",
                   "TransactionEvent", "StatusNotification", "Heartbeat")  # fmt: skip
        action, how = actions[lot % len(actions)], lot // 8 % 8

        def answer(csms: LabCsms, payload: dict[str, Any]) -> Any:
            if how < 4:
                return (SILENT, CallError("InternalError"), Raw('[3,"{id}",{"unwanted":1}]'), Raw("]["))[how]
            reply = csms.sound(action, payload)
            return (Late(4, reply), Late(25, reply), Twice(reply), Stranger(reply))[how - 4]

        csms.script[action] = answer


def _request(version: str, kind: str, evse_id: int, lot: int, csms: LabCsms) -> tuple[str, dict[str, Any]]:
    """A request of the CSMS in the words of its version."""
    old = version == "1.6"
    token = TOKENS[lot % len(TOKENS)]
    if kind == "remote_start":
        if old:
            return "RemoteStartTransaction", {"idTag": token, **({"connectorId": evse_id} if lot % 2 else {})}
        wish = {"idToken": {"idToken": token, "type": "Central"}, "remoteStartId": lot % 1000}
        return "RequestStartTransaction", {**wish, **({"evseId": evse_id} if lot % 2 else {})}
    if kind == "remote_stop":
        known = [*csms.transactions, 4711 if old else "nobody"]
        name = "RemoteStopTransaction" if old else "RequestStopTransaction"
        return name, {"transactionId": known[lot % len(known)]}
    if kind == "reset":
        alone = {"evseId": evse_id} if not old and lot % 3 == 0 else {}
        return "Reset", {"type": (("Soft", "Hard") if old else ("Immediate", "OnIdle"))[lot % 2], **alone}
    if kind == "availability":
        word = ("Operative", "Inoperative")[lot % 2]
        if old:
            return "ChangeAvailability", {"connectorId": evse_id if lot % 3 else 0, "type": word}
        return "ChangeAvailability", {"operationalStatus": word, **({"evse": {"id": evse_id}} if lot % 3 else {})}
    if kind == "unlock":
        return "UnlockConnector", {"connectorId": evse_id} if old else {"evseId": evse_id, "connectorId": 1}
    assert kind == "trigger", kind
    wanted = ("BootNotification", "Heartbeat", "MeterValues", "StatusNotification", "FirmwareStatusNotification")
    what: dict[str, Any] = {"requestedMessage": wanted[lot % len(wanted)]}
    if not old and what["requestedMessage"] == "StatusNotification":
        what["evse"] = {"id": evse_id, "connectorId": 1}
    return "TriggerMessage", what


def describe(plan: Plan) -> str:
    """A plan as JSON, one line; for a report, or to compare two."""
    return json.dumps(msgspec.to_builtins(plan), sort_keys=True)
