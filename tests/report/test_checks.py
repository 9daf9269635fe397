"""The checks of every run: what fails, what is excused, what cannot be judged, and the exit code that follows."""

from collections.abc import Sequence

import pytest

from simulator.core import records as r
from simulator.ledger import Ledger
from simulator.metrics import RunMetrics
from simulator.report import checks as module
from simulator.report.checks import (
    CheckResult,
    GeneratorVerdict,
    default_checks,
    exit_code,
    generator_verdict,
)
from simulator.report.truth import Excuse

SECOND = 1_000_000
KEPT_UP = GeneratorVerdict(True)


def booted(count: int = 3) -> Ledger:
    ledger = Ledger()
    for n in range(count):
        ledger.add_station(f"CP{n}", ocpp="1.6", profile="p", at_us=0)
        ledger.add(f"CP{n}", r.Booted(1, "PowerUp"), SECOND)
    return ledger


def verdicts(results: Sequence[CheckResult]) -> dict[str, str]:
    return {result.name: result.verdict for result in results}


def one(results: Sequence[CheckResult], name: str) -> CheckResult:
    (found,) = [result for result in results if result.name == name]
    return found


def test_a_good_run_passes_all_five() -> None:
    results = default_checks(booted())
    assert set(verdicts(results).values()) == {"PASS"}
    assert len(results) == 5
    assert one(results, "all_booted").sentence == "all 3 stations booted within 60 s"
    assert exit_code(results, stations=3, booted=3, generator=KEPT_UP) == 0


def test_exploring_expects_nothing() -> None:
    assert default_checks(booted(), expect="none") == []
    with pytest.raises(AssertionError, match="'nothing'"):
        default_checks(booted(), expect="nothing")


@pytest.mark.parametrize(
    ("record", "check", "sentence"),
    [
        (
            r.CallFinished("Heartbeat", "timeout", 1, 0),
            "all_calls_answered",
            "1 CALLs were never answered (Heartbeat 1)",
        ),
        (r.CallFinished("Heartbeat", "lost", 1, 0), "all_calls_answered", "1 CALLs were never answered (Heartbeat 1)"),
        (
            r.CallFinished("Authorize", "callerror", 1, 0, "X"),
            "no_callerrors",
            "1 CALLs were answered with a CALLERROR (Authorize 1)",
        ),
    ],
)
def test_a_call_gone_wrong_fails_its_check_unless_a_fault_was_on(
    record: r.CallFinished, check: str, sentence: str
) -> None:
    ledger = booted()
    ledger.add("CP1", record, 5 * SECOND)
    results = default_checks(ledger, reproduce=lambda station: f"again {station}")
    assert verdicts(results) == {**dict.fromkeys(verdicts(results), "PASS"), check: "FAIL"}
    failed = one(results, check)
    assert (failed.sentence, failed.examples, failed.reproduce) == (sentence, ("CP1",), "again CP1")
    assert exit_code(results, stations=3, booted=3, generator=KEPT_UP) == 1
    ledger.add("CP1", r.FaultBegan("f", "modem.slow", 0, {}), 4 * SECOND)
    excused = one(default_checks(ledger), check)
    assert (excused.verdict, excused.excused) == ("PASS", ("1 under modem.slow",))
    assert excused.sentence.endswith("but for 1 that are excused")


def test_a_station_that_is_late_or_missing_fails() -> None:
    ledger = booted()
    ledger.add_station("CP8", ocpp="1.6", profile="p", at_us=0)
    ledger.add("CP8", r.Booted(1, "PowerUp"), 10 * SECOND)
    assert set(verdicts(default_checks(ledger)).values()) == {"PASS"}
    failed = one(default_checks(ledger, boot_timeout_us=5 * SECOND), "all_booted")
    assert failed.sentence == "1 of 4 stations did not boot within 5 s (late 1)"


def test_a_schema_violation_is_a_warning_unless_strict() -> None:
    ledger = booted()
    ledger.add("CP1", r.ViolationSeen("Reset", "type", "enum", "x"), 0)
    lenient = one(default_checks(ledger), "no_schema_violations")
    assert (lenient.verdict, lenient.warning) == ("PASS", True)
    assert lenient.sentence == "1 violations of the schema by the CSMS (Reset type 1); a warning unless --strict"
    assert one(default_checks(ledger, strict=True), "no_schema_violations").verdict == "FAIL"
    excuse = Excuse("no_schema_violations", "the lenient profile", frozenset({"Reset"}))
    excused = one(default_checks(ledger, strict=True, excuses=[excuse]), "no_schema_violations")
    assert (excused.verdict, excused.excused) == ("PASS", ("1 under the lenient profile",))


def test_a_stop_that_was_not_delivered_fails() -> None:
    ledger = booted()
    ledger.add("CP1", r.TransactionOpened("1", 1, "VALID", 0, 0.0, 0.0, False), SECOND)
    ledger.add("CP1", r.TransactionClosed("1", 1, "Local", 0, 1.0, 1.0, 1.0, 1.0), 2 * SECOND)
    ledger.close_station("CP1", queued=[("TransactionEnded", "1")])
    failed = one(default_checks(ledger), "stops_delivered")
    assert failed.sentence == "1 sessions ended without their stop being answered (queued 1)"


