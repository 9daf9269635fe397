"""TLS of the reference CSMS: its own certificate, the roots of stations' certificates, and a small authority.

White paper A00.FR.317: a CSMS offers the ECDSA and the RSA suites, for which it needs a certificate of each kind; both
may stand in the options' files, or in a context that an embedder makes. A00.FR.421 and 422: with client certificates
demanded, a station without one is turned away by TLS itself, before HTTP.

With an authority of its own (``ca_cert``, ``ca_key``) the CSMS answers SignCertificate by signing: what it issues is
valid from an hour ago, because clocks differ, for as long as a test may need.
"""

from __future__ import annotations

import ssl
import time

from simulator.csms.options import CsmsOptions
from simulator.errors import AuthorError
from simulator.pki.authority import DAY_US, Authority
from simulator.pki.reading import Rejected
from simulator.wire.tls import SUITES

SIGNED_FOR_US = 90 * DAY_US
_BACKDATED_US = 3_600_000_000


def server_context(options: CsmsOptions) -> ssl.SSLContext | None:
    """The context of the WebSocket listener, None for no TLS; raises AuthorError for files that cannot be used."""
    if options.ssl_context is not None or options.tls_cert is None or options.tls_key is None:
        return options.ssl_context
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(":".join(SUITES.values()))
    try:
        context.load_cert_chain(options.tls_cert, options.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise AuthorError(f"{options.tls_cert} and {options.tls_key}: {_why(error)}", field="tls_cert") from None
    if options.tls_client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        try:
            context.load_verify_locations(options.tls_client_ca)
        except (OSError, ssl.SSLError) as error:
            raise AuthorError(f"{options.tls_client_ca}: {_why(error)}", field="tls_client_ca") from None
    return context


def authority(options: CsmsOptions) -> Authority | None:
    """The authority that signs stations' requests, None when there is none; raises AuthorError."""
    if options.ca_cert is None or options.ca_key is None:
        return None
    path = options.ca_cert
    try:
        certificate = path.read_text("ascii")
        path = options.ca_key
        return Authority.load(certificate, path.read_bytes())
    except (OSError, UnicodeDecodeError, Rejected) as error:
        raise AuthorError(
            f"{path}: {error.detail if isinstance(error, Rejected) else error}", field="ca_cert"
        ) from None


def sign(issuer: Authority, csr: str) -> str:
    """The chain for a station's request; raises Rejected."""
    now_us = time.time_ns() // 1000
    return issuer.sign_csr(csr, not_before_us=now_us - _BACKDATED_US, not_after_us=now_us + SIGNED_FOR_US)


def _why(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or "is no PEM file that TLS can use").lower().replace("_", " ")
    return error.strerror or str(error)
