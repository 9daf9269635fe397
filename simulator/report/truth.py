"""The questions a summary and its checks ask of a ledger.

Theory. A figure without an excuse is an accusation, so every question about something that went wrong comes with how
much of it fell under a fault that was in force at the same station at that time. The overlap is taken over the whole
life of the CALL (sent to given up), because a fault may end just before the time-out it caused.

A message is *undelivered* when it never got an answer: still queued, sent without an answer, or dropped by the station.
An answer with an error is a delivery.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from simulator.core.records import STATION_STOPPED
from simulator.ledger import Ledger

EXAMPLES_MAX = 5

# A fault at the station of row `m` in force at any moment between the sending and the end of the CALL.
_UNDER_FAULT = """(SELECT f.fault FROM faults f WHERE f.station_id = m.station_id
    AND f.begin_us <= m.at_us AND (f.end_us IS NULL OR f.end_us >= m.at_us - m.took_us) LIMIT 1)"""
_UNDELIVERED = """(queued + unanswered + dropped > 0
    OR start_fate IN ('queued', 'sent_unanswered', 'dropped_by_station')
    OR stop_fate IN ('queued', 'sent_unanswered', 'dropped_by_station'))"""


class Totals(msgspec.Struct, frozen=True):
    """Transactions of a run. ``causes`` splits ``undelivered``; energies in Wh over those that were stopped."""

    started: int
    stopped: int
    open: int
    queued: int
    undelivered: int
    causes: dict[str, int]
    reported_wh: float
    physical_wh: float


class Excuse(msgspec.Struct, frozen=True):
    """Why something may go wrong without being held against the CSMS: a profile, a quirk, the timetable.

    ``check`` is the name of the check; ``actions`` and ``stations`` None mean all; the span is in us of the run.
    """

    check: str
    why: str
    actions: frozenset[str] | None = None
    stations: frozenset[str] | None = None
    from_us: int | None = None
    until_us: int | None = None

    def covers(self, station_id: str, action: str, at_us: int | None) -> bool:
        """Whether it applies to this one; without a known moment, only when it holds all the time."""
        if self.actions is not None and action not in self.actions:
            return False
        if self.stations is not None and station_id not in self.stations:
            return False
        if at_us is None:
            return self.from_us is None and self.until_us is None
        return (self.from_us is None or at_us >= self.from_us) and (self.until_us is None or at_us <= self.until_us)


class Problem(msgspec.Struct, frozen=True):
    """Something that went wrong ``count`` times, ``excused`` of them; examples name stations that have no excuse."""

    count: int
    excused: int
    why: dict[str, int]
    by_action: dict[str, int]
    examples: tuple[str, ...]

    @property
    def left(self) -> int:
        """What no excuse covers."""
        return self.count - self.excused


def transactions(ledger: Ledger) -> Totals:
    """Started, stopped, open, queued and undelivered transactions, and their energy."""
    ((started, stopped, queued, reported, physical),) = ledger.query("""
        SELECT count(*), count(end_us), coalesce(sum(queued > 0), 0),
            coalesce(sum(CASE WHEN end_us IS NOT NULL
                THEN coalesce(told_end_wh - told_begin_wh, reported_wh, 0) ELSE 0 END), 0.0),
            coalesce(sum(physical_wh), 0.0)
        FROM transactions""")
    causes = dict(
        ledger.query(f"""
        SELECT CASE WHEN queued > 0 THEN 'queued' WHEN unanswered > 0 THEN 'sent_unanswered'
            ELSE 'dropped_by_station' END AS cause, count(*)
        FROM transactions WHERE {_UNDELIVERED} GROUP BY cause ORDER BY cause""")
    )
    return Totals(
        started, stopped, started - stopped, queued, sum(causes.values()), causes, float(reported), float(physical)
    )


def stops_undelivered(ledger: Ledger, excuses: Sequence[Excuse] = ()) -> Problem:
    """Sessions that ended without their stop being answered.

    A fault in force between the end of the session and the last word on its stop is an excuse, and so is a quirk that
    keeps the stop from being sent.
    """
    rows = ledger.query("""
        SELECT t.station_id, coalesce(t.stop_fate, 'queued'), t.end_us, coalesce(
            (SELECT f.fault FROM faults f WHERE f.station_id = t.station_id
                AND f.begin_us <= max(t.end_us, coalesce((SELECT max(m.at_us) FROM messages m
                    WHERE m.station_id = t.station_id AND m.key = t.key), 0))
                AND (f.end_us IS NULL OR f.end_us >= t.end_us) LIMIT 1),
            CASE WHEN t.stop_fate = 'dropped_by_station' AND t.why = 'quirk' THEN 'a quirk' END)
        FROM transactions t WHERE t.end_us IS NOT NULL
            AND coalesce(t.stop_fate, 'queued') NOT IN ('answered', 'answered_with_error')
        ORDER BY t.end_us""")
    return _problem(rows, excuses)


def calls(ledger: Ledger, outcomes: tuple[str, ...], excuses: Sequence[Excuse] = ()) -> Problem:
    """CALLs with one of these outcomes; what fell under a fault of the station is excused, and so is what was in flight
    when the station stopped: no CSMS can answer that.

    When more rows went wrong than a ledger keeps one by one, those beyond are counted without an excuse.
    """
    marks = ", ".join("?" * len(outcomes))
    rows = ledger.query(
        f"SELECT m.station_id, m.action, m.at_us, coalesce({_UNDER_FAULT}, CASE WHEN m.code = ? THEN ? END)"
        f" FROM messages m WHERE m.outcome IN ({marks}) ORDER BY m.at_us",
        (STATION_STOPPED, "the station restarted or lost its power", *outcomes),
    )
    ((counted,),) = ledger.query(f"SELECT coalesce(sum(count), 0) FROM calls WHERE outcome IN ({marks})", outcomes)
    problem = _problem(rows, excuses)
    return msgspec.structs.replace(problem, count=max(problem.count, counted))


def unbooted(ledger: Ledger, timeout_us: int, excuses: Sequence[Excuse] = ()) -> Problem:
    """Stations that were not accepted within ``timeout_us`` of being switched on; ``by_action`` is why, by reason."""
    rows = ledger.query(
        """
        SELECT s.station_id,
            CASE WHEN s.first_booted_us IS NOT NULL THEN 'late' ELSE coalesce((SELECT c.reason FROM connect_failures c
                WHERE c.station_id = s.station_id ORDER BY c.last_us DESC LIMIT 1), 'no_answer') END,
            s.started_us,
            (SELECT f.fault FROM faults f WHERE f.station_id = s.station_id
                AND f.begin_us <= s.started_us + :timeout AND (f.end_us IS NULL OR f.end_us >= s.started_us) LIMIT 1)
        FROM stations s
        WHERE s.first_booted_us IS NULL OR s.first_booted_us - s.started_us > :timeout
        ORDER BY s.station_id""",
        {"timeout": timeout_us},
    )
    return _problem(rows, excuses)


def stations(ledger: Ledger) -> tuple[int, int]:
    """How many stations there are, and how many of them have booted at least once."""
    ((count, booted),) = ledger.query("SELECT count(*), count(first_booted_us) FROM stations")
    return count, booted


def violations(ledger: Ledger) -> list[dict[str, Any]]:
    """What the CSMS sent against its schema, by action, path and rule, the most frequent first."""
    rows = ledger.query("""
        SELECT action, path, rule, sum(count) AS n, count(*), min(value) FROM violations
        GROUP BY action, path, rule ORDER BY n DESC, action, path, rule""")
    names = ("action", "path", "rule", "count", "stations", "example")
    return [dict(zip(names, row, strict=True)) for row in rows]


def faults(ledger: Ledger) -> list[dict[str, Any]]:
    """Faults by name: how often, at how many stations, first begin and last end (us of the run), how many still on."""
    rows = ledger.query("""
        SELECT fault, count(*), count(DISTINCT station_id), min(begin_us), max(end_us), sum(end_us IS NULL)
        FROM faults GROUP BY fault ORDER BY fault""")
    names = ("fault", "count", "stations", "first_begin_us", "last_end_us", "still_active")
    return [dict(zip(names, row, strict=True)) for row in rows]


def fault_ids(ledger: Ledger) -> list[str]:
    """The ids of the faults that have begun somewhere."""
    return [fault_id for (fault_id,) in ledger.query("SELECT DISTINCT fault_id FROM faults ORDER BY fault_id")]


def fault_spans(ledger: Ledger, limit: int = 200) -> list[tuple[str, int, int | None]]:
    """(fault, begin us, end us) in order of begin; those that began together and are called the same are one."""
    return [
        (fault, begin, end)
        for fault, begin, end in ledger.query(
            "SELECT fault, begin_us, CASE WHEN count(end_us) = count(*) THEN max(end_us) END FROM faults"
            " GROUP BY fault, begin_us ORDER BY begin_us, fault LIMIT ?",
            (limit,),
        )
    ]


def connect_failures(ledger: Ledger) -> dict[str, dict[str, Any]]:
    """By reason: how often, at how many stations, and one station with what it was told."""
    rows = ledger.query("""
        SELECT reason, sum(count), count(*), min(station_id), detail FROM connect_failures GROUP BY reason
        ORDER BY sum(count) DESC, reason""")
    return {
        reason: {"count": count, "stations": n, "example": {"station": station, "detail": detail}}
        for reason, count, n, station, detail in rows
    }


def disconnects(ledger: Ledger) -> dict[str, int]:
    """Open links that went down, by close code or cause."""
    return dict(
        ledger.query("""
        SELECT CASE cause WHEN 'closed' THEN CAST(code AS TEXT) ELSE cause END AS what, sum(count) FROM disconnects
        GROUP BY what ORDER BY what""")
    )


def remarks(ledger: Ledger) -> dict[str, int]:
    """Remarks by kind."""
    return dict(ledger.query("SELECT kind, count(*) FROM remarks GROUP BY kind ORDER BY kind"))


def _problem(rows: list[tuple[Any, ...]], excuses: Sequence[Excuse]) -> Problem:
    """From rows of (station, action, us of the run, fault or None)."""
    why: dict[str, int] = {}
    by_action: dict[str, int] = {}
    examples: list[str] = []
    for station, action, at_us, fault in rows:
        excuse = fault or next((excuse.why for excuse in excuses if excuse.covers(station, action, at_us)), None)
        if excuse is not None:
            why[excuse] = why.get(excuse, 0) + 1
            continue
        by_action[action] = by_action.get(action, 0) + 1
        if station not in examples and len(examples) < EXAMPLES_MAX:
            examples.append(station)
    return Problem(len(rows), sum(why.values()), why, by_action, tuple(examples))
