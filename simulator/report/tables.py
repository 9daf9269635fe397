"""The tables of a ledger and the statements that fill them.

All times ending in ``_us`` are the run's monotonic microseconds, ``_utc_us`` are UTC, ``_wall_us`` are what the
station's own clock said, which may be wrong on purpose. Energies and registers are in Wh.

A transaction carries three truths side by side. *Physical* is what the car took. *Reported* is what the station said
on the wire after every fault and quirk (``told_*``; before anything was sent, what it meant to say). *CSMS* stays empty
until an export of the CSMS is held against the ledger.
"""

from __future__ import annotations

APPLICATION_ID = 0x43504C47
"""Written into the file's header ("CPLG"), so that no other database is ever overwritten."""
SCHEMA_VERSION = 1

TABLES: dict[str, str] = {
    "run": "name TEXT PRIMARY KEY, value TEXT NOT NULL",
    "stations": """
        station_id TEXT PRIMARY KEY, ocpp TEXT NOT NULL DEFAULT '', profile TEXT NOT NULL DEFAULT '',
        fleet_group TEXT NOT NULL DEFAULT '', started_us INTEGER, first_connected_us INTEGER, first_booted_us INTEGER,
        boot_reason TEXT NOT NULL DEFAULT '', connects INTEGER NOT NULL DEFAULT 0, boots INTEGER NOT NULL DEFAULT 0,
        disconnects INTEGER NOT NULL DEFAULT 0, phase TEXT NOT NULL DEFAULT ''""",
    "transactions": """
        station_id TEXT NOT NULL, key TEXT NOT NULL, csms_id TEXT, evse_id INTEGER NOT NULL, id_token TEXT NOT NULL,
        remote_start_id INTEGER, offline INTEGER NOT NULL, reason TEXT,
        begin_us INTEGER NOT NULL, begin_wall_us INTEGER NOT NULL, begin_register_wh REAL, begin_physical_wh REAL,
        end_us INTEGER, end_wall_us INTEGER, end_register_wh REAL, end_physical_wh REAL,
        physical_wh REAL, reported_wh REAL,
        told_begin_wall_us INTEGER, told_begin_wh REAL, told_end_wall_us INTEGER, told_end_wh REAL,
        csms_state TEXT, csms_begin_utc_us INTEGER, csms_end_utc_us INTEGER, csms_wh REAL,
        start_fate TEXT, stop_fate TEXT, answered INTEGER NOT NULL DEFAULT 0, errors INTEGER NOT NULL DEFAULT 0,
        queued INTEGER NOT NULL DEFAULT 0, unanswered INTEGER NOT NULL DEFAULT 0, dropped INTEGER NOT NULL DEFAULT 0,
        why TEXT NOT NULL DEFAULT '', PRIMARY KEY (station_id, key)""",
    "faults": """
        station_id TEXT NOT NULL, fault_id TEXT NOT NULL, fault TEXT NOT NULL, evse_id INTEGER NOT NULL,
        params TEXT NOT NULL, begin_us INTEGER NOT NULL, begin_utc_us INTEGER NOT NULL, end_us INTEGER,
        end_utc_us INTEGER, cause TEXT NOT NULL DEFAULT '', PRIMARY KEY (station_id, fault_id, begin_us)""",
    "calls": """
        station_id TEXT NOT NULL, action TEXT NOT NULL, outcome TEXT NOT NULL, count INTEGER NOT NULL,
        PRIMARY KEY (station_id, action, outcome)""",
    "csms_calls": """
        station_id TEXT NOT NULL, action TEXT NOT NULL, outcome TEXT NOT NULL, count INTEGER NOT NULL,
        PRIMARY KEY (station_id, action, outcome)""",
    "message_fates": """
        station_id TEXT NOT NULL, action TEXT NOT NULL, fate TEXT NOT NULL, count INTEGER NOT NULL,
        PRIMARY KEY (station_id, action, fate)""",
    "messages": """
        station_id TEXT NOT NULL, at_us INTEGER NOT NULL, action TEXT NOT NULL, outcome TEXT NOT NULL,
        code TEXT NOT NULL, took_us INTEGER NOT NULL, key TEXT NOT NULL, why TEXT NOT NULL""",
    "violations": """
        station_id TEXT NOT NULL, action TEXT NOT NULL, path TEXT NOT NULL, rule TEXT NOT NULL, value TEXT NOT NULL,
        first_us INTEGER NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (station_id, action, path, rule)""",
    "connect_failures": """
        station_id TEXT NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL, first_us INTEGER NOT NULL,
        last_us INTEGER NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (station_id, reason)""",
    "disconnects": """
        station_id TEXT NOT NULL, cause TEXT NOT NULL, code INTEGER NOT NULL, count INTEGER NOT NULL,
        PRIMARY KEY (station_id, cause, code)""",
    "remarks": """
        station_id TEXT NOT NULL, at_us INTEGER NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL""",
}
"""Columns by table. ``calls`` counts attempts by wire action and outcome, ``message_fates`` the ends of messages by
kind of report and fate, and ``messages`` holds one row for each of either that was not ok."""

