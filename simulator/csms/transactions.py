"""The book of transactions: one record per transaction, the same for every protocol version.

Everything in a record is what the station *reported*; nothing is corrected. A message that comes again (the answer was
lost, so the station resends it) changes nothing but a counter: a start is recognised by station, connector, time,
token and register, an event of 2.x by its sequence number, a stop by its content. What does not fit is recorded as a
violation and booked all the same, for a book that drops what it does not like hides the fault it was kept to show.

Open transactions are in memory, closed ones only in the database.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

import msgspec

from simulator.csms.clock import now_text, parse
from simulator.csms.store import Batch, Row, Store

KEPT = 500_000
TRIM_BY = 1000
RANGES_MAX = 1000

Report = Callable[[str, str], None]
"""Takes the rule and the detail of a violation."""


@dataclass(slots=True)
class Transaction:
    """One transaction; times as the station wrote them, energy in Wh. ``seq_ranges`` are the seqNos received."""

    row: int
    station: str
    ocpp: str
    transaction_id: str
    evse_id: int | None = None
    connector_id: int | None = None
    id_token: str | None = None
    status: str | None = None
    started_at: str | None = None
    stopped_at: str | None = None
    meter_start_wh: float | None = None
    meter_last_wh: float | None = None
    meter_stop_wh: float | None = None
    reason: str | None = None
    stop_id_token: str | None = None
    remote_start_id: int | None = None
    reservation_id: int | None = None
    state: str = "open"
    duplicates: int = 0
    meter_values: int = 0
    #: signed values whose signature is that of the key that was told
    signed_values: int = 0
    public_key: str = ""
    seq_ranges: list[list[int]] = field(default_factory=list)
    last_event: str = ""
    start_seen: bool = False
    dedupe: str | None = None
    first_received_at: str = ""
    last_received_at: str = ""

    @property
    def seq_missing(self) -> list[int]:
        """Sequence numbers between the first and the last that have not come (at most 100 are named)."""
        gaps = zip(self.seq_ranges, self.seq_ranges[1:], strict=False)
        return [number for (_, low), (high, _) in gaps for number in range(low + 1, min(high, low + 101))][:100]

    def as_json(self) -> dict[str, Any]:
        """The public form."""
        shown: dict[str, Any] = {name: getattr(self, name) for name in _SHOWN}
        energy = None
        if self.meter_start_wh is not None and self.meter_stop_wh is not None:
            energy = self.meter_stop_wh - self.meter_start_wh
        shown.update(energy_wh=energy, seq_missing=self.seq_missing)
        for name in ("meter_start_wh", "meter_last_wh", "meter_stop_wh", "energy_wh"):
            value = shown[name]
            shown[name] = int(value) if value is not None and value == int(value) else value
        return shown

    def see_seq(self, seq_no: int) -> bool:
        """Note ``seq_no``; False when it was there already."""
        ranges = self.seq_ranges
        for i in range(len(ranges) - 1, -1, -1):
            low, high = ranges[i]
            if low <= seq_no <= high:
                return False
            if seq_no == high + 1:
                ranges[i][1] = seq_no
                if i + 1 < len(ranges) and ranges[i + 1][0] == seq_no + 1:
                    ranges[i][1] = ranges.pop(i + 1)[1]
                return True
            if seq_no > high:
                if i + 1 < len(ranges) and ranges[i + 1][0] == seq_no + 1:
                    ranges[i + 1][0] = seq_no
                elif len(ranges) < RANGES_MAX:
                    ranges.insert(i + 1, [seq_no, seq_no])
                return True
        if ranges and ranges[0][0] == seq_no + 1:
            ranges[0][0] = seq_no
        elif len(ranges) < RANGES_MAX:
            ranges.insert(0, [seq_no, seq_no])
        return True


_SHOWN = tuple(field.name for field in fields(Transaction) if field.name not in ("last_event", "dedupe", "start_seen"))
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Transaction).decode


class TransactionBook:
    """All transactions. ``forgotten`` counts those dropped because more than :data:`KEPT` were booked."""

    def __init__(self, store: Store) -> None:
        self.forgotten = 0
        self._store = store
        columns = ("row", "station", "transaction_id", "dedupe", "state", "record")
        self._batch: Batch[Transaction] = Batch(store, "transactions", columns, _to_row, self._written)
        self._live: dict[tuple[str, str], Transaction] = {}
        self._by_dedupe: dict[str, Transaction] = {}
        self._open_at: dict[tuple[str, int], Transaction] = {}
        (self._next_row, self._first_row), *_ = store.read("SELECT MAX(row), MIN(row) FROM transactions")
        self._next_row, self._first_row = (self._next_row or 0) + 1, self._first_row or 1
        for (record,) in store.read("SELECT record FROM transactions WHERE state='open'"):
            self._remember(_decode(record))

    def open_count(self, station: str | None = None) -> int:
        """How many transactions are open, of one station or of all."""
        return sum(t.state == "open" and station in (None, t.station) for t in self._live.values())

    def find(self, station: str, transaction_id: str) -> Transaction | None:
        """The latest transaction of ``station`` under this id, open or closed."""
        live = self._live.get((station, transaction_id))
        if live is not None:
            return live
        rows = self._store.read(
            "SELECT record FROM transactions WHERE station=? AND transaction_id=? ORDER BY row DESC LIMIT 1",
            (station, transaction_id),
        )
        return _decode(rows[0][0]) if rows else None

    def owner(self, transaction_id: str) -> str | None:
        """The station that has a transaction under this id, if any has."""
        rows = self._store.read("SELECT station FROM transactions WHERE transaction_id=? LIMIT 1", (transaction_id,))
        return rows[0][0] if rows else None

    def open_at(self, station: str, evse_id: int) -> Transaction | None:
        """The open transaction of an EVSE (1.6: connector); the latest, should there be several."""
        return self._open_at.get((station, evse_id))

    def find_dedupe(self, dedupe: str) -> Transaction | None:
        """The transaction that was started by the very message ``dedupe`` stands for."""
        known = self._by_dedupe.get(dedupe)
        if known is not None:
            return known
        rows = self._store.read("SELECT record FROM transactions WHERE dedupe=?", (dedupe,))
        return _decode(rows[0][0]) if rows else None

    def new(self, station: str, ocpp: str, transaction_id: str | None, dedupe: str | None = None) -> Transaction:
        """Open a record; without an id the transaction gets the next number, unique over all stations."""
        row, self._next_row = self._next_row, self._next_row + 1
        made = Transaction(row, station, ocpp, str(row) if transaction_id is None else transaction_id, dedupe=dedupe)
        made.first_received_at = now_text()
        self._remember(made)
        if row - self._first_row >= KEPT + TRIM_BY:
            self._trim()
        return made

    def changed(self, transaction: Transaction) -> None:
        """Write ``transaction`` soon."""
        transaction.last_received_at = now_text()
        self._remember(transaction)
        self._batch.put(transaction.row, transaction)

    def close(self, transaction: Transaction, report: Report) -> None:
        """The station says it is over; sense is checked here once for every version."""
        transaction.state = "closed"
        place = (transaction.station, transaction.evse_id or 0)
        if self._open_at.get(place) is transaction:
            del self._open_at[place]
        start, stop = transaction.meter_start_wh, transaction.meter_stop_wh
        if start is not None and stop is not None and stop < start:
            report("register-fell", f"transaction {transaction.transaction_id}: from {start:g} to {stop:g} Wh")
        begin, end = parse(transaction.started_at or ""), parse(transaction.stopped_at or "")
        if begin is not None and end is not None and end < begin:
            report("time-order", f"transaction {transaction.transaction_id}: ended before it started")

    def page(self, station: str | None, state: str | None, after: int, limit: int) -> list[dict[str, Any]]:
        """Up to ``limit`` transactions in order of booking, after the row ``after``."""
        wheres: list[str] = ["row > ?"]
        values: list[Any] = [after]
        for column, wanted in (("station", station), ("state", state)):
            if wanted is not None:
                wheres.append(f"{column} = ?")
                values.append(wanted)
        sql = f"SELECT record FROM transactions WHERE {' AND '.join(wheres)} ORDER BY row LIMIT ?"
        return [_decode(row[0]).as_json() for row in self._store.read(sql, (*values, limit))]

    def _remember(self, transaction: Transaction) -> None:
        self._live[transaction.station, transaction.transaction_id] = transaction
        if transaction.dedupe is not None:
            self._by_dedupe[transaction.dedupe] = transaction
        if transaction.evse_id is not None and transaction.state == "open":
            self._open_at[transaction.station, transaction.evse_id] = transaction

    def _written(self, transactions: list[Transaction]) -> None:
        for transaction in transactions:
            key = (transaction.station, transaction.transaction_id)
            if transaction.state == "closed" and self._live.get(key) is transaction:
                del self._live[key]
                self._by_dedupe.pop(transaction.dedupe or "", None)

    def _trim(self) -> None:
        self._first_row += TRIM_BY
        sql = "DELETE FROM transactions WHERE row < ? AND state='closed'"
        self.forgotten += self._store.execute(sql, (self._first_row,))


def _to_row(t: Transaction) -> Row:
    return t.row, t.station, t.transaction_id, t.dedupe, t.state, _encode(t).decode()
