"""The tool as an operator: its authority, its server, the passwords it takes, the maker's firmware.

What a lab enters into the tool before cases of security is made here, for one device under test and from one point in
time, so that the same device and time give the same certificates. The door (``lab/security.py``) holds what the tool
offers and takes at this moment; a server on sockets obeys the same door.

A connection that was let in is told to the case as a message of its own, ``Connect``, because that is what the cases
look at: which TLS, which suites were offered, who says to be who, and by which certificate. It carries judgements where
the thing itself is a secret: ``credential`` is ``current`` or ``other``, never a password.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from simulator.blocks import certificates, security_profile
from simulator.certify.rules import such_that
from simulator.core.certificate_store import CSMS_ROOT, MANUFACTURER_ROOT, STATION
from simulator.core.effects import Dial
from simulator.core.link_policy import CERTIFICATE_PROFILE, PASSWORD_PROFILES, TLS_PROFILES
from simulator.core.station import Station
from simulator.lab import security as lab
from simulator.pki import work
from simulator.pki.authority import DAY_US, YEAR_US, Authority, Issued, Times
from simulator.pki.keystore import Keystore
from simulator.pki.reading import common_name, hash_data, organization, public_key_of

#: the operator, as it stands in stations' certificates (CpoName)
OPERATOR = "cpfarm test"
#: security events of the daily round (1.6: white paper; 2.0.1: part 2 appendices, 1)
ORDINARY = frozenset(
    {
        "StartupOfTheDevice",
        "ResetOrReboot",
        "SettingSystemTime",
        "ReconfigurationOfSecurityParameters",
        "FirmwareUpdated",
        "MemoryExhaustion",
    }
)
#: one of these pairs at least (1.6: A00.FR.317 and 318; 2.0.1: A00.FR.319 and 422)
SUITES = (
    {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"},
    {"TLS_RSA_WITH_AES_128_GCM_SHA256", "TLS_RSA_WITH_AES_256_GCM_SHA384"},
)
BOTH_SUITES = such_that("both suites of ECDHE_ECDSA or of RSA", lambda got: any(pair <= set(got) for pair in SUITES))
#: bits of a key, by its kind (A00.FR.502 and 503)
LONG_ENOUGH = {"RSA": 2048, "EC": 224}
#: passwords as AuthorizationKey and BasicAuthPassword take them: the one delivered, and the one of TC_073
DELIVERED_PASSWORD = b"delivered-password".hex().upper()
NEW_PASSWORD = "4F43415F4F4354545F61646D696E5F74657374"
#: a firmware image of our own kind, and one that is none
IMAGE = b"CPFARM-FIRMWARE 2.0.0\n" + bytes(range(256)) * 64
NO_IMAGE = b"CPFARM-FIRMWARE\n" + bytes(64)
HOST = "csms.test"
#: names of the tool's server, in memory and on sockets
HOSTS = (HOST, "127.0.0.1")
#: path of the tool's second address, the one of another network profile
SECOND = "/second"
DELIVERED_KEY = "delivered/DUT"


@dataclass
class Security:
    """The tool's side of security for one device. ``epoch_us``: the true time at which everything is in force,
    ``serial`` what the station's certificate is for. ``password`` is the one the tool takes now."""

    epoch_us: int
    serial: str
    keystore: Keystore
    password: str = DELIVERED_PASSWORD
    #: security profile the station was delivered with, None for one that knows of none
    profile: int | None = None
    door: lab.Door | None = None
    #: passwords are hexadecimal digits (AuthorizationKey), not text (BasicAuthPassword)
    hex_passwords: bool = True

    @property
    def times(self) -> Times:
        """In force, and long since: there are stations whose clock begins years ago until it is set."""
        day_us = self.epoch_us // DAY_US * DAY_US
        return {"not_before_us": day_us - 20 * YEAR_US, "not_after_us": day_us + 5 * YEAR_US}

    def _root(self, name: str, times: Times | None = None) -> Authority:
        return Authority.root(name, **(times or self.times), organization=OPERATOR, seed="certify")

    @cached_property
    def root(self) -> Authority:
        """The operator's authority: it vouches for the tool and signs for stations."""
        return self._root("Tool Root")

    @cached_property
    def other_root(self) -> Authority:
        """A second root of the operator, which nothing rests on."""
        return self._root("Tool Second Root")

    @cached_property
    def next_root(self) -> Authority:
        """A root that the operator's own vouches for, for stations that look for that before they change."""
        return self.root.intermediate("Tool Next Root", **self.times)

    @cached_property
    def maker(self) -> Authority:
        """The maker of the station; its root is delivered."""
        return self._root("Maker Root")

    @cached_property
    def other_maker(self) -> Authority:
        """A root the maker might change to."""
        return self._root("Maker Second Root")

    @cached_property
    def expired_root(self) -> str:
        """A root whose time is over."""
        day_us = self.times["not_before_us"]
        return self._root("Tool Old Root", {"not_before_us": day_us, "not_after_us": day_us + DAY_US}).pem

    @cached_property
    def server(self) -> Issued:
        """What the tool shows stations."""
        return self.root.server(HOSTS, **self.times)

    def unsound_servers(self) -> dict[str, Issued]:
        """What no station should take: a server's certificate in each of the ways it can be wrong."""
        times, day_us = self.times, self.epoch_us // DAY_US * DAY_US
        past: Times = {**times, "not_after_us": times["not_before_us"] + DAY_US}
        future: Times = {**times, "not_before_us": day_us + 2 * YEAR_US}
        return {
            "expired": self.root.server(HOSTS, **past),
            "of the future": self.root.server(HOSTS, **future),
            "of another root": self.other_root.server(HOSTS, **times),
            "for another host": self.root.server(("other.test", "127.0.0.2"), **times),
            "for the whole domain": self.root.server(("*." + HOST.partition(".")[2],), **times),
        }

    @cached_property
    def signer(self) -> Issued:
        """Who signs firmware."""
        return self.maker.code_signing("Maker Firmware", **self.times)

    def signed(self, csr: str) -> str:
        """The certificate the operator makes of a request; raises Rejected for one that is none."""
        # A day later than what was delivered: it is the newer one that counts (A02.FR.09).
        times = self.times
        return self.root.sign_csr(
            csr, not_before_us=times["not_before_us"] + DAY_US, not_after_us=times["not_after_us"]
        )

    def signed_by_nobody(self, csr: str) -> str:
        """A certificate that no authority of the operator has made."""
        return self._root("Nobody's Root").sign_csr(csr, **self.times)

    @cached_property
    def signature(self) -> str:
        """Over :data:`IMAGE`, by the maker."""
        return work.sign(hashlib.sha256(IMAGE).hexdigest(), self.signer.key)

    @cached_property
    def wrong_signature(self) -> str:
        """By the maker, but over another image."""
        return work.sign(hashlib.sha256(NO_IMAGE).hexdigest(), self.signer.key)

    # -- delivery

    def deliver(self, st: Station, profile: int | None) -> None:
        """Give a station that is not switched on what it leaves the factory with, and open the door for it."""
        self.profile, self.hex_passwords = profile, st.dialect.password_is_hex
        certificates.deliver(st, MANUFACTURER_ROOT, work.inspect_certificate(self.maker.pem))
        if profile is None:
            return
        if profile in TLS_PROFILES:
            certificates.deliver(st, CSMS_ROOT, work.inspect_certificate(self.root.pem))
        if profile == CERTIFICATE_PROFILE:
            own = self.root.station(self.serial, **self.times, organization=OPERATOR)
            self.keystore.put(DELIVERED_KEY, own.key)
            certificates.deliver(st, STATION, {**work.inspect_certificate(own.chain), "key": DELIVERED_KEY})
        security_profile.deliver(st, profile, self.password if profile in PASSWORD_PROFILES else None)
        self.door = lab.Door(
            profiles=frozenset({profile}),
            chain=self.server.chain,
            host=HOST,
            client_roots=(self.root.pem,),
            passwords=frozenset({self.password}),
            keystore=self.keystore,
        )

    def offer(self, profile: int) -> None:
        """From now on only connections of this security profile are let in."""
        assert self.door is not None
        self.door.profiles = frozenset({profile})

    def secret(self, password: str) -> bytes:
        """The bytes of a password, as HTTP carries it."""
        return bytes.fromhex(password) if self.hex_passwords else password.encode()

    def show(self, server: Issued) -> None:
        """From now on the tool's server shows this certificate (and what stands behind it)."""
        assert self.door is not None
        self.door.chain = server.chain

    def take(self, password: str) -> None:
        """From now on only this password is taken."""
        assert self.door is not None
        self.password = password
        self.door.passwords = frozenset({password})


