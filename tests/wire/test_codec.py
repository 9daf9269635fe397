"""What a codec makes of payloads that are right, wrong, and half right. Every schema has its turn elsewhere."""

import json
from types import ModuleType
from typing import Any

import msgspec
import pytest
from msgspec import UNSET, Raw

from simulator.errors import RemoteProtocolError
from simulator.ocpp2x import messages_21, messages_201
from simulator.ocpp16 import messages as messages_16
from simulator.wire import codec as codec_module
from simulator.wire.codec import Codec, Violation, is_datetime

c16, c201, c21 = Codec(messages_16), Codec(messages_201), Codec(messages_21)
NOW = "2026-01-01T00:00:00Z"


def found(violations: tuple[Violation, ...]) -> list[tuple[str, str, str, str]]:
    return [(one.path, one.rule, one.value, one.kind) for one in violations]


def test_a_right_payload_gives_its_struct() -> None:
    done = c201.decode_request("Reset", Raw(b'{"type":"OnIdle","evseId":2}'))
    assert done.value == messages_201.ResetRequest(type="OnIdle", evse_id=2)
    assert done.violations == ()
    assert (
        c21.decode_request(
            "NotifyPeriodicEventStream", b'{"id":1,"pending":0,"basetime":"%s","data":[{"t":0,"v":"1"}]}' % NOW.encode()
        ).value.pending
        == 0
    )


@pytest.mark.parametrize("codec", [c16, c201, c21])
def test_known_actions(codec: Codec) -> None:
    assert codec.knows("BootNotification")
    assert not codec.knows("bootNotification")
    assert not codec.knows("BootNotificationRequest")
    assert codec.knows("StartTransaction") is (codec is c16)
    assert codec.knows("NotifyPeriodicEventStream") is (codec is c21)


def test_an_unknown_action_is_refused_with_the_nearest() -> None:
    with pytest.raises(RemoteProtocolError, match="'Heartbeet'; the nearest is Heartbeat") as caught:
        c16.decode_request("Heartbeet", b"{}")
    assert caught.value.kind == "not_implemented"
    with pytest.raises(RemoteProtocolError) as caught:
        c16.decode_request("x" * 100_000, b"{}")
    assert len(caught.value.description) < 200


def test_an_answer_to_what_has_none_is_our_mistake() -> None:
    with pytest.raises(AssertionError, match="NotifyPeriodicEventStream has no response"):
        c21.decode_response("NotifyPeriodicEventStream", b"{}")


def test_every_violation_is_listed_and_the_rest_saved() -> None:
    done = c201.decode_request(
        "SetChargingProfile",
        json.dumps(
            {
                "evseId": "1",
                "chargingProfile": {
                    "id": 1,
                    "stackLevel": 0,
                    "chargingProfilePurpose": "TxProfil",
                    "chargingProfileKind": "Absolute",
                    "recurrencyKind": "Hourly",
                    "validFrom": "yesterday",
                    "transactionId": "t" * 37,
                    "chargingSchedule": [
                        {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0}], "extra": 1},
                        {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": []},
                    ],
                },
            }
        ).encode(),
    )
    assert done.value is None
    profile = "chargingProfile"
    assert set(found(done.violations)) == {
        ("evseId", "type", "string of 1 characters", "type"),
        (f"{profile}.chargingProfilePurpose", "enum", "TxProfil", "property"),
        (f"{profile}.recurrencyKind", "enum", "Hourly", "property"),
        (f"{profile}.validFrom", "date-time", "yesterday", "property"),
        (f"{profile}.transactionId", "maxLength", "37 characters, at most 36", "property"),
        (f"{profile}.chargingSchedule[0].chargingSchedulePeriod[0].limit", "required", "missing", "occurrence"),
        (f"{profile}.chargingSchedule[0].extra", "unknown", "1", "formation"),
        (f"{profile}.chargingSchedule[1].chargingSchedulePeriod", "minItems", "0 items, at least 1", "occurrence"),
    }
    assert {one.action for one in done.violations} == {"SetChargingProfile"}


