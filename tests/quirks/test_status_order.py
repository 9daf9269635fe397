"""Quirks of when a status is told, and of false ones, on the wire, with and without."""

from typing import Any

from simulator.core import inputs as i
from simulator.lab.csms import Late
from simulator.quirks import status_order
from tests.quirks.rig import Bench, build, compare
from tests.quirks.test_status import SESSION


def test_stop_lags() -> None:
    assert status_order.StopLags.name == "status-available-before-stop-tx"

    def scenario(b: Bench) -> list[str]:
        b.boot().plug().token("TAG", 50).feed(i.Unplug(1, "ev"), 10)
        told = [s.payload.get("status", "stop") for s in b.calls() if s.action in _ENDS]
        return told[-2:]

    more = {"evse": {"tethered": True}}
    without, with_ = ["stop", "Available"], ["Available", "stop"]
    compare("status-available-before-stop-tx", scenario, without=without, with_=with_, **more)
    newer = Bench(build("status-available-before-stop-tx", version="2.0.1", **more)).boot().plug().token("TAG", 60)
    newer.feed(i.Unplug(1, "ev"), 10)
    assert newer.csms.actions()[-2:] == ["StatusNotification", "TransactionEvent"]


_ENDS = ("StatusNotification", "StopTransaction")


def rebooted(b: Bench) -> list[tuple[str, Any]]:
    """What is told of connector 1, with info, after a boot of a station that is out of service."""
    b.disturbed = True
    b.boot().ask("ChangeAvailability", connectorId=0, type="Inoperative")
    b.csms.script["BootNotification"] = lambda csms, payload: Late(1.0, csms.on_BootNotification(payload))
    b.run(5)
    before = len(b.sent("StatusNotification"))
    b.ask("Reset", type="Hard")
    b.run(40)
    return [(p["status"], p.get("info")) for p in b.sent("StatusNotification")[before:] if p["connectorId"] == 1]


def test_available_flash() -> None:
    name, out = "status-available-flash-before-unavailable", ("Unavailable", None)
    b = compare(name, rebooted, without=[out], with_=[("Available", None), out])
    at = [s.now for s in b.calls() if s.action == "StatusNotification" and s.payload["connectorId"] == 1][-2:]
    assert 1_150_000 < at[1] - at[0] < 1_300_000


def test_a_flash_ends_when_a_car_comes() -> None:
    b = Bench(build(("status-vendor-init-state", {"init_s": 60})))
    b.boot(3).plug().run(60)
    assert b.statuses() == ["Unavailable", "Preparing"]


def test_init_state() -> None:
    def scenario(b: Bench) -> list[tuple[str, Any, Any]]:
        told = b.boot(10).sent("StatusNotification")
        return [(p["status"], p.get("info"), p.get("vendorErrorCode")) for p in told if p["connectorId"]]

    free = ("Available", None, None)
    with_ = [("Unavailable", "INIT", "INIT"), free]
    compare("status-vendor-init-state", scenario, without=[free], with_=with_)


def test_available_while_plugged() -> None:
    def scenario(b: Bench) -> tuple[list[str], bool]:
        b.smoke().session()
        return b.statuses(), b.station.evses[0].plugged

    name = "status-available-while-plugged"
    with_ = [*SESSION[:3], "Available", *SESSION[1:3], "Available"]
    compare(name, scenario, without=([*SESSION, *SESSION[1:]], False), with_=(with_, False))


def test_available_while_plugged_in_the_newer_versions() -> None:
    def told(*quirks: str) -> list[str]:
        b = Bench(build(*quirks, version="2.0.1")).boot().plug().token("TAG", 60).token("TAG", 10)
        assert b.station.evses[0].plugged
        b.unplug()
        return [p["connectorStatus"] for p in b.sent("StatusNotification")]

    assert told() == ["Available", "Occupied", "Available"]
    assert told("status-available-while-plugged") == ["Available", "Occupied", "Available"]
    b = Bench(build("status-available-while-plugged", version="2.0.1")).boot().plug().token("TAG", 60).token("TAG", 10)
    assert [p["connectorStatus"] for p in b.sent("StatusNotification")] == ["Available", "Occupied", "Available"]


def test_finishing_on_plug_in() -> None:
    finishing = ["Available", "Finishing", *SESSION[2:]]
    name = "status-finishing-on-plugin"
    compare(name, lambda b: b.smoke().statuses(), without=SESSION, with_=finishing)
    b = Bench(build(name)).boot()
    b.token("TAG", 5).plug().token("TAG", 5).unplug()
    assert b.statuses()[:3] == ["Available", "Preparing", "Charging"], "a token comes first: nothing is strange"


def test_stuck_in_finishing() -> None:
    def scenario(b: Bench) -> list[str]:
        answers = []
        b.boot().plug()
        for _ in range(2):
            answers.append(b.remote_start()["status"])
            b.run(30)
            if b.station.evses[0].tx is not None:
                b.ask("RemoteStopTransaction", transactionId=max(b.csms.transactions))
            b.run(10)
        b.unplug().plug()
        answers.append(b.remote_start()["status"])
        b.run(30).token("REMOTE", 5).unplug()
        return answers

    yes, no = "Accepted", "Rejected"
    compare("status-finishing-until-reset", scenario, without=[yes, yes, yes], with_=[yes, no, yes])


def test_a_reset_frees_what_is_stuck() -> None:
    b = Bench(build("status-finishing-until-reset", version="2.0.1")).boot().plug()

    def start(number: int) -> str:
        token = {"idToken": "REMOTE", "type": "Central"}
        answer = b.ask("RequestStartTransaction", evseId=1, remoteStartId=number, idToken=token)
        b.run(30)
        return str(answer["status"])

    assert start(1) == "Accepted"
    b.ask("RequestStopTransaction", transactionId=next(iter(b.csms.transactions)))
    b.run(5)
    assert start(2) == "Rejected"
    b.ask("Reset", type="Immediate")
    b.run(60)
    assert start(3) == "Accepted"


def test_statuses_again_on_reconnect() -> None:
    def scenario(b: Bench) -> list[tuple[int, str]]:
        b.boot().run(3_600).drop_link()
        return [(p["connectorId"], p["timestamp"][11:16]) for p in b.sent("StatusNotification")]

    first = [(0, "00:00"), (1, "00:00")]
    compare("status-stale-timestamp-on-reconnect", scenario, without=first, with_=first * 2)


def test_a_status_that_has_changed_is_told_once() -> None:
    b = Bench(build("status-stale-timestamp-on-reconnect")).boot()
    b.fleet.cut(b.station)
    b.run(20).plug(30)
    b.fleet.mend(b.station)
    b.run(60)
    assert b.statuses() == ["Available", "Preparing"]
