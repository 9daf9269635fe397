"""What the end of a run leaves open at a station, for the ledger."""

from __future__ import annotations

from simulator.blocks.transaction_record import TX_AREA
from simulator.core.outbox import QUEUE_AREA
from simulator.core.reports import Report
from simulator.core.station import Station
from simulator.ledger import Ledger


def close_station(ledger: Ledger, station: Station, now: int) -> None:
    """Queued and sent messages and open transactions of a station, as its outbox says, or its flash when it is off."""
    flight = station.outbox.in_flight
    sent = [_row_of(flight.report)] if flight is not None else []
    queued = [row for row in station.outbox.undelivered() if row not in sent]
    if not station.running:
        queued = [_row_of(report) for _, report in station.board.flash.items(QUEUE_AREA)]
    open_keys = [evse.tx.key for evse in station.evses if evse.tx is not None]
    if not station.running:
        open_keys = [str(key) for key, _ in station.board.flash.items(TX_AREA)]
    ledger.close_station(station.id, queued=queued, open=open_keys, sent=sent, at_us=now)


def _row_of(report: Report) -> tuple[str, str]:
    """Its kind and the transaction it is about; empty for values outside of one."""
    return type(report).__name__, getattr(report, "key", None) or ""
