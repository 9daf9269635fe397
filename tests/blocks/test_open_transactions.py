"""Transactions that are open: what is told while no stop point has fallen, and what ends them without one (2.x)."""

from __future__ import annotations

import pytest

from simulator.blocks.authorization import CONNECTION_TIMEOUT, MAX_ENERGY_ON_INVALID, STOP_ON_INVALID
from simulator.blocks.transactions import TX_START_POINT, TX_STOP_POINT
from simulator.core import inputs as i
from simulator.core.model import HardwareSpec
from tests.bench import AT_ONCE, bench, each_2x, verdict_in_start


@each_2x
def test_a_new_authorisation_in_a_transaction_is_told(version: str) -> None:
    """E01.FR.10, E02.FR.01, E09.FR.01: the token ends its authorisation and is held to the reader again."""
    lab = bench(version, settings={TX_START_POINT: ("EVConnected",), TX_STOP_POINT: ("EVConnected",)})
    lab.charge().present().run(1).present().run(5)
    told = [(e["triggerReason"], e.get("idToken", {}).get("idToken")) for e in lab.session().events]
    assert told[-2:] == [("Authorized", "TAG"), ("ChargingStateChanged", None)]
    assert ("StopAuthorized", "TAG") in told
    lab.present().run(1).unplug().run(1)
    assert lab.session().reason == "Local" and "idToken" not in (lab.session().end or {})


@each_2x
def test_refused_before_any_energy_has_flowed(version: str) -> None:
    """E05.FR.10, C15.FR.04: energy as the stop point."""
    points = {TX_START_POINT: ("EVConnected", "Authorized"), TX_STOP_POINT: ("EnergyTransfer",)}
    lab = bench(version, settings=points)
    verdict_in_start(lab, "Invalid")
    lab.present().run(1)
    assert lab.session().triggers == ["Authorized", "Deauthorized"] and lab.session().reason == "DeAuthorized"


@each_2x
@pytest.mark.parametrize(
    "act, told",
    [
        (i.EvReady(1, False), ("ChargingStateChanged", "StoppedByEV")),
        (i.EvseReady(1, False), ("ChargingStateChanged", "Other")),
    ],
)
def test_who_ended_the_energy(version: str, act: i.Input, told: tuple[str, str]) -> None:
    """E06.FR.07-08: only a car that takes no more has stopped it."""
    lab = bench(version, settings={TX_STOP_POINT: ("EnergyTransfer",)}).charge().feed(act, 1)
    assert (lab.session().triggers[-1], lab.session().reason) == told


@each_2x
@pytest.mark.parametrize("allowed_wh, word", [(0, "DeAuthorized"), (20, "EnergyLimitReached")])
def test_energy_that_is_refused_ends_it(version: str, allowed_wh: int, word: str) -> None:
    """E05.FR.02-03, note: with energy as the stop point that is the end."""
    lab = bench(
        version,
        settings={TX_STOP_POINT: ("EnergyTransfer",), STOP_ON_INVALID: False, MAX_ENERGY_ON_INVALID: allowed_wh},
    ).charge()
    lab.csms.script["TransactionEvent"] = lambda csms, payload: {"idTokenInfo": {"status": "Blocked"}}
    lab.feed(i.EvseReady(1, True))
    lab.ask("TriggerMessage", requestedMessage="TransactionEvent")
    lab.run(20)
    assert lab.session().reason == word


@each_2x
def test_a_bay_is_told_within_a_transaction(version: str) -> None:
    """E02.FR.17; the plug that is lost is told once."""
    points = {TX_START_POINT: ("Authorized",), TX_STOP_POINT: ("ParkingBayOccupancy",)}
    lab = bench(version, settings=points, evse={"bay_sensor": True})
    lab.present().feed(i.Park(1)).plug().run(5).unplug().run(1).feed(i.Park(1, False), 1)
    expected = ["Authorized", "EVDetected", "CablePluggedIn", "ChargingStateChanged"]
    assert lab.session().triggers == [*expected, "EVCommunicationLost", "EVDeparted"]


@each_2x
def test_a_car_in_the_bay_does_not_outlast_the_timeout(version: str) -> None:
    """E03.FR.05: the bay is a start point, but no stop point."""
    points = {TX_START_POINT: ("ParkingBayOccupancy",), TX_STOP_POINT: ("EVConnected",), CONNECTION_TIMEOUT: 20}
    lab = bench(version, settings=points, evse={"bay_sensor": True}).feed(i.Park(1)).present().run(30)
    assert lab.session().triggers[-1] == "EVConnectTimeout" and lab.session().reason == "Timeout"


@each_2x
def test_the_connector_is_unlocked_in_a_transaction_that_is_authorised_no_more(version: str) -> None:
    """E02.FR.17: UnlockCommand, once."""
    lab = bench(version, settings={TX_START_POINT: ("EVConnected",), TX_STOP_POINT: ("EVConnected",)})
    lab.charge().present().run(1)
    assert lab.ask("UnlockConnector", evseId=1, connectorId=1)["status"] == "Unlocked"
    lab.ask("UnlockConnector", evseId=1, connectorId=1)
    lab.run(1)
    assert lab.session().triggers[-2:] == ["StopAuthorized", "UnlockCommand"]


@each_2x
def test_a_lock_that_fails_is_not_the_end_of_the_power_path(version: str) -> None:
    """2.6.6.2: as a stop point PowerPathClosed is EVConnected and Authorized, nothing else."""
    lab = bench(
        version,
        settings={TX_STOP_POINT: ("PowerPathClosed",)},
        hardware=HardwareSpec(modem=AT_ONCE, power_loss="resume"),
    ).charge()
    lab.feed(i.PowerOff(), 5).inject("lock.jammed", 1).feed(i.PowerOn(), 60)  # without power the bolt is open
    assert lab.evse().lock_failed and lab.session().end is None
    lab.clear().run(10)
    assert lab.evse().flowing and lab.session().end is None


@each_2x
def test_authorised_anew_it_charges_after_a_power_cut_too(version: str) -> None:
    """E05.FR.02 is of the authorisation that was refused, not of the transaction for ever."""
    points = {TX_START_POINT: ("EVConnected",), TX_STOP_POINT: ("EVConnected",)}
    lab = bench(
        version,
        settings=points | {STOP_ON_INVALID: False},
        hardware=HardwareSpec(modem=AT_ONCE, power_loss="resume"),
    )
    verdict_in_start(lab, "Blocked")
    lab.plug().present().run(10)
    assert lab.session().states[-1] == "SuspendedEVSE"
    lab.csms.script.clear()
    lab.present().run(1).present().run(5)
    assert lab.evse().flowing
    lab.feed(i.PowerOff(), 5).feed(i.PowerOn(), 60)
    assert lab.evse().flowing and len(lab.sessions()) == 1