INDEXES = (
    "CREATE INDEX IF NOT EXISTS messages_by_station ON messages (station_id, at_us)",
    "CREATE INDEX IF NOT EXISTS faults_by_begin ON faults (begin_us)",
)

COUNTED = ("calls", "csms_calls", "message_fates")
"""Tables that are counters in memory and are written as absolute figures."""

SHIFTED = {
    "stations": ("started_us", "first_connected_us", "first_booted_us"),
    "transactions": ("begin_us", "end_us"),
    "faults": ("begin_us", "end_us"),
    "messages": ("at_us",),
    "violations": ("first_us",),
    "connect_failures": ("first_us", "last_us"),
    "remarks": ("at_us",),
}
"""Columns in a run's monotonic time; a merge moves them onto the time of the run that takes the others in."""

# fmt: off
STATEMENTS = {
    "station": "INSERT INTO stations (station_id, ocpp, profile, fleet_group, started_us) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (station_id) DO UPDATE SET ocpp = excluded.ocpp, profile = excluded.profile,"
        " fleet_group = excluded.fleet_group, started_us = coalesce(started_us, excluded.started_us)",
    "phase": "UPDATE stations SET phase = ? WHERE station_id = ?",
    "connected": "UPDATE stations SET connects = connects + 1, first_connected_us = coalesce(first_connected_us, ?)"
        " WHERE station_id = ?",
    "booted": "UPDATE stations SET boots = boots + 1, first_booted_us = coalesce(first_booted_us, ?), boot_reason = ?"
        " WHERE station_id = ?",
    "disconnected": "UPDATE stations SET disconnects = disconnects + 1 WHERE station_id = ?",
    "disconnect": "INSERT INTO disconnects VALUES (?, ?, ?, 1)"
        " ON CONFLICT DO UPDATE SET count = count + 1",
    "connect_failure": "INSERT INTO connect_failures VALUES (?, ?, ?, ?, ?, 1)"
        " ON CONFLICT DO UPDATE SET count = count + 1, last_us = excluded.last_us",
    "opened": "INSERT INTO transactions (station_id, key, evse_id, id_token, remote_start_id, offline, begin_us,"
        " begin_wall_us, begin_register_wh, begin_physical_wh) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "named": "UPDATE transactions SET csms_id = ? WHERE station_id = ? AND key = ?",
    "told_begin": "UPDATE transactions SET told_begin_wh = ?, told_begin_wall_us = ? WHERE station_id = ? AND key = ?",
    "told_end": "UPDATE transactions SET told_end_wh = ?, told_end_wall_us = ? WHERE station_id = ? AND key = ?",
    "closed": "UPDATE transactions SET end_us = ?, end_wall_us = ?, end_register_wh = ?, end_physical_wh = ?,"
        " physical_wh = ?, reported_wh = ?, reason = ? WHERE station_id = ? AND key = ?",
    "answered": "UPDATE transactions SET answered = answered + 1 WHERE station_id = ? AND key = ?",
    "answered_with_error": "UPDATE transactions SET errors = errors + 1 WHERE station_id = ? AND key = ?",
    "dropped_by_station": "UPDATE transactions SET dropped = dropped + 1, why = ? WHERE station_id = ? AND key = ?",
    "queued": "UPDATE transactions SET queued = queued + 1 WHERE station_id = ? AND key = ?",
    "sent_unanswered": "UPDATE transactions SET unanswered = unanswered + 1 WHERE station_id = ? AND key = ?",
    # A later attempt may still reach the CSMS, so only an answer is final.
    "start_fate": "UPDATE transactions SET start_fate = ? WHERE station_id = ? AND key = ?"
        " AND coalesce(start_fate, '') NOT IN ('answered', 'answered_with_error')",
    "stop_fate": "UPDATE transactions SET stop_fate = ? WHERE station_id = ? AND key = ?",
    "still_open": "UPDATE transactions SET stop_fate = 'never_due' WHERE station_id = ? AND key = ?"
        " AND end_us IS NULL",
    "station_end": "UPDATE transactions SET start_fate = coalesce(start_fate, 'dropped_by_station'),"
        " why = CASE WHEN stop_fate IS NULL AND why = '' THEN 'the station lost it' ELSE why END,"
        " stop_fate = coalesce(stop_fate, 'dropped_by_station') WHERE station_id = ?",
    "fault_began": "INSERT INTO faults (station_id, fault_id, fault, evse_id, params, begin_us, begin_utc_us, cause)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    "fault_ended": "UPDATE faults SET end_us = ?, end_utc_us = ? WHERE station_id = ? AND fault_id = ?"
        " AND end_us IS NULL",
    "message": "INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    "fate": "INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    "violation": "INSERT INTO violations VALUES (?, ?, ?, ?, ?, ?, 1)"
        " ON CONFLICT DO UPDATE SET count = count + 1",
    "remark": "INSERT INTO remarks VALUES (?, ?, ?, ?)",
    "run": "INSERT OR REPLACE INTO run VALUES (?, ?)",
}
# fmt: on
