"""What is known of each station: who it is, whether it may talk, what its connectors and its reports last said.

A station's record outlives its connections: a lost link is no reboot, so registration stays (2.0.1 B01; 1.6 4.2).
The part that must survive a restart of the CSMS is one JSON document per station; report pages are rows of their own,
because an inventory is large and rarely looked at.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from simulator.csms.clock import now_text
from simulator.csms.store import Batch, Row, Store

STATIONS_MAX = 50_000
EVENTS_KEPT = 200
REPORTS_KEPT = 3
NOTICE_BYTES_MAX = 8192
CONNECTORS_MAX = 200


@dataclass(slots=True)
class Station:
    """One station. ``registration`` is the last answer to a boot, None before the first."""

    id: str
    ocpp: str
    first_seen_at: str
    last_seen_at: str
    registration: str | None = None
    boots: int = 0
    connects: int = 0
    connected: bool = False
    calls: int = 0
    meter_values: int = 0
    identity: dict[str, Any] = field(default_factory=dict)
    connectors: dict[str, dict[str, Any]] = field(default_factory=dict)
    last_meter_values: dict[str, Any] | None = None
    events: deque[dict[str, Any]] | None = None
    events_seen: int = 0
    notices: dict[str, dict[str, Any]] = field(default_factory=dict)

    def summary(self) -> dict[str, Any]:
        """The short form, for lists."""
        return {
            "id": self.id,
            "ocpp": self.ocpp,
            "connected": self.connected,
            "registration": self.registration,
            "boots": self.boots,
            "connects": self.connects,
            "calls": self.calls,
            "first_seen_at": self.first_seen_at,
            "last_seen_at": self.last_seen_at,
        }

    def detail(self) -> dict[str, Any]:
        """The long form, without reports."""
        return {
            **self.summary(),
            "identity": self.identity,
            "connectors": self.connectors,
            "meter_values": {"count": self.meter_values, "last": self.last_meter_values},
            "events": {"count": self.events_seen, "kept": list(self.events or ())},
            "notices": self.notices,
        }

    def add_event(self, event: dict[str, Any]) -> None:
        """Keep an event; the oldest one beyond :data:`EVENTS_KEPT` goes."""
        if self.events is None:
            self.events = deque(maxlen=EVENTS_KEPT)
        self.events.append(event)
        self.events_seen += 1

    def note(self, action: str, payload: Any) -> None:
        """Keep the latest payload of a message that only informs."""
        size = len(json.dumps(payload))
        kept = payload if size <= NOTICE_BYTES_MAX else {"bytes": size}
        count = self.notices.get(action, {}).get("count", 0) + 1
        self.notices[action] = {"at": now_text(), "count": count, "payload": kept}


class StationBook:
    """All stations, read from ``store`` at the start and written to it when something lasting changes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._batch: Batch[Station] = Batch(store, "stations", ("id", "record"), _to_row)
        self._pages: Batch[Row] = Batch(
            store,
            "reports",
            ("station", "request_id", "seq_no", "tbc", "received_at", "payload"),
            lambda row: row,
        )
        self._all: dict[str, Station] = {}
        for (record,) in store.read("SELECT record FROM stations"):
            station = Station(**json.loads(record))
            self._all[station.id] = station
        # The spelling under which a station came first: an identifierString does not depend on case (part 4, 3.1.1).
        self._spelled: dict[str, str] = {name.casefold(): name for name in self._all}
        # Station -> request id -> number of the last page, in the order in which the requests were answered first.
        self._reports: dict[str, dict[int, int]] = {}
        for name, request_id, last in store.read(
            "SELECT station, request_id, MAX(seq_no) FROM reports"
            " GROUP BY station, request_id ORDER BY MIN(received_at)"
        ):
            self._reports.setdefault(name, {})[request_id] = last

    def __len__(self) -> int:
        return len(self._all)

    def get(self, station_id: str) -> Station | None:
        """The station called ``station_id``, with whatever capitals, if it was ever here."""
        return self._all.get(station_id) or self._all.get(self._spelled.get(station_id.casefold(), ""))

    def page(self, after: str, limit: int, connected: bool | None) -> list[Station]:
        """Up to ``limit`` stations in order of id, after the id ``after``."""
        found = [
            station for name, station in self._all.items() if name > after and connected in (None, station.connected)
        ]
        return sorted(found, key=lambda station: station.id)[:limit]

    def meet(self, station_id: str, ocpp: str) -> Station:
        """``station_id`` has connected and speaks ``ocpp``. Its own id is the one it had when it first came."""
        now = now_text()
        station = self.get(station_id)
        if station is None:
            station = self._all[station_id] = Station(station_id, ocpp, now, now)
            self._spelled[station_id.casefold()] = station_id
        station.ocpp, station.connected, station.last_seen_at = ocpp, True, now
        station.connects += 1
        self.changed(station)
        return station

    def has_room(self, station_id: str) -> bool:
        """Whether ``station_id`` may be remembered."""
        return self.get(station_id) is not None or len(self._all) < STATIONS_MAX

    def changed(self, station: Station) -> None:
        """Something that must last has changed."""
        self._batch.put(station.id, station)

    def connector(self, station: Station, key: str, status: dict[str, Any]) -> None:
        """Keep the latest status of a connector, called ``EVSE/connector`` or, in 1.6, by its one number."""
        if key in station.connectors or len(station.connectors) < CONNECTORS_MAX:
            station.connectors[key] = status

    def add_report_page(self, station: Station, payload: dict[str, Any]) -> str | None:
        """Keep a page of NotifyReport; returns what is wrong with its number, if anything (2.0.1 B07.FR.10).

        The last :data:`REPORTS_KEPT` requests of a station are kept.
        """
        request_id, seq_no = int(payload["requestId"]), int(payload["seqNo"])
        known = self._reports.setdefault(station.id, {})
        if seq_no == 0 and request_id in known:
            self._forget_report(station, request_id)  # the same request id again is a new report
        expected = known.get(request_id, -1) + 1
        known[request_id] = max(seq_no, expected - 1)
        while len(known) > REPORTS_KEPT:
            self._forget_report(station, next(iter(known)))
        row = (station.id, request_id, seq_no, int(bool(payload.get("tbc"))), now_text(), json.dumps(payload))
        self._pages.put(row[:3], row)
        return None if seq_no == expected else f"report {request_id}: seqNo {seq_no}, expected {expected}"

    def _forget_report(self, station: Station, request_id: int) -> None:
        self._store.execute("DELETE FROM reports WHERE station=? AND request_id=?", (station.id, request_id))
        del self._reports[station.id][request_id]

    def reports(self, station: Station) -> list[dict[str, Any]]:
        """The kept reports: request id, whether all pages are there, and the reported variables in order."""
        found: list[dict[str, Any]] = []
        for request_id in self._reports.get(station.id, ()):
            rows = self._store.read(
                "SELECT seq_no, tbc, received_at, payload FROM reports WHERE station=? AND request_id=?"
                " ORDER BY seq_no",
                (station.id, request_id),
            )
            pages = [json.loads(row[3]) for row in rows]
            found.append(
                {
                    "request_id": request_id,
                    "complete": bool(rows) and not rows[-1][1] and [row[0] for row in rows] == list(range(len(rows))),
                    "pages": len(rows),
                    "received_at": rows[-1][2] if rows else None,
                    "variables": [entry for page in pages for entry in page.get("reportData", ())],
                }
            )
        return found


# What a restart of the CSMS may forget: who is connected, and the bounded lists for looking at.
_LASTING = (
    "id",
    "ocpp",
    "first_seen_at",
    "last_seen_at",
    "registration",
    "boots",
    "connects",
    "identity",
    "connectors",
)


def _to_row(station: Station) -> Row:
    return station.id, json.dumps({name: getattr(station, name) for name in _LASTING})
