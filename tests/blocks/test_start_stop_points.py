"""Every set of start points against every set of stop points, in every order of events (E01.FR.01-06, E06.FR.01-07).

The oracle is the sentence of the specification, written down once more: a transaction starts when *any* start point
holds, and ends when *any* stop point is no longer valid. It looks at the world (bay, plug, token, energy), never at the
station. DataSigned is left out: this meter does not sign (tests/ocpp2x/test_signed_values.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import Any

import pytest

from simulator.blocks.authorization import CONNECTION_TIMEOUT, STOP_ON_EV_SIDE
from simulator.blocks.availability import HEARTBEAT_INTERVAL
from simulator.blocks.metering import SAMPLE_INTERVAL
from simulator.blocks.transactions import TX_START_POINT, TX_STOP_POINT
from simulator.core import inputs as i
from simulator.core.effects import Dial, Send
from simulator.core.link_policy import PING_INTERVAL
from simulator.core.station import Station
from tests.bench import CAR, build

POINTS = ("ParkingBayOccupancy", "EVConnected", "Authorized", "PowerPathClosed", "EnergyTransfer")
SETS = tuple(chosen for size in range(1, 6) for chosen in combinations(POINTS, size))
RISES = ("park", "plug", "authorise")
FALLS = ("deauthorise", "unplug", "leave", "suspend")
#: (rises, falls): every order of all events
ORDERS = tuple((rises, falls) for rises in permutations(RISES) for falls in permutations(FALLS))
#: sessions that never come to energy, or where nobody has parked or plugged
PARTIAL = tuple(
    (
        rises,
        tuple(
            f
            for f, r in zip(("deauthorise", "unplug", "leave"), ("authorise", "plug", "park"), strict=True)
            if r in rises
        ),
    )
    for size in (1, 2)
    for rises in permutations(RISES, size)
)
#: how an event shows as a trigger reason; energy begins by itself
TRIGGERS = {
    "park": "EVDetected",
    "plug": "CablePluggedIn",
    "authorise": "Authorized",
    "energy": "ChargingStateChanged",
    "deauthorise": "StopAuthorized",
    "unplug": "EVCommunicationLost",
    "leave": "EVDeparted",
    "suspend": "ChargingStateChanged",
}


# -- the oracle --------------------------------------------------------------------------------------------------------


@dataclass
class World:
    """What is true at the EVSE."""

    bay: bool = False
    plug: bool = False
    token: bool = False
    wanted: bool = True
    flowing: bool = False

    def holds(self) -> set[str]:
        """The points that hold."""
        facts = {
            "ParkingBayOccupancy": self.bay,
            "EVConnected": self.plug,
            "Authorized": self.token,
            "PowerPathClosed": self.plug and self.token,
            "EnergyTransfer": self.flowing,
        }
        return {point for point, true in facts.items() if true}

    def can(self, event: str) -> bool:
        """Is there a token to take back, or a car to suspend?"""
        return {"deauthorise": self.token, "suspend": self.plug}.get(event, True)

    def happens(self, event: str, ends_on_ev_side: bool) -> Iterator[str]:
        """The event, and the energy that follows from it after a while."""
        if event in ("park", "leave"):
            self.bay = event == "park"
        elif event == "plug":
            self.plug = True
        elif event in ("authorise", "deauthorise"):
            self.token = event == "authorise"
        elif event == "unplug":
            self.plug = False
            self.token = self.token and not ends_on_ev_side
        elif event == "suspend":
            self.wanted = False
        self.flowing = self.flowing and self.plug and self.token and self.wanted
        yield event
        if self.plug and self.token and self.wanted and not self.flowing:
            self.flowing = True
            yield "energy"


Step = tuple[str, tuple[str, ...]]


def expected(start: tuple[str, ...], stop: tuple[str, ...], events: tuple[str, ...], ends: bool = True) -> list[Step]:
    """(cause, what of Started and Ended is told then), for every event that can happen and the energy it leads to."""
    world = World()
    # 2.6.6.2: as a stop point PowerPathClosed is the same as EVConnected and Authorized
    stops = set(stop) | ({"EVConnected", "Authorized"} if "PowerPathClosed" in stop else set())
    running, held, spent, steps = False, set[str](), set[str](), list[Step]()
    for event in events:
        if not world.can(event):
            continue
        for cause in world.happens(event, ends):
            told: list[str] = []
            now = world.holds()
            spent &= now
            if not running and (set(start) & now) - spent:
                running, held = True, set()
                told.append("Started")
            if running:
                held |= now
                if (stops & held) - now:
                    running, spent = False, now
                    told.append("Ended")
                    # a token authorises one transaction, and no energy flows outside of one
                    world.token = world.flowing = False
            steps.append((cause, tuple(told)))
    return steps


# -- the station -------------------------------------------------------------------------------------------------------

BOOTED = {"currentTime": "2026-03-01T00:00:00Z", "interval": 100_000, "status": "Accepted"}
ANSWERS: dict[str, Any] = {
    "BootNotification": BOOTED,
    "Authorize": {"idTokenInfo": {"status": "Accepted"}},
}


class Quick:
    """A station on a network of no delay, without the ceremony of the bench."""

    def __init__(self, version: str, start: tuple[str, ...], stop: tuple[str, ...], ends: bool) -> None:
        settings = {
            TX_START_POINT: start,
            TX_STOP_POINT: stop,
            STOP_ON_EV_SIDE: ends,
            CONNECTION_TIMEOUT: 0,
            SAMPLE_INTERVAL: 0,
            PING_INTERVAL: 0,
            HEARTBEAT_INTERVAL: 100_000,
        }
        self.station = Station("S", build(version, settings=settings, evse={"bay_sensor": True}), seed=1)
        self.now = 0
        self.events: list[dict[str, Any]] = []
        self.feed(i.PowerOn())
        self.pass_time(1)
        assert self.station.gate == "accepted"

    def feed(self, event: i.Input) -> None:
        """Feed, and answer whatever is asked, at once."""
        waiting = [event]
        while waiting:
            for effect in self.station.feed(waiting.pop(0), self.now):
                if isinstance(effect, Dial):
                    waiting.append(i.LinkUp(effect.link, effect.subprotocols[0]))
                elif isinstance(effect, Send) and effect.is_call:
                    _, message_id, action, payload = json.loads(effect.data)
                    if action == "TransactionEvent":
                        self.events.append(payload)
                    answer = json.dumps([3, message_id, ANSWERS.get(action, {})])
                    waiting.append(i.Frame(effect.link, answer.encode()))

    def pass_time(self, seconds: int) -> None:
        """Let time pass."""
        until = self.now + seconds * 1_000_000
        while (due := self.station.next_deadline()) is not None and due <= until:
            self.now = max(self.now, due)
            self.feed(i.Tick())
        self.now = until

    def happens(self, event: str) -> None:
        """One event."""
        self.feed(
            {
                "park": i.Park(1, True),
                "leave": i.Park(1, False),
                "plug": i.Plug(1, CAR),
                "unplug": i.Unplug(1, "both"),
                "authorise": i.Present("TAG", 1),
                "deauthorise": i.Present("TAG", 1),
                "suspend": i.EvReady(1, False),
            }[event]
        )


def play(quick: Quick, steps: list[Step]) -> list[Step]:
    """The same events at the station: what of Started and Ended it told at each step."""
    found: list[Step] = []
    for cause, _ in steps:
        quick.events.clear()
        if cause == "energy":
            quick.pass_time(4)
        else:
            quick.now += 1_000
            quick.happens(cause)
        for told in quick.events:
            judge(told, cause)
        found.append((cause, tuple(told["eventType"] for told in quick.events if told["eventType"] != "Updated")))
    return found


LAST: dict[str, tuple[int, str]] = {}


def judge(told: dict[str, Any], cause: str) -> None:
    """Started first with 0, then without a gap, Ended last; the trigger names the cause."""
    key = told["transactionInfo"]["transactionId"]
    before = LAST.get(key)
    assert told["seqNo"] == (0 if before is None else before[0] + 1), (told["seqNo"], before)
    assert (before is None) == (told["eventType"] == "Started")
    assert before is None or before[1] != "Ended"
    LAST[key] = (told["seqNo"], told["eventType"])
    if told["eventType"] != "Updated":
        assert told["triggerReason"] == TRIGGERS[cause], (told["eventType"], cause, told["triggerReason"])


def check(version: str, start: tuple[str, ...], stop: tuple[str, ...], orders: tuple[Any, ...], ends: bool) -> None:
    """One pair of sets through some orders of events, on one station as long as it comes to rest."""
    quick: Quick | None = None
    for rises, falls in orders:
        if quick is None:
            quick = Quick(version, start, stop, ends)
            LAST.clear()  # ids of the same station's next life repeat: nothing is kept between them
        wanted = expected(start, stop, rises + falls, ends)
        assert play(quick, wanted) == wanted, f"start {start}, stop {stop}, events {rises + falls}"
        evse = quick.station.evses[0]
        if evse.tx is not None or evse.grant is not None:
            quick = None  # nothing has ended it: begin anew


def some(orders: tuple[Any, ...], pair: int, count: int) -> tuple[Any, ...]:
    """A share of the orders, another one for every pair, so that together the pairs see all of them."""
    return tuple(orders[(pair * 7 + n * 29) % len(orders)] for n in range(count))


def test_the_oracle_itself() -> None:
    events = ("park", "plug", "authorise", "deauthorise", "unplug", "leave")

    def told(start: str, stop: str) -> list[Step]:
        return [step for step in expected((start,), (stop,), events) if step[1]]

    assert told("EVConnected", "EVConnected") == [("plug", ("Started",)), ("unplug", ("Ended",))]
    assert told("Authorized", "Authorized") == [("authorise", ("Started",)), ("deauthorise", ("Ended",))]
    assert told("EnergyTransfer", "ParkingBayOccupancy") == [("energy", ("Started",)), ("leave", ("Ended",))]
    assert len(SETS) == 31 and len(ORDERS) == 144 and len(PARTIAL) == 9


@pytest.mark.parametrize("start", SETS, ids="+".join)
def test_any_start_point_starts_and_any_stop_point_that_falls_stops(start: tuple[str, ...]) -> None:
    for number, stop in enumerate(SETS):
        check("2.0.1", start, stop, some(ORDERS, number + 31 * SETS.index(start), 4), ends=True)


@pytest.mark.parametrize("start", SETS, ids="+".join)
def test_sessions_that_never_come_to_energy(start: tuple[str, ...]) -> None:
    for number, stop in enumerate(SETS):
        check("2.1", start, stop, some(PARTIAL, number + SETS.index(start), 1), ends=True)


@pytest.mark.slow
@pytest.mark.parametrize("ends", [True, False], ids=["ends_on_ev_side", "goes_on"])
@pytest.mark.parametrize("start", SETS, ids="+".join)
def test_every_order_of_events(start: tuple[str, ...], ends: bool) -> None:
    for stop in SETS:
        check("2.0.1", start, stop, (ORDERS if ends else ORDERS[::4]) + PARTIAL, ends)
