"""Something new on the link is tried, confirmed, or taken back, in every version."""

from __future__ import annotations

import pytest

from simulator.core import inputs as i
from simulator.core import trial
from simulator.core.link_policy import NETWORK_ATTEMPTS, PASSWORD, SECURITY_PROFILE
from tests.bench import build, each_2x
from tests.secure import SecureLab

FIRST, SECOND = "the-first-password", "the-second-password"


def lab_2x(version: str, **model: object) -> SecureLab:
    """A station of 2.x that authenticates by password."""
    lab = SecureLab(build(version, **model), profile=1, password=FIRST)  # type: ignore[arg-type]
    lab.boot().run(5)
    assert lab.station.gate == "accepted"
    lab.forget()
    return lab


@each_2x
def test_a_new_password_is_used_at_once(version: str) -> None:
    """A01.FR.02, FR.10-11."""
    lab = lab_2x(version)
    lab.door.passwords = frozenset({SECOND})
    lab.configure(PASSWORD, SECOND)
    lab.run(2)
    assert lab.station.link.is_up and lab.dial.password == SECOND and lab.links() == 2
    assert not trial.pending(lab.station)


@each_2x
@pytest.mark.parametrize("attempts", [1, 4])
def test_a_password_that_is_refused_is_taken_back(version: str, attempts: int) -> None:
    lab = lab_2x(version, settings={NETWORK_ATTEMPTS: attempts})
    lab.configure(PASSWORD, SECOND)
    lab.run(400)
    assert lab.station.link.is_up and lab.dial.password == FIRST
    assert [d.password for d in lab.path.dials].count(SECOND) == attempts


@each_2x
def test_a_short_password_is_refused(version: str) -> None:
    lab = lab_2x(version)
    row = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}, "attributeValue": "short"}
    answer = lab.ask("SetVariables", setVariableData=[row])
    assert answer["setVariableResult"][0]["attributeStatus"] == "Rejected"
    lab.run(30)
    assert lab.links() == 1


@each_2x
def test_the_profile_is_no_variable_to_write(version: str) -> None:
    lab = lab_2x(version)
    row = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "SecurityProfile"}, "attributeValue": "2"}
    answer = lab.ask("SetVariables", setVariableData=[row])
    assert answer["setVariableResult"][0]["attributeStatus"] == "Rejected"
    assert lab.station.settings[SECURITY_PROFILE] == 1


@each_2x
def test_two_changes_in_a_row_come_back_to_what_worked(version: str) -> None:
    lab = lab_2x(version)
    for number in range(2):
        call = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
        lab.fleet.call(
            lab.station, "SetVariables", {"setVariableData": [{**call, "attributeValue": f"{SECOND}-{number}"}]}
        )
    lab.run(400)
    assert lab.station.link.is_up and lab.dial.password == FIRST


@each_2x
def test_a_trial_outlives_a_power_cut(version: str) -> None:
    lab = lab_2x(version)
    lab.configure(PASSWORD, SECOND)
    lab.run(6)
    assert trial.pending(lab.station) == {"password": FIRST}
    lab.feed(i.PowerOff())
    lab.boot().run(400)
    assert lab.station.link.is_up and lab.dial.password == FIRST and not trial.pending(lab.station)


@each_2x
def test_a_new_link_alone_confirms_nothing_before_the_registration(version: str) -> None:
    lab = lab_2x(version)
    lab.door.passwords = frozenset({SECOND})
    lab.path.refuse = "timeout"
    lab.configure(PASSWORD, SECOND)
    lab.csms.boot_status, lab.path.refuse = "Pending", ""
    lab.feed(i.PowerOff())
    lab.boot().run(20)
    assert lab.station.link.is_up and trial.pending(lab.station)
    lab.csms.boot_status = "Accepted"
    lab.run(400)
    assert lab.station.gate == "accepted" and not trial.pending(lab.station)


def test_what_is_tried_is_declared_once() -> None:
    assert set(trial.KINDS) >= {"password", "security_profile", "station_certificate"}
    with pytest.raises(AssertionError, match="two kinds of trial"):
        trial.declare("password", trial.KINDS["password"])
