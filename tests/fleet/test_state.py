"""What a folder given with --state holds: every flash there can be, as it was, and for its owner only."""

import sqlite3
import stat
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.blocks.network_profiles import NetworkProfile
from simulator.blocks.token_cache import CacheEntry
from simulator.blocks.transaction_record import Transaction
from simulator.core.model import Model
from simulator.core.reports import AnyReport, MeterReading, Stamp
from simulator.core.station import Station
from simulator.errors import AuthorError
from simulator.fleet.state import StateDir, restore
from simulator.profile.compiled import compile_profile
from simulator.profile.load import load_profile

MODEL: Model = compile_profile(load_profile("generic/ac-dual"), "2.0.1")

TEXTS = st.text(max_size=20)
PLAIN = st.one_of(
    st.booleans(), st.integers(-(2**62), 2**62), st.floats(allow_nan=False), TEXTS, st.tuples(TEXTS, TEXTS)
)
# A stamp comes back as one of a boot that is long over.
STAMPS = st.builds(
    Stamp, mono_us=st.integers(0, 2**60), wall_us=st.integers(0, 2**60), synced=st.booleans(), boot=st.just(0)
)
#: what the outbox keeps on flash
DURABLE = [kind for kind in get_args(AnyReport) if kind.durable]
st.register_type_strategy(Stamp, STAMPS)
st.register_type_strategy(
    Transaction,
    st.builds(Transaction, key=TEXTS, told_end_us=st.just(-1), begin=st.one_of(st.none(), st.from_type(MeterReading))),
)


def fits(value: Any) -> bool:
    """Whether its integers have 64 bits; a request id of more is no business of OCPP's."""
    try:
        msgspec.msgpack.encode(value)
    except OverflowError:
        return False
    return True


def area(kind: st.SearchStrategy[Any], keys: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[Any, tuple[Any, int]]]:
    return st.dictionaries(keys, st.tuples(kind.filter(fits), st.integers(0, 200)), max_size=3)


FLASH = st.fixed_dictionaries(
    {},
    optional={
        "settings": area(PLAIN, TEXTS),
        "facts": area(PLAIN, TEXTS),
        "queue": area(st.one_of([st.from_type(kind) for kind in DURABLE]), st.integers(0, 2**40)),
        "cache": area(st.from_type(CacheEntry), TEXTS),
        "tx": area(st.from_type(Transaction), TEXTS),
        "samples": area(st.lists(st.from_type(MeterReading), max_size=3).map(tuple), TEXTS),
        "network": area(st.one_of(st.from_type(NetworkProfile), st.integers(0, 9)), st.integers(1, 9)),
    },
)


def station(name: str = "S", **more: Any) -> Station:
    return Station(name, MODEL, seed=1, **more)


@settings(max_examples=40)
@given(flash=FLASH, registers=st.tuples(st.floats(0, 1e9), st.floats(0, 1e9)))
def test_every_flash_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory,
    flash: dict[str, dict[Any, tuple[Any, int]]],
    registers: tuple[float, float],
) -> None:
    flash = {name: rows for name, rows in flash.items() if rows}
    before = station(register_wh=registers)
    for name, rows in flash.items():
        for key, (value, size) in rows.items():
            assert before.board.flash.write(name, key, value, size)
    before.rng.next("message_id")
    before.board.meters[1].page = 3
    folder = tmp_path_factory.mktemp("state")
    kept = StateDir(folder)
    kept.save([before], now=0)
    kept.close()
    kept = StateDir(folder)
    stored = kept.load("S")
    kept.close()
    assert stored is not None and kept.path.exists()
    after = station(register_wh=stored["registers_wh"])
    restore(after, stored)
    # Told apart by text: 1 and 1.0, a list and a tuple differ there, and what is not a number is like itself.
    assert repr(after.board.flash.areas) == repr(before.board.flash.areas) == repr(flash)
    assert after.board.flash.used_bytes == before.board.flash.used_bytes
    assert [meter.physical_wh(0) for meter in after.board.meters] == pytest.approx(registers)
    assert after.rng.counters == before.rng.counters
    assert [meter.page for meter in after.board.meters] == [0, 3]


def test_what_was_of_a_moment_of_the_last_run_is_of_the_past(tmp_path: Path) -> None:
    """A stamp of boot 1 must not be taken for one of the next run's boot 1, whose clock it has not seen."""
    one = station()
    reading = MeterReading(Stamp(5, 7, False, 3), "Sample.Periodic", ())
    one.board.flash.write(
        "tx", "k", Transaction("k", 1, Stamp(1, 2, False, 1), 0.0, 0.0, begin=reading, told_end_us=9), 9
    )
    kept = StateDir(tmp_path)
    kept.save([one], 0)
    found = (kept.load("S") or {})["flash"]["tx"]["k"][0]
    assert found.started == Stamp(1, 2, False, 0) and found.begin.at == Stamp(5, 7, False, 0)
    assert found.told_end_us == -1 and found.key == "k"


def test_stations_are_kept_apart_and_forgotten_one_by_one(tmp_path: Path) -> None:
    kept = StateDir(tmp_path / "new" / "folder")
    kept.save([station("B", register_wh=5.0), station("A", register_wh=6.0)], 0)
    kept.save([station("B", register_wh=9.0)], 0)
    assert kept.ids() == ["A", "B"] and kept.load("C") is None
    assert (kept.load("B") or {})["registers_wh"] == [9.0, 9.0]
    assert kept.reset("B") == 1 and kept.ids() == ["A"]
    assert kept.reset() == 1 and kept.ids() == []
    kept.close()


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    file = tmp_path / "old" / "state.sqlite"
    StateDir(file.parent).close()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    file.chmod(0o644)
    StateDir(file.parent).close()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_is_no_state_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state.sqlite").write_bytes(b"something else altogether, long enough to be no database" * 50)
    with pytest.raises(AuthorError, match="is no state of cpfarm"):
        StateDir(tmp_path)
    (tmp_path / "state.sqlite").unlink()
    with sqlite3.connect(tmp_path / "state.sqlite") as other:
        other.execute("PRAGMA user_version = 7")
    with pytest.raises(AuthorError, match="made by another version"):
        StateDir(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(AuthorError, match="cannot be used"):
        StateDir(tmp_path / "file")
