"""The door of a scripted CSMS: which security profiles it offers, what it shows and what it wants to see.

Real TLS is left out, its judgement is not: chains are checked by the same functions that check certificates everywhere
else (``simulator.pki``), in the order of a handshake: version, cipher suites, the server's certificate by the station,
the station's certificate by the server, and after that the password of HTTP basic authentication. What comes of it is
the cause a driver with sockets gives (``core/inputs.LinkDown``), so a station cannot tell the two apart.

The door stands in the fleet's time: validity is judged at the true time, except that the station judges the server's
certificate by its own clock, as a station does.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from simulator.core.effects import Dial
from simulator.core.station import Station
from simulator.pki.chain import check_chain
from simulator.pki.keystore import Keystore
from simulator.pki.reading import Rejected

#: what every station of ours has
VERSIONS = frozenset({"TLSv1.2", "TLSv1.3"})
CIPHERS = frozenset(
    {
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        "TLS_RSA_WITH_AES_128_GCM_SHA256",
        "TLS_RSA_WITH_AES_256_GCM_SHA384",
    }
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a dial came to nothing, as in ``LinkDown``."""

    cause: str
    code: int = 0
    detail: str = ""


@dataclass(slots=True)
class Door:
    """One address of a CSMS.

    ``profiles``: security profiles it takes; with 2 or 3 among them it speaks TLS, without it does not. ``chain``: its
    certificate, leaf first; ``host``: the name under which stations dial it. ``client_roots``: who may vouch for
    stations. ``passwords``: those it takes, as stations store them. ``versions`` and ``ciphers``: what it has of TLS.
    ``trust``, ``certificate``, ``key``, ``password``: what the driver's own target says for a station that has nothing
    in its own store (``Dial.refs``).
    """

    profiles: frozenset[int] = frozenset({0})
    chain: str = ""
    host: str = "csms.test"
    client_roots: tuple[str, ...] = ()
    passwords: frozenset[str] = frozenset()
    versions: frozenset[str] = VERSIONS
    ciphers: frozenset[str] = CIPHERS
    trust: str = ""
    certificate: str = ""
    key: str = ""
    password: str | None = None
    keystore: Keystore = field(default_factory=Keystore, repr=False)

    def judge(self, st: Station, dial: Dial, true_us: int) -> Refusal | None:
        """What becomes of a dial at the true time ``true_us`` (microseconds since 1970); None: it is let in."""
        secure = bool(self.profiles & {2, 3})
        if dial.security_profile in (2, 3):
            if not secure:  # a plain server answers a handshake with HTTP
                return Refusal("tls_version", detail="the peer does not speak TLS")
            refusal = self._handshake(st, dial, true_us)
            if refusal is not None:
                return refusal
        elif secure:  # a TLS server hangs up on plain HTTP
            return Refusal("reset")
        if dial.security_profile not in self.profiles:  # A00.FR.002
            return Refusal("http_status", 401)
        if dial.security_profile in (1, 2):
            given = dial.password if dial.password is not None else self.password
            if given not in self.passwords:
                return Refusal("http_status", 401)
        return None

    def _handshake(self, st: Station, dial: Dial, true_us: int) -> Refusal | None:
        if not self.versions & VERSIONS:
            return Refusal("tls_version", detail="no TLS version in common")
        if not self.ciphers & CIPHERS:
            return Refusal("tls_cipher", detail="no cipher suite in common")
        trust = dial.refs.get("trust", "" if dial.manner.own_trust else self.trust)
        try:
            check_chain(
                self.chain,
                (trust,) if trust else (),
                st.board.rtc.wall(st.now),
                purpose="server",
                host=self.host,
                wildcards=dial.wildcards,
            )
        except Rejected as no:
            return Refusal("tls_server_cert", detail=no.detail)
        if 3 not in self.profiles or (dial.security_profile != 3 and 2 in self.profiles):
            return None
        if dial.security_profile != 3:
            return Refusal("tls_client_cert", detail="the station shows no certificate")
        return self._station(dial, true_us)

    def _station(self, dial: Dial, true_us: int) -> Refusal | None:
        certificate = dial.refs.get("certificate", self.certificate)
        key = dial.refs.get("key", self.key)
        if not certificate or not key:
            return Refusal("tls_client_cert", detail="the station shows no certificate")
        try:
            check_chain(
                certificate, self.client_roots, true_us, public_key=self.keystore.public_key(key), purpose="client"
            )
        except Rejected as no:
            return Refusal("tls_client_cert", detail=no.detail)
        return None
