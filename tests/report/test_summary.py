"""The summary against its published schema, and the plain text made of it."""

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from simulator.core import records as r
from simulator.ledger import Ledger
from simulator.metrics import RunMetrics
from simulator.report.performance import Performance
from simulator.report.summary import VIOLATIONS_MAX, build_summary, summary_schema, write_summary
from simulator.report.text import end_of_run
from tests.report.sample_run import HOSTILE, SampleRun, bad_run, checks_of, good_run, info


def summary_of(run: SampleRun, **more: Any) -> dict[str, Any]:
    return build_summary(run.metrics, run.ledger, info(), storms=run.storms, checks=checks_of(run), **more)


def valid(summary: dict[str, Any]) -> None:
    schema = summary_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(summary, schema, jsonschema.Draft202012Validator)


def described(schema: dict[str, Any], value: Any, path: str = "") -> list[str]:
    """Paths of what is in ``value`` but not in the schema."""
    missing = []
    if isinstance(value, dict) and "properties" in schema:
        for name, inner in value.items():
            if name not in schema["properties"]:
                missing.append(f"{path}/{name}")
            else:
                missing += described(schema["properties"][name], inner, f"{path}/{name}")
    elif isinstance(value, dict) and isinstance(schema.get("additionalProperties"), dict):
        for name, inner in value.items():
            missing += described(schema["additionalProperties"], inner, f"{path}/{name}")
    elif isinstance(value, list) and "items" in schema:
        for inner in value:
            missing += described(schema["items"], inner, f"{path}[]")
    return missing


@pytest.mark.parametrize("make", [good_run, bad_run, SampleRun])
def test_the_summary_satisfies_its_schema_and_the_schema_describes_all_of_it(make: Any) -> None:
    summary = json.loads(json.dumps(summary_of(make())))
    valid(summary)
    assert described(summary_schema(), summary) == []


def test_the_schema_refuses_what_is_not_a_summary() -> None:
    good = summary_of(good_run())
    for path, value in (
        (("schema",), "cpfarm-summary/2"),
        (("stations",), -1),
        (("run", "begin"), 5),
        (("calls", "Heartbeat"), {"count": 1}),
        (("exit_code",), 2),
    ):
        bad = copy.deepcopy(good)
        node = bad
        for name in path[:-1]:
            node = node[name]
        node[path[-1]] = value
        with pytest.raises(jsonschema.ValidationError):
            valid(bad)
    for name in ("run", "calls", "storms", "energy_wh"):
        with pytest.raises(jsonschema.ValidationError, match=name):
            valid({key: value for key, value in good.items() if key != name})


def test_a_good_run() -> None:
    summary = summary_of(good_run())
    assert (summary["stations"], summary["booted"], summary["connected_peak"], summary["exit_code"]) == (3, 3, 3, 0)
    assert summary["calls"]["BootNotification"]["count"] == 3
    assert summary["calls"]["BootNotification"]["p50_ms"] == pytest.approx(20, rel=0.04)
    assert summary["transactions"] == {
        "started": 3,
        "stopped": 3,
        "open": 0,
        "queued": 0,
        "undelivered": 0,
        "undelivered_by_cause": {},
    }
    assert summary["energy_wh"] == 7500.0
    assert summary["run"]["begin"] == "2023-11-14T22:13:20.000Z"
    assert summary["run"]["generator"] == {"kept_up": True, "reasons": []}


def test_a_bad_run() -> None:
    summary = summary_of(bad_run())
    assert (summary["stations"], summary["booted"], summary["reconnects"]) == (10, 9, 1)
    assert summary["connect_failures"]["http_401"]["stations"] == 1
    assert summary["connect_failures"]["http_401"]["example"] == {"station": "CP9", "detail": HOSTILE}
    assert summary["transactions"]["undelivered_by_cause"] == {"queued": 1}
    assert summary["calls"]["Heartbeat"]["timeouts"] == 2
    assert summary["schema_violations"][0]["rule"] == "enum"
    (fault,) = summary["faults"]
    assert (fault["fault"], fault["first_begin_s"], fault["last_end_s"]) == ("modem.half_open", 5.0, 20.0)
    (storm,) = summary["storms"]
    assert (storm["stations_lost"], storm["by_code"]) == (4, {"1001": 4})
    assert summary["disconnects"] == {"1001": 4}
    assert summary["exit_code"] == 4, "its loop was two seconds late"
    verdicts = {check["name"]: check["verdict"] for check in summary["checks"]}
    assert verdicts == {
        "all_booted": "FAIL",
        "all_calls_answered": "FAIL",
        "no_callerrors": "FAIL",
        "no_schema_violations": "PASS",
        "stops_delivered": "FAIL",
    }


