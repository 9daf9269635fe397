"""Transaction events and their status (E), and where they start and stop."""

from itertools import pairwise
from typing import Any, get_args

import pytest

from simulator.core import inputs as i
from simulator.core.reports import TransactionEnded, TransactionUpdated
from simulator.lab.csms import SILENT, CallError, Late
from simulator.ocpp2x import messages_21, messages_201
from simulator.ocpp2x.transactions import REASONS, ended, updated
from simulator.ocpp2x.types import NO_AUTHORIZATION
from tests.ocpp2x.bench import DIALECTS, Bench, each_version


def told(event: dict[str, Any]) -> tuple[Any, ...]:
    return event["eventType"], event["triggerReason"], event["transactionInfo"].get("chargingState")


@each_version
def test_a_whole_session(version: str) -> None:
    """E01.FR.07-10, FR.15-18, E02.FR.18, E06.FR.11, E07.FR.02, FR.05."""
    bench = Bench(version, {"SampledDataCtrlr.TxUpdatedInterval": 20}).boot()
    key = bench.charge(seconds=50)
    bench.feed(i.Present("TAG", 1))
    bench.run(2)
    events = bench.events()
    assert [event["seqNo"] for event in events] == list(range(len(events)))
    assert {event["transactionInfo"]["transactionId"] for event in events} == {key} and len(key) == 36
    started, charging, *middle, last = events
    assert told(started) == ("Started", "Authorized", "EVConnected")
    assert started["evse"] == {"id": 1, "connectorId": 1}
    assert started["idToken"] == {"idToken": "TAG", "type": "ISO14443"}
    (begin,) = started["meterValue"]
    assert begin["sampledValue"][0]["context"] == "Transaction.Begin"
    assert begin["sampledValue"][0]["unitOfMeasure"] == {"unit": "Wh"}
    assert told(charging) == ("Updated", "ChargingStateChanged", "Charging")
    assert charging["numberOfPhasesUsed"] == 3 and "evse" not in charging and "idToken" not in charging
    samples = [event for event in middle if event["triggerReason"] == "MeterValuePeriodic"]
    assert len(samples) == 2
    assert told(last)[:2] == ("Ended", "StopAuthorized")
    assert last["transactionInfo"]["stoppedReason"] == "Local"
    assert last["idToken"]["idToken"] == "TAG"
    contexts = [value["sampledValue"][0]["context"] for value in last["meterValue"]]
    assert contexts == ["Transaction.Begin", "Transaction.End"]
    energies = [value["sampledValue"][0]["value"] for event in events for value in event.get("meterValue", [])[-1:]]
    assert energies == sorted(energies) and energies[-1] > energies[0]
    assert not any("offline" in event for event in events)


POINTS = ("EVConnected", "Authorized", "PowerPathClosed", "EnergyTransfer")
TOKEN, PLUG = i.Present("TAG", 1), i.Plug(1)


@each_version
@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("order", [(TOKEN, PLUG), (PLUG, TOKEN)], ids=["token-first", "plug-first"])
def test_every_start_point(version: str, point: str, order: tuple[i.Input, i.Input]) -> None:
    """E01.FR.02-03, FR.05-06, FR.10, FR.16, E03.FR.01: whatever comes first, token and EVSE are told once they are
    known."""
    bench = Bench(version, {"TxCtrlr.TxStartPoint": (point,)}).boot()
    first, second = order
    bench.feed(first)
    bench.run(2)
    early = bool(bench.events())
    assert early == (point == "Authorized" if first is TOKEN else point == "EVConnected")
    bench.feed(second)
    bench.run(10)
    events = bench.events()
    assert [event["eventType"] for event in events].count("Started") == 1
    assert told(events[-1])[2] == "Charging"
    assert [event["idToken"]["idToken"] for event in events if "idToken" in event] == ["TAG"]
    assert [event["evse"] for event in events if "evse" in event][-1] == {"id": 1, "connectorId": 1}
    if point == "Authorized" and first is TOKEN:
        plugged = next(event for event in events if event["triggerReason"] == "CablePluggedIn")
        assert plugged["evse"] == {"id": 1, "connectorId": 1}
    assert sum("meterValue" in event for event in events) == 1


@each_version
@pytest.mark.parametrize("variable", ["TxStartPoint", "TxStopPoint"])
def test_without_any_point_there_would_be_no_transactions(version: str, variable: str) -> None:
    """Part 2, 2.6.4-5: a list of events of which any does it."""
    row = {"component": {"name": "TxCtrlr"}, "variable": {"name": variable}, "attributeValue": ""}
    (result,) = Bench(version).boot().ask("SetVariables", {"setVariableData": [row]})["setVariableResult"]
    assert result["attributeStatus"] == "Rejected"


