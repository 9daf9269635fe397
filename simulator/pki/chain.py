"""Is this chain to be trusted, at this time, for this? What a station needs of the path rules of RFC 5280 section 6.

From the leaf up, each certificate must be in force, strong enough (white paper A00.FR.502 and 503: RSA from 2048 bits,
curves from 224) and signed by an authority, until a trusted root is met. The order of the certificates behind the leaf
does not matter. The first rule that is broken gives the cause, in words of ``core/jobs.py``, because OCPP stations say
different things about an expired certificate and a forged one.

Revocation is not looked at (OCSP is a job of its own), and name constraints and policies are for authorities that a
test bench does not have.
"""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Sequence
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID as Eku

from simulator.pki.reading import (
    Rejected,
    certificates_of,
    common_name,
    facts_of,
    is_ca,
    organization,
    public_key_of,
    spki_of,
    us_of,
)

_EKU = {"client": Eku.CLIENT_AUTH, "server": Eku.SERVER_AUTH, "code": Eku.CODE_SIGNING}
PURPOSES = (*_EKU, "root")


def check_chain(
    pem: str,
    roots: Sequence[str],
    at_us: int,
    *,
    public_key: bytes | None = None,
    common_name: str | None = None,
    organization: str | None = None,
    purpose: str | None = None,
    host: str | None = None,
    wildcards: bool = True,
) -> dict[str, Any]:
    """The facts of the leaf (as ``inspect_certificate`` gives them) of a chain that may be trusted at ``at_us``.

    ``pem`` holds the leaf first. ``public_key`` is the key it must carry (SubjectPublicKeyInfo as DER);
    ``common_name`` and ``organization`` what its subject must say; ``host`` the name or address it must be for, in full
    or, with ``wildcards``, by its domain.
    ``purpose``: ``client``, ``server``, ``code`` (the extended key usage must allow it, if there is one), or ``root``:
    a new root, which must be an authority; with ``roots`` it must be signed by one of them, without it needs only its
    own signature. Raises Rejected: unreadable, chain_too_long, not_yet_valid, expired, weak_key, bad_signature,
    untrusted, key_mismatch, common_name, organization, purpose, not_signed_by_current.
    """
    assert purpose is None or purpose in PURPOSES, purpose
    chain = certificates_of(pem)
    trusted = [one for text in roots for one in certificates_of(text)]
    leaf = chain[0]
    if public_key is not None and spki_of(leaf) != public_key:
        raise Rejected("key_mismatch", "the certificate is for another key")
    _check_path(leaf, chain[1:], trusted, at_us, purpose)
    if common_name is not None and not _has_common_name(leaf, common_name):
        raise Rejected("common_name", f"the certificate is for {_cn(leaf)!r}, not {common_name!r}")
    if organization is not None and _o(leaf) != organization:
        raise Rejected("organization", f"the certificate's organization is {_o(leaf)!r}, not {organization!r}")
    if host is not None and not is_for_host(leaf, host, wildcards=wildcards):
        raise Rejected("common_name", f"the certificate is not for {host!r}")
    if purpose is not None:
        _check_purpose(leaf, purpose)
    return facts_of(chain, trusted)


def _cn(certificate: x509.Certificate) -> str:
    return common_name(certificate.subject)


def _o(certificate: x509.Certificate) -> str:
    return organization(certificate.subject)


def _has_common_name(certificate: x509.Certificate, wanted: str) -> bool:
    return _cn(certificate).lower() == wanted.lower()


def _check_path(
    leaf: x509.Certificate,
    others: list[x509.Certificate],
    trusted: list[x509.Certificate],
    at_us: int,
    purpose: str | None,
) -> None:
    """Walk from the leaf to a trusted root; raises Rejected where it breaks."""
    current, left, below = leaf, list(others), 0
    while True:
        _check_one(current, at_us)
        if current in trusted:
            return
        issuer = _issuer(current, trusted)
        if issuer is not None:
            _check_one(issuer, at_us)
            _check_authority(issuer, below)
            return
        if current.issuer == current.subject or not left or (issuer := _issuer(current, left)) is None:
            break
        left.remove(issuer)
        _check_authority(issuer, below)
        current, below = issuer, below + 1
    if purpose == "root":
        if trusted:
            raise Rejected("not_signed_by_current", f"{_cn(leaf)!r} is not signed by a root in use")
        if _issuer(leaf, [leaf]) is None:
            raise Rejected("untrusted", f"{_cn(leaf)!r} is not self-signed and nothing else vouches for it")
        return
    raise Rejected("untrusted", f"no trusted root issued {_cn(current)!r}")


