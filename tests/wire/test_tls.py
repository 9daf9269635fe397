"""The client's side of TLS against OpenSSL's own server side, joined back to back in memory."""

from __future__ import annotations

import ssl
from collections.abc import Callable

import pytest

from simulator.wire.tls import TlsFailure, TlsPipe
from tests.wire import pki

pytestmark = pytest.mark.skipif(not pki.available(), reason="the openssl command is missing")


@pytest.fixture(scope="session")
def certs(tmp_path_factory: pytest.TempPathFactory) -> pki.Pki:
    return pki.make(tmp_path_factory.mktemp("pki"))


class Server:
    """A TLS server between two memory BIOs. It reads what arrives, echoes nothing, and keeps its own failure."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        self.done = False
        self.ended = False
        self.failed: ssl.SSLError | None = None
        self.plain = b""

    def receive(self, data: bytes) -> bytes:
        self.incoming.write(data)
        try:
            if not self.done:
                self.tls.do_handshake()
                self.done = True
            while chunk := self.tls.read(65536):
                self.plain += chunk
            self.ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            self.failed = error
        return self.outgoing.read()


def shake(client: TlsPipe, server: Server) -> None:
    """Carry bytes to and fro until both are silent. Raises what the client raises."""
    data = client.start()
    while data:
        answer = server.receive(data)
        if answer:
            client.receive(answer)
        data = client.pending()


def joined(certs: pki.Pki) -> tuple[TlsPipe, Server]:
    client, server = TlsPipe(certs.client(), "localhost"), Server(certs.server())
    shake(client, server)
    assert client.established and server.done
    return client, server


def test_bytes_pass_both_ways_in_any_size(certs: pki.Pki) -> None:
    client, server = joined(certs)
    assert client.version == "TLSv1.3"
    for size in (1, 100, 16384, 16385, 300_000):
        payload = bytes(range(256)) * (size // 256) + bytes(size % 256)
        server.plain = b""
        server.receive(client.send(payload))
        assert server.plain == payload
        server.tls.write(payload)
        assert client.receive(server.outgoing.read()) == payload
    server.tls.write(b"drop by drop")
    records = server.outgoing.read()
    assert b"".join(client.receive(records[i : i + 1]) for i in range(len(records))) == b"drop by drop"


def test_what_is_sent_early_leaves_with_the_handshake(certs: pki.Pki) -> None:
    client, server = TlsPipe(certs.client(), "localhost"), Server(certs.server())
    hello = client.start()
    assert client.send(b"early ") == b""
    assert client.send(b"words") == b""
    client.receive(server.receive(hello))
    server.receive(client.pending())
    assert server.plain == b"early words"


def test_both_sides_can_say_that_they_end(certs: pki.Pki) -> None:
    client, server = joined(certs)
    server.tls.write(b"bye")
    with pytest.raises(ssl.SSLWantReadError):
        server.tls.unwrap()
    assert client.receive(server.outgoing.read()) == b"bye"
    assert client.ended
    client, server = joined(certs)
    server.receive(client.close())
    assert server.ended


def test_a_broken_record_is_a_reset_and_costs_nothing_before_it(certs: pki.Pki) -> None:
    client, server = joined(certs)
    server.tls.write(b"whole")
    good = server.outgoing.read()
    server.tls.write(b"broken")
    bad = bytearray(server.outgoing.read())
    bad[-1] ^= 1
    with pytest.raises(TlsFailure) as caught:
        client.receive(good + bytes(bad))
    assert caught.value.cause == "reset"
    assert caught.value.plain == b"whole"
    assert client.pending(), "an alert is due"


Contexts = Callable[[pki.Pki], tuple[ssl.SSLContext, ssl.SSLContext]]


def limited(context: ssl.SSLContext, *, low: ssl.TLSVersion, high: ssl.TLSVersion, ciphers: str = "") -> ssl.SSLContext:
    context.minimum_version, context.maximum_version = low, high
    if ciphers:
        context.set_ciphers(ciphers)
    return context


V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


@pytest.mark.parametrize("version", [V12, V13])
@pytest.mark.parametrize(
    ("cause", "make"),
    [
        ("tls_server_cert", lambda p: (p.client(ca="stranger"), p.server())),
        ("tls_server_cert", lambda p: (p.client(), p.server("stranger"))),
        ("tls_client_cert", lambda p: (p.client(), p.server(client_ca="ca"))),
        ("tls_client_cert", lambda p: (p.client("stranger"), p.server(client_ca="ca"))),
    ],
    ids=["authority not trusted", "self-signed", "no client certificate", "client certificate of a stranger"],
)
def test_whose_certificate_is_at_fault(certs: pki.Pki, cause: str, make: Contexts, version: ssl.TLSVersion) -> None:
    for_client, for_server = make(certs)
    client = TlsPipe(limited(for_client, low=version, high=version), "localhost")
    with pytest.raises(TlsFailure) as caught:
        shake(client, Server(for_server))
    assert caught.value.cause == cause
    assert caught.value.detail


def test_a_certificate_for_another_name(certs: pki.Pki) -> None:
    with pytest.raises(TlsFailure, match="csms") as caught:
        shake(TlsPipe(certs.client(), "csms.invalid"), Server(certs.server()))
    assert caught.value.cause == "tls_server_cert"


def test_a_client_certificate_that_is_accepted(certs: pki.Pki) -> None:
    client, server = TlsPipe(certs.client("client"), "localhost"), Server(certs.server(client_ca="ca"))
    shake(client, server)
    assert server.done and server.tls.getpeercert()


@pytest.mark.parametrize(("ours", "theirs"), [(V12, V13), (V13, V12)])
def test_no_version_in_common(certs: pki.Pki, ours: ssl.TLSVersion, theirs: ssl.TLSVersion) -> None:
    client = TlsPipe(limited(certs.client(), low=ours, high=ours), "localhost")
    with pytest.raises(TlsFailure) as caught:
        shake(client, Server(limited(certs.server(), low=theirs, high=theirs)))
    assert caught.value.cause == "tls_version"


@pytest.mark.filterwarnings("ignore:ssl.OP_NO:DeprecationWarning")
def test_a_context_that_allows_no_version_at_all(certs: pki.Pki) -> None:
    context = certs.client()
    context.options |= ssl.OP_NO_TLSv1_2 | ssl.OP_NO_TLSv1_3
    with pytest.raises(TlsFailure) as caught:
        TlsPipe(context, "localhost").start()
    assert caught.value.cause == "tls_version"


def test_no_cipher_suite_in_common(certs: pki.Pki) -> None:
    ours = limited(certs.client(), low=V12, high=V12, ciphers="ECDHE-ECDSA-AES128-GCM-SHA256")
    theirs = limited(certs.server(), low=V12, high=V12, ciphers="ECDHE-ECDSA-AES256-GCM-SHA384")
    with pytest.raises(TlsFailure) as caught:
        shake(TlsPipe(ours, "localhost"), Server(theirs))
    assert caught.value.cause == "tls_cipher"


def test_a_server_that_speaks_no_tls(certs: pki.Pki) -> None:
    client = TlsPipe(certs.client(), "localhost")
    client.start()
    with pytest.raises(TlsFailure, match="does not speak TLS") as caught:
        client.receive(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    assert caught.value.cause == "reset", "the TLS versions of the two are not at fault"


def test_a_handshake_may_come_byte_by_byte(certs: pki.Pki) -> None:
    client, server = TlsPipe(certs.client(), "localhost"), Server(certs.server())
    data = client.start()
    while data:
        for byte in server.receive(data):
            client.receive(bytes([byte]))
        data = client.pending()
    assert client.established and client.heard, "the server has finished it too: tickets of TLS 1.3"
