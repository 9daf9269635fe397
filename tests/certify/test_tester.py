"""The words cases are written in: what holds, what fails and how it says so."""

from __future__ import annotations

import pytest

from simulator.certify.case import Case
from simulator.certify.reset import Reset
from simulator.certify.rig import Rig
from simulator.certify.rules import OMITTED, PRESENT, not_equal, one_of, such_that
from simulator.certify.states import charging
from simulator.certify.tester import Tester, message
from simulator.certify.verdicts import CaseFailed, CaseInconclusive


def bench(profile: str = "generic/ac-single") -> Tester:
    """A tester at a station in the basic state."""
    rig = Rig(profile)
    Reset(rig).learn()
    rig.csms.fresh_case()
    return Tester(rig, "TEST")


def failed(t: Tester) -> tuple[str, str, str]:
    """Step, message and field of the last validation, which did not hold."""
    last = t.validations[-1]
    assert not last.ok
    return last.step, last.action, last.path


def test_expect_takes_the_next_message() -> None:
    """In order, with its fields; every look is on record with the frame it was at."""
    t = bench()
    t.plug()
    t.present()
    heard = t.expect(1, "StatusNotification", connectorId=1, status="Preparing", info=OMITTED)
    t.expect(2, "Authorize", idTag=t.valid)
    assert heard.payload["status"] == "Preparing"
    assert [(v.step, v.path, v.ok) for v in t.validations][:4] == [
        ("1", "", True),
        ("1", "connectorId", True),
        ("1", "status", True),
        ("1", "info", True),
    ]
    assert t.validations[0].frame < t.validations[-1].frame


def test_another_message_first_fails() -> None:
    """What comes instead is said."""
    t = bench()
    t.plug()
    with pytest.raises(CaseFailed, match=r"step 4, Authorize: expected Authorize, got StatusNotification .*Preparing"):
        t.expect(4, "Authorize")
    assert failed(t) == ("4", "Authorize", "")


def test_a_wrong_field_fails() -> None:
    """The field is named."""
    t = bench()
    t.plug()
    with pytest.raises(CaseFailed, match="step 1, StatusNotification, status: expected Charging, got Preparing"):
        t.expect(1, "StatusNotification", status="Charging")
    assert failed(t) == ("1", "StatusNotification", "status")


def test_nothing_within_the_time_fails() -> None:
    """Virtual time passes as far as it may."""
    t = bench()
    began_us = t.rig.now_us
    with pytest.raises(CaseFailed, match="expected Authorize within 20 s, got nothing"):
        t.expect(1, "Authorize", within_s=20)
    assert t.rig.now_us - began_us == 20_000_000


def test_too_early_fails() -> None:
    """A message may have to wait."""
    t = bench()
    t.plug()
    with pytest.raises(CaseFailed, match="not before 5 s"):
        t.expect(1, "StatusNotification", after_s=5)


def test_background_is_in_nobodys_way() -> None:
    """Heartbeats are passed over, and found when asked for."""
    t = bench()
    t.wait(t.tool.heartbeat_interval_s + 10)
    t.plug()
    t.expect(1, "StatusNotification", status="Preparing")
    t.expect(2, "Heartbeat", within_s=0)


def test_any_order_and_its_best_fit() -> None:
    """Messages of one kind are told apart by their fields; the wrong field is the one that is named."""
    t = bench("generic/ac-dual")
    t.plug(2)
    t.plug(1)
    told = t.any_order(
        message(1, "StatusNotification", connectorId=1, status="Preparing"),
        message(2, "StatusNotification", connectorId=2, status="Preparing"),
    )
    assert [h.payload["connectorId"] for h in told] == [1, 2]
    t.unplug("both", 2)
    with pytest.raises(CaseFailed, match="step 2, StatusNotification, status: expected Charging, got Available"):
        t.any_order(
            message(1, "StatusNotification", connectorId=1, status="Available"),
            message(2, "StatusNotification", connectorId=2, status="Charging"),
        )


def test_maybe_and_peek() -> None:
    """An optional message is taken only if it is the next."""
    t = bench()
    assert t.maybe(1, "Authorize") is None and t.peek(within_s=1) is None
    t.plug()
    assert t.maybe(1, "Authorize") is None
    front = t.peek()
    assert front is not None and front.action == "StatusNotification"
    assert t.maybe(1, "StatusNotification", status="Preparing") is front


