"""A run: order, gates, breaches, exceptions, the way back to the basic state."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.certify import runner
from simulator.certify.case import Case
from simulator.certify.configuration import check_configuration, keys
from simulator.certify.edition16 import DELIVERED
from simulator.certify.pics import pics_of
from simulator.certify.reset import NotBasic, Reset
from simulator.certify.rig import Rig
from simulator.certify.runner import run_case, run_cases
from simulator.certify.states import charging, reserved, station_unavailable
from simulator.certify.tester import Tester
from simulator.certify.verdicts import FAIL, INCONCLUSIVE, NOT_APPLICABLE, PASS, CaseResult
from simulator.core import effects as e
from simulator.errors import UnknownName
from simulator.lab.security import Door

PROFILE = "generic/ac-single"


def bench() -> tuple[Rig, Reset]:
    """A rig and its reset, ready for cases."""
    rig = Rig(PROFILE)
    reset = Reset(rig)
    reset.learn()
    return rig, reset


def play(scenario: Any, *, notes: list[str] | None = None, **more: Any) -> CaseResult:
    """One case on a new rig."""
    return run_case(*bench(), Case("TC_003", scenario, **more), notes=notes)


def test_delivered_as_the_procedure_asks() -> None:
    """MinimumStatusDuration 0; the configuration is read and sound."""
    run = run_cases(PROFILE, ["TC_003"])
    assert all(run.configuration[key][0] == str(value) for key, value in DELIVERED.items())
    assert run.findings == []
    assert run.firmware_version
    assert [r.verdict for r in run.results] == [PASS] and run.exit_code == 0
    assert run.sentence == "1 passed, 0 failed"


def test_order_follows_the_seed() -> None:
    """The same seed, the same order; another one, another order."""
    names = ["TC_003", "TC_004_1", "TC_010", "TC_012", "TC_027", "TC_031"]
    orders = [[r.id for r in run_cases(PROFILE, names, shuffle=True, seed=seed).results] for seed in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == sorted(orders[2]) == sorted(names)


def test_gated_by_the_pics() -> None:
    """With the condition as the reason."""
    run = run_cases(PROFILE, ["TC_018_2", "TC_007"])
    assert [(r.id, r.verdict) for r in run.results] == [
        ("TC_018_2", NOT_APPLICABLE),
        ("TC_007_1", PASS),
        ("TC_007_2", NOT_APPLICABLE),
    ]
    assert "fixed_cable AND NOT AQ-9" in run.results[0].reason


def test_unknown_case() -> None:
    """The nearest id is told."""
    with pytest.raises(UnknownName, match="TC_012"):
        run_cases(PROFILE, ["TC_0122"])


def test_declaration_repeats_for_each_authorisation() -> None:
    """Only what starts a session by the state."""
    run = run_cases(PROFILE, ["TC_012", "TC_003"], declaration=True)
    assert [r.name for r in run.results] == ["TC_012 [remote]", "TC_012 [local]", "TC_003"]
    assert run.exit_code == 0
    actions = [[f["action"] for f in r.frames if f["kind"] == "call"] for r in run.results[:2]]
    assert "RemoteStartTransaction" in actions[0] and "RemoteStartTransaction" not in actions[1]


def test_a_failure_says_where() -> None:
    """Case, step, message, field, expected and got; the exit code follows."""

    def wrong(t: Tester) -> None:
        t.plug()
        t.expect(3, "StatusNotification", status="Finishing")

    result = play(wrong)
    assert result.verdict == FAIL
    assert result.reason == "step 3, StatusNotification, status: expected Finishing, got Preparing"
    assert result.as_dict()["validations"][-1]["ok"] is False
    assert result.frames[-1]["action"] == "StatusNotification"


def test_inconclusive_is_no_pass() -> None:
    """A case may say that it cannot judge."""

    def unsure(t: Tester) -> None:
        raise t.inconclusive("the tool has no such token")

    result = play(unsure)
    assert (result.verdict, result.reason) == (INCONCLUSIVE, "the tool has no such token")


def test_a_breach_of_the_protocol_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the case looks at: a frame against the schema, a second CALL in flight, an answer to nothing."""

    def breach(frame: bytes, twice: bool = False) -> CaseResult:
        rig, reset = bench()

        def scenario(t: Tester) -> None:
            for _ in range(2 if twice else 1):
                rig.watch.outgoing(frame)

        return run_case(rig, reset, Case("TC_003", scenario))

    assert (
        "'Sleeping' is not one of"
        in breach(b'[2,"a","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Sleeping"}]').reason
    )
    assert "was used before" in breach(b'[2,"a","Heartbeat",{}]', twice=True).notes[1]
    assert "while another CALL was in flight" in breach(b'[2,"a","Heartbeat",{}]', twice=True).reason
    assert "an answer to nothing" in breach(b'[3,"zz",{}]').reason
    assert "not JSON" in breach(b"{").reason
    assert breach(b'[2,"a","Heartbeat",{}]').verdict == PASS


