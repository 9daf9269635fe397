"""The executor: turns and their bounds, keys, ways that are not real; hosts, redirects, and TLS from the first byte."""

import asyncio
import json
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography import x509

from simulator.csms.files import DEMO_NAME, FileServer
from simulator.fleet import jobs
from simulator.fleet.transfers import ftp, http
from simulator.fleet.transfers.limits import Hosts, TransferFailed
from simulator.fleet.transfers.place import place_of
from tests.fleet.loopback import Run
from tests.fleet.transfer_rig import desk, lookup, server, setup_of

pytestmark = pytest.mark.live

FAR = {"max_bytes": 10**6, "roots": ""}


@asynccontextmanager
async def answering(handler: Any) -> AsyncIterator[str]:
    """A web server with one handler; its address."""
    runner = web.ServerRunner(web.Server(handler), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def test_only_so_many_at_once_and_each_has_its_turn(run: Run) -> None:
    async def scenario() -> None:
        inside, most = 0, 0

        async def slow(request: web.BaseRequest) -> web.Response:
            nonlocal inside, most
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.02)
            inside -= 1
            return web.Response(body=b"x")

        async with answering(slow) as base, desk(setup_of(transfers={"at_once": 3})) as bench:
            numbers = [bench.start("download", url=f"{base}/a", **FAR) for _ in range(12)]
            assert (bench.executor.running, bench.executor.waiting) == (3, 9)
            del bench.seat.station.jobs[numbers[5]]  # forgotten while it waits: it never begins
            for number in numbers[:5] + numbers[6:]:
                assert (await bench.end(number)).ok
            assert most == 3 and len(bench.fed) == 11

    run(scenario())


def test_the_queue_has_an_end_in_length_and_in_time(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "QUEUE_MAX", 2)
    monkeypatch.setattr(jobs, "QUEUE_S", 0.1)

    async def scenario() -> None:
        go = asyncio.Event()

        async def stuck(request: web.BaseRequest) -> web.Response:
            await go.wait()
            return web.Response(body=b"x")

        async with answering(stuck) as base, desk(setup_of(transfers={"at_once": 1})) as bench:
            first, *waiting, beyond = [bench.start("download", url=f"{base}/a", **FAR) for _ in range(4)]
            assert (await bench.end(beyond)).result["cause"] == "busy"
            for number in waiting:
                end = await bench.end(number)
                assert end.result == {"cause": "busy", "detail": "no turn within 0.1 s"}
            go.set()
            assert (await bench.end(first)).ok

    run(scenario())


def test_simulated_takes_the_time_of_the_modem_and_no_network(run: Run) -> None:
    async def scenario() -> None:
        async with desk(setup_of(transfers={"mode": "simulated"}, speed=1_000.0)) as bench:
            modem = bench.seat.station.board
            modem.inject("narrow", "modem.narrow", 0, {"bandwidth_kb_s": 5.0}, 0)
            begin_s = asyncio.get_running_loop().time()
            end = await bench.download("http://far.example/fw-1.2.3.bin")
            assert end.ok and end.result["bytes"] == 1_000_000 and end.result["file_name"] == "fw-1.2.3.bin"
            assert 0.2 <= asyncio.get_running_loop().time() - begin_s < 0.5  # 200 s at 5 kB/s, a thousand times as fast
            assert (await bench.upload("ftp://far.example/")).ok
            assert (await bench.download("gopher://far.example/a")).result["cause"] == "unsupported"
            modem.inject("outage", "modem.outage", 0, {}, 0)
            assert (await bench.upload("ftp://far.example/")).result["cause"] == "broken"

    run(scenario())


@pytest.mark.parametrize("threads", [True, False])
def test_keys_and_certificates(run: Run, threads: bool) -> None:
    async def scenario() -> None:
        made = setup_of(threads=threads)
        async with desk(made) as bench:
            for algorithm in ("EC-P256", "RSA-2048"):
                args = {"key": f"one/{algorithm}", "subject": {"CN": "CP1", "O": "Op"}, "algorithm": algorithm}
                end = await bench.end(bench.start("make_csr", **args))
                assert end.ok and end.result["key"] in made.keystore
                request = x509.load_pem_x509_csr(end.result["csr"].encode())
                assert request.is_signature_valid
            end = await bench.end(bench.start("inspect_certificate", pem="none"))
            assert (end.ok, end.result["cause"]) == (False, "unreadable")
            end = await bench.end(bench.start("probe", url="x"))
            assert (end.ok, end.result["cause"]) == (False, "unsupported")

    run(scenario())


