"""The parts of the 2.0.1 runner: an edition of its own for wire, tester and basic state, and states that can be used
without a case."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.certify import reset201, states201, states201_charging, states201_reservation, tester201, wire201
from simulator.certify.edition import edition_of
from simulator.certify.rig import Rig
from simulator.certify.tester import message
from simulator.certify.verdicts import CaseFailed

PLAIN = str(Path(__file__).with_name("plain.yaml"))


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


def test_a_profile_must_be_told_as_it_was_sent() -> None:
    """Moments may be written in another way; a value, a period more or one less is another profile."""
    sent = {
        "id": 1,
        "validTo": "2026-03-01T01:00:00Z",
        "chargingSchedule": [{"chargingSchedulePeriod": [{"limit": 6}]}],
    }
    wanted = message(1, "ReportChargingProfiles", states201_charging.same(sent, "chargingProfile.0"))

    def fits(**altered: object) -> bool:
        return wanted.fits({"chargingProfile": [{**sent, **altered}]})[0]

    assert fits() and fits(validTo="2026-03-01T02:00:00.000+01:00", transactionId="told beside it")
    assert not fits(validTo="2026-03-01T01:00:01Z") and not fits(id=2)
    for periods in ([], [{"limit": 7}], [{"limit": 6}, {"limit": 6}]):
        assert not fits(chargingSchedule=[{"chargingSchedulePeriod": periods}])


def test_limits_are_steps_of_the_unit_the_product_knows() -> None:
    """Errata of part 6, 6.2.69: 1 A, or 230 W for each phase."""
    for profile, unit, step in (("generic/ac-single", "A", 1), (PLAIN, "W", 690)):
        t = tester201.Tester201(Rig(profile, ocpp="2.0.1"), "TC_K_01")
        assert (states201_charging.units(t)[0], states201_charging.step_of(t, unit)) == (unit, step)


def test_a_reservation_that_is_used_and_one_that_is_not() -> None:
    rig = Rig("generic/ac-dual", ocpp="2.0.1")
    reset = reset201.Reset201(rig)
    reset.learn()
    rig.csms.fresh_case()
    t = tester201.Tester201(rig, "TC_H_01")
    assert len(set(states201_reservation.tokens(t))) == len(rig.connectors) == 2
    states201_reservation.reserved(t)
    states201_reservation.claimed(t, t.valid)
    states201.energy_started(t)
    states201_reservation.names_reservation(t, 1)
    with pytest.raises(CaseFailed, match="reservationId"):
        states201_reservation.names_reservation(t, 2, states201_reservation.RESERVATION_ID + 1)
