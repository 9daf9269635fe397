"""`cpfarm check` against CSMSs that are up, down, pending, rejecting, locked, or speak something else."""

import json
from pathlib import Path

import pytest

from simulator.csms.options import CsmsOptions
from simulator.csms.process import CsmsProcess
from tests.commands.conftest import Cpfarm

pytestmark = pytest.mark.live

STEPS = ["name", "connection", "registration", "status", "schema"]


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
def test_every_step_of_a_csms_that_works(cpfarm: Cpfarm, csms: CsmsProcess, version: str) -> None:
    told = cpfarm("check", "--csms", csms.url, "--id", f"CHECK-{version}", "--ocpp", version, "--json")
    assert told.code == 0, told
    steps = json.loads(told.out)
    assert [step["step"] for step in steps] == STEPS and all(step["ok"] for step in steps)
    assert csms.request("GET", f"/api/stations/CHECK-{version}")["ocpp"] == version


def test_the_lines_for_people(cpfarm: Cpfarm, csms: CsmsProcess) -> None:
    told = cpfarm("check", "--csms", csms.url, "--id", "CHECK-TEXT")
    assert told.code == 0 and [line.split()[0] for line in told.out.splitlines()] == ["ok"] * len(STEPS)
    assert told.out.startswith("ok   name: 127.0.0.1\n")


def test_nothing_listens(cpfarm: Cpfarm, silent_port: int) -> None:
    told = cpfarm("check", "--csms", f"ws://127.0.0.1:{silent_port}")
    assert told.code == 3
    assert told.out.splitlines()[-1].startswith(f"FAIL connection: refused: 127.0.0.1:{silent_port}: ")
    help_text = "Nothing listens at that address and port: check that the CSMS is running, and the port of the URL."
    assert told.out.endswith(help_text + "\n")


def test_a_name_that_does_not_exist(cpfarm: Cpfarm) -> None:
    told = cpfarm("check", "--csms", "ws://no-such-host.invalid:9000")
    assert told.code == 3 and told.out.startswith("FAIL name: no-such-host.invalid: ")
    assert "Traceback" not in told.err


@pytest.mark.parametrize("status", ["pending", "rejected"])
def test_a_csms_that_does_not_take_it(cpfarm: Cpfarm, csms: CsmsProcess, status: str) -> None:
    csms.request("PUT", "/api/boot", {"status": status, "interval": 30})
    try:
        told = cpfarm("check", "--csms", csms.url, "--id", f"CHECK-{status}")
    finally:
        csms.request("PUT", "/api/boot", {"status": "accepted"})
    assert told.code == 3
    assert told.out.splitlines()[-1].startswith(f"FAIL registration: {status.capitalize()}. BootNotification was ")


def test_a_csms_that_asks_for_a_password(cpfarm: Cpfarm, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("id,password\nLOCKED,right-one-0123456789\n")
    with CsmsProcess(CsmsOptions(port=0, http_port=0, passwords=tmp_path / "p.csv")) as locked:
        words = ("check", "--csms", locked.url, "--id", "LOCKED")
        told = cpfarm(*words)
        assert told.code == 3 and "FAIL connection: http_401" in told.out and "--password" in told.out
        told = cpfarm(*words, "--security-profile", 1, "--password", "wrong-one-0123456789")
        assert told.code == 3 and "http_401" in told.out and "wrong-one" not in told.out + told.err
        told = cpfarm(*words, "--security-profile", 1, CPFARM_PASSWORD="right-one-0123456789")
        assert told.code == 0 and "right-one" not in told.out


def test_a_csms_that_answers_status_with_an_error(cpfarm: Cpfarm, csms: CsmsProcess) -> None:
    csms.request("PUT", "/api/faults", {"callerror": ["StatusNotification"]})
    try:
        told = cpfarm("check", "--csms", csms.url, "--id", "CHECK-STATUS")
    finally:
        csms.request("PUT", "/api/faults", {})
    assert told.code == 1 and "FAIL status: StatusNotification: callerror InternalError" in told.out


def test_a_csms_that_breaks_the_schema(cpfarm: Cpfarm, csms: CsmsProcess) -> None:
    csms.request("PUT", "/api/faults", {"wrong": ["StatusNotification"]})
    try:
        told = cpfarm("check", "--csms", csms.url, "--id", "CHECK-SCHEMA")
    finally:
        csms.request("PUT", "/api/faults", {})
    assert told.code == 1 and "FAIL schema: StatusNotification: " in told.out


def test_what_is_asked_for(cpfarm: Cpfarm, csms: CsmsProcess) -> None:
    told = cpfarm("check")
    assert told.code == 2 and told.err == "cpfarm: give the CSMS with --csms URL or --target FILE\n"
    told = cpfarm("check", "--csms", csms.url, "--profile", "generic/ac-singel")
    assert told.code == 2 and "--profile: unknown profile" in told.err
