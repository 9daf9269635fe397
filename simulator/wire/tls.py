"""The client side of TLS as bytes in, bytes out: OpenSSL between two memory BIOs, no socket.

Why not the loop's own TLS: asyncio keeps a 256 KiB buffer for every connection, uvloop about 44 KiB in all; this costs
what OpenSSL itself needs. The context (trust, versions, ciphers, client certificate) is the caller's and is meant to be
shared by every connection that uses the same one.

A failed handshake is told apart by whose setting is at fault, because OCPP stations react differently: the server's
certificate is not trusted (security event InvalidCentralSystemCertificate or InvalidCsmsCertificate), the two share no
TLS version (InvalidTLSVersion) or no cipher suite (InvalidTLSCipherSuite), or the server did not accept our own
certificate. With TLS 1.3 the last is heard of only after our side of the handshake is done, hence ``receive`` may
report it at any time.
"""

from __future__ import annotations

import contextlib
import ssl
from typing import Literal

from simulator.errors import CpfarmError

TlsCause = Literal["tls_server_cert", "tls_version", "tls_cipher", "tls_client_cert", "reset"]
"""What a TLS failure is about; ``reset`` is everything that names none of the others (a corrupt record, an alert)."""

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
#: the suites of the security profiles (white paper A00.FR.317 and 318; IANA name -> OpenSSL's), and what goes beside
SUITES = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_RSA_WITH_AES_128_GCM_SHA256": "AES128-GCM-SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384": "AES256-GCM-SHA384",
}
_CONTENT_TYPES = frozenset(range(20, 25))  # how a TLS record begins (RFC 8446 section 5.1, RFC 6520)
_RECORD = 1 << 14  # one read returns at most one TLS record (RFC 8446 section 5.1)

# OpenSSL's reason words, looked for in this order; the names of alerts come from RFC 8446 section 6.2.
_REASONS: tuple[tuple[TlsCause, tuple[str, ...]], ...] = (
    ("tls_server_cert", ("CERTIFICATE_VERIFY_FAILED", "EE_KEY_TOO_SMALL", "MD_TOO_WEAK", "UNRECOGNIZED_NAME")),
    (
        "tls_version",
        (
            "PROTOCOL_VERSION",
            "UNSUPPORTED_PROTOCOL",
            "NO_PROTOCOLS_AVAILABLE",
            "WRONG_VERSION_NUMBER",
            "WRONG_SSL_VERSION",
            "VERSION_TOO_LOW",
            "INAPPROPRIATE_FALLBACK",
            "HTTP_REQUEST",
        ),
    ),
    (
        "tls_client_cert",
        (
            "CERTIFICATE_REQUIRED",
            "ALERT_BAD_CERTIFICATE",
            "ALERT_UNSUPPORTED_CERTIFICATE",
            "ALERT_CERTIFICATE_REVOKED",
            "ALERT_CERTIFICATE_EXPIRED",
            "ALERT_CERTIFICATE_UNKNOWN",
            "ALERT_NO_CERTIFICATE",
            "ALERT_UNKNOWN_CA",
            "ALERT_ACCESS_DENIED",
            "ALERT_DECRYPT_ERROR",
        ),
    ),
    (
        "tls_cipher",
        ("CIPHER", "INSUFFICIENT_SECURITY", "KEY_TOO_SMALL", "NO_SUITABLE", "SHARED_GROUP", "SHARED_SIGNATURE"),
    ),
)


class TlsFailure(CpfarmError):
    """TLS cannot go on. ``cause`` says what it is about; write ``TlsPipe.pending`` (an alert) before hanging up.

    ``plain`` is what could still be read in front of the failure.
    """

    def __init__(self, cause: TlsCause, detail: str) -> None:
        super().__init__(detail)
        self.cause: TlsCause = cause
        self.detail = detail
        self.plain = b""


