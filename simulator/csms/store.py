"""SQLite behind the reference CSMS: everything is written late and in bulk, so that the loop hardly notices.

What changes is put into a :class:`Batch` under a key; putting it again before it is written costs nothing more. A few
times a second the batches are written in one transaction. Reading writes first, so a reader always sees all of it.

The file is in WAL mode without waiting for the disk: it survives a crash of this process, and after a power failure a
test is repeated anyway.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Hashable, Iterable, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

LOG = logging.getLogger("simulator.csms")

FLUSH_AFTER_S = 0.25
PENDING_MAX = 200_000
BUSY_TIMEOUT_S = 5.0

SCHEMA = """
CREATE TABLE IF NOT EXISTS transactions (
    row INTEGER PRIMARY KEY, station TEXT NOT NULL, transaction_id TEXT NOT NULL, dedupe TEXT, state TEXT NOT NULL,
    record TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS transactions_by_id ON transactions (station, transaction_id);
CREATE INDEX IF NOT EXISTS transactions_by_dedupe ON transactions (dedupe) WHERE dedupe IS NOT NULL;
CREATE TABLE IF NOT EXISTS stations (id TEXT PRIMARY KEY, record TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS reports (
    station TEXT NOT NULL, request_id INTEGER NOT NULL, seq_no INTEGER NOT NULL, tbc INTEGER NOT NULL,
    received_at TEXT NOT NULL, payload TEXT NOT NULL, PRIMARY KEY (station, request_id, seq_no));
CREATE TABLE IF NOT EXISTS passwords (station TEXT PRIMARY KEY, hashes TEXT NOT NULL);
"""

T = TypeVar("T")
Row = tuple[Any, ...]


class StoreFull(Exception):
    """Writing has failed for so long that no more is kept back for it."""


class Store:
    """One SQLite database; ``path`` None is memory. Open it in the thread and loop that will use it."""

    def __init__(self, path: Path | None) -> None:
        self.write_errors = 0
        self.last_error = ""
        self._batches: list[Batch[Any]] = []
        self._timer: asyncio.TimerHandle | None = None
        # isolation_level None: transactions are begun and ended here, not by the module's guesses.
        self._db = sqlite3.connect(path or ":memory:", isolation_level=None, timeout=BUSY_TIMEOUT_S)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.executescript(SCHEMA)

    def add(self, batch: Batch[Any]) -> None:
        """Write ``batch`` with the others from now on."""
        self._batches.append(batch)

    def arm(self) -> None:
        """Something is waiting; write it soon."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_AFTER_S, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self.flush()
        if any(batch.waiting for batch in self._batches):
            self.arm()  # writing failed; try again

    def flush(self) -> None:
        """Write what waits. A failure is logged, counted, and shown by the health check; the rows keep waiting."""
        full = [batch for batch in self._batches if batch.waiting]
        if not full:
            return
        try:
            self._db.execute("BEGIN")
            for batch in full:
                self._db.executemany(batch.sql, batch.rows())
            self._db.execute("COMMIT")
        except sqlite3.Error as e:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            self.write_errors, self.last_error = self.write_errors + 1, str(e)
            LOG.error("the database does not take what is to be written: %s", e)
            return
        for batch in full:
            batch.written()

    def read(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """Rows of a query that sees everything put so far."""
        self.flush()
        return self._db.execute(sql, values).fetchall()

    def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        """One statement at once, after everything put so far; for the rare. Returns how many rows it changed."""
        self.flush()
        return self._db.execute(sql, values).rowcount

    def close(self) -> None:
        """Write what waits and close."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.flush()
        self._db.close()


class Batch(Generic[T]):
    """Changed items of one table, waiting to be written; ``to_row`` is asked at writing time."""

    def __init__(
        self,
        store: Store,
        table: str,
        columns: Iterable[str],
        to_row: Callable[[T], Row],
        on_written: Callable[[list[T]], None] | None = None,
    ) -> None:
        names = tuple(columns)
        self.sql = f"INSERT OR REPLACE INTO {table} ({','.join(names)}) VALUES ({','.join('?' * len(names))})"
        self._store, self._to_row, self._on_written = store, to_row, on_written
        self._items: dict[Hashable, T] = {}
        store.add(self)

    @property
    def waiting(self) -> int:
        """How many items wait."""
        return len(self._items)

    def put(self, key: Hashable, item: T) -> None:
        """``item`` has changed; raises :class:`StoreFull` when writing has failed for long."""
        if len(self._items) >= PENDING_MAX and key not in self._items:
            raise StoreFull(f"{PENDING_MAX} rows wait: {self._store.last_error}")
        self._items[key] = item
        self._store.arm()

    def rows(self) -> list[Row]:
        """What is to be written now."""
        return [self._to_row(item) for item in self._items.values()]

    def written(self) -> None:
        """All of it has been written."""
        items = list(self._items.values())
        self._items.clear()
        if self._on_written is not None:
            self._on_written(items)
