"""``cpfarm scenario``."""

from __future__ import annotations

import json
from pathlib import Path

from tests.commands.conftest import Cpfarm

GOOD = "title: A cable\ntags: [smoke]\nsteps:\n  - plug\n  - expect: status\n"
BAD = "title: Nothing\ncase: TC_001\nsteps:\n  - expect: {message: transaction started, within: 5s}\n"


def write(folder: Path) -> None:
    (folder / "s").mkdir()
    (folder / "s" / "good.yaml").write_text(GOOD)
    (folder / "s" / "bad.yaml").write_text(BAD)


def test_run(cpfarm: Cpfarm, tmp_path: Path) -> None:
    write(tmp_path)
    told = cpfarm("scenario", "run", "s/good.yaml", "--ocpp", "1.6J")
    assert (told.code, told.err) == (0, "")
    assert told.out.splitlines()[-1] == "Repeat: cpfarm scenario run s/good.yaml --ocpp 1.6J"
    assert "1 passed, 0 failed in" in told.out
    told = cpfarm("scenario", "run", "s", "--ocpp", "1.6", "--profile", "generic/ac-single", "--summary", "run.json")
    assert told.code == 1
    assert "alone: cpfarm scenario run s/bad.yaml --profile generic/ac-single --ocpp 1.6" in told.out
    told = cpfarm(
        "scenario", "run", "s", "--only-failed", "run.json", "--json", "--junit", "j.xml", "--trace", "t.jsonl"
    )
    assert told.code == 1
    assert [(cell["scenario"], cell["ocpp"]) for cell in json.loads(told.out)["cells"]] == [("bad", "1.6")]
    assert (tmp_path / "j.xml").read_text().startswith("<?xml")
    assert '"BootNotification"' in (tmp_path / "t.jsonl").read_text()


def test_list(cpfarm: Cpfarm, tmp_path: Path) -> None:
    write(tmp_path)
    told = cpfarm("scenario", "list", "s")
    assert "A cable" in told.out
    assert "2 scenarios" in told.out
    told = cpfarm("scenario", "list", "s", "--tag", "TC_001", "--json")
    assert [row["name"] for row in json.loads(told.out)] == ["bad"]


def test_shipped_scenarios_by_name_and_folder(cpfarm: Cpfarm, tmp_path: Path) -> None:
    """Also where no checkout is: the working folder is an empty one."""

    def names(*places: str) -> list[str]:
        return [row["name"] for row in json.loads(cpfarm("scenario", "list", *places, "--json").out)]

    assert names("one-session") == names("smoke/one-session") == names("scenarios/smoke/one-session.yaml")
    assert names("smoke") == names("scenarios/smoke/") == ["cold-boot", "one-session"]
    assert "tc-003" in names("regression/cases") and names("scenarios") == names()
    write(tmp_path)
    (tmp_path / "smoke").mkdir()
    (tmp_path / "smoke" / "own.yaml").write_text((tmp_path / "s" / "good.yaml").read_text())
    assert names("smoke") == ["own"]  # what is there goes first


