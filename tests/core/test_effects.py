"""Effects: seven kinds, a closed set, that a recording can hold."""

from __future__ import annotations

import msgspec
import pytest

from simulator.core import effects as e
from simulator.core import inputs as i
from simulator.core.records import Remark
from tests.core.build import VERSIONS, rig

EXAMPLES: list[e.Effect] = [
    e.Dial(1, 0, "", ("ocpp1.6",), 0, None, {}, 30_000_000), e.Hangup(1, "vanish"), e.Send(1, b"[]", True),
    e.RawSend(1, b"\xff", True), e.Ping(1), e.Job(1, "probe", {"url": "x"}), e.Record(Remark("x")),
]  # fmt: skip


def test_the_set_is_closed() -> None:
    declared = {v for v in vars(e).values() if isinstance(v, type) and issubclass(v, e.Effect) and v is not e.Effect}
    assert declared == set(e.AnyEffect.__args__) == {type(example) for example in EXAMPLES}
    assert len(declared) == 7


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: type(e).__name__)
def test_an_effect_can_be_written_down_and_not_be_changed(example: e.Effect) -> None:
    assert msgspec.json.decode(msgspec.json.encode(example))["type"] == type(example).__name__
    with pytest.raises(AttributeError):
        example.link = 7  # type: ignore[attr-defined]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_station_asks_for_these_and_nothing_else(version: str) -> None:
    asked: list[e.AnyEffect] = []
    lab = rig(version)
    lab.fleet._observer = lambda st, event, effects, now: asked.extend(effects)
    lab.boot()
    lab.charge()
    lab.feed(i.PowerOff())
    assert {type(effect) for effect in asked} == {e.Dial, e.Hangup, e.Send, e.Record}
    assert all(effect.link == 1 for effect in asked if isinstance(effect, e.Send))
    assert all(effect.is_call == (effect.data[:2] == b"[2") for effect in asked if isinstance(effect, e.Send))


@pytest.mark.parametrize("version", VERSIONS)
def test_nothing_is_sent_over_a_link_that_is_not_up(version: str) -> None:
    lab = rig(version).boot()
    lab.cut()
    since = len(lab.frames)
    lab.charge()
    lab.run(100)
    assert not [frame for frame in lab.frames[since:] if frame[1] == "out"]
