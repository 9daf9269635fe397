"""A certificate authority small enough for a test, complete enough for OCPP: root, sub-authority, and leaves.

Every certificate states what it is for and when, from times the caller gives (microseconds since 1970), so that an
expired or a future one, one of another authority or one for another host are made by asking for them. Serial numbers
follow from what is certified, hence the same keys and times give the same certificates: the virtual driver needs that.

Extensions as RFC 5280 wants them: basic constraints and key usage critical, key identifiers in all, the server's names
as alternative names (white paper A00.FR.308 compares them with the address), extended key usage by purpose.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypedDict

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID as Eku

from simulator.pki.keystore import PrivateKey, derived_key, key_from_pem, new_key, private_pem, public_der, subject_of
from simulator.pki.reading import Rejected, at, certificates_of, is_ca, pem_of, spki_of

DAY_US = 86_400_000_000
YEAR_US = 365 * DAY_US
_PURPOSES = {"server": Eku.SERVER_AUTH, "client": Eku.CLIENT_AUTH, "code": Eku.CODE_SIGNING}
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey


class Times(TypedDict):
    """From when to when a certificate is valid; ``**times`` gives both."""

    not_before_us: int
    not_after_us: int


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate with its private key. ``chain``: leaf first, then the sub-authorities, without the root."""

    certificate: str
    chain: str
    key: PrivateKey = field(repr=False)

    @property
    def key_pem(self) -> bytes:
        """The private key as PEM, not encrypted."""
        return private_pem(self.key)


