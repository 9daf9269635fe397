"""Names are asked for once, spread over their addresses, and forgotten when those fail."""

from __future__ import annotations

import asyncio

import pytest

from simulator.fleet import resolver
from tests.fleet.loopback import Recorder, Run, Server, accept, make_transport

pytestmark = pytest.mark.live


def test_a_name_is_asked_for_once_and_its_addresses_are_tried_in_turn(run: Run) -> None:
    async def scenario() -> None:
        asked: list[str] = []

        async def resolve(host: str) -> list[str]:
            asked.append(host)
            await asyncio.sleep(0)
            if host == "gone.invalid":
                raise OSError("no such host")
            return ["127.0.0.9", "127.0.0.1"]  # nobody listens on the first

        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await accept(reader, writer)
            await reader.read()
            writer.close()

        async with Server(script) as server:
            made = make_transport(resolve=resolve)
            recs = [Recorder() for _ in range(20)]
            for rec in recs:
                made.open(server.dial(url=f"ws://csms.invalid:{server.port}/"), rec)
            for rec in recs:
                await rec.until("open")
            assert asked == ["csms.invalid"]
            gone = Recorder()
            made.open(server.dial(url="ws://gone.invalid/"), gone)
            cause, _, detail, _ = await gone.down()
            assert cause == "dns" and "gone.invalid" in detail and "no such host" in detail
            for url in (f"ws://127.0.0.1:{server.port}/", f"ws://localhost:{server.port}/"):
                rec = Recorder()
                made.open(server.dial(url=url), rec)
                await rec.until("open")
            assert asked == ["csms.invalid", "gone.invalid"]
            made.abort_all()

    run(scenario())


def test_the_resolver_spreads_forgets_and_stays_bounded(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        asked: list[str] = []

        async def resolve(host: str) -> list[str]:
            asked.append(host)
            return ["::1", "127.0.0.1", "::2"] if host == "mixed" else []

        r = resolver.Resolver(asyncio.get_running_loop(), resolve)
        orders = {tuple(address.host for address in await r.lookup("mixed")) for _ in range(4)}
        assert orders == {("::1", "::2", "127.0.0.1"), ("::2", "::1", "127.0.0.1")}
        r.forget("mixed")
        await r.lookup("mixed")
        assert asked == ["mixed"], "an answer this young is kept"
        monkeypatch.setattr(resolver, "RENEW_S", 0.0)
        r.forget("mixed")
        await r.lookup("mixed")
        assert asked == ["mixed", "mixed"]
        with pytest.raises(OSError, match="no address"):
            await r.lookup("nothing")
        monkeypatch.setattr(resolver, "MAX_HOSTS", 1)
        assert len(r._known) == 1 and not r._asking
        uncached = resolver.Resolver(asyncio.get_running_loop(), resolve, cache=False)
        for _ in range(3):
            await uncached.lookup("mixed")
        assert asked.count("mixed") == 5

    run(scenario())
