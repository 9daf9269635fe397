"""Whose cable it is that stays locked in after its session."""

from __future__ import annotations

import pytest

from simulator.blocks.authorization import LOCAL_AUTHORIZE_OFFLINE
from simulator.blocks.kept_cable import hand_back, kept
from simulator.core.power_path import UNLOCK_ON_EV_SIDE
from tests.bench import bench, each_version, verdict_in_start


@each_version
def test_a_cable_that_stays_locked_is_released_by_its_owner(version: str) -> None:
    """E09.FR.03."""
    lab = bench(version, settings={UNLOCK_ON_EV_SIDE: False}).charge().unplug(side="ev").run(1)
    assert kept(lab.station, lab.evse()) and not hand_back(lab.station, lab.evse(), "OTHER", "OTHERS")
    lab.unplug(side="station")
    assert "locked" in lab.remarks()[-1]
    lab.present().run(1)  # handed back; no session begins (TC_E_25)
    assert lab.evse().grant is None
    lab.unplug(side="station")
    assert lab.statuses()[-1] == "Available"


@each_version
@pytest.mark.parametrize("side", ["station", "ev"])
def test_a_cable_of_a_refused_token_waits_for_it(version: str, side: str) -> None:
    """1.6 errata 3.5, E05.FR.11: the token the session began with lets it go, valid or not; another one does not."""
    lab = bench(version)
    lab.csms.groups = {"TAG": "FAMILY", "STRANGER": "OTHERS"}
    verdict_in_start(lab, "Blocked")
    lab.plug().present().run(10).unplug(side=side).run(1)
    lock = lab.station.board.locks[0]
    assert lab.session().reason == "DeAuthorized" and lock.closed
    if side == "ev":
        lab.present("STRANGER").run(1)
        assert lock.closed and lab.evse().grant is None
    lab.csms.verdicts["tag"] = "Blocked"
    lab.present("tag").run(1)
    assert not lock.closed and len(lab.sessions()) == 1


@each_version
def test_a_cable_is_let_go_offline(version: str) -> None:
    """1.6 errata 3.5, 4.10, E09.FR.03: nobody can be asked, and it is its owner's all the same."""
    lab = bench(version, settings={UNLOCK_ON_EV_SIDE: False, LOCAL_AUTHORIZE_OFFLINE: False}).charge()
    lab.unplug(side="ev").run(1)
    lab.fleet.cut(lab.station)
    lab.present("STRANGER").run(1)
    assert lab.station.board.locks[0].closed
    lab.present().run(1)
    assert not lab.station.board.locks[0].closed
