"""Nothing that identifies anybody survives, and everything that shows a quirk does."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from simulator.errors import UnknownName
from simulator.traces import placeholders
from simulator.traces.match import StationMatch, match
from simulator.traces.placeholders import Placeholders, core
from simulator.traces.read import read_trace
from simulator.traces.scrub import scrub
from simulator.traces.secrets import KINDS, by_form, kind_of
from tests.quirks.rig import Bench, build
from tests.traces.test_law import golden

SNIPPETS = Path(__file__).parent / "snippets"
GOLDEN = Path(__file__).parent.parent / "golden"

PEM = "MIIBszCCAVmgAwIBAgIUQ2VydGlmaWNhdGVPZlNvbWVib2R5"
#: everything in the log below that is nobody else's business
SECRETS = [
    "INV-GARAGE-17", "SN77341-X", "M-0099123", "8949020000123456789", "262011234567890", "04:A1:B2:C3:D4:E5:80",
    "04A1B2C3D4E580", "04a1b2c3d4e580", "DE-FAM-C123456", "jane.doe@home.example.org", "DoeFamily", "correcthorse",
    "AA:BB:CC:00:11:22", "471199", "53757065725365637265744b6579", "hunter22x", "user7", "csms.acme-charge.com",
    "acme-charge", "203.0.112.77", "10.20.30.40", "fe80::1c2d:3eff", "SU5WOmh1bnRlcjI", "AbCdEf123456",
    "WVWZZZ1KZAW000123", "DEACMC00012345", "topsecretpw", "52.520008", PEM, "9F8E7D6C5B", "REMOTE-TAG-9",
    "+491701234567",
]  # fmt: skip
HEAD = "[INFO ] 2024-03-01 10:00:0{n},120 de.rwth.idsg.steve.ocpp.ws.WebSocketLogger - [chargeBoxId=INV-GARAGE-17] "
FRAMES = [
    'Received: [2,"0000017","BootNotification",{"chargePointVendor":"Invented","chargePointModel":"Two",'
    '"chargePointSerialNumber":"SN77341-X","chargeBoxSerialNumber":"INV-GARAGE-17","iccid":"8949020000123456789",'
    '"imsi":"262011234567890","meterSerialNumber":"M-0099123","firmwareVersion":"3.2.0.12"}]',
    'Sending: [3,"0000017",{"status":"Accepted","currentTime":"2024-03-01T09:00:00.130Z","interval":14400}]',
    'Received: [2,"0000018","Authorize",{"idTag":"04:A1:B2:C3:D4:E5:80"}]',
    'Sending: [3,"0000018",{"idTagInfo":{"status":"Accepted","parentIdTag":"DE-FAM-C123456"}}]',
    'Received: [2,"0000019","DataTransfer",{"vendorId":"x","data":"{\\"uid\\":\\"04a1b2c3d4e580\\",'
    '\\"mail\\":\\"jane.doe@home.example.org\\",\\"wifi\\":{\\"ssid\\":\\"DoeFamily\\",\\"psk\\":\\"correcthorse\\"},'
    '\\"mac\\":\\"AA:BB:CC:00:11:22\\",\\"pin\\":\\"471199\\",\\"vin\\":\\"WVWZZZ1KZAW000123\\",\\"latitude\\":52.520008}"}]',
    'Sending: [2,"c1","ChangeConfiguration",{"key":"AuthorizationKey","value":"53757065725365637265744b6579"}]',
    'Received: [3,"c1",{"status":"Accepted"}]',
    'Sending: [2,"c2","GetDiagnostics",{"location":"ftp://user7:hunter22x@csms.acme-charge.com/logs"}]',
    'Received: [3,"c2",{}]',
    'Sending: [2,"c3","RemoteStartTransaction",{"connectorId":1,"idTag":"REMOTE-TAG-9"}]',
    'Sending: [2,"c4","CertificateSigned",{"certificateChain":"-----BEGIN CERTIFICATE-----\\n' + PEM + '\\n-----END'
    ' CERTIFICATE-----"}]',
    'Received: [2,"0000020","StartTransaction",{"connectorId":1,"idTag":"04A1B2C3D4E580","meterSt',
    'Received: [2,"0000021","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available",'
    '"info":"null"}]',
]  # fmt: skip
LOG = "\n".join(
    [
        "connected from 203.0.112.77 wss://user7:hunter22x@csms.acme-charge.com:8443/ocpp/INV-GARAGE-17?token=AbCdEf123456",
        "Authorization: Basic SU5WOmh1bnRlcjI= via 10.20.30.40 and fe80::1c2d:3eff, phone=+491701234567",
        *(HEAD.replace("{n}", str(n % 10)) + frame for n, frame in enumerate(FRAMES)),
        "tag: 9F8E7D6C5B refused, emaid=DEACMC00012345; password = topsecretpw",
    ]
)


def test_no_secret_of_a_list_survives() -> None:
    assert all(secret in LOG for secret in SECRETS)
    done = scrub(LOG, read_trace(LOG), key="a key")
    left = [secret for secret in SECRETS if secret.lower() in done.text.lower()]
    assert left == []
    assert set(done.replaced) <= set(KINDS) and sum(done.replaced.values()) > 20


def test_what_is_no_secret_stays_as_it_was() -> None:
    done = scrub(LOG, read_trace(LOG), key="a key").text
    assert len(done.splitlines()) == len(LOG.splitlines())
    for word in (
        "3.2.0.12", "Invented", "0000017", "de.rwth.idsg.steve.ocpp.ws.WebSocketLogger", "2024-03-01T09:00:00.130Z",
        '"status":"Accepted"', "AuthorizationKey", "BEGIN CERTIFICATE", '"info":"null"', "14400", ":8443/ocpp/",
        "Authorization: Basic ",
    ):  # fmt: skip
        assert word in done, word


def test_the_same_value_has_the_same_stand_in_everywhere_and_keeps_its_form() -> None:
    trace = read_trace(scrub(LOG, read_trace(LOG), key="a key").text)
    boot = trace.frames[0]
    assert {frame.station for frame in trace.frames} == {boot.payload["chargeBoxSerialNumber"]}
    tag = trace.frames[2].payload["idTag"]
    assert tag != "04:A1:B2:C3:D4:E5:80" and len(tag.split(":")) == 7 and tag.replace(":", "").isalnum()
    assert core(tag) in trace.frames[4].payload["data"]
    assert core(tag).upper() in trace.unreadable[0].raw


def test_with_another_key_the_stand_ins_are_others() -> None:
    one, two, again = (scrub(LOG, read_trace(LOG), key=key).text for key in ("a", "b", "a"))
    assert one == again and one != two


def test_kinds_and_values_can_be_kept() -> None:
    trace = read_trace(LOG)
    kept = scrub(LOG, trace, key="k", keep=["stations", "DE-FAM-C123456"]).text
    assert "INV-GARAGE-17" in kept and "DE-FAM-C123456" in kept and "SN77341-X" not in kept
    with pytest.raises(UnknownName, match="did you mean 'serials'"):
        scrub(LOG, trace, key="k", keep=["serial"])


@pytest.mark.parametrize(
    "quirk",
    [
        "idtag-colon-separated", "idtag-corrupted", "idtag-equals-serial", "frame-invalid-json",
        "boot-serial-duplicated",
        "txid-int64-max", "time-local-offset", "config-dummy-idtags", "stop-reason-local-for-normal-end",
        "local-list-first-1000-cached", "config-serial-differs-from-boot",
    ],
)  # fmt: skip
def test_a_quirk_is_seen_before_and_after(quirk: str) -> None:
    keys = {"PlugAndChargeIdentifier": ("", True)}
    bench = Bench(build(quirk, vendor_keys=keys))
    bench.boot().ask("GetConfiguration")
    bench.session(200, token="DEADBEEF01")
    same_matches(bench.log.text)


def seen(station: StationMatch) -> list[tuple[str, str, list[int]]]:
    return [(item.quirk, item.confidence, [place.line for place in item.places]) for item in station.matches]


def same_matches(text: str) -> None:
    trace = read_trace(text)
    after = read_trace(scrub(text, trace, key="k").text)
    before, now = match(trace), match(after)
    assert [seen(station) for station in now] == [seen(station) for station in before]
    assert [station.profiles for station in now] == [station.profiles for station in before]
    assert [(u.line, u.reason) for u in after.unreadable] == [(u.line, u.reason) for u in trace.unreadable]


@pytest.mark.parametrize("name", ["abb-terra-ac-1.6", "wallbox-pulsar-max-1.6", "foxess-a-series-2.0.1"])
def test_a_golden_transcript_is_matched_alike(name: str) -> None:
    same_matches(golden(GOLDEN / f"{name}.jsonl"))


@pytest.mark.parametrize("path", sorted(SNIPPETS.iterdir()), ids=lambda path: path.name)
def test_a_snippet_keeps_its_format(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    trace = read_trace(text)
    after = read_trace(scrub(text, trace, key="k").text)
    assert (after.format, len(after.frames), after.other) == (trace.format, len(trace.frames), trace.other)
    assert "04A1B2C3" not in scrub(text, trace, key="k").text
    assert all(not station or station not in after.stations for station in trace.stations)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("idTag", "tags"), ("parentIdTag", "tags"), ("chargePointSerialNumber", "serials"), ("SerialNumber", "serials"),
        ("ModemCcid", "sim"), ("BasicAuthPassword", "passwords"), ("evb_APNUser", "addresses"),
        ("hostName", "addresses"),
        ("WebSocketPingInterval", None), ("LocalAuthListMaxLength", None), ("firmwareVersion", None), ("info", None),
        ("AuthorizationKey", "passwords"), ("AuthorizationCacheEnabled", "passwords"),
    ],
)  # fmt: skip
def test_a_name_says_what_is_behind_it(name: str, kind: str | None) -> None:
    assert kind_of(name) == kind


def test_versions_and_times_are_no_addresses() -> None:
    text = (
        '{"firmwareVersion":"1.2.3.4"} 10:00:00 2024-03-01T10:00:00Z 20:69:C0:21 127.0.0.1 localhost ws://localhost/x'
    )
    assert list(by_form(text)) == []


@pytest.mark.parametrize("seed", range(5))
def test_stand_ins_have_the_shape_of_their_value(seed: int) -> None:
    draw = random.Random(seed)
    made = Placeholders("k")
    seen: dict[str, str] = {}
    for _ in range(300):
        value = "".join(draw.choice("0123456789abcdefXYZ:-_. ") for _ in range(draw.randrange(1, 40)))
        other = made.of(value)
        assert len(other) == len(value)
        for one, two in zip(value, other, strict=True):
            assert (one.isdigit(), one.isupper(), one.islower()) == (two.isdigit(), two.isupper(), two.islower())
        assert made.of(value) == other and core(made.of(value.upper())) == core(other)
        if len(core(value)) >= 8:
            assert seen.setdefault(core(other), core(value)) == core(value)


def test_a_number_does_not_begin_with_a_zero_and_runs_of_zeros_stay() -> None:
    made = Placeholders("k")
    assert all(not made.of(str(number)).startswith("0") for number in range(1000, 1400))
    assert made.of("dead000000")[4:] == "000000"
    assert placeholders.LETTERS[:6] == placeholders.HEX_LETTERS
    assert all(letter in "0123456789abcdef" for letter in made.of("deadbeef"))
    assert made.host("a.b.org").endswith(".example") and made.mail("x@b.org").endswith(".example")