def test_an_exception_inside_the_station_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the last line of its traceback; a new station is delivered, and the next case runs."""
    rig, reset = bench()
    first = rig.station

    def explode(*args: Any) -> list[e.AnyEffect]:
        raise ZeroDivisionError("in the firmware")

    def scenario(t: Tester) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(type(rig.station), "feed", explode)
            t.plug()

    notes: list[str] = []
    result = run_case(rig, reset, Case("TC_003", scenario), notes=notes)
    assert result.verdict == FAIL and "ZeroDivisionError: in the firmware" in result.reason
    assert rig.station is not first and rig.deliveries == 2
    assert notes == ["a new station was delivered because of an exception in TC_003: " + result.reason[11:]]
    assert run_case(rig, reset, Case("TC_010", charging)).verdict == PASS


def test_settings_and_states_come_first() -> None:
    """Settings, then memory, then states; keys a product lacks are left out only when that is allowed."""
    seen: list[str] = []

    def state(name: str) -> Any:
        return lambda t: seen.append(f"{name} {t.read('ConnectionTimeOut')}")

    result = play(
        lambda t: seen.append("case"),
        settings={"Nobody": True, "ConnectionTimeOut": lambda t: 42},
        if_implemented=frozenset({"Nobody"}),
        memory=[state("memory")],
        states=[state("state")],
    )
    assert result.verdict == PASS and seen == ["memory 42", "state 42", "case"]
    assert play(lambda t: None, settings={"Nobody": True}).verdict == FAIL


def test_everything_is_undone() -> None:
    """Settings, transaction, car, reservation, availability, list, network, power, parts."""
    rig, reset = bench()

    def mess(t: Tester) -> None:
        t.configure("ConnectionTimeOut", 11)
        payload = {"listVersion": 3, "updateType": "Full", "localAuthorizationList": [{"idTag": "A"}]}
        t.call(1, "SendLocalList", payload)
        reserved(t)
        charging(t)
        station_unavailable_later(t)
        t.rig.inject("hand-x", "meter.no_readings", 1)
        t.rig.mains(False)
        t.rig.network(False)

    def station_unavailable_later(t: Tester) -> None:
        t.call(2, "ChangeAvailability", {"connectorId": 0, "type": "Inoperative"}, status="Scheduled")

    assert run_case(rig, reset, Case("TC_003", mess)).verdict == PASS
    assert reset.run() == []
    assert reset.read_all() == reset.delivered
    assert set(rig.csms.statuses.values()) == {"Available"} and not rig.csms.running
    assert rig.hands.plugged == rig.hands.faults == rig.hands.reservations == set()
    assert reset._ask("GetLocalListVersion", {}) == {"listVersion": 0}
    assert run_case(rig, reset, Case("TC_010", charging)).verdict == PASS


def test_the_ladder_is_on_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not become free by itself gets a hard reset, then a power cycle."""
    rig, reset = bench()
    once = reset._once
    tries: list[int] = []

    def stubborn() -> None:
        tries.append(1)
        if len(tries) < 3:
            raise NotBasic("a light is on")
        once()

    monkeypatch.setattr(reset, "_once", stubborn)
    booted = rig.csms.boots
    assert reset.run() == ["hard reset, because a light is on", "power cycle, because a light is on"]
    assert rig.csms.boots == booted + 2
    assert reset.read_all() == reset.delivered


def test_a_basic_state_that_is_not_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """The case is inconclusive and says why; a new station is delivered."""
    rig, reset = bench()

    def never() -> list[str]:
        raise NotBasic("transactions [4] do not end")

    monkeypatch.setattr(reset, "run", never)
    notes: list[str] = []
    result = run_case(rig, reset, Case("TC_003", charging), notes=notes)
    assert result.verdict == INCONCLUSIVE and "transactions [4] do not end" in result.reason
    assert rig.deliveries == 2 and notes


def test_a_fresh_station_before_and_after() -> None:
    """For what cannot be undone."""
    rig, reset = bench()
    assert run_case(rig, reset, Case("TC_003", charging)).verdict == PASS and rig.deliveries == 1
    result = run_case(rig, reset, Case("TC_003", charging, fresh=True))
    assert result.verdict == PASS and rig.deliveries == 2 and rig.spent
    again = run_case(rig, reset, Case("TC_003", charging))
    assert again.verdict == PASS and rig.deliveries == 3 and not rig.spent


