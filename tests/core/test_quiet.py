"""Who says QUIET tells the truth: nothing would have come of running rules and drains all the same.

The judge sits in ``Station._restful``, which is asked when a quiet input is about to pass. It runs every rule and every
drain and looks for a difference: a rule that wants to change something, a report, an effect, a timer.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from typing import Any

import pytest

from simulator.core import inputs as i
from simulator.core.station import Station
from simulator.core.wiring import DRAINS, QUIET, TIMERS, WATCHING_DRAINS
from simulator.fleet.virtual import VirtualFleet
from simulator.profile.compiled import compile_profile

VERSIONS = ("1.6", "2.0.1", "2.1")
SETTINGS = {
    "MeterValueSampleInterval": 7,
    "HeartbeatInterval": 11,
    "ClockAlignedDataInterval": 60,
    "MeterValuesSampledData": ("Energy.Active.Import.Register", "Power.Active.Import", "SoC"),
    "StopTxnSampledData": ("Energy.Active.Import.Register",),
    "MinimumStatusDuration": 2,
}
FAULTS = (
    "contactor.chattering",
    "meter.no_readings",
    "modem.flapping",
    "modem.outage",
    "pilot.bouncing",
    "protection.rcd_trip",
    "supply.mains_outage",
)
EPOCH_US = 1_772_323_200_000_000


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Every rest that is made use of is examined; how often that was."""
    kept = [0]
    plain = Station._restful

    def examine(st: Station) -> tuple[object, ...]:
        found = plain(st)
        if st._rest is None:  # asked at the end of a full pass
            return found
        if st._rest == found:
            kept[0] += 1
            before = _seen(st)
            assert st._settle(st.now), "a rule had something to change after a quiet input"
            for _, drain in DRAINS:
                drain(st, st.now)
            st.show_phase()
            assert _seen(st) == before, "rules or drains had something to say after a quiet input"
        return found

    monkeypatch.setattr(Station, "_restful", examine)
    yield kept


def _seen(st: Station) -> tuple[Any, ...]:
    facts = [tuple(getattr(evse, name) for name in type(evse).__slots__) for evse in st.evses]
    timers = {key: st.timers.get(*key) for key in st.timers.keys()}  # noqa: SIM118  (not a dictionary)
    return len(st._effects), st.outbox.next_order, facts, timers, dict(st.data), st.gate, st._phase, st.link.state


def _play(version: str, seed: int) -> tuple[VirtualFleet, str]:
    """Two hours of a station's life by lot: sessions, faults, cuts, requests of the CSMS."""
    lot = random.Random(seed)
    digest = hashlib.sha256()
    fleet = VirtualFleet(
        epoch_us=EPOCH_US,
        observer=lambda st, event, effects, now: digest.update(f"{now} {event} {effects}".encode()),
    )
    profile = "generic/dc-fast" if seed == 2 else "generic/ac-dual"
    model = compile_profile(profile, version, settings=SETTINGS)
    station = Station(f"Q-{version}", model, seed=seed, epoch_us=EPOCH_US)
    fleet.add(station)
    fleet.feed(station, i.PowerOn())
    for number in range(120):
        fleet.run(lot.choice((1, 5, 20, 60, 180)))
        evse_id = lot.choice((1, 2))
        what = lot.randrange(12)
        if what <= 2:
            fleet.feed(station, i.Plug(evse_id, i.EvSpec(soc=lot.random(), target_soc=0.9)))
        elif what <= 5:
            fleet.feed(station, i.Present(lot.choice(("TAG-A", "TAG-B")), evse_id))
        elif what <= 7:
            fleet.feed(station, i.Unplug(evse_id, lot.choice(("ev", "both", "station"))))
        elif what == 8:
            fleet.feed(station, i.Inject(f"f{number}", lot.choice(FAULTS)))
            fleet.run(30)
            fleet.feed(station, i.Clear(f"f{number}"))
        elif what == 9:
            fleet.cut(station)
            fleet.run(40)
            fleet.mend(station)
        elif what == 10:
            words = ("Operative", "Inoperative")
            if version == "1.6":
                fleet.ask(station, "ChangeAvailability", {"connectorId": evse_id, "type": lot.choice(words)})
            else:
                asked = {"evse": {"id": evse_id}, "operationalStatus": lot.choice(words)}
                fleet.ask(station, "ChangeAvailability", asked)
        else:
            fleet.feed(station, i.EvReady(evse_id, lot.random() < 0.5))
    fleet.feed(station, i.Leave(fleet.now + 60_000_000))
    fleet.run(120)
    return fleet, digest.hexdigest()


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_missed(version: str, seed: int, judged: list[int]) -> None:
    _play(version, seed)
    assert judged[0] > 200, "hardly any input was quiet: the scenario proves nothing"


@pytest.mark.parametrize("version", VERSIONS)
def test_the_digest_is_the_same_without_any_rest(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _, with_rest = _play(version, 9)
    monkeypatch.setattr(Station, "_restful", lambda st: (object(),))
    _, without = _play(version, 9)
    assert with_rest == without


def test_the_judge_sees_a_wrong_word(judged: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(st: Station, index: int, now: int) -> object:
        st.evses[0].bay = not st.evses[0].bay
        st.timers.set("heartbeat", now + 11_000_000)
        return QUIET

    monkeypatch.setitem(TIMERS, "heartbeat", wrong)
    with pytest.raises(AssertionError, match="after a quiet input"):
        _play("1.6", 1)


def test_drains_that_watch_the_outbox_are_drains() -> None:
    assert WATCHING_DRAINS and all(row in DRAINS for row in WATCHING_DRAINS)


def test_a_tick_for_nothing_is_no_quiet_input() -> None:
    """Whoever moved a fact from outside may ask the station to look."""
    fleet = VirtualFleet(epoch_us=EPOCH_US)
    station = Station("Q", compile_profile("generic/ac-single", "1.6"), seed=1, epoch_us=EPOCH_US)
    fleet.add(station)
    fleet.feed(station, i.PowerOn())
    fleet.run(5)
    station.evses[0].operative = False
    fleet.feed(station, i.Tick())
    assert station.evses[0].status == "Unavailable"
