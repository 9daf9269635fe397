"""When to dial, how long to wait, whom to believe, and when a silent link is dead."""

from __future__ import annotations

from itertools import pairwise

import pytest

from simulator.core import inputs as i
from simulator.core import records as r
from simulator.core.effects import Dial, Hangup, Ping
from simulator.core.link_policy import PASSWORD
from simulator.core.station import Station
from tests.core.build import VERSIONS, Rig, model, rig

each_version = pytest.mark.parametrize("version", VERSIONS)


class Bare:
    """A station without a network: the test plays the driver."""

    def __init__(self, version: str = "1.6", seed: int = 1, speed: int = 1, **settings: object) -> None:
        self.st = Station("CP1", model(version, settings=settings), seed=seed, speed=speed)
        self.now = 0
        self.seen: list[tuple[int, object]] = []
        self.feed(i.PowerOn())

    def feed(self, event: i.Input) -> None:
        self.seen += [(self.now, effect) for effect in self.st.feed(event, self.now)]

    def until(self, kind: type, limit_s: float = 100_000) -> int:
        """Tick until the station asks for this; the moment."""
        count = len([e for _, e in self.seen if isinstance(e, kind)])
        while len([e for _, e in self.seen if isinstance(e, kind)]) == count:
            due = self.st.next_deadline()
            assert due is not None and due <= limit_s * 1e6, f"no {kind.__name__}"
            self.now = max(self.now, due)
            self.feed(i.Tick())
        return self.now

    def of(self, kind: type) -> list[object]:
        return [e for _, e in self.seen if isinstance(e, kind)]

    def records(self, kind: type) -> list[object]:
        return [e.what for _, e in self.seen if hasattr(e, "what") and isinstance(e.what, kind)]

    def refuse(self, after_s: float = 1.0, **fields: object) -> None:
        self.now += int(after_s * 1e6)
        self.feed(i.LinkDown(self.st.link.number, "refused", **fields))  # type: ignore[arg-type]


def waits(bare: Bare, rounds: int, **fields: object) -> list[float]:
    """Seconds from each failure to the next dial."""
    found = []
    bare.until(Dial)
    for _ in range(rounds):
        bare.refuse(**fields)
        failed = bare.now
        found.append((bare.until(Dial) - failed) / 1e6)
    return found


# -- back-off


@each_version
def test_the_wait_doubles_up_to_its_bound_and_has_a_random_part(version: str) -> None:
    """Part 4, 5.3: minimum, doubled after every failure for RepeatTimes times, plus up to RandomRange."""
    found = waits(Bare(version), 9)  # minimum 5 s, random 5 s, 5 times
    for wait, base in zip(found, (5, 10, 20, 40, 80, 160, 160, 160, 160), strict=True):
        assert base <= wait < base + 5
    assert len({wait % 5 for wait in found}) == 9, "the random part is drawn anew each time"


def test_two_stations_do_not_come_back_at_the_same_moment() -> None:
    assert waits(Bare(seed=1), 4) != waits(Bare(seed=2), 4)
    assert waits(Bare(seed=1), 4) == waits(Bare(seed=1), 4)


def test_the_three_variables_are_obeyed() -> None:
    bare = Bare(
        "2.0.1",
        **{
            "OCPPCommCtrlr.RetryBackOffWaitMinimum": 3,
            "OCPPCommCtrlr.RetryBackOffRandomRange": 0,
            "OCPPCommCtrlr.RetryBackOffRepeatTimes": 2,
        },
    )
    assert waits(bare, 5) == [3, 6, 12, 12, 12]


def test_a_connection_that_came_up_begins_anew() -> None:
    bare = Bare()
    assert waits(bare, 4)[-1] >= 40
    bare.feed(i.LinkUp(bare.st.link.number, "ocpp1.6"))
    bare.refuse()
    failed = bare.now
    assert (bare.until(Dial) - failed) / 1e6 < 10


