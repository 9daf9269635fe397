"""The table of functions of a version: what it has, what it refuses to take twice, and late answers."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.core import records as r
from simulator.core.dialect import ACCEPTED, ALWAYS, REGISTERED, CallRefused, Dialect, Later, Route, Table
from simulator.core.inbound import MAX_LATER
from simulator.core.reports import AnyReport, HeartbeatDue
from simulator.dialects import DIALECTS
from simulator.ocpp16 import messages
from simulator.wire.rpc import Call, Error, Result
from tests.core.build import VERSIONS, Rig, rig

each_version = pytest.mark.parametrize("version", VERSIONS)
KINDS = {
    "formation", "occurrence", "property", "type", "not_implemented", "not_supported", "internal", "protocol",
    "rpc_framework", "message_type", "security", "generic",
}  # fmt: skip


def empty(**fields: Any) -> Dialect:
    given = {"unreadable_id": None, "refused_kind": "generic", **fields}
    return Dialect("x", "ocppx", messages, {}, **given)


@each_version
def test_every_dialect_has_a_code_for_every_kind_of_error(version: str) -> None:
    dialect = DIALECTS[version]
    assert set(dialect.error_codes) == KINDS
    assert dialect.refused_kind in KINDS and dialect.never_answered <= KINDS
    assert "protocol" in dialect.never_answered
    assert {Call, Result, Error} <= set(dialect.frame_types)


@each_version
def test_every_reply_and_failure_belongs_to_a_message_of_ours(version: str) -> None:
    dialect = DIALECTS[version]
    for action in (*dialect.replies, *dialect.failures, *dialect.routes):
        assert dialect.codec.knows(action)
    assert all(route.when in (ACCEPTED, REGISTERED, ALWAYS) for route in dialect.routes.values())
    for kind in dialect.renderers:
        assert kind in AnyReport.__args__


def test_nothing_is_declared_twice_and_nothing_unknown() -> None:
    def handler(*_: Any) -> None: ...

    for twice in ("on", "reply", "failure"):
        table = Table()
        getattr(table, twice)("Heartbeat" if twice != "on" else "Reset")(handler)
        dialect = empty()
        dialect.adopt(table)
        with pytest.raises(AssertionError):
            dialect.adopt(table)
    table = Table()
    table.render(HeartbeatDue)(handler)
    dialect = empty()
    dialect.adopt(table)
    with pytest.raises(AssertionError, match="HeartbeatDue"):
        dialect.adopt(table)
    table = Table()
    table.on("MakeTea")(handler)
    with pytest.raises(AssertionError, match="no schema for MakeTea"):
        empty().adopt(table)


def test_what_only_a_capability_has_is_left_out_without_it() -> None:
    table = Table()
    table.on("Reset", since="new")(lambda *_: None)
    old, new = empty(), empty()
    new.capabilities = frozenset({"new"})
    old.adopt(table)
    new.adopt(table)
    assert "Reset" not in old.routes and "Reset" in new.routes


def test_a_broken_answer_is_never_answered_in_any_version() -> None:
    with pytest.raises(AssertionError):
        empty(never_answered=frozenset())


# -- late answers and refusals, on a real station


def served(monkeypatch: pytest.MonkeyPatch, version: str, handler: Any) -> Rig:
    lab = rig(version).boot()
    monkeypatch.setitem(lab.station.dialect.routes, "ClearCache", Route(handler, ACCEPTED))
    return lab


@each_version
def test_an_answer_may_come_later(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    lab = served(monkeypatch, version, lambda st, req, m: Later("t", st.now + 10_000_000))
    number = lab.fleet.call(lab.station, "ClearCache", {})
    lab.run(5)
    assert number not in lab.csms.answers
    reply = lab.station.dialect.messages.ClearCacheResponse(status="Accepted")
    lab.station._effects = []
    lab.station.answer_later("t", reply)
    lab.station.answer_later("t", reply)
    lab.station.answer_later("unknown", reply)
    kinds = [type(effect).__name__ for effect in lab.station._effects]
    assert kinds == ["Send", "Record"], "one answer, and nothing for what nobody waits for"


@each_version
def test_an_overdue_answer_is_dropped_on_record(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    lab = served(monkeypatch, version, lambda st, req, m: Later("t", st.now + 10_000_000))
    lab.fleet.call(lab.station, "ClearCache", {})
    lab.run(20)
    assert [c.outcome for c in lab.records(r.CsmsCallHandled) if c.action == "ClearCache"] == ["silent"]
    assert not lab.station.later


@each_version
def test_more_late_answers_than_anybody_can_owe_are_refused(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    count = iter(range(10_000))
    lab = served(monkeypatch, version, lambda st, req, m: Later(str(next(count)), st.now + 10**12))
    for _ in range(MAX_LATER + 3):
        lab.fleet.call(lab.station, "ClearCache", {})
    lab.run(1)
    refused = [c for c in lab.records(r.CsmsCallHandled) if c.outcome == "callerror"]
    assert [c.code for c in refused] == ["InternalError"] * 3
    assert len(lab.station.later) == MAX_LATER


@each_version
def test_a_handler_may_refuse_with_a_kind(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    def handler(st: Any, req: Any, m: Any) -> None:
        raise CallRefused("not_supported", "not today")

    lab = served(monkeypatch, version, handler)
    lab.fleet.ask(lab.station, "ClearCache", {})
    assert [frame[2:4] for frame in lab.out() if frame[0] == 4] == [["NotSupported", "not today"]]


def test_a_refusal_without_words_says_its_kind() -> None:
    assert str(CallRefused("internal")) == "internal"
