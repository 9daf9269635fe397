"""Chains: what is trusted, and the cause of each refusal."""

from __future__ import annotations

import pytest

from simulator.pki.authority import DAY_US, YEAR_US, Authority
from simulator.pki.chain import check_chain, is_for_host
from simulator.pki.keystore import derived_key, public_der
from simulator.pki.reading import Rejected, certificates_of

NOW_US = 1_760_000_000 * 1_000_000
FROM, TO = NOW_US - DAY_US, NOW_US + YEAR_US
CA = Authority.root("CA", not_before_us=FROM, not_after_us=TO, seed="one")
OTHER = Authority.root("CA", not_before_us=FROM, not_after_us=TO, seed="another")
SUB = CA.intermediate("Sub", not_before_us=FROM, not_after_us=TO)
STATION = CA.station("CP-1", not_before_us=FROM, not_after_us=TO, organization="Operator")
BELOW = SUB.station("CP-2", not_before_us=FROM, not_after_us=TO)


def cause(pem: str, roots: list[str], at_us: int = NOW_US, **more: object) -> str:
    with pytest.raises(Rejected) as no:
        check_chain(pem, roots, at_us, **more)  # type: ignore[arg-type]
    assert no.value.detail
    return no.value.cause


def test_a_leaf_of_the_root_and_one_of_a_sub_authority_are_trusted() -> None:
    assert check_chain(STATION.chain, [OTHER.pem, CA.pem], NOW_US, purpose="client")["common_name"] == "CP-1"
    facts = check_chain(BELOW.chain, [CA.pem], NOW_US, purpose="client")
    assert (facts["common_name"], len(facts["children"])) == ("CP-2", 1)
    assert check_chain(BELOW.certificate, [SUB.pem], NOW_US)["is_ca"] is False, "a sub-authority may be the trust"


def test_the_order_behind_the_leaf_does_not_matter_and_strangers_in_the_chain_do_no_harm() -> None:
    assert check_chain(BELOW.certificate + OTHER.pem + SUB.pem, [CA.pem], NOW_US)["common_name"] == "CP-2"


def test_the_same_name_is_not_enough() -> None:
    stranger = OTHER.station("CP-1", not_before_us=FROM, not_after_us=TO)
    assert cause(stranger.chain, [CA.pem]) == "untrusted"
    assert cause(stranger.chain + OTHER.pem, [CA.pem]) == "untrusted", "a root in the chain is not trusted for it"
    assert cause(BELOW.certificate, [CA.pem]) == "untrusted", "the sub-authority is missing"
    assert cause(STATION.chain, []) == "untrusted"


def test_a_changed_byte_of_the_signature_is_a_bad_signature() -> None:
    der = certificates_of(STATION.chain)[0]
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509 import load_der_x509_certificate

    from simulator.pki.reading import pem_of

    raw = bytearray(der.public_bytes(Encoding.DER))
    raw[-3] ^= 1
    assert cause(pem_of(load_der_x509_certificate(bytes(raw))), [CA.pem]) == "bad_signature"


def test_times_of_every_certificate_on_the_path_count() -> None:
    assert cause(STATION.chain, [CA.pem], FROM - 1) == "not_yet_valid"
    assert cause(STATION.chain, [CA.pem], TO + 1_000_000) == "expired"
    assert check_chain(STATION.chain, [CA.pem], TO)["not_after_us"] == TO
    short = CA.intermediate("Short", not_before_us=FROM, not_after_us=NOW_US - 1_000_000)
    leaf = short.station("CP-3", not_before_us=FROM, not_after_us=TO)
    assert cause(leaf.chain, [CA.pem]) == "expired"
    old = Authority.root("Old", not_before_us=FROM, not_after_us=NOW_US - 1_000_000)
    assert cause(old.station("CP-4", not_before_us=FROM, not_after_us=TO).chain, [old.pem]) == "expired"


def test_what_a_caller_demands_of_the_leaf() -> None:
    mine, strange = public_der(STATION.key), public_der(BELOW.key)
    full = {"public_key": mine, "common_name": "cp-1", "organization": "Operator", "purpose": "client"}
    assert check_chain(STATION.chain, [CA.pem], NOW_US, **full)["organization"] == "Operator"  # type: ignore[arg-type]
    assert cause(STATION.chain, [CA.pem], public_key=strange) == "key_mismatch"
    assert cause(STATION.chain, [CA.pem], common_name="CP-2") == "common_name"
    assert cause(STATION.chain, [CA.pem], organization="Somebody") == "organization"
    assert cause(STATION.chain, [CA.pem], purpose="code") == "purpose"
    assert cause(STATION.chain, [CA.pem], purpose="server") == "purpose"
    code = CA.code_signing("Maker", not_before_us=FROM, not_after_us=TO)
    assert check_chain(code.chain, [CA.pem], NOW_US, purpose="code")["common_name"] == "Maker"


