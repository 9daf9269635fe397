"""The record of a transaction on flash: ids, names, numbers, and what is said when flash refuses."""

from __future__ import annotations

from simulator.blocks import transaction_record
from simulator.blocks.metering import SAMPLE_INTERVAL
from simulator.core.records import FlashTrouble
from tests.bench import bench, each_version


@each_version
def test_the_record_lies_on_flash_while_it_runs(version: str) -> None:
    lab = bench(version).charge()
    flash = lab.station.board.flash
    ((key, stored),) = flash.items(transaction_record.TX_AREA)
    assert lab.evse().tx is not None and key == lab.evse().tx.key == stored.key
    assert stored is not lab.evse().tx, "what lies on flash does not change with the facts"
    assert stored.id_token == "TAG" and stored.told_started and stored.authorized
    assert transaction_record.running(lab.station, key) is lab.evse()
    lab.present().unplug().run(5)
    assert flash.items(transaction_record.TX_AREA) == [] == flash.items("samples")
    assert transaction_record.running(lab.station, key) is None


def test_a_name_is_kept_until_the_last_message_is_answered() -> None:
    lab = bench().charge()
    key = lab.evse().tx.key  # type: ignore[union-attr]
    assert transaction_record.csms_id(lab.station, key) == "1"
    lab.fleet.cut(lab.station)
    lab.run(1).present().run(5)
    assert lab.evse().tx is None and transaction_record.csms_id(lab.station, key) == "1"
    lab.fleet.mend(lab.station)
    lab.run(60)
    assert transaction_record.csms_id(lab.station, key) is None


@each_version
def test_keys_do_not_repeat(version: str) -> None:
    lab = bench(version)
    keys = [transaction_record.new_key(lab.station) for _ in range(200)]
    assert len(set(keys)) == 200
    other = bench(version)
    other.station.boot_no += 1
    assert transaction_record.new_key(other.station) not in keys


@each_version
def test_a_flash_that_refuses_is_told_of_once(version: str) -> None:
    """A session goes on without a record; what is lost in a power cut is on record beforehand."""
    lab = bench(version, settings={SAMPLE_INTERVAL: 10}).charge()
    lab.watch.waived.add("thinned")
    lab.inject("flash.read_only").run(100)
    assert lab.evse().flowing
    trouble = [r for r in lab.fleet.recorded(FlashTrouble) if r.area == transaction_record.TX_AREA]
    assert len(trouble) == 1
    assert all(r.why == "read_only" for r in trouble)
