"""Ids and frames, and what an error does, with and without."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.core import inputs as i
from simulator.lab.csms import CallError, Raw
from simulator.quirks import connect_frames
from tests.quirks.rig import Bench, build, compare


def ids(b: Bench) -> list[str]:
    return [s.message_id for s in b.smoke().calls()]


def test_the_longest_ids() -> None:
    def long(found: list[str]) -> bool:
        return all(len(one) == 36 and one.isalnum() for one in found)

    b = compare("msgid-36-char-random", ids, without=lambda found: not long(found), with_=long)
    sent = [s.message_id for s in b.calls()]
    assert len(set(sent)) == len(sent) and connect_frames.MessageIdLongest.name == "msgid-36-char-random"


def test_the_same_id_at_every_boot() -> None:
    def scenario(b: Bench) -> list[str]:
        b.boot().disturbed = True
        b.feed(i.PowerOff(), 5).feed(i.PowerOn(), 60)
        return [s.message_id for s in b.calls() if s.action == "BootNotification"]

    fresh = lambda found: len(set(found)) == 2  # noqa: E731
    b = compare("msgid-reused-across-boots", scenario, without=fresh, with_=["1000001"] * 2)
    assert b.calls()[1].message_id == "1000003"


def test_frames_that_are_no_json() -> None:
    def scenario(b: Bench) -> list[bytes]:
        b.boot().session(70)
        b.ask("GetConfiguration", key=["HeartbeatInterval"])
        b.run(400)
        return [s.payload for s in b.csms.seen if s.kind == 0]

    b = compare(
        "frame-invalid-json", scenario, without=[],
        with_=lambda found: b'"transactionId":}]' in found[0] and any(frame.endswith(b'"300"}]]') for frame in found),
        params={"every": 1},
    )  # fmt: skip
    assert b.csms.actions().count("BootNotification") == 2


def test_only_one_of_the_two() -> None:
    b = Bench(build(("frame-invalid-json", {"in_answers": False}))).boot()
    assert b.ask("GetConfiguration", key=["HeartbeatInterval"])["configurationKey"]
    b = Bench(build(("frame-invalid-json", {"in_samples": False}))).boot().session(70)
    assert b.samples()


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
def test_samples_without_a_transaction(version: str) -> None:
    b = Bench(build("frame-invalid-json", version=version, settings={"ClockAlignedDataInterval": 20})).boot(300)
    broken = [s.payload for s in b.csms.seen if s.kind == 0]
    assert broken and all(data.endswith(b',"transactionId":}]') for data in broken)


def test_details_that_are_a_text() -> None:
    def scenario(b: Bench) -> list[Any]:
        b.boot()
        b.ask("NoSuchAction")
        b.ask("ChangeAvailability", connectorId="one", type="Operative")
        return [s.payload[2] for s in b.csms.seen if s.kind == 4]

    b = compare_errors("callerror-details-string", scenario, without=[{}, {}], with_=["", ""])
    assert b.csms.answers


def test_what_another_quirk_refuses_has_such_details_too() -> None:
    b = Bench(build("callerror-details-string", "idtag-20-chars-typeconstraint")).boot()
    b.ask("RemoteStartTransaction", idTag="A" * 20, connectorId=1)
    assert [s.payload for s in b.csms.seen if s.kind == 4] == [["TypeConstraintViolation", "idTag", ""]]


def compare_errors(name: str, scenario: Any, **expected: Any) -> Bench:
    """As `compare`, where the CSMS asks for CALLERRORs on purpose."""
    from tests.quirks import checks

    usual = checks.CHECKS["no_callerror"]
    checks.CHECKS["no_callerror"] = lambda bench: iter(())
    try:
        return compare(name, scenario, **expected)
    finally:
        checks.CHECKS["no_callerror"] = usual


def test_one_error_and_it_boots_for_ever() -> None:
    def scenario(b: Bench) -> int:
        b.csms.script["StopTransaction"] = lambda csms, _: CallError("InternalError")
        b.boot().session(20)
        b.csms.script.clear()
        b.run(61)
        return b.csms.actions().count("BootNotification")

    b = compare("boot-loop-after-callerror", scenario, without=1, with_=lambda n: 6 <= n <= 8)
    b.feed(i.PowerOff(), 5).feed(i.PowerOn(), 100)
    count = b.csms.actions().count("BootNotification")
    b.run(100)
    assert b.csms.actions().count("BootNotification") == count and b.csms.transactions[1]["stop"] is not None


def test_the_boot_answer_of_an_older_protocol() -> None:
    def scenario(b: Bench) -> tuple[str, Any]:
        b.csms.script["BootNotification"] = lambda csms, _: {
            "status": "Accepted", "currentTime": csms.time(), "heartbeatInterval": 77,
        }  # fmt: skip
        b.boot()
        return b.station.gate, b.station.data.get("heartbeat_s")

    compare("protocol-ocpp15j-capable", scenario, without=("unknown", None), with_=("accepted", 77))
    assert Bench(build("protocol-ocpp15j-capable")).boot().station.gate == "accepted", "the usual one as well"


@pytest.mark.parametrize("text", ["[1]", '"heartbeatInterval"', '{"heartbeatInterval": {}}', "7"])
def test_a_boot_answer_that_is_none(text: str) -> None:
    b = Bench(build("protocol-ocpp15j-capable"))
    b.csms.script["BootNotification"] = lambda csms, _: Raw(f'[3,"{{id}}",{text}]')
    assert b.boot().station.gate == "unknown"


def test_a_field_of_the_older_schema() -> None:
    def scenario(b: Bench) -> list[str]:
        b.boot()
        b.ask("SetChargingProfile", evseId=1, chargingProfile=PROFILE)
        return [s.payload[0] for s in b.csms.seen if s.kind == 4]

    code = "PropertyConstraintViolation"
    b = compare("v201-validates-against-16-schema", scenario, without=[], with_=[code], version="2.0.1")
    assert "csChargingProfiles" in next(s.payload[1] for s in b.csms.seen if s.kind == 4)


PROFILE = {
    "id": 1,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": [
        {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10.0}]}
    ],
}


def test_a_comma_too_many() -> None:
    def scenario(b: Bench) -> list[bytes]:
        b.boot().session(130)
        return [s.payload for s in b.csms.seen if s.kind == 0]

    # nobody answers what nobody can read
    impatient = {"settings": {"MessageTimeout": 2, "TransactionMessageAttempts": 1}}
    b = compare(
        "frame-leading-comma", scenario, without=[], params={"every": 2},
        with_=lambda found: len(found) == 1 and b'"sampledValue":[,{' in found[0], **impatient,
    )  # fmt: skip
    assert len(b.sent("MeterValues")) == 1