class TlsPipe:
    """One TLS connection. ``start`` once; then ``receive`` what arrives, ``send`` what is to go, write ``pending``.

    ``server_hostname`` is the name sent (SNI) and, if the context checks names, the one the certificate must carry.
    ``established``: the handshake is done on our side. ``ended``: the peer said that it sends no more (close_notify).
    ``heard``: the peer has said something since the handshake, so it has finished it too.
    """

    __slots__ = ("_begun", "_early", "_incoming", "_outgoing", "_tls", "ended", "established", "heard")

    def __init__(self, context: ssl.SSLContext, server_hostname: str | None) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_hostname)
        self._early = b""
        self.established = self.ended = self.heard = self._begun = False

    def start(self) -> bytes:
        """The first bytes of the handshake. Raises TlsFailure when the context itself rules out every handshake."""
        self._advance()
        return self.pending()

    def pending(self) -> bytes:
        """What TLS itself has to say: the handshake, answers to key updates, alerts."""
        return self._outgoing.read() if self._outgoing.pending else b""

    def receive(self, data: bytes) -> bytes:
        """The plain bytes that ``data`` completes, perhaps none. Raises TlsFailure."""
        self._incoming.write(data)
        if self.established:
            self.heard = True
        else:
            if not self._begun and data:
                if data[0] not in _CONTENT_TYPES:
                    raise TlsFailure("reset", f"the server does not speak TLS; it began with {data[:12]!r}")
                self._begun = True
            self._advance()
            if not self.established:
                return b""
        plain = b""
        try:
            # Asking once more than there is costs an exception, so it is asked only while something is left.
            while self._incoming.pending or self._tls.pending():
                chunk = self._tls.read(_RECORD)
                if not chunk:
                    self.ended = True
                    break
                plain = plain + chunk if plain else chunk
        except ssl.SSLWantReadError:
            pass  # an incomplete record: the rest is still on its way
        except ssl.SSLZeroReturnError:  # instead of an empty read, when we have said so too
            self.ended = True
        except ssl.SSLError as error:
            failure = self._failure(error)
            failure.plain = plain
            raise failure from error
        return plain

    def send(self, plain: bytes) -> bytes:
        """``plain`` as TLS records; before the handshake is done it is kept and comes out of ``pending`` later."""
        if not self.established:
            self._early += plain
        elif plain:
            self._write(plain)
        return self.pending()

    def close(self) -> bytes:
        """The notice that this side sends no more (RFC 8446 section 6.1); the peer's own is not waited for."""
        if self.established and not self.ended:
            with contextlib.suppress(ssl.SSLError):  # always raised: the peer's notice is not there yet, ours is out
                self._tls.unwrap()
        return self.pending()

    @property
    def version(self) -> str | None:
        """The TLS version in use, such as ``TLSv1.3``; None before the handshake."""
        return self._tls.version() if self.established else None

    @property
    def judged(self) -> bool:
        """Whether the peer has seen our certificate, or that there is none, and has said nothing since.

        With TLS 1.2 that is between its choice of a suite and its Finished, with TLS 1.3 after ours. A peer that ends
        the connection then does so over the certificate, most likely; not every server sends the alert that says so.
        """
        if not self.established:
            return self._tls.cipher() is not None
        return self._tls.version() == "TLSv1.3" and not self.heard

    def _advance(self) -> None:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return
        except ssl.SSLError as error:
            raise self._failure(error) from error
        self.established = True
        if self._early:
            self._write(self._early)
            self._early = b""

    def _write(self, plain: bytes) -> None:
        try:
            written = self._tls.write(plain)
        except ssl.SSLError as error:
            raise self._failure(error) from error
        assert written == len(plain), "a memory BIO takes everything"

    def _failure(self, error: ssl.SSLError) -> TlsFailure:
        if isinstance(error, ssl.SSLCertVerificationError):
            return TlsFailure("tls_server_cert", f"the server's certificate is not accepted: {error.verify_message}")
        reason = error.reason or str(error)
        detail = f"TLS failed: {reason.lower().replace('_', ' ')}"
        if "HANDSHAKE_FAILURE" in reason:
            # One alert, two meanings: before the server chose a cipher suite it shares none with us; afterwards a
            # TLS 1.2 server says so to a client without a certificate.
            chosen = self._tls.cipher() is not None
            return TlsFailure("tls_client_cert" if chosen else "tls_cipher", detail)
        for cause, words in _REASONS:
            if any(word in reason for word in words):
                return TlsFailure(cause, detail)
        return TlsFailure("reset", detail)