# -- connections ------------------------------------------------------------------------------------------------------

#: what ``Connect`` may say, as a schema: mutants take their values from it
CONNECT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "identity": {"type": "string"},
        "endpoint": {"type": "string"},
        "tls": {"type": "string", "enum": ["", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"]},
        "suites": {"type": "array", "items": {"type": "string"}},
        "user": {"type": "string"},
        "credential": {"type": "string", "enum": ["other", "current"]},
        "password_bytes": {"type": "integer", "minimum": 0},
        "certificate": {
            "type": "object",
            "properties": {
                "serial": {"type": "string"},
                "common_name": {"type": "string"},
                "organization": {"type": "string"},
                "key": {"type": "string", "enum": ["EC", "RSA", "none"]},
                "bits": {"type": "integer", "minimum": 0},
            },
            "required": ["serial", "common_name", "organization", "key", "bits"],
            "additionalProperties": False,
        },
    },
    "required": ["identity", "tls", "suites"],
    "additionalProperties": False,
}


#: what ``ConnectionAttempt`` may say
ATTEMPT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"endpoint": {"type": "string"}},
    "required": ["endpoint"],
    "additionalProperties": False,
}


def endpoint_of(url: str) -> str:
    """Which of the tool's addresses a URL without a station's id names: the path, "" for the first one."""
    return urlsplit(url).path.rstrip("/")


