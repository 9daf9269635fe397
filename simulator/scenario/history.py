"""A played scenario as a time line: what really happened, what was said about it, what the CSMS answered and did.

The truth of warm contacts is sampled while the scenario is played, as often as something happens at the station but not
more than every few minutes; everything else is on record anyway. With an alert and a failure of the same EVSE there is
a figure: the *lead time*, from the first alert the CSMS heard to the failure.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from simulator.core.records import (
    FaultBegan,
    FaultEnded,
    HeatChanged,
    PhaseChanged,
    TransactionClosed,
    TransactionOpened,
)
from simulator.hardware.thermal import CUT_OUT, DERATED, FAILED
from simulator.report.timeline import Curve, Lane, Mark, Timeline, lasting
from simulator.scenario.memory import Played
from simulator.scenario.seat import Heard, Seat
from simulator.wire.rpc import CALL, ERROR

#: what the colours mean
LEGEND = (
    ("good", "session"),
    ("soft", "message, reading, answer"),
    ("warn", "fault, alert, power reduced"),
    ("bad", "problem, failure, no answer"),
    ("act", "operation of the CSMS"),
)
#: characters of a payload in a tooltip
TIP = 120
#: requests of the CSMS that are no operations but part of answering
QUIET = frozenset({"DataTransfer"})


def timeline(played: Played, title: str) -> Timeline:
    """The time line of the station at which most was worth a look: one that failed, got hot, or the first."""
    seat = _station(played)
    begin_s, end_s = played.began_us / 1e6, max(played.ended_us, played.began_us + 1) / 1e6
    records = [(at_us / 1e6, record) for at_us, station, record in played.records if station == seat.id]
    frames = list(seat.frames)
    lanes = [
        Lane("sessions", list(_sessions(records, end_s))),
        Lane("faults", list(_faults(records, end_s))),
        Lane("protection", list(_protection(records, end_s))),
        Lane("not connected", [mark for mark in _connection(records, end_s) if (mark.until_s or end_s) > begin_s]),
        Lane("station says", list(_said(seat, frames))),
        Lane("monitors say", list(_monitors(frames))),
        Lane("CSMS answers", list(_answers(seat, frames))),
        Lane("CSMS does", list(_operations(seat, frames))),
    ]
    evse_id = next((record.evse_id for _, record in records if isinstance(record, HeatChanged) and record.evse_id), 1)
    rows = played.truth.samples.get((seat.id, evse_id), [])
    curves = []
    if rows:
        curves = [
            Curve("temperature of the contacts", "°C", [(at_us / 1e6, celsius) for at_us, celsius, _ in rows]),
            Curve("resistance", "mΩ", [(at_us / 1e6, mohm) for at_us, _, mohm in rows]),
        ]
    onset, alert, failed = _onset(records), _alert(frames), _failed(records)
    facts = [(name, _moment(at_s, begin_s)) for name, at_s in (
        ("onset", onset), ("first alert heard", alert), ("power reduced", _derated(records)), ("failure", failed),
    ) if at_s is not None]  # fmt: skip
    lead = None
    if alert is not None and failed is not None and alert < failed:
        text = f"lead time {lasting(failed - alert)}"
        lead = (alert, failed, text)
        facts.append(("lead time", f"{lasting(failed - alert)} from the first alert to the failure"))
    return Timeline(
        title,
        begin_s,
        end_s,
        curves,
        _limits(frames) if rows else [],
        [lane for lane in lanes if lane.marks],
        lead,
        facts,
        [row for row in LEGEND if any(mark.kind == row[0] for lane in lanes for mark in lane.marks)],
    )


def _station(played: Played) -> Seat:
    wanted = played.failure.station if played.failure is not None else ""
    hot = next((station for _, station, record in played.records if isinstance(record, HeatChanged)), "")
    return next((seat for seat in played.seats if seat.id in (wanted or hot,)), played.seats[0])


def _moment(at_s: float, begin_s: float) -> str:
    return f"after {lasting(at_s - begin_s)}" if at_s - begin_s >= 1.0 else "at the beginning"


# -- truth

Records = list[tuple[float, Any]]


def _onset(records: Records) -> float | None:
    return next((at_s for at_s, r in records if isinstance(r, FaultBegan) and r.fault.startswith("thermal.")), None)


def _failed(records: Records) -> float | None:
    return next((at_s for at_s, r in records if isinstance(r, HeatChanged) and r.state == FAILED), None)


def _derated(records: Records) -> float | None:
    return next((at_s for at_s, r in records if isinstance(r, HeatChanged) and r.state == DERATED), None)


def _sessions(records: Records, end_s: float) -> Iterator[Mark]:
    began: dict[str, float] = {}
    for at_s, record in records:
        if isinstance(record, TransactionOpened):
            began[record.key] = at_s
        elif isinstance(record, TransactionClosed):
            text = f"{record.reported_energy_wh / 1_000:.1f} kWh, ended: {record.reason}"
            yield Mark(began.pop(record.key, at_s), text, "good", at_s)
    for at_s in began.values():
        yield Mark(at_s, "still open", "good", end_s)


def _faults(records: Records, end_s: float) -> Iterator[Mark]:
    began: dict[str, tuple[float, str]] = {}
    for at_s, record in records:
        if isinstance(record, FaultBegan):
            began[record.fault_id] = (at_s, record.fault)
        elif isinstance(record, FaultEnded) and record.fault_id in began:
            start_s, name = began.pop(record.fault_id)
            yield Mark(start_s, name, "warn", at_s)
    for start_s, name in began.values():
        yield Mark(start_s, name, "warn", end_s)


def _protection(records: Records, end_s: float) -> Iterator[Mark]:
    open_: dict[int, tuple[float, str]] = {}
    words = {DERATED: ("power reduced", "warn"), CUT_OUT: ("switched off", "bad"), FAILED: ("contact burnt", "bad")}
    for at_s, record in records:
        if not isinstance(record, HeatChanged):
            continue
        if record.evse_id in open_:
            start_s, state = open_.pop(record.evse_id)
            yield Mark(start_s, words[state][0], words[state][1], at_s)
        if record.state in words:
            open_[record.evse_id] = (at_s, record.state)
    for start_s, state in open_.values():
        yield Mark(start_s, words[state][0], words[state][1], end_s)


def _connection(records: Records, end_s: float) -> Iterator[Mark]:
    since: float | None = None
    what = ""
    for at_s, record in records:
        if not isinstance(record, PhaseChanged):
            continue
        away = record.phase in ("off", "offline", "connecting", "pending")
        if away and since is None:
            since, what = at_s, record.phase
        elif not away and since is not None:
            yield Mark(since, what, "plain", at_s)
            since = None
    if since is not None:
        yield Mark(since, what, "plain", end_s)


# -- what was said and done


def _said(seat: Seat, frames: list[Heard]) -> Iterator[Mark]:
    """Messages of the station but those of monitors; the ones of a transaction stand out."""
    for heard in frames:
        if heard.to_csms and heard.kind == CALL and heard.action not in ("NotifyEvent", "Heartbeat"):
            yield Mark(
                heard.now / 1e6,
                f"{heard.action} {seat.payload(heard, TIP)}",
                "plain" if "Transaction" in heard.action else "soft",
            )
        elif heard.kind == 0:
            yield Mark(heard.now / 1e6, f"unreadable: {heard.payload}", "bad")


def _events(frames: list[Heard]) -> Iterator[tuple[Heard, dict[str, Any]]]:
    for heard in frames:
        if heard.action == "NotifyEvent" and heard.kind == CALL:
            for event in heard.payload.get("eventData", ()):
                yield heard, event


def _is_alert(event: dict[str, Any]) -> bool:
    return event.get("trigger") == "Alerting" and not event.get("cleared") and event["variable"]["name"] != "Problem"


def _alert(frames: list[Heard]) -> float | None:
    return next((heard.now / 1e6 for heard, event in _events(frames) if _is_alert(event)), None)


def _monitors(frames: list[Heard]) -> Iterator[Mark]:
    for heard, event in _events(frames):
        name = f"{event['component']['name']}.{event['variable']['name']}"
        text = f"{event['trigger']}: {name} = {event['actualValue']}" + (", over" if event.get("cleared") else "")
        if event.get("techInfo"):
            text += f" ({event['techInfo']})"
        if event["trigger"] == "Periodic":
            yield Mark(heard.now / 1e6, text, "soft")
        elif event.get("cleared"):
            yield Mark(heard.now / 1e6, text, "plain")
        else:
            yield Mark(heard.now / 1e6, text, "warn" if _is_alert(event) else "bad")


def _answers(seat: Seat, frames: list[Heard]) -> Iterator[Mark]:
    """Answers of the CSMS to what was said; those with an error, and calls it never answered, stand out."""
    for heard in frames:
        if not heard.to_csms or heard.kind != CALL or (heard.action == "Heartbeat" and heard.answer is not None):
            continue
        if heard.answer is None:
            yield Mark(heard.now / 1e6, f"{heard.action}: no answer", "bad")
        else:
            kind = "bad" if heard.answer.kind == ERROR else "soft"
            yield Mark(heard.answer.now / 1e6, f"{heard.action}: {seat.payload(heard.answer, TIP)}", kind)


def _operations(seat: Seat, frames: list[Heard]) -> Iterator[Mark]:
    for heard in frames:
        if not heard.to_csms and heard.kind == CALL and heard.action not in QUIET:
            answer = "no answer" if heard.answer is None else seat.payload(heard.answer, TIP)
            yield Mark(
                heard.now / 1e6,
                f"{heard.action} {seat.payload(heard, TIP)}, answered: {answer}",
                "act",
                label=heard.action,
            )


def _limits(frames: list[Heard]) -> list[tuple[float, str]]:
    """Upper thresholds of temperature that the CSMS has set."""
    found: dict[float, str] = {}
    for heard in frames:
        if heard.action == "SetVariableMonitoring" and heard.kind == CALL:
            for row in heard.payload.get("setMonitoringData", ()):
                if row.get("type") == "UpperThreshold" and row["variable"]["name"] == "Temperature":
                    found[float(row["value"])] = f"alert above {row['value']:g} °C"
    return list(found.items())
