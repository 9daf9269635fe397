"""A meter's key follows from its handle, and its signatures can be checked with the public one."""

from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from simulator.pki.meter_key import CURVES, MeterKeys


@pytest.mark.parametrize("method", sorted(CURVES))
def test_every_method_signs_with_its_curve(method: str) -> None:
    keys = MeterKeys(method)
    key = load_der_public_key(keys.public_key("CP-1/1"))
    assert isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name == CURVES[method].name
    key.verify(keys.sign("CP-1/1", b"a reading"), b"a reading", ec.ECDSA(hashes.SHA256()))
    with pytest.raises(InvalidSignature):
        key.verify(keys.sign("CP-1/1", b"a reading"), b"another one", ec.ECDSA(hashes.SHA256()))
    with pytest.raises(InvalidSignature):
        key.verify(keys.sign("CP-1/2", b"a reading"), b"a reading", ec.ECDSA(hashes.SHA256()))


def test_the_same_meter_has_the_same_key_and_the_same_signatures() -> None:
    one, two = MeterKeys("ECDSA-secp256r1-SHA256"), MeterKeys("ECDSA-secp256r1-SHA256")
    assert one.public_key("CP-1/1") == two.public_key("CP-1/1") != two.public_key("CP-1/2")
    assert one.sign("CP-1/1", b"x") == two.sign("CP-1/1", b"x") != one.sign("CP-1/1", b"y")
    assert one.public_key("CP-1/1") != MeterKeys("ECDSA-secp256k1-SHA256").public_key("CP-1/1")
