"""Asking a CSMS's operator for something: calls of its own HTTP API, as the target file describes them.

What the API answers is told to whoever asks, and decides nothing: whether an operation happened is judged by what
arrives at the station. Each call runs in a thread of its own with bounded time, so that a slow API holds up nobody.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import ssl
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from pydantic import SecretStr

from simulator.errors import TargetError
from simulator.fleet.target_file import ANY_ACTION, Operation, Poll

TIMEOUT_S = 60.0
#: of an answer so many bytes are read, and so many characters shown
ANSWER_BYTES, SHOWN_CHARS = 1 << 20, 200


class Operations:
    """The operations of a target by action; the one called ``*`` is for every action without one of its own."""

    def __init__(self, operations: Mapping[str, Operation]) -> None:
        self._operations = operations

    def __contains__(self, action: object) -> bool:
        return action in self._operations or ANY_ACTION in self._operations

    async def ask(self, station_id: str, action: str, payload: Mapping[str, Any]) -> str:
        """Ask for an action at a station; empty, or why the API did not take it. Raises TargetError for an action the
        target does not have."""
        operation = self._operations.get(action, self._operations.get(ANY_ACTION))
        if operation is None:
            raise TargetError(f"has no operation {action}", field="operations")
        return await asyncio.get_running_loop().run_in_executor(None, call, operation, station_id, action, payload)


def call(operation: Operation, station_id: str, action: str, payload: Mapping[str, Any]) -> str:
    """The same in this thread."""
    # the payload last: what looks like a placeholder in it stays as it is
    values = {
        "station": station_id,
        "action": action,
        "connector": str(connector_of(payload)),
        "payload": json.dumps(payload),
    }
    url = filled(operation.url, {name: quote(value, safe="") for name, value in values.items()})
    body = None if operation.body is None else filled(operation.body.get_secret_value(), values)
    try:
        status, answer = _request(operation.method, url, operation.headers, body)
        if not 200 <= status < 300:
            return f"{status} {_shown(answer)}".rstrip()
        if operation.poll is None:
            return ""
        result = _at(answer, operation.result) if operation.result is not None else ""
        return _poll(operation.poll, {**values, "result": str(result)}, operation.headers)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return f"{type(error).__name__}: {error}"[:SHOWN_CHARS]


def filled(template: str, values: Mapping[str, str]) -> str:
    """``{name}`` of ``values`` put in; any other brace stays, because a body may be JSON."""
    for name, value in values.items():
        template = template.replace("{" + name + "}", value)
    return template


def connector_of(payload: Mapping[str, Any]) -> int:
    """The connector or EVSE a payload is about; 0, the station, when it names none."""
    for found in (payload.get("connectorId"), payload.get("evseId"), payload.get("evse")):
        number = found.get("id") if isinstance(found, Mapping) else found
        if isinstance(number, int):
            return number
    return 0


def _request(method: str, url: str, headers: Mapping[str, SecretStr], body: str | None) -> tuple[int, bytes]:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("the operation's url must begin with http:// or https://")
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=TIMEOUT_S, context=context)
    else:
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=TIMEOUT_S)
    sent = {name: value.get_secret_value() for name, value in headers.items()}
    if body is not None and not any(name.lower() == "content-type" for name in sent):
        sent["Content-Type"] = "application/json"
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(method, path, None if body is None else body.encode(), sent)
        answer = connection.getresponse()
        return answer.status, answer.read(ANSWER_BYTES)
    finally:
        connection.close()


def _poll(poll: Poll, values: Mapping[str, str], headers: Mapping[str, SecretStr]) -> str:
    """Ask until the operation has ended; empty when it is done."""
    url = filled(poll.url, {name: quote(value, safe="") for name, value in values.items()})
    deadline = time.monotonic() + poll.timeout_us / 1e6
    state: Any = None
    while time.monotonic() < deadline:
        status, answer = _request("GET", url, headers, None)
        if not 200 <= status < 300:
            return f"{status} {_shown(answer)}".rstrip()
        state = _at(answer, poll.state)
        if str(state) in poll.done:
            return ""
        if str(state) in poll.failed:
            return f"it ended as {state}"
        time.sleep(poll.interval_us / 1e6)
    return f"it is still {state} after {poll.timeout_us / 1e6:g} s"


def _at(answer: bytes, path: str) -> Any:
    value: Any = json.loads(answer)
    for part in path.split("."):
        value = value[int(part)] if isinstance(value, list) and part.isdigit() else dict(value).get(part)
    return value


def _shown(answer: bytes) -> str:
    text = " ".join(answer.decode("utf-8", "replace").split())
    return text[:SHOWN_CHARS]