@each_version
@pytest.mark.parametrize("point", POINTS)
def test_every_stop_point(version: str, point: str) -> None:
    """E06.FR.02-03, FR.06-07."""
    bench = Bench(version, {"TxCtrlr.TxStopPoint": (point,)}).boot()
    bench.charge()
    bench.feed(TOKEN)
    bench.run(2)
    assert bool(bench.events("Ended")) == (point != "EVConnected")
    bench.feed(i.Unplug(1), i.Unplug(1, "station"))
    bench.run(2)
    (last,) = bench.events("Ended")
    assert last["transactionInfo"]["stoppedReason"] == "Local"


@each_version
def test_a_refused_token_ends_it(version: str) -> None:
    """E05.FR.10."""
    bench = Bench(version).boot()
    bench.csms.script["TransactionEvent"] = lambda csms, payload: (
        {"idTokenInfo": {"status": "Blocked"}} if "idToken" in payload else {}
    )
    bench.charge()
    (last,) = bench.events("Ended")
    assert told(last)[:2] == ("Ended", "Deauthorized")
    assert last["transactionInfo"]["stoppedReason"] == "DeAuthorized"
    cached = dict(bench.st.board.flash.items("cache"))
    assert cached["TAG"].status == "Blocked"


@each_version
def test_a_refused_token_may_only_stop_the_energy(version: str) -> None:
    """E05.FR.02."""
    bench = Bench(version, {"TxCtrlr.StopTxOnInvalidId": False}).boot()
    bench.csms.script["TransactionEvent"] = lambda csms, payload: (
        {"idTokenInfo": {"status": "Invalid"}} if "idToken" in payload else {}
    )
    bench.charge()
    assert not bench.events("Ended")
    assert bench.events()[-1]["transactionInfo"]["chargingState"] == "SuspendedEVSE"


@each_version
def test_what_is_said_of_another_stopping_token_does_not_end_anything(version: str) -> None:
    """E07.FR.02: a token of the group stops; the answer to that message is about this token."""
    bench = Bench(version, {"TxCtrlr.TxStopPoint": ("EVConnected",)}).boot()
    bench.csms.groups.update({"TAG": "G", "SECOND": "G"})
    bench.charge()
    bench.csms.verdicts["SECOND"] = "Accepted"
    bench.feed(i.Present("SECOND", 1))
    bench.run(3)
    stop = next(event for event in bench.events() if event["triggerReason"] == "StopAuthorized")
    assert stop["idToken"]["idToken"] == "SECOND" and not bench.events("Ended")


@each_version
def test_offline_events_say_so_and_keep_their_time(version: str) -> None:
    """E04.FR.03, E11.FR.07, E12."""
    bench = Bench(version, {"AuthCtrlr.OfflineTxForUnknownIdEnabled": True}).boot()
    bench.fleet.cut(bench.st)
    bench.feed(i.Plug(1), i.Present("TAG", 1))
    bench.run(30)
    bench.feed(i.Present("TAG", 1))
    bench.run(30)
    assert not bench.events()
    bench.fleet.mend(bench.st)
    bench.run(120)
    events = bench.events()
    assert {event["offline"] for event in events} == {True}
    assert events[0]["eventType"] == "Started" and events[-1]["eventType"] == "Ended"
    stamps = [event["timestamp"] for event in events]
    assert stamps == sorted(stamps) and stamps[0] < "2026-03-01T00:00:10"


@each_version
def test_status_of_a_transaction(version: str) -> None:
    """E14.FR.01-08."""
    bench = Bench(version).boot()
    nothing = {"ongoingIndicator": False, "messagesInQueue": False}
    assert bench.ask("GetTransactionStatus", {"transactionId": "unknown"}) == nothing
    assert bench.ask("GetTransactionStatus") == {"messagesInQueue": False}
    key = bench.charge()
    asked = {"transactionId": key}
    assert bench.ask("GetTransactionStatus", asked) == {"ongoingIndicator": True, "messagesInQueue": False}
    bench.csms.script["TransactionEvent"] = lambda csms, payload: SILENT
    bench.feed(i.EvReady(1, False))
    bench.run(1)
    assert bench.ask("GetTransactionStatus", asked) == {"ongoingIndicator": True, "messagesInQueue": True}
    assert bench.ask("GetTransactionStatus") == {"messagesInQueue": True}
    bench.feed(i.Present("TAG", 1))
    bench.run(1)
    assert bench.ask("GetTransactionStatus", asked) == {"ongoingIndicator": False, "messagesInQueue": True}
    bench.csms.script.clear()
    bench.run(400)
    assert bench.ask("GetTransactionStatus", asked) == nothing


