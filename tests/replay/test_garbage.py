"""Whatever stands in a log, it is played and learnt from: nothing of a payload is taken for granted."""

from __future__ import annotations

import copy
import random
from functools import cache
from typing import Any

import msgspec
import pytest

from simulator.errors import AuthorError
from simulator.lab.csms import CallError, LabCsms
from simulator.replay.capture import capture_of
from simulator.replay.draft import checked
from simulator.replay.learn import learn
from simulator.traces.model import Trace
from tests.replay.rig import frames_of, play
from tests.replay.test_learn import observed
from tests.replay.test_player import csms_for, player_of

JUNK: tuple[Any, ...] = (
    None, 0, -1, 1e308, 2**70, True, "", "x" * 600, "{", "#x", "a\nb: c", "é{n}", "2024-01-01T00:00:00Z", "9" * 20,
    [], [None], [{}], {}, {"a": 1}, {"sampledValue": [{"value": None}]},
    [{"timestamp": 5, "sampledValue": [{"value": "x", "unit": 3, "phase": None}]}],
)  # fmt: skip
MOST = 60


@cache
def base(profile: str, version: str) -> Trace:
    return frames_of(observed(profile, version))


def spoilt(value: Any, lot: random.Random, share: float) -> Any:
    """The same with a share of its parts exchanged for junk, or gone."""
    if lot.random() < share:
        return copy.deepcopy(lot.choice(JUNK))
    if isinstance(value, dict):
        return {name: spoilt(item, lot, share) for name, item in value.items() if lot.random() > share}
    if isinstance(value, list):
        return [spoilt(item, lot, share) for item in value]
    return value


def forgiving(csms: LabCsms) -> LabCsms:
    """A CSMS that refuses what it cannot understand."""
    sound = csms.sound

    def answer(action: str, payload: dict[str, Any]) -> Any:
        try:
            return sound(action, payload)
        except (KeyError, TypeError, AttributeError):
            return CallError("FormationViolation")

    csms.sound = answer  # type: ignore[method-assign]
    return csms


@pytest.mark.parametrize("seed", range(30))
def test_a_spoilt_log_is_played_and_learnt_from(seed: int) -> None:
    lot = random.Random(seed)
    whole = base(*lot.choice([("generic/dc-fast", "2.1"), ("wallbox/pulsar-max", "1.6"), ("generic/ac-dual", "1.6")]))
    share, gone = lot.choice([0.01, 0.1]), lot.choice([0.0, 0.2])
    frames = [
        msgspec.structs.replace(frame, payload=spoilt(frame.payload, lot, share))
        for frame in whole.frames
        if lot.random() > gone
    ][:MOST]
    trace = Trace(format="jsonl", frames=frames)
    draft = learn(capture_of(trace), source="spoilt")
    assert checked(draft).versions == (frames[0].version,)
    player = player_of(trace, boot_timeout_us=5_000_000, call_timeout_us=1_000_000)
    try:
        play(player, forgiving(csms_for(player)))
    except AuthorError as error:  # the profile may be unable to fill a gap, and says so
        assert error.field
    assert player.done and len(player.calls) + len(player.not_played) >= 1
