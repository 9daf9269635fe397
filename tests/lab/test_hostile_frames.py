"""What a hostile or broken CSMS may send: the version's CALLERROR or silence, a record, and never an exception."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from simulator.core import records as r
from simulator.core.inbound import MAX_FRAME_BYTES
from simulator.lab.csms import SILENT as SILENCE
from simulator.lab.csms import Raw
from tests.core.build import VERSIONS, rig

DEEP = 100_000

# name, frame, (code, id) in 1.6, (code, id) in 2.0.1; None: no answer at all
SILENT = None
LONG = b"i" * 40
LONG_OLD, LONG_NEW = ("FormationViolation", LONG.decode()), ("RpcFrameworkError", LONG.decode())
TYPE, VALUE = ("TypeConstraintViolation", "a"), ("PropertyConstraintViolation", "a")
MISSING_OLD, MISSING_NEW = ("OccurenceConstraintViolation", "a"), ("OccurrenceConstraintViolation", "a")
TABLE = [
    ("empty", b"", SILENT, ("RpcFrameworkError", "-1")),
    ("no json", b"hello", SILENT, ("RpcFrameworkError", "-1")),
    ("null", b"null", SILENT, ("RpcFrameworkError", "-1")),
    ("object", b"{}", SILENT, ("RpcFrameworkError", "-1")),
    ("empty array", b"[]", SILENT, ("RpcFrameworkError", "-1")),
    ("binary", bytes(range(256)), SILENT, ("RpcFrameworkError", "-1")),
    ("invalid utf-8", b'[2,"a","ClearCache",{"x":"\xff"}]', ("FormationViolation", "a"), ("FormatViolation", "a")),
    ("invalid utf-8 in the id", b'[2,"\xff","ClearCache",{}]', SILENT, ("RpcFrameworkError", "-1")),
    ("lone surrogate bytes", b'[2,"a","\xed\xa0\x80",{}]', ("FormationViolation", "a"), ("RpcFrameworkError", "a")),
    ("cut off", b'[2,"a","ClearCache",{', ("FormationViolation", "a"), ("FormatViolation", "a")),
    ("cut off in the id", b'[2,"a', SILENT, ("RpcFrameworkError", "-1")),
    ("deep", b'[2,"a","ClearCache",' + b"[" * DEEP, ("FormationViolation", "a"), ("FormatViolation", "a")),
    ("deep and whole", b"[" * DEEP + b"]" * DEEP, SILENT, ("RpcFrameworkError", "-1")),
    ("too few elements", b'[2,"a"]', ("FormationViolation", "a"), ("RpcFrameworkError", "a")),
    ("too many elements", b'[2,"a","ClearCache",{},1]', ("FormationViolation", "a"), ("RpcFrameworkError", "a")),
    ("id is a number", b'[2,7,"ClearCache",{}]', SILENT, ("RpcFrameworkError", "-1")),
    ("action is a number", b'[2,"a",7,{}]', ("FormationViolation", "a"), ("RpcFrameworkError", "a")),
    ("type is text", b'["2","a","ClearCache",{}]', ("FormationViolation", "a"), ("RpcFrameworkError", "a")),
    ("type is a float", b'[2.0,"a","ClearCache",{}]', ("FormationViolation", "a"), ("RpcFrameworkError", "a")),
    ("type is unknown", b'[9,"a","ClearCache",{}]', SILENT, ("MessageTypeNotSupported", "a")),
    ("type is huge", b'[99999999999999999999,"a","ClearCache",{}]', None, None),
    ("unknown type without id", b"[9]", SILENT, ("MessageTypeNotSupported", "-1")),
    ("unknown action", b'[2,"a","MakeTea",{}]', ("NotImplemented", "a"), ("NotImplemented", "a")),
    ("action without end", b'[2,"a","' + b"A" * 5000 + b'",{}]', ("NotImplemented", "a"), ("NotImplemented", "a")),
    ("payload is a list", b'[2,"a","ClearCache",[]]', TYPE, TYPE),
    ("payload is null", b'[2,"a","Reset",null]', None, None),
    ("field of a wrong type", b'[2,"a","Reset",{"type":7}]', TYPE, TYPE),
    ("unknown field", b'[2,"a","ClearCache",{"x":1}]', ("FormationViolation", "a"), ("FormatViolation", "a")),
    ("missing field", b'[2,"a","Reset",{}]', MISSING_OLD, MISSING_NEW),
    ("wrong value", b'[2,"a","Reset",{"type":"Gently"}]', VALUE, VALUE),
    ("id too long", b'[2,"' + LONG + b'","Reset",{}]', LONG_OLD, LONG_NEW),
    ("id far too long", b'[2,"' + b"i" * 4000 + b'","ClearCache",{}]', SILENT, ("RpcFrameworkError", "-1")),
    ("a broken result", b'[3,"a"]', SILENT, SILENT),
    ("a broken error", b'[4,"a",5]', SILENT, SILENT),
    ("a result cut off", b'[3,"a",{', SILENT, SILENT),
    ("a result to nothing", b'[3,"a",{}]', SILENT, SILENT),
    ("an error to nothing", b'[4,"a","GenericError","",{}]', SILENT, SILENT),
    ("a result error", b'[5,"a","GenericError","",{}]', SILENT, ("MessageTypeNotSupported", "a")),
    ("a send", b'[6,"a","ClearCache",{}]', SILENT, ("MessageTypeNotSupported", "a")),
]  # fmt: skip
#: message types this version has, neither of which is ever answered, and what has none: it is ignored (part 4, 4.4)
IN_21 = dict.fromkeys(("a result error", "a send", "type is unknown", "unknown type without id"), SILENT)


def errors(rig_, since):
    return [frame for frame in rig_.out(since) if frame[0] != 2]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", [row[0] for row in TABLE])
def test_a_hostile_frame_gets_the_right_error_or_silence(version: str, name: str) -> None:
    _, data, old, new = next(row for row in TABLE if row[0] == name)
    lab = rig(version).boot()
    since, seen = len(lab.frames), len(lab.fleet.records)
    lab.answer_raw(data)
    wanted = old if version == "1.6" else IN_21.get(name, new) if version == "2.1" else new
    got = errors(lab, since)
    if name in ("type is huge", "payload is null"):
        assert all(frame[0] == 4 for frame in got) and len(got) <= 1
    elif wanted is None:
        assert got == []
    else:
        assert [(frame[0], frame[2], frame[1]) for frame in got] == [(4, *wanted)]
    noted = [what for _, _, what in lab.fleet.records[seen:]]
    assert noted, "nothing of it is on record"
    assert all(len(str(what)) < 500 for what in noted), "a record repeats what was sent"
    # and the station is alive
    assert lab.station.link.is_up
    assert lab.fleet.ask(lab.station, "ClearCache", {}) in ({"status": "Accepted"}, {"status": "Rejected"})


@pytest.mark.parametrize("version", VERSIONS)
def test_a_frame_over_the_bound_is_refused_without_being_read(version: str) -> None:
    lab = rig(version).boot()
    since = len(lab.frames)
    lab.answer_raw(b'[2,"a","ClearCache",{"x":"' + b"x" * MAX_FRAME_BYTES + b'"}]')
    got = errors(lab, since)
    if version == "1.6":
        assert got == []
    else:
        assert [frame[:3] for frame in got] == [[4, "-1", "RpcFrameworkError"]]
    assert lab.records(r.ViolationSeen)[-1].rule == "rpc_framework"


@pytest.mark.parametrize("version", VERSIONS)
def test_duplicate_ids_are_answered_each(version: str) -> None:
    lab = rig(version).boot()
    since = len(lab.frames)
    lab.answer_raw('[2,"same","ClearCache",{}]')
    lab.answer_raw('[2,"same","ClearCache",{}]')
    assert [frame[:2] for frame in errors(lab, since)] == [[3, "same"], [3, "same"]]


@pytest.mark.parametrize("version", VERSIONS)
def test_what_a_hostile_peer_names_is_no_label(version: str) -> None:
    """An unknown action and a long error code would become labels of metrics without end."""
    lab = rig(version)
    lab.csms.script["BootNotification"] = lambda csms, payload: {
        "status": "Rejected",
        "currentTime": csms.time(),
        "interval": 1,
    }
    lab.boot()
    lab.answer_raw('[2,"a","MakeTea' + "x" * 100 + '",{}]')
    assert lab.records(r.CsmsCallHandled)[-1].action == ""
    lab.run(3)
    number = lab.station.outbox.message_id
    if lab.station.outbox.in_flight is None:
        lab.fleet.settle(10, lambda: lab.station.outbox.in_flight is not None)
        number = lab.station.outbox.message_id
    lab.answer_raw(json.dumps([4, number, "E" * 5000, "", {}]))
    assert len(lab.records(r.CallFinished)[-1].code) <= 50


#: answers of the wrong shape, for every message the station sends by itself
SHAPES = [
    "{}", "[]", "null", "7", '"x"', '{"status":null}', '{"status":7,"interval":"x","currentTime":false}',
    '{"status":"Perhaps","interval":-5,"currentTime":"yesterday"}',
    '{"status":"Accepted","interval":1e308,"currentTime":"2026-02-31T25:61:61Z"}',
    '{"status":"Accepted","interval":99999999999999999999999,"currentTime":"0000-01-01T00:00:00Z"}',
    '{"status":"Accepted","interval":9007199254740993,"currentTime":"9999-12-31T23:59:59Z"}',
    '{"idTagInfo":null,"transactionId":null}', '{"idTagInfo":{},"transactionId":"seven"}',
    '{"idTagInfo":{"status":"Perhaps","expiryDate":"soon","parentIdTag":7},"transactionId":1.5}',
    '{"idTagInfo":{"status":"Accepted","expiryDate":"0000-00-00T00:00:00Z"},"transactionId":-9223372036854775809}',
    '{"idTokenInfo":null}', '{"idTokenInfo":{}}',
    '{"idTokenInfo":{"status":"Perhaps","groupIdToken":{},"evseId":[-1,0,"x"],"cacheExpiryDateTime":"soon"}}',
    '{"idTokenInfo":{"status":"Accepted","evseId":[99],"chargingPriority":99999}}',
    '{"x":{"x":{"x":{"x":{}}}}}', '{"status":"Accepted","status":"Rejected","interval":1,"interval":2}',
]  # fmt: skip
ACTIONS = {
    "1.6": (
        "BootNotification", "StatusNotification", "Authorize", "StartTransaction", "MeterValues", "StopTransaction",
        "Heartbeat",
    ),
    "2.0.1": ("BootNotification", "StatusNotification", "Authorize", "TransactionEvent", "Heartbeat"),
    "2.1": ("BootNotification", "StatusNotification", "Authorize", "TransactionEvent", "Heartbeat"),
}  # fmt: skip
CASES = [(version, action) for version in VERSIONS for action in ACTIONS[version]]


def answer_badly(shape: str, bad: list[bool], sound: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda csms, payload: Raw('[3,"{id}",' + shape + "]") if bad[0] else sound(payload)


@pytest.mark.parametrize(("version", "action"), CASES)
def test_answers_of_a_wrong_shape_are_survived(version: str, action: str) -> None:
    for shape in SHAPES:
        lab = rig(version)
        bad = [True]
        sound = getattr(lab.csms, "on_" + action, lab.csms._nothing)
        lab.csms.script[action] = answer_badly(shape, bad, sound)
        lab.boot(60)
        lab.charge(seconds=100)
        lab.leave()
        lab.run(700)
        bad[0] = False
        lab.run(2000)
        sent = [name for name in lab.csms.actions() if name == action]
        assert sent, f"{action} was never sent"
        known = lab.records(r.ViolationSeen) or lab.records(r.CallFinished)
        assert known
        assert lab.station.outbox.waiting() <= 1, f"{shape}: stuck"
        assert lab.station.link.is_up


@pytest.mark.parametrize("version", VERSIONS)
def test_an_answer_that_breaks_the_schema_is_refused_where_there_is_a_word_for_it(version: str) -> None:
    """2.1 part 2, 3 FR.06: by a CALLRESULTERROR. What can be read of it is used all the same."""
    lab = rig(version)
    lab.csms.script["BootNotification"] = lambda csms, payload: csms.sound("BootNotification", payload) | {"more": 1}
    lab.boot()
    refusals = [frame for frame in lab.out() if frame[0] == 5]
    boots = [frame[1] for frame in lab.out() if frame[0] == 2 and frame[2] == "BootNotification"]
    assert [frame[:3] for frame in refusals] == ([[5, boots[0], "FormatViolation"]] if version == "2.1" else [])
    assert lab.station.gate == "accepted" and lab.records(r.ViolationSeen)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("rest", ["", ",{},{}", ",{"])
def test_so_is_an_answer_in_a_broken_frame(version: str, rest: str) -> None:
    """2.1 FR.06: only an answer to what was asked, and no other message of that number."""
    lab = rig(version).boot()
    lab.csms.script["Heartbeat"] = lambda csms, payload: SILENCE
    lab.run(1)
    asked = lab.fleet.ask(lab.station, "TriggerMessage", {"requestedMessage": "Heartbeat"})
    assert asked == {"status": "Accepted"}
    lab.run(1)
    (in_flight,) = [frame[1] for frame in lab.out() if frame[0] == 2 and frame[2] == "Heartbeat"]
    since = len(lab.frames)
    lab.answer_raw(f'[3,"{in_flight}"{rest}' + ("" if rest.endswith("{") else "]"))
    lab.answer_raw(f'[4,"{in_flight}"]')
    lab.answer_raw('[3,"nobody-asked"]')
    wanted = [[5, in_flight, "RpcFrameworkError"]] if version == "2.1" else []
    assert [frame[:3] for frame in lab.out(since)] == wanted


def test_a_lenient_product_takes_an_answer_as_it_is() -> None:
    lab = rig("2.1", lenient=True)
    lab.csms.script["BootNotification"] = lambda csms, payload: csms.sound("BootNotification", payload) | {"more": 1}
    assert not [frame for frame in lab.boot().out() if frame[0] == 5]


@pytest.mark.parametrize("version", VERSIONS)
def test_an_error_says_what_is_wrong_where(version: str) -> None:
    lab = rig(version).boot()
    lab.answer_raw('[2,"a","ClearCache",[]]')
    lab.answer_raw('[2,"b","Reset",{"type":7}]')
    assert [frame[3] for frame in lab.out()[-2:]] == ["payload: type", "type: type"]