class Authority:
    """One authority: its certificate and key, and what stands between it and its root.

    Made by :meth:`root`, :meth:`intermediate` or :meth:`load`. ``seed`` makes the keys it generates follow from it.
    """

    __slots__ = ("_above", "_cert", "_count", "_key", "_seed")

    def __init__(
        self,
        certificate: x509.Certificate,
        key: PrivateKey,
        above: tuple[x509.Certificate, ...] = (),
        seed: str | None = None,
    ) -> None:
        if spki_of(certificate) != public_der(key):
            raise Rejected("key_mismatch", "the authority's certificate is for another key")
        if not is_ca(certificate):
            raise Rejected("purpose", "the certificate is no authority's")
        self._cert, self._key, self._above, self._seed = certificate, key, above, seed
        self._count = 0

    @classmethod
    def root(
        cls,
        name: str,
        *,
        not_before_us: int,
        not_after_us: int,
        organization: str = "cpfarm test",
        algorithm: str = "EC-P256",
        seed: str | None = None,
    ) -> Authority:
        """A new self-signed authority; ``algorithm`` as ``keystore.ALGORITHMS``, else ValueError."""
        key = new_key(algorithm) if seed is None else derived_key(f"{seed}/{name}", algorithm)
        subject = subject_of({"CN": name, "O": organization})
        builder = _builder(subject, subject, key.public_key(), not_before_us, not_after_us, "root")
        builder = _as_authority(builder, key.public_key(), key.public_key(), path_length=None)
        return cls(_signed(builder, key), key, seed=seed)

    @classmethod
    def load(cls, certificate_pem: str, key_pem: bytes, password: bytes | None = None) -> Authority:
        """An authority that the user brings: its certificate (sub-authorities behind it) and key. Raises Rejected."""
        chain = certificates_of(certificate_pem)
        above = tuple(one for one in chain if one.issuer != one.subject)
        return cls(chain[0], key_from_pem(key_pem, password), above)

    @property
    def pem(self) -> str:
        """Its certificate."""
        return pem_of(self._cert)

    @property
    def key_pem(self) -> bytes:
        """Its private key as PEM, not encrypted."""
        return private_pem(self._key)

    @property
    def not_after_us(self) -> int:
        """The end of its certificate's validity."""
        return int(self._cert.not_valid_after_utc.timestamp()) * 1_000_000

    def intermediate(
        self, name: str, *, not_before_us: int, not_after_us: int, algorithm: str = "EC-P256"
    ) -> Authority:
        """A sub-authority that may issue leaves only; chains of its certificates carry its own certificate."""
        key = self._new_key(name, algorithm)
        subject = subject_of({"CN": name, "O": "cpfarm test"})
        builder = _builder(subject, self._cert.subject, key.public_key(), not_before_us, not_after_us, self._next())
        builder = _as_authority(builder, key.public_key(), self._public(), path_length=0)
        made = _signed(builder, self._key)
        return Authority(made, key, (made, *self._above), self._seed)

    def issue(
        self,
        subject: Mapping[str, str],
        public_key: PublicKey,
        *,
        purpose: str,
        not_before_us: int,
        not_after_us: int,
        hosts: Iterable[str] = (),
    ) -> str:
        """A certificate for a public key as a chain (PEM, leaf first, without the root).

        ``purpose``: ``server``, ``client`` or ``code``; ``hosts``: names and addresses of a server. ValueError for a
        subject or host that X.509 cannot hold.
        """
        return pem_of(*self._leaf(subject_of(subject), public_key, purpose, not_before_us, not_after_us, hosts))

    def server(
        self, hosts: Iterable[str], *, not_before_us: int, not_after_us: int, algorithm: str = "EC-P256"
    ) -> Issued:
        """Certificate and key of a server; the first host is also its common name."""
        names = list(hosts)
        return self._issued({"CN": names[0]}, "server", not_before_us, not_after_us, algorithm, names)

    def station(
        self,
        station_id: str,
        *,
        not_before_us: int,
        not_after_us: int,
        organization: str = "cpfarm test",
        algorithm: str = "EC-P256",
    ) -> Issued:
        """Certificate and key of a station: its id (or serial number) as common name, the operator as organization."""
        subject = {"CN": station_id, "O": organization}
        return self._issued(subject, "client", not_before_us, not_after_us, algorithm, ())

    def code_signing(self, name: str, *, not_before_us: int, not_after_us: int, algorithm: str = "EC-P256") -> Issued:
        """Certificate and key of a firmware's publisher."""
        subject = {"CN": name, "O": "cpfarm test"}
        return self._issued(subject, "code", not_before_us, not_after_us, algorithm, ())

    def sign_csr(
        self, csr: str, *, not_before_us: int, not_after_us: int, purpose: str = "client", check: bool = True
    ) -> str:
        """The chain for a signing request, subject as requested. Raises Rejected ``unreadable`` or ``bad_signature``.

        ``check``: whether the request must be signed by its own key (it always should be; RFC 2986).
        """
        try:
            request = x509.load_pem_x509_csr(csr.encode())
            public = request.public_key()
        except (ValueError, UnsupportedAlgorithm):
            raise Rejected("unreadable", "not a certificate signing request in PEM") from None
        if check and not request.is_signature_valid:
            raise Rejected("bad_signature", "the request is not signed by the key it is for")
        if not isinstance(public, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
            raise Rejected("weak_key", "the key is neither RSA nor an elliptic curve")
        return pem_of(*self._leaf(request.subject, public, purpose, not_before_us, not_after_us, ()))

    # -- inside

    def _issued(
        self,
        subject: Mapping[str, str],
        purpose: str,
        not_before_us: int,
        not_after_us: int,
        algorithm: str,
        hosts: Iterable[str],
    ) -> Issued:
        key = self._new_key(f"{purpose}/{subject['CN']}", algorithm)
        made = self._leaf(subject_of(subject), key.public_key(), purpose, not_before_us, not_after_us, hosts)
        return Issued(pem_of(made[0]), pem_of(*made), key)

    def _leaf(
        self,
        subject: x509.Name,
        public: PublicKey,
        purpose: str,
        not_before_us: int,
        not_after_us: int,
        hosts: Iterable[str],
    ) -> tuple[x509.Certificate, ...]:
        builder = _builder(subject, self._cert.subject, public, not_before_us, not_after_us, self._next())
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        # A suite without Diffie-Hellman (TLS_RSA_...) encrypts with the server's key itself.
        encipher = purpose == "server" and isinstance(public, rsa.RSAPublicKey)
        builder = builder.add_extension(_usage(digital_signature=True, key_encipherment=encipher), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([_PURPOSES[purpose]]), critical=False)
        builder = _with_identifiers(builder, public, self._public())
        if names := [_general_name(host) for host in hosts]:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return (_signed(builder, self._key), *self._above)

    def _public(self) -> PublicKey:
        return self._key.public_key()

    def _next(self) -> str:
        self._count += 1
        return str(self._count)

    def _new_key(self, name: str, algorithm: str) -> PrivateKey:
        if self._seed is None:
            return new_key(algorithm)
        return derived_key(f"{self._seed}/{name}/{self._count}", algorithm)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public: PublicKey,
    not_before_us: int,
    not_after_us: int,
    number: str,
) -> x509.CertificateBuilder:
    spki = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    what = b"|".join((spki, subject.public_bytes(), f"{not_before_us}|{not_after_us}|{number}".encode()))
    # 15 bytes and a top bit: positive, never beginning with a zero, far below the 20 bytes of RFC 5280
    serial = int.from_bytes(hashlib.sha256(what).digest()[:15], "big") | 1 << 118
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(serial)
        .not_valid_before(at(not_before_us))
        .not_valid_after(at(not_after_us))
    )


def _as_authority(
    builder: x509.CertificateBuilder, public: PublicKey, issuer: PublicKey, *, path_length: int | None
) -> x509.CertificateBuilder:
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
    builder = builder.add_extension(_usage(digital_signature=True, key_cert_sign=True), critical=True)
    return _with_identifiers(builder, public, issuer)


def _with_identifiers(
    builder: x509.CertificateBuilder, public: PublicKey, issuer: PublicKey
) -> x509.CertificateBuilder:
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    return builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer), critical=False)


def _usage(
    *, digital_signature: bool = False, key_encipherment: bool = False, key_cert_sign: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=key_encipherment,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=key_cert_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _signed(builder: x509.CertificateBuilder, key: PrivateKey) -> x509.Certificate:
    deterministic = True if isinstance(key, ec.EllipticCurvePrivateKey) else None
    return builder.sign(key, hashes.SHA256(), ecdsa_deterministic=deterministic)
