"""The parts that need no socket: tokens, meters, options, frames, validation, violations, sequence numbers."""

import asyncio
import base64
from pathlib import Path
from typing import Any

import pytest
from ocpp.messages import Call, get_validator

import simulator.csms
from simulator.csms import frames, validation
from simulator.csms.clock import now_text, parse
from simulator.csms.faults import FaultPlan
from simulator.csms.handlers2x import Session21, Session201
from simulator.csms.handlers16 import Session16
from simulator.csms.meter import registers_wh
from simulator.csms.options import CsmsOptions, parse_argv, to_argv
from simulator.csms.passwords import credentials, read_csv, readings
from simulator.csms.tokens import judge
from simulator.csms.transactions import Transaction
from simulator.csms.violations import KEPT, ViolationLog
from simulator.errors import AuthorError


def test_it_says_that_it_is_a_test_target() -> None:
    assert "TEST TARGET" in (simulator.csms.__doc__ or "")


@pytest.mark.parametrize(
    ("token", "status", "group"),
    [
        ("VALID-1", "Accepted", None),
        ("blocked7", "Blocked", None),
        ("EXPIRED", "Expired", None),
        ("INVALID", "Invalid", None),
        ("CONCURRENT-1", "ConcurrentTx", None),
        ("GROUP-red-7", "Accepted", "GROUP-red"),
        ("group-red", "Accepted", "group-red"),
        ("GROUP-", "Accepted", None),
        ("04A1B2", "Accepted", None),
    ],
)
def test_verdicts(token: str, status: str, group: str | None) -> None:
    verdict = judge(token, strict=False, starting=True)
    assert (verdict.status, verdict.group) == (status, group)


def test_strict_tokens_and_the_moment_of_concurrency() -> None:
    assert judge("04A1B2", strict=True, starting=True).status == "Unknown"
    assert judge("GROUP-", strict=True, starting=True).status == "Unknown"
    assert judge("VALID", strict=True, starting=True).status == "Accepted"
    assert judge("CONCURRENT", strict=True, starting=False).status == "Accepted"


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([{"value": "12.5"}], {"Sample.Periodic": 12.5}),
        ([{"value": "1.5", "unit": "kWh", "context": "Transaction.End"}], {"Transaction.End": 1500}),
        ([{"value": 2, "unitOfMeasure": {"unit": "kWh", "multiplier": -1}}], {"Sample.Periodic": 200}),
        ([{"value": 2, "unitOfMeasure": {"multiplier": 3}}], {"Sample.Periodic": 2000}),
        ([{"value": 1, "phase": "L1"}, {"value": 2, "phase": "L2"}], {"Sample.Periodic": 3}),
        ([{"value": 1, "phase": "L1"}, {"value": 9}], {"Sample.Periodic": 9}),
        ([{"value": "7", "measurand": "Voltage"}, {"value": "3", "location": "Inlet"}], {}),
        ([{"value": "signed blob"}, {"value": "5", "unit": "Percent"}], {}),
    ],
)
def test_registers(samples: list[dict[str, Any]], expected: dict[str, float]) -> None:
    assert registers_wh([{"timestamp": "", "sampledValue": samples}]) == pytest.approx(expected)


def test_clock() -> None:
    assert parse(now_text()) is not None
    assert parse("2026-01-01T00:00:00+01:00") < parse("2026-01-01T00:00:00Z")  # type: ignore[operator]
    for bad in ("2026-01-01T00:00:00", "2026-01-01 00:00:00Z", "2026-13-01T00:00:00Z", "", "now", "20260101T000000Z"):
        assert parse(bad) is None


def test_options_and_command_line_are_the_same(tmp_path: Path) -> None:
    options = CsmsOptions(
        port=0, http_port=7, db=tmp_path / "a.db", boot="pending", strict_tokens=True, call_timeout_s=2.5, heartbeat_s=9
    )
    assert parse_argv(to_argv(options)) == options
    assert to_argv(CsmsOptions()) == []
    assert "hush" not in " ".join(to_argv(CsmsOptions(http_token="hush"))) + repr(CsmsOptions(http_token="hush"))


