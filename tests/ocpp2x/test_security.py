"""The password of 2.x and what it is kept from (A01). Tests with an id in their name are cases of part 6."""

from __future__ import annotations

import json
from typing import Any

import pytest

from simulator.blocks.device_model import variables
from simulator.core.inputs import Tick
from simulator.core.link_policy import NETWORK_ATTEMPTS, PASSWORD
from simulator.core.reports import SecurityEvent
from simulator.ocpp2x import security
from tests.bench import each_2x
from tests.secure import PASSWORD as FIRST
from tests.secure import SecureLab, secured

OTHER = "another-password-of-ours"


def write(lab: SecureLab, text: str) -> str:
    row = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}, "attributeValue": text}
    (answer,) = lab.ask("SetVariables", setVariableData=[row])["setVariableResult"]
    return str(answer["attributeStatus"])


def read(lab: SecureLab) -> Any:
    row = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
    (answer,) = lab.ask("GetVariables", getVariableData=[row])["getVariableResult"]
    return answer["attributeStatus"], answer.get("attributeValue")


@each_2x
@pytest.mark.parametrize("profile", [1, 2])
def test_tc_a_09_the_password_is_changed_and_used(version: str, profile: int) -> None:
    """A01.FR.01-03, FR.11."""
    lab = secured(version, profile=profile)
    lab.door.passwords = frozenset({OTHER})
    assert write(lab, OTHER) == "Accepted"
    lab.run(30)
    assert lab.dial.password == OTHER and lab.station.link.is_up and lab.links() == 2
    assert "ReconfigurationOfSecurityParameters SecurityCtrlr.BasicAuthPassword" in str(
        lab.station.board.flash.get("facts", "security_log")
    )
    assert read(lab) == ("Rejected", None)  # write-only


@each_2x
def test_tc_a_10_a_password_that_is_none(version: str) -> None:
    """A01.FR.04: refused, and the old one stays."""
    lab = secured(version, profile=1)
    for text in ("too-short", "x" * 65):
        assert write(lab, text) == "Rejected"
    lab.run(30)
    assert lab.links() == 1 and lab.station.settings[PASSWORD] == FIRST


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        ("x" * 40, "Accepted", "Accepted"),
        ("x" * 41, "Rejected", "Accepted"),
        ("all-of-these*-_=:+|@.", "Accepted", "Accepted"),
        ("and-of-these#$%& /", "Accepted", "Accepted"),
        ("fünfzehn-buchst", "Rejected", "Rejected"),
        ("sechzehn-buchstä", "Accepted", "Accepted"),
    ],
)
def test_what_a_password_may_consist_of(text: str, old: str, new: str) -> None:
    """A00.FR.205, errata 2.1: 16 characters at least, whichever they are; 40 at most here, 64 in the newer version."""
    for version, wanted in (("2.0.1", old), ("2.1", new)):
        lab = secured(version, profile=1)
        assert write(lab, text) == wanted, version
        found = [v for v in variables(lab.station) if v.variable == "BasicAuthPassword"]
        (row,) = [v for v in found if v.component == "SecurityCtrlr"]
        assert row.maximum == {"2.0.1": 40, "2.1": 64}[version]


@each_2x
def test_a_password_the_csms_does_not_take_is_taken_back(version: str) -> None:
    lab = secured(version, profile=1, settings={NETWORK_ATTEMPTS: 2})
    assert write(lab, OTHER) == "Accepted"
    lab.run(120)
    assert lab.dial.password == FIRST and lab.station.link.is_up


@each_2x
def test_the_password_is_in_no_record(version: str) -> None:
    """A01.FR.12."""
    lab = secured(version, profile=1)
    lab.door.passwords = frozenset({OTHER})
    write(lab, OTHER)
    lab.run(30)
    records = [repr(row) for row in lab.fleet.records]
    assert not any(OTHER in text for text in records)
    log = lab.station.data["history"] + str(lab.station.board.flash.get("facts", "security_log"))
    assert "BasicAuthPassword" in log and OTHER not in log


@each_2x
def test_an_event_is_cut_to_its_message(version: str) -> None:
    """A04.FR.01; the longest texts the message takes."""
    lab = secured(version)
    lab.station.publish(SecurityEvent("K" * 60, lab.station.stamp(), "i" * 300))
    lab.feed(Tick(), 1)
    (event,) = lab.csms.sent("SecurityEventNotification")
    assert (event["type"], event["techInfo"]) == ("K" * 50, "i" * 255)
    assert json.dumps(event) and SecurityEvent in {kind for kind, _ in security.table.renderers}
