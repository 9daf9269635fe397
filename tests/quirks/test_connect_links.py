"""How a connection is lost, given up and opened again, with and without."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from simulator.core import inputs as i
from simulator.core.records import Connected
from simulator.quirks import connect_links
from simulator.quirks.port import QuirkPort
from tests.quirks.rig import Bench, build, compare


def connects(b: Bench) -> list[int]:
    """When links opened, in seconds."""
    return [now // 1_000_000 for now, _, record in b.fleet.records if isinstance(record, Connected)]


def lost(b: Bench, wait_s: float) -> list[int]:
    """The server hangs up once; when connections opened."""
    b.boot().disturbed = True
    link, b.fleet.paths[0].link = b.fleet.paths[0].link, 0
    b.feed(i.LinkDown(link, "closed", 1012), wait_s)
    return connects(b)


def test_never_again() -> None:
    b = compare("ws-no-reconnect", lambda b: len(lost(b, 600)), without=2, with_=1)
    assert b.station.link.given_up and connect_links.NoReconnect.name == "ws-no-reconnect"
    b.feed(i.PowerOff(), 5).feed(i.PowerOn(), 60)
    assert len(connects(b)) == 2, "a restart helps"


def test_a_dial_that_fails_is_repeated_all_the_same() -> None:
    b = Bench(build("ws-no-reconnect"))
    b.fleet.cut(b.station)
    b.boot(100)
    b.fleet.mend(b.station)
    b.run(100)
    assert len(connects(b)) == 1


def test_many_minutes() -> None:
    def within(low: int, high: int) -> Callable[[list[int]], bool]:
        return lambda found: len(found) == 2 and low <= found[1] <= high

    compare("ws-slow-reconnect", lambda b: lost(b, 1_500), without=within(5, 20), with_=within(365, 1_150))


def test_refused_ones_are_repeated_soon() -> None:
    b = Bench(build("ws-slow-reconnect"))
    b.fleet.paths[0].refuse = "refused"
    b.boot(35)
    assert [round(at / 1e6) for at, _ in b.dials] == [0, 10, 20, 30]


def test_keys_of_its_own() -> None:
    def scenario(b: Bench) -> list[int]:
        b.boot()
        for key, value in (
            ("ReconnectInterval", "20"),
            ("ReconnectExpBackOffMax", "60"),
            ("ReconnectRandomRange", "0"),
        ):
            b.ask("ChangeConfiguration", key=key, value=value)
        b.disturbed = True
        b.fleet.cut(b.station)
        b.fleet.paths[0].cut, b.fleet.paths[0].refuse = False, "refused"
        b.run(200)
        times = [at / 1e6 for at, _ in b.dials[1:]]
        return [round(after - before) for before, after in pairwise(times)]

    compare(
        "reconnect-exponential-vendor-keys", scenario,
        without=lambda found: len(found) == 4 and found == sorted(found), with_=[40, 60, 60],
    )  # fmt: skip


def test_keys_that_hold_no_numbers() -> None:
    b = Bench(build("reconnect-exponential-vendor-keys")).boot()
    b.ask("ChangeConfiguration", key="ReconnectInterval", value="often")
    quirk = b.station.model.quirks[0]
    assert QuirkPort(b.station, quirk).vendor_key("ReconnectInterval") == "often"
    assert QuirkPort(b.station, quirk).vendor_key("NoSuchKey") == ""
    wait_us = quirk.redial(b.station, 5, True)
    assert 1_000_000 <= wait_us < 11_000_000


def test_a_loop_after_the_server_has_gone() -> None:
    def scenario(b: Bench) -> int:
        return len(lost(b, 60))

    b = compare("ws-reconnect-loop-after-csms-restart", scenario, without=2, with_=lambda n: n > 12)
    b.feed(i.PowerOff(), 5).feed(i.PowerOn(), 60)
    count = len(connects(b))
    b.run(60)
    assert len(connects(b)) == count, "a restart helps"


def test_gone_after_the_set_up() -> None:
    def scenario(b: Bench) -> list[int]:
        b.boot()
        b.ask("ChangeAvailability", connectorId=0, type="Operative")
        b.run(60)
        return connects(b)

    compare("ws-drop-after-setup", scenario, without=[0], with_=lambda found: len(found) == 2 and found[1] >= 15)


def test_too_many_triggers() -> None:
    def scenario(b: Bench) -> int:
        b.boot()
        for _ in range(4):
            b.ask("TriggerMessage", requestedMessage="MeterValues")
            b.run(10)
        return len(connects(b))

    compare("ws-dies-under-trigger-load", scenario, without=1, with_=2, params={"triggers": 3})


def test_a_ping_of_the_server() -> None:
    def scenario(b: Bench) -> int:
        b.boot()
        b.fleet.ping(b.station)
        b.run(30)
        return len(connects(b))

    compare("ws-server-ping-kills-link", scenario, without=1, with_=2)


def test_nobody_hears_that_it_has_gone() -> None:
    def scenario(b: Bench) -> tuple[list[str], int]:
        b.boot().disturbed = True
        b.ask("Reset", type="Soft")
        b.run(130)
        pings = [key["value"] for key in b.ask("GetConfiguration", key=["WebSocketPingInterval"])["configurationKey"]]
        return [how for _, how, _ in b.hangups], int(pings[0])

    compare("ws-dead-peer-undetected", scenario, without=(["close"], 60), with_=(["vanish"], 0))


def test_after_a_week_it_gives_up() -> None:
    def scenario(b: Bench) -> int:
        b.boot().disturbed = True
        b.fleet.cut(b.station)
        b.run(3_000)
        b.fleet.mend(b.station)
        b.run(400)
        return len(connects(b))

    params = {"days": 1_000 / 86_400}
    b = compare("boot-retry-gives-up", scenario, without=2, with_=1, params=params)
    b.feed(i.PowerOff(), 5).feed(i.PowerOn(), 60)
    assert len(connects(b)) == 2, "a restart helps"


def test_a_time_without_a_fraction() -> None:
    def scenario(b: Bench) -> bool:
        b.csms.script["BootNotification"] = lambda csms, _: {
            "status": "Accepted", "currentTime": csms.time()[:19] + "Z", "interval": 300,
        }  # fmt: skip
        b.boot(60)
        return len(connects(b)) > 1

    compare("boot-conf-time-needs-fraction", scenario, without=False, with_=True)
    b = Bench(build("boot-conf-time-needs-fraction")).boot(60)
    assert len(connects(b)) == 1, "with one it is content"
