"""Contexts shared by a farm, and each station's own certificate in them."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import pytest

from simulator.fleet import tls
from simulator.fleet.tls import MAX_CONTEXTS, Contexts, Credential
from simulator.fleet.transport import DialSpec
from simulator.pki.authority import DAY_US, Authority, Times
from simulator.pki.keystore import Keystore
from simulator.pki.reading import Rejected, certificates_of
from simulator.wire.tls import SUITES, TlsPipe
from tests.fleet.loopback import Recorder, Run, make_transport

NOW_US = 1_900_000_000 * 1_000_000
TIMES: Times = {"not_before_us": 0, "not_after_us": NOW_US + 1000 * DAY_US}
CA = Authority.root("CA", **TIMES, seed="tls")


def credential(name: str, keys: Keystore, algorithm: str = "EC-P256") -> Credential:
    issued = CA.station(name, **TIMES, algorithm=algorithm)
    keys.put(name, issued.key)
    return Credential(issued.chain, name, keys)


def shown(client: TlsPipe) -> str:
    """The common name of the certificate that a server sees."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server = CA.server(["localhost"], **TIMES)
    Credential(server.chain, "s", _with("s", server.key)).put_into(context)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=CA.pem)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    pipe = context.wrap_bio(incoming, outgoing, server_side=True)
    data = client.start()
    while True:
        incoming.write(data)
        try:
            pipe.do_handshake()
            break
        except ssl.SSLWantReadError:
            client.receive(outgoing.read())
            data = client.pending()
    der = pipe.getpeercert(binary_form=True)
    assert der is not None
    subject = certificates_of(ssl.DER_cert_to_PEM_cert(der))[0].subject
    return subject.rfc4514_string()


def _with(handle: str, key: object) -> Keystore:
    keys = Keystore()
    keys.put(handle, key)  # type: ignore[arg-type]
    return keys


def test_one_context_serves_stations_with_certificates_of_their_own() -> None:
    contexts, keys = Contexts(), Keystore()
    pipes = []
    for name in ("A", "B", "C"):
        own = credential(name, keys)
        context = contexts.context(CA.pem, own)
        own.put_into(context)
        pipes.append(TlsPipe(context, "localhost"))
    assert len(contexts) == 1
    for name, pipe in zip(("A", "B", "C"), pipes, strict=True):
        assert f"CN={name}" in shown(pipe), "the last certificate put in is not everybody's"


def test_kinds_of_keys_and_trusts_have_contexts_of_their_own() -> None:
    contexts, keys = Contexts(), Keystore()
    other = Authority.root("other", **TIMES, seed="other")
    elliptic, rsa = credential("ec", keys), credential("rsa", keys, "RSA-2048")
    made = {id(contexts.context(trust, own)) for trust in (CA.pem, other.pem) for own in (None, elliptic, rsa)}
    assert len(made) == 6
    assert contexts.context(CA.pem) is contexts.context(CA.pem)
    assert contexts.context(CA.pem).check_hostname and contexts.context(CA.pem).verify_mode == ssl.CERT_REQUIRED


@pytest.mark.parametrize("wildcards", [True, False])
def test_a_server_that_names_its_domain_only(wildcards: bool) -> None:
    """AllowCSMSTLSWildcards: OpenSSL itself says no when it is off."""
    client = (
        Contexts()
        .context(CA.pem, wildcards=wildcards)
        .wrap_bio(into := ssl.MemoryBIO(), out := ssl.MemoryBIO(), server_hostname="csms.example.test")
    )
    there = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued = CA.server(["*.example.test"], **TIMES)
    Credential(issued.chain, "s", _with("s", issued.key)).put_into(there)
    server = there.wrap_bio(out, into, server_side=True)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    with pytest.raises(ssl.SSLWantReadError):
        server.do_handshake()
    if wildcards:
        client.do_handshake()
        return
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        client.do_handshake()


def test_contexts_are_bounded() -> None:
    contexts = Contexts()
    for number in range(MAX_CONTEXTS + 5):
        contexts.context(CA.pem + "\n" * number)
    assert len(contexts) == MAX_CONTEXTS


def test_versions_and_suites() -> None:
    context = Contexts(["1.2"], ["TLS_RSA_WITH_AES_128_GCM_SHA256"]).context(CA.pem)
    assert context.minimum_version == context.maximum_version == ssl.TLSVersion.TLSv1_2
    names = {cipher["name"] for cipher in context.get_ciphers()}
    assert "AES128-GCM-SHA256" in names and "ECDHE-ECDSA-AES128-GCM-SHA256" not in names
    all_names = {cipher["name"] for cipher in Contexts().context(CA.pem).get_ciphers()}
    assert set(SUITES.values()) <= all_names


def test_the_systems_trust_when_there_is_no_other() -> None:
    assert Contexts().context(None).verify_mode == ssl.CERT_REQUIRED


@pytest.mark.parametrize("in_memory", [True, False])
def test_no_key_is_left_lying_about(in_memory: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if in_memory and not hasattr(os, "memfd_create"):
        pytest.skip("this system has no files in memory")
    if not in_memory:
        monkeypatch.delattr(tls.os, "memfd_create", raising=False)
        monkeypatch.setattr(tls.tempfile, "tempdir", str(tmp_path))
    own = credential("A", Keystore())
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    own.put_into(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    assert not before or len(os.listdir("/proc/self/fd")) == before
    assert list(tmp_path.iterdir()) == []
    assert "key" not in repr(own.keystore) or "PRIVATE" not in repr(own)


def test_a_key_that_is_gone_or_another_ends_the_dial_and_not_the_fleet(run: Run) -> None:
    keys = Keystore()
    good = credential("A", keys)
    keys.make("B")
    with pytest.raises(Rejected, match="key_mismatch"):
        Credential(good.chain, "none", keys).put_into(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))

    async def scenario() -> None:
        transport = make_transport()
        for key in ("none", "B"):
            recorder = Recorder()
            bad = Credential(good.chain, key, keys)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            dial = DialSpec(url="wss://127.0.0.1:9/", subprotocols=(), ssl_context=context, identity=bad)
            recorder.call(lambda dial=dial, recorder=recorder: transport.open(dial, recorder))
            cause, _, detail, _ = await recorder.down()
            assert cause == "tls_client_cert" and "cannot be used" in detail
        assert not transport.connections

    run(scenario())
