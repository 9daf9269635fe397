"""What a station does when the network ends its connection or lets no dial through."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.core import inputs as i
from simulator.core import records as r
from simulator.core.effects import Dial, Hangup
from simulator.core.network import end_link
from simulator.hardware.network import Cut
from simulator.lab.checkers import Checkers
from tests.core.build import Rig, rig

QUICK = {"MessageTimeout": 5, "TransactionMessageRetryInterval": 5, "MeterValueSampleInterval": 5}


def ends(lab: Rig) -> list[tuple[str, int]]:
    return [(record.cause, record.code) for record in lab.records(r.Disconnected)]


@pytest.mark.parametrize(
    ("name", "params", "end", "hangup"),
    [
        ("network.reset", {}, ("reset", 0), Hangup(1, "reset")),
        ("network.closed", {"code_number": 1012}, ("closed", 1012), Hangup(1, "close", 1012)),
        ("network.address_change", {}, ("reset", 0), Hangup(1, "reset")),
    ],
)
def test_a_connection_ends_once_and_the_session_goes_on(
    name: str, params: dict[str, Any], end: tuple[str, int], hangup: Hangup
) -> None:
    lab, checkers, seen = rig("2.0.1", settings=QUICK), Checkers(), list[Any]()

    def watch(station: Any, event: Any, effects: list[Any], now: int) -> None:
        checkers.observe(station, event, effects, now)
        seen.extend(effects)

    lab.fleet._observer = watch
    lab.boot()
    lab.charge()
    lab.feed(i.Inject("f", name, 0, params))
    assert hangup in seen and ends(lab) == [end]
    lab.run(120)
    assert lab.station.link.is_up and ends(lab) == [end] and sum(isinstance(e, Dial) for e in seen) == 2
    lab.leave()
    lab.run(60)
    lab.feed(i.Clear("f"))
    assert checkers.finish([lab.station], lab.fleet.now) == []


def test_a_station_that_is_offline_has_nothing_to_lose() -> None:
    lab = rig("1.6")
    lab.feed(i.PowerOn(), i.Inject("f", "network.reset", 0, {}))
    lab.run(5)
    assert lab.station.link.is_up and ends(lab) == []
    before = lab.station.link.number
    end_link(lab.station, Cut("vanish"), lab.fleet.now)
    assert lab.station.link.is_up and lab.station.link.number == before, "it does not notice"


@pytest.mark.parametrize("version", ["1.6", "2.1"])
def test_a_lost_answer_makes_the_message_come_twice(version: str) -> None:
    lab = rig(version, settings=QUICK).boot()
    lab.charge()
    lab.feed(i.Inject("f", "network.answer_lost", 0, {}))
    lab.leave()
    lab.run(120)
    action = "StopTransaction" if version == "1.6" else "TransactionEvent"
    told = [seen.payload for seen in lab.csms.seen if seen.action == action and seen.kind == 2]
    twice = [payload for n, payload in enumerate(told) if any(same(payload, other) for other in told[n + 1 :])]
    assert len(twice) == 1 and ends(lab) == [("reset", 0)]
    assert lab.station.outbox.waiting() == 0


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return {**one, "offline": None} == {**other, "offline": None}


@pytest.mark.parametrize(("how", "end"), [("reset", "reset"), ("silent", "local_reset")])
def test_a_proxy_cuts_what_is_silent_for_a_minute(how: str, end: str) -> None:
    lab = rig("1.6", settings={"WebSocketPingInterval": 70, "HeartbeatInterval": 600}).boot(30)
    lab.feed(i.Inject("f", "network.idle_cut", 0, {"how": how}))
    lab.run(59)
    assert ends(lab) == []
    lab.run(100)
    assert ends(lab)[0][0] == end
    lab.feed(i.Clear("f"))
    lab.run(300)
    assert lab.station.link.is_up
    calm = rig("1.6", settings={"WebSocketPingInterval": 50, "HeartbeatInterval": 600}).boot(30)
    calm.feed(i.Inject("f", "network.idle_cut", 0, {"how": how}))
    calm.run(600)
    assert ends(calm) == [], "pings are traffic"


@pytest.mark.parametrize(
    ("name", "cause"),
    [("network.dns_failure", "dns"), ("network.tls_failure", "tls_server_cert"), ("network.unreachable", "refused")],
)
def test_nobody_gets_through_until_it_is_over(name: str, cause: str) -> None:
    lab = rig("2.0.1").boot()
    lab.feed(i.Inject("f", name, 0, {}))
    lab.run(10)
    assert lab.station.link.is_up, "who is connected stays so"
    lab.cut()
    lab.mend()
    lab.run(200)
    failures = lab.records(r.ConnectFailed)
    assert not lab.station.link.is_up and len(failures) >= 3 and {one.cause for one in failures} == {cause}
    assert len(lab.fleet.paths[0].dials) == 1, "the CSMS saw none of these"
    lab.feed(i.Clear("f"))
    lab.back()
    assert lab.station.gate == "accepted"


def test_delays_in_memory_keep_the_order_and_move_the_time() -> None:
    lab = rig("1.6").boot()
    plain_us = took(lab)
    lab.feed(i.Inject("f", "network.latency", 0, {"latency_ms": 400, "jitter_ms": 300}))
    assert plain_us + 800_000 <= took(lab) <= plain_us + 1_400_000
    lab.feed(i.Clear("f"), i.Inject("g", "network.slow_read", 0, {"pause_s": 6, "read_s": 0.1}))
    assert 5_000_000 < took(lab) <= 6_200_000
    lab.feed(i.Clear("g"))
    assert took(lab) == plain_us


def took(lab: Rig) -> int:
    """From a driver's token to the answer."""
    before = len(lab.records(r.CallFinished))
    token = f"NOBODY{before}"
    lab.csms.verdicts[token] = "Invalid"
    lab.feed(i.Present(token, 1))
    lab.run(20)
    (done,) = [c for c in lab.records(r.CallFinished)[before:] if c.action == "Authorize"]
    assert done.outcome == "ok"
    return int(done.took_us)
