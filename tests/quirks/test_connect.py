"""Quirks of the connection, on the wire, with and without."""

import re
from collections.abc import Callable

from simulator.core import inputs as i
from simulator.core.records import Connected
from simulator.core.settings import KEYS
from simulator.quirks import connect
from tests.quirks.rig import Bench, build, compare


def ids(b: Bench) -> list[str]:
    return [s.message_id for s in b.smoke().calls()]


def all_match(pattern: str, count: int = 8) -> Callable[[list[str]], bool]:
    return lambda found: len(found) > count and all(re.fullmatch(pattern, one) for one in found)


def test_seven_digits() -> None:
    assert connect.MessageIdSevenDigits.name == "msgid-short-numeric-leading-zero"
    none = lambda found: not any(re.fullmatch(r"\d+", one) for one in found)  # noqa: E731
    # with one digit they come again soon, as with seven they do in a long time
    params = {"digits": 1}
    compare("msgid-short-numeric-leading-zero", ids, without=none, with_=all_match(r"\d"), params=params)
    assert all_match(r"\d{7}")(ids(Bench(build("msgid-short-numeric-leading-zero"))))
    drawn = [Bench(build("msgid-short-numeric-leading-zero"), seed=s).boot().calls()[0].message_id for s in range(40)]
    assert any(one.startswith("0") for one in drawn) and len(set(drawn)) == 40


def test_compound() -> None:
    none = lambda found: not any(":" in one for one in found)  # noqa: E731
    compare("msgid-compound", ids, without=none, with_=all_match(r"36:\d+"))


def test_pretty_printed() -> None:
    def scenario(b: Bench) -> tuple[bool, bool]:
        b.smoke()
        b.ask("GetConfiguration", key=["HeartbeatInterval"])
        calls = [data for _, data in b.frames if data.startswith(b"[2")]
        results = [data for _, data in b.frames if data.startswith(b"[3")]
        return all(b"\n" in data for data in calls if not data.endswith(b"{}]")), all(b"\n" in d for d in results)

    compare("frame-pretty-printed-json", scenario, without=(False, False), with_=(True, True))


def test_pretty_printed_with_tabs() -> None:
    def scenario(b: Bench) -> set[bytes]:
        lines = [line for _, data in b.smoke().frames for line in data.split(b"\n")[1:]]
        return {line[: len(line) - len(line.lstrip())] for line in lines}

    with_ = lambda found: {b"\t", b"\t\t"} <= found and not any(b" " in one for one in found)  # noqa: E731
    compare("frame-pretty-printed-json", scenario, without=set(), with_=with_, params={"tabs": True})


def test_drop_after_heartbeat() -> None:
    def scenario(b: Bench) -> list[int]:
        b.boot().run(500)
        return [round(now / 1e6) for now, _, what in b.fleet.records if isinstance(what, Connected)]

    assert KEYS.get("HeartbeatInterval").default == 300
    with_ = lambda found: len(found) == 2 and 360 <= found[1] <= 375  # noqa: E731
    compare("ws-drop-after-heartbeat", scenario, without=[0], with_=with_)


def test_no_drop_while_a_session_runs() -> None:
    b = Bench(build("ws-drop-after-heartbeat", settings={"MeterValueSampleInterval": 0}))
    b.boot().plug().token("TAG", 700)
    assert b.csms.actions().count("Heartbeat") == 2
    assert len(b.fleet.recorded(Connected)) == 1


def test_flapping() -> None:
    def scenario(b: Bench) -> int:
        b.boot(1).plug().token("TAG", 100).token("TAG", 5).unplug(20)
        assert len(b.csms.transactions) == 1 and b.csms.transactions[1]["stop"] is not None
        return len(b.fleet.recorded(Connected))

    compare("ws-flapping", scenario, without=1, with_=lambda n: n == 6, params={"every_s": 25, "redial_s": 0.5})


def test_security_events() -> None:
    def scenario(b: Bench) -> list[tuple[str, str | None]]:
        b.smoke()
        return [(p["type"], p.get("techInfo")) for p in b.sent("SecurityEventNotification")]

    compare(
        "security-events-unsolicited", scenario,
        without=[], with_=[("StartupOfTheDevice", None), ("SettingSystemTime", "ocppBoot")],
    )  # fmt: skip


def test_a_link_that_comes_back_brings_no_second_startup_event() -> None:
    b = Bench(build("security-events-unsolicited")).boot().drop_link()
    assert len(b.sent("SecurityEventNotification")) == 2
    b.feed(i.PowerOff(), 5).feed(i.PowerOn(), 60)
    assert len(b.sent("SecurityEventNotification")) == 4