def test_never() -> None:
    """Silence is checked for its time; what came in the meantime breaks it, even if it came before the question."""
    t = bench()
    began_us = t.rig.now_us
    t.never(1, "StatusNotification", 30)
    assert t.rig.now_us - began_us == 30_000_000
    t.plug()
    t.never(2, "StatusNotification", 5, status="Charging")
    with pytest.raises(CaseFailed, match="expected none for 5 s"):
        t.never(3, "StatusNotification", 5)


def test_call_and_its_answers() -> None:
    """Answers are looked at; errors fail unless they were asked for."""
    t = bench()
    t.call(
        2, "GetConfiguration", {"key": ["Nobody"]}, {"unknownKey.0": "Nobody", "configurationKey": one_of(OMITTED, [])}
    )
    with pytest.raises(CaseFailed, match=r"step 4, ChangeAvailability \(answer\), status: expected Rejected"):
        t.call(4, "ChangeAvailability", {"connectorId": 1, "type": "Operative"}, status="Rejected")
    with pytest.raises(CaseFailed, match="expected an answer, got CALLERROR"):
        t.call(6, "Nonsense", {}, status="Accepted")
    t.call(8, "Nonsense", {}, or_error=PRESENT)
    with pytest.raises(CaseFailed, match="errorCode"):
        t.call(8, "Nonsense", {}, or_error="FormationViolation")


def test_call_without_an_answer_fails() -> None:
    """The network is away."""
    t = bench()
    t.rig.network(False)
    with pytest.raises(CaseFailed, match="expected an answer to GetConfiguration within 30 s, got nothing"):
        t.call(2, "GetConfiguration", {})


def test_answers_of_the_tool() -> None:
    """One answer, all answers, a token's verdict."""
    t = bench()
    t.answer_next("Authorize", {"idTagInfo": {"status": "Blocked"}})
    t.plug()
    t.present()
    t.wait(1)
    t.present()
    t.expect(1, "StatusNotification")
    t.expect(2, "Authorize")
    t.expect(3, "Authorize")
    t.any_order(message(4, "StartTransaction"), message(5, "StatusNotification", status="Charging"))
    assert t.transaction_id == 1
    results = [row["payload"] for row in t.csms.log if row["action"] == "Authorize" and row["kind"] == "result"]
    assert [row["idTagInfo"]["status"] for row in results] == ["Blocked", "Accepted"]


def test_configure_and_read() -> None:
    """A value is written once and only if it differs; a key the station lacks is None."""
    t = bench()
    t.configure("ConnectionTimeOut", 77)
    written = len(t.csms.log)
    t.configure("ConnectionTimeOut", 77)
    actions = [row["action"] for row in t.csms.log[written:]]
    assert "ChangeConfiguration" not in actions
    assert t.read("ConnectionTimeOut") == "77" and t.read("Nobody") is None
    with pytest.raises(CaseFailed, match="ChangeConfiguration"):
        t.configure("NumberOfConnectors", 9)


def test_states_carry_their_name() -> None:
    """Steps inside a state are told apart from those of the case."""
    t = bench()
    charging(t)
    assert {v.step.split(".")[0] for v in t.validations} == {"Charging"}
    assert t.option_used and t.transaction_id is not None


def test_free_conditions() -> None:
    """A condition that belongs to no field, and the end without a verdict."""
    t = bench()
    t.check(1, "fine", True)
    with pytest.raises(CaseFailed, match="step 2: expected better, got 3"):
        t.check(2, "better", False, 3)
    assert isinstance(t.inconclusive("why"), CaseInconclusive)


def test_rules() -> None:
    """What a rule accepts, and what it says."""
    assert one_of("a", OMITTED).accepts(OMITTED) and not one_of("a").accepts("b")
    assert str(one_of("a", "b", OMITTED)) == "a or b or omitted"
    assert not_equal(1).accepts(2) and not not_equal(1).accepts(1) and not not_equal(1).accepts(OMITTED)
    assert not such_that("x", lambda v: True).accepts(OMITTED)
    assert not one_of(True).accepts(1) and one_of(1).accepts(1)
    assert PRESENT.accepts("") and not PRESENT.accepts(OMITTED)


def test_a_case_is_frozen() -> None:
    """What was declared stays so."""
    with pytest.raises(AttributeError):
        Case("X", charging).id = "Y"  # type: ignore[misc]