def connect_payload(
    identity: str,
    *,
    endpoint: str = "",
    tls: str = "",
    suites: Iterable[str] = (),
    user: str | None = None,
    password: bytes | None = None,
    expected: bytes = b"",
    certificate: x509.Certificate | None = None,
) -> dict[str, Any]:
    """What the tool notes of a connection to its ``endpoint``. ``password`` is compared with ``expected``."""
    found: dict[str, Any] = {"identity": identity, "endpoint": endpoint, "tls": tls, "suites": sorted(suites)}
    if user is not None:
        found["user"] = user
    if password is not None:
        found["credential"] = "current" if password == expected else "other"
        found["password_bytes"] = len(password)
    if certificate is not None:
        key = public_key_of(certificate)
        found["certificate"] = {
            "serial": f"{certificate.serial_number:X}",
            "common_name": common_name(certificate.subject),
            "organization": organization(certificate.subject),
            "key": "RSA" if isinstance(key, rsa.RSAPublicKey) else "EC",
            "bits": int(getattr(key, "key_size", 0)),
        }
    return found


def connection_of(security: Security, st: Station, dial: Dial) -> dict[str, Any]:
    """What the tool notes of a simulated connection that came of this dial."""
    profile = dial.security_profile
    secure = profile in TLS_PROFILES
    door = security.door
    assert door is not None
    by_password = profile in PASSWORD_PROFILES and dial.password is not None
    chain = dial.refs.get("certificate", "") if profile == CERTIFICATE_PROFILE else ""
    return connect_payload(
        st.id,
        endpoint=endpoint_of(dial.url),
        tls=max(door.versions & lab.VERSIONS) if secure else "",
        suites=door.ciphers & lab.CIPHERS if secure else (),
        user=st.id if by_password else None,
        password=security.secret(dial.password) if by_password and dial.password else None,
        expected=security.secret(security.password),
        certificate=x509.load_pem_x509_certificates(chain.encode())[0] if chain else None,
    )


def hashed(pem: str, *issuers: str) -> dict[str, str]:
    """The hash data of a certificate in OCPP's words, computed by the tool itself. ``issuers`` (PEM): where the one who
    made it is to be found, unless it is a root."""
    known = [x509.load_pem_x509_certificate(one.encode()) for one in issuers]
    found = hash_data(x509.load_pem_x509_certificate(pem.encode()), known)
    return {
        "hashAlgorithm": found["hash_algorithm"],
        "issuerNameHash": found["issuer_name_hash"],
        "issuerKeyHash": found["issuer_key_hash"],
        "serialNumber": found["serial_number"],
    }
