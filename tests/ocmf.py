"""What a central system does with a signed value: take it apart and check it, with nothing of the code that made it."""

from __future__ import annotations

import base64
import json
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

CURVES = {"secp256r1": "secp256r1", "secp384r1": "secp384r1", "brainpool256r1": "brainpoolP256r1"}


def printed_key(text: str) -> ec.EllipticCurvePublicKey:
    """The key of ``oca:base16:asn1:<hex>``."""
    marker, encoding, kind, digits = text.split(":")
    assert (marker, encoding, kind) == ("oca", "base16", "asn1")
    key = load_der_public_key(bytes.fromhex(digits))
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return key


def told_key(signed: dict[str, Any]) -> ec.EllipticCurvePublicKey:
    """The key that a SignedMeterValueType carries."""
    return printed_key(base64.b64decode(signed["publicKey"], validate=True).decode())


def verified(signed: dict[str, Any], key: ec.EllipticCurvePublicKey) -> dict[str, Any]:
    """The payload of a SignedMeterValueType; InvalidSignature when it is not of this key."""
    assert signed["encodingMethod"] == "OCMF"
    marker, payload, signature = base64.b64decode(signed["signedMeterData"], validate=True).decode().split("|")
    section = json.loads(signature)
    assert marker == "OCMF" and section["SA"] == signed["signingMethod"]
    assert key.curve.name == CURVES[section["SA"].split("-")[1]]
    key.verify(bytes.fromhex(section["SD"]), payload.encode(), ec.ECDSA(hashes.SHA256()))
    found: dict[str, Any] = json.loads(payload)
    return found
