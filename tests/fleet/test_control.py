"""The table of the control port, its OpenAPI document, and what is shown of a station, without a socket."""

import json
import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import jsonschema
import msgspec
import pytest

from simulator.core import inputs as i
from simulator.core.link_policy import PASSWORD
from simulator.errors import AuthorError
from simulator.fleet import acts, frames, openapi, station_view
from simulator.fleet.acts import ACTS
from simulator.fleet.control import operations, routes
from simulator.fleet.port import check
from simulator.fleet.trace import FrameRings
from simulator.httpd import HttpError, Request, Response
from simulator.report.exposition import MetricsText
from tests.fleet.manual import Rig, plan_of

EVSES = 1
#: what an OpenAPI 3.1 document must have at least; written down from its specification, sections 4.8.1 to 4.8.17
OPENAPI = {
    "type": "object",
    "required": ["openapi", "info", "paths", "components"],
    "properties": {
        "openapi": {"const": "3.1.0"},
        "info": {"required": ["title", "version"]},
        "paths": {
            "patternProperties": {
                "^/": {
                    "additionalProperties": False,
                    "patternProperties": {
                        "^(get|post)$": {
                            "required": ["operationId", "summary", "responses", "parameters"],
                            "properties": {
                                "summary": {"minLength": 3},
                                "parameters": {
                                    "items": {
                                        "required": ["name", "in", "schema", "description"],
                                        "properties": {"in": {"enum": ["path", "query"]}},
                                        "if": {"properties": {"in": {"const": "path"}}},
                                        "then": {"required": ["required"], "properties": {"required": {"const": True}}},
                                    }
                                },
                                "requestBody": {"required": ["content"]},
                                "responses": {
                                    "required": ["200"],
                                    "patternProperties": {
                                        "^[1-5][0-9][0-9]$": {"required": ["description", "content"]}
                                    },
                                    "additionalProperties": False,
                                },
                            },
                        }
                    },
                }
            },
            "additionalProperties": False,
        },
    },
}


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> Rig:
    one = Rig(monkeypatch, plan_of(count=3, ramp={"rate": 100}), {})
    one.loop.turn(2)
    return one


def table(rig: Rig) -> dict[tuple[str, str], Any]:
    page = MetricsText(rig.metrics, {}, {})
    return {(row.method, row.path): row for row in operations(rig.farm, page)}


def ask(rig: Rig, method: str, path: str, body: Any = None, **query: str) -> tuple[int, Any]:
    """One request at the table, without HTTP around it."""
    segments = path.strip("/").split("/")
    for route in routes(rig.farm, MetricsText(rig.metrics, {}, {})):
        params = route.match(segments)
        if params is not None and route.method == method:
            try:
                answer = route.handler(Request(method, path, params, query, {}, json.dumps(body or {}).encode()))
            except HttpError as error:
                return error.status, error.message
            assert isinstance(answer, Response)
            return answer.status, json.loads(answer.body) if "json" in answer.content_type else answer.body.decode()
    raise AssertionError(f"no route for {method} {path}")


def document() -> dict[str, Any]:
    rows = operations(cast(Any, None), cast(Any, None))
    found: dict[str, Any] = openapi.document(rows)
    return found


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def resolved(node: Any, whole: dict[str, Any]) -> dict[str, Any]:
    """A schema that finds its references by itself."""
    return {**node, "components": whole["components"]}


