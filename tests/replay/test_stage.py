"""Which tokens a replay shows, and what a station of the profile fills in."""

from pathlib import Path
from typing import Any

import pytest

from simulator.errors import AuthorError
from simulator.fleet.target import Target, make_target
from simulator.profile.compiled import compile_profile
from simulator.replay.capture import capture_of
from simulator.replay.shadow import Shadow
from simulator.replay.stage import exchanged
from tests.replay.rig import written

ROWS: list[tuple[float | None, str, int, str, Any]] = [
    (0, "cp", 2, "Authorize", {"idTag": "A"}),
    (0, "csms", 3, "Authorize", {"idTagInfo": {"status": "Accepted"}}),
    (1, "cp", 2, "Authorize", {"idTag": "B"}),
    (1, "csms", 3, "Authorize", {"idTagInfo": {"status": "Accepted"}}),
    (2, "cp", 2, "Authorize", {"idTag": "C"}),
    (2, "csms", 3, "Authorize", {"idTagInfo": {"status": "Blocked"}}),
    (3, "cp", 2, "Authorize", {"idTag": "D"}),
    (3, "csms", 3, "Authorize", {"idTagInfo": {"status": "Expired"}}),
    (4, "cp", 2, "Authorize", {"idTag": "E"}),
]


def target(**tokens: list[str]) -> Target:
    return make_target({"url": "ws://127.0.0.1:1/", "tokens": tokens}, {}, base_dir=Path())


def test_tokens_are_exchanged_by_word_and_by_verdict() -> None:
    capture = capture_of(written(ROWS))
    theirs = target(valid=["V1", "V2"], blocked=["X"], invalid=["I"])
    assert exchanged(capture, theirs, []) == ({}, [])
    assert exchanged(capture, theirs, ["A=invalid"]) == ({"A": "I"}, [])
    found, left = exchanged(capture, theirs, ["C=valid"], by_verdict=True)
    assert found == {"C": "V1", "A": "V2", "B": "V1"}
    assert left == [
        "the token D is shown as it is: no token is expired",
        "the token E is shown as it is: no verdict on it",
    ]


@pytest.mark.parametrize(
    ("pair", "why"),
    [
        ("A", "'A' is not TAG=ROLE"),
        ("Z=valid", "no token 'Z'"),
        ("A=blokced", "did you mean 'blocked'"),
        ("A=expired", "names no token of the role 'expired'"),
    ],
)
def test_what_cannot_be_exchanged_is_an_error(pair: str, why: str) -> None:
    with pytest.raises(AuthorError, match=rf"--token: .*{why}"):
        exchanged(capture_of(written(ROWS)), target(valid=["V"], blocked=["X"]), [pair])


@pytest.mark.parametrize(("version", "action"), [("1.6", "GetLocalListVersion"), ("2.1", "GetLocalListVersion")])
def test_a_shadow_registers_and_answers_as_its_profile_does(version: str, action: str) -> None:
    shadow = Shadow("CP-1", compile_profile("generic/ac-single", version), epoch_us=1_700_000_000_000_000)
    boot = shadow.boot()
    assert "AC-Single" in (boot.get("chargePointModel"), boot.get("chargingStation", {}).get("model"))
    answer = shadow.answer(action, {})
    assert answer is not None and not answer.is_error
    assert answer.payload in ({"listVersion": 0}, {"versionNumber": 0})
    refused = shadow.answer("NoSuchThing", {})
    assert refused is not None and refused.code == "NotImplemented"
