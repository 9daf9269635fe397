"""Uploads and downloads over all protocols against the file server of the reference CSMS: ends, causes, limits."""

import asyncio
import hashlib
import socket
from pathlib import Path

import pytest

from simulator.core.inputs import JobProgress
from simulator.csms.files import DEMO_BYTES, DEMO_NAME, SCHEMES, demo_image
from simulator.fleet.transfers.limits import Limits, TransferFailed
from simulator.fleet.transfers.place import place_of
from simulator.fleet.transfers.sftp import Sftp
from tests.fleet.loopback import Run
from tests.fleet.transfer_rig import Desk, desk, server, setup_of

pytestmark = pytest.mark.live

IMAGE = demo_image()
WAYS = [(scheme, way) for scheme in SCHEMES for way in ("download", "upload")]


async def attempt(bench: Desk, way: str, base: str, **more: str) -> tuple[bool, str]:
    """One attempt at the usual place; whether it went well, and its cause if not."""
    if way == "download":
        end = await bench.download(f"{base}/firmware/{DEMO_NAME}", **more)  # type: ignore[arg-type]
    else:
        end = await bench.upload(f"{base}/uploads/", **more)  # type: ignore[arg-type]
    assert "secret-word" not in str(end.result)
    return end.ok, end.result.get("cause", "")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_file_comes_and_a_log_goes(run: Run, tmp_path: Path, scheme: str) -> None:
    async def scenario() -> None:
        async with server(tmp_path / "files") as files, desk(setup_of(files.ca_pem)) as bench:
            end = await bench.download(f"{files.base(scheme)}/firmware/{DEMO_NAME}?key=1")
            assert end.ok and end.result == {
                "bytes": DEMO_BYTES,
                "sha256": hashlib.sha256(IMAGE).hexdigest(),
                "head": IMAGE[:256].hex(),
                "file_name": DEMO_NAME,
            }, end
            log = bytes(range(256)) * 250
            for number, place in enumerate(("uploads/", "uploads", "uploads/other.log")):
                end = await bench.upload(f"{files.base(scheme, login=True)}/{place}", log[number:])
                assert end.ok and end.result == {"bytes": len(log) - number}, end
                name = "other.log" if "other" in place else "CP1_diagnostics.log"
                assert (tmp_path / "files" / "uploads" / name).read_bytes() == log[number:]
            assert bench.executor.running == 0

    run(scenario())


@pytest.mark.parametrize(("scheme", "way"), WAYS)
def test_what_goes_wrong_has_its_cause(run: Run, tmp_path: Path, scheme: str, way: str) -> None:
    async def scenario() -> None:
        async with server(tmp_path / "files") as files, desk(setup_of(files.ca_pem)) as bench:
            base = files.base(scheme, login=True)
            wrong = base.replace("secret-word", "other")
            assert await attempt(bench, way, wrong) == (False, "auth")
            nobody = await attempt(bench, way, files.base(scheme))
            assert nobody == ((True, "") if way == "download" else (False, nobody[1]))
            assert nobody[1] in ("", "auth", "permission")
            for faults, causes in (
                ({"wrong_password": True}, {"auth"}),
                ({"status": 404}, {"not_found"}),
                ({"status": 500}, {"http_status"} if "http" in scheme else {"broken"}),
                ({"break_after_bytes": 900}, {"broken"}),
            ):
                files.store.faults = type(files.store.faults)(**faults)  # type: ignore[arg-type]
                ok, cause = await attempt(bench, way, base)
                assert not ok and cause in causes, (faults, cause)
            files.store.faults = type(files.store.faults)()
            assert await attempt(bench, way, base) == (True, "")
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        async with desk() as bench:
            assert await attempt(bench, way, f"{scheme}://127.0.0.1:{port}") == (False, "refused")
            assert await attempt(
                bench,
                way,
                f"{scheme}://csms.example:{port}",
            ) != (True, "")
            assert await attempt(bench, way, f"{scheme}://far.example:{port}") == (False, "host_not_allowed")
            assert await attempt(bench, way, f"{scheme}://192.0.2.9") == (False, "host_not_allowed")
            assert await attempt(bench, way, f"{scheme}://nowhere.example") == (False, "dns")

    run(scenario())


@pytest.mark.parametrize("scheme", ["https", "ftps"])
@pytest.mark.parametrize("way", ["download", "upload"])
def test_the_server_must_be_the_one_that_is_trusted(run: Run, tmp_path: Path, scheme: str, way: str) -> None:
    async def scenario() -> None:
        async with server(tmp_path / "a") as files, server(tmp_path / "b") as other, desk() as bench:
            base = files.base(scheme, login=True)
            assert await attempt(bench, way, base) == (False, "tls")  # the system does not know the root
            assert await attempt(bench, way, base, roots=other.ca_pem) == (False, "tls")
            assert await attempt(bench, way, base, roots="no certificate") == (False, "tls")
            assert await attempt(bench, way, base, roots=files.ca_pem) == (True, "")
            strange = base.replace("127.0.0.1", "csms.example")  # an address that is not in the certificate
            assert await attempt(bench, way, strange, roots=files.ca_pem) == (False, "tls")
            plain = base.replace(f":{files._ports[scheme]}", f":{files._ports[scheme[:-1]]}")
            assert await attempt(bench, way, plain, roots=files.ca_pem) == (False, "tls")

    run(scenario())


