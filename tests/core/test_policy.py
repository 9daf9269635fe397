"""The decisions in which versions differ: every dialect answers all of them, from settings and facts only."""

from __future__ import annotations

import inspect

import pytest

from simulator.core import connector as c
from simulator.core.policy import Policy
from simulator.dialects import DIALECTS
from tests.core.build import VERSIONS, rig

each_version = pytest.mark.parametrize("version", VERSIONS)
QUESTIONS = {name for name, member in inspect.getmembers(Policy, inspect.isfunction) if not name.startswith("_")}


@each_version
def test_every_question_has_an_answer_with_the_same_arguments(version: str) -> None:
    policy = DIALECTS[version].policy
    for name in QUESTIONS:
        asked = list(inspect.signature(getattr(Policy, name)).parameters)[1:]
        assert list(inspect.signature(getattr(policy, name)).parameters) == asked, name
    for name in Policy.__annotations__:
        assert hasattr(policy, name), name


@each_version
def test_asking_changes_nothing(version: str) -> None:
    lab = rig(version).boot()
    lab.charge()
    st, evse = lab.station, lab.station.evses[0]
    policy, tx = st.dialect.policy, evse.tx
    assert tx is not None
    before = (st.outbox.next_order, st.rng.counters.copy(), st.board.flash.dump(), evse.status, tx.seq_no)
    for name in QUESTIONS:
        values = {"st": st, "evse": evse, "tx": tx, "error": ""}
        asked = [values[arg] for arg in inspect.signature(getattr(policy, name)).parameters]
        assert getattr(policy, name)(*asked) == getattr(policy, name)(*asked)
    assert before == (st.outbox.next_order, st.rng.counters, st.board.flash.dump(), evse.status, tx.seq_no)


def test_the_old_version_starts_with_a_closed_power_path_and_stops_as_its_key_says() -> None:
    for on, stop in ((True, c.AUTHORIZED | c.EV_CONNECTED), (False, c.AUTHORIZED)):
        st = rig("1.6", settings={"StopTransactionOnEVSideDisconnect": on}).station
        assert st.dialect.policy.start_points(st) == c.POWER_PATH_CLOSED
        assert st.dialect.policy.stop_points(st) == stop


@pytest.mark.parametrize("version", [v for v in VERSIONS if v != "1.6"])
def test_the_new_versions_have_the_points_as_variables(version: str) -> None:
    settings = {"TxCtrlr.TxStartPoint": ("EVConnected", "Authorized"), "TxCtrlr.TxStopPoint": ("EnergyTransfer",)}
    st = rig(version, settings=settings).station
    assert st.dialect.policy.start_points(st) == c.EV_CONNECTED | c.AUTHORIZED
    assert st.dialect.policy.stop_points(st) == c.ENERGY_TRANSFER