@pytest.mark.parametrize(
    ("given", "saved", "rules"),
    [
        ({"status": "Accepted", "currentTime": NOW, "interval": 5, "vendor": 1}, ("Accepted", 5, UNSET), ["unknown"]),
        ({"status": "Perhaps", "currentTime": NOW, "interval": 5}, ("Perhaps", 5, UNSET), ["enum"]),
        (
            {"status": "Accepted", "currentTime": NOW, "interval": 5, "statusInfo": None},
            ("Accepted", 5, UNSET),
            ["type"],
        ),
        (
            {"status": "Accepted", "currentTime": NOW, "interval": 5, "statusInfo": {}},
            ("Accepted", 5, UNSET),
            ["required"],
        ),
        ({"status": "Accepted", "currentTime": "12:00", "interval": 5}, ("Accepted", 5, UNSET), ["date-time"]),
        ({"status": "Accepted", "currentTime": NOW, "interval": 5.0}, ("Accepted", 5, UNSET), []),
        ({"status": "Accepted", "currentTime": NOW, "interval": 5.5}, None, ["type"]),
        ({"status": "Accepted", "currentTime": NOW, "interval": True}, None, ["type"]),
        ({"status": "Accepted", "currentTime": NOW, "interval": None}, None, ["type"]),
        ({"status": "Accepted", "currentTime": NOW}, None, ["required"]),
        ({}, None, ["required", "required", "required"]),
        (None, None, ["required", "required", "required"]),
        ([], None, ["type"]),
        ("{}", None, ["type"]),
    ],
)
def test_what_is_saved_of_a_boot_answer(given: Any, saved: tuple[Any, ...] | None, rules: list[str]) -> None:
    done = c201.decode_response("BootNotification", json.dumps(given).encode())
    assert [one.rule for one in done.violations] == rules
    held = None if done.value is None else (done.value.status, done.value.interval, done.value.status_info)
    assert held == saved


def test_nothing_is_shortened_or_moved_into_bounds() -> None:
    answer = c201.salvage(messages_201.StatusInfoType, {"reasonCode": "r" * 99, "additionalInfo": "i" * 999, "x": 1})
    assert answer == messages_201.StatusInfoType(reason_code="r" * 99, additional_info="i" * 999)


def test_a_list_is_all_or_nothing() -> None:
    data = [{"idTag": "a"}, {"idTagInfo": {"status": "Accepted"}}]
    done = c16.decode_request(
        "SendLocalList", json.dumps({"listVersion": 1, "updateType": "Full", "localAuthorizationList": data}).encode()
    )
    assert done.value.local_authorization_list is UNSET
    assert found(done.violations) == [("localAuthorizationList[1].idTag", "required", "missing", "occurrence")]


def test_null_may_stand_for_a_payload_without_fields() -> None:
    assert c16.decode_request("Heartbeat", b"null") == codec_module.Decoded(messages_16.HeartbeatRequest())
    assert c201.decode_response("StatusNotification", b"null").value == messages_201.StatusNotificationResponse()


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b'{"type":"Hard"}}',
        b'{"a":"\xff"}',
        b'{"a":"\\ud800"}',
        b'{"a":1e999}',
        b'{"a":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    ],
)
def test_text_that_is_no_json(payload: bytes) -> None:
    done = c16.decode_request("Reset", payload)
    assert done.value is None
    assert [(one.path, one.rule, one.kind) for one in done.violations] == [("", "json", "formation")]


def test_whole_numbers_with_a_point() -> None:
    request = b'{"connectorId":1.0,"type":"Operative"}'
    assert found(c16.decode_request("ChangeAvailability", request).violations) == [
        ("connectorId", "type", "1.0", "type")
    ]
    done = c201.decode_request("Reset", b'{"type":"OnIdle","evseId":2.0}')
    assert type(done.value.evse_id) is int
    assert done.violations == ()


def test_numbers_no_float_can_hold() -> None:
    done = c201.decode_request("CostUpdated", b'{"transactionId":"t","totalCost":%s}' % (b"9" * 400))
    assert [(one.path, one.rule) for one in done.violations] == [("totalCost", "type")]
    assert done.value is None


@pytest.mark.parametrize("m", [messages_201, messages_21])
def test_raw_data_comes_back_byte_for_byte(m: ModuleType) -> None:
    custom = b'{ "vendorId" : "v", "big": 123456789012345678901234567890, "n": 1.10, "e": 1e2, "a":"\\u00e9" }'
    payload = b'{"vendorId":"v","customData":%s,"data":%s}' % (custom, custom)
    done = Codec(m).decode_request("DataTransfer", payload)
    assert done.violations == ()
    assert bytes(done.value.custom_data) == custom
    assert json.loads(msgspec.json.encode(done.value)) == json.loads(payload)
    assert custom in msgspec.json.encode(done.value)
    built = m.make(m.DataTransferRequest, vendor_id="v", data=Raw(b"null"))
    assert Codec(m).decode_request("DataTransfer", msgspec.json.encode(built)).value == built


