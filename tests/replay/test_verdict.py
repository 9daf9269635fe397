"""When an answer is another one than in the capture."""

from typing import Any

import pytest

from simulator.replay.capture import Act, Answer
from simulator.replay.verdict import Call, differences

FINE, OTHER = Answer({"status": "Accepted"}), Answer({"status": "Rejected"})
REFUSED, FAILED = Answer({}, "NotSupported", "x"), Answer({}, "InternalError")
Row = tuple[str, str, str, str]


def found(then: Answer | None, now: Answer | None, **act: Any) -> list[Row]:
    call = Call(Act("Any", {}, 0, 5, answer=then, **act), "m", 0, now)
    return [(one.kind, one.path, one.then, one.now) for one in differences(call)]


@pytest.mark.parametrize(
    ("then", "now", "rows"),
    [
        (FINE, FINE, []),
        (FINE, OTHER, [("status", "status", "Accepted", "Rejected")]),
        (FINE, Answer({"status": "Accepted", "interval": 5, "more": {"status": "x"}}), []),
        (FINE, Answer({}), [("status", "status", "Accepted", "no such field")]),
        (Answer({"a": [{"status": "X"}]}), Answer({"a": [{"status": "Y"}]}), [("status", "a[0].status", "X", "Y")]),
        (FINE, None, [("no_answer", "", "CALLRESULT", "")]),
        (FINE, REFUSED, [("callerror", "", "CALLRESULT", "CALLERROR NotSupported x")]),
        (REFUSED, REFUSED, []),
        (REFUSED, FAILED, [("callerror", "code", "NotSupported", "InternalError")]),
        (REFUSED, FINE, [("no_callerror", "", "CALLERROR NotSupported x", "CALLRESULT")]),
        (None, None, []),
        (None, OTHER, []),
        (None, FAILED, [("callerror", "", "", "CALLERROR InternalError")]),
    ],
)
def test_a_difference_is_what_a_station_would_notice(then: Answer | None, now: Answer | None, rows: list[Row]) -> None:
    assert found(then, now) == rows


def test_what_was_filled_in_must_be_answered() -> None:
    assert found(None, None, assumed="why") == [("no_answer", "", "", "")]
    call = Call(Act("Any", {}, 0, assumed="why"), "m", 0)
    assert [one.sentence for one in differences(call)] == ["Any (filled in): no answer, in the capture no answer"]
    assert (call.fate, Call(call.act, "m", 0, FINE).fate, Call(call.act, "m", 0, FAILED).fate) == (
        "sent_unanswered",
        "answered",
        "answered_with_error",
    )
