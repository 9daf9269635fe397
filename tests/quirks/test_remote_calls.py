"""Quirks of requests that are not served, on the wire, with and without."""

from __future__ import annotations

from typing import Any

from simulator.lab.csms import Late
from simulator.quirks import remote_calls
from tests.quirks.rig import Bench, build, compare
from tests.quirks.test_smart import put


def word(answer: Any) -> str:
    """The status of an answer, the code of a CALLERROR, or that there was none."""
    if answer is None:
        return "silence"
    return str(answer.get("status", "answered") if isinstance(answer, dict) else answer[0])


def test_silent_before_boot() -> None:
    assert remote_calls.SilentBeforeBoot.name == "calls-before-boot-unanswered"

    def scenario(b: Bench) -> list[str]:
        b.csms.script["BootNotification"] = lambda csms, payload: Late(7, csms.on_BootNotification(payload))
        early = b.boot(1).ask("GetConfiguration", key=["HeartbeatInterval"])
        return [word(early), word(b.run(10).ask("GetConfiguration", key=["HeartbeatInterval"]))]

    without, with_ = ["answered", "answered"], ["silence", "answered"]
    compare("calls-before-boot-unanswered", scenario, without=without, with_=with_)


def test_availability_harms() -> None:
    def scenario(b: Bench) -> list[Any]:
        answer = b.boot(20).ask("ChangeAvailability", connectorId=0, type="Operative")
        b.run(60)
        return [word(answer), b.csms.actions().count("BootNotification")]

    b = compare("change-availability-harmful", scenario, without=["Accepted", 1], with_=["Accepted", 2])
    b.run(60).ask("ChangeAvailability", connectorId=0, type="Operative")
    assert b.run(60).csms.actions().count("BootNotification") == 2


def test_few_commands() -> None:
    def scenario(b: Bench) -> list[str]:
        b.boot()
        asked = {
            "ChangeAvailability": {"connectorId": 1, "type": "Operative"},
            "TriggerMessage": {"requestedMessage": "Heartbeat"},
            "ClearCache": {},
            "ChangeConfiguration": {"key": "LocalPreAuthorize", "value": "true"},
        }
        return [put(b), *(word(b.ask(action, **payload)) for action, payload in asked.items())]

    with_ = ["NotSupported"] * 3 + ["Accepted", "Rejected"]
    b = compare("commands-partial-support", scenario, without=["Accepted"] * 5, with_=with_)
    rows = b.ask("GetConfiguration", key=["AuthorizeRemoteTxRequests", "LocalPreAuthorize"])["configurationKey"]
    assert [(row["value"], row["readonly"]) for row in rows] == [("true", True), ("false", True)]
    assert b.ask("GetConfiguration", key=["NoSuchKey"]) == {"unknownKey": ["NoSuchKey"]}
    assert b.ask("ChangeConfiguration", key="HeartbeatInterval", value="100") == {"status": "Accepted"}


def test_no_configuration() -> None:
    def scenario(b: Bench) -> list[str]:
        b.boot()
        written = b.ask("ChangeConfiguration", key="HeartbeatInterval", value="100")
        return [word(b.ask("GetConfiguration", key=["HeartbeatInterval"])), word(written)]

    compare("getconfiguration-notimplemented", scenario, without=["answered", "Accepted"], with_=["NotImplemented"] * 2)


def test_long_tokens() -> None:
    def scenario(b: Bench) -> list[str]:
        b.boot().plug()
        answers = [word(b.remote_start("A" * 20))]
        b.run(10)
        if answers == ["Accepted"]:
            b.ask("RemoteStopTransaction", transactionId=1)
        return [*answers, word(b.run(5).remote_start("A" * 19)), str(b.run(10) is b)]

    fine = ["Accepted", "Accepted", "True"]
    compare("idtag-20-chars-typeconstraint", scenario, without=fine, with_=["TypeConstraintViolation", *fine[1:]])


def test_no_values_on_demand() -> None:
    def scenario(b: Bench) -> list[str]:
        b.boot()
        return [word(b.ask("TriggerMessage", requestedMessage=name)) for name in ("MeterValues", "Heartbeat")]

    name = "trigger-metervalues-rejected"
    compare(name, scenario, without=["Accepted"] * 2, with_=["Rejected", "Accepted"])
    b = Bench(build((name, {"unless_charging": True})))
    assert scenario(b)[0] == "Rejected" and scenario(b.plug().token("TAG", 20))[0] == "Accepted"
    newer = Bench(build(name, version="2.0.1"))
    assert scenario(newer) == ["Rejected", "Accepted"]
