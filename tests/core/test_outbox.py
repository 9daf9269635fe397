"""The queue on flash, the one CALL in flight, retries, and what becomes of every message."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

from simulator.core import inputs as i
from simulator.core import outbox
from simulator.core import records as r
from simulator.core.outbox import QUEUE_AREA
from simulator.lab.csms import SILENT, CallError, Raw
from tests.core.build import VERSIONS, Rig, numbers, offline, rig

each_version = pytest.mark.parametrize("version", VERSIONS)
OFFLINE = {"OfflineTxForUnknownIdEnabled": True}


def names(version: str) -> tuple[str, str]:
    """What carries the start and the end of a transaction."""
    return ("StartTransaction", "StopTransaction") if version == "1.6" else ("TransactionEvent", "TransactionEvent")


# -- offline


@each_version
def test_what_happens_offline_is_queued_on_flash_and_told_in_order(version: str) -> None:
    lab = offline(version)
    for token in ("A", "B"):
        lab.charge(token, seconds=200)
        lab.leave(token)
    queued = dict(lab.station.board.flash.items(QUEUE_AREA))
    assert len(queued) >= 8 and list(queued) == sorted(queued)
    assert not lab.starts() and not lab.stops()
    lab.back(60)
    assert len(lab.starts()) == len(lab.stops()) == 2
    assert not lab.station.board.flash.items(QUEUE_AREA)
    if version == "1.6":
        told = [a for a in lab.csms.actions() if a in ("StartTransaction", "MeterValues", "StopTransaction")]
        one = ["StartTransaction", *["MeterValues"] * 3, "StopTransaction"]
        assert told == one * 2
        assert [p["transactionId"] for p in lab.stops()] == [1, 2]
        assert {p["transactionId"] for p in lab.sent("MeterValues")} == {1, 2}
    else:
        assert all(p["offline"] for p in lab.sent("TransactionEvent"))  # E04.FR.03
        rows = numbers(lab)
        first = [n for key, _, n in rows if key == rows[0][0]]
        second = [n for key, _, n in rows if key == rows[-1][0]]
        assert first == list(range(len(first))) and second == list(range(len(second)))
        assert len(first) + len(second) == len(rows)
    stamps = [p["timestamp"] for p in (lab.starts()[0], lab.stops()[0], lab.starts()[1], lab.stops()[1])]
    assert stamps == sorted(stamps) and len(set(stamps)) == 4


@each_version
def test_history_lets_other_messages_overtake_and_new_ones_of_its_kind_wait(version: str) -> None:
    """1.6 3.7: others may go at once, transaction messages wait until the queue is empty."""
    lab = offline(version)
    for n in range(6):
        lab.charge(f"T{n}", seconds=100)
        lab.leave(f"T{n}")
    lab.mend()
    assert lab.fleet.settle(200, lambda: lab.station.link.is_up)
    lab.feed(i.Plug(1), i.Present("NEW"))
    lab.run(120)
    sent = [s for s in lab.csms.seen if s.direction == "cp" and s.kind == 2]
    order = [s.action for s in sent]
    last_old = max(n for n, s in enumerate(sent) if "T5" in str(s.payload))
    assert order.index("Authorize") < last_old, "somebody at the station had to wait for history"
    assert "NEW" in str(lab.starts()[-1])
    assert [p.get("idTag") or p["idToken"]["idToken"] for p in lab.starts()] == [
        *(f"T{n}" for n in range(6)),
        "NEW",
    ]


@each_version
def test_only_transaction_messages_are_kept_while_offline(version: str) -> None:
    lab = offline(version)
    lab.feed(i.Inject("f", "reader.dead"), i.Clear("f"))
    lab.feed(i.Plug(1))
    lab.run(1)
    lab.feed(i.Unplug(1, "both"))
    lab.run(1)
    before = len(lab.sent())
    lab.back(20)
    after = [s.action for s in lab.csms.seen if s.direction == "cp" and s.kind == 2][before:]
    assert "TransactionEvent" not in after and "StartTransaction" not in after
    assert {f.action for f in lab.records(r.MessageFate)} <= {"SecurityEvent"}  # the boot


@each_version
def test_one_call_at_a_time(version: str) -> None:
    lab = offline(version, evses=3)
    for n in (1, 2, 3):
        lab.charge(f"T{n}", seconds=100, evse_id=n)
    lab.back(100)
    open_calls = 0
    for s in lab.csms.seen:
        if s.direction == "cp" and s.kind == 2:
            open_calls += 1
        elif s.direction == "csms" and s.kind == 3:
            open_calls -= 1
        assert open_calls in (0, 1)
    assert len(lab.starts()) == 3


@each_version
def test_a_token_whose_turn_never_came_is_decided_offline_and_the_reader_goes_on(version: str) -> None:
    """1.6 3.5.4, C15: the link goes while Authorize waits behind another CALL."""
    lab = rig(version, settings={"AllowOfflineTxForUnknownId": True}).boot()
    lab.csms.script["Heartbeat"] = lambda csms, payload: SILENT
    lab.fleet.ask(lab.station, "TriggerMessage", {"requestedMessage": "Heartbeat"})
    lab.feed(i.Plug(1), i.Present("TAG"))
    assert lab.station.evses[0].asked is not None
    lab.cut()
    assert lab.station.evses[0].asked is None
    lab.run(5)
    assert lab.station.evses[0].flowing and not lab.sent("Authorize")


# -- failures to process, and their retries


@each_version
@pytest.mark.parametrize("attempts", [1, 2, 3, 4])
def test_attempts_and_growing_intervals(version: str, attempts: int) -> None:
    """1.6 3.7.1, E13.FR.01-04: interval times preceding transmissions, then the next message goes."""
    lab = rig(version, settings={"TransactionMessageAttempts": attempts, "TransactionMessageRetryInterval": 10}).boot()
    start, _stop = names(version)
    refuse = [True]
    sound = getattr(lab.csms, "on_" + start)

    def answer(csms, payload):
        return (
            CallError("InternalError", "no")
            if refuse[0] and payload.get("eventType", "Started") == "Started"
            else sound(payload)
        )

    lab.csms.script[start] = answer
    lab.feed(i.Plug(1))
    lab.run(1)
    lab.feed(i.Present("TAG"))
    lab.run(3)
    lab.feed(i.Present("TAG"))
    lab.run(200)
    begins = [now for now, payload in calls(lab, start) if payload.get("eventType", "Started") == "Started"]
    assert len(begins) == attempts
    waits = [round(b - a) for a, b in pairwise(begins)]
    assert waits == [10 * n for n in range(1, attempts)]
    kind = "TransactionStarted"
    assert [f for f in lab.fates() if f[0] == kind] == [(kind, "answered_with_error", "InternalError")]
    assert len(lab.stops()) == 1
    if version == "1.6":
        assert lab.stops()[0]["transactionId"] == -1  # errata 3.18
    assert not lab.station.board.flash.items(QUEUE_AREA)


def calls(lab: Rig, action: str) -> list[tuple[float, dict[str, Any]]]:
    found = []
    for now, direction, data in lab.frames:
        frame = json.loads(data) if direction == "out" else [0]
        if frame[0] == 2 and frame[2] == action:
            found.append((now / 1e6, frame[3]))
    return found


@each_version
def test_a_csms_that_never_answers_is_given_up_after_its_attempts(version: str) -> None:
    lab = rig(
        version,
        settings={
            "TransactionMessageAttempts": 2,
            "TransactionMessageRetryInterval": 5,
            "MessageTimeout": 7,
        },
    ).boot()
    start, stop = names(version)
    lab.csms.script[start] = lambda csms, payload: SILENT
    lab.csms.script[stop] = lambda csms, payload: SILENT
    lab.charge(seconds=4)
    lab.feed(i.Present("TAG"))
    lab.run(300)
    begins = [now for now, payload in calls(lab, start) if payload.get("eventType", "Started") == "Started"]
    assert [round(b - a) for a, b in pairwise(begins)] == [7 + 5]
    done = [c for c in lab.records(r.CallFinished) if c.action in (start, stop)]
    assert {c.outcome for c in done} == {"timeout"}
    assert [f[:2] for f in lab.fates() if f[0] == "TransactionStarted"] == [("TransactionStarted", "sent_unanswered")]
    assert [f[:2] for f in lab.fates() if f[0] == "TransactionEnded"] == [("TransactionEnded", "sent_unanswered")]
    assert not lab.station.outbox.durable_waits()
    assert lab.station.link.is_up, "silence to one action is no reason to hang up"


@each_version
def test_an_answer_that_cannot_be_used_is_a_failure_to_process(version: str) -> None:
    lab = rig(version, settings={"TransactionMessageAttempts": 2, "TransactionMessageRetryInterval": 5}).boot()
    start, _ = names(version)
    tries: list[int] = []
    sound = getattr(lab.csms, "on_" + start)

    def answer(csms, payload):
        tries.append(1)
        return Raw('[3,"{id}",[1]]') if len(tries) == 1 else sound(payload)

    lab.csms.script[start] = answer
    lab.charge(seconds=20)
    assert lab.records(r.ViolationSeen)
    unusable = [c for c in lab.records(r.CallFinished) if c.code == "unusable"]
    assert [c.outcome for c in unusable] == ["callerror"]
    assert ("TransactionStarted", "answered", "") in lab.fates()


@each_version
def test_a_lost_connection_is_no_failure_and_the_waiting_time_survives_it(version: str) -> None:
    """Only what the CSMS answers, or fails to answer, counts as an attempt; the wait is not cut short (E13.FR.03)."""
    lab = rig(
        version,
        settings={"TransactionMessageAttempts": 3, "TransactionMessageRetryInterval": 100},
    ).boot()
    start, _ = names(version)
    sound = getattr(lab.csms, "on_" + start)
    tries: list[int] = []

    def answer(csms, payload):
        tries.append(csms.now)
        return CallError("InternalError") if len(tries) == 1 else sound(payload)

    lab.csms.script[start] = answer
    lab.charge(seconds=10)
    assert len(tries) == 1
    lab.cut()
    lab.mend()
    lab.run(60)
    assert lab.station.link.is_up and len(tries) == 1
    lab.run(60)
    assert tries[1] - tries[0] == pytest.approx(100e6, abs=1e5)
    assert ("TransactionStarted", "answered", "") in lab.fates()


@each_version
def test_a_message_cut_off_in_flight_is_sent_again(version: str) -> None:
    lab = rig(version).boot()
    start, _ = names(version)
    hold = [True]
    sound = getattr(lab.csms, "on_" + start)
    lab.csms.script[start] = lambda csms, payload: SILENT if hold[0] else sound(payload)
    lab.charge(seconds=2)
    hold[0] = False
    lab.cut()
    lab.back(60)
    lost = [c for c in lab.records(r.CallFinished) if c.action == start and c.outcome == "lost"]
    assert len(lost) == 1
    assert [f for f in lab.fates() if f[0] == "TransactionStarted"] == [("TransactionStarted", "answered", "")]
    if version != "1.6":  # E11.FR.07
        begins = [payload for _, payload in calls(lab, start) if payload["eventType"] == "Started"]
        assert [p.get("offline", False) for p in begins] == [False, True]


@each_version
@pytest.mark.parametrize("how", ["power", "restart", "link"])
def test_a_call_in_flight_says_whether_it_was_lost_because_the_station_stopped(version: str, how: str) -> None:
    lab = rig(version).boot()
    start, _ = names(version)
    lab.csms.script[start] = lambda csms, payload: SILENT
    lab.charge(seconds=2)
    if how == "power":
        lab.feed(i.PowerOff())
    elif how == "restart":
        lab.feed(i.Perform("reboot", {"reason": "Triggered", "kind": "soft"}))
    else:
        lab.cut()
    lost = [c.code for c in lab.records(r.CallFinished) if c.action == start and c.outcome == "lost"]
    assert lost == ["" if how == "link" else r.STATION_STOPPED]


def test_without_an_id_of_the_csms_everything_bears_minus_one() -> None:
    """1.6 errata 3.18: MeterValues and StopTransaction after a StartTransaction that was given up."""
    lab = rig("1.6", settings={"TransactionMessageAttempts": 1, "MeterValueSampleInterval": 10}).boot()
    lab.csms.script["StartTransaction"] = lambda csms, payload: CallError("InternalError")
    lab.charge(seconds=35)
    lab.leave()
    lab.run(10)
    assert [p["transactionId"] for p in lab.sent("MeterValues")] == [-1, -1, -1]
    assert [p["transactionId"] for p in lab.stops()] == [-1]
    lab.csms.script.clear()
    lab.charge("NEXT", seconds=15)
    lab.leave("NEXT")
    assert lab.stops()[-1]["transactionId"] == 1


# -- answers nobody waits for


@each_version
def test_late_double_and_unknown_answers_are_counted_and_nothing_else(version: str) -> None:
    lab = rig(version, settings={"MessageTimeout": 5}).boot()
    lab.csms.script["Authorize"] = lambda csms, payload: SILENT
    lab.feed(i.Present("TAG"))
    lab.run(1)
    late = lab.station.outbox.message_id
    lab.run(10)
    good = '{"idTagInfo":{"status":"Accepted"}}' if version == "1.6" else '{"idTokenInfo":{"status":"Accepted"}}'
    status = lab.station.evses[0].status
    lab.answer_raw(f'[3,"{late}",{good}]')
    lab.csms.script.clear()
    lab.fleet.ask(lab.station, "TriggerMessage", {"requestedMessage": "Heartbeat"})
    lab.run(1)
    twice = lab.station.outbox.message_id
    lab.answer_raw(f'[3,"{twice}",{{"currentTime":"2026-03-01T00:00:00Z"}}]')
    lab.answer_raw('[3,"never-sent",{}]')
    lab.answer_raw(f'[4,"{late}","GenericError","",{{}}]')
    assert [s.kind for s in lab.records(r.StrayAnswer)] == ["late", "twice", "unknown_id", "late"]
    assert lab.station.evses[0].status == status and lab.station.evses[0].grant is None
    timeouts = [c.action for c in lab.records(r.CallFinished) if c.outcome == "timeout"]
    assert timeouts == ["Authorize"]


# -- bounds


def test_the_lanes_are_bounded_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "MAX_WAITING", 20)
    lab = offline("1.6", settings={"MeterValueSampleInterval": 1})
    for n in range(12):
        lab.charge(f"T{n}", seconds=5)
        lab.leave(f"T{n}")
    assert len(lab.station.outbox.durable) <= 20
    assert {f[2] for f in lab.fates() if f[1] == "dropped_by_station"} <= {"flash full", "queue bound"}
    kept = [k for k, _ in lab.station.board.flash.items(QUEUE_AREA)]
    assert kept == [e.order for e in lab.station.outbox.durable]


@each_version
def test_lateness_counts_from_the_moment_a_message_could_have_gone(version: str) -> None:
    lab = offline(version)
    lab.charge(seconds=50)
    lab.run(1000)
    lab.back(400)
    start, _ = names(version)
    first = next(c for c in lab.records(r.CallFinished) if c.action == start)
    assert first.late_us < 1_000_000, "time without a connection is not lateness"
