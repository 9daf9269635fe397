"""Transfers over sftp, with asyncssh: a password in the address, and no other way to log in.

*Host keys.* OCPP has no message by which a station could learn the key of a file server, so any key is taken: the
connection is encrypted, and who is at its other end is not proved. What a CSMS wants to be sure of it signs (L01). Keys
and settings of whoever runs the farm (``~/.ssh``, an agent) are never read and never offered.

Without a user in the address the login is ``anonymous``. A path is taken from the root of the login. OCPP gives a
folder for a log; many a CSMS gives a file: if the whole path is a folder, the file is put there under its own name,
else the last part of the path is its name (as with ftp).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Awaitable, Callable
from urllib.parse import unquote

import asyncssh

from simulator.fleet.transfers.limits import LOCAL, Flow, Outfit, TransferFailed
from simulator.fleet.transfers.place import Place

# The library tells of every connection at level INFO, and of every refusal; ends are told by us.
logging.getLogger("asyncssh").setLevel(logging.CRITICAL)

#: how long a farewell may take
FAREWELL_S = 0.5
ANONYMOUS = "anonymous"

Work = Callable[[asyncssh.SFTPClient], Awaitable[None]]


class Sftp:
    """The sftp side of an outfit."""

    def __init__(self, outfit: Outfit) -> None:
        self._outfit = outfit

    async def download(self, place: Place, flow: Flow, context: ssl.SSLContext | None, *, body: bool = True) -> None:
        """Fetch a file into ``flow``; without ``body`` only log in and ask for its size. Raises TransferFailed."""

        async def work(client: asyncssh.SFTPClient) -> None:
            path = unquote(place.path)
            if not path.rpartition("/")[2]:
                raise TransferFailed("bad_url", "the address names no file")
            size = (await client.stat(path)).size or 0
            flow.expect(size)
            if not body:
                return
            async with client.open(path, "rb", block_size=0) as file:
                while piece := bytes(await file.read(flow.piece_bytes())):  # type: ignore[arg-type]  # opened as bytes
                    await flow.pass_on(piece)
            if size and flow.bytes != size:
                raise TransferFailed("broken", f"after {flow.bytes} of {size} bytes")

        await self._with_client(place, flow, work)

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
        """Send a file; without ``body`` only log in and look at the folder. Raises TransferFailed."""

        async def work(client: asyncssh.SFTPClient) -> None:
            path = unquote(place.path).rstrip("/") or "/"
            if await client.isdir(path):
                path = f"{path.rstrip('/')}/{file_name}"
            elif not body:
                await client.stat(path.rpartition("/")[0] or "/")
            if not body:
                return
            file = await client.open(path, "wb", block_size=0)
            size = flow.piece_bytes()
            for begin in range(0, len(content), size):
                piece = content[begin : begin + size]
                await flow.pass_on(piece)
                await file.write(piece)
            await file.close()  # only here: a file that is closed is whole

        await self._with_client(place, flow, work)

    async def _with_client(self, place: Place, flow: Flow, work: Work) -> None:
        """Connect, log in, do the work."""
        addresses = await self._outfit.hosts.addresses(place.host)
        await flow.ready()
        connection: asyncssh.SSHClientConnection | None = None
        try:
            connection = await _connect(place, addresses)
            await work(await connection.start_sftp_client())
            connection.close()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FAREWELL_S):
                    await connection.wait_closed()
        except (asyncssh.Error, asyncssh.SFTPError) as error:
            raise _judged(error, place, flow) from None
        except OSError as error:
            raise _failure_of(error, place, flow, connected=connection is not None) from None
        finally:
            if connection is not None:
                connection.abort()  # what has not been ended by now is cut, so that no file looks whole


async def _connect(place: Place, addresses: list[str]) -> asyncssh.SSHClientConnection:
    """To the first address that answers."""
    for number, address in enumerate(addresses, start=1):
        try:
            return await asyncssh.connect(
                address,
                place.port,
                username=place.user or ANONYMOUS,
                password=place.password or "",
                known_hosts=None,
                client_keys=None,
                agent_path=None,
                config=None,
                preferred_auth=("password", "keyboard-interactive"),
            )
        except TimeoutError:
            raise
        except OSError:
            if number == len(addresses):
                raise
    raise AssertionError("a host without addresses is refused before")


#: an answer of the server -> cause; the general failure is one on its side
_CAUSES: tuple[tuple[type[asyncssh.SFTPError], str], ...] = (
    (asyncssh.SFTPNoSuchFile, "not_found"),
    (asyncssh.SFTPNoSuchPath, "not_found"),
    (asyncssh.SFTPPermissionDenied, "permission"),
    (asyncssh.SFTPWriteProtect, "permission"),
    (asyncssh.SFTPNoSpaceOnFilesystem, "too_large"),
    (asyncssh.SFTPQuotaExceeded, "too_large"),
)


def _judged(error: asyncssh.Error, place: Place, flow: Flow) -> TransferFailed:
    """What an end that was not hoped for means. What the server says is not quoted: it may hold the login."""
    detail = f"{place.host}:{place.port}: {type(error).__name__}"
    for kind, cause in _CAUSES:
        if isinstance(error, kind):
            return TransferFailed(cause, detail)
    if isinstance(error, asyncssh.PermissionDenied | asyncssh.IllegalUserName):
        return TransferFailed("auth", detail)
    if isinstance(error, asyncssh.KeyExchangeFailed | asyncssh.HostKeyNotVerifiable | asyncssh.MACError):
        return TransferFailed("tls", f"no secure connection to {detail}")
    return TransferFailed("broken", f"after {flow.bytes} bytes: {detail}")


def _failure_of(error: OSError, place: Place, flow: Flow, *, connected: bool) -> TransferFailed:
    where = f"{place.host}:{place.port}"
    if error.errno in LOCAL:
        return TransferFailed("local_limit", f"{where}: {error.strerror}")
    if isinstance(error, TimeoutError):
        return TransferFailed("timeout", f"{where} did not answer in time")
    if not connected:
        return TransferFailed("refused", f"{where}: {error.strerror or 'no connection'}")
    return TransferFailed("broken", f"{where} after {flow.bytes} bytes: {type(error).__name__}")
