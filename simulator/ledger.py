"""The ground truth of a run, in SQLite: what every station did and what became of every message.

Theory. A CSMS can only be judged against something that knows better. The ledger is filled from the stations' own
records and from nothing else; it knows when a fault really began, what a car really took, and which message was
answered. Records come in on the loop's thread and must cost next to nothing there: counters are plain dictionaries,
everything else is put on a bounded deque as (statement, values). ``flush`` writes both in one database transaction and
may run in another thread. Nothing is ever swapped between the threads: the deque is emptied from the other end, and
counters are written as absolute figures, so neither a lock nor a lost update is possible on the hot side.

Without a path the database lives in memory and answers the same questions. A file is readable by its owner only.
Secrets never come here; id tokens are no secrets in a simulated world.
"""

from __future__ import annotations

import csv
import json
import os
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from simulator.core import records as r
from simulator.core.records import CallFinished
from simulator.errors import AuthorError, CpfarmError
from simulator.report.ledger_file import is_ledger, make_room, private
from simulator.report.reasons import KICKED, boot_reason, dial_reason, is_kick
from simulator.report.tables import (
    APPLICATION_ID,
    COUNTED,
    INDEXES,
    SCHEMA_VERSION,
    SHIFTED,
    STATEMENTS,
    TABLES,
)

ROWS_MAX = {"message": 100_000, "fate": 100_000, "remark": 20_000, "shown": 20_000, "violation": 50_000}
"""Rows written one by one, per run; what comes after is only counted, in ``left_off``."""
WAITING_MAX = 200_000
"""Statements held in memory between two flushes."""
COUNTS_EVERY = 10
"""Counters are written with every so many-th flush, and always before a question is answered."""
TEXT_MAX = 500
_LEFT = "left_off_{}"
STARTS = ("TransactionStarted", "StartTransaction")
STOPS = ("TransactionEnded", "StopTransaction")
"""Durable messages go by the kind of their report, which says begin or end in every version; 1.6 words do as well."""
FATES = ("answered", "answered_with_error", "sent_unanswered", "queued", "dropped_by_station", "never_due")
Counts = dict[tuple[str, str], dict[str, int]]
Key = tuple[str, str]