@each_version
def test_a_failed_event_is_offered_again(version: str) -> None:
    """E13.FR.02-04."""
    bench = Bench(
        version,
        {
            "OCPPCommCtrlr.MessageAttempts[TransactionEvent]": 3,
            "OCPPCommCtrlr.MessageAttemptInterval[TransactionEvent]": 10,
        },
    ).boot()
    bench.csms.script["TransactionEvent"] = lambda csms, payload: CallError("InternalError")
    bench.feed(i.Plug(1), i.Present("TAG", 1))
    bench.run(1)
    bench.run(40)
    times = [seen.now // 1_000_000 for seen in bench.csms.seen if seen.action == "TransactionEvent"][:3]
    assert [b - a for a, b in pairwise(times)] == [10, 20]
    assert [event["seqNo"] for event in bench.events()][:4] == [0, 0, 0, 1]


def _ended(reason: str, stamp: Any) -> TransactionEnded:
    return TransactionEnded("key", 1, 1, 4, "AbnormalCondition", stamp, reason=reason)


@each_version
def test_a_reason_without_a_word_becomes_other(version: str) -> None:
    bench = Bench(version).boot()
    messages = DIALECTS[version].messages
    for reason in (*sorted(REASONS), "HardReset"):
        _, event = ended(bench.st, _ended(reason, bench.st.stamp()), messages)
        assert event.transaction_info.stopped_reason == (reason if reason in REASONS else "Other")


def test_reasons_are_those_of_the_schema() -> None:
    assert set(get_args(messages_201.ReasonEnumType)) == REASONS <= set(get_args(messages_21.ReasonEnumType))


@each_version
def test_an_event_says_no_more_than_it_knows(version: str) -> None:
    bench = Bench(version).boot()
    report = TransactionUpdated("key", 1, 1, 4, "Trigger", bench.st.stamp(), id_token="X", token_type=NO_AUTHORIZATION)
    _, event = updated(bench.st, report, DIALECTS[version].messages)
    assert event.id_token.id_token == "" and not event.evse and not event.meter_value


@each_version
def test_the_csms_may_think_better_of_a_token_at_any_time(version: str) -> None:
    """E06.FR.04: an answer to an event that named no token is about the one that is charging."""
    bench = Bench(version).boot()
    bench.charge()
    bench.csms.script["TransactionEvent"] = lambda csms, payload: {"idTokenInfo": {"status": "NoCredit"}}
    bench.feed(i.EvReady(1, False))
    bench.run(1)
    assert told(bench.events()[-1])[:2] == ("Ended", "Deauthorized")
    assert bench.events()[-1]["transactionInfo"]["stoppedReason"] == "DeAuthorized"


@each_version
def test_a_word_about_the_token_that_ended_it_is_not_about_its_holder(version: str) -> None:
    """E05.FR.09 is of the token that charges: its owner goes on although the one who stopped it is refused later."""
    points = {"TxCtrlr.TxStartPoint": ("EVConnected",), "TxCtrlr.TxStopPoint": ("EVConnected",)}
    bench = Bench(version, points | {"AuthCtrlr.LocalPreAuthorize": True}).boot()
    bench.csms.groups |= {"TAG": "FAMILY", "SISTER": "Family"}
    bench.charge()

    def answer(csms: Any, payload: dict[str, Any]) -> Any:
        name = payload.get("idToken", {}).get("idToken")
        if name == "SISTER":
            return Late(5, {"idTokenInfo": {"status": "Blocked"}})
        return {"idTokenInfo": {"status": "Accepted"}} if name else {}

    bench.csms.script["TransactionEvent"] = answer
    bench.feed(i.Present("SISTER", 1))
    bench.run(1)
    assert told(bench.events()[-1])[1] == "StopAuthorized" and not bench.st.evses[0].flowing
    bench.feed(i.Present("TAG", 1))
    bench.run(10)
    assert bench.st.evses[0].flowing


@each_version
@pytest.mark.parametrize("info", [{"evseId": [2]}, {"groupIdToken": {"idToken": "MASTER", "type": "Central"}}])
def test_a_token_that_may_not_charge_here(version: str, info: dict[str, Any]) -> None:
    """C01.FR.21, C16.FR.03: taken locally, and the CSMS says where and what it is."""
    bench = Bench(version, {"AuthCtrlr.LocalPreAuthorize": True, "AuthCtrlr.MasterPassGroupId": "master"}).boot()
    bench.charge()
    bench.feed(i.Present("TAG", 1), i.Unplug(1, "both"))
    bench.run(1)
    verdict = {"idTokenInfo": {"status": "Accepted"} | info}
    bench.csms.script["TransactionEvent"] = lambda csms, payload: verdict if "idToken" in payload else {}
    bench.feed(i.Plug(1), i.Present("TAG", 1))
    bench.run(1)
    assert told(bench.events()[-1])[:2] == ("Ended", "Deauthorized")
