"""Operations of a target over HTTP: what is filled in, what an answer means, what an API says when it refuses."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from simulator.errors import TargetError
from simulator.fleet.operations import Operations, call, connector_of, filled
from simulator.fleet.target_file import Operation

pytestmark = pytest.mark.live


class Backend(HTTPServer):
    """An operator's API that remembers what it was asked; a job is done at the third look."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, str, str, dict[str, str]]] = []
        self.looks = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Backend

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self.server.asked.append(("POST", self.path, body, dict(self.headers)))
        self._answer(403 if "forbidden" in self.path else 200, {"job": {"id": 7}})

    def do_GET(self) -> None:
        self.server.asked.append(("GET", self.path, "", dict(self.headers)))
        self.server.looks += 1
        states = {
            "/jobs/7": "finished" if self.server.looks >= 3 else "running",
            "/bad/7": "error",
            "/slow/7": "running",
        }
        self._answer(200, {"state": states[self.path]})

    def _answer(self, status: int, value: Any) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def api() -> Iterator[Backend]:
    with Backend() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def operation(**fields: Any) -> Operation:
    return Operation.model_validate(fields)


def test_station_connector_and_payload_are_filled_in(api: Backend) -> None:
    asked = operation(
        url=f"{api.url}/unlock?station={{station}}&connector={{connector}}",
        headers={"Authorization": "Bearer x"},
        body='{"ocpp": {payload}, "who": "{station}"}',
    )
    assert call(asked, "CP 1", "UnlockConnector", {"connectorId": 2}) == ""
    ((_, path, body, headers),) = api.asked
    assert path == "/unlock?station=CP%201&connector=2"
    assert json.loads(body) == {"ocpp": {"connectorId": 2}, "who": "CP 1"}
    assert (headers["Authorization"], headers["Content-Type"]) == ("Bearer x", "application/json")


def test_what_the_api_says_when_it_does_not_want_to(api: Backend) -> None:
    assert call(operation(url=f"{api.url}/forbidden"), "CP", "Reset", {}) == '403 {"job": {"id": 7}}'
    assert call(operation(url="ftp://127.0.0.1/"), "CP", "Reset", {}).startswith("ValueError: the operation's url must")
    api.server_close()
    assert "refused" in call(operation(url="http://127.0.0.1:1/"), "CP", "Reset", {})


def test_polling_until_it_has_ended(api: Backend) -> None:
    def polled(path: str, timeout: str = "30s") -> str:
        poll = {"url": f"{api.url}/{path}/{{result}}", "state": "state", "done": "finished", "failed": ["error"]}
        asked = operation(url=api.url, result="job.id", poll={**poll, "interval": "1ms", "timeout": timeout})
        return call(asked, "CP", "Reset", {})

    assert polled("jobs") == ""
    assert api.looks == 3
    assert polled("bad") == "it ended as error"
    assert polled("slow", "20ms") == "it is still running after 0.02 s"


def test_the_connector_of_a_payload() -> None:
    assert [connector_of(p) for p in ({"connectorId": 3}, {"evseId": 2}, {"evse": {"id": 4}}, {"evse": {}}, {})] == [
        3, 2, 4, 0, 0,
    ]  # fmt: skip
    assert filled('{"a": "{b}", "c": {}}', {"b": "x"}) == '{"a": "x", "c": {}}'


def test_one_operation_for_every_action_that_has_none_of_its_own(api: Backend) -> None:
    any_action = operation(url=f"{api.url}/{{action}}/{{station}}", body="{payload}")
    found = Operations({"*": any_action, "Reset": operation(url=f"{api.url}/restart")})
    assert "Reset" in found and "ClearCache" in found
    for action, payload in (("ClearCache", {"note": "{action}"}), ("Reset", {})):
        assert asyncio.run(found.ask("CP", action, payload)) == ""
    assert [path for _, path, _, _ in api.asked] == ["/ClearCache/CP", "/restart"]
    assert json.loads(api.asked[0][2]) == {"note": "{action}"}


def test_an_action_the_target_does_not_have() -> None:
    found = Operations({})
    assert "Reset" not in found
    with pytest.raises(TargetError, match="has no operation Reset"):
        asyncio.run(found.ask("CP", "Reset", {}))