class Ledger:
    """The ledger of one run or worker.

    ``path`` None keeps it in memory. An existing ledger at ``path`` is replaced; any other file there is left alone
    and raises AuthorError. ``inline_flush`` False, for a loop thread that must not touch a database, drops and counts
    (``lost_rows``) what does not fit into memory instead of writing it at once.
    """

    def __init__(self, path: str | Path | None = None, *, inline_flush: bool = True) -> None:
        self.path = None if path is None else Path(path)
        self.lost_rows = 0
        self.left_off = dict.fromkeys(ROWS_MAX, 0)
        self._inline_flush = inline_flush
        if self.path is not None:
            make_room(self.path)
        self._connect(":memory:" if self.path is None else str(self.path))
        with self._db:
            self._db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            self._db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            for table, columns in TABLES.items():
                self._db.execute(f"CREATE TABLE {table} ({columns})")
            for index in INDEXES:
                self._db.execute(index)

    @classmethod
    def open(cls, path: str | Path) -> Ledger:
        """A finished ledger, to ask and to merge; AuthorError when there is none at ``path``."""
        path = Path(path)
        if not is_ledger(path):
            raise AuthorError("this is no cpfarm ledger" if path.exists() else "no such file", file=str(path))
        self = cls.__new__(cls)
        self.path, self.lost_rows, self.left_off, self._inline_flush = path, 0, dict.fromkeys(ROWS_MAX, 0), True
        self._connect(str(path))
        self._finished = True
        return self

    def _connect(self, name: str) -> None:
        self._db = sqlite3.connect(name, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = OFF")  # a crash of the machine may cost the file, one of ours may not
        self._lock = threading.RLock()  # between flushes and questions; `add` never takes it
        self._waiting: deque[tuple[str, Sequence[Any] | Mapping[str, Any]]] = deque()
        self._ok: dict[str, dict[str, int]] = {}
        self._counts: dict[str, Counts] = {table: {} for table in COUNTED}
        self._written: dict[str, Counts] = {table: {} for table in COUNTED}
        self._rows = dict.fromkeys(ROWS_MAX, 0)
        self._seen_violations: set[tuple[str, str, str, str]] = set()
        self._pending: set[str] = set()
        self._flushes = 0
        self._finished = False
        self._start_us = self._start_utc_us = 0
        self._speed = 1.0
        self._by_type: dict[type, Callable[[str, Any, int], None]] = {
            r.CallFinished: self._call_failed,
            r.CsmsCallHandled: self._csms_call,
            r.ViolationSeen: self._violation,
            r.StrayAnswer: lambda s, rec, at: self._remark(s, at, "stray_answer", f"{rec.kind}: {rec.message_id}"),
            r.HeatChanged: lambda s, rec, at: self._remark(
                s, at, "heat", f"EVSE {rec.evse_id} {rec.state} at {rec.temperature_c:.1f} degrees Celsius"
            ),
            r.Alerted: lambda s, rec, at: self._remark(
                s,
                at,
                "alert_over" if rec.cleared else "alert",
                f"EVSE {rec.evse_id} {rec.component}.{rec.variable} {rec.value}, monitor {rec.monitor_id}",
            ),
            r.DriverShown: self._shown,
            r.PhaseChanged: self._phase,
            r.Booted: self._booted,
            r.BootRefused: lambda s, rec, at: self._connect_failure(s, boot_reason(rec.status), "", at),
            r.Connected: self._connected,
            r.Disconnected: self._disconnected,
            r.ConnectFailed: lambda s, rec, at: self._connect_failure(
                s, dial_reason(rec.cause, rec.code), rec.detail, at
            ),
            r.TransactionOpened: self._opened,
            r.TransactionNamed: lambda s, rec, _: self._put("named", (rec.csms_id, s, rec.key)),
            r.TransactionTold: self._told,
            r.TransactionClosed: self._closed,
            r.MessageFate: self._fate,
            r.FaultBegan: self._fault_began,
            r.FaultEnded: lambda s, rec, at: self._put("fault_ended", (at, self.utc_us(at), s, rec.fault_id)),
            r.QueueDepth: lambda s, rec, at: None,
            r.FlashTrouble: lambda s, rec, at: self._remark(s, at, "flash", f"{rec.area}: {rec.why}: {rec.lost}"),
            r.Remark: lambda s, rec, at: self._remark(s, at, "remark", rec.text),
        }

    # --- filling it, on the loop's thread ---

    def begin_run(
        self, info: Mapping[str, Any], *, start_us: int = 0, start_utc_us: int = 0, speed: float = 1.0
    ) -> None:
        """What the run is, as plain data without secrets, and how its monotonic time maps to UTC.

        ``start_us`` and ``start_utc_us`` are the same moment; ``speed`` is how fast the stations' time runs.
        """
        self._start_us, self._start_utc_us, self._speed = start_us, start_utc_us, speed or 1.0
        for name, value in {**info, "start_us": start_us, "start_utc_us": start_utc_us, "speed": speed}.items():
            self._put("run", (name, json.dumps(value, sort_keys=True)))

    def add_station(self, station_id: str, *, ocpp: str, profile: str, group: str = "", at_us: int) -> None:
        """A station was switched on at ``at_us``; the time until it has booted counts from here."""
        self._put("station", (station_id, ocpp, profile, group, at_us))

    def add(self, station_id: str, record: r.AnyRecord, at_us: int) -> None:
        """Take one record of a station, made at ``at_us``."""
        if type(record) is CallFinished and record.outcome == "ok":
            try:
                self._ok[record.action][station_id] += 1
            except KeyError:
                self._ok.setdefault(record.action, {})[station_id] = 1
            return
        self._by_type[type(record)](station_id, record, at_us)

    def close_station(
        self,
        station_id: str,
        queued: Iterable[Key] = (),
        open: Iterable[str] = (),
        sent: Iterable[Key] = (),
        at_us: int = 0,
    ) -> None:
        """The end of a station in this run, after which every message of a transaction has a fate.

        ``queued`` are (kind of report, transaction key) still in its outbox, ``sent`` those in flight, ``open`` the
        keys of transactions under way. A transaction the station knows nothing of any more was lost by it.
        """
        for fate, messages in (("queued", queued), ("sent_unanswered", sent)):
            for action, key in messages:
                self._end_of_message(station_id, action, fate, key, "end of the run", at_us)
        for key in open:
            self._put("still_open", (station_id, key))
        self._put("station_end", (station_id,))

    def utc_us(self, at_us: int) -> int:
        """UTC in us of the run's moment ``at_us``."""
        return self._start_utc_us + int((at_us - self._start_us) / self._speed)

    def _put(self, statement: str, values: Sequence[Any] | Mapping[str, Any]) -> None:
        if len(self._waiting) >= WAITING_MAX:
            if not self._inline_flush:
                self.lost_rows += 1
                return
            self.flush()
        self._waiting.append((statement, values))

    def _put_row(self, statement: str, values: Sequence[Any]) -> None:
        if self._rows[statement] >= ROWS_MAX[statement]:
            self.left_off[statement] += 1
            return
        self._rows[statement] += 1
        self._put(statement, values)

    def _count(self, table: str, action: str, outcome: str, station_id: str) -> None:
        stations = self._counts[table].setdefault((action, outcome), {})
        stations[station_id] = stations.get(station_id, 0) + 1

    def _call_failed(self, station_id: str, rec: r.CallFinished, at_us: int) -> None:
        self._count("calls", rec.action, rec.outcome, station_id)
        self._put_row("message", (station_id, at_us, rec.action, rec.outcome, rec.code, rec.took_us, "", ""))

    def _csms_call(self, station_id: str, rec: r.CsmsCallHandled, at_us: int) -> None:
        self._count("csms_calls", rec.action, rec.outcome, station_id)

    def _violation(self, station_id: str, rec: r.ViolationSeen, at_us: int) -> None:
        what = (station_id, rec.action, rec.path[:TEXT_MAX], rec.rule)
        values = (*what, rec.value[:TEXT_MAX], at_us)
        if what in self._seen_violations:
            self._put("violation", values)
            return
        if len(self._seen_violations) < ROWS_MAX["violation"]:
            self._seen_violations.add(what)
        self._put_row("violation", values)

    def _remark(self, station_id: str, at_us: int, kind: str, text: str) -> None:
        self._put_row("remark", (station_id, at_us, kind, text[:TEXT_MAX]))

    def _shown(self, station_id: str, rec: r.DriverShown, at_us: int) -> None:
        """Among the remarks, but costs that run up in every session leave the others their room."""
        if self._rows["shown"] >= ROWS_MAX["shown"]:
            self.left_off["shown"] += 1
            return
        self._rows["shown"] += 1
        self._put("remark", (station_id, at_us, "shown", f"EVSE {rec.evse_id} {rec.kind}: {rec.text}"[:TEXT_MAX]))

    def _phase(self, station_id: str, rec: r.PhaseChanged, at_us: int) -> None:
        if rec.phase == "pending":
            self._pending.add(station_id)
        self._put("phase", (rec.phase, station_id))

    def _booted(self, station_id: str, rec: r.Booted, at_us: int) -> None:
        self._pending.discard(station_id)
        self._put("booted", (at_us, rec.reason, station_id))

    def _connected(self, station_id: str, rec: r.Connected, at_us: int) -> None:
        self._put("connected", (at_us, station_id))

    def _disconnected(self, station_id: str, rec: r.Disconnected, at_us: int) -> None:
        self._put("disconnected", (station_id,))
        self._put("disconnect", (station_id, rec.cause, rec.code))
        if station_id in self._pending:  # it never got past BootNotification on this link
            self._pending.discard(station_id)
            if is_kick(rec):
                self._connect_failure(station_id, KICKED, f"{rec.cause} {rec.code}", at_us)

    def _connect_failure(self, station_id: str, reason: str, detail: str, at_us: int) -> None:
        self._put("connect_failure", (station_id, reason, detail[:TEXT_MAX], at_us, at_us))

    def _opened(self, station_id: str, rec: r.TransactionOpened, at_us: int) -> None:
        begin = (at_us, rec.wall_us, rec.register_wh, rec.physical_wh)
        who = (station_id, rec.key, rec.evse_id, rec.id_token, rec.remote_start_id, rec.offline)
        self._put("opened", (*who, *begin))

    def _told(self, station_id: str, rec: r.TransactionTold, at_us: int) -> None:
        self._put(f"told_{rec.moment}", (rec.register_wh, rec.wall_us, station_id, rec.key))

    def _closed(self, station_id: str, rec: r.TransactionClosed, at_us: int) -> None:
        end = (at_us, rec.wall_us, rec.register_wh, rec.physical_wh, rec.physical_energy_wh, rec.reported_energy_wh)
        self._put("closed", (*end, rec.reason, station_id, rec.key))

    def _fate(self, station_id: str, rec: r.MessageFate, at_us: int) -> None:
        self._end_of_message(station_id, rec.action, rec.fate, rec.key, rec.why, at_us)

    def _end_of_message(self, station_id: str, action: str, fate: str, key: str, why: str, at_us: int) -> None:
        assert fate in FATES, f"no fate of a message: {fate!r}"
        self._count("message_fates", action, fate, station_id)
        if fate != "answered":
            self._put_row("fate", (station_id, at_us, action, fate, "", 0, key, why[:TEXT_MAX]))
        if not key:
            return
        self._put(fate, (why[:TEXT_MAX], station_id, key) if fate == "dropped_by_station" else (station_id, key))
        if action in STARTS:
            self._put("start_fate", (fate, station_id, key))
        elif action in STOPS:
            self._put("stop_fate", (fate, station_id, key))

    def _fault_began(self, station_id: str, rec: r.FaultBegan, at_us: int) -> None:
        params = json.dumps(rec.params, sort_keys=True)
        begin = (at_us, self.utc_us(at_us))
        self._put("fault_began", (station_id, rec.fault_id, rec.fault, rec.evse_id, params, *begin, rec.cause))

    # --- writing, asking, keeping ---

    def flush(self, *, counts: bool = False) -> None:
        """Write what waits, in one database transaction; counters too every now and then, or when asked."""
        with self._lock, self._db:
            while True:
                try:
                    statement, values = self._waiting.popleft()
                except IndexError:
                    break
                self._db.execute(STATEMENTS[statement], values)
            self._flushes += 1
            if counts or self._flushes % COUNTS_EVERY == 0:
                self._write_counts()

    def _write_counts(self) -> None:
        for table in COUNTED:
            found = list(self._counts[table].items())
            if table == "calls":
                found += [((action, "ok"), stations) for action, stations in list(self._ok.items())]
            for (action, outcome), stations in found:
                written = self._written[table].setdefault((action, outcome), {})
                fresh = [(s, n) for s, n in list(stations.items()) if written.get(s) != n]
                written.update(fresh)
                self._db.executemany(
                    f"INSERT INTO {table} VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET count = excluded.count",
                    [(s, action, outcome, n) for s, n in fresh],
                )

    def query(self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
        """Rows of a question, after everything taken so far has been written."""
        with self._lock:
            self.flush(counts=True)
            return self._db.execute(sql, values).fetchall()

    def merge(self, paths: Iterable[str | Path]) -> None:
        """Take in the finished ledgers of other workers, moved onto this run's time; their stations must differ."""
        for path in map(Path, paths):
            with Ledger.open(path) as other:
                theirs, ours = dict(other.query("SELECT * FROM run")), dict(self.query("SELECT * FROM run"))
                shift_us = _zero_utc_us(theirs) - _zero_utc_us(ours)
                self.lost_rows += json.loads(theirs.get(_LEFT.format("lost_rows"), "0"))
                for name in self.left_off:
                    self.left_off[name] += json.loads(theirs.get(_LEFT.format(name), "0"))
                with self._lock, self._db:
                    for table in TABLES:
                        if table != "run":
                            self._take(table, other, shift_us, path)

    def _take(self, table: str, other: Ledger, shift_us: int, path: Path) -> None:
        columns = [row[1] for row in other.query(f"PRAGMA table_info({table})")]
        shown = [f"{name} + {shift_us}" if name in SHIFTED.get(table, ()) else name for name in columns]
        rows = other.query(f"SELECT {', '.join(shown)} FROM {table}")
        marks = ", ".join("?" * len(columns))
        try:
            self._db.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)
        except sqlite3.IntegrityError as error:
            raise CpfarmError(f"{path}: a station of this ledger is already in {self.path or 'memory'}") from error

    def export(self, path: str | Path, format: str) -> None:
        """Write every table: ``json`` into one file, ``csv`` into a folder with one file per table; mode 0600."""
        if format not in ("json", "csv"):
            raise AuthorError(f"unknown format {format!r}: a ledger is exported as 'csv' or 'json'")
        target = Path(path)
        tables: dict[str, list[dict[str, Any]]] = {}
        heads: dict[str, list[str]] = {}
        for table in TABLES:
            heads[table] = [row[1] for row in self.query(f"PRAGMA table_info({table})")]
            rows = self.query(f"SELECT * FROM {table} ORDER BY 1, 2")
            tables[table] = [dict(zip(heads[table], row, strict=True)) for row in rows]
        if format == "json":
            with os.fdopen(private(target), "w", encoding="utf-8") as file:
                json.dump(tables, file, indent=1)
            return
        target.mkdir(parents=True, exist_ok=True)
        for table, dicts in tables.items():
            with os.fdopen(private(target / f"{table}.csv"), "w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, heads[table])
                writer.writeheader()
                writer.writerows(dicts)

    def close(self) -> None:
        """Write what is left, with how much was left off, and let go of the file."""
        if not self._finished:
            for name, value in {"lost_rows": self.lost_rows, **self.left_off}.items():
                self._waiting.append(("run", (_LEFT.format(name), json.dumps(value))))
        self.flush(counts=True)
        self._db.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _zero_utc_us(run: Mapping[str, str]) -> int:
    """UTC of monotonic 0 of a run; a ledger whose run never began counts from 1970."""
    start = {name: json.loads(run.get(name, "0")) for name in ("start_us", "start_utc_us")}
    return int(start["start_utc_us"]) - int(start["start_us"])
