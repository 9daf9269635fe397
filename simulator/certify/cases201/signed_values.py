"""J01, J02, E01: values that the meter has signed, at the end of a transaction and at its begin."""

from __future__ import annotations

import base64
from typing import Any

from cryptography.hazmat.primitives.serialization import load_der_public_key

from simulator.certify.case import case_201
from simulator.certify.cases201.meter_values import (
    ALIGNED_S,
    AT_END,
    ENDED,
    IDLE,
    REGISTER,
    SAMPLED_S,
    apart,
    complete,
    ended,
    located,
)
from simulator.certify.rules import Rule, one_of, such_that
from simulator.certify.states201 import HAND_S, authorized, energy_started
from simulator.certify.tester import Step
from simulator.certify.tester201 import Tester201, same_token
from simulator.certify.wire import Heard

START = "TxCtrlr.TxStartPoint"
SIGN_ALIGNED, SIGN_SAMPLED = "AlignedDataCtrlr.SignReadings", "SampledDataCtrlr.SignReadings"
PUBLIC_KEY = "OCPPCommCtrlr.PublicKeyWithSignedMeterValue"
#: what a public key begins with, under its base64: encoding and form
KEY_PREFIX = "oca:base16:asn1:"


def is_key(text: Any) -> bool:
    """Is it a public key, as OCPP writes one?"""
    try:
        plain = base64.b64decode(text, validate=True).decode()
        load_der_public_key(bytes.fromhex(plain.removeprefix(KEY_PREFIX)))
    except ValueError:
        return False
    return plain.startswith(KEY_PREFIX)


def key_rule(t: Tester201) -> Rule:
    """What the public key of a signed value may be, by what the station is told to send."""
    how = t.read(PUBLIC_KEY, "publicKey")
    if how == "EveryMeterValue":
        return such_that("a public key", is_key)
    if how == "Never":
        return such_that("empty", lambda text: text == "")
    return such_that("a public key, or empty", lambda text: text == "" or is_key(text))


def signed(t: Tester201, step: Step, heard: Heard, number: int = 0) -> None:
    """The register of one set of values in this message is signed, in all that belongs to a signed value."""
    told = heard.payload["meterValue"][number]["sampledValue"]
    place = next((n for n, one in enumerate(told) if one.get("measurand", REGISTER) == REGISTER), 0)
    way = f"meterValue.{number}.sampledValue.{place}.signedMeterValue"
    filled = such_that("not empty", lambda text: bool(text))
    fields = {"signedMeterData": filled, "signingMethod": filled, "encodingMethod": filled, "publicKey": key_rule(t)}
    t.validate(step, heard, {f"{way}.{name}": rule for name, rule in fields.items()})


@case_201(
    "TC_J_04",
    settings={
        "AlignedDataCtrlr.TxEndedInterval": ALIGNED_S,
        AT_END: REGISTER,
        ENDED: "",
        IDLE: False,
        SIGN_ALIGNED: True,
    },
    if_implemented=[IDLE],
    states=[energy_started],
)
def aligned(t: Tester201) -> None:
    """Clock-aligned Meter Values: signed."""
    heard = ended(t)
    for number in range(len(heard.payload["meterValue"])):
        t.validate("post", heard, {f"meterValue.{number}.sampledValue.0.context": "Sample.Clock"})
        complete(t, "post", heard, number, AT_END)
        signed(t, "post", heard, number)
    apart(t, "post", [value["timestamp"] for value in heard.payload["meterValue"]], ALIGNED_S)
    located(t)


@case_201(
    "TC_J_11",
    settings={"SampledDataCtrlr.TxEndedInterval": SAMPLED_S, AT_END: "", SIGN_SAMPLED: True},
    states=[energy_started],
)
def sampled(t: Tester201) -> None:
    """Sampled Meter Values: signed. What was read at the begin may be among them (E06.FR.11)."""
    heard = ended(t)
    told = heard.payload["meterValue"]
    contexts = [value["sampledValue"][0].get("context", "Sample.Periodic") for value in told]
    for number, context in enumerate(contexts):
        way = f"meterValue.{number}.sampledValue"
        allowed = one_of("Sample.Periodic", "Transaction.End", "Transaction.Begin")
        t.validate("post", heard, {f"{way}.0.context": allowed})
        if context in ("Sample.Periodic", "Transaction.End"):
            complete(t, "post", heard, number, ENDED)
        signed(t, "post", heard, number)
    t.check("post", "samples, and values of the end", {"Sample.Periodic", "Transaction.End"} <= set(contexts), contexts)
    periodic = [
        value["timestamp"] for value, context in zip(told, contexts, strict=True) if context == "Sample.Periodic"
    ]
    apart(t, "post", periodic, SAMPLED_S)
    located(t)


@case_201("TC_E_11", settings={START: "DataSigned", SIGN_SAMPLED: True}, states=[authorized])
def start_point(t: Tester201) -> None:
    """Start point: DataSigned."""
    t.wait(HAND_S)
    t.plug()
    t.connected = True
    trigger = "SignedDataReceived" if t.local else one_of("RemoteStart", "SignedDataReceived")
    fields = {
        **same_token(t.valid),
        "evse.id": t.connector,
        "evse.connectorId": 1,
        "meterValue.0.sampledValue.0.context": "Transaction.Begin",
    }
    _, started = t.any_order(t.status(1, "Occupied"), t.event(3, trigger, kind="Started", fields=fields))
    signed(t, 3, started)
    t.hear(t.event(5, "ChargingStateChanged", kind="Updated", state="Charging"))