def test_an_error_of_ours_is_in_the_exit_code() -> None:
    assert summary_of(good_run(), our_error=True)["exit_code"] == 70


def test_the_generators_own_limits_are_not_among_the_connect_failures() -> None:
    run = good_run()
    run.add("CP0", r.ConnectFailed("local_limit", 24, "EMFILE"), 3)
    summary = summary_of(run)
    assert summary["connect_failures"] == {}
    assert not summary["run"]["generator"]["kept_up"]
    assert summary["exit_code"] == 4


def test_a_flood_of_kinds_of_violations_is_cut_and_counted() -> None:
    run = good_run()
    for n in range(VIOLATIONS_MAX + 5):
        run.add("CP0", r.ViolationSeen("Reset", f"path{n}", "enum"), 5)
    summary = summary_of(run)
    assert len(summary["schema_violations"]) == VIOLATIONS_MAX
    assert summary["schema_violations_left_off"] == 5


def test_a_run_without_anything_still_has_a_summary() -> None:
    summary = build_summary(RunMetrics(), Ledger(), info())
    valid(json.loads(json.dumps(summary)))
    assert "Nothing was lost: there was no transaction." in end_of_run(summary)


def test_written_as_json(tmp_path: Path) -> None:
    summary = summary_of(bad_run())
    write_summary(summary, tmp_path / "s.json")
    assert json.loads((tmp_path / "s.json").read_text(encoding="utf-8")) == json.loads(json.dumps(summary))


def test_the_text_of_a_good_run() -> None:
    text = end_of_run(summary_of(good_run()))
    assert text.startswith("3 of 3 stations booted, 6 calls and 3 transactions in 60 s; 7.5 kWh reported.\n")
    assert "Nothing was lost: every message of every transaction was answered.\n" in text
    assert "PASS         all_booted: all 3 stations booted within 60 s.\n" in text
    assert text.splitlines()[-1] == "Repeat: cpfarm run --csms ws://localhost:9000 --seed 7"
    assert "Could not connect" not in text


def test_the_text_of_a_bad_run_says_what_was_lost_and_what_helps() -> None:
    text = end_of_run(summary_of(bad_run()))
    for line in (
        "Lost: 1 of 1 transactions have a message that never got an answer (1 still queued at the end).",
        "FAIL         all_calls_answered: 1 CALLs were never answered (Heartbeat 1).",
        "               excused: 1 under modem.half_open",
        "               alone: cpfarm check --id CP2",
        "WARNING      no_schema_violations: 1 violations of the schema by the CSMS (Reset type 1); a warning unless "
        "--strict.",
        "Could not connect, http_401: 1 times at 1 stations.",
        "  The CSMS does not accept the password: register the station there and give --password or the password "
        "column of the stations file.",
        "Storm at 50 s: 4 of 9 stations lost (1001 4); all back never, booted never, queues empty never.",
        "The generator could not keep up, so the figures are not the CSMS's alone:",
    ):
        assert line in text.splitlines(), line
    (row,) = [line for line in text.splitlines() if line.startswith("Heartbeat")]
    assert row.split() == ["Heartbeat", "2", "0", "2", "0", "-", "-", "-"]


def test_what_came_from_outside_cannot_steer_a_terminal() -> None:
    run = good_run()
    run.add("CP0", r.ConnectFailed("dns", 0, "\x1b[2Jgone\u202e\r"), 3)
    text = end_of_run(summary_of(run))
    assert "  e.g. CP0: \\x1b[2Jgone\\x202e\\x0d\n" in text
    assert all(c.isprintable() or c == "\n" for c in text)


def test_dropped_records_are_not_passed_over() -> None:
    run = good_run()
    run.ledger.lost_rows = 3
    assert "Nothing was seen to be lost, but 3 records were dropped." in end_of_run(summary_of(run))


def test_performance_parameters_that_were_measured_are_told() -> None:
    performance = Performance()
    performance.frame("CP", b'[2,"a","Reset",{}]', False, 0)
    performance.frame("CP", b'[3,"a",{"status":"Accepted"}]', True, 12_500)
    run = good_run()
    summary = build_summary(run.metrics, run.ledger, info(), performance=performance)
    valid(summary)
    text = end_of_run(summary)
    assert "Station, request to answer: median 12.5 ms, longest 12.5 ms (1)." in text
    assert "CSMS, Authorize" not in text
