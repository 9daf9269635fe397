"""What the schemas say against a frame, also when most of it has been judged before."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from simulator.certify.wire import schema_problem
from simulator.wire.rpc import CALL, RESULT


def report(rows: int) -> dict[str, Any]:
    return {
        "requestId": 1,
        "generatedAt": "2026-03-01T00:00:00Z",
        "seqNo": 0,
        "reportData": [
            {
                "component": {"name": "Connector", "evse": {"id": 1, "connectorId": 1}},
                "variable": {"name": f"Variable{row}"},
                "variableAttribute": [{"type": "Actual", "value": "1"}],
            }
            for row in range(rows)
        ],
    }


@pytest.mark.parametrize("row", [0, 7, 19])
def test_a_wrong_row_is_found_among_rows_that_were_right_before(row: int) -> None:
    right = report(20)
    assert schema_problem("NotifyReport", CALL, right, "2.0.1") == ""
    wrong = deepcopy(right)
    wrong["reportData"][row]["variable"]["nome"] = "x"
    for _ in range(2):
        found = schema_problem("NotifyReport", CALL, wrong, "2.0.1")
        assert f"reportData.{row}.variable" in found and "nome" in found
    assert schema_problem("NotifyReport", CALL, right, "2.0.1") == ""


def test_what_stands_around_the_rows_is_judged_each_time() -> None:
    right = report(20)
    assert schema_problem("NotifyReport", CALL, right, "2.0.1") == ""
    assert "seqNo" in schema_problem("NotifyReport", CALL, {**right, "seqNo": "0"}, "2.0.1")
    assert "nobody" in schema_problem("NotifyReport", CALL, {**right, "nobody": 1}, "2.0.1")
    assert schema_problem("NotifyReport", CALL, {**right, "reportData": []}, "2.0.1")
    assert schema_problem("NotifyReport", CALL, [], "2.0.1")


def test_a_row_is_right_only_where_it_was() -> None:
    rows = [{"key": f"Key{number}", "readonly": True, "value": "1"} for number in range(9)]
    assert schema_problem("GetConfiguration", RESULT, {"configurationKey": rows}) == ""
    assert schema_problem("GetConfiguration", RESULT, {"unknownKey": rows})
    assert schema_problem("NotifyReport", CALL, {**report(1), "reportData": rows}, "2.0.1")