def test_a_new_root_needs_to_be_an_authority_and_if_asked_signed_by_the_current() -> None:
    assert check_chain(OTHER.pem, [], NOW_US, purpose="root")["self_signed"] is True
    assert cause(OTHER.pem, [CA.pem], purpose="root") == "not_signed_by_current"
    assert check_chain(SUB.pem, [CA.pem], NOW_US, purpose="root")["is_ca"] is True
    assert cause(STATION.chain, [CA.pem], purpose="root") == "purpose"
    assert cause(SUB.pem, [], purpose="root") == "untrusted"


def test_a_leaf_or_a_sub_authority_with_no_room_below_cannot_issue() -> None:
    fake = Authority.__new__(Authority)
    fake._cert, fake._key = certificates_of(STATION.chain)[0], STATION.key
    fake._above, fake._seed, fake._count = (fake._cert,), None, 0
    forged = fake.station("CP-9", not_before_us=FROM, not_after_us=TO)
    assert cause(forged.chain, [CA.pem]) == "untrusted"
    deeper = SUB.intermediate("Deeper", not_before_us=FROM, not_after_us=TO)
    leaf = deeper.station("CP-8", not_before_us=FROM, not_after_us=TO)
    assert cause(leaf.chain, [CA.pem]) == "chain_too_long"
    assert cause(STATION.certificate * 11, [CA.pem]) == "chain_too_long"


def test_weak_keys() -> None:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    for key in (rsa.generate_private_key(65_537, 1024), ec.derive_private_key(77, ec.SECP192R1())):
        pem = CA.issue({"CN": "weak"}, key.public_key(), purpose="client", not_before_us=FROM, not_after_us=TO)
        assert cause(pem, [CA.pem]) == "weak_key"
    strong = derived_key("strong", "RSA-2048").public_key()
    pem = CA.issue({"CN": "strong"}, strong, purpose="client", not_before_us=FROM, not_after_us=TO)
    assert check_chain(pem, [CA.pem], NOW_US)["key_bits"] == 2048


@pytest.mark.parametrize("text", ["", "no pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_garbage_is_unreadable(text: str) -> None:
    assert cause(text, [CA.pem]) == "unreadable"
    assert cause(STATION.chain, [text]) == "unreadable"


@pytest.mark.parametrize(
    ("hosts", "asked", "fits"),
    [
        (["csms.example"], "CSMS.example", True),
        (["csms.example"], "other.example", False),
        (["*.example"], "csms.example", True),
        (["*.example"], "a.csms.example", False),
        (["*.example"], "example", False),
        (["127.0.0.1", "::1"], "127.0.0.1", True),
        (["127.0.0.1", "::1"], "::1", True),
        (["127.0.0.1"], "127.0.0.2", False),
        (["csms.example"], "127.0.0.1", False),
    ],
)
def test_a_server_is_known_by_its_name(hosts: list[str], asked: str, fits: bool) -> None:
    server = CA.server(hosts, not_before_us=FROM, not_after_us=TO)
    assert is_for_host(certificates_of(server.certificate)[0], asked) is fits
    if not fits:
        assert cause(server.chain, [CA.pem], purpose="server", host=asked) == "common_name"


def test_a_domain_is_no_name_where_wildcards_are_not_taken() -> None:
    domain, name = (CA.server([host], not_before_us=FROM, not_after_us=TO) for host in ("*.example", "csms.example"))
    strict = {"purpose": "server", "host": "csms.example", "wildcards": False}
    assert cause(domain.chain, [CA.pem], **strict) == "common_name"
    check_chain(name.chain, [CA.pem], NOW_US, **strict)  # type: ignore[arg-type]


def test_without_alternative_names_the_common_name_counts() -> None:
    key = derived_key("cn only").public_key()
    assert not isinstance(key, bytes)
    pem = CA.issue({"CN": "10.0.0.7"}, key, purpose="server", not_before_us=FROM, not_after_us=TO)
    assert check_chain(pem, [CA.pem], NOW_US, purpose="server", host="10.0.0.7")["common_name"] == "10.0.0.7"
    assert cause(pem, [CA.pem], host="10.0.0.8") == "common_name"