def _issuer(certificate: x509.Certificate, among: Sequence[x509.Certificate]) -> x509.Certificate | None:
    """Who of ``among`` signed it. Raises ``bad_signature`` when one has its name and key identifier, but did not."""
    forged = False
    for one in among:
        if one.subject != certificate.issuer or not _may_be_key(certificate, one):
            continue
        try:
            certificate.verify_directly_issued_by(one)
        except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
            forged = True
            continue
        return one
    if forged:
        raise Rejected("bad_signature", f"the signature of {_cn(certificate)!r} is not its issuer's")
    return None


def _may_be_key(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Two authorities may share a name; their key identifiers, where both have one, tell them apart."""
    with contextlib.suppress(x509.ExtensionNotFound):
        wanted = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
        offered = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.key_identifier
        return wanted is None or wanted == offered
    return True


def _check_one(certificate: x509.Certificate, at_us: int) -> None:
    if at_us < us_of(certificate.not_valid_before_utc):
        moment = certificate.not_valid_before_utc
        raise Rejected("not_yet_valid", f"{_cn(certificate)!r} is not valid before {moment:%Y-%m-%dT%H:%M:%SZ}")
    if at_us >= us_of(certificate.not_valid_after_utc) + 1_000_000:  # the last second is still in
        moment = certificate.not_valid_after_utc
        raise Rejected("expired", f"{_cn(certificate)!r} was valid until {moment:%Y-%m-%dT%H:%M:%SZ}")
    key = public_key_of(certificate)
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < 2048:
            raise Rejected("weak_key", f"{_cn(certificate)!r} has an RSA key of {key.key_size} bits; 2048 are wanted")
    elif not isinstance(key, ec.EllipticCurvePublicKey):
        raise Rejected("weak_key", f"the key of {_cn(certificate)!r} is neither RSA nor an elliptic curve")
    elif key.key_size < 224:
        raise Rejected("weak_key", f"{_cn(certificate)!r} has a curve of {key.key_size} bits; 224 are wanted")
    if isinstance(certificate.signature_hash_algorithm, hashes.SHA1 | hashes.MD5) and (
        certificate.issuer != certificate.subject
    ):
        raise Rejected("weak_key", f"{_cn(certificate)!r} is signed over {certificate.signature_hash_algorithm.name}")


def _check_authority(certificate: x509.Certificate, below: int) -> None:
    """``below``: how many authorities stand between this one and the leaf."""
    if not is_ca(certificate):
        raise Rejected("untrusted", f"{_cn(certificate)!r} is no authority")
    limit = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length
    if limit is not None and below > limit:
        raise Rejected("chain_too_long", f"{_cn(certificate)!r} allows {limit} authorities below it, not {below}")


def _check_purpose(certificate: x509.Certificate, purpose: str) -> None:
    if purpose == "root":
        if not is_ca(certificate):
            raise Rejected("purpose", f"{_cn(certificate)!r} is no authority")
        return
    with contextlib.suppress(x509.ExtensionNotFound):
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
        if not usage.digital_signature and not (purpose == "server" and usage.key_encipherment):
            raise Rejected("purpose", f"{_cn(certificate)!r} may not sign")
    with contextlib.suppress(x509.ExtensionNotFound):
        allowed = set(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
        if not allowed & {_EKU[purpose], Eku.ANY_EXTENDED_KEY_USAGE}:
            raise Rejected("purpose", f"{_cn(certificate)!r} is not made for use as {purpose}")


def is_for_host(certificate: x509.Certificate, host: str, *, wildcards: bool = True) -> bool:
    """Whether a server's certificate is for ``host``, a name or an address, as white paper A00.FR.308 wants it checked.

    Alternative names, where there are any, go before the common name (RFC 6125 section 6.4.4). Without
    ``wildcards`` it must be named in full.
    """
    try:
        address = ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        address = None
    names: list[str] = []
    with contextlib.suppress(x509.ExtensionNotFound):
        san = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        if address is not None:
            return address in san.get_values_for_type(x509.IPAddress)
        names = san.get_values_for_type(x509.DNSName)
    wanted = host.lower().rstrip(".")
    known = [name.lower() for name in names or [_cn(certificate)]]
    return any(_matches(name, wanted) if wildcards else name == wanted for name in known)


def _matches(pattern: str, name: str) -> bool:
    if not pattern.startswith("*."):
        return pattern == name
    first, dot, rest = name.partition(".")
    return bool(first and dot) and pattern[2:] == rest  # one label, the leftmost (RFC 6125 section 6.4.3)
