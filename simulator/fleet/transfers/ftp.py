"""Transfers over ftp and ftps, with aioftp; passive mode only.

``ftps`` protects both connections: with AUTH TLS on the usual port, with TLS from the first byte on port 990. The data
connection goes to the address of the control connection, whatever the server says, and resumes its TLS session, which
many servers demand. Without a user in the address the login is anonymous.

A path is taken from the folder of the login (RFC 1738, 3.2.2). OCPP gives a folder for a log; many a CSMS gives a file.
So an upload first tries to enter the whole path: if that works, the file is put there under its own name, else the last
part of the path is its name.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
import struct
from typing import Any
from urllib.parse import unquote

import aioftp

from simulator.fleet.transfers.limits import LOCAL, Flow, Outfit, TransferFailed
from simulator.fleet.transfers.place import IMPLICIT_FTPS, Place

# The library would log every command, and under Locust nothing may be logged in the stations' thread.
logging.getLogger("aioftp.client").disabled = True

_DENIED = ("permission", "privilege", "denied", "not allowed", "forbidden")


class _Client(aioftp.Client):
    """Connects to an address that was checked, and compares the certificate with the name it was looked up for."""

    def __init__(self, server_name: str, context: ssl.SSLContext | None, outfit: Outfit, *, implicit: bool) -> None:
        limits = outfit.limits
        super().__init__(
            ssl=context if implicit else None, connection_timeout=limits.connect_s, socket_timeout=limits.idle_s
        )
        self._server_name = server_name
        if implicit:
            self._name_the_server()

    def _name_the_server(self) -> None:
        # handed on to asyncio.open_connection, which takes it only together with TLS
        self._siosocks_asyncio_kwargs = {"server_hostname": self._server_name}

    async def secure(self, context: ssl.SSLContext) -> None:
        """Protect the control connection now, and each data connection (RFC 4217)."""
        if not self.ssl:
            await self.command("AUTH TLS", "234")
            await self.stream.start_tls(sslcontext=context, server_hostname=self._server_name)
            self._name_the_server()
        await self.command("PBSZ 0", "200")
        await self.command("PROT P", "200")


class Ftp:
    """The ftp side of an outfit."""

    def __init__(self, outfit: Outfit) -> None:
        self._outfit = outfit

    async def download(self, place: Place, flow: Flow, context: ssl.SSLContext | None, *, body: bool = True) -> None:
        """Fetch a file into ``flow``; without ``body`` only log in and ask for its size. Raises TransferFailed."""

        async def work(client: _Client) -> None:
            folder, name = _split(place)
            if not name:
                raise TransferFailed("bad_url", "the address names no file")
            if folder:
                await client.command(f"CWD {folder}", "2xx")
            await client.command("TYPE I", "200")
            size = 0
            code, info = await client.command(f"SIZE {name}", ("213", "4xx", "5xx"))
            if code == "213" and info[-1].strip().isdigit():
                size = int(info[-1])
            elif code == "550":
                raise aioftp.StatusCodeError(aioftp.Code("213"), code, info)
            flow.expect(size)
            if not body:
                return
            stream = await client.get_stream(f"RETR {name}", "1xx")
            try:
                while piece := await stream.read(flow.piece_bytes()):
                    await flow.pass_on(piece)
                await stream.finish()
            finally:
                stream.close()
            if size and flow.bytes != size:
                raise TransferFailed("broken", f"after {flow.bytes} of {size} bytes")

        await self._with_client(place, flow, context, work, "not_found")

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
        """Send a file; without ``body`` only log in and enter the folder. Raises TransferFailed."""

        async def work(client: _Client) -> None:
            folder, name = _split(place)
            whole = f"{folder}/{name}" if folder and name else folder or name
            if whole:
                code, info = await client.command(f"CWD {whole}", ("2xx", "5xx"))
                if code.matches("2xx"):
                    name = ""
                elif not name:
                    raise aioftp.StatusCodeError(aioftp.Code("2xx"), code, info)
                elif folder:
                    await client.command(f"CWD {folder}", "2xx")
            if not body:
                return
            stream = await client.get_stream(f"STOR {name or file_name}", "1xx")
            sock = stream.writer.transport.get_extra_info("socket")  # a transport that is gone knows it no more
            try:
                size = flow.piece_bytes()
                for begin in range(0, len(content), size):
                    piece = content[begin : begin + size]
                    await flow.pass_on(piece)
                    await stream.write(piece)
                await stream.finish()
            except BaseException:
                _cut(stream.writer.transport, sock)
                raise
            finally:
                stream.close()

        await self._with_client(place, flow, context, work, "permission")

    async def _with_client(
        self, place: Place, flow: Flow, context: ssl.SSLContext | None, work: Any, refusal: str
    ) -> None:
        """Connect, log in, do the work; ``refusal`` is what a 550 means for it."""
        addresses = await self._outfit.hosts.addresses(place.host)
        implicit = place.tls and place.port == IMPLICIT_FTPS
        await flow.ready()
        client = _Client(place.host, context, self._outfit, implicit=implicit)
        step = "connect"
        try:
            await _connect(client, addresses, place.port)
            step = "tls"
            if place.tls:
                assert context is not None
                await client.secure(context)
            step = "login"
            await client.login(place.user or "anonymous", place.password or ("" if place.user else "anonymous@"))
            step = "work"
            await work(client)
            client.close()  # QUIT would cost a round trip, and changes nothing
        except aioftp.StatusCodeError as error:
            raise _judged(error, place, flow, step, refusal) from None
        except OSError as error:  # before ValueError: a certificate that is not trusted is both
            raise _failure_of(error, place, flow, step) from None
        except (aioftp.AIOFTPException, ValueError, LookupError) as error:
            raise TransferFailed("broken", f"{place.host} talks nonsense: {type(error).__name__}") from None
        finally:
            client.close()


def _cut(transport: asyncio.WriteTransport, sock: Any) -> None:
    """Drop a data connection with a TCP reset: a plain end would say that the file is whole (RFC 959, 3.4)."""
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def _connect(client: _Client, addresses: list[str], port: int) -> None:
    """To the first address that answers."""
    for number, address in enumerate(addresses, start=1):
        try:
            await client.connect(address, port)
            break
        except (ssl.SSLError, TimeoutError):
            raise
        except OSError:
            if number == len(addresses):
                raise


def _split(place: Place) -> tuple[str, str]:
    """Folder and name, decoded; the first slash only ends the host."""
    path = unquote(place.path.removeprefix("/"))
    folder, _, name = path.rpartition("/")
    return folder, name


def _judged(error: aioftp.StatusCodeError, place: Place, flow: Flow, step: str, refusal: str) -> TransferFailed:
    """What an answer that was not hoped for means."""
    code = str(error.received_codes[-1])
    said = " ".join(str(line).strip(" -") for line in error.info)[:120]
    if place.password:
        said = said.replace(place.password, "***")
    detail = f"{place.host} answers {code} {said}"
    if code == "421":
        return TransferFailed("refused", detail)
    if step == "tls":
        return TransferFailed("tls", detail)
    if step == "login" or code in ("530", "532"):
        return TransferFailed("auth", detail)
    if code in ("425", "426", "451"):
        return TransferFailed("broken", f"after {flow.bytes} bytes: {detail}")
    if code == "552":
        return TransferFailed("too_large", detail)
    if code in ("550", "553"):
        lower = said.lower()
        if any(word in lower for word in _DENIED):
            return TransferFailed("permission", detail)
        return TransferFailed("not_found" if "no such" in lower or "not found" in lower else refusal, detail)
    return TransferFailed("http_status", detail)


def _failure_of(error: OSError, place: Place, flow: Flow, step: str) -> TransferFailed:
    where = f"{place.host}:{place.port}"
    if error.errno in LOCAL:
        return TransferFailed("local_limit", f"{where}: {error.strerror}")
    if isinstance(error, ssl.SSLCertVerificationError):
        return TransferFailed("tls", f"{where}: {error.verify_message}")
    if isinstance(error, ssl.SSLError) or step == "tls":
        return TransferFailed("tls", f"{where}: {getattr(error, 'reason', '') or 'no TLS connection'}")
    if isinstance(error, TimeoutError | asyncio.TimeoutError):
        return TransferFailed("timeout", f"{where} did not answer in time")
    if step == "connect":
        return TransferFailed("refused", f"{where}: {error.strerror or 'no connection'}")
    return TransferFailed("broken", f"{where} after {flow.bytes} bytes: {type(error).__name__}")
