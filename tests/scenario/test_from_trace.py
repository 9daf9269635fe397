"""A trace becomes a draft that plays: what people did is read off what the station said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulator.errors import AuthorError
from simulator.fleet.trace import FrameTrace
from simulator.ledger import Ledger
from simulator.report.redact import Redactor
from simulator.resources import scenarios_dir
from simulator.scenario.cells import Cell, choose, places_of
from simulator.scenario.from_trace import MAX_STEPS, draft
from simulator.scenario.memory import play_in_memory
from simulator.scenario.run import Options, ScenarioRun
from simulator.scenario.schema import load_scenario, scenario_of
from simulator.traces.model import Trace
from simulator.traces.read import read_trace

FILES = ["smoke/one-session", "smoke/cold-boot", "sessions/token-first", "sessions/car-pauses", "faults/emergency-stop",
         "sessions/remote-start-and-stop", "sessions/blocked-token"]  # fmt: skip


def recorded(name: str, version: str, path: Path) -> Trace:
    """The frames of a shipped scenario."""
    one = load_scenario(scenarios_dir() / f"{name}.yaml")
    trace = FrameTrace(path, Redactor())
    with Ledger() as ledger:
        places = places_of(Cell(one, "generic/ac-single", version))
        assert play_in_memory(one, places, seed=1, version=version, ledger=ledger, trace=trace).failure is None
    trace.close()
    return read_trace(path.read_text())


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
@pytest.mark.parametrize("name", FILES)
def test_the_draft_plays(name: str, version: str, tmp_path: Path) -> None:
    text = draft(recorded(name, version, tmp_path / "t.jsonl"), source="t.jsonl")
    run = ScenarioRun(choose([scenario_of(text)], ["generic/ac-single"]), Options())
    (result,) = run.execute()
    assert (result.verdict, result.reason) == ("PASS", ""), f"{result.failure}\n{text}"


def test_what_a_draft_looks_like(tmp_path: Path) -> None:
    text = draft(recorded("sessions/token-first", "1.6", tmp_path / "t.jsonl"), source="t.jsonl")
    steps = text[text.index("steps:") :]
    for line in ("- present: valid", "- plug", "- expect: {message: transaction started, answer: Accepted}", "- unplug",
                 "- expect: {message: transaction ended"):  # fmt: skip
        assert line in steps, text
    assert "VALID-1" not in text
    assert "# Not used: " in text
    assert "MeterValues" in text.partition("steps:")[0]


def line(**fields: object) -> str:
    row = {"timestamp": "2026-03-01T00:00:00.000Z", "ocppVersion": "1.6", "chargePointId": "CP-1",
           "direction": "cp-to-csms", "messageType": "CALL", "messageId": "1",
           "action": "Heartbeat", "payload": {}}  # fmt: skip
    return json.dumps(row | fields)


def drafted(*lines: str) -> str:
    return draft(read_trace("\n".join(lines)))


def test_what_is_guessed_is_marked() -> None:
    start = {"connectorId": 1, "idTag": "A", "meterStart": 0, "timestamp": "2026-03-01T00:00:00Z"}
    stop = {"transactionId": 1, "meterStop": 5, "timestamp": "2026-03-01T01:00:00Z", "reason": "PowerLoss"}
    text = drafted(
        line(action="StartTransaction", payload=start), line(action="StopTransaction", payload=stop, messageId="2")
    )
    assert "- plug   # assumed: a session needs a cable" in text
    assert "- present: valid   # assumed: its verdict is not in the trace" in text
    assert "- power: off   # assumed: the power was gone" in text
    assert "- unplug   # assumed: the trace ends with the cable in" in text
    assert scenario_of(text).fields.ocpp == ("1.6",)


def test_a_trace_that_cannot_be_used() -> None:
    for lines, problem in (
        ((), "trace: there is no OCPP message in it"),
        (
            (line(), line(ocppVersion="2.1")),
            "trace:2: CP-1 speaks 1.6 and 2.1 in it: these are two runs, record one of them",
        ),
        ((line(), line(chargePointId="CP-2")), "--station: holds 2 stations; say which: 'CP-1', 'CP-2'"),
    ):
        with pytest.raises(AuthorError) as error:
            drafted(*lines)
        assert str(error.value) == problem
    with pytest.raises(AuthorError, match="no station 'CP-3' in it; did you mean 'CP-1'"):
        draft(read_trace(line()), station="CP-3")
    assert "nothing in the trace could be used" in drafted(line())


def test_any_log_will_do_and_what_it_lacks_is_said() -> None:
    """Without times, station and version, as people paste it; one message is broken, of one the direction is open."""
    text = drafted(
        '[2,"1","BootNotification",{"chargePointVendor":"A","chargePointModel":"B"}]',
        '[3,"1",{"status":"Accepted","currentTime":"2024-03-01T10:00:00Z","interval":300}]',
        '[2,"2","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Preparing"}]',
        '[2,"3","Authorize",{"idTag":',
        '[2,"4","DataTransfer",{"vendorId":"x"}]',
    )
    assert "# Not used: messages that went nobody knows which way 1, pieces that cannot be read 1." in text
    assert "\nocpp: 1.6\nbegin: off\n" in text
    steps = text[text.index("steps:") :]
    assert "- expect: {message: boot, answer: Accepted}" in steps and "- plug\n" in steps and "wait" not in steps


def test_a_trace_that_is_too_long_says_what_is_left_out() -> None:
    rows = [line(action="StatusNotification", payload={"connectorId": 1, "status": "Charging", "errorCode": "NoError"},
                 messageId=str(n)) for n in range(MAX_STEPS + 50)]  # fmt: skip
    text = drafted(*rows)
    assert "messages after those that fit into one scenario 49" in text
    scenario_of(text)
