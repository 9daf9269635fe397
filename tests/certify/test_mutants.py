"""Mutants: what lies there are, that they are schema-valid, that a case that does not look lets them live."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.certify import cases16, mutants
from simulator.certify.case import CASES, Case
from simulator.certify.mutants import ALTER, DROP, EARLY, INSERT, attempt, baseline, derive, first, sample
from simulator.certify.rules import OMITTED, one_of, rule_of, such_that
from simulator.certify.states import charging
from simulator.certify.tester import Tester, message
from simulator.certify.verdicts import FIELD, PASS, Validation
from simulator.certify.wire import schema_problem, validator
from simulator.wire.rpc import CALL, RESULT

PROFILE = "generic/ac-single"
STATUS = {"connectorId": 1, "errorCode": "NoError", "status": "Preparing", "timestamp": "2026-03-01T00:00:07.034Z"}


def looked(path: str, expected: Any, payload: Any = STATUS, action: str = "StatusNotification") -> Validation:
    """A validation of a field."""
    return Validation(0, "1", FIELD, action, False, 0, path, "", "", True, rule_of(expected), payload)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("status", "Preparing"),
        ("status", one_of("Preparing", "Available", "Finishing")),
        ("connectorId", 1),
        ("timestamp", such_that("that moment", lambda v: v == STATUS["timestamp"])),
        ("info", OMITTED),
    ],
)
def test_a_lie_is_valid_and_wrong(path: str, expected: Any) -> None:
    """The schema allows it, the rule does not."""
    look = looked(path, expected)
    value = mutants.wrong_value(look)
    assert value is not None and look.rule is not None and not look.rule.accepts(value)
    altered = mutants.with_value(STATUS, path, value)
    assert altered != STATUS and not schema_problem("StatusNotification", CALL, altered)


def test_no_lie_where_everything_is_right() -> None:
    """A field that may be anything cannot be altered: the frame is dropped instead."""
    look = looked("connectorId", such_that("anything", lambda v: True))
    assert mutants.wrong_value(look) is None


def test_values_at_paths() -> None:
    """Changed, removed, appended; the original stays."""
    payload = {"a": [{"b": 1}]}
    assert mutants.with_value(payload, "a.0.b", 2) == {"a": [{"b": 2}]}
    assert mutants.with_value(payload, "a.0.b", OMITTED) == {"a": [{}]}
    assert mutants.with_value(payload, "a.1", {}) == {"a": [{"b": 1}, {}]}
    assert mutants.with_value(payload, "c.d", 1) is None
    assert payload == {"a": [{"b": 1}]}


@pytest.mark.parametrize(
    "action", ["StartTransaction", "MeterValues", "StatusNotification", "SignCertificate", "LogStatusNotification"]
)
def test_samples_fit_their_schema(action: str) -> None:
    """An inserted message is a valid one."""
    assert not schema_problem(action, CALL, sample(validator(action, CALL).schema))


def test_answers_have_schemas_too() -> None:
    """A response is held against the response's schema."""
    assert schema_problem("Reset", RESULT, {"status": "Perhaps"})
    assert not schema_problem("Reset", RESULT, {"status": "Accepted"})
    assert schema_problem("Nonsense", CALL, {}) == "Nonsense has no schema"


def test_kinds_of_a_case() -> None:
    """Boots are waited for, silence is kept: every kind of lie is derived, and each is noticed where it should be."""
    assert cases16.__all__  # who registers the cases
    kinds = {}
    for name in ("TC_001", "TC_023_4", "TC_012", "TC_040_2"):
        base = baseline(PROFILE, CASES[name])
        assert base.verdict == PASS, base.reason
        for mutant in derive(base):
            kinds.setdefault(mutant.kind, (CASES[name], mutant))
    assert set(kinds) == {ALTER, DROP, EARLY, INSERT}
    for case, mutant in kinds.values():
        trial = attempt(PROFILE, case, mutant)
        assert trial.killed, f"{mutant}: {trial.result.reason}"
        assert trial.result.failure is not None and trial.result.failure.step == mutant.target.step


def test_a_case_that_does_not_look_is_found_out() -> None:
    """Two cases with the same record, one of which ignores what it sees: its mutants survive."""

    def blind(t: Tester) -> None:
        t.plug()
        heard = t.expect(1, "StatusNotification")
        if heard.payload["status"] == "Preparing":
            t.validate(1, heard, status="Preparing")

    base = baseline(PROFILE, Case("TC_003", blind))
    (altered,) = [m for m in derive(base) if m.kind == ALTER]
    trial = attempt(PROFILE, Case("TC_003", blind), altered)
    assert not trial.killed and trial.result.verdict == PASS


def test_noticed_elsewhere_is_not_noticed() -> None:
    """A lie must be noticed at its own step."""

    def late(t: Tester) -> None:
        t.plug()
        heard = t.expect(1, "StatusNotification")
        if heard.payload["status"] == "Preparing":
            t.validate(1, heard, status="Preparing")
        t.expect(
            2, "StatusNotification" if heard.payload["status"] != "Preparing" else "Authorize"
        ) if late_too else None

    late_too = False
    base = baseline(PROFILE, Case("TC_003", late))
    (altered,) = [m for m in derive(base) if m.kind == ALTER]
    late_too = True
    trial = attempt(PROFILE, Case("TC_003", late), altered)
    assert trial.result.verdict != PASS and not trial.killed


def test_the_first_is_of_the_case_itself() -> None:
    """States come first in time, but the case's own validations are what it is about."""
    stop = first(baseline(PROFILE, CASES["TC_012"]))
    assert stop is not None and (stop.target.step, stop.target.path) == ("2", "status")
    only_state = first(baseline(PROFILE, CASES["TC_010"]))
    assert only_state is not None and only_state.target.step.startswith("Charging.")


def test_a_hidden_message_is_answered() -> None:
    """The station goes on as before: nothing but the case's view changes."""

    def both(t: Tester) -> None:
        charging(t)
        t.present(t.valid)
        t.any_order(message(1, "StopTransaction"), message(2, "StatusNotification", status="Finishing"))

    base = baseline(PROFILE, Case("TC_003", both))
    dropped = [m for m in derive(base) if m.kind == DROP and m.target.action == "StopTransaction"]
    trial = attempt(PROFILE, Case("TC_003", both), dropped[0])
    assert trial.killed
    hidden = [row for row in trial.result.frames if row["from"] == "hidden"]
    assert [row["action"] for row in hidden] == ["StopTransaction"]
    answers = [row for row in trial.result.frames if row["action"] == "StopTransaction" and row["kind"] == "result"]
    assert len(answers) == 1
