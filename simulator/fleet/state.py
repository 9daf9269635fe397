"""``--state DIR``: every station's flash and registers between runs, in one SQLite file of mode 0600.

What a real station keeps in its flash stays there when the farm ends: settings and credentials, queue, open
transactions, the cache. The meters' registers stay with it. Everything else is rebuilt at the next boot.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

import msgspec

from simulator.blocks import diagnostics, local_list, monitors, network_profiles, publishing
from simulator.blocks.charging_profiles import PROFILE_AREA, Installed
from simulator.blocks.local_list import LIST_AREA, LocalList
from simulator.blocks.reservation import RESERVATION_AREA, Reservation
from simulator.blocks.token_cache import CacheEntry
from simulator.blocks.transaction_record import Transaction
from simulator.core.reports import AnyReport, MeterReading, Stamp
from simulator.core.station import Station
from simulator.errors import AuthorError
from simulator.pki.keystore import private_folder

FILE = "state.sqlite"
SCHEMA = 1

#: flash area -> type of its values; areas that are not listed hold plain numbers, texts and lists of texts
TYPES: dict[str, Any] = {
    "queue": AnyReport,
    "cache": CacheEntry,
    LIST_AREA: LocalList,
    RESERVATION_AREA: Reservation,
    "tx": Transaction,
    "samples": tuple[MeterReading, ...],
    PROFILE_AREA: Installed,
    network_profiles.AREA: network_profiles.NetworkProfile | int,  # the slots, and which of them worked last
    monitors.AREA: monitors.Kept,
    diagnostics.AREA: diagnostics.Told,
    publishing.AREA: publishing.Published,
    publishing.UNDER_WAY: publishing.Publication,
}


class StateDir:
    """The folder given with ``--state``; made if it is not there. Raises AuthorError for a file that is no state."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        try:
            private_folder(folder)
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            self.path.chmod(0o600)  # of a file that was there before
        except OSError as error:
            raise AuthorError(f"cannot be used: {error.strerror}", file=str(folder)) from None
        self._db = sqlite3.connect(self.path)
        try:
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, SCHEMA):
                raise AuthorError(f"made by another version ({version}, not {SCHEMA})", file=str(self.path))
            self._db.execute("CREATE TABLE IF NOT EXISTS station (id TEXT PRIMARY KEY, state BLOB NOT NULL)")
            self._db.execute(f"PRAGMA user_version = {SCHEMA}")
        except sqlite3.DatabaseError as error:
            raise AuthorError(f"is no state of cpfarm: {error}", file=str(self.path)) from None

    def ids(self) -> list[str]:
        """The stations that have a state."""
        return [row[0] for row in self._db.execute("SELECT id FROM station ORDER BY id")]

    def load(self, station_id: str) -> dict[str, Any] | None:
        """The stored state of a station: ``registers_wh`` and ``flash`` (area -> key -> (value, size))."""
        row = self._db.execute("SELECT state FROM station WHERE id = ?", (station_id,)).fetchone()
        if row is None:
            return None
        raw: dict[str, Any] = msgspec.msgpack.decode(row[0])
        flash: dict[str, dict[Any, tuple[Any, int]]] = {}
        for area, rows in raw["flash"]:
            kind = TYPES.get(area)
            flash[area] = {
                key: (_plain(value) if kind is None else msgspec.convert(value, kind), size)
                for key, value, size in rows
            }
        for key, (value, size) in flash.get(LIST_AREA, {}).items():
            flash[LIST_AREA][key] = (local_list.shared(value), size)  # stations with the same list share it again
        for key, (value, size) in flash.get(monitors.AREA, {}).items():
            flash[monitors.AREA][key] = (monitors.shared(value), size)
        return {
            "registers_wh": raw["registers_wh"],
            "pages": raw.get("pages", ()),  # not in a state of before meters could sign
            "counters": raw["counters"],
            "flash": flash,
        }

    def save(self, stations: list[Station], now: int) -> None:
        """Store the state of these stations, all or none."""
        with self._db:
            for station in stations:
                flash = station.board.flash
                areas = [
                    (
                        area,
                        [(key, _of_the_past(msgspec.to_builtins(value)), size) for key, (value, size) in rows.items()],
                    )
                    for area, rows in flash.areas.items()
                ]
                state = {
                    "registers_wh": [meter.physical_wh(now) for meter in station.board.meters],
                    "pages": [meter.page for meter in station.board.meters],
                    "counters": station.rng.counters,
                    "flash": areas,
                }
                blob = msgspec.msgpack.encode(state)
                self._db.execute("INSERT OR REPLACE INTO station VALUES (?, ?)", (station.id, blob))

    def reset(self, station_id: str | None = None) -> int:
        """Forget one station or all; how many were forgotten."""
        with self._db:
            if station_id is None:
                return self._db.execute("DELETE FROM station").rowcount
            return self._db.execute("DELETE FROM station WHERE id = ?", (station_id,)).rowcount

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()


_STAMP = frozenset(Stamp.__struct_fields__)


def _of_the_past(value: Any) -> Any:
    """A record as the next run finds it: its monotonic time and its boots begin anew, so that a stamp is of a boot that
    never comes again (its clock cannot be repaired any more), and no end has been told in its time."""
    if isinstance(value, dict):
        if value.keys() == _STAMP:
            return {**value, "boot": 0}
        past = {key: _of_the_past(item) for key, item in value.items()}
        return {**past, "told_end_us": -1} if "told_end_us" in past else past
    return [_of_the_past(item) for item in value] if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def restore(station: Station, state: dict[str, Any]) -> None:
    """Put a loaded state into a station that has not been switched on yet."""
    flash = station.board.flash
    for area, rows in state["flash"].items():
        for key, (value, size) in rows.items():
            flash.write(area, key, value, size)
    station.rng.counters.update(state["counters"])
    for meter, page in zip(station.board.meters, state.get("pages", ()), strict=False):
        meter.page = page
