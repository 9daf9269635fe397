"""The signing part of a simulated meter (the port ``core/model.Signer``): one key for each meter, by its handle.

A key follows from the handle alone, so a meter has the same public key in every run and a central system may know it
beforehand; signatures are those of RFC 6979, which have no random part. The same reading gives the same bytes again.
Whoever knows the handle can compute the key: it shows that a value is what the meter said, and protects nothing.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

#: SigningMethodEnumStringType -> its curve
CURVES: dict[str, ec.EllipticCurve] = {
    "ECDSA-secp256r1-SHA256": ec.SECP256R1(),
    "ECDSA-secp256k1-SHA256": ec.SECP256K1(),
    "ECDSA-secp384r1-SHA256": ec.SECP384R1(),
    "ECDSA-brainpool256r1-SHA256": ec.BrainpoolP256R1(),
    "ECDSA-brainpool384r1-SHA256": ec.BrainpoolP384R1(),
}
#: keys that are kept read; one weighs about a kilobyte and takes 0.1 ms to compute
MAX_KEPT = 4_096
_HASH = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)


@lru_cache(maxsize=MAX_KEPT)
def _key(method: str, handle: str) -> ec.EllipticCurvePrivateKey:
    curve = CURVES[method]
    bits = curve.key_size - 1  # every number of that many bits is below the order of each of these curves
    digest = hashlib.shake_256(f"meter {method} {handle}".encode()).digest(curve.key_size // 8)
    return ec.derive_private_key(int.from_bytes(digest) % (1 << bits) or 1, curve)


class MeterKeys:
    """The keys of all meters that sign by ``method``; see ``core/model.Signer``."""

    def __init__(self, method: str) -> None:
        assert method in CURVES, method
        self.method = method

    def sign(self, handle: str, data: bytes) -> bytes:
        """ECDSA over SHA-256, DER."""
        return _key(self.method, handle).sign(data, _HASH)

    def public_key(self, handle: str) -> bytes:
        """SubjectPublicKeyInfo, DER."""
        public = _key(self.method, handle).public_key()
        return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
