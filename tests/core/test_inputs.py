"""Inputs: a closed set that can be written down and fed again, and a station that takes every one at any time."""

from __future__ import annotations

import msgspec
import pytest

from simulator.core import inputs as i
from simulator.core.station import APPLY
from simulator.errors import AuthorError
from tests.core.build import VERSIONS, rig

EXAMPLES: list[i.Input] = [
    i.Tick(), i.PowerOn(), i.PowerOff(), i.LinkUp(1, "ocpp1.6"), i.LinkDown(1, "reset", 1006, "x", 5),
    i.Frame(1, b"[]"), i.Pong(1), i.JobProgress(7, 1, 2), i.JobDone(7, True, {"a": 1}), i.Plug(1), i.Unplug(1, "both"),
    i.Park(1), i.Present("A", 1), i.EvReady(1, False), i.EvseReady(1, False), i.Press("stop", 1),
    i.Inject("f", "meter.noise", 1, {"permille": 1.0}), i.Clear("f"), i.Leave(10**9),
    i.Perform("reboot", {"kind": "soft"}),
]  # fmt: skip
KINDS = set(i.AnyInput.__args__)


def test_the_set_is_closed_and_every_member_is_handled() -> None:
    assert {type(example) for example in EXAMPLES} == KINDS == set(APPLY)
    declared = {v for v in vars(i).values() if isinstance(v, type) and issubclass(v, i.Input) and v is not i.Input}
    assert declared == KINDS


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: type(e).__name__)
def test_an_input_can_be_written_down_and_read_again(example: i.Input) -> None:
    data = msgspec.json.encode(example)
    assert msgspec.json.decode(data, type=i.AnyInput) == example
    with pytest.raises(AttributeError):
        example.x = 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("when", ["never switched on", "booting", "running", "charging", "offline", "off again"])
def test_a_station_takes_every_input_in_every_state(version: str, when: str) -> None:
    for example in EXAMPLES:
        lab = rig(version, boot_power_s=5.0)
        if when != "never switched on":
            lab.feed(i.PowerOn())
        if when in ("running", "charging", "offline", "off again"):
            lab.run(2)
        if when == "charging":
            lab.charge(seconds=10)
        if when == "offline":
            lab.cut()
        if when == "off again":
            lab.feed(i.PowerOff())
        lab.feed(example)
        lab.run(100)
        lab.feed(i.PowerOff())
        lab.run(1)


@pytest.mark.parametrize("version", VERSIONS)
def test_nonsense_about_places_is_on_record_and_harmless(version: str) -> None:
    lab = rig(version).boot()
    for evse_id in (0, 2, 99, -1):
        lab.feed(
            i.Plug(evse_id), i.Unplug(evse_id), i.Park(evse_id), i.EvReady(evse_id, True), i.EvseReady(evse_id, True)
        )
        lab.feed(i.Present("A", evse_id) if evse_id else i.Tick(), i.Press("stop", evse_id))
        lab.feed(i.Inject(f"f{evse_id}", "meter.noise", evse_id) if evse_id else i.Tick())
    lab.feed(i.Inject("f", "no.such"), i.Clear("nobody"), i.Perform("dance"), i.Press("nonsense"))
    lab.run(60)
    assert lab.station.link.is_up and lab.station.evses[0].tx is None
    assert lab.station.evses[0].status == "Available"


def test_a_car_that_cannot_be_is_its_author_s_error_and_changes_nothing() -> None:
    lab = rig().boot()
    with pytest.raises(AuthorError, match=r"ev\.soc"):
        lab.feed(i.Plug(1, i.EvSpec(soc=7.0)))
    assert not lab.station.evses[0].connected
    lab.charge(seconds=10)
    assert lab.station.evses[0].flowing, "the station goes on as if nothing had happened"