def test_options_that_cannot_work_are_refused() -> None:
    with pytest.raises(AuthorError, match="port: 70000"):
        CsmsOptions(port=70_000)
    with pytest.raises(AuthorError, match="did you mean 'accepted'"):
        CsmsOptions(boot="acepted")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("frame", "rule", "message_id"),
    [
        (b"", "json", None),
        (b"\xff\xfe", "json", None),
        (b"[" * 100_000, "json", None),
        (b'[2,"a","Heartbeat",{"x":NaN}]', "json", None),
        (b"{}", "frame", None),
        (b"[]", "frame", None),
        (b'[2,"a","Heartbeat"]', "frame", "a"),
        (b'[2,"a",7,{}]', "frame", "a"),
        (b'[4,"a","X",7,{}]', "frame", "a"),
        (b'[2,7,"Heartbeat",{}]', "message-id", None),
        (b'[2,"","Heartbeat",{}]', "message-id", None),
        (b'[2,"' + b"a" * 37 + b'","Heartbeat",{}]', "message-id", None),
        (b'[9,"a",{}]', "message-type", "a"),
        (b'["2","a","Heartbeat",{}]', "message-type", "a"),
        (b'[true,"a","Heartbeat",{}]', "message-type", "a"),
        (b'[6,"a","NotifyPeriodicEventStream",{}]', "message-type", "a"),
    ],
)
def test_frames_that_cannot_be_read(frame: bytes, rule: str, message_id: str | None) -> None:
    with pytest.raises(frames.Unreadable) as caught:
        frames.parse(frame, "2.0.1")
    assert (caught.value.rule, caught.value.message_id) == (rule, message_id)


def test_types_of_21_are_read_in_21() -> None:
    assert isinstance(frames.parse(b'[6,"a","X",{}]', "2.1"), frames.Send)
    assert isinstance(frames.parse(b'[5,"a","X","",{}]', "2.1"), frames.ResultError)


def check(version: str, action: str, payload: Any) -> validation.Complaint | None:
    return asyncio.run(validation.check_call(version, action, payload))


def test_validation_names_rule_and_place_and_no_value() -> None:
    complaint = check("1.6", "ChangeConfiguration", {"key": "AuthorizationKey", "value": "hush" * 200})
    assert complaint is not None and complaint.rule == "maxLength"
    assert "value" in complaint.detail and "hush" not in complaint.detail
    missing = check("2.0.1", "Authorize", {})
    assert missing == validation.Complaint("required", "payload: 'idToken' is a required property", "ProtocolError")
    wrong = check("1.6", "Authorize", {"idTag": 7})
    assert wrong is not None and (wrong.rule, wrong.code) == ("type", "TypeConstraintViolation")
    extra = check("1.6", "Heartbeat", {"x": 1})
    assert extra is not None and (extra.rule, extra.code) == ("additionalProperties", "FormationViolation")
    enum = check("2.0.1", "BootNotification", {"reason": "Nope", "chargingStation": {"vendorName": "v", "model": "m"}})
    assert enum is not None and (enum.rule, enum.code) == ("enum", "FormatViolation")
    unknown = check("2.1", "Nope", {})
    assert unknown is not None and unknown.rule == "unknown-action"


def test_unrolled_schemas_keep_their_verdicts() -> None:
    """After its first use a schema has no references left and still finds a fault deep inside."""
    good = {
        "evseId": 1,
        "meterValue": [{"timestamp": "2026-01-01T00:00:00Z", "sampledValue": [{"value": 1.0, "context": "Trigger"}]}],
    }
    bad = {"evseId": 1, "meterValue": [{"timestamp": "x", "sampledValue": [{"value": 1.0, "context": "Tripper"}]}]}
    for _ in range(2):
        assert check("2.0.1", "MeterValues", good) is None
        complaint = check("2.0.1", "MeterValues", bad)
        assert complaint is not None and complaint.detail.startswith("meterValue/0/sampledValue/0/context: 'Tripper'")
    schema = get_validator(2, "MeterValues", "2.0.1").schema
    assert "$ref" not in str(schema["properties"]) and "Tripper" not in str(schema)


def test_a_schema_with_decimals_stays_right() -> None:
    """1.6 limits have one decimal; ``ocpp`` reads that schema with decimals, and unrolling must not change it."""
    period = {"startPeriod": 0, "limit": 16.1}
    profile = {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Recurring",
        "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [period]},
    }
    for _ in range(2):
        assert check("1.6", "SetChargingProfile", {"connectorId": 1, "csChargingProfiles": profile}) is None
    period["limit"] = 16.11
    refused = check("1.6", "SetChargingProfile", {"connectorId": 1, "csChargingProfiles": profile})
    assert refused is not None and refused.rule == "multipleOf"