def test_the_document_is_one_and_says_every_route() -> None:
    whole = document()
    assert json.loads(json.dumps(whole)) == whole
    jsonschema.validate(whole, OPENAPI)
    for schema in whole["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    for ref in references(whole):
        assert ref.removeprefix("#/components/schemas/") in whole["components"]["schemas"], ref
    said = {(method.upper(), path) for path, row in whole["paths"].items() for method in row}
    rows = operations(cast(Any, None), cast(Any, None))
    assert said == {(row.method, row.path) for row in rows if not row.hidden}
    names = [one["operationId"] for row in whole["paths"].values() for one in row.values()]
    assert len(names) == len(set(names))
    for path, row in whole["paths"].items():
        for one in row.values():
            in_path = {p["name"] for p in one["parameters"] if p["in"] == "path"}
            assert in_path == set(re.findall(r"\{(\w+)\}", path))


def test_a_document_without_a_summary_would_be_found() -> None:
    whole = document()
    del whole["paths"]["/healthz"]["get"]["summary"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(whole, OPENAPI)


def test_answers_are_what_the_document_says(rig: Rig) -> None:
    whole = document()
    seen = 0
    bodies: dict[str, Any] = {
        "plug": {}, "present": {"id_token": "A"}, "deauthorise": {}, "suspend": {}, "resume": {}, "boot": {},
        "inject": {"fault": "rtc.drift"}, "clear": {"id": "rtc.drift"}, "unplug": {},
    }  # fmt: skip
    for path, row in whole["paths"].items():
        for method, one in row.items():
            content = one["responses"]["200"]["content"]
            if "application/json" not in content:
                continue
            name = path.rpartition("/")[2]
            if method == "post" and name not in bodies:
                continue
            status, body = ask(rig, method.upper(), path.replace("{id}", "S-1"), bodies.get(name))
            refusal = status != 200
            schema = one["responses"][str(status)]["content"]["application/json"]["schema"]
            shown = {"error": body} if refusal else body
            jsonschema.Draft202012Validator(resolved(schema, whole)).validate(shown)
            seen += 1
            rig.loop.turn(1)
    assert seen >= 15


def test_bodies_are_what_the_document_says() -> None:
    whole = document()
    for name, act in ACTS.items():
        body = whole["paths"][f"/api/stations/{{id}}/{name}"]["post"]["requestBody"]
        schema = body["content"]["application/json"]["schema"]
        validator = jsonschema.Draft202012Validator(resolved(schema, whole))
        assert not validator.is_valid({"no such key": 1})
        required = [key for key, field in act.model.model_fields.items() if field.is_required()]
        assert validator.is_valid({}) == (not required) == (not body["required"])


def test_a_station_is_seen_with_its_transaction_and_the_rest(rig: Rig) -> None:
    assert ask(rig, "POST", "/api/stations/S-1/plug")[0] == 200
    status, done = ask(rig, "POST", "/api/stations/S-1/present", {"id_token": "VALID1"})
    assert status == 200 and done["changed"] == ["EVSE 1 asked_token: none -> VALID1"]
    rig.loop.turn(60)
    status, shown = ask(rig, "GET", "/api/stations/S-1")
    evse = shown["evses"][0]
    assert evse["transaction"]["id_token"] == "VALID1" and evse["transaction"]["energy_wh"] > 50
    assert evse["status"] == "Charging" and evse["power_w"] > 1000 and evse["locked"] in (True, False)
    assert shown["blocks"] and shown["flash_areas"]["tx"]["entries"] == 1 and shown["link"]["state"] == "up"
    assert shown["last_message"]["action"] and shown["clock"]["ahead_s"] == pytest.approx(0, abs=0.1)
    assert ask(rig, "POST", "/api/stations/S-1/resume") == (409, "nothing changed (it is so already)")
    ask(rig, "POST", "/api/stations/S-1/inject", {"fault": "reader.dead"})
    status, why = ask(rig, "POST", "/api/stations/S-1/deauthorise")
    assert status == 409 and "reader.dead" in why, "the reader reads nothing, so nothing happens, and it is said why"
    ask(rig, "POST", "/api/stations/S-1/clear", {"id": "reader.dead"})
    assert ask(rig, "POST", "/api/stations/S-1/deauthorise", {"evse_id": 1})[0] == 200


def test_an_action_that_does_not_exist(rig: Rig) -> None:
    assert ask(rig, "POST", "/api/stations/S-1/presnt") == (404, "unknown action 'presnt'; did you mean 'present'?")
    assert ask(rig, "POST", "/api/stations/S-11/plug")[0] == 404


@pytest.mark.parametrize("name", ACTS)
def test_every_action_is_inputs_of_the_closed_set(rig: Rig, name: str) -> None:
    bodies = {"present": {"id_token": "A"}, "press": {"button": "stop"}, "inject": {"fault": "rtc.drift"}}
    bodies |= {"clear": {"id": "x"}, "network": {"on": False}, "power": {"on": False}}
    seat = rig.farm.by_id["S-2"]
    ask(rig, "POST", "/api/stations/S-2/plug")
    ask(rig, "POST", "/api/stations/S-2/present", {"id_token": "VALID1"})
    rig.loop.turn(1)
    wanted = ACTS[name].read(bodies.get(name, {}), EVSES)
    given = ACTS[name].inputs(wanted, seat.station)
    assert given and all(isinstance(one, i.Input) for one in given)


def test_taking_back_needs_to_know_which() -> None:
    two = SimpleNamespace(evses=[SimpleNamespace(evse_id=n, grant=object()) for n in (1, 2)])
    with pytest.raises(HttpError, match="EVSE 1 and 2 are authorised; say which"):
        ACTS["deauthorise"].inputs(acts.Deauthorise(), cast(Any, two))


def test_plain_is_bounded_and_keeps_secrets() -> None:
    class Thing:
        __slots__ = ("basic_password", "deep", "name")

        def __init__(self) -> None:
            self.name, self.basic_password, self.deep = "n" * 1000, "hush", {"a": {"b": {"c": {"d": {"e": 1}}}}}

    shown = station_view.plain({"thing": Thing(), "many": range(3), "list": list(range(1000)), "raw": b"abc"})
    text = json.dumps(shown)
    assert "hush" not in text and "(1000 characters)" in text and '"raw": "3 bytes"' in text
    assert len(shown["list"]) == station_view.MAX_ITEMS and len(text) < 3000 and '"e"' not in text


def test_what_a_station_keeps_secret_stays_so(rig: Rig) -> None:
    flash = rig.farm.by_id["S-1"].station.board.flash
    flash.write("link", "previous", {"password": "hush-hush-hush-1"}, 32)
    flash.write("settings", PASSWORD.key, "hush-hush-hush-2", 32)
    rig.farm.by_id["S-1"].station.settings.overlay[PASSWORD.key] = "hush-hush-hush-2"
    flash.write("log", 1, "the password is hush-hush-hush-2, ftp://me:hush-hush-3@host/", 32)
    status, shown = ask(rig, "GET", "/api/stations/S-1")
    assert status == 200 and "hush" not in json.dumps(shown)
    assert "the password is <secret:" in shown["flash_areas"]["log"]["records"][0]["1"]


def test_changes_are_told_in_words() -> None:
    before = {"a": None, "b": True, "c": [], "d": 1}
    after = {"a": "x", "b": False, "c": [{"code": "hot", "info": ""}], "d": 1}
    assert station_view.changes(before, after) == ["a: none -> x", "b: yes -> no", "c: none -> hot"]


def test_the_last_message_of_an_answer_has_the_action_of_its_call() -> None:
    rings = FrameRings()
    rings.add("S", 0, b'[2,"a","Heartbeat",{}]', True)
    rings.add("S", 1, b'[2,"b","Reset",{}]', False)
    rings.add("S", 2, b'[3,"a",{"currentTime":"x"}]', False)
    found = frames.last_message(rings.frames("S"), 0)
    assert found is not None and (found.direction, found.type, found.action) == (
        "csms-to-cp",
        "CALLRESULT",
        "Heartbeat",
    )
    rings.add("S", 3, b"garbage", True)
    found = frames.last_message(rings.frames("S"), 0)
    assert found is not None and (found.type, found.action) == ("UNPARSEABLE", None)
    assert frames.last_message((), 0) is None


def test_watchers_are_bounded_and_leave_the_driver_as_it_was(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "TAPS_MAX", 2)
    taps, live = frames.Taps(rig.farm), rig.farm.live
    one = taps.open(rig.farm.by_id["S-1"], last=1)
    two = taps.open(rig.farm.by_id["S-2"])
    assert one is not None and two is not None and taps.open(rig.farm.by_id["S-3"]) is None
    before = len(one._waiting)
    assert before == 1 and live.observer is taps and not two._waiting
    rig.farm.live.feed(rig.farm.by_id["S-2"], i.Plug(1))
    rig.loop.turn(1)
    assert len(one._waiting) == before and b"StatusNotification" in two._waiting[0]
    assert len(rig.farm.rings.frames("S-2")) > 2, "whoever listened before still does"
    assert b'"action":"' in one._waiting[0], "an answer whose CALL was not asked for still has its action"
    one.close()
    assert live.observer is taps
    two.close()
    assert live.observer is rig.farm


def test_who_listens_where() -> None:
    check("127.0.0.1", 0, None, asked_for=True)
    check("10.0.0.1", None, None, asked_for=True)
    check("10.0.0.1", 0, "token", asked_for=True)
    with pytest.raises(AuthorError, match=r"--http-token: 10\.0\.0\.1 is not loopback"):
        check("10.0.0.1", 0, "", asked_for=True)


def test_views_can_be_written() -> None:
    assert msgspec.json.encode(station_view.FlashView(1, 2)) == b'{"used_bytes":1,"capacity_bytes":2}'
