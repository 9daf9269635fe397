"""Quirks of how transactions are told, and why they end, on the wire, with and without."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.core import inputs as i
from simulator.errors import AuthorError
from simulator.lab.csms import CallError
from simulator.quirks import tx_ends
from tests.quirks.rig import Bench, build, compare


def told(b: Bench) -> list[str]:
    """Starts and stops, in order."""
    return [action for action in b.csms.actions() if action in ("StartTransaction", "StopTransaction")]


def reasons(b: Bench) -> list[str]:
    return [p.get("reason", "") for p in b.sent("StopTransaction")]


def test_start_repeated() -> None:
    assert tx_ends.StartRepeated.name == "tx-start-duplicate-repeat"

    def scenario(b: Bench) -> list[str]:
        return told(b.boot().session(20))

    start, stop = "StartTransaction", "StopTransaction"
    b = compare("tx-start-duplicate-repeat", scenario, without=[start, stop], with_=[start] * 3 + [stop])
    assert len(b.csms.transactions) == 1


def test_what_is_repeated_is_what_others_have_made_of_it() -> None:
    b = Bench(build("tx-start-duplicate-repeat", "tx-meterstart-always-zero", "idtag-letter-case-setting"))
    starts = b.boot().session(20, "abc").sent("StartTransaction")
    assert len(starts) == 3 and all(p["meterStart"] == 0 and p["idTag"] == "ABC" for p in starts)


def test_start_for_stop() -> None:
    def scenario(b: Bench) -> list[Any]:
        b.boot().session(20)
        return [told(b), b.sent("StartTransaction")[-1]["meterStart"] == 0, b.statuses()[-1]]

    start, stop = "StartTransaction", "StopTransaction"
    with_ = [[start, start], True, "Available"]
    name = "tx-start-instead-of-stop"
    b = compare(name, scenario, without=[[start, stop], False, "Available"], with_=with_)
    b.session(20)
    assert len(told(b)) == 4 and len(b.station.board.flash.items("tx_names")) <= 1


def test_stop_for_ever() -> None:
    def scenario(b: Bench) -> int:
        b.csms.script["StopTransaction"] = lambda csms, payload: CallError("InternalError")
        b.boot().session(20).run(400)
        return told(b).count("StopTransaction")

    b = compare("tx-stop-retry-until-answered", scenario, without=3, with_=7)
    del b.csms.script["StopTransaction"]
    b.run(200)
    assert told(b).count("StopTransaction") == 8 and not b.station.outbox.waiting()


def test_an_end_for_ever_in_the_newer_versions() -> None:
    for use, times in (((), 3), (("tx-stop-retry-until-answered",), 7)):
        b = Bench(build(*use, version="2.0.1")).boot().plug().token("TAG", 20)
        b.csms.script["TransactionEvent"] = lambda csms, payload: CallError("InternalError")
        b.token("TAG", 5).unplug().run(400)
        assert [p["eventType"] for p in b.sent("TransactionEvent")].count("Ended") == times


def test_history_first() -> None:
    def scenario(b: Bench) -> list[str]:
        b.boot()
        b.disturbed = True
        b.fleet.cut(b.station)
        b.session(30)
        before = len(b.csms.actions())
        b.fleet.mend(b.station)
        b.feed(i.PowerOff(), 5).feed(i.PowerOn(), 60)
        return b.csms.actions()[before + 1 : before + 5]

    settings = {"AllowOfflineTxForUnknownId": True}
    status, start, stop = "StatusNotification", "StartTransaction", "StopTransaction"
    name = "tx-offline-queue-after-boot"
    b = compare(name, scenario, settings=settings, without=[status, status, start, stop],
                with_=[start, stop, status, status])  # fmt: skip
    assert b.statuses()[-1] == "Available"


def free(b: Bench) -> tuple[list[str], list[str]]:
    b.boot().plug(70)
    b.unplug()
    actions = [action for action in b.csms.actions() if action in (*told(b), "MeterValues")]
    return actions, b.statuses()


def test_free_charging_is_not_told() -> None:
    name = "free-charging-no-transaction"
    statuses = ["Available", "Preparing", "Charging", "Finishing", "Available"]

    def whole(seen: Any) -> bool:
        return bool(seen[0][0] == "StartTransaction" and seen[0][-1] == "StopTransaction" and "Charging" in seen[1])

    b = compare(name, free, free_vend=True, without=whole, with_=lambda seen: not seen[0] and "Charging" in seen[1])
    assert statuses[0] == b.statuses()[0]
    quiet = {"mode": "nothing"}
    compare(name, free, free_vend=True, params=quiet, without=whole, with_=lambda seen: "Charging" not in seen[1])
    assert Bench(build(name)).smoke().csms.transactions


def test_free_charging_has_two_modes() -> None:
    with pytest.raises(AuthorError, match="is neither status nor nothing"):
        build(("free-charging-no-transaction", {"mode": "all"}))


def test_a_free_session_names_no_transaction_when_asked() -> None:
    b = Bench(build("free-charging-no-transaction", free_vend=True)).boot().plug(30)
    b.ask("TriggerMessage", requestedMessage="MeterValues", connectorId=1)
    assert "transactionId" not in b.run(2).sent("MeterValues")[-1]


def refused(b: Bench) -> tuple[list[str], bool]:
    """A session whose token is refused in the answer to its start."""
    verdict = {"transactionId": 7, "idTagInfo": {"status": "Blocked"}}
    b.csms.script["StartTransaction"] = lambda csms, payload: verdict
    b.csms.transactions[7] = {"start": None, "stop": None, "samples": []}
    b.boot().plug().token("TAG", 30)
    return reasons(b), b.station.evses[0].power_w > 0


def test_refusal_ignored() -> None:
    name = "tx-continues-after-rejected-start"
    compare(name, refused, without=(["DeAuthorized"], False), with_=([], True))


def test_refusal_ignored_in_the_newer_versions() -> None:
    b = Bench(build("tx-continues-after-rejected-start", version="2.0.1")).boot().plug()
    b.csms.script["TransactionEvent"] = lambda csms, payload: {"idTokenInfo": {"status": "Blocked"}}
    assert b.token("TAG", 30).station.evses[0].power_w > 0


# -- reasons


def test_an_error_ends_the_session() -> None:
    def scenario(b: Bench) -> list[str]:
        b.csms.script["StartTransaction"] = lambda csms, payload: CallError("InternalError")
        b.boot().plug().token("TAG", 20)
        del b.csms.script["StartTransaction"]
        return reasons(b.run(120))

    soon = {"TransactionMessageRetryInterval": 10}
    compare("stop-reason-deauthorized", scenario, settings=soon, without=[], with_=["DeAuthorized"])


def test_local_it_is() -> None:
    def scenario(b: Bench) -> list[str]:
        b.boot().plug().remote_start()
        b.run(20)
        b.ask("RemoteStopTransaction", transactionId=1)
        b.run(5).unplug().plug().token("TAG", 20)
        b.ask("RemoteStopTransaction", transactionId=2)
        return reasons(b.run(5))

    compare("stop-reason-local-for-normal-end", scenario, without=["Remote"] * 2, with_=["Local", "Remote"])


def test_reasons_of_the_newer_version() -> None:
    def scenario(b: Bench) -> list[str]:
        b.boot().session(20)
        b.plug().token("TAG", 20).feed(i.EvReady(1, False), 5).token("TAG", 5).unplug()
        b.plug().token("TAG", 20)
        b.ask("Reset", type="Soft")
        return reasons(b.run(2))

    name = "stop-reason-201-vocabulary"
    b = Bench(build()).boot()
    with_ = ["Local", "StoppedByEV", "ImmediateReset"]
    plain, quirked = Bench(build()), Bench(build(name))
    assert scenario(plain) == ["Local", "Local", "SoftReset"] and scenario(quirked) == with_
    assert b.csms.actions()[0] == "BootNotification"
    compare(name, _ended_by_car, without=["Local", "Local"], with_=["Local", "StoppedByEV"])


def _ended_by_car(b: Bench) -> list[str]:
    b.boot().session(20)
    return reasons(b.plug().token("TAG", 20).feed(i.EvReady(1, False), 5).token("TAG", 5).unplug())
