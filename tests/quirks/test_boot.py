"""Quirks of the boot, on the wire, with and without."""

from simulator.core import inputs as i
from simulator.lab.csms import SILENT
from simulator.quirks import boot, port
from tests.quirks.rig import Bench, build, compare


def boot_times(b: Bench) -> list[float]:
    return [round(s.now / 1e6, 1) for s in b.calls() if s.action == "BootNotification"]


def test_delayed_after_connect() -> None:
    assert boot.BootDelayed.name == "boot-delayed-after-connect"
    b = compare(
        "boot-delayed-after-connect", lambda b: boot_times(b.smoke().run(60)), without=[0.0], with_=[7.0],
        params={"delay_s": 7},
    )  # fmt: skip
    assert (b.statuses()[0] == "Available" and len(b.csms.transactions) == 0) or b.csms.transactions


def test_a_lost_connection_takes_the_delayed_boot_along() -> None:
    def scenario(b: Bench) -> int:
        b.boot(3.0).drop_link(1.0)
        return b.csms.actions().count("BootNotification")

    compare("boot-delayed-after-connect", scenario, without=1, with_=1)


def test_what_waits_on_flash_waits_after_the_boot_too() -> None:
    def scenario(b: Bench) -> float:
        b.boot().plug().token("TAG", 30.0)
        b.disturbed = True
        b.fleet.cut(b.station)
        b.token("TAG", 5.0)
        b.feed(i.PowerOff(), 5.0)
        b.fleet.mend(b.station)
        b.feed(i.PowerOn(), 120.0)
        again = [s.now for s in b.calls() if s.action == "BootNotification"][-1]
        stopped = next(s.now for s in b.calls() if s.action == "StopTransaction")
        return round((stopped - again) / 1e6)

    compare("boot-delayed-after-connect", scenario, without=0, with_=10)


def test_not_sent_on_connect() -> None:
    def scenario(b: Bench) -> tuple[str, int, int]:
        b.smoke()
        first, before = b.csms.actions()[0], b.csms.actions().count("BootNotification")
        b.ask("TriggerMessage", requestedMessage="BootNotification")
        b.run(1)
        return first, before, b.csms.actions().count("BootNotification")

    compare(
        "boot-not-sent-on-connect", scenario,
        without=("BootNotification", 1, 2), with_=("StatusNotification", 0, 1),
    )  # fmt: skip


def test_a_port_is_bounded() -> None:
    b = Bench(build("ws-flapping", settings={"HeartbeatInterval": 600})).boot()
    st = b.station
    made = port.QuirkPort(st, st.model.quirks[0])
    report = boot.BootAsked("Unknown")
    assert [made.publish(report) for _ in range(port.MAX_EXTRA + 1)] == [True] * port.MAX_EXTRA + [False]
    made.wake_in(1e9)
    assert st.timers.get(port.TIMER) == st.now + port.MAX_HOLD_US
    assert made.hold(1e9) == st.now + port.MAX_HOLD_US
    made.sleep()
    assert st.timers.get(port.TIMER) is None


def test_a_call_before_the_answer_makes_the_boot_repeat() -> None:
    def scenario(b: Bench) -> tuple[list[float], bool, int]:
        b.csms.script["BootNotification"] = lambda csms, _: (
            {"status": "Accepted", "currentTime": csms.time(), "interval": 300} if len(early) else SILENT
        )
        early: list[str] = []
        b.boot(1.0)
        early.append(b.fleet.call(b.station, "GetConfiguration", {"key": ["HeartbeatInterval"]}))
        b.run(1.0)
        b.csms.script.pop("BootNotification")
        b.run(120.0)
        answered = early[0] in b.csms.answers
        return boot_times(b)[:1], answered, b.csms.actions().count("BootNotification")

    compare(
        "boot-loop-if-called-before-accept", scenario,
        without=([0.0], True, 2), with_=([0.0], False, 7),
    )  # fmt: skip
