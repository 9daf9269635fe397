"""Every rule of the checkers sees an offence planted against it, and a sound session breaks none."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from simulator.core import inputs as i
from simulator.core import records as r
from simulator.core.effects import Record, Send
from simulator.errors import UnknownName
from simulator.lab.checkers import RULES, Checkers
from simulator.lab.csms import SILENT
from simulator.lab.wire import Conversation, same
from simulator.quirks.seams import Quirk
from tests.core.build import VERSIONS, Rig, rig

Feed = tuple[i.Input, list[Any], int]


def record(version: str, **fields: Any) -> tuple[Rig, list[Feed]]:
    """A sound session as a list of feeds that can be tampered with before a checker sees them."""
    lab = rig(version, settings={"MeterValueSampleInterval": 10}, **fields)
    feeds: list[Feed] = []
    frames = lab.watch

    def keep(station: Any, event: i.Input, effects: list[Any], now: int) -> None:
        frames(station, event, effects, now)
        feeds.append((event, list(effects), now))

    lab.fleet._observer = keep
    lab.boot()
    lab.charge(seconds=35)
    lab.leave()
    lab.charge("B", seconds=15)
    lab.leave("B")
    lab.run(20)
    return lab, feeds


def judge(lab: Rig, feeds: list[Feed]) -> set[str]:
    checkers = Checkers()
    for event, effects, now in feeds:
        checkers.observe(lab.station, event, effects, now)
    checkers.finish([lab.station], lab.fleet.now)
    return {problem.rule for problem in checkers.problems}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_sound_session_breaks_no_rule(version: str) -> None:
    lab, feeds = record(version)
    assert judge(lab, feeds) == set()


def calls(feeds: list[Feed], action: str, **wanted: Any) -> list[tuple[int, int, list[Any]]]:
    """(feed, effect, frame) of the CALLs with this action."""
    found = []
    for n, (_, effects, _) in enumerate(feeds):
        for k, effect in enumerate(effects):
            if isinstance(effect, Send):
                frame = json.loads(effect.data)
                if frame[0] == 2 and frame[2] == action and all(frame[3].get(k) == v for k, v in wanted.items()):
                    found.append((n, k, frame))
    return found


def rewrite(feeds: list[Feed], place: tuple[int, int, list[Any]], frame: list[Any]) -> None:
    n, k, _ = place
    feeds[n][1][k] = msgspec.structs.replace(feeds[n][1][k], data=json.dumps(frame).encode())


def records(feeds: list[Feed], kind: type) -> list[tuple[int, int, Any]]:
    return [
        (n, k, effect.what)
        for n, (_, effects, _) in enumerate(feeds)
        for k, effect in enumerate(effects)
        if isinstance(effect, Record) and isinstance(effect.what, kind)
    ]


def change(feeds: list[Feed], place: tuple[int, int, Any], **fields: Any) -> None:
    n, k, what = place
    feeds[n][1][k] = Record(msgspec.structs.replace(what, **fields))


def two_in_flight(feeds: list[Feed]) -> None:
    n, _k, _frame = calls(feeds, "Authorize")[0]
    feeds[n][1].append(Send(1, json.dumps([2, "other", "Heartbeat", {}]).encode(), True))


def same_id(feeds: list[Feed]) -> None:
    first = calls(feeds, "BootNotification")[0][2][1]
    place = calls(feeds, "Authorize")[0]
    rewrite(feeds, place, [2, first, *place[2][2:]])


def no_json(feeds: list[Feed]) -> None:
    n, _k, _frame = calls(feeds, "Authorize")[0]
    feeds[n][1].append(Send(1, b'[3,"1",{]'))


def early(feeds: list[Feed]) -> None:
    place = calls(feeds, "BootNotification")[0]
    rewrite(feeds, place, [2, "early", "Heartbeat", {}])


def reopened(feeds: list[Feed]) -> None:
    first, second = records(feeds, r.TransactionOpened)[:2]
    change(feeds, second, key=first[2].key)


def never_ended(feeds: list[Feed]) -> None:
    place = records(feeds, r.TransactionClosed)[0]
    feeds[place[0]][1].pop(place[1])


def ended_twice(feeds: list[Feed]) -> None:
    place = records(feeds, r.TransactionClosed)[0]
    feeds[place[0]][1].append(Record(place[2]))


def wrong_energy(feeds: list[Feed]) -> None:
    place = records(feeds, r.TransactionClosed)[0]
    change(feeds, place, reported_energy_wh=place[2].reported_energy_wh + 5)


def register_back(feeds: list[Feed]) -> None:
    place = records(feeds, r.TransactionOpened)[1]
    change(feeds, place, register_wh=place[2].register_wh - 1000)


def two_fates(feeds: list[Feed]) -> None:
    place = next(p for p in records(feeds, r.MessageFate) if p[2].key)
    feeds[place[0]][1].append(Record(place[2]))


def no_fate(feeds: list[Feed]) -> None:
    place = next(p for p in records(feeds, r.MessageFate) if p[2].action == "TransactionEnded")
    feeds[place[0]][1].pop(place[1])


def late_stamp(feeds: list[Feed], action: str) -> None:
    place = calls(feeds, action)[-1]
    frame = place[2]
    frame[3]["timestamp"] = "2020-01-01T00:00:00Z"
    rewrite(feeds, place, frame)


def wrong_status(feeds: list[Feed]) -> None:
    place = calls(feeds, "StatusNotification")[-1]
    frame = place[2]
    frame[3].update({"status": "Charging"} if "status" in frame[3] else {"connectorStatus": "Occupied"})
    rewrite(feeds, place, frame)


def gap(feeds: list[Feed]) -> None:
    place = calls(feeds, "TransactionEvent", eventType="Ended")[0]
    place[2][3]["seqNo"] += 1
    rewrite(feeds, place, place[2])


def two_with_one_number(feeds: list[Feed]) -> None:
    place = calls(feeds, "TransactionEvent", eventType="Updated")[0]
    place[2][3]["seqNo"] = 0
    rewrite(feeds, place, place[2])


def started_again(feeds: list[Feed]) -> None:
    place = calls(feeds, "TransactionEvent", eventType="Updated")[0]
    place[2][3]["eventType"] = "Started"
    rewrite(feeds, place, place[2])


def after_the_end(feeds: list[Feed]) -> None:
    key = calls(feeds, "TransactionEvent", eventType="Started")[0][2][3]["transactionInfo"]["transactionId"]
    place = calls(feeds, "TransactionEvent", eventType="Updated")[-1]
    place[2][3]["transactionInfo"]["transactionId"] = key
    place[2][3]["seqNo"] = 999
    rewrite(feeds, place, place[2])


def foreign_id(feeds: list[Feed]) -> None:
    place = calls(feeds, "MeterValues")[0]
    place[2][3]["transactionId"] = 4711
    rewrite(feeds, place, place[2])


def sample_after_the_end(feeds: list[Feed]) -> None:
    place = calls(feeds, "MeterValues")[-1]
    place[2][3]["transactionId"] = 1
    rewrite(feeds, place, place[2])


def other_stop(feeds: list[Feed]) -> None:
    place = calls(feeds, "StopTransaction")[1]
    place[2][3]["transactionId"] = 1
    rewrite(feeds, place, place[2])


BOTH: list[tuple[Callable[[list[Feed]], None], str]] = [
    (no_json, "frames"),
    (two_in_flight, "one_call_in_flight"),
    (same_id, "message_ids"),
    (early, "status_before_boot"),
    (reopened, "one_start"),
    (never_ended, "one_end"),
    (ended_twice, "one_end"),
    (wrong_energy, "energy_true"),
    (register_back, "register_never_falls"),
    (two_fates, "every_fate"),
    (no_fate, "every_fate"),
    (wrong_status, "status_true"),
]
OLD: list[tuple[Callable[[list[Feed]], None], str]] = [
    (foreign_id, "own_transaction_id"),
    (other_stop, "one_end"),
    (sample_after_the_end, "samples_in_session"),
    (lambda feeds: late_stamp(feeds, "StopTransaction"), "time_in_order"),
]
NEW: list[tuple[Callable[[list[Feed]], None], str]] = [
    (gap, "sequence"),
    (two_with_one_number, "sequence"),
    (started_again, "one_start"),
    (after_the_end, "one_end"),
    (lambda feeds: late_stamp(feeds, "TransactionEvent"), "time_in_order"),
]
PLANTED = [
    *((v, plant, rule) for v in VERSIONS for plant, rule in BOTH),
    *(("1.6", plant, rule) for plant, rule in OLD),
    *((v, plant, rule) for v in VERSIONS if v != "1.6" for plant, rule in NEW),
]


@pytest.mark.parametrize(("version", "plant", "rule"), PLANTED)
def test_a_rule_sees_its_offence(version: str, plant: Callable[[list[Feed]], None], rule: str) -> None:
    lab, feeds = record(version)
    plant(feeds)
    assert rule in judge(lab, feeds)


@pytest.mark.parametrize("sampled", [[], [{"value": "1", "context": "Trigger"}]])
def test_a_value_that_may_have_been_asked_for_has_no_place_in_the_order(sampled: list[Any]) -> None:
    """What the CSMS asks for overtakes what waits; a quirk that leaves it empty hides that it was asked for."""
    lab, feeds = record("1.6")
    place = calls(feeds, "MeterValues")[0]
    place[2][3]["meterValue"] = [{"timestamp": "2030-01-01T00:00:00Z", "sampledValue": sampled}]
    rewrite(feeds, place, place[2])
    assert "time_in_order" not in judge(lab, feeds)


@pytest.mark.parametrize("version", VERSIONS)
def test_an_illegal_status_is_seen(version: str) -> None:
    lab = rig(version).boot()
    checkers = Checkers()
    checkers.observe(lab.station, i.Tick(), [], lab.fleet.now)
    lab.station.evses[0].status = "Reserved"
    checkers.observe(lab.station, i.Tick(), [], lab.fleet.now)
    lab.station.evses[0].status = "Finishing"
    checkers.observe(lab.station, i.Tick(), [], lab.fleet.now)
    assert [p.rule for p in checkers.problems] == ["legal_status"]
    assert "Reserved to Finishing" in str(checkers.problems[0])


@pytest.mark.parametrize("version", VERSIONS)
def test_a_station_that_does_not_come_to_rest_is_seen(version: str) -> None:
    lab = rig(version).boot()
    lab.cut()
    assert {p.rule for p in Checkers().finish([lab.station], lab.fleet.now)} == {"converged"}
    lab.back(5)
    lab.csms.script["Heartbeat"] = lambda csms, payload: SILENT
    lab.fleet.ask(lab.station, "TriggerMessage", {"requestedMessage": "Heartbeat"})
    assert {p.rule for p in Checkers().finish([lab.station], lab.fleet.now)} == {"converged"}


def test_every_rule_is_planted() -> None:
    assert {rule for _, _, rule in PLANTED} | {"legal_status", "converged"} == set(RULES)


def test_waivers_are_by_name() -> None:
    lab, feeds = record("1.6")
    wrong_energy(feeds)
    checkers = Checkers(["energy_true"])
    for event, effects, now in feeds:
        checkers.observe(lab.station, event, effects, now)
    assert not checkers.problems
    with pytest.raises(UnknownName, match="did you mean 'energy_true'"):
        Checkers(["energy_tru"])


def test_what_a_quirk_confesses_is_waived() -> None:
    class Confessor(Quirk):
        breaks = ("register_never_falls",)

    lab, feeds = record("1.6", quirks=(Confessor(),))
    wrong_energy(feeds)
    register_back(feeds)
    ended_twice(feeds)
    assert judge(lab, feeds) == {"one_end"}


def test_a_lying_meter_excuses_energy_and_nothing_else() -> None:
    lab = rig("1.6")
    checkers = Checkers()
    lab.fleet._observer = checkers.observe
    lab.boot()
    lab.feed(i.Inject("f", "meter.register_frozen"))
    lab.charge(seconds=100)
    lab.leave()
    lab.feed(i.Clear("f"))
    lab.run(10)
    assert not checkers.finish([lab.station], lab.fleet.now)


def test_problems_are_bounded() -> None:
    lab = rig("1.6").boot()
    checkers = Checkers()
    for n in range(1000):
        effects = [Send(1, json.dumps([2, f"x{n}", "Heartbeat", {}]).encode(), True)]
        checkers.observe(lab.station, i.Tick(), effects, n)
    assert len(checkers.problems) == 100


def test_a_repeated_message_may_know_its_time_better() -> None:
    one = {"seqNo": 1, "timestamp": "a", "meterValue": [{"timestamp": "b", "x": 1}]}
    two = {"seqNo": 1, "timestamp": "c", "meterValue": [{"timestamp": "d", "x": 1}], "offline": True}
    assert same(one) == same(two) != same({**two, "seqNo": 2})


def test_garbage_of_the_csms_is_no_business_of_the_conversation() -> None:
    talk = Conversation("1.6")
    for data in (b"", b"null", b"[]", b"[3]", b"[" * 100_000, b"\xff", b'[2,"a","TriggerMessage",7]', b"{}"):
        talk.heard(data)
    assert not talk.complaints


def test_what_a_modem_swallowed_is_missed_by_nobody_even_if_it_recovers_before_the_station_gives_up() -> None:
    settings = {"MeterValueSampleInterval": 30, "MessageTimeout": 10, "TransactionMessageAttempts": 1}
    lab = rig("2.0.1", settings=settings)
    checkers = Checkers()
    lab.fleet._observer = checkers.observe
    lab.boot()
    lab.charge(seconds=25)
    lab.fleet.feed(lab.station, i.Inject("half", "modem.half_open"))
    lab.run(8)  # the sample is on its way into nowhere
    lab.fleet.feed(lab.station, i.Clear("half"))
    lab.run(30)
    lab.leave()
    lab.run(20)
    fates = [what.fate for what in lab.fleet.recorded(r.MessageFate)]
    assert fates.count("sent_unanswered") == 1
    assert checkers.finish([lab.station], lab.fleet.now) == []


def test_words_for_a_status() -> None:
    """In the coarser words what is in use without a cable is free; what charges is not."""
    words = Conversation("2.0.1").words_for
    assert words("Finishing", True)[-1] == "Occupied" and words("Finishing", False)[-1] == "Available"
    assert words("Charging", False)[-1] == "Occupied" and words("Faulted", False) == ("Faulted", "Faulted")
