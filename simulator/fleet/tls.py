"""TLS of the live driver: which context a dial gets, and the station's own certificate in it.

A context is dear (23 KiB with one root, 824 KiB and 20 ms with the system's trust store) and a farm has thousands of
stations, so contexts are shared by everything that has the same trust, versions and cipher suites. That holds for
stations with certificates of their own as well: OpenSSL copies a context's certificate into each connection when the
connection is made, so one context is given the certificate of the station that dials, one after the other. Contexts
are kept per kind of key, because a context holds one certificate of each kind, and a station with an elliptic key must
not show the RSA certificate of the one before.

Python reads certificate and key from files only. They are handed over in a nameless file in memory where the system
has one, else in a file only this user can read, deleted at once; either way no key outlives the call.

Host names are always checked (white paper A00.FR.308); ``server_name`` says which, where it is not the address's.
"""

from __future__ import annotations

import hashlib
import os
import ssl
import tempfile
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

from simulator.pki.keystore import Keystore
from simulator.wire.tls import SUITES, VERSIONS

#: contexts kept; more different trusts than this are a test of something else, and are made again when needed
MAX_CONTEXTS = 64
#: X509_CHECK_FLAG_NO_WILDCARDS of OpenSSL
_NO_WILDCARDS = 0x2
_VERIFY_FLAGS = ssl.VerifyFlags.VERIFY_X509_TRUSTED_FIRST | ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN


@dataclass(frozen=True, slots=True)
class Credential:
    """A station's certificate chain (PEM, leaf first) and the handle of its key in ``keystore``."""

    chain: str
    key: str
    keystore: Keystore = field(repr=False)

    @property
    def is_rsa(self) -> bool:
        """Whether the key is an RSA key; raises Rejected when there is none."""
        return self.keystore.is_rsa(self.key)

    def put_into(self, context: ssl.SSLContext) -> None:
        """Connections made of ``context`` from now on show this certificate.

        Raises Rejected when the key is gone, ssl.SSLError when chain and key do not fit.
        """
        pem = self.keystore.pem(self.key) + self.chain.encode()
        if hasattr(os, "memfd_create"):
            number = os.memfd_create("cpfarm", os.MFD_CLOEXEC)
            try:
                os.write(number, pem)
                context.load_cert_chain(f"/proc/self/fd/{number}")
            finally:
                os.close(number)
            return
        with tempfile.NamedTemporaryFile() as file:  # mode 0600
            file.write(pem)
            file.flush()
            context.load_cert_chain(file.name)


class Contexts:
    """The contexts of one farm. ``versions`` (of VERSIONS) and ``suites`` (of SUITES) restrict what is offered.

    The suites of TLS 1.3 are OpenSSL's three, which Python 3.11 cannot restrict.
    """

    def __init__(self, versions: Iterable[str] = (), suites: Iterable[str] = ()) -> None:
        chosen = sorted(VERSIONS[name] for name in versions) or sorted(VERSIONS.values())
        self._low, self._high = chosen[0], chosen[-1]
        self._ciphers = ":".join(SUITES[name] for name in (*suites,) or SUITES)
        self._kept: OrderedDict[tuple[bytes, str, bool], ssl.SSLContext] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def context(
        self, trust: str | None, credential: Credential | None = None, *, wildcards: bool = True
    ) -> ssl.SSLContext:
        """The context for this trust (PEM text of roots, None: the system's, "": nobody) and kind of own certificate.
        Without ``wildcards`` a server's certificate must name the host in full.

        The certificate itself is put in by the transport, just before it makes the connection. Raises ssl.SSLError
        when ``trust`` holds no certificate; Rejected when the credential's key is gone.
        """
        kind = "" if credential is None else "rsa" if credential.is_rsa else "ec"
        name = (b"" if trust is None else hashlib.sha256(trust.encode()).digest(), kind, wildcards)
        found = self._kept.get(name)
        if found is None:
            found = self._kept[name] = self._make(trust, wildcards)
            if len(self._kept) > MAX_CONTEXTS:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(name)
        return found

    def _make(self, trust: str | None, wildcards: bool) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if not wildcards:  # OpenSSL knows how, Python has no public name for it
            context._host_flags |= _NO_WILDCARDS  # type: ignore[attr-defined]
        context.minimum_version, context.maximum_version = self._low, self._high
        context.set_ciphers(self._ciphers)
        # A root that the CSMS installed may be a sub-authority: it is trusted all the same.
        context.verify_flags |= _VERIFY_FLAGS
        if trust is None:
            context.load_default_certs()
        elif trust:
            context.load_verify_locations(cadata=trust)
        return context
