"""A replay on a socket against a hand-made CSMS: links that go, and how the CSMS is dialled."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from simulator.fleet.target import make_target
from simulator.profile.compiled import compile_profile
from simulator.replay import live
from simulator.replay.live import Ended, LiveReplay, dial_of
from simulator.replay.player import Player
from simulator.replay.report import report
from simulator.traces.model import Mark, Trace
from tests.replay.rig import STATION, written
from tests.replay.test_capture import WHOLE
from tests.replay.test_player import beats, kinds, player_of

MODEL = compile_profile("generic/ac-single", "1.6")
Reply = Callable[[ServerConnection, str, int], Any]


def against(reply: Reply, trace: Trace, tmp_path: Path, **target: Any) -> tuple[Player, Ended, list[str]]:
    """``reply(connection, action, number of the link)`` gives a payload; None: nothing. What was called, in order."""
    player = player_of(trace, speed=200.0)
    called: list[str] = []
    links = 0

    async def handle(connection: ServerConnection) -> None:
        nonlocal links
        links += 1
        number = links
        async for text in connection:
            _, message_id, action, _ = json.loads(text)
            called.append(action)
            payload = reply(connection, action, number)
            if payload is not None:
                await connection.send(json.dumps([3, message_id, payload]))

    async def main() -> Ended:
        server = await serve(handle, "127.0.0.1", 0, subprotocols=[Subprotocol("ocpp1.6")], ping_interval=None)
        async with server:
            url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/{{id}}"
            spec = dial_of(make_target({"url": url, **target}, {}, base_dir=tmp_path), "NEW-1", "1.6", "x", MODEL)
            async with asyncio.timeout(20):
                return await LiveReplay(player, spec, station_id="NEW-1").play()

    return player, asyncio.run(main()), called


def sound(connection: ServerConnection, action: str, number: int) -> Any:
    answers = {
        "BootNotification": {"status": "Accepted", "currentTime": "2026-01-01T00:00:00Z", "interval": 60},
        "Heartbeat": {"currentTime": "2026-01-01T00:00:00Z"},
    }
    return answers[action]


def test_a_csms_that_hangs_up_is_dialled_again_and_the_rest_is_played(tmp_path: Path) -> None:
    def once(connection: ServerConnection, action: str, number: int) -> Any:
        if action == "Heartbeat" and number == 1:
            connection.transport.abort()
            return None
        return sound(connection, action, number)

    player, ended, called = against(once, written([*WHOLE[:2], *beats(3)]), tmp_path)
    assert called == ["BootNotification", "Heartbeat", "Heartbeat", "Heartbeat"]
    assert (ended.why, ended.dials, ended.opened) == ("", 2, 2)
    assert [row[:2] for row in kinds(player)] == [("no_answer", "Heartbeat")]


def test_a_csms_that_always_hangs_up_is_left_alone_at_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "BACK_OFF_S", 0.01)

    def never(connection: ServerConnection, action: str, number: int) -> Any:
        connection.transport.abort()

    player, ended, _ = against(never, written([*WHOLE[:2], *beats(1)]), tmp_path)
    assert ended.why.startswith(f"the CSMS hung up {live.MAX_DIALS} times in a row (")
    assert player.not_played == ["Heartbeat"]


def test_a_link_that_went_in_the_log_is_closed_and_opened_again(tmp_path: Path) -> None:
    trace = written([*WHOLE[:2], *beats(2)])
    trace.marks.append(Mark(line=4, what="closed", station=STATION, at_us=trace.frames[3].at_us))
    player, ended, called = against(sound, trace, tmp_path)
    assert called == ["BootNotification", "Heartbeat", "Heartbeat"]
    assert (ended.why, ended.dials, kinds(player)) == ("", 2, [])


def test_the_target_says_how_it_is_dialled(tmp_path: Path) -> None:
    target = make_target(
        {
            "url": "ws://csms.example/{id}",
            "subprotocols": ["extra"],
            "headers": {"X-A": "1"},
            "auth": {"password": "secret-word", "format": "text"},
        },
        {},
        base_dir=tmp_path,
    )
    spec = dial_of(target, "CP 1", "1.6", "x", MODEL)
    assert spec.url == "ws://csms.example/CP%201" and spec.subprotocols == ("ocpp1.6", "extra")
    assert spec.headers == (("X-A", "1"),) and spec.basic_auth == ("CP 1", b"secret-word")
    assert spec.ssl_context is None and spec.require_subprotocol
    secure = make_target({"url": "wss://csms.example/"}, {}, base_dir=tmp_path)
    assert dial_of(secure, "A", "1.6", "x", MODEL).ssl_context is not None


def test_an_interruption_is_nobodys_failure(tmp_path: Path) -> None:
    player = player_of(written([*WHOLE[:2], *beats(1)]))
    said: list[str] = []

    async def main() -> Ended:
        async def handle(connection: ServerConnection) -> None:
            async for text in connection:
                _, message_id, action, _ = json.loads(text)
                await connection.send(json.dumps([3, message_id, sound(connection, action, 1)]))
                asyncio.get_running_loop().call_later(0.05, replay.stop)

        async with await serve(handle, "127.0.0.1", 0, subprotocols=[Subprotocol("ocpp1.6")]) as server:
            url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/{{id}}"
            spec = dial_of(make_target({"url": url}, {}, base_dir=tmp_path), "NEW-1", "1.6", "x", MODEL)
            replay = LiveReplay(player, spec, station_id="NEW-1", say=said.append)
            replay._said_us = -int(live.SAY_S * 1e6)  # the first word is due at once
            async with asyncio.timeout(20):
                return await replay.play()

    ended = asyncio.run(main())
    data = report(
        player, ended, command="c", begin_us=0, station_id="NEW-1", profile="p", source={}, target="t"
    )  # fmt: skip
    assert (data["checks"][0]["verdict"], data["exit_code"]) == ("INCONCLUSIVE", 0)
    assert data["checks"][0]["sentence"] == "it was interrupted; 1 messages were not played"
    assert data["not_played"] == {"Heartbeat": 1}
    assert len(said) == 1 and "0 messages played, 2 to come" in said[0]
