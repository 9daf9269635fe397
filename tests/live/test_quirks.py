"""Quirks of the connection over real sockets: the CSMS sees what the product does, and a session works all the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.quirks import QUIRKS
from tests.live.rig import Stage, groups, perform, plan_of

pytestmark = pytest.mark.live

#: none of them keeps a sound CSMS from working, on any version
USED = ("http-probe-before-ws", "ws-origin-file-scheme", "ws-compression-option", "msgid-36-char-random")


def test_stations_with_ways_of_their_own_charge_as_others_do(tmp_path: Path) -> None:
    compressed: list[bool] = []

    async def play(stage: Stage) -> None:
        await stage.booted()
        compressed.extend(seat.conn._websocket._deflates for seat in stage.seats if seat.conn is not None)
        stage.plug_in()
        await stage.charged(1.0)
        await stage.done()

    assert all(name in QUIRKS for name in USED)
    played = perform(plan_of(tmp_path, groups(1, quirks=list(USED))), play)
    assert compressed == [True] * 3, "the reference CSMS agrees to compress"
    assert played.violations == []
    found = played.summary["transactions"]
    assert found["started"] == found["stopped"] == 3 and found["undelivered"] == 0
    assert all(verdict == "PASS" for verdict in played.verdicts().values()), played.verdicts()


def test_a_server_s_ping_ends_the_connection_and_the_station_comes_back(tmp_path: Path) -> None:
    async def play(stage: Stage) -> None:
        await stage.booted()
        links = [seat.link for seat in stage.seats]
        for seat in stage.seats:  # as if the bytes of a ping had come from the server
            assert seat.conn is not None
            seat.conn.data_received(b"\x89\x00")
        await stage.until(
            lambda: all(
                seat.link > old and seat.station.link.is_up for seat, old in zip(stage.seats, links, strict=True)
            ),
            "all have dialled again",
        )

    played = perform(plan_of(tmp_path, groups(1, quirks=["ws-server-ping-kills-link"])), play)
    assert played.summary["reconnects"] == 3
