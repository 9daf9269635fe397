"""Signed meter values as the CSMS judges them: what a station of ours signs fits, and what was touched does not."""

from __future__ import annotations

import base64
import copy
from functools import cache
from typing import Any

import pytest

from simulator.csms.signed import judge
from tests.csms.rig import rig, run
from tests.ocpp2x.bench import Bench
from tests.ocpp2x.test_signed_values import ALL, HARDWARE


@cache
def events() -> list[dict[str, Any]]:
    """The transaction of a station whose meter signs; its key is told once."""
    bench = Bench("2.0.1", ALL, hardware=HARDWARE).boot()
    bench.charge(seconds=70)
    return bench.events()


def started() -> dict[str, Any]:
    return copy.deepcopy(events()[0])


def first(event: dict[str, Any]) -> dict[str, Any]:
    sample: dict[str, Any] = event["meterValue"][0]["sampledValue"][0]
    return sample


def test_what_a_station_signs_fits_and_the_key_is_remembered() -> None:
    begin = judge(events()[0]["meterValue"], "")
    assert (begin.right, begin.problems) == (1, []) and begin.key == first(events()[0])["signedMeterValue"]["publicKey"]
    (sample,) = [event for event in events() if event["triggerReason"] == "MeterValuePeriodic"]
    assert first(sample)["signedMeterValue"]["publicKey"] == ""
    assert judge(sample["meterValue"], begin.key).right == 1
    without = judge(sample["meterValue"], "")
    assert (without.right, without.problems, without.key) == (0, [], "")  # without a key nothing can be said


def altered(text: str, old: str, new: str) -> str:
    found = base64.b64decode(text).decode()
    assert old in found
    return base64.b64encode(found.replace(old, new, 1).encode()).decode()


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("value", "signed"),
        ("payload", "not that of this key"),
        ("signature", "not that of this key"),
        ("other key", "not that of this key"),
        ("no key", "public key cannot be read"),
        ("strange key", "public key cannot be read"),
        ("no data", "cannot be read"),
        ("no sections", "cannot be read"),
    ],
)
def test_what_was_touched_does_not(what: str, says: str) -> None:
    event = started()
    sample = first(event)
    signed = sample["signedMeterValue"]
    if what == "value":
        sample["value"] += 2
    elif what == "payload":
        signed["signedMeterData"] = altered(signed["signedMeterData"], '"TX":"B"', '"TX":"E"')
    elif what == "signature":
        section = base64.b64decode(signed["signedMeterData"]).decode().split('"SD":"')[1]
        digit = section[20]
        signed["signedMeterData"] = altered(
            signed["signedMeterData"], section, section[:20] + ("0" if digit != "0" else "1") + section[21:]
        )
    elif what == "other key":
        other = Bench("2.0.1", ALL, hardware=HARDWARE).boot()
        other.charge(evse_id=2)
        signed["publicKey"] = first(other.events()[0])["signedMeterValue"]["publicKey"]
    elif what == "no key":
        signed["publicKey"] = "x"
    elif what == "strange key":
        signed["publicKey"] = base64.b64encode(b"oca:base32:asn1:00").decode()
    elif what == "no data":
        signed["signedMeterData"] = "%"
    else:
        signed["signedMeterData"] = base64.b64encode(b"OCMF").decode()
    found = judge(event["meterValue"], "")
    assert found.right == 0 and len(found.problems) == 1 and says in found.problems[0], found


def test_another_encoding_is_passed_over() -> None:
    event = started()
    first(event)["signedMeterValue"]["encodingMethod"] = "EDL"
    assert judge(event["meterValue"], "") == judge([], "")


@pytest.mark.live
def test_it_is_a_violation_on_the_wire_and_stands_with_the_transaction() -> None:
    async def main() -> None:
        async with rig() as r, r.station("S1", "2.0.1") as s:
            await s.boot()
            for event in events():
                await s.call("TransactionEvent", event)
            assert "signed-value" not in await r.rules()
            (booked,) = await r.transactions()
            assert booked["signed_values"] == 2 and booked["public_key"]
            wrong = started() | {"transactionInfo": {"transactionId": "other"}}
            first(wrong)["value"] += 1000
            await s.call("TransactionEvent", wrong)
            assert (await r.rules()).count("signed-value") == 1

    run(main())
