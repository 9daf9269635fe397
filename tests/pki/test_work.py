"""Jobs on keys and certificates: facts, requests, signatures; OpenSSL's command is the judge where it is there."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from simulator.core.jobs import KINDS as ALL_KINDS
from simulator.pki.authority import DAY_US, YEAR_US, Authority
from simulator.pki.keystore import PoolKeystore
from simulator.pki.work import KINDS, Rejected, check_chain, check_signature, inspect_certificate, run, sign

NOW_US = 1_760_000_000 * 1_000_000
FROM, TO = NOW_US - DAY_US, NOW_US + YEAR_US
CA = Authority.root("CA", not_before_us=FROM, not_after_us=TO, seed="work")
SUB = CA.intermediate("Sub", not_before_us=FROM, not_after_us=TO)
STATION = SUB.station("CP-1", not_before_us=FROM, not_after_us=TO)
SHA = hashlib.sha256(b"a firmware image").hexdigest()
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl command")


def test_the_kinds_are_those_of_the_core() -> None:
    assert set(KINDS) < set(ALL_KINDS)


def test_facts_of_a_root_and_of_a_chain() -> None:
    root = inspect_certificate(CA.pem)
    assert root["is_ca"] and root["self_signed"] and root["key_bits"] == 256 and root["children"] == []
    assert (root["common_name"], root["organization"]) == ("CA", "cpfarm test")
    assert (root["not_before_us"], root["not_after_us"]) == (FROM, TO)
    assert root["serial_number"] == root["serial_number"].lstrip("0") and len(root["serial_number"]) <= 40
    chain = inspect_certificate(STATION.chain)
    assert not chain["is_ca"] and not chain["self_signed"] and chain["pem"] == STATION.chain
    [sub] = chain["children"]
    assert sub["issuer_name_hash"] == root["issuer_name_hash"]
    assert sub["serial_number"] == inspect_certificate(SUB.pem)["serial_number"]
    assert sub["issuer_key_hash"] != root["issuer_key_hash"], "the root is not there: its key identifier stands in"
    known = inspect_certificate(STATION.chain, [CA.pem])["children"][0]
    assert known["issuer_key_hash"] == root["issuer_key_hash"]


@needs_openssl
def test_hash_data_is_what_openssl_puts_into_an_ocsp_request(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text(CA.pem)
    (tmp_path / "leaf.pem").write_text(SUB.pem)
    words = ["openssl", "ocsp", "-sha256", "-issuer", "ca.pem", "-cert", "leaf.pem", "-req_text", "-no_nonce"]
    text = subprocess.run(words, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    said = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in text.splitlines())}
    facts = inspect_certificate(SUB.pem, [CA.pem])
    assert said["Issuer Name Hash"].lower() == facts["issuer_name_hash"]
    assert said["Issuer Key Hash"].lower() == facts["issuer_key_hash"]
    assert said["Serial Number"].lstrip("0") == facts["serial_number"]


@pytest.mark.parametrize("algorithm", ["EC-P256", "EC-P384", "RSA-2048"])
def test_a_signature_fits_its_file_and_no_other(algorithm: str) -> None:
    code = CA.code_signing("Maker", not_before_us=FROM, not_after_us=TO, algorithm=algorithm)
    made = [sign(SHA, code.key)] + ([sign(SHA, code.key, pss=True)] if algorithm.startswith("RSA") else [])
    for signature in made:
        check_signature(SHA, code.certificate, signature)
        check_signature(SHA, code.chain, signature[:40] + "\n" + signature[40:])
        for args in ((SHA[::-1], code.certificate, signature), (SHA, CA.pem, signature)):
            with pytest.raises(Rejected) as no:
                check_signature(*args)
            assert no.value.cause == "bad_signature"
        broken = bytearray(base64.b64decode(signature))
        broken[-1] ^= 1
        with pytest.raises(Rejected, match="bad_signature"):
            check_signature(SHA, code.certificate, base64.b64encode(broken).decode())
    for args in ((SHA, code.certificate, "***"), ("abcd", code.certificate, made[0]), ("xy", code.certificate, "AA==")):
        with pytest.raises(Rejected, match="bad_signature"):
            check_signature(*args)
    with pytest.raises(Rejected, match="unreadable"):
        check_signature(SHA, "nothing", made[0])


@needs_openssl
def test_a_signature_made_by_openssl_is_accepted(tmp_path: Path) -> None:
    code = CA.code_signing("Maker", not_before_us=FROM, not_after_us=TO)
    (tmp_path / "key").write_bytes(code.key_pem)
    (tmp_path / "image").write_bytes(b"a firmware image")
    words = ["openssl", "dgst", "-sha256", "-sign", "key", "image"]
    made = subprocess.run(words, cwd=tmp_path, check=True, capture_output=True).stdout
    check_signature(SHA, code.certificate, base64.b64encode(made).decode())


@pytest.mark.parametrize("algorithm", ["EC-P256", "RSA-2048"])
def test_the_jobs_of_a_renewal(algorithm: str) -> None:
    keys = PoolKeystore(7)
    subject = {"CN": "CP-1", "O": "Operator"}
    ok, result = run("make_csr", {"key": "new", "subject": subject, "algorithm": algorithm}, keys)
    assert ok and result["key"] == "new"
    chain = SUB.sign_csr(result["csr"], not_before_us=FROM, not_after_us=TO)
    args = {"pem": chain, "roots": [CA.pem], "at_us": NOW_US, "key": "new", "purpose": "client"}
    ok, facts = run("check_chain", {**args, "common_name": "CP-1", "organization": "Operator"}, keys)
    assert ok and facts["common_name"] == "CP-1" and keys.matches("new", chain)
    keys.make("other")
    assert run("check_chain", {**args, "key": "other"}, keys)[1]["cause"] == "key_mismatch"
    assert run("check_chain", {**args, "key": "never made"}, keys)[1]["cause"] == "key_mismatch"
    assert run("check_chain", {**args, "at_us": TO + YEAR_US}, keys)[1]["cause"] == "expired"
    assert run("inspect_certificate", {"pem": chain}, keys)[1]["organization"] == "Operator"
    assert run("inspect_certificate", {"pem": "?"}, keys)[1]["cause"] == "unreadable"


@pytest.mark.parametrize("subject", [{"CN": ""}, {"CN": "x" * 65}, {"shoe": "44"}])
def test_a_subject_that_cannot_be_is_refused_and_leaves_no_key(subject: dict[str, str]) -> None:
    keys = PoolKeystore()
    ok, result = run("make_csr", {"key": "k", "subject": subject, "algorithm": "EC-P256"}, keys)
    assert not ok and result["cause"] == "unreadable" and "k" not in keys
    assert not run("make_csr", {"key": "k", "subject": {"CN": "a"}, "algorithm": "DSA"}, keys)[0]


def test_the_signature_job() -> None:
    code = CA.code_signing("Maker", not_before_us=FROM, not_after_us=TO)
    args = {"sha256": SHA, "certificate": code.certificate, "signature": sign(SHA, code.key)}
    assert run("check_signature", args, PoolKeystore()) == (True, {})
    ok, result = run("check_signature", {**args, "sha256": "00" * 32}, PoolKeystore())
    assert not ok and result["cause"] == "bad_signature" and result["detail"]


def test_a_request_signed_by_another_key_is_refused() -> None:
    keys = PoolKeystore()
    keys.make("a")
    csr = keys.csr("a", {"CN": "CP-1"})
    lines = csr.splitlines()
    lines[-2] = lines[-2][:-8] + ("A" * 4 if lines[-2][-8:-4] != "AAAA" else "B" * 4) + lines[-2][-4:]
    with pytest.raises(Rejected) as no:
        CA.sign_csr("\n".join(lines), not_before_us=FROM, not_after_us=TO)
    assert no.value.cause in ("bad_signature", "unreadable")
    with pytest.raises(Rejected, match="unreadable"):
        CA.sign_csr("hello", not_before_us=FROM, not_after_us=TO)


def test_a_chain_is_checked_in_a_few_milliseconds_at_most() -> None:
    best = 1.0
    for _ in range(5):
        begin = time.perf_counter()
        check_chain(STATION.chain, [CA.pem], NOW_US, purpose="client")
        best = min(best, time.perf_counter() - begin)
    assert best < 0.01, f"{best * 1e3:.1f} ms"
