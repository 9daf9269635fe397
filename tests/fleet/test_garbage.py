"""The collector is watched during a run, kept off what stays, and put back afterwards."""

from __future__ import annotations

import gc

from simulator.fleet.garbage import YOUNG, Garbage


def test_everything_is_put_back() -> None:
    before, frozen, watchers = gc.get_threshold(), gc.get_freeze_count(), len(gc.callbacks)
    garbage = Garbage()
    garbage.begin()
    garbage.settle()
    assert gc.get_threshold()[0] == YOUNG and gc.get_freeze_count() > frozen
    assert len(gc.callbacks) == watchers + 1
    garbage.end()
    garbage.end()
    assert (gc.get_threshold(), gc.get_freeze_count(), len(gc.callbacks)) == (before, 0, watchers)


def test_only_passes_after_settling_count() -> None:
    garbage = Garbage()
    garbage.begin()
    try:
        gc.collect()
        assert garbage.passes > 0
        garbage.settle()
        assert (garbage.passes, garbage.longest_ms) == (0, 0.0)
        gc.collect()
        assert garbage.passes == 1 and garbage.longest_ms > 0.0
    finally:
        garbage.end()
