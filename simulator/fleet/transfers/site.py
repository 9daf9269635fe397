"""What local controllers of a farm publish (L03): images kept in memory, served over http on loopback.

One server for the whole farm, started with the first publication on a port the system picks. An address names the
station and the checksum, so two controllers never meet. Whoever may reach this machine's loopback may fetch: that is
the site network of the stations here.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from urllib.parse import quote

from aiohttp import web

from simulator.fleet.transfers.limits import CHUNK_BYTES, TransferFailed

HOST = "127.0.0.1"
#: all images of a farm together
MAX_BYTES = 256_000_000
STOP_S = 0.2


@dataclass(slots=True)
class _Image:
    """An image; ``readers`` are fetching it, ``served`` it is to be had."""

    content: bytes
    served: bool = False
    readers: int = 0


class Site:
    """The published images, by (station, name)."""

    def __init__(self) -> None:
        self._images: dict[tuple[str, str], _Image] = {}
        self._runner: web.AppRunner | None = None
        self._port = 0

    def keep(self, station_id: str, name: str, content: bytes) -> None:
        """Keep an image under a name, in place of an older one. Raises TransferFailed ``local_limit``."""
        others = sum(len(one.content) for key, one in self._images.items() if key != (station_id, name))
        if others + len(content) > MAX_BYTES:
            raise TransferFailed("local_limit", f"images of more than {MAX_BYTES} bytes are not kept")
        self._images[station_id, name] = _Image(content)

    async def publish(self, station_id: str, name: str, file_name: str) -> str:
        """Serve what was kept; its address. Raises TransferFailed ``not_found`` or ``local_limit``."""
        image = self._images.get((station_id, name))
        if image is None:
            raise TransferFailed("not_found", "nothing was kept under this name")
        if self._runner is None:
            await self._start()
        image.served = True
        return f"http://{HOST}:{self._port}/{quote(station_id, safe='')}/{name}/{quote(file_name, safe='')}"

    def unpublish(self, station_id: str, name: str) -> None:
        """Forget an image. Raises TransferFailed ``busy`` while somebody is fetching it."""
        image = self._images.get((station_id, name))
        if image is not None and image.readers:
            raise TransferFailed("busy", f"{image.readers} are fetching it")
        self._images.pop((station_id, name), None)

    async def close(self) -> None:
        """Forget everything and close the port."""
        self._images.clear()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _start(self) -> None:
        app = web.Application()
        app.router.add_get("/{station}/{name}/{file}", self._get)
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=STOP_S)
        await runner.setup()
        try:
            await web.TCPSite(runner, HOST, 0).start()
        except OSError as error:
            await runner.cleanup()
            raise TransferFailed("local_limit", f"no port for what is published: {error.strerror}") from None
        self._runner, self._port = runner, runner.addresses[-1][1]

    async def _get(self, request: web.Request) -> web.StreamResponse:
        image = self._images.get((request.match_info["station"], request.match_info["name"]))
        if image is None or not image.served:
            raise web.HTTPNotFound
        response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
        response.content_length = len(image.content)
        await response.prepare(request)
        if request.method == "HEAD":
            return response
        image.readers += 1
        try:
            with contextlib.suppress(ConnectionError):  # gone before the end
                for begin in range(0, len(image.content), CHUNK_BYTES):
                    await response.write(image.content[begin : begin + CHUNK_BYTES])
                await response.write_eof()
        finally:
            image.readers -= 1
        return response