def test_hosts_are_the_targets_and_this_machine() -> None:
    async def allowed(host: str, *names: str) -> str:
        try:
            return ",".join(await Hosts(("csms.example", *names), lookup).addresses(host))
        except TransferFailed as failed:
            return failed.cause

    async def scenario() -> None:
        assert await allowed("CSMS.example.") == "127.0.0.1" == await allowed("localhost")
        assert await allowed("::1") == "::1" and await allowed("127.9.9.9") == "127.9.9.9"
        assert await allowed("far.example") == "host_not_allowed" == await allowed("192.0.2.7")
        assert await allowed("far.example", "FAR.example") == "192.0.2.7"
        assert await allowed("192.0.2.7", "far.example") == "192.0.2.7"  # its address in numbers
        assert await allowed("far.example", "192.0.2.7") == "192.0.2.7"
        assert await allowed("nowhere.example") == "dns"
        assert await allowed("192.0.2.8", "nowhere.example") == "host_not_allowed"

    asyncio.run(scenario())


def test_redirects_are_followed_within_what_is_allowed(run: Run) -> None:
    async def scenario() -> None:
        got: list[tuple[str, str, bytes]] = []

        async def handler(request: web.BaseRequest) -> web.Response:
            got.append((request.method, request.path, await request.read()))
            to = {"/far": "http://192.0.2.7/x", "/ftp": "ftp://127.0.0.1/x", "/loop": "/loop", "/bad": "http://["}
            if request.path in to:
                return web.Response(status=307, headers={"Location": to[request.path]})
            if request.path == "/mute":
                return web.Response(status=302)
            if request.path == "/one":
                return web.Response(status=308, headers={"Location": "/two?x=1"})
            return web.Response(body=b"y" * 10)

        async with answering(handler) as base, desk() as bench:
            assert (await bench.download(f"{base}/one")).result["bytes"] == 10
            assert (await bench.upload(f"{base}/one", b"z")).ok
            assert got[-2:] == [("PUT", "/one", b"z"), ("PUT", "/two", b"z")]
            fixed = {"url": f"{base}/one", "file_name": "a.log", "content": b"z", "roots": "", "redirects": False}
            end = await bench.end(bench.start("upload", **fixed))
            assert (end.ok, end.result["cause"], got[-1][1]) == (False, "http_status", "/one")
            for path, cause in {
                "far": "host_not_allowed", "ftp": "unsupported", "loop": "http_status", "bad": "bad_url",
                "mute": "http_status",
            }.items():  # fmt: skip
                for end in (await bench.download(f"{base}/{path}"), await bench.upload(f"{base}/{path}")):
                    assert (end.ok, end.result["cause"]) == (False, cause), path

    run(scenario())


def test_a_body_without_a_length_is_bounded_and_a_short_one_is_broken(run: Run) -> None:
    async def scenario() -> None:
        async def handler(request: web.BaseRequest) -> web.StreamResponse:
            response = web.StreamResponse()
            if request.path == "/short":
                response.content_length = 100
            await response.prepare(request)
            await response.write(b"x" * 50)
            if request.path == "/long":
                for _ in range(100):
                    await response.write(b"x" * 1_000)
            elif request.transport is not None:
                request.transport.close()
            return response

        async with answering(handler) as base, desk() as bench:
            assert (await bench.download(f"{base}/long", 5_000)).result["cause"] == "too_large"
            assert (await bench.download(f"{base}/short", 5_000)).result["cause"] == "broken"

    run(scenario())


def test_statuses_have_their_causes(run: Run) -> None:
    async def scenario() -> None:
        async def handler(request: web.BaseRequest) -> web.Response:
            return web.Response(status=int(request.path[1:]))

        causes = {403: "permission", 407: "auth", 410: "not_found", 413: "too_large", 503: "http_status"}
        async with answering(handler) as base, desk() as bench:
            for status, cause in causes.items():
                end = await bench.upload(f"{base}/{status}")
                assert end.result["cause"] == cause and str(status) in end.result["detail"]

    run(scenario())


