"""Records: what a run is made of afterwards. Closed, plain, bounded, and without secrets."""

from __future__ import annotations

import msgspec
import pytest

from simulator.core import inputs as i
from simulator.core import records as r
from simulator.core.link_policy import PASSWORD
from tests.core.build import VERSIONS, rig

each_version = pytest.mark.parametrize("version", VERSIONS)


def test_the_set_is_closed() -> None:
    declared = {
        v for v in vars(r).values() if isinstance(v, type) and issubclass(v, r.RecordItem) and v is not r.RecordItem
    }
    assert declared == set(r.AnyRecord.__args__)


@each_version
def test_a_session_leaves_its_records_and_all_can_be_written_down(version: str) -> None:
    lab = rig(version).boot()
    lab.charge(seconds=100)
    lab.leave()
    lab.run(5)
    for _, _, what in lab.fleet.records:
        row = msgspec.json.decode(msgspec.json.encode(what))
        assert row.pop("type") == type(what).__name__
    (opened,), (closed,) = lab.records(r.TransactionOpened), lab.records(r.TransactionClosed)
    assert opened.key == closed.key and opened.evse_id == closed.evse_id == 1
    assert closed.reported_energy_wh == closed.register_wh - opened.register_wh > 0
    assert closed.physical_energy_wh == pytest.approx(closed.physical_wh - opened.physical_wh)
    told = [(t.key, t.moment, t.register_wh) for t in lab.records(r.TransactionTold)]
    assert told == [(opened.key, "begin", opened.register_wh), (opened.key, "end", closed.register_wh)]
    assert [p.phase for p in lab.records(r.PhaseChanged)] == [
        "connecting", "pending", "available", "charging", "available",
    ]  # fmt: skip
    (booted,) = lab.records(r.Booted)
    assert booted.reason == "PowerUp" and booted.took_us > 0


@each_version
def test_took_and_late_are_measured_in_the_station_s_time(version: str) -> None:
    lab = rig(version).boot(10)
    rtt_us = lab.records(r.Booted)[0].took_us
    for done in lab.records(r.CallFinished):
        assert done.outcome == "ok" and done.took_us == rtt_us
    late = [done.late_us for done in lab.records(r.CallFinished)]
    assert all(value % rtt_us == 0 for value in late), "one waits for another, a round trip each"


@each_version
def test_a_password_the_csms_sets_is_in_no_record(version: str) -> None:
    secret = b"0123456789abc-hush".hex() if version == "1.6" else "0123456789abcdef-hush"
    lab = rig(version).boot()
    if version == "1.6":
        lab.fleet.ask(lab.station, "ChangeConfiguration", {"key": "AuthorizationKey", "value": secret})
        lab.fleet.ask(lab.station, "ChangeConfiguration", {"key": "AuthorizationKey", "value": secret * 40})
        lab.fleet.ask(lab.station, "GetConfiguration", {})
    else:
        for value in (secret, secret * 40):
            row = {
                "component": {"name": "SecurityCtrlr"},
                "variable": {"name": "BasicAuthPassword"},
                "attributeValue": value,
            }
            lab.fleet.ask(lab.station, "SetVariables", {"setVariableData": [row]})
        lab.fleet.ask(lab.station, "GetBaseReport", {"requestId": 1, "reportBase": "FullInventory"})
    lab.run(10)
    assert lab.station.settings[PASSWORD] == secret, "it was not set at all: the test shows nothing"
    assert not any(secret.encode() in data for _, way, data in lab.frames if way == "out")
    lab.answer_raw('[2,"x","DataTransfer",{"vendorId":"' + secret * 40 + '"}]')
    lab.answer_raw('[2,"x","' + secret + '",{}]')
    assert secret not in str([what for _, _, what in lab.fleet.records])


@each_version
def test_a_fault_has_a_true_begin_and_a_true_end(version: str) -> None:
    lab = rig(version).boot()
    lab.feed(i.Inject("a", "meter.noise", 1, {"permille": 5.0}))
    lab.run(10)
    lab.feed(i.Clear("a"), i.Clear("a"))
    began, ended = lab.records(r.FaultBegan), lab.records(r.FaultEnded)
    assert [(f.fault_id, f.fault, f.evse_id, f.params) for f in began] == [
        ("a", "meter.noise", 1, {"permille": 5.0, "jitter_wh": 0.0})
    ]
    assert [(f.fault_id, f.fault) for f in ended] == [("a", "meter.noise")]
    assert any("no active fault 'a'" in remark.text for remark in lab.records(r.Remark))
