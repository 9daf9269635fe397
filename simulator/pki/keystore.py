"""Private keys by handle: what a station's secure element does. The station itself only ever sees the handle.

A key is kept as its DER bytes, 138 for a P-256 key, and read when it is used: a fleet's keys weigh next to nothing,
and the garbage collector does not see them. With a folder, every key is also a file in it (0600 in a folder 0700), so
that a station whose flash names a handle finds its key in the next run.

``PoolKeystore`` is the one of the virtual driver: elliptic keys are computed from a seed and the handle, RSA keys are
a few computed from the seed and shared, and signatures are those of RFC 6979 or PKCS #1 v1.5, which have no random
part. The same seed gives the same bytes. Such keys are for tests: whoever knows the seed knows them.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from simulator.pki.primes import prime_of
from simulator.pki.reading import Rejected, certificates_of, spki_of

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
ALGORITHMS = ("EC-P256", "EC-P384", "RSA-2048", "RSA-3072")
#: how many different RSA keys a PoolKeystore has of each size; computing one takes a good part of a second
POOL = 2
_NAMES = {
    "CN": NameOID.COMMON_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "C": NameOID.COUNTRY_NAME,
    "DC": NameOID.DOMAIN_COMPONENT,
    "serialNumber": NameOID.SERIAL_NUMBER,
}
#: rsaEncryption (RFC 8017 appendix C) as it stands at the beginning of a PKCS #8 key
_RSA_OID = bytes.fromhex("06092a864886f70d010101")
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_P384_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973


def new_key(algorithm: str) -> PrivateKey:
    """A fresh random key; ``algorithm`` is one of ALGORITHMS, else ValueError."""
    if algorithm == "EC-P256":
        return ec.generate_private_key(ec.SECP256R1())
    if algorithm == "EC-P384":
        return ec.generate_private_key(ec.SECP384R1())
    if algorithm in ("RSA-2048", "RSA-3072"):
        return rsa.generate_private_key(public_exponent=65_537, key_size=int(algorithm[4:]))
    raise ValueError(f"no algorithm {algorithm!r}; there are {', '.join(ALGORITHMS)}")


def subject_of(subject: Mapping[str, str]) -> x509.Name:
    """An X.509 name from ``{"CN": ..., "O": ...}``; ValueError for another attribute or a value X.509 cannot hold."""
    unknown = set(subject) - set(_NAMES)
    if unknown:
        raise ValueError(f"no attribute {sorted(unknown)[0]!r} in a subject; there are {', '.join(_NAMES)}")
    return x509.Name([x509.NameAttribute(_NAMES[name], value) for name, value in subject.items()])


def key_from_pem(pem: bytes, password: bytes | None = None) -> PrivateKey:
    """The key of a PEM text. Raises Rejected ``unreadable``; what the text holds is never quoted."""
    try:
        key = load_pem_private_key(pem, password)
    except (ValueError, TypeError):
        raise Rejected("unreadable", "not a private key in PEM, or its password is wrong or missing") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise Rejected("unreadable", "the private key is neither RSA nor an elliptic curve")
    return key


def private_pem(key: PrivateKey) -> bytes:
    """The key as PEM, not encrypted (PKCS #8)."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public_der(key: PrivateKey) -> bytes:
    """Its public key as DER, the form in which keys are compared."""
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def write_private(path: Path, data: bytes) -> None:
    """Write a secret: the file is 0600 from its first byte and appears whole or not at all."""
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
    temporary.replace(path)


def private_folder(folder: Path) -> None:
    """Make the folder, and what is missing above it, for its owner alone (``mkdir`` would leave those above open)."""
    for missing in reversed([one for one in folder.parents if not one.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)


class Keystore:
    """Private keys by handle. ``folder``: keep every key there too, and find there what an earlier run made."""

    __slots__ = ("_folder", "_keys")

    def __init__(self, folder: Path | None = None) -> None:
        self._keys: dict[str, bytes] = {}
        self._folder = folder

    def __contains__(self, handle: str) -> bool:
        return handle in self._keys or ((path := self._path(handle)) is not None and path.exists())

    def __len__(self) -> int:
        """How many keys this run has made, loaded or used."""
        return len(self._keys)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self._keys)} keys>"

    def make(self, handle: str, algorithm: str = "EC-P256") -> None:
        """A new key under ``handle``, in place of one that was there; ValueError for an unknown algorithm."""
        self.put(handle, self._new(handle, algorithm))

    def put(self, handle: str, key: PrivateKey) -> None:
        """Keep ``key`` under ``handle``; OSError when the folder cannot take it."""
        data = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        if (path := self._path(handle)) is not None:
            private_folder(path.parent)
            write_private(path, private_pem(key))
        self._keys[handle] = data

    def load(self, handle: str, pem: bytes, password: bytes | None = None) -> None:
        """Keep the key of a PEM text; raises Rejected ``unreadable``."""
        self.put(handle, key_from_pem(pem, password))

    def forget(self, handle: str) -> None:
        """Destroy the key, if there is one."""
        self._keys.pop(handle, None)
        if (path := self._path(handle)) is not None:
            path.unlink(missing_ok=True)

    def key(self, handle: str) -> PrivateKey:
        """The private key; raises Rejected ``key_mismatch`` when there is none."""
        loaded = load_der_private_key(self._der(handle), None)
        assert isinstance(loaded, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey)
        return loaded

    def pem(self, handle: str) -> bytes:
        """The private key as PEM; raises Rejected ``key_mismatch`` when there is none. Costs no arithmetic."""
        text = base64.encodebytes(self._der(handle))
        return b"-----BEGIN PRIVATE KEY-----\n" + text + b"-----END PRIVATE KEY-----\n"

    def is_rsa(self, handle: str) -> bool:
        """Whether the key is an RSA key, else it is an elliptic one; raises Rejected as :meth:`pem`."""
        return _RSA_OID in self._der(handle)[:40]

    def _der(self, handle: str) -> bytes:
        data = self._keys.get(handle)
        if data is None and (path := self._path(handle)) is not None and path.exists():
            key = key_from_pem(path.read_bytes())
            data = self._keys[handle] = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        if data is None:
            raise Rejected("key_mismatch", f"there is no private key {handle!r}")
        return data

    def public_key(self, handle: str) -> bytes:
        """The public key as DER; raises Rejected ``key_mismatch`` when there is none."""
        return public_der(self.key(handle))

    def matches(self, handle: str, pem: str) -> bool:
        """Whether the (first) certificate is for this key; raises Rejected ``unreadable`` or ``key_mismatch``."""
        return spki_of(certificates_of(pem)[0]) == self.public_key(handle)

    def csr(self, handle: str, subject: Mapping[str, str]) -> str:
        """A certificate signing request (PKCS #10, PEM) for the key; raises Rejected, ValueError for a bad subject."""
        key = self.key(handle)
        builder = x509.CertificateSigningRequestBuilder().subject_name(subject_of(subject))
        deterministic = True if isinstance(key, ec.EllipticCurvePrivateKey) else None
        request = builder.sign(key, hashes.SHA256(), ecdsa_deterministic=deterministic)
        return request.public_bytes(Encoding.PEM).decode()

    def save(self, folder: Path) -> None:
        """Write every key into ``folder`` (made 0700) as a file 0600; raises OSError."""
        private_folder(folder)
        for handle in self._keys:
            write_private(folder / _file_name(handle), private_pem(self.key(handle)))

    def _path(self, handle: str) -> Path | None:
        return None if self._folder is None else self._folder / _file_name(handle)

    def _new(self, handle: str, algorithm: str) -> PrivateKey:
        return new_key(algorithm)