def test_implicit_ftps_speaks_tls_at_once(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server of few words: TLS from the first byte, then what a download needs."""

    async def scenario() -> None:
        said: list[str] = []
        maker = FileServer()
        pem = maker._certificates(tmp_path)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)

        async def data(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"image")
            writer.close()

        passive = await asyncio.start_server(data, "127.0.0.1", 0, ssl=context)
        answers = {
            "PBSZ": "200 ok", "PROT": "200 ok", "USER": "331 password", "PASS": "230 in", "TYPE": "200 ok",
            "SIZE": "213 5", "EPSV": f"229 go (|||{passive.sockets[0].getsockname()[1]}|)",
            "RETR": "150 here\r\n226 done",
        }  # fmt: skip

        async def control(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"220 hello\r\n")
            while line := (await reader.readline()).decode():
                said.append(line.split()[0])
                writer.write(answers[said[-1]].encode() + b"\r\n")
            writer.close()

        listener = await asyncio.start_server(control, "127.0.0.1", 0, ssl=context)
        port = listener.sockets[0].getsockname()[1]
        monkeypatch.setattr(ftp, "IMPLICIT_FTPS", port)
        async with desk() as bench:
            end = await bench.download(f"ftps://u:p@localhost:{port}/a", roots=maker.ca_pem)
            assert end.ok and end.result["bytes"] == 5, end
            assert said == ["PBSZ", "PROT", "USER", "PASS", "TYPE", "SIZE", "TYPE", "EPSV", "RETR"]
        listener.close()
        passive.close()

    run(scenario())


BESIDE_GEVENT = """
import gevent.monkey
gevent.monkey.patch_all()
import json, sys, time
import gevent, uvloop
from tests.fleet.transfer_rig import desk, setup_of

files, done = json.loads(sys.argv[1]), []

async def main():
    async with desk(setup_of(files["ca"], threads=False)) as bench:
        for scheme, base in files["urls"].items():
            end = await bench.download(f"{base}/firmware/{files['firmware'][0]['name']}")
            if scheme == "sftp":  # its library needs a thread
                assert end.result["cause"] == "unsupported", end
                continue
            assert end.ok and end.result["sha256"] == files["firmware"][0]["sha256"], end
            base = base.replace("//", f"//{files['user']}:{files['password']}@")
            end = await bench.upload(f"{base}/uploads/")
            assert end.ok, end
            done.append(scheme)

def run():
    try:
        uvloop.new_event_loop().run_until_complete(main())
    finally:
        done.append("over")

gevent.monkey.get_original("_thread", "start_new_thread")(run, ())
deadline = time.monotonic() + 8
while "over" not in done and time.monotonic() < deadline:
    gevent.sleep(0.02)
assert done == ["http", "https", "ftp", "ftps", "over"], done
"""


def test_transfers_beside_gevent_need_no_thread_of_their_own(tmp_path: Path) -> None:
    """As under Locust: a patched process, the loop in a real thread (no executor, no patched lock or socket)."""

    async def scenario() -> None:
        async with server(tmp_path / "files") as files:
            described = json.dumps(files.describe())
            child = await asyncio.create_subprocess_exec(
                sys.executable, "-W", "ignore", "-c", BESIDE_GEVENT, described, stderr=asyncio.subprocess.PIPE
            )
            _, said = await asyncio.wait_for(child.communicate(), 20)
            assert child.returncode == 0 and said == b"", said.decode()

    asyncio.run(scenario())


def test_what_this_machine_lacks_is_its_own_fault() -> None:
    assert http.failure_of(OSError(24, "Too many open files"), place_of("http://h/"), None).cause == "local_limit"  # type: ignore[arg-type]


def test_ftp_keeps_a_password_out_of_what_the_server_says(run: Run, tmp_path: Path) -> None:
    async def scenario() -> None:
        async def control(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"220 hello\r\n")
            while line := (await reader.readline()).decode():
                writer.write(b"331 go on\r\n" if line.startswith("USER") else f"530 not {line}".encode())
            writer.close()

        listener = await asyncio.start_server(control, "127.0.0.1", 0)
        async with server(tmp_path / "files"), desk() as bench:
            end = await bench.download(
                f"ftp://u:hush-hush@127.0.0.1:{listener.sockets[0].getsockname()[1]}/{DEMO_NAME}"
            )
            assert end.result["cause"] == "auth" and "hush" not in str(end.result) and "530" in end.result["detail"]
        listener.close()

    run(scenario())
