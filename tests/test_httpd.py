"""The HTTP server over loopback, with requests written by hand."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from simulator.errors import AuthorError
from simulator.httpd import HttpError, HttpServer, Request, Response, Route, is_loopback, json_response, text_response


async def echo(request: Request) -> Response:
    await asyncio.sleep(0)
    return json_response({"params": dict(request.params), "query": dict(request.query), "body": request.json()})


def teapot(request: Request) -> Response:
    raise HttpError(418, "short and stout", {"X-Spout": "here"})


def broken(request: Request) -> Response:
    raise RuntimeError("secret inside")


def number(request: Request) -> Response:
    return json_response({"n": request.number("n", 7, 0, 10), "flag": request.flag("f")})


ROUTES = (
    Route("GET", "/hello", lambda request: text_response("hello")),
    Route("POST", "/echo/{one}/x/{two}", echo),
    Route("GET", "/teapot", teapot),
    Route("GET", "/broken", broken),
    Route("GET", "/number", number),
    Route("GET", "/open", lambda request: text_response("open to all"), public=True),
)


@asynccontextmanager
async def served(**options: Any) -> AsyncIterator[HttpServer]:
    server = HttpServer(ROUTES, **options)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


async def talk(server: HttpServer, data: bytes) -> bytes:
    """Everything the server says to ``data`` until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        writer.write(data)
        async with asyncio.timeout(5):
            return await reader.read()
    finally:
        writer.close()


def ask(line: str, body: bytes = b"", headers: str = "Host: localhost\r\n", **options: Any) -> tuple[int, str, bytes]:
    """One request on one connection: status, head, body."""

    async def main() -> bytes:
        async with served(**options) as server:
            length = f"Content-Length: {len(body)}\r\n" if body else ""
            return await talk(server, f"{line} HTTP/1.1\r\n{headers}{length}Connection: close\r\n\r\n".encode() + body)

    head, _, rest = asyncio.run(main()).partition(b"\r\n\r\n")
    return int(head.split()[1]), head.decode(), rest


def test_a_text_answer() -> None:
    status, head, body = ask("GET /hello")
    assert (status, body) == (200, b"hello")
    assert "text/plain" in head and "Content-Length: 5" in head


def test_names_in_the_path_are_decoded_and_never_span_segments() -> None:
    status, _, body = ask("POST /echo/a%2Fb/x/%C3%A9?q=1&q2=", b'{"k": [1]}')
    assert status == 200
    assert json.loads(body) == {"params": {"one": "a/b", "two": "é"}, "query": {"q": "1", "q2": ""}, "body": {"k": [1]}}
    assert ask("POST /echo/a/b/x/c", b"{}")[0] == 404
    assert ask("POST /echo//x/c", b"{}")[0] == 404


@pytest.mark.parametrize(
    ("line", "body", "status", "says"),
    [
        ("GET /nowhere", b"", 404, "/nowhere"),
        ("PUT /hello", b"", 405, "PUT"),
        ("GET /teapot", b"", 418, "short and stout"),
        ("GET /broken", b"", 500, "internal error"),
        ("POST /echo/a/x/b", b"{", 400, "not JSON"),
        ("POST /echo/a/x/b", b'{"a": NaN}', 400, "NaN"),
        ("POST /echo/a/x/b", b"[" * 100_000, 400, "not JSON"),
        ("GET /number?n=11", b"", 400, "outside 0 to 10"),
        ("GET /number?n=x", b"", 400, "not a number"),
        ("GET /number?n=nan", b"", 400, "outside"),
    ],
)
def test_problems_are_json_with_a_reason(line: str, body: bytes, status: int, says: str) -> None:
    got, head, answer = ask(line, body)
    assert got == status and says in json.loads(answer)["error"]
    assert "secret" not in answer.decode()
    assert ("Allow: GET" in head) == (status == 405) and ("X-Spout: here" in head) == (status == 418)


def test_query_helpers() -> None:
    assert json.loads(ask("GET /number?f=true")[2]) == {"n": 7, "flag": True}
    assert json.loads(ask("GET /number?n=2.5&f=0")[2]) == {"n": 2.5, "flag": False}


def test_head_has_the_length_and_no_body() -> None:
    status, head, body = ask("HEAD /hello")
    assert (status, body) == (200, b"") and "Content-Length: 5" in head


