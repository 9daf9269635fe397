"""What a refused token may still take."""

from __future__ import annotations

import pytest

from simulator.blocks import allowance
from simulator.blocks.authorization import MAX_ENERGY_ON_INVALID, STOP_ON_INVALID
from tests.bench import bench, each_version, verdict_in_start


@each_version
def test_a_refused_token_may_use_up_its_allowance(version: str) -> None:
    """MaxEnergyOnInvalidId, E05.FR.03."""
    lab = bench(version, settings={STOP_ON_INVALID: False, MAX_ENERGY_ON_INVALID: 500})
    verdict_in_start(lab, "Expired")
    lab.plug().present().run(60)
    holder = lab.evse().grant
    assert lab.evse().flowing and holder is not None
    allowance.grant(lab.station, lab.evse(), holder, 10_000)  # it is given once
    lab.run(200)  # 500 Wh at 11 kW take 164 s
    assert not lab.evse().flowing and lab.session().end is None
    taken_wh = lab.station.board.meters[0].physical_wh(lab.fleet.now) - lab.station.evses[0].tx.physical_wh
    assert taken_wh == pytest.approx(500, abs=0.1)
    lab.unplug().run(1)
    assert lab.session().reason == "EVDisconnected"
