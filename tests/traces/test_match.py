"""What a log shows, and what is said about it."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from simulator.profile.load import load_profile, profile_paths
from simulator.quirks import QUIRKS
from simulator.traces import vendor
from simulator.traces.match import Match, StationMatch, command, match
from simulator.traces.read import read_trace
from simulator.traces.signs import SIGNS
from tests.traces.test_law import golden

GOLDEN = Path(__file__).parent.parent / "golden"


def matched(name: str) -> StationMatch:
    (found,) = match(read_trace(golden(GOLDEN / f"{name}.jsonl")), csms="ws://127.0.0.1:9000/ocpp")
    return found


def quirks(found: StationMatch) -> set[str]:
    return {item.quirk for item in found.matches}


def test_a_product_is_recognised_with_what_it_does() -> None:
    found = matched("abb-terra-ac-1.6")
    assert found.profiles[0].profile == "abb/terra-ac" and found.version == "1.6"
    assert {"status-no-timestamp", "status-info-literal-null", "boot-serial-duplicated"} <= quirks(found)
    item = next(item for item in found.matches if item.quirk == "status-no-timestamp")
    assert (item.confidence, item.known_of_vendor, item.count) == ("shows", True, len(item.places))
    assert item.places[0].why == "no timestamp" and item.survive == QUIRKS.get("status-no-timestamp").survive
    # the profile has it, so the command need not name it
    assert item.reproduce == "cpfarm run --profile abb/terra-ac --ocpp 1.6 --csms ws://127.0.0.1:9000/ocpp"
    assert found.matches == sorted(found.matches, key=lambda m: (m.confidence != "shows", not m.known_of_vendor))


PROFILES = [
    "alfen/eve-double", "delta/dc-150", "enplus/caro", "etrel/inch", "huawei/scharger-22kt", "starcharge/aurora",
    "wallbox/pulsar-max", "webasto/live",
]  # fmt: skip


@pytest.mark.parametrize("name", PROFILES)
def test_a_golden_transcript_shows_its_profile_and_nothing_that_it_has_not(name: str) -> None:
    found = matched(f"{name.replace('/', '-')}-1.6")
    assert name in [guess.profile for guess in found.profiles[:2]]
    own = {q if isinstance(q, str) else q.name for q in load_profile(name).profile.quirks}
    assert quirks(found) & own
    sure = {item.quirk for item in found.matches if item.confidence == "shows"}
    told_by_identity = {quirk for quirk in sure if quirk.startswith("boot-")}
    assert sure - own - told_by_identity == set()


def test_a_command_names_a_profile_that_speaks_the_version_and_only_what_is_missing() -> None:
    words = shlex.split(command("generic/ac-single", "2.0.1", ["status-no-timestamp", "txid-int64-max"], ""))
    assert words[:6] == ["cpfarm", "run", "--profile", "generic/ac-single", "--ocpp", "2.0.1"]
    assert words[6:] == ["--quirk", "status-no-timestamp", "--quirk", "txid-int64-max", "--csms", "URL"]
    # a model that says so already is not given a second tail
    assert "--quirk" not in command("abb/terra-ac", "1.6", ["boot-composite-model-string"], "")
    newer = (
        '[2,"1","BootNotification",{"chargingStation":{"vendorName":"ABB","model":"CDT_TACW22"},"reason":"PowerUp"}]'
    )
    (found,) = match(read_trace(newer))
    assert found.version == "2.0.1" and found.profiles and "generic/ac-single" in found.reproduce


def test_stations_of_one_log_are_told_apart() -> None:
    text = (
        'A: send [2,"1","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available"}]\n'
        'B: send [2,"1","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available",'
        '"timestamp":"2024-01-01T00:00:00Z"}]\n'
    )
    first, second = match(read_trace(text, format="mobilityhouse"))
    assert (first.station, quirks(first)) == ("A", {"status-no-timestamp", "boot-not-sent-on-connect"})
    assert (second.station, quirks(second)) == ("B", {"boot-not-sent-on-connect"})
    assert second.matches[0].confidence == "may show" and second.reproduce == "" and isinstance(first.matches[0], Match)


def test_a_log_of_which_nothing_can_be_read_may_show_that() -> None:
    (found,) = match(read_trace('CP -> CSMS [2,"1","MeterValues",{"connectorId":1,"transactionId":,"meterValue":[]}]'))
    assert quirks(found) == {"frame-invalid-json"} and found.profiles == []


def test_a_maker_is_known_by_its_name_however_it_is_spelt() -> None:
    text = '[2,"1","BootNotification",{"chargePointVendor":"alfen b.v.","chargePointModel":"x"}]'
    (found,) = match(read_trace(text))
    assert found.profiles[0].profile.startswith("alfen/") and "spelt" in found.profiles[0].because
    assert vendor.plain("Alfen B.V.") == "alfenbv"
    (nobody,) = match(read_trace('[2,"1","BootNotification",{"chargePointVendor":"Nobody","chargePointModel":"x"}]'))
    assert nobody.profiles == [] and nobody.matches == []


def test_a_direct_current_log_is_played_on_such_a_product() -> None:
    sample = '{"timestamp":"2024-01-01T00:00:00Z","sampledValue":[{"value":" 46.0","measurand":"SoC"}]}'
    (found,) = match(read_trace(f'[2,"1","MeterValues",{{"connectorId":1,"meterValue":[{sample}]}}]'))
    assert quirks(found) == {"meter-value-space-padded"}
    assert "--profile generic/dc-fast" in found.matches[0].reproduce


def test_every_profile_a_command_may_name_exists() -> None:
    assert {"generic/ac-single", "generic/dc-fast"} <= set(profile_paths())
    assert all(QUIRKS.get(name).survive for name in SIGNS)


def test_keys_that_are_no_texts_are_no_keys() -> None:
    keys = '{"configurationKey":[{"key":{"a":1},"readonly":true},{"key":["b"]},{"key":7,"readonly":false}]}'
    text = f'CSMS -> CP [2,"1","GetConfiguration",{{}}]\nCP -> CSMS [3,"1",{keys}]\n'
    assert all(found.quirk != "config-mostly-readonly" for one in match(read_trace(text)) for found in one.matches)