@pytest.mark.parametrize("scheme", SCHEMES)
def test_too_large_is_said_and_not_taken(run: Run, tmp_path: Path, scheme: str) -> None:
    async def scenario() -> None:
        async with server(tmp_path / "files") as files:
            place = f"{files.base(scheme)}/firmware/{DEMO_NAME}"
            async with desk(setup_of(files.ca_pem)) as bench:
                end = await bench.download(place, DEMO_BYTES - 1)
                assert end.result["cause"] == "too_large" and str(DEMO_BYTES) in end.result["detail"]
                assert (await bench.download(place, DEMO_BYTES)).ok
            async with desk(setup_of(files.ca_pem, transfers={"max_size": "1000B"})) as bench:
                assert (await bench.download(place)).result["cause"] == "too_large"
                end = await bench.upload(f"{files.base(scheme, login=True)}/uploads/", b"x" * 1001)
                assert end.result["cause"] == "too_large"
                assert (await bench.upload(f"{files.base(scheme, login=True)}/uploads/", b"x" * 1000)).ok

    run(scenario())


@pytest.mark.parametrize(("scheme", "way"), WAYS)
def test_headers_only_moves_no_body(run: Run, tmp_path: Path, scheme: str, way: str) -> None:
    async def scenario() -> None:
        async with server(tmp_path / "files") as files:
            made = setup_of(files.ca_pem, transfers={"mode": "headers-only"})
            async with desk(made) as bench:
                base = files.base(scheme, login=True)
                assert await attempt(bench, way, base) == (True, "")
                assert await attempt(bench, way, base.replace("secret-word", "x")) == (False, "auth")
                end = await bench.download(f"{base}/firmware/{DEMO_NAME}")
                assert end.result == {"bytes": DEMO_BYTES, "sha256": "", "head": "", "file_name": DEMO_NAME}
                assert (await bench.download(f"{base}/firmware/none.bin")).result["cause"] == "not_found"
                assert (await bench.download(f"{base}/firmware/{DEMO_NAME}", 100)).result["cause"] == "too_large"
            assert not list((tmp_path / "files" / "uploads").iterdir())

    run(scenario())


@pytest.mark.parametrize(("scheme", "way"), WAYS)
def test_a_narrow_modem_is_narrow_and_a_slow_server_is_waited_for(
    run: Run, tmp_path: Path, scheme: str, way: str
) -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        async with server(tmp_path / "files") as files, desk(setup_of(files.ca_pem)) as bench:
            inject(bench, "modem.narrow", bandwidth_kb_s=200.0)
            begin_s = loop.time()
            if way == "download":
                assert (await bench.download(f"{files.base(scheme)}/firmware/{DEMO_NAME}")).ok
            else:
                assert (await bench.upload(f"{files.base(scheme, login=True)}/uploads/", IMAGE)).ok
            assert loop.time() - begin_s > 0.9 * DEMO_BYTES / 200_000

    run(scenario())


@pytest.mark.parametrize(("fault", "cause"), [("modem.outage", "broken"), ("modem.half_open", "timeout")])
@pytest.mark.parametrize("way", ["download", "upload"])
@pytest.mark.parametrize("scheme", ["http", "ftp"])
def test_a_modem_that_fails_ends_the_transfer(
    run: Run, tmp_path: Path, scheme: str, way: str, fault: str, cause: str
) -> None:
    async def scenario() -> None:
        limits = Limits(connect_s=1.0, idle_s=0.3)
        async with server(tmp_path / "files") as files, desk(setup_of(files.ca_pem, limits=limits)) as bench:
            inject(bench, "modem.narrow", bandwidth_kb_s=40.0)
            base = files.base(scheme, login=True)
            if way == "download":
                number = bench.start("download", url=f"{base}/firmware/{DEMO_NAME}", max_bytes=10**6, roots="")
            else:
                number = bench.start("upload", url=f"{base}/uploads/", file_name="a.log", content=IMAGE, roots="")
            await asyncio.sleep(0.6)
            inject(bench, fault)
            end = await bench.end(number)
            assert (end.ok, end.result["cause"]) == (False, cause), end
            await asyncio.sleep(0.1)
            assert not (tmp_path / "files" / "uploads" / "a.log").exists()

    run(scenario())


