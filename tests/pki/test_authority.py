"""The authority: what it issues is accepted by OpenSSL, and what it is brought is checked."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from simulator.pki.authority import DAY_US, Authority
from simulator.pki.reading import Rejected, inspect_certificate

NOW_US = 1_760_000_000 * 1_000_000
TIMES = {"not_before_us": NOW_US - DAY_US, "not_after_us": NOW_US + 30 * DAY_US}


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl command")
@pytest.mark.parametrize("algorithm", ["EC-P256", "RSA-2048"])
def test_openssl_accepts_each_leaf_for_its_purpose_and_no_other(tmp_path: Path, algorithm: str) -> None:
    ca = Authority.root("CA", **TIMES, algorithm=algorithm)
    sub = ca.intermediate("Sub", **TIMES, algorithm=algorithm)
    (tmp_path / "ca.pem").write_text(ca.pem)
    (tmp_path / "sub.pem").write_text(sub.pem)
    leaves = {
        "sslserver": sub.server(["localhost", "127.0.0.1"], **TIMES, algorithm=algorithm),
        "sslclient": sub.station("CP-1", **TIMES, algorithm=algorithm),
        "any": sub.code_signing("Maker", **TIMES, algorithm=algorithm),
    }
    for purpose, leaf in leaves.items():
        (tmp_path / "leaf.pem").write_text(leaf.certificate)
        for asked in ("sslserver", "sslclient"):
            words = ["openssl", "verify", "-x509_strict", "-attime", str(NOW_US // 1_000_000), "-purpose", asked]
            words += ["-CAfile", "ca.pem", "-untrusted", "sub.pem", "leaf.pem"]
            done = subprocess.run(words, cwd=tmp_path, capture_output=True, check=False)
            assert (done.returncode == 0) == (asked == purpose), (purpose, asked, done.stderr)


def test_a_brought_authority_must_have_its_own_key_and_be_one() -> None:
    ca = Authority.root("CA", **TIMES)
    again = Authority.load(ca.pem, ca.key_pem)
    made = again.station("CP-1", **TIMES)
    assert (
        inspect_certificate(made.certificate, [ca.pem])["issuer_key_hash"]
        == inspect_certificate(ca.pem)["issuer_key_hash"]
    )
    with pytest.raises(Rejected, match="key_mismatch"):
        Authority.load(ca.pem, Authority.root("Other", **TIMES).key_pem)
    with pytest.raises(Rejected, match="purpose"):
        Authority.load(made.certificate, made.key_pem)
    sub = ca.intermediate("Sub", **TIMES)
    brought = Authority.load(sub.pem, sub.key_pem).station("CP-2", **TIMES)
    assert brought.chain == brought.certificate + sub.pem, "a sub-authority is sent along"


def test_no_two_certificates_share_a_serial_number() -> None:
    ca = Authority.root("CA", **TIMES, seed="s")
    numbers = {inspect_certificate(ca.station("CP-1", **TIMES).certificate)["serial_number"] for _ in range(20)}
    assert len(numbers) == 20
