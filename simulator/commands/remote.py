"""The control port of a running farm, as ``cpfarm ctl`` and ``cpfarm tail`` use it: requests, refusals, streams."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from simulator.commands.options import DEFAULT_HTTP_PORT
from simulator.errors import AuthorError

TIMEOUT_S = 10.0
#: a stream is quiet for so long at most: the port says every 15 s that it is still there
SILENCE_S = 45.0


class Refused(Exception):
    """The station did not do it; the text is its own remark."""


class Port:
    """The control port at ``url``. Every method raises AuthorError when no farm is there or the input is wrong, and
    Refused when the station did nothing."""

    def __init__(self, url: str, token: str | None = None) -> None:
        address = urlsplit(url)
        try:
            port = address.port
        except ValueError:
            port = -1
        if address.scheme not in ("http", "https") or not address.hostname or port == -1:
            raise AuthorError(f"{url!r} is no address such as http://127.0.0.1:9464", field="--url")
        self.url, self._host, self._port, self._token = url.rstrip("/"), address.hostname, port, token
        self._kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
        self._base = address.path.rstrip("/")

    def get(self, path: str, **query: Any) -> Any:
        """The JSON answer of a GET; queries that are None or empty are left out."""
        given = {name: value for name, value in query.items() if value not in (None, "")}
        return self._json("GET", path + ("?" + urlencode(given) if given else ""), None)

    def post(self, path: str, body: Any) -> Any:
        """The JSON answer of a POST."""
        return self._json("POST", path, body)

    def _json(self, method: str, path: str, body: Any) -> Any:
        connection, answer = self._ask(method, path, body, TIMEOUT_S)
        try:
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise AuthorError(f"the farm at {self.url} went away: {_why(error)}") from None
        finally:
            connection.close()
        return self._checked(answer.status, text)

    def _ask(
        self, method: str, path: str, body: Any, timeout_s: float
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        headers = {} if self._token is None else {"Authorization": f"Bearer {self._token}"}
        connection = self._kind(self._host, self._port, timeout=timeout_s)
        try:
            connection.request(method, self._base + path, None if body is None else json.dumps(body), headers)
            return connection, connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise AuthorError(
                f"no farm at {self.url}: {_why(error)}; `cpfarm run` prints its address, --url or --http-port says it"
            ) from None

    def _checked(self, status: int, text: bytes) -> Any:
        try:
            said = json.loads(text)
        except ValueError:
            said = None
        if status == 200 and said is not None:
            return said
        if not isinstance(said, dict) or "error" not in said:
            raise AuthorError(f"what answers at {self.url} is no farm (HTTP {status})")
        if status == 409:
            raise Refused(said["error"])
        hint = "; --http-token gives it" if status == 401 else ""
        raise AuthorError(str(said["error"]) + hint)

    def events(self, path: str, **query: Any) -> Iterator[tuple[str, Any]]:
        """The events of a stream: (name, data). Ends with the stream, also when the farm goes away."""
        given = {name: value for name, value in query.items() if value not in (None, "")}
        connection, answer = self._ask("GET", path + ("?" + urlencode(given) if given else ""), None, SILENCE_S)
        try:
            if answer.status != 200:
                self._checked(answer.status, answer.read())
            event = ""
            for line in iter(answer.readline, b""):
                name, _, value = line.decode("utf-8", "replace").rstrip("\r\n").partition(": ")
                if name == "event":
                    event = value
                elif name == "data":
                    yield event, json.loads(value)
        except (OSError, http.client.HTTPException):
            return  # the farm was killed; the caller sees a stream without an end
        finally:
            connection.close()


def port_at(url: str | None, http_port: int | None, token: str | None) -> Port:
    """The port that the options mean."""
    if url is not None and http_port is not None:
        raise AuthorError("either --url or --http-port")
    return Port(url or f"http://127.0.0.1:{DEFAULT_HTTP_PORT if http_port is None else http_port}", token)


def path_of(station_id: str, what: str = "") -> str:
    """The path of a station, or of something of it."""
    return f"/api/stations/{quote(station_id, safe='')}" + (f"/{what}" if what else "")


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