def test_custom_data_has_rules_though_it_is_raw() -> None:
    deep = b'{"chargingStation":{"model":"m","vendorName":"v","modem":{"customData":%s}},"reason":"PowerUp"}'
    for custom, rules in [
        (b'{"vendorId":"x","y":1}', []),
        (b"7", ["type"]),
        (b"{}", ["required"]),
        (b'{"vendorId":1}', ["type"]),
    ]:
        done = c201.decode_request("BootNotification", deep % custom)
        assert [one.rule for one in done.violations] == rules
        assert (done.value.charging_station.modem.custom_data is UNSET) is bool(rules)


def test_a_bad_date_time_does_not_cost_the_message() -> None:
    done = c201.decode_response("Heartbeat", b'{"currentTime":"2026-01-01T00:00:00"}')
    assert done.value.current_time == "2026-01-01T00:00:00"
    assert found(done.violations) == [("currentTime", "date-time", "2026-01-01T00:00:00", "property")]
    nested = b'{"idTokenInfo":{"status":"Accepted","cacheExpiryDateTime":"soon"}}'
    done = c201.decode_response("TransactionEvent", nested)
    assert done.value.id_token_info.cache_expiry_date_time == "soon"
    assert [one.path for one in done.violations] == ["idTokenInfo.cacheExpiryDateTime"]
    values = [{"timestamp": stamp, "sampledValue": [{"value": "1"}]} for stamp in (NOW, "x")]
    done = c16.decode_request("MeterValues", json.dumps({"connectorId": 1, "meterValue": values}).encode())
    assert [one.path for one in done.violations] == ["meterValue[1].timestamp"]


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("2026-01-01T00:00:00Z", True),
        ("2026-01-01t00:00:00z", True),
        ("2026-12-31T23:59:60.123456789+14:00", True),
        ("2024-02-29T00:00:00-00:00", True),
        ("2000-02-29T00:00:00Z", True),
        ("2026-02-29T00:00:00Z", False),
        ("1900-02-29T00:00:00Z", False),
        ("2026-04-31T00:00:00Z", False),
        ("2026-13-01T00:00:00Z", False),
        ("2026-00-01T00:00:00Z", False),
        ("2026-01-00T00:00:00Z", False),
        ("2026-01-01T24:00:00Z", False),
        ("2026-01-01T00:60:00Z", False),
        ("2026-01-01T00:00:00", False),
        ("2026-01-01T00:00:00+0100", False),
        ("2026-01-01T00:00:00.Z", False),
        ("2026-01-01 00:00:00Z", False),
        ("2026-01-01", False),
        ("2026-01-01T00:00:00Z\n", False),
        ("٢٠٢٦-01-01T00:00:00Z", False),
        ("", False),
    ],
)
def test_date_times(text: str, right: bool) -> None:
    assert is_datetime(text) is right


def test_a_violation_never_shows_a_free_text() -> None:
    secret = "0123456789abcdef" * 40
    payload = json.dumps({"key": secret, "value": [secret], "extra": secret, "more": {"k": secret}}).encode()
    done = c16.decode_request("ChangeConfiguration", payload)
    assert len(done.violations) == 4
    assert not [one for one in done.violations if "0123" in one.value]


def test_violations_are_bounded() -> None:
    for payload in ({"key": list(range(1000))}, {f"unknown{'x' * 900}{n}": n for n in range(1000)}):
        done = c16.decode_request("GetConfiguration", json.dumps(payload).encode())
        assert len(done.violations) == codec_module.MAX_VIOLATIONS
        assert max(len(one.path) for one in done.violations) <= codec_module.MAX_SHOWN


def test_a_codec_may_be_shared() -> None:
    codec = Codec(messages_16)
    first = codec.decode_request("Reset", b'{"type":"Hard"}')
    assert codec.decode_request("Reset", b'{"type":"Warm"}').violations
    assert codec.decode_request("Reset", b'{"type":"Hard"}') == first
