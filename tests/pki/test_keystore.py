"""Keys by handle: kept, found again, derived, and secret."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from simulator.pki.authority import DAY_US, Authority
from simulator.pki.keystore import (
    Keystore,
    PoolKeystore,
    derived_key,
    key_from_pem,
    new_key,
    private_pem,
    public_der,
    write_private,
)
from simulator.pki.primes import is_prime, prime_of
from simulator.pki.reading import Rejected

NOW_US = 1_760_000_000 * 1_000_000


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_keys_differ_and_handles_tell_them_apart() -> None:
    keys = Keystore()
    keys.make("a")
    keys.make("b")
    assert keys.public_key("a") != keys.public_key("b") and len(keys) == 2
    before = keys.public_key("a")
    keys.make("a")
    assert keys.public_key("a") != before, "making it again replaces it"
    keys.forget("a")
    assert "a" not in keys and "b" in keys
    with pytest.raises(Rejected, match="key_mismatch"):
        keys.public_key("a")


def test_a_folder_keeps_keys_for_the_next_run_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    first = Keystore(folder)
    for handle in ("CP/1 x", "../../escape", "." * 3, "ü" * 200):
        first.make(handle)
    assert mode(folder) == 0o700
    files = list(folder.iterdir())
    assert len(files) == 4 and {mode(file) for file in files} == {0o600}
    assert list(tmp_path.iterdir()) == [folder], "no handle leads out of the folder"
    deep = tmp_path / "deep" / "er"
    Keystore(deep).make("k")
    assert mode(deep) == mode(deep.parent) == 0o700, "folders above that had to be made, too"
    second = Keystore(folder)
    for handle in ("CP/1 x", "../../escape", "." * 3, "ü" * 200):
        assert handle in second and second.public_key(handle) == first.public_key(handle)
    second.forget("CP/1 x")
    assert "CP/1 x" not in Keystore(folder)


def test_keys_are_loaded_from_pem_and_saved(tmp_path: Path) -> None:
    for algorithm in ("EC-P256", "EC-P384", "RSA-2048"):
        key = new_key(algorithm)
        keys = Keystore()
        keys.load("k", private_pem(key))
        assert keys.public_key("k") == public_der(key)
        assert public_der(key_from_pem(keys.pem("k"))) == public_der(key)
        assert keys.is_rsa("k") is algorithm.startswith("RSA")
        keys.save(tmp_path / algorithm)
        [file] = (tmp_path / algorithm).iterdir()
        assert mode(file) == 0o600 and public_der(key_from_pem(file.read_bytes())) == public_der(key)


def test_what_is_no_key_is_refused_without_being_quoted() -> None:
    for text in (b"", b"secret text", b"-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"):
        with pytest.raises(Rejected) as no:
            key_from_pem(text)
        assert no.value.cause == "unreadable" and "c2VjcmV0" not in str(no.value) and "secret" not in str(no.value)


def test_nothing_shows_a_key() -> None:
    keys = PoolKeystore(3)
    keys.make("a")
    assert repr(keys) == "<PoolKeystore of 1 keys>"
    ca = Authority.root("CA", not_before_us=NOW_US, not_after_us=NOW_US + DAY_US, seed="s")
    issued = ca.station("CP-1", not_before_us=NOW_US, not_after_us=NOW_US + DAY_US)
    assert "key" not in repr(issued)


def test_the_pool_gives_the_same_keys_requests_and_certificates_for_the_same_seed() -> None:
    def made(seed: int) -> tuple[str, ...]:
        keys = PoolKeystore(seed)
        texts = []
        for algorithm in ("EC-P256", "EC-P384", "RSA-2048"):
            keys.make(algorithm, algorithm)
            texts.append(keys.csr(algorithm, {"CN": "CP-1"}))
        ca = Authority.root("CA", not_before_us=NOW_US, not_after_us=NOW_US + DAY_US, seed=str(seed))
        sub = ca.intermediate("Sub", not_before_us=NOW_US, not_after_us=NOW_US + DAY_US)
        server = sub.server(["localhost"], not_before_us=NOW_US, not_after_us=NOW_US + DAY_US)
        return (*texts, ca.pem, sub.pem, server.chain)

    assert made(1) == made(1)
    assert not set(made(1)) & set(made(2)) - {made(1)[2]}


def test_derived_rsa_keys_are_whole_and_of_their_size() -> None:
    key = derived_key("x", "RSA-2048")
    assert key.key_size == 2048 and derived_key("x", "RSA-2048") is key
    with pytest.raises(ValueError, match="RSA-2048"):
        derived_key("x", "RSA-1")
    with pytest.raises(ValueError, match="EC-P256"):
        new_key("EC")


def test_primes() -> None:
    small = [n for n in range(5, 2000, 2) if is_prime(n, "t")]
    assert small == [n for n in range(5, 2000, 2) if all(n % d for d in range(3, int(n**0.5) + 1, 2))]
    assert not is_prime(3_215_031_751, "t") and not is_prime(561, "t")  # strong pseudoprime, Carmichael
    found = prime_of("a", 128, 65_537)
    assert found.bit_length() == 128 and found == prime_of("a", 128, 65_537) != prime_of("b", 128, 65_537)


def test_a_secret_is_never_readable_by_others_and_never_half_there(tmp_path: Path) -> None:
    path = tmp_path / "k"
    path.write_bytes(b"old")
    path.chmod(0o644)
    write_private(path, b"new")
    assert path.read_bytes() == b"new" and mode(path) == 0o600 and list(tmp_path.iterdir()) == [path]
