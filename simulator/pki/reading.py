"""Certificates as OCPP speaks of them: PEM text in, plain facts out.

OCPP tells certificates apart by hashes over DER (RFC 6960 section 4.1.1, 2.x ``CertificateHashDataType``): of the
issuer's name as the certificate itself spells it, of the issuer's public key (the bits alone, without their wrapping),
and by the serial number in hexadecimal. The second needs the issuer's certificate: it is looked for in the certificate
itself (self-signed), behind it in the PEM text, and among the ``issuers`` a caller may add. Where none is at hand, the
authority key identifier stands in for it: it is the issuer's own fingerprint of that key, so it still tells issuers
apart, but it is not the hash of the specification.

Times are microseconds since 1970. Nothing here reads a clock.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterable
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from simulator.errors import CpfarmError

#: certificates in one text; OCPP's longest chain is a leaf and two sub-authorities
MAX_CERTIFICATES = 10
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)
_MARK = "-----BEGIN CERTIFICATE-----"


class Rejected(CpfarmError):
    """A certificate or signature is not accepted. ``cause`` is one of those in ``core/jobs.py``, ``detail`` for people.

    Neither ever holds key material.
    """

    def __init__(self, cause: str, detail: str) -> None:
        super().__init__(f"{cause}: {detail}")
        self.cause, self.detail = cause, detail


def certificates_of(pem: str) -> list[x509.Certificate]:
    """The certificates of a PEM text, in order. Raises Rejected ``unreadable``, or ``chain_too_long`` for too many."""
    if pem.count(_MARK) > MAX_CERTIFICATES:
        raise Rejected("chain_too_long", f"more than {MAX_CERTIFICATES} certificates")
    try:
        found = x509.load_pem_x509_certificates(pem.encode())
        for certificate in found:
            certificate.extensions  # noqa: B018 - read lazily: a broken one is found here and not in the middle of a check
    except (ValueError, UnicodeError, x509.DuplicateExtension) as error:
        raise Rejected("unreadable", f"not a certificate in PEM: {error}") from None
    return found


def pem_of(*certificates: x509.Certificate) -> str:
    """The certificates as one PEM text."""
    return "".join(certificate.public_bytes(Encoding.PEM).decode() for certificate in certificates)


def at(time_us: int) -> dt.datetime:
    """A moment as the certificate library wants it."""
    return _EPOCH + time_us * _MICROSECOND


def us_of(moment: dt.datetime) -> int:
    """A moment of a certificate in microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


def common_name(name: x509.Name) -> str:
    """The (first) common name of a name, empty when it has none."""
    return _attribute(name, NameOID.COMMON_NAME)


def organization(name: x509.Name) -> str:
    """The (first) organization of a name, empty when it has none."""
    return _attribute(name, NameOID.ORGANIZATION_NAME)


def _attribute(name: x509.Name, oid: x509.ObjectIdentifier) -> str:
    for attribute in name.get_attributes_for_oid(oid):
        return attribute.value if isinstance(attribute.value, str) else attribute.value.hex()
    return ""


def public_key_of(certificate: x509.Certificate) -> CertificatePublicKeyTypes:
    """The public key. Raises Rejected ``unreadable`` for a kind of key that cannot be read."""
    try:
        return certificate.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Rejected("unreadable", f"the public key cannot be read: {error}") from None


def spki_of(certificate: x509.Certificate) -> bytes:
    """The public key as DER, the form in which keys are compared."""
    return public_key_of(certificate).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def key_bits(certificate: x509.Certificate) -> int:
    """The size of the public key: of the modulus (RSA) or of the field (elliptic curve); 0 for other kinds."""
    key = public_key_of(certificate)
    return key.key_size if isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey) else 0


def is_ca(certificate: x509.Certificate) -> bool:
    """Whether it may issue certificates (RFC 5280 sections 4.2.1.3 and 4.2.1.9)."""
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return False
    if not constraints.ca:
        return False
    with contextlib.suppress(x509.ExtensionNotFound):
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    return True


def is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether name and signature both say so."""
    if certificate.issuer != issuer.subject:
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return True


def hosts_of(certificate: x509.Certificate) -> set[str]:
    """The names and addresses a server's certificate is for (subject alternative names)."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return set()
    return {*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))}


def hash_data(certificate: x509.Certificate, issuers: Iterable[x509.Certificate] = ()) -> dict[str, Any]:
    """What OCPP calls the certificate by (SHA-256); ``issuers`` are searched for the one that made it."""
    issuer = next((one for one in (certificate, *issuers) if is_issued_by(certificate, one)), None)
    return {
        "hash_algorithm": "SHA256",
        "issuer_name_hash": _sha256(certificate.issuer.public_bytes()),
        "issuer_key_hash": _key_identifier(certificate) if issuer is None else _key_hash(issuer),
        "serial_number": f"{certificate.serial_number:X}",
    }


def _key_hash(certificate: x509.Certificate) -> str:
    key = public_key_of(certificate)
    # The bits of the key as they stand in the certificate: for a curve the point, for RSA the PKCS#1 sequence.
    if isinstance(key, ec.EllipticCurvePublicKey):
        return _sha256(key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))
    if isinstance(key, rsa.RSAPublicKey):
        return _sha256(key.public_bytes(Encoding.DER, PublicFormat.PKCS1))
    raise Rejected("unreadable", "the issuer's key is neither RSA nor an elliptic curve")


def _key_identifier(certificate: x509.Certificate) -> str:
    with contextlib.suppress(x509.ExtensionNotFound):
        known = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
        if known is not None:
            return known.hex()
    return ""


def _sha256(data: bytes) -> str:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(data)
    return digest.finalize().hex()


def facts_of(chain: list[x509.Certificate], issuers: Iterable[x509.Certificate] = ()) -> dict[str, Any]:
    """The facts of the first certificate of a chain; see :func:`inspect_certificate`."""
    leaf, others = chain[0], chain[1:]
    known = (*others, *issuers)
    return {
        "pem": pem_of(*chain),
        **hash_data(leaf, known),
        "subject": leaf.subject.rfc4514_string(),
        "issuer": leaf.issuer.rfc4514_string(),
        "common_name": common_name(leaf.subject),
        "organization": organization(leaf.subject),
        "not_before_us": us_of(leaf.not_valid_before_utc),
        "not_after_us": us_of(leaf.not_valid_after_utc),
        "is_ca": is_ca(leaf),
        "self_signed": is_issued_by(leaf, leaf),
        "key_bits": key_bits(leaf),
        "children": [hash_data(one, known) for one in others],
    }


def inspect_certificate(pem: str, issuers: Iterable[str] = ()) -> dict[str, Any]:
    """The facts of a certificate, as ``core/jobs.py`` lists them; of a chain those of its first, the rest as children.

    ``issuers`` are PEM texts in which the issuer may be found (for its key hash); one that cannot be read is an error.
    Raises Rejected ``unreadable`` or ``chain_too_long``.
    """
    return facts_of(certificates_of(pem), [one for text in issuers for one in certificates_of(text)])
