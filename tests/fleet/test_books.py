"""What the end of a run leaves open at a station."""

from __future__ import annotations

import pytest

from simulator.core import inputs as i
from simulator.fleet.books import close_station
from simulator.lab.csms import SILENT
from simulator.ledger import Ledger
from simulator.report import truth
from tests.bench import Lab, build


@pytest.mark.parametrize("off", [False, True])
def test_open_and_queued_are_found_in_the_outbox_or_on_flash(off: bool) -> None:
    lab = Lab(build("1.6", free_vend=True)).boot()
    ledger = Ledger()
    ledger.add_station(lab.station.id, ocpp="1.6", profile="x", at_us=0)
    lab.fleet.cut(lab.station)
    lab.plug()
    lab.fleet.run(60)
    if off:
        lab.fleet.feed(lab.station, i.PowerOff())
    for at_us, station, record in lab.fleet.records:
        ledger.add(station.id, record, at_us)
    close_station(ledger, lab.station, lab.fleet.now)
    totals = truth.transactions(ledger)
    assert (totals.started, totals.open, totals.queued) == (1, 1, 1)


def test_values_outside_of_a_transaction_may_be_what_was_sent_last() -> None:
    lab = Lab(build("1.6")).boot()
    ledger = Ledger()
    ledger.add_station(lab.station.id, ocpp="1.6", profile="x", at_us=0)
    lab.csms.script["MeterValues"] = lambda csms, payload: SILENT
    lab.fleet.call(lab.station, "TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 1})
    lab.fleet.run(1)
    close_station(ledger, lab.station, lab.fleet.now)
    rows = ledger.query("SELECT * FROM messages")
    assert [row for row in rows if "sent_unanswered" in row and "" in row], rows
