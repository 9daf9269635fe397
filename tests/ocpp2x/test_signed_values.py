"""Signed meter values on the wire (J01.FR.21, J02.FR.21, E02.FR.14): whoever gets them can check them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature

from simulator.blocks import signed_values
from simulator.core import inputs as i
from simulator.core.model import EvseSpec, HardwareSpec, MeterSpec
from simulator.hardware.ocmf import NamePlate, Session, dataset
from simulator.pki.meter_key import MeterKeys
from tests.ocmf import printed_key, told_key, verified
from tests.ocpp2x.bench import Bench, each_version

REGISTER = "Energy.Active.Import.Register"
SIGNER = MeterKeys("ECDSA-secp256r1-SHA256")
HARDWARE = HardwareSpec(meter=MeterSpec(signer=SIGNER, sign_s=2.0))
KEY = "OCPPCommCtrlr.PublicKeyWithSignedMeterValue"
#: everything that can be signed is
ALL = {
    "SampledDataCtrlr.SignReadings": True,
    "SampledDataCtrlr.SignStartedReadings": True,
    "SampledDataCtrlr.SignUpdatedReadings": True,
    "AlignedDataCtrlr.SignReadings": True,
    "AlignedDataCtrlr.SignUpdatedReadings": True,
}


def values(event: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(timestamp, sampled value) of every value of a message."""
    for row in event.get("meterValue", ()):
        for value in row["sampledValue"]:
            yield row["timestamp"], value


def signed(event: dict[str, Any]) -> list[dict[str, Any]]:
    return [value["signedMeterValue"] for _, value in values(event) if "signedMeterValue" in value]


def session(version: str, settings: dict[str, Any], **fields: Any) -> Bench:
    """Begin, two updates, end."""
    bench = Bench(version, settings, hardware=HARDWARE, **fields).boot()
    bench.charge(seconds=130)
    bench.feed(i.Present("TAG", 1))
    bench.run(3)
    return bench


@each_version
def test_what_is_signed_is_what_is_told(version: str) -> None:
    """Each signature is the meter's, and value, time, place in the transaction and token are those of the message."""
    bench = session(version, ALL | {"SampledDataCtrlr.TxUpdatedMeasurands": (REGISTER, "Voltage")})
    key = printed_key(signed_values.public_key(bench.st, 1))
    pages, phases = [], []
    for event in bench.events():
        for stamp, value in values(event):
            assert ("signedMeterValue" in value) == (value["measurand"] == REGISTER)
            if "signedMeterValue" not in value:
                continue
            payload = verified(value["signedMeterValue"], key)
            (reading,) = payload["RD"]
            assert reading["RV"] == value["value"] and reading["RU"] == value["unitOfMeasure"]["unit"] == "Wh"
            assert reading["TM"] == stamp[:-1].replace(".", ",") + "+0000 S" and reading["EF"] == ""
            assert (payload["IS"], payload["IT"], payload["ID"]) == (True, "ISO14443", "TAG")
            pages.append(payload["PG"])
            phases.append((event["eventType"], reading["TX"]))
    assert phases == [("Started", "B"), ("Updated", "C"), ("Updated", "C"), ("Ended", "B"), ("Ended", "E")]
    assert pages == ["T1", "T2", "T3", "T1", "T4"]  # the begin is signed once and told twice


@each_version
def test_a_signature_does_not_fit_anything_else(version: str) -> None:
    bench = session(version, ALL)
    (one, *_), other = signed(bench.events("Started")[0]), printed_key(signed_values.public_key(bench.st, 2))
    with pytest.raises(InvalidSignature):
        verified(one, other)


@each_version
@pytest.mark.parametrize(
    ("how", "expected"), [("Never", 0), ("OncePerTransaction", 1), ("EveryMeterValue", 5)], ids=lambda x: str(x)
)
def test_how_often_the_key_is_told(version: str, how: str, expected: int) -> None:
    bench = session(version, ALL | {KEY: how})
    found = [one for event in bench.events() for one in signed(event)]
    told = [one for one in found if one["publicKey"]]
    assert len(found) == 5 and len(told) == expected
    if told:
        assert told[0] is found[0] and verified(found[-1], told_key(told[0]))["RD"]


