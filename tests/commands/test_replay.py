"""`cpfarm replay` against the reference CSMS: what a station of ours said once, said again."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from simulator.csms.process import CsmsProcess
from simulator.dialects import DIALECTS
from simulator.profile.compiled import compile_profile
from simulator.scenario.language import SCHEMAS
from simulator.traces.write import exchange_records
from tests.commands.conftest import Cpfarm, Told
from tests.quirks.rig import Bench
from tests.replay.rig import frames_of
from tests.replay.test_capture import BOOT, START, STOP, VALUES

pytestmark = pytest.mark.live

STATION = "REPLAYED"


def recorded(path: Path, version: str) -> list[dict[str, Any]]:
    """A session of a minute, as a file."""
    bench = Bench(compile_profile("generic/ac-single", version)).boot(25).plug().token("VALID7", 60)
    trace = frames_of(bench.token("VALID7", 5).unplug(), STATION)
    rows = list(exchange_records(trace))
    write(path, rows)
    return rows


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def row(second: int, action: str, payload: Any, **more: Any) -> dict[str, Any]:
    return {
        "schemaVersion": "1.1",
        "timestamp": f"2020-09-13T12:27:{second:02d}.000Z",
        "ocppVersion": "1.6",
        "chargePointId": STATION,
        "direction": "cp-to-csms",
        "messageType": "CALL",
        "messageId": f"m{second}",
        "action": action,
        "payload": payload,
        **more,
    }


def answer(second: int, action: str, payload: Any) -> dict[str, Any]:
    return row(second, action, payload, direction="csms-to-cp", messageType="CALLRESULT")


def data_of(told: Told) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(told.out)
    keeps_its_schema(found)
    return found


def keeps_its_schema(data: dict[str, Any]) -> None:
    schema = SCHEMAS["replay"]()
    judge: Any = jsonschema.validators.validator_for(schema)(schema)
    assert [error.message for error in judge.iter_errors(data)] == []
    for part, described in ((data, schema), (data["run"], schema["properties"]["run"])):
        assert part.keys() == described["properties"].keys()


@pytest.mark.parametrize("version", list(DIALECTS))
def test_a_recorded_session_is_the_same_again(cpfarm: Cpfarm, csms: CsmsProcess, tmp_path: Path, version: str) -> None:
    rows = recorded(tmp_path / "t.jsonl", version)
    name = f"AGAIN-{version}"
    told = cpfarm(
        "replay", "t.jsonl", "--csms", csms.url, "--id", name, "--speed", 200, "--strict",
        "--summary", "s.json", "--trace", "o.jsonl", "--junit", "j.xml",
    )  # fmt: skip
    data = json.loads((tmp_path / "s.json").read_text())
    keeps_its_schema(data)
    assert told.code == 0, told.out + told.err
    assert data["differences"] == [] and data["assumed"] == [] and data["schema_violations"] == []
    assert "answered as in the capture" in told.out
    said = [json.loads(line) for line in (tmp_path / "o.jsonl").read_text().splitlines()]
    actions = [one["action"] for one in said if one["messageType"] == "CALL"]
    assert actions == [one["action"] for one in rows if one["messageType"] == "CALL"]
    assert {one["chargePointId"] for one in said} == {name}
    booked = csms.request("GET", "/api/transactions")["transactions"]
    (session,) = [one for one in booked if one["station"] == name]
    assert session["energy_wh"] > 0
    assert str(session["transaction_id"]) == str(data["transactions"]["ids"][0]["now"])
    assert [case.get("name") for case in ET.parse(tmp_path / "j.xml").iter("testcase")] == [
        "played", "answered", "no_callerror", "same_answers", "schema",
    ]  # fmt: skip


def test_an_incomplete_trace_is_completed_and_that_is_said(cpfarm: Cpfarm, csms: CsmsProcess, tmp_path: Path) -> None:
    write(
        tmp_path / "t.jsonl",
        [row(1, "MeterValues", VALUES), answer(1, "MeterValues", {}), row(2, "StopTransaction", STOP)],
    )
    told = cpfarm("replay", "t.jsonl", "--csms", csms.url, "--id", "PART", "--speed", 20, "--json")
    data = data_of(told)
    assert (told.code, data["exit_code"]) == (0, 0), told.out
    assert [text.split(":")[0] for text in data["assumed"]] == [
        "a start of transaction 17 is put before line 1",
        "BootNotification is the profile's",
    ]
    assert data["calls"]["StartTransaction"]["assumed"] == 1 and data["calls"]["StopTransaction"]["assumed"] == 0
    (session,) = [one for one in csms.request("GET", "/api/transactions")["transactions"] if one["station"] == "PART"]
    assert session["energy_wh"] == 900 - 750


def test_what_the_csms_says_differently_is_listed(cpfarm: Cpfarm, csms: CsmsProcess, tmp_path: Path) -> None:
    refused = {"transactionId": 3, "idTagInfo": {"status": "Blocked"}}
    rows = [
        row(1, "BootNotification", BOOT),
        answer(1, "BootNotification", {"status": "Accepted", "currentTime": "2020-09-13T12:27:01Z", "interval": 60}),
        row(2, "StartTransaction", {**START, "idTag": "VALID1"}),
        answer(2, "StartTransaction", refused),
        row(3, "NoSuchThing", {}),
    ]
    write(tmp_path / "t.jsonl", rows)
    told = cpfarm("replay", "t.jsonl", "--csms", csms.url, "--id", "OTHER", "--speed", 20)
    assert told.code == 1
    assert "StartTransaction (line 3): idTagInfo.status: Accepted, in the capture Blocked" in told.out
    assert "NoSuchThing (line 5): CALLERROR NotImplemented" in told.out
    assert "still open in the CSMS" in told.out and "Repeat: cpfarm replay t.jsonl" in told.out
    assert cpfarm("replay", "t.jsonl", "--csms", csms.url, "--id", "OTHER", "--speed", 20, "--expect", "none").code == 0
    (tmp_path / "target.yaml").write_text(f"url: {csms.url}\ntokens: {{blocked: BLOCKED1}}\n")
    told = cpfarm(
        "replay", "t.jsonl", "--target", "target.yaml", "--id", "OTHER", "--speed", 20, "--map-tokens", "--json"
    )
    assert [one["kind"] for one in data_of(told)["differences"]] == ["callerror"]


def test_a_csms_that_is_not_there_or_does_not_want_the_station(
    cpfarm: Cpfarm, silent_port: int, tmp_path: Path
) -> None:
    write(tmp_path / "t.jsonl", [row(1, "Heartbeat", {})])
    told = cpfarm("replay", "t.jsonl", "--csms", f"ws://127.0.0.1:{silent_port}")
    assert told.code == 3 and "no connection, refused" in told.out
    assert "PASS" not in told.out and "INCONCLUSIVE schema: there was no connection" in told.out
    told = cpfarm("replay", "nothing.jsonl")
    assert (told.code, told.err) == (2, "cpfarm: nothing.jsonl: cannot be read: No such file or directory\n")
    told = cpfarm("replay", "t.jsonl", "--speed", 0)
    assert told.code == 2 and "--speed" in told.err
    told = cpfarm("replay", "t.jsonl", "--token", "A=valid")
    assert told.code == 2 and "no token 'A'" in told.err


def test_without_a_target_it_plays_against_a_reference_csms(cpfarm: Cpfarm, tmp_path: Path) -> None:
    write(tmp_path / "t.jsonl", [row(1, "Heartbeat", {}), row(2, "", None, messageType="UNPARSEABLE", raw='[2,"q",')])
    told = cpfarm("replay", "t.jsonl", "--raw", "--json")
    data = data_of(told)
    assert (data["station"], data["raw_frames"], data["calls"]["Heartbeat"]["answered"]) == (STATION, 1, 1), told.out


def test_the_operator_makes_the_csms_send_what_the_first_one_sent(cpfarm: Cpfarm, tmp_path: Path) -> None:
    bench = Bench(compile_profile("generic/ac-single", "2.0.1")).boot(25)
    bench.fleet.ask(bench.station, "GetBaseReport", {"requestId": 31, "reportBase": "SummaryInventory"})
    trace = frames_of(bench.run(20), STATION)
    write(tmp_path / "t.jsonl", list(exchange_records(trace)))
    told = cpfarm("replay", "t.jsonl", "--speed", 100, "--json")
    data = data_of(told)
    assert (told.code, data["not_asked"], data["asked"]) == (0, {"GetBaseReport": 1}, {})
    assert set(data["not_played"]) == {"NotifyReport"}
    told = cpfarm("replay", "t.jsonl", "--speed", 100, "--operate", "--json")
    data = data_of(told)
    assert (told.code, data["not_asked"], data["asked"]) == (0, {}, {"GetBaseReport": 1}), told.out
    assert data["not_played"] == {} and data["calls"]["NotifyReport"]["answered"] >= 1
    assert data["run"]["notes"] == ["times ran 100 times as fast: they begin in the past"]