@pytest.mark.parametrize(
    ("excuse", "covered"),
    [
        (Excuse("all_calls_answered", "quirk"), True),
        (Excuse("no_callerrors", "quirk"), False),
        (Excuse("all_calls_answered", "quirk", actions=frozenset({"Heartbeat"})), True),
        (Excuse("all_calls_answered", "quirk", actions=frozenset({"Authorize"})), False),
        (Excuse("all_calls_answered", "quirk", stations=frozenset({"CP1"})), True),
        (Excuse("all_calls_answered", "quirk", stations=frozenset({"CP2"})), False),
        (Excuse("all_calls_answered", "down", from_us=4 * SECOND, until_us=6 * SECOND), True),
        (Excuse("all_calls_answered", "down", from_us=6 * SECOND), False),
        (Excuse("all_calls_answered", "down", until_us=4 * SECOND), False),
    ],
)
def test_excuses_of_profile_quirk_and_timetable(excuse: Excuse, covered: bool) -> None:
    ledger = booted()
    ledger.add("CP1", r.CallFinished("Heartbeat", "timeout", 1, 0), 5 * SECOND)
    result = one(default_checks(ledger, excuses=[excuse]), "all_calls_answered")
    assert result.passed is covered
    assert result.excused == ((f"1 under {excuse.why}",) if covered else ())


def test_a_passing_excuse_with_a_span_does_not_cover_what_has_no_moment() -> None:
    assert not Excuse("x", "y", from_us=1).covers("CP1", "Reset", None)


def test_without_a_booted_station_there_is_nothing_to_judge() -> None:
    ledger = Ledger()
    ledger.add_station("CP1", ocpp="1.6", profile="p", at_us=0)
    results = default_checks(ledger)
    found = verdicts(results)
    assert found.pop("all_booted") == "FAIL"
    assert set(found.values()) == {"INCONCLUSIVE"}
    assert exit_code(results, stations=1, booted=0, generator=KEPT_UP) == 3
    excused = default_checks(ledger, excuses=[Excuse("all_booted", "a quirk")])
    assert exit_code(excused, stations=1, booted=0, generator=KEPT_UP) == 0
    assert verdicts(default_checks(Ledger()))["all_booted"] == "INCONCLUSIVE"


def test_lost_records_make_a_pass_inconclusive_and_are_the_generators_fault() -> None:
    ledger = booted()
    ledger.lost_rows = 4
    results = default_checks(ledger)
    assert set(verdicts(results).values()) == {"INCONCLUSIVE"}
    generator = generator_verdict(RunMetrics(), ledger)
    assert generator.reasons == ("4 records were dropped because they came faster than they were written.",)
    assert exit_code(results, stations=3, booted=3, generator=generator) == 4


def test_more_failures_than_rows_are_still_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulator.ledger.ROWS_MAX", {"message": 2, "fate": 2, "remark": 2, "violation": 2})
    ledger = booted()
    ledger.add("CP1", r.FaultBegan("f", "modem.slow", 0, {}), 0)
    for n in range(5):
        ledger.add("CP1", r.CallFinished("Heartbeat", "timeout", 1, 0), n)
    failed = one(default_checks(ledger), "all_calls_answered")
    assert (failed.verdict, failed.excused) == ("FAIL", ("2 under modem.slow",))
    assert failed.sentence.startswith("3 CALLs")


def test_the_generator_is_judged_by_its_own_faults_only() -> None:
    metrics, ledger = RunMetrics(), Ledger()
    handle = metrics.bind("1.6", "p")
    for _ in range(100):
        metrics.lag(5_000)
        handle.record(r.CallFinished("Heartbeat", "ok", 20 * SECOND, 30 * SECOND))  # late, because the CSMS is slow
    assert generator_verdict(metrics, ledger) == KEPT_UP
    for _ in range(5):
        metrics.lag(int(module.LAG_P99_LIMIT_MS * 1000 * 2))
    handle.record(r.ConnectFailed("local_limit", 24))
    late, limited = generator_verdict(metrics, ledger).reasons
    assert late.startswith("The loop came up to 5")
    assert limited == "1 dials failed because this machine ran out of descriptors, ports or buffers."


def test_exit_codes_in_their_order() -> None:
    failed = [CheckResult("x", False, "no")]
    unclear = [CheckResult("x", False, "who knows", judged=False)]
    late = GeneratorVerdict(False, ("late",))
    assert exit_code(failed, stations=1, booted=0, generator=late, our_error=True) == 70
    assert exit_code(failed, stations=1, booted=0, generator=late) == 4
    assert exit_code(failed, stations=1, booted=0, generator=KEPT_UP) == 3
    assert exit_code(failed, stations=1, booted=1, generator=KEPT_UP) == 1
    assert exit_code(unclear, stations=1, booted=1, generator=KEPT_UP) == 0
    assert exit_code([], stations=0, booted=0, generator=KEPT_UP) == 0


def test_many_actions_are_cut_short_in_the_sentence() -> None:
    ledger = booted()
    for n in range(8):
        ledger.add("CP1", r.CallFinished(f"Action{n}", "timeout", 1, 0), n)
    sentence = one(default_checks(ledger), "all_calls_answered").sentence
    assert sentence.endswith("Action4 1, 3 more)")
