"""How many phases a session charges on, and what a limit in watts means on them (K01.FR.43-51)."""

from __future__ import annotations

from simulator.blocks.charging_profiles import SWITCH_PHASES
from simulator.core.inputs import EvReady, EvSpec, Perform
from tests.bench import bench, each_2x
from tests.ocpp2x.charging import MAX, TX, absolute, composite, install, key, power_kw, reported


@each_2x
def test_a_power_is_for_the_phases_it_names(version: str) -> None:
    """K01.FR.49-50 (errata 2.40): the current of a phase is limit / (voltage * numberPhases), 3 when not named."""
    lab = bench(version).plug(ev=EvSpec(max_ac_w=7_360.0, phases=1, curve="flat", soc=0.0)).present().run(4)
    for number, row in ((1, (0, 6_900)), (2, (0, 6_900, 3)), (3, (0, 2_300, 1))):
        assert install(lab, 1, row, unit="W", number=1) == "Accepted", number
        assert power_kw(lab) == 2.3, "10 A on the one phase of the car"
    assert install(lab, 1, (0, 4_130), unit="W") == "Accepted"
    assert lab.evse().charging_state == "SuspendedEVSE", "5.98 A"
    assert composite(lab, chargingRateUnit="W") == [(0, 4130.0)] and composite(lab, chargingRateUnit="A") == [(0, 5.9)]
    lab = bench(version, evse={"phases": 1, "max_power_w": 7_360.0}).charge()
    assert install(lab, 1, (0, 6_900), unit="W") == "Accepted"
    assert composite(lab, chargingRateUnit="A") == [(0, 10.0)] and composite(lab, chargingRateUnit="W") == [(0, 2300.0)]


@each_2x
def test_a_power_means_itself_where_there_are_no_phases(version: str) -> None:
    """K01.FR.44: on direct current they are left aside; and K01.FR.50 is about profiles of the CSMS."""
    dc = {"phases": 0, "max_power_w": 50_000.0, "max_current_a": 125.0, "voltage_v": 400.0, "tethered": True}
    lab = bench(version, evse=dc).charge()
    assert install(lab, 1, (0, 20_000), unit="W") == "Accepted" and power_kw(lab) == 20.0
    assert composite(lab, chargingRateUnit="A") == [(0, 50.0)]
    lab = bench(version).plug(ev=EvSpec(max_ac_w=7_360.0, phases=1, curve="flat", soc=0.0)).present().run(4)
    lab.feed(Perform("charging_limit", {"limit_w": 6_900.0}), 1)
    assert power_kw(lab) == 6.9


@each_2x
def test_fewer_phases_must_be_sure(version: str) -> None:
    """K01.FR.43: no session that charges on three can be brought to one, nor one that begins on three later."""
    lab = bench(version, evses=2)
    assert install(lab, 1, (0, 10), (60, 10, 1)) == install(lab, 0, (0, 10, 1), (60, 10)) == "InvalidSchedule"
    lab.charge(1)
    fewer = {"purpose": TX, "transactionId": key(lab)}
    assert install(lab, 1, (0, 10, 1), **fewer) == install(lab, 0, (0, 10, 1)) == "InvalidSchedule"
    assert absolute(lab, 0, (0, 20, 2), purpose=MAX, number=4) == "InvalidSchedule"
    assert reported(lab) == []
    assert install(lab, 1, (0, 10, 3), **fewer) == install(lab, 2, (0, 10, 1), number=2) == "Accepted"
    lab.charge(2, "OTHER")
    assert power_kw(lab, 1) == 6.9 and power_kw(lab, 2) == 2.3
    watts = {"chargingRateUnit": "W"}
    assert composite(lab, 1, **watts) == [(0, 6900.0)] and composite(lab, 2, **watts) == [(0, 2300.0)]
    assert install(lab, 2, (0, 16, 3), number=2) == "Accepted" and power_kw(lab.run(1), 2) == 3.68, "it began on one"
    assert composite(lab, 2, **watts) == [(0, 3680.0)], "SC.04: what is to be expected"
    paused = bench(version).charge(1).feed(EvReady(1, False), 1)
    assert install(paused, 1, (0, 10, 1)) == "InvalidSchedule", "it began on three, and goes on so"
    one = bench(version, evse={"phases": 1, "max_power_w": 7_360.0}).charge()
    assert install(one, 1, (0, 10), (60, 10, 1)) == "Accepted", "K01.FR.45: there is only one"
    both = bench(version, settings={SWITCH_PHASES: True}).charge()
    assert install(both, 1, (0, 10, 1), (60, 10)) == "Accepted" and power_kw(both) == 2.3
    assert power_kw(both.run(65)) == 6.9
    told = [event["numberOfPhasesUsed"] for event in both.session().events if "numberOfPhasesUsed" in event]
    assert told == [3, 1, 3], "E02.FR.18-19"