def test_measurements_are_of_the_cases() -> None:
    """Resets measure nothing; a start and a stop by the tool do."""
    run = run_cases(PROFILE, ["TC_012"])
    assert run.performance["remote_start_to_start"]["count"] == 1
    assert run.performance["remote_stop_to_stop"]["count"] == 1
    longest = run.performance["response_timeout"]["longest_s"]
    assert longest is not None and 0 < longest < 1


def test_configuration_findings() -> None:
    """Required, accessible as it should be, of its type and in its range."""
    pics = pics_of(PROFILE)
    sound = run_cases(PROFILE, ["TC_027"]).configuration
    assert len(keys()) == 52 and not check_configuration(sound, pics)

    def finding(key: str, value: tuple[str | None, bool] | None) -> str:
        changed = {k: v for k, v in sound.items() if k != key} | ({} if value is None else {key: value})
        found = check_configuration(changed, pics)
        return found[0].text if found else ""

    assert "does not have it" in finding("HeartbeatInterval", None)
    assert "read-only" in finding("HeartbeatInterval", ("600", True))
    assert "writable" in finding("NumberOfConnectors", ("1", False))
    assert "whole number" in finding("HeartbeatInterval", ("soon", False))
    assert "at least 1" in finding("NumberOfConnectors", ("0", True))
    assert "at most 3" in finding("SecurityProfile", ("4", False))
    assert "true or false" in finding("LocalPreAuthorize", ("yes", False))
    assert "empty item" in finding("SupportedFeatureProfiles", ("Core,,X", True))
    assert "never be told" in finding("AuthorizationKey", ("secret", False))
    assert "no value" in finding("HeartbeatInterval", (None, False))


def test_station_in_both_states() -> None:
    """States other cases begin with hold on a station of two connectors as well."""
    rig = Rig("generic/ac-dual")
    reset = Reset(rig)
    reset.learn()
    assert run_case(rig, reset, Case("TC_034", station_unavailable)).verdict == PASS
    assert runner.OPTIONS == ("remote", "local")


def test_files_and_door_of_the_tool() -> None:
    """A case finds no files and an open door, whatever the one before did; a new station has a bench of its own."""
    rig, reset = bench()

    def closed(t: Tester) -> None:
        t.rig.files.serve("http://files.example/image.bin", b"image")
        t.rig.door = Door(profiles=frozenset({1}))
        t.power_cycle()
        t.wait(60)
        assert t.csms.boots == 1

    assert run_case(rig, reset, Case("TC_003", closed)).verdict == PASS
    assert run_case(rig, reset, Case("TC_010", charging)).verdict == PASS
    assert rig.door is None and not rig.files.download("http://files.example/image.bin", 100).ok
    rig.deliver()
    assert rig.fleet.worker is rig.worker


def test_a_station_that_does_not_tell_all_keys_at_once() -> None:
    """They are asked for by name, it is a finding, and the way back works all the same."""
    run = run_cases("evbox/elvi", ["TC_003", "TC_021", "TC_027"])
    assert [r.verdict for r in run.results] == [PASS] * 3
    assert len(run.configuration) > 30
    assert [f.key for f in run.findings].count("GetConfiguration") == 1


def test_a_station_that_cannot_be_tested(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is judged, and that is no pass."""

    def deaf(self: Reset) -> None:
        raise NotBasic("the configuration cannot be read")

    monkeypatch.setattr(Reset, "learn", deaf)
    run = run_cases(PROFILE, ["TC_003", "TC_018_2"])
    assert [r.verdict for r in run.results] == [INCONCLUSIVE, NOT_APPLICABLE]
    assert run.exit_code == 1 and "cannot be tested: the configuration cannot be read" in run.notes[0]


def test_delivered_again_and_still_not_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """The run goes on and says so."""
    rig, reset = bench()

    def deaf() -> None:
        raise NotBasic("nobody answers")

    monkeypatch.setattr(reset, "learn", deaf)
    notes: list[str] = []
    result = run_case(rig, reset, Case("TC_003", charging, fresh=True), notes=notes)
    assert result.verdict == PASS
    assert any("not in the basic state: nobody answers" in note for note in [*notes, *result.notes])


def test_after_a_failure_the_next_case_runs() -> None:
    """A case that fails in the middle of a transaction, offline and with a jammed lock, leaves nothing behind."""
    rig, reset = bench()

    def stuck(t: Tester) -> None:
        charging(t)
        t.rig.inject("hand-lock", "lock.jammed", t.connector)
        t.rig.network(False)
        t.expect(9, "StopTransaction", within_s=5)

    assert run_case(rig, reset, Case("TC_003", stuck)).reason.startswith("step 9, StopTransaction")
    following = run_case(rig, reset, Case("TC_010", charging))
    assert (following.verdict, following.notes, rig.deliveries) == (PASS, [], 1)
