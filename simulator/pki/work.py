"""The jobs of ``core/jobs.py`` that are work on keys and certificates.

They are ``make_csr``, ``inspect_certificate``, ``check_chain`` and ``check_signature``. Both drivers carry them out
with :func:`run`; each takes about a millisecond or less, except the making of an RSA key. Nothing here reads a clock or
draws lots beyond a new key.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from simulator.pki.chain import check_chain
from simulator.pki.keystore import Keystore
from simulator.pki.reading import Rejected, certificates_of, inspect_certificate, public_key_of

__all__ = ["KINDS", "Rejected", "check_chain", "check_signature", "inspect_certificate", "run", "sign"]

KINDS = ("make_csr", "inspect_certificate", "check_chain", "check_signature")
_DIGEST = Prehashed(hashes.SHA256())


def check_signature(sha256: str, certificate: str, signature: str) -> None:
    """Return if ``signature`` (base64) over the file with this SHA-256 (hex) is that of ``certificate`` (PEM).

    RSA with either padding (PKCS #1 v1.5, PSS) and ECDSA, all over SHA-256 (L01.FR.11 and the white paper's firmware
    chapter). Raises Rejected ``bad_signature`` or ``unreadable``.
    """
    key = public_key_of(certificates_of(certificate)[0])
    try:
        digest = bytes.fromhex(sha256)
        given = base64.b64decode("".join(signature.split()), validate=True)
    except (ValueError, binascii.Error):
        raise Rejected("bad_signature", "the signature is not base64, or the digest not hexadecimal") from None
    if len(digest) != 32:
        raise Rejected("bad_signature", f"a SHA-256 has 32 bytes, not {len(digest)}")
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(given, digest, ec.ECDSA(_DIGEST))
            return
        if isinstance(key, rsa.RSAPublicKey):
            try:
                key.verify(given, digest, padding.PKCS1v15(), _DIGEST)
            except InvalidSignature:
                key.verify(given, digest, padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.AUTO), _DIGEST)
            return
    except InvalidSignature:
        raise Rejected("bad_signature", "the signature is not the certificate's, or the file is another one") from None
    raise Rejected("bad_signature", "the certificate's key is neither RSA nor an elliptic curve")


def sign(sha256: str, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, *, pss: bool = False) -> str:
    """The signature (base64) that :func:`check_signature` accepts, for those who publish firmware."""
    digest = bytes.fromhex(sha256)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        made = key.sign(digest, ec.ECDSA(_DIGEST, deterministic_signing=True))
    elif pss:
        made = key.sign(digest, padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH), _DIGEST)
    else:
        made = key.sign(digest, padding.PKCS1v15(), _DIGEST)
    return base64.b64encode(made).decode()


def run(kind: str, args: dict[str, Any], keystore: Keystore) -> tuple[bool, dict[str, Any]]:
    """Carry out one job of KINDS; ``(ok, result)`` as JobDone wants them. Raises nothing but bugs of the caller."""
    assert kind in KINDS, kind
    try:
        return True, _WORK[kind](args, keystore)
    except Rejected as no:
        return False, {"cause": no.cause, "detail": no.detail}


def _make_csr(args: dict[str, Any], keystore: Keystore) -> dict[str, Any]:
    handle: str = args["key"]
    try:
        keystore.make(handle, args.get("algorithm") or "EC-P256")
        return {"csr": keystore.csr(handle, args["subject"]), "key": handle}
    except ValueError as error:  # a name that X.509 cannot hold, such as an empty or a too long one
        keystore.forget(handle)
        raise Rejected("unreadable", f"no request can be made: {error}") from None
    except OSError as error:
        raise Rejected("unreadable", f"the key cannot be kept: {error.strerror or error}") from None


def _inspect(args: dict[str, Any], keystore: Keystore) -> dict[str, Any]:
    return inspect_certificate(args["pem"], args.get("roots") or ())


def _check_chain(args: dict[str, Any], keystore: Keystore) -> dict[str, Any]:
    handle = args.get("key")
    return check_chain(
        args["pem"],
        args["roots"],
        args["at_us"],
        public_key=None if handle is None else keystore.public_key(handle),
        common_name=args.get("common_name"),
        organization=args.get("organization"),
        purpose=args.get("purpose"),
    )


def _check_signature(args: dict[str, Any], keystore: Keystore) -> dict[str, Any]:
    check_signature(args["sha256"], args["certificate"], args["signature"])
    return {}


_WORK = {
    "make_csr": _make_csr,
    "inspect_certificate": _inspect,
    "check_chain": _check_chain,
    "check_signature": _check_signature,
}
