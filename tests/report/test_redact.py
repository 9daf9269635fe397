"""Secrets are found by value and by place, in whole and in broken frames, and placeholders stay what they are."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.report.redact import KNOWN_MAX, Redactor

SECRET = "hunter2-hunter2-hunter2"


def frame(action: str, payload: Any) -> bytes:
    return json.dumps([2, "17", action, payload]).encode()


VARIABLE = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
PLACES = [
    frame("ChangeConfiguration", {"key": "AuthorizationKey", "value": SECRET}),
    frame("ChangeConfiguration", {"value": SECRET, "key": "authorizationkey"}),
    json.dumps([3, "17", {"configurationKey": [{"key": "AuthorizationKey", "value": SECRET}]}]).encode(),
    frame("SetVariables", {"setVariableData": [{**VARIABLE, "attributeValue": SECRET}]}),
    frame("SetVariables", {"setVariableData": [{"variable": {"name": "BASICAUTHPASSWORD"}, "attributeValue": SECRET}]}),
    frame("NotifyReport", {"reportData": [{**VARIABLE, "variableAttribute": [{"type": "Target", "value": SECRET}]}]}),
    frame("NotifyEvent", {"eventData": [{**VARIABLE, "actualValue": SECRET}]}),
    frame("SetNetworkProfile", {"connectionData": {"basicAuthPassword": SECRET, "ocppCsmsUrl": "wss://a"}}),
    frame("SetNetworkProfile", {"connectionData": {"apn": {"apn": "internet", "apnPassword": SECRET}}}),
    frame("SetNetworkProfile", {"connectionData": {"vpn": {"user": "u", "password": SECRET, "key": "k"}}}),
    frame("SetNetworkProfile", {"connectionData": {"vpn": {"server": "s", "key": SECRET}}}),
    frame("GetDiagnostics", {"location": f"ftp://user:{SECRET}@files.example/logs"}),
    frame("GetDiagnostics", {"location": f"ftp://user:{SECRET}@files.example/logs"}).replace(b"/", b"\\/"),
    b'[2,"17","ChangeConfiguration",{"key":"AuthorizationKey","value":"' + SECRET.encode() + b'"',  # cut off
    b'[2,"17","ChangeConfiguration",{"key":"AuthorizationKey","value":"' + SECRET.encode(),
    b'[2,"17","SetNetworkProfile",{"basicAuthPassword":"' + SECRET.encode() + b'"\xff',
    b'[2,"17","SetVariables",{"a":{"variable":{"name":"Basic\\u0041uthPassword"},"attributeValue":"'
    + SECRET.encode()
    + b'"}}]',
]


@pytest.mark.parametrize("data", PLACES)
def test_secrets_are_known_by_their_place_and_learnt(data: bytes) -> None:
    redactor = Redactor()
    cleaned = redactor.clean(data, "CP1")
    assert SECRET.encode() not in cleaned
    assert b"<secret:1>" in cleaned
    assert redactor.clean(f'[3,"18",{{"x":"say {SECRET}!"}}]'.encode(), "CP1") == b'[3,"18",{"x":"say <secret:1>!"}]'
    assert redactor.clean(cleaned, "CP1") == cleaned


def test_a_whole_frame_keeps_its_spelling() -> None:
    data = b'[2, "17",  "ChangeConfiguration", {"key":"AuthorizationKey" ,"value":"%s", "n": 1.50}]'
    assert Redactor().clean(data % SECRET.encode()) == data % b"<secret:1>"


def test_a_short_secret_is_replaced_in_its_place_and_as_a_whole_string_only() -> None:
    redactor = Redactor()
    cleaned = redactor.clean(b'[2,"17","ChangeConfiguration",{"key":"AuthorizationKey","value":"17"}]', "CP1")
    assert json.loads(cleaned)[3] == {"key": "AuthorizationKey", "value": "<secret:1>"}
    assert redactor.clean(b'{"a":"1717","b":"17"}', "CP1") == b'{"a":"1717","b":"<secret:1>"}'


def test_a_pin_is_zeroed() -> None:
    cleaned = Redactor().clean(frame("SetNetworkProfile", {"apn": {"simPin": 4711}}))
    assert json.loads(cleaned)[3] == {"apn": {"simPin": 0}}


def test_given_secrets_are_replaced_in_every_spelling() -> None:
    secret = 'pa"ß\\wörd/'
    redactor = Redactor([secret])
    spellings = [
        secret,
        json.dumps(secret),
        json.dumps(secret, ensure_ascii=False),
        secret.encode().hex(),
        secret.encode().hex().upper(),
    ]
    for spelling in spellings:
        assert "<secret:1>" in redactor.clean_text(f"before {spelling} after"), spelling
    assert redactor.clean_text("--password pa%22%C3%9F%5Cw%C3%B6rd%2F") == "--password <secret:1>"


def test_the_same_secret_has_the_same_number_and_another_the_next() -> None:
    redactor = Redactor(["first-secret", "second-secret", "first-secret"])
    assert redactor.clean_text("second-secret first-secret") == "<secret:2> <secret:1>"
    assert redactor.learn("") == ""


def test_a_stations_secret_is_its_own() -> None:
    redactor = Redactor()
    redactor.learn("password-of-one", "CP1")
    assert redactor.clean(b"password-of-one", "CP1") == b"<secret:1>"
    assert redactor.clean(b"-of-one password", "CP2") == b"-of-one password"
    for n in range(KNOWN_MAX):
        redactor.learn(f"password-number-{n}", "CP1")
    assert redactor.clean(b"password-of-one", "CP1") == b"password-of-one", "the oldest is forgotten"


def test_placeholders_reserve_their_numbers() -> None:
    redactor = Redactor()
    assert redactor.clean(b'["<secret:7>"]') == b'["<secret:7>"]'
    assert redactor.learn("a new secret") == "<secret:8>"


def test_frames_without_secrets_are_not_even_copied() -> None:
    redactor = Redactor(["some-secret"])
    for data in (
        b'[2,"1","Heartbeat",{}]',
        b'[3,"1",{"url":"https://a.example/b"}]',
        frame("DataTransfer", {"key": "v"}),
    ):
        assert redactor.clean(data, "CP1") is data


hostile = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["key", "value", "variable", "variableAttribute", "name", "password", "vpn", "attributeValue"]
            ),
            inner | st.sampled_from(["AuthorizationKey", "BasicAuthPassword"]),
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(hostile)
def test_whatever_the_shape_nothing_breaks_and_twice_is_once(tree: Any) -> None:
    redactor = Redactor()
    data = json.dumps([2, "1", "password", tree]).encode()
    cleaned = redactor.clean(data, "CP1")
    json.loads(cleaned)
    assert redactor.clean(cleaned, "CP1") == cleaned


def test_a_deeply_nested_frame_is_survived() -> None:
    data = b'{"password":"' + SECRET.encode() + b'","a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    assert SECRET.encode() not in Redactor().clean(data)