class PoolKeystore(Keystore):
    """Keys that follow from ``seed`` and the handle; see the module. Nothing is written anywhere."""

    __slots__ = ("_seed",)

    def __init__(self, seed: int | str = 0) -> None:
        super().__init__()
        self._seed = str(seed)

    def _new(self, handle: str, algorithm: str) -> PrivateKey:
        return derived_key(f"{self._seed}:{handle}", algorithm)


_POOL: dict[tuple[str, int], rsa.RSAPrivateKey] = {}


def derived_key(text: str, algorithm: str = "EC-P256") -> PrivateKey:
    """The key that belongs to ``text``: for tests and the virtual driver only. RSA: one of POOL shared ones."""
    number = int.from_bytes(hashlib.sha512(text.encode()).digest(), "big")
    if algorithm == "EC-P256":
        return ec.derive_private_key(number % (_P256_ORDER - 1) + 1, ec.SECP256R1())
    if algorithm == "EC-P384":
        return ec.derive_private_key(number % (_P384_ORDER - 1) + 1, ec.SECP384R1())
    if algorithm not in ALGORITHMS:
        raise ValueError(f"no algorithm {algorithm!r}; there are {', '.join(ALGORITHMS)}")
    place = (algorithm, number % POOL)
    if place not in _POOL:
        _POOL[place] = _rsa(f"{algorithm}/{place[1]}", int(algorithm[4:]))
    return _POOL[place]


def _rsa(text: str, bits: int) -> rsa.RSAPrivateKey:
    e = 65_537
    p, q = sorted((prime_of(f"{text}/p", bits // 2, e), prime_of(f"{text}/q", bits // 2, e)), reverse=True)
    d = pow(e, -1, (p - 1) * (q - 1))
    numbers = rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), rsa.RSAPublicNumbers(e, p * q))
    return numbers.private_key()


def _file_name(handle: str) -> str:
    # A handle that is too long for a file name is told apart by its hash.
    name = quote(handle, safe="")
    if len(name) > 120 or name.startswith("."):
        name = name[:40].lstrip(".") + "-" + hashlib.sha256(handle.encode()).hexdigest()[:32]
    return name + ".key"
