"""The trace of a certification run: one line a frame, in the format of every trace."""

from __future__ import annotations

import json

from simulator.certify import report, runner, trace


def test_connections_and_errors_have_the_form_of_every_trace() -> None:
    """A connection is no CALL: who reads the file would look for its schema."""
    run = runner.run_cases("generic/ac-single", ["TC_B_30", "TC_A_01"], ocpp="2.0.1")
    data = report.report(run, version="0", command="x", wall_s=0.0)
    rows = [json.loads(line) for line in trace.lines(data, 0)]
    codes = {row["error"]["code"] for row in rows if row["messageType"] == "CALLERROR"}
    connections = [row for row in rows if row["messageType"] == "CONNECTION"]
    assert codes == {"SecurityError"} and {row["meta"]["event"] for row in connections} == {"opened"}
    assert {row["meta"]["case"].split()[0] for row in connections} == {"TC_A_01"}
    assert not [row for row in rows if row.get("action") in ("Connect", "ConnectionAttempt")]


def test_each_frame_is_a_line_that_names_its_case() -> None:
    run = runner.run_cases("generic/ac-single", ["TC_003", "TC_040_1"])
    data = report.report(run, version="0", command="x", wall_s=0.0)
    rows = [json.loads(line) for line in trace.lines(data, 0)]
    assert len(rows) == sum(
        frame["kind"] in ("call", "result", "error") for c in data["cases"] for frame in c["frames"]
    )
    assert {row["meta"]["case"] for row in rows} == {"TC_003", "TC_040_1"}
    start = next(row for row in rows if row["action"] == "StartTransaction" and row["messageType"] == "CALL")
    assert (start["direction"], start["chargePointId"], start["ocppVersion"]) == ("cp-to-csms", "DUT", "1.6")
    assert start["payload"]["idTag"] == "VALID" and start["timestamp"].startswith("1970-01-01T00:")
    answer = next(row for row in rows if row["messageId"] == start["messageId"] and row["messageType"] == "CALLRESULT")
    assert answer["direction"] == "csms-to-cp" and answer["action"] == "StartTransaction"
