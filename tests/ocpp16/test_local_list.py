"""The local authorisation list of 1.6. Tests with an id in their name are cases of the certification tool (2024-04)."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.blocks.authorization import (
    AUTHORIZE_REMOTE,
    LOCAL_PRE_AUTHORIZE,
    MAX_ENERGY_ON_INVALID,
    STOP_ON_INVALID,
)
from simulator.blocks.local_list import LIST_ENABLED
from simulator.blocks.product_settings import FEATURE_PROFILES
from simulator.blocks.token_cache import CACHE_ENABLED
from simulator.ocpp16 import local_list
from tests.bench import Lab, bench, told, verdict_in_start


def entry(token: str = "TAG", status: str | None = "Accepted", **info: Any) -> dict[str, Any]:
    return {"idTag": token} | ({} if status is None else {"idTagInfo": {"status": status} | info})


def send(lab: Lab, number: int, *rows: dict[str, Any], kind: str = "Full", **more: Any) -> str:
    answer = lab.ask(
        "SendLocalList", listVersion=number, updateType=kind, **({"localAuthorizationList": [*rows]} if rows else more)
    )
    return str(answer["status"])


def version(lab: Lab) -> int:
    return int(lab.ask("GetLocalListVersion")["listVersion"])


def test_tc_042_1_cs_version_not_supported() -> None:
    lab = bench()
    send(lab, 3, entry())
    lab.configure(LIST_ENABLED, False)
    assert version(lab) == -1
    assert version(bench(settings={FEATURE_PROFILES: ("Core",)})) == -1


def test_tc_042_2_cs_version_of_an_empty_list(lab: Lab) -> None:
    assert send(lab, 1) == "Accepted" and version(lab) == 0
    assert send(lab, 1, localAuthorizationList=[]) == "Accepted" and version(lab) == 0


def test_tc_043_cs_send_local_list(lab: Lab) -> None:
    assert send(lab, 1, entry()) == "Accepted"
    assert send(lab, 2, entry("TAG2"), kind="Differential") == "Accepted"
    assert send(lab, 3, kind="Differential") == "Accepted" and version(lab) == 3


def test_tc_043_1_cs_not_supported() -> None:
    assert send(bench(settings={FEATURE_PROFILES: ("Core",)}), 1, entry()) == "NotSupported"
    assert send(bench(settings={LIST_ENABLED: False}), 1, entry()) == "NotSupported"


def test_tc_043_2_cs_version_mismatch(lab: Lab) -> None:
    assert send(lab, 2, entry()) == "Accepted" and version(lab) == 2
    assert send(lab, 5, entry("TAG2"), kind="Differential") == "Accepted" and version(lab) == 5
    assert send(lab, 4, entry("TAG3"), kind="Differential") == "VersionMismatch" and version(lab) == 5


def test_tc_043_3_cs_failed(lab: Lab) -> None:
    lab.inject("flash.read_only")
    assert send(lab, 2, entry()) == "Failed" and version(lab) == 0


def test_tc_008_cs_listed_token() -> None:
    lab = bench(settings={LOCAL_PRE_AUTHORIZE: True, CACHE_ENABLED: False, AUTHORIZE_REMOTE: True})
    assert send(lab, version(lab) + 1, entry()) == "Accepted"
    lab.forget().plug()
    assert lab.remote_start() == "Accepted"
    lab.run(4)
    assert told(lab) == ["StatusNotification Preparing", "StartTransaction", "StatusNotification Charging"]


def offline_session(lab: Lab) -> Lab:
    send(lab, 1, entry())
    lab.fleet.cut(lab.station)
    lab.run(5).forget().plug().present().run(10)
    assert lab.evse().flowing
    return lab


def test_tc_037_1_cs_offline_start(lab: Lab) -> None:
    offline_session(lab).fleet.mend(lab.station)
    lab.run(60)
    assert {"StartTransaction", "StatusNotification Charging"} <= set(told(lab)) and "Authorize" not in told(lab)


@pytest.mark.parametrize("stops", [False, True], ids=["tc_037_2_cs", "tc_037_3_cs"])
def test_offline_start_of_a_token_the_csms_refuses(stops: bool) -> None:
    lab = bench(settings={STOP_ON_INVALID: stops, MAX_ENERGY_ON_INVALID: 0})
    offline_session(lab)
    verdict_in_start(lab, "Invalid")
    lab.fleet.mend(lab.station)
    lab.run(60)
    assert {"StartTransaction", "StatusNotification Charging"} <= set(told(lab))
    if stops:
        assert lab.session().reason == "DeAuthorized" and lab.statuses()[-1] == "Finishing"
    else:
        assert lab.session().end is None and lab.statuses()[-1] == "SuspendedEVSE"


def test_tc_039_cs_offline_transaction(lab: Lab) -> None:
    offline_session(lab).present().run(2).unplug().run(1)
    lab.fleet.mend(lab.station)
    lab.run(60)
    assert lab.session().end is not None and lab.session().reason == "Local"


# -- the messages ------------------------------------------------------------------------------------------------------


def test_an_entry_carries_its_group_and_its_end(lab: Lab) -> None:
    send(lab, 1, entry("A", parentIdTag="FAMILY"), entry("B", expiryDate="2020-01-01T00:00:00Z"))
    lab.csms.groups = {"TAG": "FAMILY"}
    lab.charge().forget().present("a").run(1)
    assert told(lab) == ["StopTransaction", "StatusNotification Finishing"], "its group is known, nobody is asked"
    lab.unplug()
    lab.fleet.cut(lab.station)
    lab.run(5).plug().present("B").run(5)
    assert lab.evse().grant is None and "token refused offline: Expired" in lab.remarks()


def test_deleting_with_a_differential_update(lab: Lab) -> None:
    send(lab, 1, entry("A"), entry("B"))
    assert send(lab, 2, entry("A", None), kind="Differential") == "Accepted"
    lab.fleet.cut(lab.station)
    lab.run(5).present("A").run(1)
    assert lab.evse().grant is None
    lab.present("B").run(1)
    assert lab.evse().grant is not None


def test_a_conflict_with_the_list_is_told_once() -> None:
    """3.5.2: connector 0, LocalListConflict; the list stays as it is."""
    lab = bench(settings={LOCAL_PRE_AUTHORIZE: True})
    send(lab, 1, entry())
    verdict_in_start(lab, "Blocked")
    for _ in range(2):
        lab.plug().present().run(5).unplug().run(1)
    assert len(lab.sessions()) == 2 and {session.reason for session in lab.sessions()} == {"DeAuthorized"}
    (conflict,) = [p for p in lab.csms.sent("StatusNotification") if p["errorCode"] == "LocalListConflict"]
    assert conflict["connectorId"] == 0 and conflict["status"] == "Available"
    assert version(lab) == 1


def test_a_conflict_that_is_settled_may_come_again() -> None:
    lab = bench()
    send(lab, 1, entry())
    for status in ("Blocked", "Accepted", "ConcurrentTx", "Blocked"):
        lab.csms.verdicts = {"TAG": status}
        lab.present().run(1)
        if lab.evse().grant is not None:
            lab.present().run(1)
    errors = [p["errorCode"] for p in lab.csms.sent("StatusNotification")]
    assert errors.count("LocalListConflict") == 2


def test_the_table_is_of_the_feature() -> None:
    assert local_list.table.feature == "LocalAuthListManagement"
