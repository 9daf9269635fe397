"""Profile to model: settings by either name, quirks on their seams, one object for equal stations."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.core.settings import KEYS, SETTINGS
from simulator.errors import ProfileError
from simulator.profile.checks import setting_value
from simulator.profile.compiled import compile_profile
from simulator.profile.load import load_profile

from .conftest import Write

PROFILE = """\
identity: {vendor: Acme, model: Wall, serial: null, iccid: ''}
versions: ['2.0.1', '1.6']
evses:
  - {}
  - {connector_type: cCCS2, phases: 0, max_power_w: 50000, cable: tethered, bay_sensor: true}
hardware:
  cable: socket
  flash: {capacity: 64KiB}
  rtc: {battery: false, unset_year: 2000}
  modem: {kind: lte, rtt_ms: [80, 240]}
  supply: {holdup_s: 3}
  boot: {soft_s: 1}
  power_loss: resume
settings:
  HeartbeatInterval: 90
  TxCtrlr.EVConnectionTimeOut: 45
  MeterValuesSampledData: Energy.Active.Import.Register, SoC
  AlignedDataCtrlr.Measurands: [Voltage]
read_only: HeartbeatInterval
absent: [ResetRetries]
vendor_keys: {Colour: {value: blue, writable: true}, Mood: fine}
not_offered: UnlockConnector
quirks: [{name: slow-boot, delay_s: 7.5}]
free_vend: true
shows: [cost]
local_controller: true
resets_evse: true
initial_register_wh: 0
"""


@pytest.fixture
def path(write: Write, quirks: object) -> Path:
    return write("acme/wall", PROFILE)


def test_a_meter_signs_if_the_profile_says_so(write: Write, quirks: object) -> None:
    signing = "  meter: {signing: {method: ECDSA-secp384r1-SHA256, answer_s: 2.5}}\n"
    text = PROFILE.replace("hardware:\n", "hardware:\n" + signing)
    meter = compile_profile(str(write("acme/signs", text)), "2.0.1").hardware.meter
    assert meter.signer is not None
    assert (meter.signer.method, meter.sign_s) == ("ECDSA-secp384r1-SHA256", 2.5)
    wrong = write("acme/wrong", text.replace("secp384r1", "secp384r2"))
    with pytest.raises(ProfileError, match="ECDSA-secp384r1-SHA256"):
        load_profile(str(wrong))


def test_everything_arrives_in_the_model(path: Path) -> None:
    model = compile_profile(str(path), "ocpp2.0.1")
    assert (model.name, model.dialect.name) == ("acme/wall", "2.0.1")
    assert (model.identity.vendor, model.identity.serial, model.identity.iccid) == ("Acme", None, "")
    assert [(e.evse_id, e.is_dc, e.tethered, e.bay_sensor, e.max_power_w) for e in model.evses] == [
        (1, False, False, False, 22_000), (2, True, True, True, 50_000),
    ]  # fmt: skip
    assert model.shows == {"cost"} and model.local_controller and model.resets_evse
    parts = model.hardware
    assert parts.meter.signer is None
    assert (parts.flash.capacity_bytes, parts.rtc.battery, parts.modem.rtt_ms) == (65_536, False, (80, 240))
    assert parts.rtc.unset_wall_us == 946_684_800_000_000  # the first of January 2000
    assert (parts.holdup_s, parts.boot_soft_s, parts.boot_hard_s, parts.power_loss) == (3, 1, 15, "resume")
    assert model.defaults[KEYS.get("HeartbeatInterval").index] == 90
    assert model.defaults[KEYS.get("ConnectionTimeOut").index] == 45
    assert model.defaults[KEYS.get("MeterValuesSampledData").index] == ("Energy.Active.Import.Register", "SoC")
    assert model.defaults[SETTINGS.get("AlignedDataCtrlr.Measurands").index] == ("Voltage",)
    assert model.read_only == {KEYS.get("HeartbeatInterval")}
    assert model.absent == {KEYS.get("ResetRetries")}
    assert model.vendor_keys == {"Colour": ("blue", True), "Mood": ("fine", False)}
    assert model.not_offered == {"UnlockConnector"}
    assert (model.free_vend, model.initial_register_wh, model.lenient) == (True, 0, False)
    [quirk] = model.quirks
    assert (quirk.name, quirk.delay_s) == ("slow-boot", 7.5)
    assert model.seams.boot == (quirk,) and model.seams.send == ()


def test_equal_calls_share_one_model(path: Path) -> None:
    model = compile_profile(str(path), "2.0.1")
    assert compile_profile(load_profile(str(path)), "OCPP-2.0.1") is model
    assert compile_profile(str(path), "1.6") is not model
    assert compile_profile(str(path), "2.0.1", free_vend=False) is not model
    other = compile_profile(str(path), "2.0.1", ["fast-heart"], settings={"ConnectionTimeOut": 1})
    assert other is not model
    assert compile_profile(str(path), "2.0.1", [("fast-heart", {})], settings={"ConnectionTimeOut": 1}) is other


def test_order_of_precedence_of_a_setting(path: Path) -> None:
    index = KEYS.get("HeartbeatInterval").index
    assert compile_profile(str(path), "1.6").defaults[index] == 90
    assert compile_profile(str(path), "1.6", ["fast-heart"]).defaults[index] == 7
    given = compile_profile(str(path), "1.6", ["fast-heart"], settings={"OCPPCommCtrlr.HeartbeatInterval": 3})
    assert given.defaults[index] == 3


def test_extra_quirks_come_last(path: Path) -> None:
    model = compile_profile(str(path), "1.6", [("fast-heart", {})])
    assert [quirk.name for quirk in model.quirks] == ["slow-boot", "fast-heart"]


def test_refused(path: Path) -> None:
    with pytest.raises(ProfileError) as caught:
        compile_profile(str(path), "2.1")
    assert str(caught.value) == f"{path}: acme/wall does not speak 2.1, only 2.0.1, 1.6"
    with pytest.raises(ProfileError, match="acme/wall: unknown quirk 'fast-hart'; did you mean 'fast-heart'"):
        compile_profile(str(path), "1.6", ["fast-hart"])
    with pytest.raises(ProfileError, match=r"acme/wall: settings\.HeartbeatInterval: 'x' is not a number"):
        compile_profile(str(path), "1.6", settings={"HeartbeatInterval": "x"})


@pytest.mark.parametrize(
    ("name", "value", "stored"),
    [
        ("HeartbeatInterval", 5, 5),
        ("MeterValuesSampledData", ["SoC"], ("SoC",)),
        ("MeterValuesSampledData", "", ()),
        ("TxCtrlr.TxStartPoint", "EVConnected,Authorized", ("EVConnected", "Authorized")),
        ("LocalPreAuthorize", True, True),
        ("CpoName", "me", "me"),
    ],
)
def test_setting_values(name: str, value: object, stored: object) -> None:
    assert setting_value(name, value) == stored


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("HeartbeatInterval", -1, "-1 is below"),
        ("HeartbeatInterval", True, "True is not a number"),
        ("HeartbeatInterval", 2.0, "2.0 is not a whole number"),
        ("CpoName", 5, "put quotes around it"),
        ("LocalPreAuthorize", "true", "'true' is not true or false"),
        ("TxCtrlr.TxStartPoint", ["Sometimes"], "'Sometimes' is not one of"),
        ("TxCtrlr.TxStartPoint", [5], "must be a list of texts"),
    ],
)
def test_setting_values_refused(name: str, value: object, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        setting_value(name, value)
