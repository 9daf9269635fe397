"""`cpfarm profiles learn`: a trace in, a profile out that is valid and says where each value is from."""

import json
from pathlib import Path
from typing import Any

from simulator.cli import app
from simulator.commands import learn, lists
from tests.commands.conftest import Cpfarm
from tests.replay.test_capture import ACCEPTED, BOOT, START


def rows() -> list[dict[str, Any]]:
    common = {"ocppVersion": "1.6", "chargePointId": "CP-1", "timestamp": "2020-09-13T12:27:00.000Z"}
    up, down = {**common, "direction": "cp-to-csms"}, {**common, "direction": "csms-to-cp"}
    return [
        {**up, "messageType": "CALL", "messageId": "1", "action": "BootNotification", "payload": BOOT},
        {**down, "messageType": "CALLRESULT", "messageId": "1", "action": "BootNotification", "payload": ACCEPTED},
        {**up, "messageType": "CALL", "messageId": "2", "action": "StartTransaction", "payload": START},
    ]


def test_a_trace_becomes_a_valid_profile(cpfarm: Cpfarm, tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows()))
    told = cpfarm("profiles", "learn", "t.jsonl", "--out", "p.yaml")
    assert told.code == 0, told.err
    assert "note: there are 2 EVSEs as far as the trace shows" in told.err and "sourced," in told.err
    assert cpfarm("profiles", "validate", "p.yaml").out == "1 of 1 profiles are valid\n"
    shown = json.loads(cpfarm("profiles", "show", "p.yaml", "--json").out)
    standing = {row["path"]: (row["value"], row["standing"], row["source"]) for row in shown["values"]}
    assert standing["identity.vendor"] == ("Maker", "sourced", "t.jsonl, line 1")
    assert standing["hardware.boot.soft_s"][1] == "assumed"
    told = cpfarm("profiles", "learn", "t.jsonl", "--out", "p.yaml")
    assert (told.code, told.err) == (2, "cpfarm: --out: p.yaml is there already and is not overwritten\n")
    assert cpfarm("profiles", "learn", "t.jsonl").out == (tmp_path / "p.yaml").read_text()
    assert (
        "no station 'CP-2' in it; did you mean 'CP-1'"
        in cpfarm("profiles", "learn", "t.jsonl", "--station", "CP-2").err
    )


def test_a_template_of_another_simulator_becomes_a_valid_profile(cpfarm: Cpfarm, tmp_path: Path) -> None:
    template = {"chargePointVendor": "Robin Works", "chargePointModel": "Nest", "power": 22_080, "idTagsFile": "t.json"}
    (tmp_path / "robin.json").write_text(json.dumps(template))
    told = cpfarm("profiles", "import", "sap", "robin.json", "--out", "p.yaml")
    assert told.code == 0, told.err
    assert "note: not carried over: idTagsFile: belongs in a target file (tokens)" in told.err
    assert cpfarm("profiles", "validate", "p.yaml").out == "1 of 1 profiles are valid\n"
    assert cpfarm("profiles", "import", "sap", "robin.json").out == (tmp_path / "p.yaml").read_text()
    told = cpfarm("profiles", "import", "sap", "nothing.json")
    assert (told.code, told.err) == (2, "cpfarm: nothing.json: cannot be read: No such file or directory\n")


def test_both_ways_to_a_profile_stand_under_profiles() -> None:
    assert lists.profiles in {group.typer_instance for group in app.registered_groups}
    assert learn.learn in {command.callback for command in lists.profiles.registered_commands}
    assert {group.name: group.typer_instance for group in lists.profiles.registered_groups}["import"] is learn.importing
