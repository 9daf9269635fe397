"""One seed is one run: the same digest twice, in another process, under another hash seed; streams do not disturb."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.core import inputs as i
from simulator.core import records as r
from simulator.fleet.trace import InputRecorder, read_digest, read_header, read_inputs
from simulator.lab.swarm import describe, hunt, random_plan
from tests.core.build import VERSIONS, Rig, rig

ROOT = Path(__file__).resolve().parent.parent
SEEDS = (3, 5, 8)
SCRIPT = """
import sys
from simulator.lab.swarm import describe, hunt, random_plan
for seed in map(int, sys.argv[1:]):
    result = hunt(seed, 10.0)
    print(result.digest, result.feeds, hash(describe(random_plan(seed, 10.0))) is None)
"""


def test_the_same_seed_twice_is_the_same_run() -> None:
    for seed in SEEDS:
        first, second = hunt(seed, 10.0), hunt(seed, 10.0)
        assert first == second and first.feeds > 50
    assert len({hunt(seed, 10.0).digest for seed in SEEDS}) == len(SEEDS)


@pytest.mark.parametrize("hash_seed", ["1", "4242"])
def test_another_process_and_another_hash_seed_give_the_same_run(hash_seed: str) -> None:
    """Nothing depends on the order of a set or on the hash of a string."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *map(str, SEEDS)],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    here = [hunt(seed, 10.0) for seed in SEEDS]
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [[h.digest, str(h.feeds)] for h in here]


def test_a_longer_plan_begins_with_the_shorter_one() -> None:
    short, long = random_plan(7, 5.0), random_plan(7, 20.0)
    assert short.seats == long.seats
    assert long.acts[: len(short.acts)] == short.acts and len(long.acts) > len(short.acts)
    assert describe(short) != describe(random_plan(8, 5.0))


# -- streams


def drive(version: str, *inject: i.Input, seed: int = 9, station_id: str = "CP1") -> Rig:
    """A day's work in an hour, with or without a fault that has chances of its own."""
    lab = rig(version, seed=seed, station_id=station_id)
    lab.boot()
    lab.feed(*inject)
    for token in ("A", "B"):
        lab.charge(token, 60)
        lab.leave(token)
    lab.cut()
    lab.run(20)
    lab.back(30)
    return lab


def digest(lab: Rig) -> list[tuple[int, str, bytes]]:
    return lab.frames


@pytest.mark.parametrize("version", VERSIONS)
def test_a_fault_with_chances_of_its_own_shifts_no_other_draw(version: str) -> None:
    """meter.noise draws for every sample; when sessions begin, energy flows and the station dials stays the same."""
    plain = drive(version)
    noisy = drive(version, i.Inject("f", "meter.noise", 1, {"permille": 500.0}))
    assert noisy.records(r.FaultBegan) and noisy.frames != plain.frames, "the fault did nothing: the test shows nothing"
    for kind in (r.Connected, r.ConnectFailed, r.TransactionOpened, r.TransactionClosed):
        mine = [(now, getattr(what, "key", "")) for now, _, what in plain.fleet.records if isinstance(what, kind)]
        other = [(now, getattr(what, "key", "")) for now, _, what in noisy.fleet.records if isinstance(what, kind)]
        assert mine == other and mine
    taken = [lab.station.board.meters[0].physical_wh(lab.fleet.now) for lab in (plain, noisy)]
    assert taken[0] == taken[1]
    assert [now for now, *_ in plain.frames] == [now for now, *_ in noisy.frames]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_seed_and_the_id_make_the_station(version: str) -> None:
    same, other_seed, other_id = drive(version), drive(version, seed=10), drive(version, station_id="CP2")
    assert digest(same) == digest(drive(version))
    assert digest(same) != digest(other_seed) and digest(same) != digest(other_id)


# -- replay


@pytest.mark.parametrize("version", VERSIONS)
def test_a_recording_fed_again_gives_the_same_digest(version: str, tmp_path: Path) -> None:
    """What came in at which time is all that matters: no driver, no network, no CSMS is needed to repeat a run."""
    path = tmp_path / "inputs.jsonl"
    recorder = InputRecorder(path, header={"version": version})
    lab = rig(version, seed=9)
    lab.fleet._observer = lambda st, event, effects, now: recorder.record(now, st.id, event, effects)
    lab.boot()
    lab.charge(seconds=60)
    lab.leave()
    lab.cut()
    lab.back(10)
    recorder.close()
    assert read_header(path)["version"] == version
    again = rig(version, seed=9)
    second = InputRecorder()
    for fed in read_inputs(path):
        effects = again.station.feed(fed.input, fed.now)
        second.record(fed.now, fed.station, fed.input, effects)
    assert second.digest == read_digest(path) == recorder.digest
