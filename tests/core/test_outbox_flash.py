"""The durable lane on a memory that is full, read-only, torn, or gone with the power."""

from __future__ import annotations

import pytest

from simulator.core import inputs as i
from simulator.core import records as r
from simulator.core.model import FlashSpec
from simulator.core.outbox import QUEUE_AREA
from tests.core.build import VERSIONS, Rig, numbers, offline, rig

each_version = pytest.mark.parametrize("version", VERSIONS)


def fill(version: str, seconds: float, capacity: int) -> Rig:
    lab = offline(
        version,
        flash=FlashSpec(capacity),
        settings={"MeterValueSampleInterval": 10, "AuthorizationCacheEnabled": False},
    )
    lab.charge(seconds=seconds)
    return lab


@each_version
def test_a_full_flash_thins_meter_updates_and_keeps_starts_and_ends(version: str) -> None:
    """1.6 4.7, E04.FR.07-08: every second one, from the first on; never by forgetting a whole side."""
    lab = fill(version, 600, 6_000)
    lab.leave()
    lab.charge("B", 300)
    lab.leave("B")
    dropped = [f for f in lab.fates() if f[1] == "dropped_by_station"]
    assert dropped and {f[0] for f in dropped} == {"SampleTaken"} and {f[2] for f in dropped} == {"flash full"}
    lab.back(120)
    assert len(lab.starts()) == len(lab.stops()) == 2
    assert not lab.records(r.FlashTrouble)
    if version != "1.6":  # the gaps in the sequence are the dropped messages and nothing else
        rows = numbers(lab)
        for key in {row[0] for row in rows}:
            seen = [n for k, _, n in rows if k == key]
            gone = [f for f in lab.records(r.MessageFate) if f.key == key and f.fate == "dropped_by_station"]
            assert seen == sorted(set(seen)) and seen[0] == 0
            assert seen[-1] + 1 - len(seen) == len(gone)


def test_thinning_drops_the_first_third_and_fifth() -> None:
    lab = fill("1.6", 5, 100_000)
    lab.run(60)
    before = [e.order for e in lab.station.outbox.durable if e.report.drop_rank == 2]
    assert len(before) >= 5
    assert lab.station.outbox._thin(lab.station)
    after = [e.order for e in lab.station.outbox.durable if e.report.drop_rank == 2]
    assert after == before[1::2]
    assert [e.order for e in lab.station.outbox.durable] == [k for k, _ in lab.station.board.flash.items(QUEUE_AREA)]


@each_version
@pytest.mark.parametrize("fault", ["flash.read_only", "flash.full"])
def test_what_flash_refuses_is_on_record_and_still_told(version: str, fault: str) -> None:
    lab = offline(version)
    lab.feed(i.Inject("f", fault))
    lab.charge(seconds=100)
    lab.leave()
    trouble = lab.records(r.FlashTrouble)
    assert {t.area for t in trouble} >= {QUEUE_AREA}
    assert {t.why for t in trouble} == {fault.removeprefix("flash.")}
    lab.back(60)
    assert len(lab.starts()) == len(lab.stops()) == 1
    assert len({f.key for f in lab.records(r.MessageFate) if f.key}) == 1


@each_version
def test_what_cannot_be_deleted_from_flash_is_on_record(version: str) -> None:
    """A message answered but still on flash comes again after a restart; that must not be a surprise."""
    lab = offline(version)
    lab.charge(seconds=20)
    lab.feed(i.Inject("f", "flash.read_only"))
    lab.back(30)
    kept = [t for t in lab.records(r.FlashTrouble) if "will come again" in t.lost]
    assert kept and {(t.area, t.why) for t in kept} == {(QUEUE_AREA, "read_only")}
    lab.feed(i.Clear("f"), i.PowerOff())
    lab.run(1)
    lab.feed(i.PowerOn())
    lab.run(60)
    assert len(lab.starts()) == 2, "the start came again, as the record said"


@each_version
def test_a_refused_write_nobody_looks_at_is_on_record_all_the_same(version: str) -> None:
    """The record of a transaction that ends on a read-only memory stays there; after a restart it ends again."""
    lab = rig(version, settings={"AuthorizationCacheEnabled": False}).boot()
    lab.charge(seconds=20)
    lab.feed(i.Inject("f", "flash.read_only"))
    lab.fleet.ask(lab.station, "Reset", {"type": "Hard" if version == "1.6" else "Immediate"})
    assert {t.why for t in lab.records(r.FlashTrouble)} == {"read_only"}


@each_version
def test_what_flash_could_not_take_dies_with_the_power_and_its_fate_is_told(version: str) -> None:
    lab = offline(version)
    lab.feed(i.Inject("f", "flash.read_only"))
    lab.charge(seconds=20)
    waiting = lab.station.outbox.undelivered()
    assert ("TransactionStarted", waiting[0][1]) in waiting
    lab.feed(i.PowerOff())
    gone = [(f.action, f.key) for f in lab.records(r.MessageFate) if f.fate == "dropped_by_station"]
    assert gone == waiting


@each_version
def test_a_write_torn_by_the_power_cut_is_on_record(version: str) -> None:
    lab = offline(version)
    lab.charge(seconds=20)
    lab.feed(i.Inject("f", "flash.torn_write"))
    lab.leave()
    lab.feed(i.PowerOff())
    torn = [t for t in lab.records(r.FlashTrouble) if t.why == "torn"]
    assert len(torn) == 1 and torn[0].lost


@each_version
def test_the_queue_survives_a_power_cut_and_is_numbered_on(version: str) -> None:
    lab = offline(version)
    lab.charge(seconds=20)
    lab.leave()
    before = lab.station.outbox.undelivered()
    lab.feed(i.PowerOff())
    lab.run(5)
    lab.feed(i.PowerOn())
    lab.run(30)
    boot = [] if version == "1.6" else [("SecurityEvent", "")]
    assert lab.station.outbox.undelivered() == before + boot
    lab.charge("B", 20)
    lab.leave("B")
    assert [k for k, _ in lab.station.board.flash.items(QUEUE_AREA)] == sorted(
        k for k, _ in lab.station.board.flash.items(QUEUE_AREA)
    )
    lab.back(120)
    assert len(lab.starts()) == len(lab.stops()) == 2
