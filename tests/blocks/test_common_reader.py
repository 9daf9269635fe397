"""Which EVSE a token at the common reader means."""

from __future__ import annotations

from simulator.blocks.common_reader import meant
from simulator.blocks.transactions import TX_START_POINT
from tests.bench import bench, each_2x, each_version


@each_version
def test_a_common_reader_finds_the_evse_that_is_meant(version: str) -> None:
    lab = bench(version, evses=3)
    lab.plug(2).present("A").run(4)
    assert lab.evse(2).flowing
    lab.plug(3).present("B").run(4)
    assert lab.evse(3).flowing
    lab.present("A").run(1)
    assert not lab.evse(2).flowing and lab.evse(3).flowing
    assert [s.evse_id for s in lab.sessions()] == [2, 3]


@each_2x
def test_a_common_reader_finds_the_car_whose_transaction_waits_for_a_token(version: str) -> None:
    """E02 with TxStartPoint EVConnected: the transaction is there before the token."""
    lab = bench(version, evses=3, settings={TX_START_POINT: ("EVConnected",)})
    lab.plug(2).run(1).present("A").run(4)
    assert lab.evse(2).flowing and lab.session().triggers[:2] == ["CablePluggedIn", "Authorized"]
    lab.plug(3).run(1)
    assert lab.remote_start("B", None) == "Accepted"
    lab.run(4)
    assert lab.evse(3).flowing


@each_version
def test_where_every_evse_is_taken_a_stranger_means_the_first_session(version: str) -> None:
    """He may be of its group, which only the CSMS knows."""
    lab = bench(version, evses=2)
    lab.plug(1).present("A").run(4).plug(2).present("B").run(4)
    found = meant(lab.station, "C")
    assert found is not None and found.evse_id == 1
