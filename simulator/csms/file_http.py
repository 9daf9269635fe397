"""The http and https side of the file server, with aiohttp, in the loop of the CSMS.

``GET /firmware/NAME`` and, with the login, ``GET /uploads/NAME``, ``PUT /uploads/NAME`` and a form posted to
``/uploads/``. A PUT to the folder itself is answered with 405, as many a CSMS does that wants a form.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import BodyPartReader, web

from simulator.csms.files import FIRMWARE, MAX_FILE_BYTES, UPLOADS, FileStore, NotKept

CHUNK_BYTES = 16_384
STOP_S = 0.2


class WebServer:
    """Serves a store on two ports."""

    def __init__(self, store: FileStore) -> None:
        self._store = store
        app = web.Application()
        app.router.add_get("/{folder}/{name}", self._get)
        app.router.add_put("/uploads/{name}", self._put)
        app.router.add_put("/uploads{slash:/?}", _no_put)
        app.router.add_post("/uploads{slash:/?}", self._post)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=STOP_S)

    async def start(self, host: str, http_port: int, https_port: int, certificate: Path) -> dict[str, int]:
        """Listen; the ports by scheme. Raises OSError."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        await self._runner.setup()
        ports = {}
        for scheme, port, used in (("http", http_port, None), ("https", https_port, context)):
            await web.TCPSite(self._runner, host, port, ssl_context=used).start()
            ports[scheme] = self._runner.addresses[-1][1]
        return ports

    async def stop(self) -> None:
        """Close both ports and every connection."""
        await self._runner.cleanup()

    # -- handlers

    async def _get(self, request: web.Request) -> web.StreamResponse:
        folder = request.match_info["folder"]
        if folder not in (FIRMWARE, UPLOADS):
            raise web.HTTPNotFound
        self._admit(request, needed=folder == UPLOADS or self._store.private)
        path = self._store.file(folder, request.match_info["name"])
        if path is None:
            raise web.HTTPNotFound
        size = path.stat().st_size
        response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
        response.content_length = size
        await response.prepare(request)
        if request.method == "HEAD":
            return response
        with path.open("rb") as file, contextlib.suppress(ConnectionError):  # gone, by its own doing or by a fault
            async for piece in self._misbehave(request, _read(file.read)):
                await response.write(piece)
            await response.write_eof()
        return response

    async def _put(self, request: web.Request) -> web.Response:
        self._admit(request, needed=True)
        return await self._keep(request, request.match_info["name"], request.content.iter_chunked(CHUNK_BYTES))

    async def _post(self, request: web.Request) -> web.Response:
        self._admit(request, needed=True)
        if request.content_type != "multipart/form-data":
            raise web.HTTPUnsupportedMediaType
        part = await (await request.multipart()).next()
        if not isinstance(part, BodyPartReader) or not part.filename:
            raise web.HTTPBadRequest(text="the form has no file")
        return await self._keep(request, part.filename, _read_part(part))

    async def _keep(self, request: web.Request, name: str, pieces: AsyncIterator[bytes]) -> web.Response:
        try:
            part = self._store.begin_upload(name)
        except NotKept as no:
            raise (web.HTTPInsufficientStorage if no.full else web.HTTPBadRequest)(text=str(no)) from None
        try:
            size = 0
            with part.open("xb") as file:
                part.chmod(0o600)
                async for piece in self._misbehave(request, pieces):
                    size += len(piece)
                    if size > MAX_FILE_BYTES:
                        raise web.HTTPRequestEntityTooLarge(MAX_FILE_BYTES, size)
                    file.write(piece)
            self._store.end_upload(part, name)
        except (ConnectionError, web.RequestPayloadError):  # gone before the end; nobody hears the answer
            return web.Response(status=400)
        finally:
            part.unlink(missing_ok=True)
        return web.Response(status=201)

    # -- who may, and how it fails

    def _admit(self, request: web.Request, *, needed: bool) -> None:
        """Raise the answer for whoever may not, and the status of a fault."""
        given = request.headers.get("Authorization")
        faults = self._store.faults
        if (needed or given is not None or faults.wrong_password) and not self._knows(given):
            raise web.HTTPUnauthorized(headers={"WWW-Authenticate": 'Basic realm="files", charset="UTF-8"'})
        if faults.status is not None:
            raise web.HTTPNotFound if faults.status == 404 else web.HTTPInternalServerError

    def _knows(self, given: str | None) -> bool:
        scheme, _, text = (given or "").partition(" ")
        try:
            user, _, password = base64.b64decode(text, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return False
        return scheme.lower() == "basic" and self._store.knows(user, password)

    async def _misbehave(self, request: web.Request, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The pieces as they come, or slowly, or not to their end."""
        faults, passed = self._store.faults, 0
        async for piece in pieces:
            if faults.break_after_bytes is not None and passed + len(piece) >= faults.break_after_bytes:
                yield piece[: faults.break_after_bytes - passed]
                if request.transport is not None:
                    request.transport.abort()
                raise ConnectionResetError("cut by a fault")
            if faults.slow_bytes_s is not None:
                await asyncio.sleep(len(piece) / faults.slow_bytes_s)
            passed += len(piece)
            yield piece


async def _no_put(request: web.Request) -> web.StreamResponse:
    raise web.HTTPMethodNotAllowed("PUT", ["POST"])


async def _read(read: object) -> AsyncIterator[bytes]:
    assert callable(read)
    while piece := read(CHUNK_BYTES):
        yield piece


async def _read_part(part: BodyPartReader) -> AsyncIterator[bytes]:
    while piece := await part.read_chunk(CHUNK_BYTES):
        yield piece