@each_version
def test_once_is_once_also_where_only_the_end_has_values(version: str) -> None:
    nothing: dict[str, Any] = {"SampledDataCtrlr.TxStartedMeasurands": (), "SampledDataCtrlr.TxUpdatedInterval": 0}
    bench = session(version, ALL | nothing)
    (ended,) = bench.events("Ended")
    assert [bool(one["publicKey"]) for one in signed(ended)] == [True, False]


@each_version
def test_switched_off_nothing_is_signed(version: str) -> None:
    bench = session(version, {})
    assert bench.events() and not any(signed(event) for event in bench.events())
    assert bench.st.board.meters[0].page == 0


def test_one_switch_is_for_all_messages_or_each_has_its_own() -> None:
    """2.0.1 2.7.3 and 2.1 2.9.4 to 2.9.6."""
    old = session("2.0.1", {"SampledDataCtrlr.SignReadings": True})
    new = session("2.1", {"SampledDataCtrlr.SignReadings": True})
    kinds = ("Started", "Updated", "Ended")
    assert [any(signed(event) for event in old.events(kind)) for kind in kinds] == [True, True, True]
    assert [any(signed(event) for event in new.events(kind)) for kind in kinds] == [False, False, True]
    begin = session("2.1", {"SampledDataCtrlr.SignReadings": True, "SampledDataCtrlr.SignStartedReadings": True})
    assert [any(signed(event) for event in begin.events(kind)) for kind in kinds] == [True, False, True]
    alone = session("2.1", {"SampledDataCtrlr.SignUpdatedReadings": True})
    assert not any(signed(event) for event in alone.events())


@each_version
def test_aligned_values_within_and_outside_of_transactions(version: str) -> None:
    settings = ALL | {"AlignedDataCtrlr.Interval": 60, "SampledDataCtrlr.SignReadings": False, KEY: "EveryMeterValue"}
    bench = session(
        version,
        settings | {"AlignedDataCtrlr.TxEndedInterval": 60, "AlignedDataCtrlr.TxEndedMeasurands": (REGISTER,)},
    )
    inside = [event for event in bench.events() if event["triggerReason"] == "MeterValueClock"]
    outside = [payload for payload in bench.sent("MeterValues") if payload["evseId"] == 2]
    (ended,) = bench.events("Ended")
    for message, evse_id, phase, page in ((inside[0], 1, "C", "T"), (outside[0], 2, None, "F"), (ended, 1, "C", "T")):
        one = signed(message)[0]
        payload = verified(one, told_key(one))
        assert payload["RD"][0].get("TX") == phase and payload["PG"][0] == page
        assert (
            told_key(one).public_numbers() == printed_key(signed_values.public_key(bench.st, evse_id)).public_numbers()
        )
    contexts = {value["context"] for _, value in values(ended) if "signedMeterValue" in value}
    assert contexts == {"Sample.Clock"}  # begin and end are sampled values, which are not


@each_version
@pytest.mark.parametrize("message", ["MeterValues", "TransactionEvent"])
def test_values_that_the_csms_asks_for(version: str, message: str) -> None:
    """F06.FR.06-07."""
    bench = Bench(version, ALL | {KEY: "EveryMeterValue"}, hardware=HARDWARE).boot()
    bench.charge()
    mark = bench.mark()
    assert bench.ask("TriggerMessage", {"requestedMessage": message, "evse": {"id": 1}})["status"] == "Accepted"
    bench.run(1)
    ((action, payload),) = bench.since(mark)
    (one,) = signed(payload)
    assert action == message and verified(one, told_key(one))["RD"][0]["TX"] == "C"


@each_version
def test_a_transaction_begins_with_the_signed_value(version: str) -> None:
    """E01 S4, E01.FR.04: nothing flows before; TC_E_11."""
    settings = ALL | {"TxCtrlr.TxStartPoint": ("DataSigned",)}
    bench = Bench(version, settings, hardware=HARDWARE).boot()
    bench.feed(i.Present("TAG", 1))
    bench.run(1)
    bench.feed(i.Plug(1))
    bench.run(1.9)
    assert not bench.events() and not bench.st.evses[0].flowing
    bench.run(10)
    started, *later = bench.events()
    assert (started["eventType"], started["triggerReason"]) == ("Started", "SignedDataReceived")
    assert started["idToken"]["idToken"] == "TAG" and started["evse"] == {"id": 1, "connectorId": 1}
    assert [value["context"] for _, value in values(started)] == ["Transaction.Begin"] and signed(started)
    assert later[0]["triggerReason"] == "ChargingStateChanged"
    assert later[0]["transactionInfo"]["chargingState"] == "Charging"
    bench.feed(i.Present("TAG", 1))
    bench.run(1)
    bench.feed(i.Unplug(1, "both"))
    bench.run(1)
    assert bench.events("Ended") and not bench.st.evses[0].data_signed


