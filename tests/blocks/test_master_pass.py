"""C16: tokens that end every session and begin none."""

from __future__ import annotations

import pytest

from simulator.blocks import master_pass
from simulator.core import inputs as i
from tests.ocpp2x.bench import Bench, each_version

MASTER = {master_pass.GROUP.key: "POLICE"}


def station(version: str, **settings: object) -> Bench:
    bench = Bench(version, {**MASTER, **settings}).boot()
    bench.csms.groups["PASS"] = "police"  # as tokens compare
    return bench


@each_version
def test_it_ends_all_sessions(version: str) -> None:
    """FR.02: each transaction says why; the token is named with those that end."""
    bench = station(version)
    keys = {bench.charge("ONE", 1), bench.charge("TWO", 2)}
    bench.feed(i.Present("PASS", 1))
    bench.run(5)
    ended = bench.events("Ended")
    assert {event["transactionInfo"]["transactionId"] for event in ended} == keys
    assert {event["transactionInfo"]["stoppedReason"] for event in ended} == {"MasterPass"}
    assert {event["idToken"]["idToken"] for event in ended} == {"PASS"}


@each_version
@pytest.mark.parametrize("known", [False, True])
def test_it_begins_nothing(version: str, known: bool) -> None:
    """FR.03, C12.FR.09: also where the cache knows it and the station need not ask."""
    bench = station(version, **{"AuthCtrlr.LocalPreAuthorize": known, "AuthCtrlr.OfflineTxForUnknownIdEnabled": True})
    bench.feed(i.Plug(1))
    for _ in range(1 + known):
        bench.feed(i.Present("PASS", 1))
        bench.run(5)
    assert len(bench.sent("Authorize")) == 1 + known and not bench.events()
    if known:
        bench.fleet.cut(bench.st)
        bench.feed(i.Present("PASS", 1))
        bench.run(5)
        assert bench.st.evses[0].grant is None


@each_version
def test_one_that_is_blocked_ends_nothing(version: str) -> None:
    """It has to be valid as any other token."""
    bench = station(version)
    bench.csms.verdicts["PASS"] = "Blocked"
    bench.charge("ONE", 1)
    bench.feed(i.Present("PASS", 1))
    bench.run(5)
    assert not bench.events("Ended")


@each_version
def test_without_a_group_nobody_has_one(version: str) -> None:
    bench = Bench(version).boot()
    assert not master_pass.is_one(bench.st, "") and not master_pass.is_one(bench.st, None)