def test_bad_input(cpfarm: Cpfarm, tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "wrong.yaml").write_text("title: x\nsteps: [plugg]\n")
    (tmp_path / "empty").mkdir()
    (tmp_path / "fleet.yaml").write_text("name: f\ngroups: [{name: a, profile: generic/ac-single}]\n")
    cases = [
        (("wrong.yaml",), "wrong.yaml:2: steps[0].plugg: unknown key; did you mean 'plug'?"),
        (("nothing.yaml",), "there is no file, folder or shipped scenario 'nothing.yaml'\n"),
        (
            ("scenarios/biling",),
            "there is no file, folder or shipped scenario 'scenarios/biling'; did you mean 'billing'?",
        ),
        (("s", "--tag", "TC_01"), "--tag: no scenario has the tag 'TC_01'; did you mean 'TC_001'?"),
        (
            ("s", "--profile", "generic/ac-singel"),
            "unknown profile 'generic/ac-singel'; did you mean 'generic/ac-single'?",
        ),
        (("s", "--ocpp", "1.7"), "unknown OCPP version '1.7'"),
        (("s", "--tag", "none"), "--tag: no scenario has the tag 'none'\n"),
        (("s", "--set", "x"), "--set: 'x' is not name=value"),
        (("s", "--only-failed", "wrong.yaml"), "wrong.yaml: --only-failed: is no JSON"),
        (("s", "--only-failed", "no.json"), "no.json: --only-failed: cannot be read: No such file or directory\n"),
        (("empty",), "empty: there is no scenario in it"),
        (("fleet.yaml",), "fleet.yaml: is no scenario: it has no title and no steps; it looks like a fleet, which"),
        (("s/good.yaml", "--ocpp", "1.6", "--ledger", "/dev/full"), "/dev/full: this is no file"),
        (("s", "--summary", "no/folder.json"), "--summary: there is no folder no"),
    ]
    for words, text in cases:
        told = cpfarm("scenario", "run", *words)
        assert told.code == 2, words
        assert text in told.err, told.err
    (tmp_path / "other.json").write_text("{}")
    told = cpfarm("scenario", "run", "s", "--only-failed", "other.json")
    assert "is no --summary of cpfarm scenario run" in told.err


def test_steps_and_schemas(cpfarm: Cpfarm) -> None:
    assert "Let time pass." in cpfarm("scenario", "steps").out
    rows = json.loads(cpfarm("scenario", "steps", "--json").out)
    assert {"plug", "expect", "operator"} <= {row["step"] for row in rows}
    assert json.loads(cpfarm("scenario", "schema").out)["title"] == "cpfarm scenario"
    assert json.loads(cpfarm("scenario", "schema", "Fleet").out)["title"] == "cpfarm fleet"
    told = cpfarm("scenario", "schema", "flet")
    assert (told.code, told.err) == (2, "cpfarm: kind: no schema 'flet'; did you mean 'fleet'?\n")


def test_a_draft_from_a_trace(cpfarm: Cpfarm, tmp_path: Path) -> None:
    write(tmp_path)
    assert cpfarm("scenario", "run", "s/good.yaml", "--ocpp", "1.6", "--trace", "t.jsonl").code == 0
    told = cpfarm("scenario", "from-trace", "t.jsonl")
    assert told.code == 0
    assert "  - plug\n" in told.out
    assert cpfarm("scenario", "from-trace", "t.jsonl", "--out", "draft.yaml").out == ""
    assert (tmp_path / "draft.yaml").read_text() == told.out
    assert cpfarm("scenario", "run", "draft.yaml").code == 0
    told = cpfarm("scenario", "from-trace", "nothing.jsonl")
    assert (told.code, told.err) == (2, "cpfarm: nothing.jsonl: cannot be read: No such file or directory\n")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\xff")
    told = cpfarm("scenario", "from-trace", "picture.png")
    assert (told.code, told.err) == (2, "cpfarm: picture.png: there is no OCPP message in it (read as frames)\n")
    (tmp_path / "pasted.log").write_text('10:00:00 CP -> CSMS [2,"1","Heartbeat",{}]\n')
    assert "# Not used: Heartbeat 1." in cpfarm("scenario", "from-trace", "pasted.log", "--format", "frames").out


def test_options_of_sockets_need_sockets(cpfarm: Cpfarm, tmp_path: Path) -> None:
    write(tmp_path)
    told = cpfarm("scenario", "run", "s/good.yaml", "--speed", "10")
    assert "are for runs on sockets" in told.err
    for more in ((), ("--live",)):
        told = cpfarm("scenario", "run", "s/good.yaml", "--security-profile", "1", *more)
        assert (told.code, told.err) == (
            2,
            "cpfarm: --security-profile: given, but no CSMS: add --csms URL or --target FILE\n",
        )
    told = cpfarm("scenario", "run", "s/good.yaml", "--live", "--csms", "ws://127.0.0.1:1")
    assert (told.code, "--live: starts a CSMS of its own" in told.err) == (2, True)
