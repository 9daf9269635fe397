"""Quirks of how the values of configuration keys are spelt, on the wire, with and without."""

import pytest

from simulator.quirks import config_values
from tests.quirks.rig import ENERGY, Bench, build, compare
from tests.quirks.test_config import KEY, read, write

LOCAL, UNITS, FEATURES = "LocalPreAuthorize", "ChargingScheduleAllowedChargingRateUnit", "SupportedFeatureProfiles"


@pytest.mark.parametrize("style", ["1/0", "True/False", "TRUE/FALSE"])
def test_boolean_spelling(style: str) -> None:
    assert config_values.BooleanSpelling.name == "config-boolean-spelling"
    yes, no = style.split("/")

    def scenario(b: Bench) -> tuple[str, str, str]:
        b.boot()
        before = read(b, LOCAL)
        write(b, "true", LOCAL)
        return before, read(b, LOCAL), read(b, "HeartbeatInterval")

    more = {"params": {"style": style}}
    compare("config-boolean-spelling", scenario, without=("false", "true", "300"), with_=(no, yes, "300"), **more)


def test_a_boolean_is_written_as_it_is_read() -> None:
    b = Bench(build("config-boolean-spelling")).boot()
    assert [write(b, text, LOCAL) for text in ("1", "0", "true", "2")] == ["Accepted"] * 3 + ["Rejected"]
    assert read(b, LOCAL) == "1" and write(b, "1", "AuthorizeRemoteTxRequests") == "Accepted"
    plain = Bench(build()).boot()
    assert write(plain, "1", LOCAL) == "Rejected"


def test_quoted_list() -> None:
    def scenario(b: Bench) -> tuple[str, str]:
        b.boot()
        return read(b), read(b, FEATURES)[:5]

    more = {"settings": {KEY: (ENERGY, "Voltage")}}
    plain, quoted = (f"{ENERGY},Voltage", "Core,"), (f'"{ENERGY}, Voltage"', "Core,")
    compare("config-value-quoted-list", scenario, without=plain, with_=quoted, **more)


def test_features_with_spaces() -> None:
    def scenario(b: Bench) -> tuple[bool, int]:
        text = read(b.boot(), FEATURES)
        return ", " in text, len(text.split(","))

    compare("feature-list-with-spaces", scenario, without=(False, 6), with_=(True, 6))


def test_rate_unit() -> None:
    def scenario(b: Bench) -> str:
        return str(read(b.boot(), UNITS))

    compare("rate-unit-nonstandard-w", scenario, without="Current,Power", with_="Current,W")
