"""Messages and operations by their meaning, held against the schemas of every version."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from simulator.dialects import DIALECTS
from simulator.scenario.match import find
from simulator.scenario.words import MESSAGES, VERBS, Form, registers_wh, unknown, verb_action

VERSIONS = tuple(DIALECTS)
#: an argument of each kind, as a scenario would give it
GIVEN: dict[str, Any] = {
    "token": "VALID-1", "transaction": "tx", "evse": 1, "connector": 1, "id": 1, "to": "Inoperative",
    "message": "Heartbeat", "until": "2026-03-01T00:00:00Z", "name": "HeartbeatInterval", "component": "OCPPCommCtrlr",
    "value": "60", "type": "Immediate",
}  # fmt: skip


def forms(version: str) -> list[tuple[str, Form]]:
    return [(name, form) for name, message in MESSAGES.items() if (form := message.form(version)) is not None]


def has_path(shape: Any, path: str) -> bool:
    """Does a struct of messages have the field that a path ends in?"""
    for part in re.findall(r"[^.\[\]*\d]+", path):
        while not (isinstance(shape, type) and issubclass(shape, msgspec.Struct)):
            inner = [one for one in getattr(shape, "__args__", ()) if "Unset" not in str(one) and one is not Ellipsis]
            if not inner:
                return False
            shape = inner[0]
        hints = {field.encode_name: field.type for field in msgspec.structs.fields(shape)}
        if part not in hints:
            return False
        shape = hints[part]
    return True


@pytest.mark.parametrize("version", VERSIONS)
def test_every_field_is_one_of_the_message(version: str) -> None:
    messages = DIALECTS[version].messages
    wrong = []
    for name, form in forms(version):
        for part, paths in (
            (messages.REQUESTS[form.action], form.fields),
            (messages.RESPONSES[form.action], form.answer),
        ):
            for word, path in paths.items():
                for one in (path,) if isinstance(path, str) else path:
                    if not has_path(part, one):
                        wrong.append(f"{name}: {word}: {form.action}.{one}")
    assert not wrong


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_makes_a_valid_request(verb: str, version: str) -> None:
    given = {name: value for name, value in GIVEN.items() if name in VERBS[verb].arguments()}
    if version == "1.6" and "transaction" in given:
        given["transaction"] = 7
    payload = VERBS[verb].payload(version, given)
    action = verb_action(verb, version)
    assert payload is not None
    assert action is not None
    dialect = DIALECTS[version]
    assert msgspec.convert(payload, dialect.messages.REQUESTS[action])
    assert action in dialect.routes
    needed = {name: value for name, value in given.items() if name in (*VERBS[verb].needs, "component")}
    assert msgspec.convert(VERBS[verb].payload(version, needed), dialect.messages.REQUESTS[action])


def test_what_was_not_given_is_left_out_or_has_its_default() -> None:
    assert VERBS["remote start"].payload("1.6", {"token": "A"}) == {"idTag": "A"}
    assert VERBS["change availability"].payload("1.6", {"to": "Operative"}) == {"connectorId": 0, "type": "Operative"}
    assert VERBS["change availability"].payload("2.1", {"to": "Operative"}) == {"operationalStatus": "Operative"}
    assert VERBS["reset"].payload("1.6", {}) == {"type": "Soft"}
    assert VERBS["reset"].payload("2.0.1", {"type": "Immediate"}) == {"type": "Immediate"}


def test_statuses_are_told_coarsely_where_there_are_five() -> None:
    old, new = MESSAGES["status"].form("1.6"), MESSAGES["status"].form("2.1")
    assert old is not None
    assert new is not None
    assert old.wanted("status", "Charging") == "Charging"
    assert new.wanted("status", "Charging") == "Occupied"
    assert new.wanted("status", ["Available", "Finishing"]) == ["Available", "Occupied"]
    assert new.wanted("evse", 1) == 1


def test_a_field_that_may_be_left_out_is_taken_to_be_what_the_specification_says() -> None:
    old, new = MESSAGES["transaction ended"].form("1.6"), MESSAGES["transaction ended"].form("2.0.1")
    assert old is not None
    assert new is not None
    assert old.get({"transactionId": 1}, "reason") == ["Local"]
    assert new.get({"transactionInfo": {"stoppedReason": "Remote"}}, "reason") == ["Remote"]
    assert new.get({"transactionInfo": {}}, "reason") == ["Local"]


def test_registers_in_every_spelling() -> None:
    def sample(**fields: Any) -> dict[str, Any]:
        return {"meterValue": [{"sampledValue": [fields]}]}

    assert registers_wh({"meterStart": 10}) == [10]
    assert registers_wh(sample(value="12", measurand="Energy.Active.Import.Register")) == [12.0]
    assert registers_wh(sample(value="1.5", unit="kWh")) == [1500.0]
    assert registers_wh(sample(value=2, unitOfMeasure={"unit": "Wh", "multiplier": 3})) == [2000.0]
    assert registers_wh(sample(value="12", measurand="Voltage")) == []
    assert registers_wh(sample(value="12", phase="L1")) == []
    assert registers_wh(sample(value="x")) == []
    assert find(sample(value=1), "meterValue[0].sampledValue[0].value") == [1]


def test_an_unknown_name_says_the_nearest() -> None:
    assert unknown("hartbeat", MESSAGES, "message") == "unknown message 'hartbeat'; did you mean 'heartbeat'?"
    assert verb_action("GetVariables", "2.1") == "GetVariables"
