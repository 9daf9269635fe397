"""Settings by key: names without case, what is not of this product, what it may write, and its own keys."""

from __future__ import annotations

from simulator.blocks.config_keys import all_keys, read_key, write_key
from simulator.blocks.product_identity import identify, serial_of
from simulator.blocks.product_settings import PHASE_ROTATION
from simulator.blocks.setting_values import exists, may_write, value_of, writable
from simulator.core.link_policy import PASSWORD
from simulator.core.model import HardwareSpec, MeterSpec
from simulator.core.power_path import UNLOCK_ON_EV_SIDE
from simulator.core.readings import ENERGY, POWER, SOC
from simulator.core.settings import SETTINGS
from tests.bench import AT_ONCE, bench

HEARTBEAT = SETTINGS.get("OCPPCommCtrlr.HeartbeatInterval")


def test_reading_and_writing() -> None:
    st = bench("1.6", vendor_keys={"Lamp": ("on", True), "Fixed": ("1", False)}).station
    assert read_key(st, "heartbeatINTERVAL") == ("HeartbeatInterval", "300", False)
    assert read_key(st, "AuthorizationKey") == ("AuthorizationKey", None, False)
    assert read_key(st, "Nonsense") is None and write_key(st, "Nonsense", "1") == "NotSupported"
    assert write_key(st, "heartbeatinterval", "x") == "Rejected"
    assert write_key(st, "heartbeatinterval", "60") == "Accepted" and st.settings[HEARTBEAT] == 60
    assert write_key(st, "NumberOfConnectors", "3") == "Rejected"
    assert write_key(st, "ConnectorPhaseRotation", "0.RST,1.RST,2.RST") == "Rejected", "there is one connector"
    assert write_key(st, "lamp", "off") == "Accepted" and read_key(st, "LAMP") == ("Lamp", "off", False)
    assert write_key(st, "Fixed", "2") == "Rejected" and read_key(st, "Fixed") == ("Fixed", "1", True)
    names = [name for name, _, _ in all_keys(st)]
    assert {"HeartbeatInterval", "Lamp", "Fixed"} <= set(names) and len(set(names)) == len(names)


def test_what_follows_from_the_product() -> None:
    st = bench("1.6", evses=2, absent=frozenset({HEARTBEAT}), read_only=frozenset({PASSWORD})).station
    assert not exists(st, HEARTBEAT) and read_key(st, "HeartbeatInterval") is None
    assert not writable(st, PASSWORD, PASSWORD.mutability)
    assert value_of(st, PHASE_ROTATION) == ("0.Unknown", "1.Unknown", "2.Unknown")
    cable = bench("1.6", evse={"tethered": True}).station
    assert value_of(cable, UNLOCK_ON_EV_SIDE) is False and not may_write(cable.model, UNLOCK_ON_EV_SIDE, "ReadWrite")


def test_identities() -> None:
    st = bench("1.6").station
    assert identify(st, "X{n:03d}-{id}") == "X000-CP1" and identify(st, "plain") == "plain"
    assert serial_of(st) == "CP1"
    st.serial = "s" * 30
    assert serial_of(st) == "s" * 25


def test_phases_of_connectors_that_are_there_once_each() -> None:
    """1.6 9.1.7: connector.rotation, 0 for the grid connection; anything else does not conform (5.3)."""
    st = bench("1.6", evses=2).station
    for text in ("3.RST", "1.RST,1.RTS", "\u0661.RST", "1.rst", "1", "-1.RST"):
        assert write_key(st, "ConnectorPhaseRotation", text) == "Rejected", text
    assert write_key(st, "ConnectorPhaseRotation", "0.RST, 2.STR") == "Accepted"
    assert read_key(st, "ConnectorPhaseRotation") == ("ConnectorPhaseRotation", "0.RST,2.STR", False)


def test_file_protocols_in_the_words_of_the_version() -> None:
    """1.6 errata 3.90: FTP, FTPS, HTTP, HTTPS."""
    row = read_key(bench("1.6").station, "SupportedFileTransferProtocols")
    assert row is not None and row[1] == "HTTP,HTTPS,FTP,FTPS"


def test_a_measurand_the_product_cannot_measure() -> None:
    """1.6 3.16.4: refused, and nothing is changed."""
    meter = MeterSpec(measurands=(ENERGY, POWER, SOC))
    st = bench("1.6", hardware=HardwareSpec(meter=meter, modem=AT_ONCE)).station
    for text in ("Voltage", f"{ENERGY},Voltage", SOC):
        assert write_key(st, "MeterValuesSampledData", text) == "Rejected", text
    assert read_key(st, "MeterValuesSampledData") == ("MeterValuesSampledData", ENERGY, False)
    assert write_key(st, "MeterValuesSampledData", f"{ENERGY},{POWER}") == "Accepted"
    dc = bench("1.6", evse={"phases": 0, "connector_type": "cCCS2"}).station
    assert write_key(dc, "StopTxnSampledData", SOC) == "Accepted"
