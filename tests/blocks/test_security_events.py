"""What becomes of a security event: told, or only logged, in every version."""

from __future__ import annotations

import pytest

from simulator.blocks import security_events
from simulator.core import history, security_event
from simulator.core import inputs as i
from simulator.core.reports import SecurityEvent, SecurityNote
from tests.bench import Lab, bench, build, each_2x, each_version


def events(lab: Lab) -> list[str]:
    """Types of the events told."""
    return [payload["type"] for payload in lab.csms.sent("SecurityEventNotification")]


@each_2x
def test_every_boot_is_one_event(version: str) -> None:
    lab = bench(version)
    lab.run(5)
    assert events(lab) == ["StartupOfTheDevice"]
    lab.ask("Reset", type="Immediate")
    lab.run(60)
    lab.feed(i.PowerOff())
    lab.boot().run(60)
    assert events(lab) == ["StartupOfTheDevice", "ResetOrReboot", "StartupOfTheDevice"]


@each_2x
def test_a_boot_without_a_network_is_told_later(version: str) -> None:
    """A04.FR.02: queued, also over another power cut."""
    lab = bench(version)
    lab.run(5)
    lab.fleet.cut(lab.station)
    for _ in range(2):
        lab.feed(i.PowerOff()).boot().run(60)
    lab.fleet.mend(lab.station)
    lab.run(400)
    assert events(lab) == ["StartupOfTheDevice"] * 3
    times = [payload["timestamp"] for payload in lab.csms.sent("SecurityEventNotification")]
    assert times == sorted(times) and len(set(times)) == 3


@each_2x
def test_nothing_is_told_before_the_registration(version: str) -> None:
    lab = Lab(build(version))
    lab.csms.boot_status = "Rejected"
    lab.boot().run(100)
    assert events(lab) == []


@each_version
def test_who_is_told_what(version: str) -> None:
    lab = bench(version)
    seen: list[object] = []

    class Seam:
        """Hears every report and drops it."""

        def report(self, st: object, report: object) -> None:
            seen.append(report)

    object.__setattr__(lab.station.model, "seams", _seams(Seam()))
    kinds = [*sorted(security_event.TOLD), "InvalidMessages", "ReconfigurationOfSecurityParameters"]
    for kind in kinds:
        security_event.say(lab.station, kind, "x" * 400)
    told = {r.kind for r in seen if type(r) is SecurityEvent}
    noted = {r.kind for r in seen if type(r) is SecurityNote}
    wanted = security_event.TOLD - (security_event.OF_EVERY_STATION if version == "1.6" else frozenset())
    assert told == wanted and noted == set(kinds) - wanted
    assert {len(r.info) for r in seen if isinstance(r, SecurityEvent)} == {255}


def _seams(seam: object) -> object:
    from simulator.core.model import Seams

    return Seams(report=(seam,))


@each_version
@pytest.mark.parametrize("seconds, count", [(19, 0), (21, 1), (-25, 1)])
def test_the_clock_is_set(version: str, seconds: int, count: int) -> None:
    lab = bench(version)
    lab.station.data["clock_step_us"] = seconds * 1_000_000
    before = len(lab.fleet.recorded(object))
    security_events.clock_set(lab.station, lab.fleet.now)
    waiting = [entry.report for entry in lab.station.outbox.durable if isinstance(entry.report, SecurityEvent)]
    assert [r.kind for r in waiting if r.kind == "SettingSystemTime"] == ["SettingSystemTime"] * (
        0 if version == "1.6" else count
    )
    assert len(lab.fleet.recorded(object)) == before


@each_version
def test_nonsense_of_the_csms_is_logged_once_an_hour(version: str) -> None:
    """A04.FR.04, InvalidMessages: not critical, so it is logged and not told."""
    lab = bench(version)

    def logged() -> int:
        return sum("InvalidMessages" in line for _, _, line in history.lines(lab.station, security=True))

    for _ in range(3):
        lab.feed(i.Frame(lab.station.link.number, b"nonsense"))
    assert lab.ask("TriggerMessage")[0].startswith("Occur")
    assert logged() == 1 and "InvalidMessages" not in events(lab)
    lab.run(3_700)
    lab.ask("TriggerMessage")
    assert logged() == 2
