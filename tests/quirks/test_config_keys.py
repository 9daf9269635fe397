"""Quirks of how configuration keys are listed and named, on the wire, with and without."""

from typing import Any

import pytest

from simulator.blocks import firmware_record
from simulator.quirks import config_keys
from tests.quirks.rig import ENERGY, Bench, build, compare
from tests.quirks.test_config import KEY, write

PING = "WebSocketPingInterval"


def listed(b: Bench) -> dict[str, Any]:
    """Key -> (value, read-only) of the list of all keys."""
    rows = b.ask("GetConfiguration")["configurationKey"]
    return {row["key"]: (row.get("value"), row["readonly"]) for row in rows}


def named(b: Bench, key: str) -> Any:
    """What one key reads, or that it is unknown."""
    answer = b.ask("GetConfiguration", key=[key])
    if "unknownKey" in answer:
        assert "configurationKey" not in answer
        return answer["unknownKey"]
    return answer["configurationKey"][0]["key"], answer["configurationKey"][0]["value"]


def hidden(key: str, value: str) -> Any:
    def scenario(b: Bench) -> tuple[Any, ...]:
        b.boot()
        return key in listed(b), named(b, key), write(b, value, key)

    return scenario


def test_measurand_key_unknown() -> None:
    assert config_keys.MeasurandKeyUnknown.name == "measurand-key-unknown"
    without, with_ = (True, (KEY, ENERGY), "Accepted"), (False, [KEY], "NotSupported")
    compare("measurand-key-unknown", hidden(KEY, ENERGY), without=without, with_=with_)


def test_hidden_keys_beside_others() -> None:
    b = Bench(build("measurand-key-unknown", "ws-pinginterval-not-configurable")).boot()
    answer = b.ask("GetConfiguration", key=[KEY, "Nonsense", PING, "HeartbeatInterval"])
    assert sorted(answer["unknownKey"]) == sorted(["Nonsense", KEY, PING])
    assert [row["key"] for row in answer["configurationKey"]] == ["HeartbeatInterval"]


def test_ping_interval() -> None:
    name, without = "ws-pinginterval-not-configurable", (True, (PING, "60"), "Accepted")
    compare(name, hidden(PING, "30"), without=without, with_=(False, [PING], "NotSupported"))
    shown, zero = {"params": {"listed": True}, "settings": {PING: 0}}, (True, (PING, "0"))
    without, with_ = (*zero, "Accepted"), (*zero, "NotSupported")
    b = compare(name, hidden(PING, "30"), without=without, with_=with_, **shown)
    assert listed(b)[PING] == ("0", True)


def test_key_appears() -> None:
    own = PING.lower()
    without, with_ = (True, (PING, "60"), "Accepted"), (False, [PING], "NotSupported")
    compare("config-key-appears-with-firmware", hidden(PING, "30"), without=without, with_=with_)
    b = Bench(build(("config-key-appears-with-firmware", {"since": "0.9"}))).boot()
    assert own in listed(b) and PING not in listed(b)
    assert named(b, PING) == (own, "60") and write(b, "30", own) == "Accepted"


def test_the_key_appears_by_an_update(monkeypatch: pytest.MonkeyPatch) -> None:
    b = Bench(build("config-key-appears-with-firmware")).boot()
    assert PING.lower() not in listed(b)
    monkeypatch.setattr(firmware_record, "version", lambda st: "3.3.1")
    assert PING.lower() in listed(b)


def spelt(b: Bench) -> set[str]:
    return {key for key in listed(b.boot()) if key.lower() in ("heartbeatinterval", "allowofflinetxforunknownid")}


def test_key_case() -> None:
    usual = {"HeartbeatInterval", "AllowOfflineTxForUnknownId"}
    own = {"HeartBeatInterval", "AllowOffLineTxForUnknownId"}
    compare("config-key-case-variants", spelt, without=usual, with_=own)
    lower = {"params": {"style": "lower"}}
    compare("config-key-case-variants", spelt, without=usual, with_={key.lower() for key in usual}, **lower)


@pytest.mark.parametrize(("strict", "word"), [(False, "Accepted"), (True, "NotSupported")])
def test_strict_key_case(strict: bool, word: str) -> None:
    b = Bench(build(("config-key-case-variants", {"strict": strict}))).boot()
    assert write(b, "60", "HeartbeatInterval") == word
    assert write(b, "60", "HeartBeatInterval") == "Accepted" and write(b, "1", "Nonsense") == "NotSupported"


def test_lower_case_keys() -> None:
    def scenario(b: Bench) -> tuple[bool, bool, Any]:
        keys = listed(b.boot())
        return "maxintensitysocket" in keys, KEY in keys and KEY.lower() in keys, named(b, KEY)

    both = (KEY, ENERGY)
    name = "config-lowercase-vendor-keys"
    b = compare(name, scenario, without=(False, False, both), with_=(True, True, both))
    keys = listed(b)
    assert keys["metervaluesampleinterval"] == keys["MeterValueSampleInterval"] == ("60", False)
    assert write(b, "16", "maxintensitysocket") == "Accepted" and listed(b)["maxintensitysocket"] == ("16", False)


def test_mostly_read_only() -> None:
    def scenario(b: Bench) -> tuple[Any, ...]:
        b.boot()
        words = [write(b, value, key) for key, value in _WRITES]
        keys = listed(b)
        return words, keys["HeartbeatInterval"][1], keys["MeterValueSampleInterval"][1]

    yes, no, unknown = "Accepted", "Rejected", "NotSupported"
    name = "config-mostly-readonly"
    without = ([yes, yes, unknown, unknown], False, False)
    compare(name, scenario, without=without, with_=([no, yes, yes, unknown], True, False))


_WRITES = (("ConnectionTimeOut", "90"), ("MeterValueSampleInterval", "60"), ("freecharging", "true"), ("Nonsense", "1"))


def identity_keys(b: Bench) -> dict[str, Any]:
    """What the product's own keys say of its identity."""
    keys = listed(b.boot())
    return {key: keys[key][0] for key in ("ModemCcid", "SoftwareVersion", "Vendor", "SerialNumber") if key in keys}


def test_identity_keys() -> None:
    with_ = {"ModemCcid": "", "SoftwareVersion": "1.0", "Vendor": "Maker"}
    b = compare("config-modem-identity-keys", identity_keys, without={}, with_=with_)
    assert write(b, "x", "ModemCcid") == "Rejected" and write(b, "false", "AutoStartRemoteCharge") == "Accepted"


def test_other_serial() -> None:
    name = "config-serial-differs-from-boot"
    b = compare(name, identity_keys, without={}, with_={"SerialNumber": "132324"})
    assert b.sent("BootNotification")[0]["chargePointSerialNumber"] != "132324"
