"""The door of a scripted CSMS gives the causes that sockets give."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from simulator.core.effects import Dial
from simulator.core.station import Station
from simulator.lab.security import Door
from simulator.pki.authority import DAY_US, YEAR_US
from simulator.pki.keystore import PoolKeystore
from tests.bench import build
from tests.secure import EPOCH_US, HOST, authority, server_chain, station_certificate

KEYS = PoolKeystore("door")
KEYS.put("own", station_certificate().key)
KEYS.make("other")
ROOT, STRANGER = authority("operator").pem, authority("stranger").pem
PLAIN = Dial(1, 0, "", ("ocpp1.6",), 0, None, {}, 1)
BASIC = {"security_profile": 1, "password": "right"}
TLS = {"security_profile": 2, "password": "right", "refs": {"trust": ROOT}}
OWN = {"trust": ROOT, "certificate": station_certificate().chain, "key": "own"}
CLIENT = {"security_profile": 3, "password": None, "refs": OWN}


def dial(**fields: Any) -> Dial:
    """A dial like PLAIN."""
    values = {name: getattr(PLAIN, name) for name in PLAIN.__struct_fields__} | fields
    return Dial(**values)


def door(*profiles: int, **fields: Any) -> Door:
    """A door that is in order."""
    plain = Door(frozenset(profiles), server_chain(), HOST, (ROOT,), frozenset({"right"}), keystore=KEYS)
    return replace(plain, **fields)


CASES: list[tuple[Door, Dial, str]] = [
    (door(0), dial(), ""),
    (door(1), dial(**BASIC), ""),
    (door(2), dial(**TLS), ""),
    (door(3), dial(**CLIENT), ""),
    (door(2, 3), dial(**TLS), ""),
    (door(2, 3), dial(**CLIENT), ""),
    (door(1), dial(), "http_status 401"),
    (door(0), dial(**BASIC), "http_status 401"),
    (door(1), dial(security_profile=1, password="wrong"), "http_status 401"),
    (door(1), dial(security_profile=1), "http_status 401"),
    (door(1, password="right"), dial(security_profile=1), ""),
    (door(1, password="right"), dial(security_profile=1, password="wrong"), "http_status 401"),
    (door(2), dial(**TLS | {"password": "wrong"}), "http_status 401"),
    (door(1), dial(**TLS), "tls_version"),
    (door(2), dial(**BASIC), "reset"),
    (door(2, versions=frozenset({"TLSv1.1"})), dial(**TLS), "tls_version"),
    (door(2, ciphers=frozenset({"TLS_RSA_WITH_RC4_128_MD5"})), dial(**TLS), "tls_cipher"),
    (door(2, chain=server_chain("stranger")), dial(**TLS), "tls_server_cert"),
    (door(2, chain=server_chain("operator", "elsewhere.test")), dial(**TLS), "tls_server_cert"),
    (door(2, chain=server_chain("operator", HOST, -1_000)), dial(**TLS), "tls_server_cert"),
    (door(2, chain=server_chain("operator", "*.test")), dial(**TLS), ""),
    (door(2, chain=server_chain("operator", "*.test")), dial(**TLS, wildcards=False), "tls_server_cert"),
    (door(2), dial(**TLS | {"refs": {}}), "tls_server_cert"),
    (door(2, trust=ROOT), dial(**TLS | {"refs": {}}), ""),
    (door(2, trust=ROOT), dial(**TLS | {"refs": {"trust": STRANGER}}), "tls_server_cert"),
    (door(3), dial(**TLS), "tls_client_cert"),
    (door(3), dial(**CLIENT | {"refs": {"trust": ROOT}}), "tls_client_cert"),
    (door(3), dial(**CLIENT | {"refs": OWN | {"key": "other"}}), "tls_client_cert"),
    (door(3), dial(**CLIENT | {"refs": OWN | {"key": "nobody's"}}), "tls_client_cert"),
    (door(3, client_roots=(STRANGER,)), dial(**CLIENT), "tls_client_cert"),
    (door(3, certificate=OWN["certificate"], key="own"), dial(**CLIENT | {"refs": {"trust": ROOT}}), ""),
    (door(2), dial(**CLIENT), "http_status 401"),
]


@pytest.mark.parametrize("number", range(len(CASES)))
def test_what_becomes_of_a_dial(number: int) -> None:
    where, what, wanted = CASES[number]
    st = Station("CP1", build("1.6"), seed=1, epoch_us=EPOCH_US)
    found = where.judge(st, what, EPOCH_US)
    text = "" if found is None else f"{found.cause} {found.code or ''}".strip()
    assert text == wanted


def test_a_client_certificate_is_judged_at_the_true_time_and_a_servers_at_the_stations() -> None:
    late = EPOCH_US + YEAR_US + DAY_US
    right = Station("CP1", build("1.6"), seed=1, epoch_us=EPOCH_US)
    found = door(3).judge(right, dial(**CLIENT), late)
    assert found is not None and found.cause == "tls_client_cert"
    wrong = Station("CP1", build("1.6"), seed=1, epoch_us=late)
    found = door(3).judge(wrong, dial(**CLIENT), EPOCH_US)
    assert found is not None and found.cause == "tls_server_cert"
