"""Cars, cables, bays: what is physically possible, whatever the station thinks of it."""

from __future__ import annotations

import pytest

from simulator.core import inputs as i
from simulator.core import world
from simulator.core.station import APPLY
from tests.bench import Lab, bench


def test_a_second_car_finds_no_place(lab: Lab) -> None:
    lab.plug().plug()
    assert lab.remarks() == ["plug at EVSE 1 ignored: occupied"]


@pytest.mark.parametrize("event", [i.Plug(4), i.Unplug(4), i.EvReady(4, True)])
def test_an_evse_that_is_not_there(lab: Lab, event: i.Input) -> None:
    lab.feed(event)
    assert len(lab.remarks()) == 1 and "4" in lab.remarks()[0]
    lab.feed(i.Park(4)).feed(i.EvseReady(4, False))
    assert len(lab.remarks()) == 1


def test_nothing_to_unplug(lab: Lab) -> None:
    lab.unplug()
    assert lab.remarks() == ["unplug at EVSE 1 ignored: nothing is plugged in"]


def test_the_car_end_first_then_the_socket(lab: Lab) -> None:
    lab.plug().unplug(side="ev")
    evse = lab.evse()
    assert (evse.connected, evse.ev_gone, evse.ev) == (False, True, None)
    lab.plug()
    assert (evse.connected, evse.ev_gone) == (True, False), "another car at the same cable"
    lab.unplug(side="ev").unplug(side="station")
    assert (evse.connected, evse.ev_gone) == (False, False)


def test_a_locked_socket_holds_the_cable(lab: Lab) -> None:
    lab.charge().unplug(side="station")
    assert lab.evse().connected and lab.evse().flowing
    assert lab.remarks() == ["unplug at EVSE 1 refused: the connector is locked"]


def test_a_tethered_cable_has_one_end() -> None:
    lab = bench(evse={"tethered": True}).plug().unplug(side="ev")
    evse = lab.evse()
    assert (evse.connected, evse.ev_gone) == (False, False)
    lab.plug().unplug(side="station")
    assert not lab.evse().connected


def test_a_driver_who_leaves_waits_for_the_lock(lab: Lab) -> None:
    """`both`: the cable is out as soon as the lock lets go."""
    lab.charge().unplug().run(1)
    evse = lab.evse()
    assert not (evse.connected or evse.ev_gone or evse.taking_out)
    assert lab.statuses()[-1] == "Available"


def test_a_bay_is_seen_by_its_sensor_only(lab: Lab) -> None:
    lab.feed(i.Park(1))
    assert not lab.evse().bay and lab.statuses() == ["Available"]
    with_sensor = bench(evse={"bay_sensor": True}).feed(i.Park(1))
    assert with_sensor.evse().bay and with_sensor.statuses() == ["Available", "Preparing"]


def test_the_world_goes_on_while_the_station_is_off(lab: Lab) -> None:
    lab.inject("supply.mains_outage").run(5).plug().run(5)
    assert lab.evse().connected
    lab.clear().forget().run(60)
    assert lab.statuses() == ["Preparing"]


def test_no_car_to_suspend(lab: Lab) -> None:
    lab.feed(i.EvReady(1, False))
    assert lab.remarks() == ["no car at EVSE 1 to suspend or resume"]


def test_what_the_car_took_is_what_the_meter_gave(lab: Lab) -> None:
    lab.plug(ev=i.EvSpec(battery_wh=50_000, soc=0.2, curve="flat")).present().run(1800).present()
    evse, meter = lab.evse(), lab.station.board.meters[0]
    assert evse.ev is not None
    taken_wh = (evse.ev.soc - 0.2) * 50_000
    begun_wh = lab.csms.transactions[1]["start"]["meterStart"]
    assert taken_wh == pytest.approx(meter.physical_wh(lab.fleet.now) - begun_wh, abs=1.0)
    assert taken_wh > 5_400


def test_the_world_serves_its_own_inputs() -> None:
    served = {kind for kind, function in APPLY.items() if getattr(function, "__module__", "") == world.__name__}
    assert served == {i.Plug, i.Unplug, i.Park, i.EvReady, i.EvseReady}


def test_one_end_of_the_cable_after_the_other(lab: Lab) -> None:
    evse = lab.evse()
    lab.feed(i.Plug(1, side="ev"))
    assert not evse.connected and lab.remarks() == ["plug at EVSE 1 ignored: no cable sits in the socket"]
    lab.feed(i.Plug(1, side="station"))
    assert (evse.connected, evse.ev_gone, evse.ev, evse.plugged) == (False, True, None, False)
    lab.feed(i.Plug(1, side="station"))
    assert lab.remarks()[-1] == "plug at EVSE 1 ignored: a cable sits in the socket already"
    lab.feed(i.Plug(1, side="ev"))
    assert evse.connected and not evse.ev_gone and evse.plugged
    lab.unplug().run(1)
    assert not (evse.connected or evse.ev_gone) and lab.statuses()[-1] == "Available"


def test_a_fixed_cable_has_no_station_end_to_plug() -> None:
    lab = bench(evse={"tethered": True}).feed(i.Plug(1, side="station"))
    assert not lab.evse().ev_gone and lab.remarks() == ["plug at EVSE 1 ignored: its cable is fixed"]
    assert lab.feed(i.Plug(1, side="ev")).evse().connected
