"""Transfers over http and https, with aiohttp.

An upload is a PUT of the whole file, which is what plain file servers and the signed addresses of object stores take.
A server that answers 405 or 501 is asked once more with POST and a form (``multipart/form-data``, field ``file``),
because many a CSMS has a form for its logs. An address that ends in ``/`` names a folder, and the file's name is put
behind it; the form goes to the folder itself.

Every attempt has a connection of its own, as every station has. Redirects are followed here and not by the library:
each new address is checked like the first.
"""

from __future__ import annotations

import base64
import errno
import logging
import socket
import ssl
import uuid
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from simulator.fleet.sockets import new_socket
from simulator.fleet.transfers.limits import LOCAL, MAX_REDIRECTS, Flow, Outfit, TransferFailed, Unwanted
from simulator.fleet.transfers.place import Place

_REDIRECTS = {301, 302, 307, 308}
_CAUSES = {401: "auth", 407: "auth", 403: "permission", 404: "not_found", 410: "not_found", 413: "too_large"}

# The library would log addresses, and under Locust nothing may be logged in the stations' thread.
for _name in ("aiohttp.client", "aiohttp.internal"):
    logging.getLogger(_name).disabled = True


class _Checked(AbstractResolver):
    """Gives the library the addresses that were found allowed."""

    def __init__(self, outfit: Outfit) -> None:
        self._hosts = outfit.hosts

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Of a host that was checked just before, from the cache of the look-up."""
        found = await self._hosts.addresses(host)
        return [
            ResolveResult(
                hostname=host,
                host=one,
                port=port,
                family=socket.AF_INET6 if ":" in one else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for one in found
        ]

    async def close(self) -> None:
        """Nothing is kept."""


class Http:
    """The http side of an outfit; made and closed on the loop."""

    def __init__(self, outfit: Outfit) -> None:
        limits = outfit.limits
        self._outfit = outfit
        connector = aiohttp.TCPConnector(
            resolver=_Checked(outfit),
            use_dns_cache=False,
            force_close=True,
            limit=0,
            happy_eyeballs_delay=None,
            socket_factory=lambda info: new_socket(info[0], info[1], info[2]),
        )
        self._client = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            headers={"User-Agent": outfit.user_agent, "Accept": "*/*", "Accept-Encoding": "identity"},
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=limits.connect_s),
        )

    async def close(self) -> None:
        """Drop every connection."""
        await self._client.close()

    async def download(self, place: Place, flow: Flow, context: ssl.SSLContext | None, *, body: bool = True) -> None:
        """Fetch a file into ``flow``; without ``body`` only what its headers say. Raises TransferFailed."""
        method = "GET" if body else "HEAD"
        for _ in range(MAX_REDIRECTS + 1):
            response = await self._send(method, place, flow, context)
            try:
                if response.status in (405, 501) and method == "HEAD":
                    method = "GET"
                    continue
                if response.status in _REDIRECTS | {303}:
                    place = _next(place, response)
                    continue
                _judge(place, response, {200})
                flow.expect(response.content_length or 0)
                if body:
                    await self._take(response, flow)
                return
            finally:
                response.close()
        raise TransferFailed("http_status", f"more than {MAX_REDIRECTS} redirects")

    async def _take(self, response: aiohttp.ClientResponse, flow: Flow) -> None:
        try:
            async for piece in response.content.iter_chunked(flow.piece_bytes()):
                await flow.pass_on(piece)
        except (aiohttp.ClientError, OSError) as error:
            raise TransferFailed("broken", f"after {flow.bytes} bytes: {type(error).__name__}") from None

    async def upload(
        self,
        place: Place,
        file_name: str,
        content: bytes,
        flow: Flow,
        context: ssl.SSLContext | None,
        *,
        body: bool = True,
    ) -> None:
        """Send a file; without ``body`` only ask whether the server would know us. Raises TransferFailed."""
        form = False
        place, folder = place.within(file_name), place
        for _ in range(MAX_REDIRECTS + 2):
            if not body:
                response = await self._send("HEAD", place, flow, context)
            elif form:
                response = await self._send("POST", place, flow, context, *_form(file_name, content))
            else:
                response = await self._send("PUT", place, flow, context, content, "application/octet-stream")
            try:
                if response.status in _REDIRECTS:
                    place = folder = _next(place, response)
                elif not body and (response.status < 300 or response.status in (404, 405, 501)):
                    return  # it answers, and has nothing against this user; the file need not be there
                elif response.status in (405, 501) and not form:
                    form, place = True, folder
                else:
                    _judge(place, response, {200, 201, 202, 204})
                    return
                flow.restart()
            finally:
                response.close()
        raise TransferFailed("http_status", f"more than {MAX_REDIRECTS} redirects")

    async def _send(
        self,
        method: str,
        place: Place,
        flow: Flow,
        context: ssl.SSLContext | None,
        content: bytes | None = None,
        content_type: str = "",
    ) -> aiohttp.ClientResponse:
        """One request, up to the head of the answer."""
        await self._outfit.hosts.addresses(place.host)  # also for numeric hosts, which the library does not resolve
        headers: dict[str, str] = {}
        more: dict[str, Any] = {}
        if content is not None:
            headers["Content-Type"], headers["Content-Length"] = content_type, str(len(content))
            more["data"] = _pieces(content, flow)
        if place.user is not None:
            pair = f"{place.user}:{place.password or ''}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        if context is not None and place.tls:
            more["ssl"] = context
        await flow.ready()
        try:
            return await self._client.request(
                method, URL(place.url, encoded=True), headers=headers, allow_redirects=False, **more
            )
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if flow.trouble is not None:  # the library says in its own words that the body could not be had
                raise flow.trouble from None
            raise failure_of(error, place, flow) from None


def failure_of(error: Exception, place: Place, flow: Flow) -> TransferFailed:
    """What an exception of the library, or of a socket, means."""
    where = f"{place.host}:{place.port}"
    number = getattr(error, "errno", None)
    if number in LOCAL:
        return TransferFailed("local_limit", f"{where}: {errno.errorcode.get(number or 0, '')}")
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return TransferFailed("tls", f"{where}: {error.certificate_error}")
    if isinstance(error, ssl.SSLError | aiohttp.ClientSSLError):
        return TransferFailed("tls", f"{where}: {getattr(error, 'reason', '') or 'no TLS connection'}")
    if isinstance(error, TimeoutError):
        return TransferFailed("timeout", f"{where} did not answer in time")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return TransferFailed("dns", where)
    if isinstance(error, aiohttp.ClientConnectorError | ConnectionRefusedError):
        return TransferFailed("refused", f"{where}: {error.strerror or 'no connection'}")
    if isinstance(error, aiohttp.InvalidURL | ValueError):
        return TransferFailed("bad_url", "not an address that can be asked for")
    return TransferFailed("broken", f"{where} after {flow.bytes} bytes: {type(error).__name__}")


def _judge(place: Place, response: aiohttp.ClientResponse, good: set[int]) -> None:
    status = response.status
    if status not in good:
        raise TransferFailed(_CAUSES.get(status, "http_status"), f"{place.host} answers {status}")


def _next(place: Place, response: aiohttp.ClientResponse) -> Place:
    location = response.headers.get("Location")
    if location is None:
        raise TransferFailed("http_status", f"{place.host} answers {response.status} and names no other address")
    there = place.redirected(location)
    if there.scheme not in ("http", "https"):
        raise TransferFailed("unsupported", f"{place.host} redirects to {there.scheme}")
    return there


async def _pieces(content: bytes, flow: Flow) -> AsyncIterator[bytes]:
    size = flow.piece_bytes()
    for begin in range(0, len(content), size):
        piece = content[begin : begin + size]
        try:
            await flow.pass_on(piece)
        except (TransferFailed, Unwanted) as error:
            flow.trouble = error
            raise
        yield piece


def _form(file_name: str, content: bytes) -> tuple[bytes, str]:
    """The file as the only field of a form (RFC 7578)."""
    boundary = f"cpfarm-{uuid.uuid4().hex}"
    name = file_name.replace("\\", "_").replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    return head.encode() + content + f"\r\n--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"
