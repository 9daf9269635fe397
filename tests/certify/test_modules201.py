"""The parts of the 2.0.1 runner: an edition of its own for wire, tester and basic state, and states that can be used
without a case."""

from __future__ import annotations

from simulator.certify import reset201, states201, tester201, wire201
from simulator.certify.edition import edition_of
from simulator.certify.rig import Rig


def test_the_edition_uses_its_own_wire_tester_and_reset() -> None:
    edition = edition_of("2.0.1")
    assert (edition.csms, edition.tester, edition.reset) == (
        wire201.ToolCsms201, tester201.Tester201, reset201.Reset201,
    )  # fmt: skip
    assert isinstance(Rig("generic/ac-single", ocpp="2.0.1").csms, wire201.ToolCsms201)


def test_a_state_can_be_established_on_a_station_from_the_box() -> None:
    rig = Rig("generic/ac-single", ocpp="2.0.1")
    reset201.Reset201(rig).learn()
    rig.csms.fresh_case()
    t = tester201.Tester201(rig, "TC_B_01")
    states201.ev_connected(t)
    assert t.validations and all(validation.ok for validation in t.validations)
    assert {validation.action for validation in t.validations} >= {"StatusNotification"}
