"""The power fails after every single input of every smoke scenario: nothing that was on flash is lost."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.core import inputs as i
from simulator.core import records as r
from simulator.core.link_policy import PASSWORD
from simulator.core.outbox import MESSAGE_ATTEMPTS
from simulator.core.station import Station
from simulator.lab.checkers import Checkers
from tests.core.build import VERSIONS, Rig, bring_to_rest, quiet, rig

Step = i.Input | float | str

#: inputs, seconds that pass, and what the network or the CSMS does
SCENARIOS: dict[str, list[Step]] = {
    "plug first": [i.Plug(1), 2.0, i.Present("A"), 70.0, i.Present("A"), 2.0, i.Unplug(1, "both"), 5.0],
    "token first": [i.Present("A"), 2.0, i.Plug(1), 70.0, i.Unplug(1, "both"), 5.0],
    "remote": ["start", 2.0, i.Plug(1), 40.0, "stop", 5.0, i.Unplug(1, "both"), 5.0],
    "suspended": [
        i.Plug(1), 1.0, i.Present("A"), 10.0, i.EvReady(1, False), 20.0, i.EvReady(1, True), 20.0,
        i.Present("A"), 1.0, i.Unplug(1, "both"), 5.0,
    ],
    "offline": [
        "cut", 1.0, i.Plug(1), 1.0, i.Present("A"), 70.0, i.Present("A"), 2.0, i.Unplug(1, "both"), "mend", 60.0,
    ],
    "two at once": [
        i.Plug(1), i.Plug(2), 1.0, i.Present("A", 1), i.Present("B", 2), 40.0, i.Present("A", 1), 3.0,
        i.Unplug(1, "both"), 20.0, i.Present("B", 2), 2.0, i.Unplug(2, "both"), 5.0,
    ],
    "fault": [
        i.Plug(1), 1.0, i.Present("A"), 20.0, i.Inject("f", "protection.rcd_trip", 1), 10.0, i.Clear("f"), 5.0,
        i.Unplug(1, "both"), 5.0,
    ],
    "reset": [i.Plug(1), 1.0, i.Present("A"), 20.0, "reset", 30.0, i.Unplug(1, "both"), 5.0],
}  # fmt: skip
LOSSES = ("stop_after", "resume", "stop_before")
SETTINGS = {"AllowOfflineTxForUnknownId": True, "MeterValueSampleInterval": 15}


def do(lab: Rig, step: Step) -> None:
    if isinstance(step, i.Input):
        lab.feed(step)
    elif isinstance(step, float):
        lab.run(step)
    elif step == "cut":
        lab.cut()
    elif step == "mend":
        lab.mend()
    else:
        old = lab.version == "1.6"
        if step == "start":
            payload: dict[str, Any] = {"idTag": "R", "connectorId": 1}
            if not old:
                payload = {"idToken": {"idToken": "R", "type": "Central"}, "evseId": 1, "remoteStartId": 7}
            lab.fleet.call(lab.station, "RemoteStartTransaction" if old else "RequestStartTransaction", payload)
        elif step == "stop":
            known = list(lab.csms.transactions)
            if known:
                name = "RemoteStopTransaction" if old else "RequestStopTransaction"
                lab.fleet.call(lab.station, name, {"transactionId": known[-1]})
        else:
            lab.fleet.call(lab.station, "Reset", {"type": "Soft" if old else "Immediate"})
        lab.run(0.5)


def watched(version: str, checkers: Checkers, **fields: Any) -> Rig:
    """A rig whose every feed the checkers see too."""
    lab = rig(version, settings=SETTINGS, evses=2, boot_power_s=5.0, **fields)
    frames = lab.watch

    def both(station: Station, event: i.Input, effects: list[Any], now: int) -> None:
        frames(station, event, effects, now)
        checkers.observe(station, event, effects, now)

    lab.fleet._observer = both
    return lab


def off_and_on(lab: Rig, how: str) -> None:
    """A fuse, or the mains."""
    if how == "fuse":
        lab.feed(i.PowerOff())
        lab.run(3)
        lab.feed(i.PowerOn())
    else:
        lab.feed(i.Inject("mains", "supply.mains_outage"))
        lab.run(6)
        assert not lab.station.powered, "the hold-up has no end"
        lab.feed(i.Clear("mains"))


def truth(lab: Rig) -> None:
    """What the CSMS knows against what the records say happened."""
    opened = {t.key: t for t in lab.records(r.TransactionOpened)}
    closed = {t.key: t for t in lab.records(r.TransactionClosed)}
    assert set(opened) == set(closed), "a transaction neither ended nor is there"
    known = lab.csms.transactions
    assert len(known) == len(opened)
    if lab.version == "1.6":
        named = {t.csms_id: t.key for t in lab.records(r.TransactionNamed)}
        assert set(named.values()) == set(opened)
        for number, told in known.items():
            stop = told["stop"]
            assert stop is not None, f"transaction {number} was never stopped"
            energy = stop["meterStop"] - told["start"]["meterStart"]
            assert energy == pytest.approx(closed[named[str(number)]].physical_energy_wh, abs=1.01)
        assert len({str(p) for p in lab.stops()}) == len(opened)
    else:
        for key, told in known.items():
            numbers = {e["seqNo"] for e in told["events"]}
            assert numbers == set(range(max(numbers) + 1)), f"{key}: a gap in {sorted(numbers)}"
            kinds = {e["seqNo"]: e["eventType"] for e in told["events"]}
            assert kinds[0] == "Started" and kinds[max(numbers)] == "Ended"
            assert list(kinds.values()).count("Ended") == list(kinds.values()).count("Started") == 1
    total = sum(t.physical_energy_wh for t in closed.values())
    taken = sum(meter.physical_wh(lab.fleet.now) - meter.origin_wh for meter in lab.station.board.meters)
    assert total == pytest.approx(taken, abs=0.01), "energy outside of every transaction"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", SCENARIOS)
def test_power_cut_after_every_input(version: str, loss: str, name: str) -> None:
    steps = SCENARIOS[name]
    for place in range(len(steps)):
        checkers = Checkers()
        holdup_s = 4.0 if loss == "stop_before" else 0.0
        lab = watched(version, checkers, power_loss=loss, holdup_s=holdup_s).boot()
        for number, step in enumerate(steps):
            do(lab, step)
            if number == place:
                off_and_on(lab, "mains" if loss == "stop_before" else "fuse")
        bring_to_rest(lab)
        problems = checkers.finish([lab.station], lab.fleet.now)
        assert not problems, f"cut after step {place} ({steps[place]}): {problems[0]}"
        truth(lab)


def interrupted(version: str, loss: str, **fields: Any) -> tuple[Rig, Checkers]:
    """A session under way, and a second one that is only authorised, when the mains fail."""
    checkers = Checkers()
    lab = watched(version, checkers, power_loss=loss, **fields).boot()
    lab.charge("A", 70)
    return lab, checkers


@pytest.mark.parametrize("version", VERSIONS)
def test_stop_before_says_so_while_the_capacitors_last(version: str) -> None:
    lab, checkers = interrupted(version, "stop_before", holdup_s=4.0)
    lab.feed(i.Inject("mains", "supply.mains_outage"))
    lab.run(1)
    assert lab.station.powered
    (stop,) = lab.stops()
    reason = stop["reason"] if version == "1.6" else stop["transactionInfo"]["stoppedReason"]
    assert reason == "PowerLoss"
    lab.run(10)
    assert not lab.station.powered
    lab.feed(i.Clear("mains"))
    bring_to_rest(lab)
    assert not checkers.finish([lab.station], lab.fleet.now)
    truth(lab)


@pytest.mark.parametrize("version", VERSIONS)
def test_mains_that_come_back_in_time_end_no_boot(version: str) -> None:
    lab, _ = interrupted(version, "stop_after", holdup_s=4.0)
    boots = len(lab.sent("BootNotification"))
    lab.feed(i.Inject("mains", "supply.mains_outage"))
    lab.run(2)
    lab.feed(i.Clear("mains"))
    lab.run(60)
    assert len(lab.sent("BootNotification")) == boots
    assert not lab.stops(), "two seconds without mains are no end of a session that waits for the power to come back"


@pytest.mark.parametrize("version", VERSIONS)
def test_stop_after_ends_it_at_the_next_boot(version: str) -> None:
    lab, _ = interrupted(version, "stop_after")
    before = lab.station.board.meters[0].register_wh(lab.fleet.now)
    off_and_on(lab, "fuse")
    assert not lab.stops()
    lab.fleet.settle(120, quiet(lab))
    (stop,) = lab.stops()
    if version == "1.6":
        assert stop["reason"] == "PowerLoss" and stop["meterStop"] == int(before)
    else:
        assert stop["transactionInfo"]["stoppedReason"] == "PowerLoss"
        assert stop["triggerReason"] == "AbnormalCondition" and stop["offline"] is True


@pytest.mark.parametrize("version", VERSIONS)
def test_resume_goes_on_with_the_same_transaction(version: str) -> None:
    lab, checkers = interrupted(version, "resume")
    off_and_on(lab, "fuse")
    lab.run(120)
    assert lab.station.evses[0].tx is not None and lab.station.evses[0].flowing
    assert not lab.stops() and len(lab.starts()) == 1
    lab.leave("A")
    bring_to_rest(lab)
    assert not checkers.finish([lab.station], lab.fleet.now)
    truth(lab)


@pytest.mark.parametrize("version", VERSIONS)
def test_resume_without_the_car_ends_it(version: str) -> None:
    lab, checkers = interrupted(version, "resume")
    lab.feed(i.PowerOff(), i.Unplug(1, "both"))
    lab.run(3)
    lab.feed(i.PowerOn())
    bring_to_rest(lab)
    assert not checkers.finish([lab.station], lab.fleet.now)
    assert len(lab.stops()) == 1
    truth(lab)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("outcome", ["lost", "corrupted"])
def test_a_torn_write_may_lose_something_but_says_so(version: str, outcome: str) -> None:
    """Cut after every input of a session on a memory that tears: no crash, and what is missing is on record."""
    steps = SCENARIOS["plug first"]
    for place in range(len(steps)):
        checkers = Checkers()
        lab = watched(version, checkers).boot()
        lab.feed(i.Inject("torn", "flash.torn_write", 0, {"outcome": outcome}))
        for number, step in enumerate(steps):
            do(lab, step)
            if number == place:
                lab.feed(i.PowerOff())
                torn = [t for t in lab.records(r.FlashTrouble) if t.why == "torn"]
                lab.run(3)
                lab.feed(i.PowerOn())
        bring_to_rest(lab)
        assert len(torn) <= 1 and all(t.area and t.lost for t in torn)
        problems = checkers.finish([lab.station], lab.fleet.now)
        assert not problems, f"cut after step {place} ({steps[place]}): {problems[0]}"
        told = {t.key for t in lab.records(r.TransactionOpened)}
        closed = {t.key for t in lab.records(r.TransactionClosed)}
        assert told == closed or torn, "a transaction is gone and nobody says so"


@pytest.mark.parametrize("version", VERSIONS)
def test_settings_passwords_and_the_register_survive(version: str) -> None:
    secret = "s3cret-password-0123"
    lab, _ = interrupted(version, "resume")
    assert lab.station.write_setting(PASSWORD, secret) and lab.station.write_setting(MESSAGE_ATTEMPTS, 7)
    register = lab.station.board.meters[0].register_wh(lab.fleet.now)
    off_and_on(lab, "fuse")
    lab.run(60)
    assert lab.station.settings[PASSWORD] == secret and lab.station.settings[MESSAGE_ATTEMPTS] == 7
    assert lab.fleet.paths[0].password == secret, "the next dial uses it"
    assert lab.station.board.meters[0].register_wh(lab.fleet.now) >= register
    assert secret not in str([what for _, _, what in lab.fleet.records])
    assert not any(secret.encode() in data for _, _, data in lab.frames)