def test_a_connection_serves_many_requests_even_sent_at_once() -> None:
    async def main() -> bytes:
        async with served() as server:
            one = b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"
            return await talk(
                server, one + one + b"GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            )

    assert asyncio.run(main()).count(b"hello") == 3


def test_what_is_not_http_gets_400_and_too_large_a_head_431() -> None:
    async def main(data: bytes) -> bytes:
        async with served() as server:
            return await talk(server, data)

    assert asyncio.run(main(b"\x16\x03\x01 nonsense\r\n\r\n")).startswith(b"HTTP/1.1 400")
    big = b"GET /hello HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 40_000
    assert asyncio.run(main(big)).startswith(b"HTTP/1.1 431")


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_above_the_limit_is_refused(chunked: bool) -> None:
    async def main() -> bytes:
        async with served(body_limit=1000) as server:
            size = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: 2000"
            body = b"7d0\r\n" + b"x" * 2000 + b"\r\n0\r\n\r\n" if chunked else b"x" * 2000
            return await talk(server, b"POST /echo/a/x/b HTTP/1.1\r\nHost: localhost\r\n" + size + b"\r\n\r\n" + body)

    assert asyncio.run(main()).startswith(b"HTTP/1.1 413")


def test_who_is_too_slow_is_dropped() -> None:
    async def main() -> bytes:
        async with served(timeout_s=0.05) as server:
            return await talk(server, b"GET /hello HTT")

    assert asyncio.run(main()) == b""


def test_too_many_connections_get_503() -> None:
    async def main() -> bytes:
        async with served(max_connections=1) as server:
            first = await asyncio.open_connection("127.0.0.1", server.port)
            first[1].write(b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await first[0].readuntil(b"hello")  # it is open and stays so
            answer = await talk(server, b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n")
            first[1].close()
            return answer

    assert asyncio.run(main()).startswith(b"HTTP/1.1 503")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ("Host: 127.0.0.1:80\r\n", 200),
        ("Host: [::1]:80\r\n", 200),
        ("Host: rebound.example\r\n", 403),
        ("Host: localhost\r\nOrigin: https://page.example\r\n", 403),
        ("Host: localhost\r\nOrigin: null\r\n", 403),
        ("Host: localhost\r\nOrigin: http://localhost:8080\r\n", 200),
    ],
)
def test_on_loopback_web_pages_of_others_are_not_served(headers: str, status: int) -> None:
    assert ask("GET /hello", headers=headers)[0] == status


def test_a_token_is_asked_for_when_set() -> None:
    with_token: Callable[[str], int] = lambda text: ask(  # noqa: E731
        "GET /hello", headers=f"Host: any.example\r\n{text}", token="s3cret"
    )[0]
    assert with_token("") == 401
    assert with_token("Authorization: Bearer wrong\r\n") == 401
    assert with_token("Authorization: Bearer s3cret\r\n") == 200


def test_a_public_route_needs_no_token_and_is_for_reading_only() -> None:
    assert ask("GET /open", headers="Host: any.example\r\n", token="s3cret")[2] == b"open to all"
    assert ask("POST /open", headers="Host: any.example\r\n", token="s3cret")[0] == 401
    assert ask("GET /open", headers="Host: any.example\r\n")[0] == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ("Host: localhost:80\r\n", 200),
        ("Host: localhost:80\r\nOrigin: http://localhost:80\r\n", 200),
        ("Host: localhost:80\r\nOrigin: http://localhost:8080\r\n", 403),
        ("Host: localhost:80\r\nOrigin: http://127.0.0.1:80\r\n", 403),
        ("Host: localhost:80\r\nOrigin: null\r\n", 403),
    ],
)
@pytest.mark.parametrize("token", [None, "t"])
def test_nothing_is_done_for_a_page_of_another_origin(headers: str, status: int, token: str | None) -> None:
    asked = headers + (f"Authorization: Bearer {token}\r\n" if token else "")
    assert ask("POST /echo/a/x/b", b"{}", headers=asked, token=token)[0] == status


def test_an_open_address_needs_a_token() -> None:
    with pytest.raises(AuthorError, match="not loopback"):
        HttpServer(ROUTES, host="0.0.0.0")
    HttpServer(ROUTES, host="0.0.0.0", token="t")


def test_loopback_names() -> None:
    assert all(map(is_loopback, ("localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]")))
    assert not any(map(is_loopback, ("", "0.0.0.0", "::", "10.0.0.1", "localhost.example")))