@pytest.mark.parametrize("session", [Session16, Session201, Session21])
def test_every_message_of_a_station_has_an_answer(session: Any) -> None:
    """Each action is either sent by the CSMS or answered by it; the names are all real."""
    answered = {
        attribute._on_action for name in dir(session) if hasattr(attribute := getattr(session, name), "_on_action")
    } | session.silent_answers
    known = validation.actions(session.version)
    assert answered <= known
    named_like_a_station = {
        action
        for action in known
        if action.startswith(("Notify", "Report"))
        or action.endswith(("StatusNotification", "EventNotification", "StatusUpdate"))
    }
    # Two of 2.1 go to the station, and streams are sent unconfirmed.
    others = {"NotifyAllowedEnergyTransfer", "NotifyWebPaymentStarted", "NotifyPeriodicEventStream"}
    assert named_like_a_station - answered <= others


def test_violations_are_bounded_and_counts_are_not() -> None:
    log = ViolationLog(lambda: "now")
    for i in range(KEPT + 5):
        log.add("S", "A", "rule", f"{i}")
    log.add("T", "A", "other", "x" * 1000)
    assert log.count == KEPT + 6 and log.by_rule == {"rule": KEPT + 5, "other": 1}
    kept = log.select(None, None, 1 << 20)
    assert len(kept) == KEPT and kept[0]["detail"] == "6" and len(kept[-1]["detail"]) == 300
    assert [v["detail"] for v in log.select("S", "rule", 2)] == [f"{KEPT + 3}", f"{KEPT + 4}"]
    log.clear()
    assert log.count == 0 and log.of_station("S") == 0


def test_sequence_numbers_in_any_order() -> None:
    transaction = Transaction(1, "S", "2.0.1", "t")
    assert [transaction.see_seq(n) for n in (5, 6, 8, 8, 6, 7, 3, 4, 12, 0)] == [
        *(True, True, True, False, False, True, True, True, True, True)
    ]
    assert transaction.seq_ranges == [[0, 0], [3, 8], [12, 12]]
    assert transaction.seq_missing == [1, 2, 9, 10, 11]


def test_faulty_frames() -> None:
    call = Call("7", "Heartbeat", {})
    assert FaultPlan().frames(call, b"good") == [b"good"] and not FaultPlan().active
    assert FaultPlan(silent=True).frames(call, b"good") == []
    assert FaultPlan(silent=["Authorize"]).frames(call, b"good") == [b"good"]
    assert FaultPlan(twice=True).frames(call, b"good") == [b"good", b"good"]
    assert FaultPlan(callerror=True).frames(call, b"good")[0].startswith(b'[4,"7","InternalError"')
    assert b"wrongShape" in FaultPlan(wrong=["Heartbeat"]).frames(call, b"good")[0]
    assert b'"7"' not in FaultPlan(wrong_id=True).frames(call, b"good")[0]


def test_credentials() -> None:
    def header(raw: bytes) -> str:
        return "Basic " + base64.b64encode(raw).decode()

    assert credentials(header(b"S1:a:b")) == ("S1", b"a:b")
    assert credentials(header(b"S1:\x00\xff")) == ("S1", b"\x00\xff")
    for bad in (
        "",
        "Basic",
        "Basic ???",
        "Bearer x",
        header(b"no colon"),
        header(b"\xff:x"),
        header(b"a:" + b"x" * 600),
    ):
        assert credentials(bad) is None
    assert readings("abcd") == [b"abcd", b"\xab\xcd"]
    assert readings("abc") == [b"abc"] and readings("wxyz") == [b"wxyz"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("id,secret\nS1,x\n", r"p.csv:1: no column password"),
        ("id,password\nS1,\n", r"p.csv:2: an id and a password"),
        ("id,password\nS1,a\nS1,b\n", r"p.csv:3: station 'S1' stands here twice"),
    ],
)
def test_password_files_that_are_wrong(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "p.csv"
    path.write_text(text)
    with pytest.raises(AuthorError, match=says):
        read_csv(path)
