"""Signed meter values as a CSMS takes them: is the signature the meter's, and does it say what the message says?

Datasets in OCMF are judged (``OCMF|payload|signature``, ECDSA over SHA-256); other encodings are passed over. A public
key is in the form that OCPP recommends (2.1 J02.FR.23: ``oca:base16:asn1:<hex>``, base64 around it), and the one that a
transaction was told last counts for all that follows. Without a key nothing can be said, and nothing is.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from simulator.csms.meter import SCALE

ENCODING = "OCMF"
#: a register shown with fewer digits than it was signed with
ROUNDING_WH = 1.0
_HASH = ec.ECDSA(hashes.SHA256())


@dataclass(slots=True)
class Judgement:
    """``right``: signatures that fit, ``key``: the public key that counts from now on, ``problems``: what does not."""

    right: int = 0
    key: str = ""
    problems: list[str] = field(default_factory=list)


def judge(meter_values: Iterable[Mapping[str, Any]], key: str) -> Judgement:
    """Judge every signed value of a message; ``key`` is the one that was told before, as it was told."""
    found = Judgement(key=key)
    for number, meter_value in enumerate(meter_values):
        for sample in meter_value.get("sampledValue", ()):
            signed = sample.get("signedMeterValue")
            if signed is None or signed.get("encodingMethod") != ENCODING:
                continue
            found.key = signed.get("publicKey") or found.key
            if not found.key:
                continue
            problem = _problem(signed["signedMeterData"], sample, found.key)
            if problem:
                found.problems.append(f"meterValue[{number}]: {problem}")
            else:
                found.right += 1
    return found


def _problem(data: str, sample: Mapping[str, Any], key: str) -> str:
    """What is wrong with one signed value; nothing is the empty text."""
    try:
        public = _public(key)
    except (ValueError, binascii.Error, UnsupportedAlgorithm):
        return "the public key cannot be read"
    try:
        _, payload, signature = base64.b64decode(data, validate=True).decode().split("|")
        digits = json.loads(signature)["SD"]
        reading = json.loads(payload)["RD"][0]
        public.verify(bytes.fromhex(digits), payload.encode(), _HASH)
        signed_wh = float(reading["RV"]) * SCALE[reading["RU"]]
    except InvalidSignature:
        return "the signature is not that of this key"
    except (ValueError, KeyError, IndexError, TypeError):
        return "the signed data cannot be read"
    told_wh = _told_wh(sample)
    if told_wh is not None and abs(told_wh - signed_wh) >= ROUNDING_WH:
        return f"told are {told_wh:g} Wh, signed {signed_wh:g} Wh"
    return ""


def _public(key: str) -> ec.EllipticCurvePublicKey:
    marker, encoding, kind, digits = base64.b64decode(key, validate=True).decode().split(":")
    if (marker, encoding, kind) != ("oca", "base16", "asn1"):
        raise ValueError(key)
    public = load_der_public_key(bytes.fromhex(digits))
    if not isinstance(public, ec.EllipticCurvePublicKey):
        raise ValueError(key)
    return public


def _told_wh(sample: Mapping[str, Any]) -> float | None:
    """The value beside the signed one; None for what is no energy."""
    unit = sample.get("unitOfMeasure", {})
    scale = SCALE.get(unit.get("unit", "Wh"))
    return None if scale is None else float(sample["value"]) * scale * 10.0 ** unit.get("multiplier", 0)
