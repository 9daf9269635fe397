"""What local controllers publish on the live driver: fetched, served, fetched from there, and withdrawn."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest

from simulator.core.inputs import JobDone
from simulator.csms.files import DEMO_NAME, demo_image
from simulator.fleet.transfers import site
from simulator.fleet.transfers.limits import TransferFailed
from tests.fleet.loopback import Run
from tests.fleet.transfer_rig import Desk, desk, server, setup_of

pytestmark = pytest.mark.live

IMAGE = demo_image()
MD5 = hashlib.md5(IMAGE, usedforsecurity=False).hexdigest()


async def job(bench: Desk, kind: str, **args: object) -> JobDone:
    return await bench.end(bench.start(kind, **args))


def test_an_image_goes_from_server_to_controller_to_station(run: Run, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with server(tmp_path / "files") as files, desk() as bench:
            url = f"{files.base('http')}/firmware/{DEMO_NAME}"
            fetched = await job(bench, "download", url=url, max_bytes=10**6, roots="", keep=MD5)
            assert fetched.ok and fetched.result["md5"] == MD5 and fetched.result["bytes"] == len(IMAGE)
            served = await job(bench, "publish", name=MD5, file_name="a b.bin")
            (place,) = served.result["places"]
            assert served.ok and place.startswith("http://127.0.0.1:") and place.endswith(f"/CP1/{MD5}/a%20b.bin")
            there = await bench.download(place)
            assert there.ok and there.result["sha256"] == hashlib.sha256(IMAGE).hexdigest()
            for other in (place.replace("CP1", "CP2"), place.replace(MD5, "0" * 32)):
                assert (await bench.download(other)).result["cause"] == "not_found"
            assert (await job(bench, "unpublish", name=MD5)).ok
            assert (await bench.download(place)).result["cause"] == "not_found"
            assert (await job(bench, "publish", name=MD5, file_name="x")).result["cause"] == "not_found"

    run(scenario())


def test_it_stays_while_somebody_is_fetching_it(run: Run, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with server(tmp_path / "files") as files, desk() as bench:
            big = bytes(range(256)) * 40_000  # more than the buffers of a connection take
            (tmp_path / "files" / "firmware" / "big.bin").write_bytes(big)
            url = f"{files.base('http')}/firmware/big.bin"
            args = {"max_bytes": len(big), "roots": ""}
            assert not (await job(bench, "download", url=url, keep="big", **args)).ok  # the target allows 5 MB
        made = setup_of(transfers={"max_size": "20MB"})
        async with server(tmp_path / "files") as files, desk(made) as bench:
            bench.executor._limits = type(bench.executor._limits)(max_bytes=20_000_000)
            url = f"{files.base('http')}/firmware/big.bin"
            assert (await job(bench, "download", url=url, keep="big", **args)).ok
            (place,) = (await job(bench, "publish", name="big", file_name="big.bin")).result["places"]
            host, port = place.split("/")[2].split(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(f"GET /{place.split('/', 3)[3]} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            await reader.readexactly(100)
            refused = await job(bench, "unpublish", name="big")
            assert (refused.ok, refused.result["cause"]) == (False, "busy")
            writer.close()
            while not (await job(bench, "unpublish", name="big")).ok:
                await asyncio.sleep(0.01)

    run(scenario())


@pytest.mark.parametrize("mode", ["headers-only", "simulated"])
def test_what_is_not_fetched_cannot_be_published(run: Run, mode: str) -> None:
    async def scenario() -> None:
        async with desk(setup_of(transfers={"mode": mode})) as bench:
            end = await job(bench, "download", url="http://127.0.0.1:9/x", max_bytes=9, roots="", keep=MD5)
            assert end.result["cause"] == "unsupported" and "transfers.mode" in end.result["detail"]
            assert (await job(bench, "unpublish", name=MD5)).result["cause"] == "not_found"

    run(scenario())


def test_only_so_much_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "MAX_BYTES", 10)
    kept = site.Site()
    kept.keep("A", "x", b"1234567890")
    kept.keep("A", "x", b"0987654321")  # in its own place
    with pytest.raises(TransferFailed, match="local_limit"):
        kept.keep("B", "x", b"1")
    kept.unpublish("A", "x")
    kept.keep("B", "x", b"1")
