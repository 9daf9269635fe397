"""Quirks of remote starts, on the wire, with and without."""

from __future__ import annotations

from typing import Any

from simulator.quirks import remote_start
from tests.quirks.rig import Bench, build, compare
from tests.quirks.test_smart_limits import FULL, SIX, flows


def started(b: Bench) -> int:
    return b.csms.actions().count("StartTransaction")


def test_accepted_only() -> None:
    assert remote_start.AcceptedOnly.name == "remotestart-accepted-no-start"

    def scenario(b: Bench) -> tuple[str, int]:
        answer = b.boot().plug().remote_start()["status"]
        return answer, started(b.run(10))

    compare("remotestart-accepted-no-start", scenario, without=("Accepted", 1), with_=("Accepted", 0))


def test_accepted_only_in_the_newer_versions() -> None:
    b = Bench(build("remotestart-accepted-no-start", version="2.0.1")).boot().plug()
    token = {"idToken": "REMOTE", "type": "Central"}
    assert b.ask("RequestStartTransaction", evseId=1, remoteStartId=1, idToken=token)["status"] == "Accepted"
    assert b.run(20).station.evses[0].tx is None


def test_start_without_a_car() -> None:
    def scenario(b: Bench) -> list[Any]:
        answers = [b.boot().remote_start()["status"]]
        b.run(5).plug(20)
        answers += [b.ask("RemoteStopTransaction", transactionId=1)["status"], b.csms.actions().count("Authorize")]
        return answers

    name = "remotestart-accepted-when-available"
    b = compare(name, scenario, without=["Accepted", "Accepted", 0], with_=["Accepted", "Rejected", 1])
    b.unplug().plug().remote_start()
    b.run(20)
    assert b.ask("RemoteStopTransaction", transactionId=2) == {"status": "Accepted"}


def test_mode_by_start() -> None:
    def scenario(b: Bench) -> list[int]:
        watts = [flows(b.boot().plug().token("TAG", 10))]
        b.token("TAG", 5).unplug()
        for mode in ("ECO+", "FAST"):
            b.ask("ChangeConfiguration", key="OCPPChargeMode", value=mode)
            b.plug().remote_start()
            watts.append(flows(b.run(10)))
            b.unplug()
        return [*watts, flows(b.plug().token("TAG", 10))]

    name = "remotestart-changes-mode"
    keys = {"OCPPChargeMode": ("FAST", True)}
    b = compare(name, scenario, vendor_keys=keys, without=[FULL] * 4, with_=[0, SIX, FULL, 0])
    b.ask("ChangeConfiguration", key="FreeCharging", value="True")
    b.unplug().plug().remote_start()
    b.run(10).unplug()
    assert flows(b.plug().token("TAG", 10)) == FULL


def test_not_while_finishing() -> None:
    def scenario(b: Bench) -> list[str]:
        b.boot().plug().token("TAG", 10).token("TAG", 5)
        answers = [b.remote_start()["status"]]
        b.run(10).unplug().plug()
        return [*answers, b.remote_start()["status"], str(b.run(10) is b)]

    name = "remotestart-rejected-in-finishing"
    compare(name, scenario, without=["Accepted", "Accepted", "True"], with_=["Rejected", "Accepted", "True"])


def test_only_by_start() -> None:
    def scenario(b: Bench) -> list[int]:
        b.csms.groups = {"REMOTE": "GROUP", "OTHER": "GROUP"}
        b.boot().plug().token("TAG", 10)
        local = started(b)
        if local:
            b.token("TAG", 5)
        b.remote_start()
        return [local, started(b.run(10))]

    name = "remotestart-required"
    b = compare(name, scenario, without=[1, 2], with_=[0, 1])
    b.token("OTHER", 5)
    assert b.csms.transactions[1]["stop"], "a token that may end the session is asked about"
    asking = Bench(build(name, settings={"AuthorizeRemoteTxRequests": True})).boot().plug()
    asking.remote_start()
    assert started(asking.run(10)) == 1
    newer = Bench(build(name, version="2.0.1")).boot().plug().token("TAG", 10)
    assert not newer.csms.transactions
    token = {"idToken": "REMOTE", "type": "ISO14443"}
    assert newer.ask("RequestStartTransaction", evseId=1, remoteStartId=1, idToken=token)["status"] == "Accepted"
    assert newer.run(20).csms.transactions


def test_dead_restart() -> None:
    def scenario(b: Bench) -> list[Any]:
        b.boot().plug().remote_start()
        b.run(20).ask("RemoteStopTransaction", transactionId=1)
        b.run(30).remote_start()
        watts = flows(b.run(10))
        return [started(b), watts, b.run(60).station.link.is_up]

    params = {"offline_s": 120.0}
    name = "remotestart-soon-after-stop-dead-session"
    b = compare(name, scenario, params=params, without=[2, FULL, True], with_=[2, 0, False])
    assert b.run(120).station.link.is_up
    b.unplug().run(700)
    b.plug().remote_start()
    assert flows(b.run(10)) == FULL