def test_a_transfer_that_is_forgotten_is_dropped_and_nobody_is_told(run: Run, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with server(tmp_path / "files") as files, desk() as bench:
            inject(bench, "modem.narrow", bandwidth_kb_s=10.0)
            url = f"{files.base('http')}/firmware/{DEMO_NAME}"
            number = bench.start("download", url=url, max_bytes=10**6, roots="")
            await asyncio.sleep(0.2)
            del bench.seat.station.jobs[number]
            while bench.executor.running:
                await asyncio.sleep(0.02)
            assert not bench.fed
            bench.start("download", url=url, max_bytes=10**6, roots="")
            await asyncio.sleep(0.1)
            await bench.executor.close()
            assert not bench.fed and not bench.executor.running

    run(scenario())


def test_progress_is_told_at_most_once_a_second(run: Run, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with server(tmp_path / "files") as files, desk() as bench:
            inject(bench, "modem.narrow", bandwidth_kb_s=25.0)
            assert (await bench.download(f"{files.base('http')}/firmware/{DEMO_NAME}")).ok
            told = [event for event in bench.fed if isinstance(event, JobProgress)]
            assert len(told) in (1, 2) and all(0 < one.done < one.total == DEMO_BYTES for one in told)

    run(scenario())


def test_an_upload_over_sftp_that_breaks_leaves_nothing(run: Run, tmp_path: Path) -> None:
    async def scenario() -> None:
        uploads = tmp_path / "files" / "uploads"
        async with server(tmp_path / "files") as files, desk() as bench:
            inject(bench, "modem.narrow", bandwidth_kb_s=200.0)
            url = f"{files.base('sftp', login=True)}/uploads/a.log"
            number = bench.start("upload", url=url, file_name="x", content=IMAGE, roots="")
            while not list(uploads.iterdir()):
                await asyncio.sleep(0.01)
            inject(bench, "modem.outage")
            end = await bench.end(number)
            assert (end.ok, end.result["cause"]) == (False, "broken"), end
            while list(uploads.iterdir()):
                await asyncio.sleep(0.01)
        assert isinstance(bench.executor._protocols["sftp"], Sftp)

    run(scenario())


def test_where_no_thread_may_be_used_there_is_no_sftp(run: Run) -> None:
    async def scenario() -> None:
        async with desk(setup_of(threads=False)) as bench:
            end = await bench.download("sftp://127.0.0.1:9/firmware/a.bin")
            assert (end.ok, end.result["cause"]) == (False, "unsupported") and "load tests" in end.result["detail"]

    run(scenario())


def test_a_server_that_falls_silent_is_not_waited_for_for_ever(run: Run, tmp_path: Path) -> None:
    async def scenario() -> None:
        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()

        listener = await asyncio.start_server(silent, "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        async with desk(setup_of(limits=Limits(connect_s=0.2, idle_s=0.2))) as bench:
            for scheme in SCHEMES:
                assert await attempt(bench, "download", f"{scheme}://127.0.0.1:{port}") == (False, "timeout")
        listener.close()

    run(scenario())


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        ("", "bad_url"),
        ("no address", "bad_url"),
        ("http://", "bad_url"),
        ("http://h:99999/a", "bad_url"),
        ("http://h:0/a", "bad_url"),
        ("http://h/a b", "bad_url"),
        ("http://h/%0d%0aDELE", "bad_url"),
        ("ftp://u%0d%0aDELE:p@h/", "bad_url"),
        ("http://h/" + "x" * 2_000, "bad_url"),
        ("http://[fe80::1%25eth0]/", "bad_url"),
        ("http://a..b/", "bad_url"),
        ("scp://h/a", "unsupported"),
        ("file:///etc/passwd", "unsupported"),
    ],
)
def test_addresses_that_cannot_be_used(url: str, cause: str) -> None:
    with pytest.raises(TransferFailed) as caught:
        place_of(url)
    assert caught.value.cause == cause and "%0d" not in caught.value.detail


def test_an_address_is_shown_without_its_secrets() -> None:
    place = place_of("HTTPS://me:s3%40cret@[::1]:8443/a%2Fb/c.bin?sig=k3y")
    assert (place.user, place.password, place.host, place.port) == ("me", "s3@cret", "::1", 8443)
    assert place.url == "https://[::1]:8443/a%2Fb/c.bin?sig=k3y"
    assert place.shown == "https://[::1]:8443/a%2Fb/c.bin?..." and place.name == "c.bin"
    assert "s3" not in repr(place) and place.within("x").path == place.path
    assert place_of("ftp://h").within("a b.log").path == "/a%20b.log"
    assert place.redirected("/d").password == "s3@cret" and place.redirected("https://h/d").password is None
    with pytest.raises(TransferFailed, match="without TLS"):
        place.redirected("http://h/d")


def inject(bench: Desk, name: str, **params: float) -> None:
    """A fault of the modem begins."""
    bench.seat.station.board.inject(name, name, 0, params, 0)