@each_version
def test_whoever_leaves_before_the_meter_answers_has_no_transaction(version: str) -> None:
    bench = Bench(version, ALL | {"TxCtrlr.TxStartPoint": ("DataSigned",)}, hardware=HARDWARE).boot()
    bench.feed(i.Plug(1))
    bench.feed(i.Present("TAG", 1))
    bench.run(1)
    bench.feed(i.Unplug(1, "both"))
    bench.run(10)
    assert not bench.events() and bench.st.timers.get("meter_signs", 1) is None


@each_version
def test_a_meter_that_cannot_sign_offers_nothing_of_it(version: str) -> None:
    """2.7.3: then the variable is not there, and DataSigned is no start point. It is never a stop point."""
    plain, able = Bench(version).boot(), Bench(version, hardware=HARDWARE).boot()
    names = [("SampledDataCtrlr", "SignReadings"), ("AlignedDataCtrlr", "SignReadings"), tuple(KEY.split("."))]
    rows = [{"component": {"name": component}, "variable": {"name": variable}} for component, variable in names]
    for bench, status in ((plain, "UnknownVariable"), (able, "Accepted")):
        answer = bench.ask("GetVariables", {"getVariableData": rows})
        assert [row["attributeStatus"] for row in answer["getVariableResult"]] == [status] * 3
    for name, bench, status in (
        ("TxStartPoint", plain, "Rejected"), ("TxStartPoint", able, "Accepted"), ("TxStopPoint", able, "Rejected"),
    ):  # fmt: skip
        row = {"component": {"name": "TxCtrlr"}, "variable": {"name": name}, "attributeValue": "DataSigned"}
        answer = bench.ask("SetVariables", {"setVariableData": [row]})
        assert answer["setVariableResult"][0]["attributeStatus"] == status, name


def test_only_one_edition_has_the_key_as_a_variable() -> None:
    row = {"component": {"name": "FiscalMetering", "evse": {"id": 1}}, "variable": {"name": "PublicKey"}}
    found = {}
    for version in ("2.0.1", "2.1"):
        bench = Bench(version, hardware=HARDWARE).boot()
        (result,) = bench.ask("GetVariables", {"getVariableData": [row]})["getVariableResult"]
        found[version] = result["attributeStatus"]
        if version == "2.1":
            assert printed_key(result["attributeValue"])
    assert found == {"2.0.1": "UnknownVariable", "2.1": "Accepted"}


@each_version
def test_a_clock_that_was_never_set_is_said_in_the_signed_data(version: str) -> None:
    bench = Bench(version, ALL, hardware=HARDWARE)
    bench.feed(i.PowerOn(), i.Inject("clock", "rtc.never_syncs", 0, {}))
    bench.run(3)
    bench.charge()
    one = signed(bench.events("Started")[0])[0]
    (reading,) = verified(one, told_key(one))["RD"]
    assert reading["TM"].endswith(" U") and reading["EF"] == "t"


def test_direct_current_and_a_reading_of_nobody() -> None:
    """The dataset alone: what is not known is not claimed."""
    bench = Bench("2.0.1", hardware=HARDWARE, evses=(EvseSpec(1, phases=0),))
    meter = bench.st.board.meters[0]
    fields: dict[str, Any] = {"synced": True, "context": "Transaction.End", "direct": True}
    for session_, expected in ((Session(), ("NONE", "E", "T1")), (None, ("NONE", None, "F2"))):
        text = dataset(meter, "x", 12.0, 0, name_plate=NamePlate(), session=session_, **fields)
        head, payload, _ = text.split("|")
        assert head == "OCMF" and '"RT":"DC"' in payload and '"ID"' not in payload and '"MM"' not in payload
        kind, phase, page = expected
        assert f'"IT":"{kind}"' in payload and f'"PG":"{page}"' in payload
        assert (f'"TX":"{phase}"' in payload) == (phase is not None)
