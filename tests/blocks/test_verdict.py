"""What the CSMS says of a token when it hears of a transaction."""

from __future__ import annotations

import pytest

from simulator.blocks.authorization import STOP_ON_INVALID
from simulator.blocks.token_cache import TokenInfo, lookup
from simulator.blocks.transactions import TX_STOP_POINT
from simulator.blocks.verdict import judge
from tests.bench import bench, each_2x, each_version, verdict_in_start

REFUSALS = ["Blocked", "Expired", "Invalid", "ConcurrentTx"]


@each_version
@pytest.mark.parametrize("status", REFUSALS)
def test_refused_in_the_start_answer_stops(version: str, status: str) -> None:
    """1.6 StopTransactionOnInvalidId, E05.FR.10."""
    lab = bench(version)
    verdict_in_start(lab, status)
    lab.plug().present().run(10)
    assert lab.session().reason == "DeAuthorized" and not lab.evse().flowing
    if version != "1.6":
        assert lab.session().triggers[-1] == "Deauthorized"
    lab.unplug(side="station")
    assert "locked" in lab.remarks()[-1], "E05.FR.11: the cable waits for its owner"


@each_version
def test_refused_in_the_start_answer_suspends(version: str) -> None:
    """StopTransactionOnInvalidId false: no energy, yet the transaction goes on (E05.FR.02)."""
    lab = bench(version, settings={STOP_ON_INVALID: False})
    verdict_in_start(lab, "Blocked")
    lab.plug().present().run(30)
    session = lab.session()
    assert session.end is None and not lab.evse().flowing
    if version == "1.6":
        assert lab.statuses()[-1] == "SuspendedEVSE"
    else:
        assert session.states[-1] == "SuspendedEVSE" and session.triggers[-1] == "ChargingStateChanged"
    lab.present().run(1)
    assert lab.session().reason == "Local"


@each_2x
def test_a_deauthorised_transaction_that_only_the_cable_ends(version: str) -> None:
    """E05.FR.09: TxStopPoint without Authorized tells Deauthorized and goes on until the cable is out."""
    lab = bench(version, settings={TX_STOP_POINT: ("EVConnected",)})
    verdict_in_start(lab, "Invalid")
    lab.plug().present().run(10)
    session = lab.session()
    assert "Deauthorized" in session.triggers and session.end is None
    assert session.states[-1] == "EVConnected" and not lab.evse().flowing
    lab.ask("UnlockConnector", evseId=1, connectorId=1)
    lab.unplug().run(1)
    assert lab.session().triggers[-1] == "EVCommunicationLost" and lab.session().end is not None


@each_version
def test_a_verdict_is_of_one_token_in_one_transaction(version: str) -> None:
    """Any other is remembered, and ends nothing."""
    lab = bench(version).charge()
    tx = lab.evse().tx
    assert tx is not None
    judge(lab.station, "another", TokenInfo("Blocked"), "TAG")
    judge(lab.station, tx.key, TokenInfo("Blocked"), "OTHER")
    judge(lab.station, tx.key, TokenInfo("Invalid"), "SECRET", cached=False)
    lab.run(1)
    assert lab.evse().flowing
    known = lookup(lab.station, "OTHER")
    assert known is not None and known.status == "Blocked" and lookup(lab.station, "SECRET") is None