@each_version
def test_retry_after_is_obeyed_and_bounded(version: str) -> None:
    assert waits(Bare(version), 1, retry_after_s=120)[0] == 120
    assert 5 <= waits(Bare(version), 1, retry_after_s=1)[0] < 10, "never sooner than the back-off"
    assert 5 <= waits(Bare(version), 1, retry_after_s=-5)[0] < 10
    assert waits(Bare(version), 1, retry_after_s=10**12)[0] == 86_400


def test_retry_after_counts_real_seconds_whatever_the_speed() -> None:
    assert waits(Bare(speed=60), 1, retry_after_s=120)[0] == 120 * 60


# -- numbers


def test_what_carries_another_number_is_ignored() -> None:
    bare = Bare()
    bare.until(Dial)
    first = bare.st.link.number
    bare.refuse()
    bare.until(Dial)
    for event in (i.LinkUp(first, "ocpp1.6"), i.LinkDown(first, "reset"), i.Frame(first, b"[]"), i.Pong(first)):
        before = len(bare.seen)
        bare.feed(event)
        assert len(bare.seen) == before
    assert bare.st.link.state == "dialing"
    bare.feed(i.LinkUp(first + 1, "ocpp1.6"))
    before = len(bare.records(r.Connected))
    bare.feed(i.LinkUp(first + 1, "ocpp1.6"))
    assert len(bare.records(r.Connected)) == before == 1, "a second LinkUp of the same link"


def test_numbers_are_never_used_again_not_even_after_a_power_cut() -> None:
    bare = Bare()
    bare.until(Dial)
    for _ in range(3):
        bare.feed(i.PowerOff())
        bare.now += 1_000_000
        bare.feed(i.PowerOn())
        bare.until(Dial)
    numbers = [dial.link for dial in bare.of(Dial)]  # type: ignore[attr-defined]
    assert numbers == sorted(set(numbers)) and len(numbers) == 4


@pytest.mark.parametrize("picked", [None, "", "ocpp2.0", "ocpp1.5", "OCPP1.6"])
def test_a_subprotocol_nobody_offered_is_refused(picked: str | None) -> None:
    bare = Bare()
    bare.until(Dial)
    bare.feed(i.LinkUp(bare.st.link.number, picked))
    assert [c.cause for c in bare.records(r.ConnectFailed)] == ["subprotocol"]  # type: ignore[attr-defined]
    assert [h.how for h in bare.of(Hangup)] == ["close"]  # type: ignore[attr-defined]
    assert not bare.records(r.Connected)
    bare.until(Dial)


def test_a_driver_that_never_answers_a_dial_does_not_hang_the_station() -> None:
    bare = Bare()
    first = bare.until(Dial)
    second = bare.until(Dial)
    assert 60 <= (second - first) / 1e6 <= 75
    assert [c.cause for c in bare.records(r.ConnectFailed)] == ["timeout"]  # type: ignore[attr-defined]
    assert len(bare.of(Hangup)) == 1


def test_the_own_password_is_shown_to_the_driver_and_to_nobody_else() -> None:
    bare = Bare()
    bare.until(Dial)
    assert bare.of(Dial)[0].password is None  # type: ignore[attr-defined]
    bare.st.now = bare.now
    assert bare.st.write_setting(PASSWORD, "hush-hush-hush-hush")
    bare.refuse()
    bare.until(Dial)
    assert bare.of(Dial)[-1].password == "hush-hush-hush-hush"  # type: ignore[attr-defined]
    assert "hush" not in str([e for _, e in bare.seen if not isinstance(e, Dial)])


# -- pings


def pings(lab: Rig) -> list[float]:
    return [now / 1e6 for now, effect in lab.asked if isinstance(effect, Ping)]  # type: ignore[attr-defined]


def watched(version: str, **settings: object) -> Rig:
    lab = rig(version, settings=settings)
    asked: list[tuple[int, object]] = []
    lab.asked = asked  # type: ignore[attr-defined]
    lab.fleet._observer = lambda st, event, effects, now: asked.extend((now, effect) for effect in effects)
    return lab


