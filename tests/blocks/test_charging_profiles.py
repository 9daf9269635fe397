"""Installed profiles: what they survive, what ends them, and clocks that jump, drift or are set."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.blocks import charging_profiles
from simulator.blocks.charging_profiles import NAME, PROFILE_AREA
from simulator.core import inputs as i
from simulator.core.model import HardwareSpec, RtcSpec
from simulator.core.records import FlashTrouble
from simulator.core.station import Station
from simulator.fleet.state import StateDir, restore
from simulator.fleet.virtual import VirtualFleet
from tests.bench import AT_ONCE, CAR, Lab, bench
from tests.ocpp16.charging import MAX, TX, clear, install
from tests.schedules import clock


def test_the_end_of_a_transaction_ends_its_profile(lab: Lab) -> None:
    """3.13.1, 7.10."""
    lab.charge()
    install(lab, 1, (0, 10), purpose=TX)
    lab.present().run(1)
    assert charging_profiles.installed(lab.station) == ()
    assert lab.station.board.flash.items(PROFILE_AREA) == []
    assert NAME not in lab.station.data and lab.station.timers.get("schedule") is None


@pytest.mark.parametrize("how", ["Soft", "Hard", "power"])
def test_profiles_survive_a_restart(lab: Lab, how: str) -> None:
    """Errata 3.37; that of a transaction does not, if the transaction does not."""
    lab.charge()
    install(lab, 0, (0, 16), number=1, purpose=MAX)
    install(lab, 1, (0, 10), number=2)
    install(lab, 1, (0, 6), number=3, purpose=TX)
    if how == "power":
        lab.feed(i.PowerOff(), 1).feed(i.PowerOn(), 60)
    else:
        lab.ask("Reset", type=how)
        lab.run(60)
    assert [p.profile.id for p in charging_profiles.installed(lab.station)] == [1, 2]
    lab.unplug().charge(token="B")
    assert lab.evse().power_w == 6_900


def test_the_profile_of_a_transaction_survives_with_it() -> None:
    """Errata 3.37."""
    hardware = HardwareSpec(modem=AT_ONCE, rtc=RtcSpec(drift_ppm=0.0), power_loss="resume")
    lab = bench(hardware=hardware).charge()
    install(lab, 1, (0, 6), purpose=TX)
    lab.feed(i.PowerOff(), 1).feed(i.PowerOn(), 60)
    assert lab.session().end is None and lab.evse().power_w == 4_140


def test_an_offline_station_goes_on(lab: Lab) -> None:
    """3.13.6."""
    lab.charge()
    install(lab, 1, (0, 10), (600, 6), start=clock(lab))
    lab.inject("modem.outage").run(601)
    assert not lab.station.link.is_up and lab.evse().power_w == 4_140


@pytest.mark.parametrize("step_s, power_w", [(3_600, 4_140), (-3_600, 11_000)])
def test_a_clock_that_jumps_is_noticed(lab: Lab, step_s: int, power_w: float) -> None:
    lab.charge()
    install(lab, 1, (0, 10), (1_800, 6), start=clock(lab))
    assert lab.evse().power_w == 6_900
    lab.inject("rtc.step", step_s=step_s).clear().run(1)
    assert lab.evse().power_w == power_w
    lab.ask("TriggerMessage", requestedMessage="Heartbeat")  # its answer sets the clock right
    lab.run(0.1)
    assert lab.evse().power_w == 6_900


def test_a_clock_that_is_set_is_noticed_without_any_other_event(lab: Lab) -> None:
    """The answer to a heartbeat changes nothing else."""
    lab.charge()
    install(lab, 1, (0, 10), start=clock(lab, 1_000))
    assert lab.evse().power_w == 11_000
    later = clock(lab, 1_100)
    lab.csms.script["Heartbeat"] = lambda csms, p: {"currentTime": later}
    lab.ask("TriggerMessage", requestedMessage="Heartbeat")
    lab.run(0.1)
    assert lab.evse().power_w == 6_900


def test_a_drifting_clock_is_asked_again_until_the_edge_is_there() -> None:
    lab = bench(hardware=HardwareSpec(modem=AT_ONCE, rtc=RtcSpec(drift_ppm=100.0)))
    lab.plug(ev=i.EvSpec(battery_wh=10_000_000.0, curve="flat", soc=0.0)).present().run(4)
    wall = lab.station.board.rtc.wall
    install(lab, 1, (0, 10), start=clock(lab, 50_000))
    edge_us = lab.fleet.epoch_us + lab.fleet.now + 50_000 * 1_000_000
    lab.run(49_000)
    while lab.evse().power_w == 11_000 and wall(lab.fleet.now) < edge_us + 10_000_000:
        assert wall(lab.fleet.now) <= edge_us
        lab.run(0.5)
    assert lab.evse().power_w == 6_900 and wall(lab.fleet.now) - edge_us <= 510_000


@pytest.mark.parametrize("fault", ["flash.full", "flash.read_only"])
def test_what_flash_refuses_is_rejected(lab: Lab, fault: str) -> None:
    lab.charge().inject(fault)
    assert install(lab, 1, (0, 10)) == "Rejected"
    assert lab.evse().power_w == 11_000
    assert any(r.area == PROFILE_AREA for r in lab.fleet.recorded(FlashTrouble))


def test_what_flash_does_not_forget_comes_back_at_the_next_boot(lab: Lab) -> None:
    install(lab, 1, (0, 10))
    lab.inject("flash.read_only")
    assert clear(lab) == "Accepted", "it is out of force"
    lab.charge()
    assert lab.evse().power_w == 11_000
    assert any("stays on flash" in r.lost for r in lab.fleet.recorded(FlashTrouble))


def test_profiles_and_a_resumed_transaction_go_on_in_the_next_run(tmp_path: Path) -> None:
    """``--state``: what lies on flash is there again, and what is relative still counts from the same moment."""
    hardware = HardwareSpec(modem=AT_ONCE, rtc=RtcSpec(drift_ppm=0.0), power_loss="resume")
    lab = bench(hardware=hardware).charge()
    install(lab, 0, (0, 16.5, 3), number=1, purpose=MAX, validFrom=clock(lab))
    install(lab, 1, (0, 10), (3_600, 6), number=2, purpose=TX, kind="Relative", duration=86_400)
    before = charging_profiles.installed(lab.station)
    began_us = lab.evse().tx.started.wall_us  # type: ignore[union-attr]
    state = StateDir(tmp_path)
    state.save([lab.station], lab.fleet.now)
    loaded = state.load("CP1")
    state.close()
    assert loaded is not None
    for since_s, power_w in ((1_000, 6_900), (3_000, 6_900), (4_000, 4_140)):
        fleet = VirtualFleet(epoch_us=began_us + since_s * 1_000_000)
        station = Station("CP1", lab.station.model, seed=2, epoch_us=fleet.epoch_us)
        restore(station, loaded)
        assert tuple(row for _, row in station.board.flash.items(PROFILE_AREA)) == before
        fleet.add(station)
        fleet.feed(station, i.Plug(1, CAR))
        fleet.feed(station, i.PowerOn())
        fleet.run(5)
        assert station.evses[0].power_w == power_w, since_s