@each_version
def test_pings_come_at_their_interval_and_change_with_the_setting(version: str) -> None:
    lab = watched(version, WebSocketPingInterval=10).boot(100)
    gaps = [b - a for a, b in pairwise(pings(lab))]
    assert len(gaps) >= 7 and all(10 <= gap < 10.2 for gap in gaps)
    if version == "1.6":
        answer = lab.fleet.ask(lab.station, "ChangeConfiguration", {"key": "WebSocketPingInterval", "value": "30"})
        assert answer == {"status": "Accepted"}
    else:
        row = {
            "component": {"name": "OCPPCommCtrlr"},
            "variable": {"name": "WebSocketPingInterval"},
            "attributeValue": "30",
        }
        answer = lab.fleet.ask(lab.station, "SetVariables", {"setVariableData": [row]})
        assert answer["setVariableResult"][0]["attributeStatus"] == "Accepted"
    before = len(pings(lab))
    lab.run(100)
    assert len(pings(lab)) - before == 3


def test_an_interval_of_0_is_no_ping() -> None:
    lab = watched("1.6", WebSocketPingInterval=0).boot(3_600)
    assert not pings(lab)


@each_version
def test_a_half_open_modem_swallows_pings_and_the_station_finds_out(version: str) -> None:
    lab = watched(version, WebSocketPingInterval=10).boot()
    lab.feed(i.Inject("f", "modem.half_open"))
    lab.run(35)
    assert not pings(lab), "a ping left a modem that passes nothing"
    assert [d.cause for d in lab.records(r.Disconnected)] == ["local_reset"]
    lab.feed(i.Clear("f"))
    lab.back(1)


# -- the modem, the end of a run


@each_version
def test_the_link_follows_the_modem(version: str) -> None:
    lab = rig(version).boot()
    lab.feed(i.Inject("f", "modem.outage"))
    assert not lab.station.link.is_up
    lab.run(300)
    dials = len(lab.records(r.ConnectFailed))
    assert dials == 0, "a station without a network does not dial"
    lab.feed(i.Clear("f"))
    lab.run(10)
    assert lab.station.link.is_up


@each_version
def test_a_switched_off_station_stays_off_whatever_happens_to_its_parts(version: str) -> None:
    lab = rig(version).boot()
    lab.feed(i.PowerOff())
    lab.feed(i.Inject("a", "reader.dead"), i.Clear("a"), i.Inject("m", "supply.mains_outage"), i.Clear("m"))
    lab.run(60)
    assert not lab.station.powered
    lab.feed(i.PowerOn())
    lab.back(1)


@each_version
def test_switched_on_without_mains_it_boots_when_they_come(version: str) -> None:
    lab = rig(version)
    lab.feed(i.Inject("m", "supply.mains_outage"), i.PowerOn())
    lab.run(60)
    assert not lab.station.powered
    lab.feed(i.Clear("m"))
    lab.back(1)


@each_version
def test_leaving_hangs_up_when_everything_is_said_and_never_dials_again(version: str) -> None:
    lab = rig(version).boot()
    lab.charge(seconds=20)
    lab.feed(i.Leave(lab.fleet.now + 60_000_000))
    lab.run(5)
    assert lab.station.link.is_up, "a session is under way"
    lab.leave()
    lab.run(5)
    assert not lab.station.link.is_up and len(lab.stops()) == 1
    lab.run(600)
    assert not lab.station.link.is_up and lab.records(r.PhaseChanged)[-1].phase == "off"


@each_version
def test_leaving_waits_no_longer_than_its_deadline_and_survives_a_reboot(version: str) -> None:
    lab = rig(version).boot()
    lab.charge(seconds=20)
    lab.feed(i.Leave(lab.fleet.now + 60_000_000))
    lab.feed(i.Perform("reboot", {"kind": "soft"}))
    lab.run(100)
    assert not lab.station.link.is_up
    lab.run(600)
    assert not lab.station.link.is_up
