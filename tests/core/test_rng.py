"""Named streams: reproducible, independent, evenly spread."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from simulator.core.rng import Rng, draw, seed_of, stream_id


def test_a_draw_never_changes() -> None:
    """Changing the generator changes every recorded seed; do so knowingly."""
    assert draw(1, "backoff", 0) == 10570070098577315654
    assert draw(1, "backoff", 1) == 16744011916518305863
    assert seed_of(1, "CP1") == 6911676728644656082
    assert seed_of(1, "CP1") != seed_of(1, "CP2") != seed_of(2, "CP2")
    assert seed_of("a", "b") != seed_of("ab") and seed_of("a", "b") != seed_of("b", "a")


@given(st.integers(0, 2**64 - 1), st.integers(0, 1000), st.integers(0, 1000))
def test_one_stream_does_not_shift_another(seed: int, before: int, between: int) -> None:
    quiet, busy = Rng(seed), Rng(seed)
    for _ in range(before % 7):
        busy.next("noise")
    first = busy.next("jitter")
    for _ in range(between % 5):
        busy.next("noise")
    assert [first, busy.next("jitter")] == [quiet.next("jitter"), quiet.next("jitter")]


@given(st.integers(0, 2**64 - 1), st.integers(1, 2**40))
def test_bounds_are_kept(seed: int, bound: int) -> None:
    rng = Rng(seed)
    assert 0 <= rng.below("a", bound) < bound
    assert 5 <= rng.between("b", 5, 5 + bound) <= 5 + bound
    assert 0.0 <= rng.unit("c") < 1.0
    assert rng.between("d", 7, 7) == 7


def test_a_chance_is_one_draw_whatever_its_probability() -> None:
    rng = Rng(1)
    assert not rng.chance("a", 0.0) and rng.chance("a", 1.0)
    for probability in (0.0, 0.3, 1.0):
        rng.chance("a", probability)
    assert rng.counters == {"a": 5}


def test_draws_are_spread_evenly_over_buckets_and_bits() -> None:
    rng, buckets, ones = Rng(42), [0] * 16, [0] * 64
    count = 16_000
    for _ in range(count):
        value = rng.next("spread")
        buckets[value >> 60] += 1
        for bit in range(64):
            ones[bit] += value >> bit & 1
    chi2 = sum((n - count / 16) ** 2 / (count / 16) for n in buckets)
    assert chi2 < 40, "15 degrees of freedom; more than 40 is one in two thousand"
    assert all(abs(n - count / 2) < 5 * math.sqrt(count) / 2 for n in ones)


def test_neighbours_have_nothing_in_common() -> None:
    for a, b in (
        (draw(1, "x", 0), draw(1, "x", 1)),
        (draw(1, "x", 0), draw(2, "x", 0)),
        (draw(1, "x", 0), draw(1, "y", 0)),
    ):
        assert 16 <= (a ^ b).bit_count() <= 48


def test_streams_have_ids_of_their_own() -> None:
    names = ["message_id", "backoff", "boot_retry", "handshake", "rtc.drift", "meter.accuracy", "tx_key", "rtt"]
    assert len({stream_id(name) for name in names}) == len(names)
    assert stream_id("backoff") == stream_id("backoff")
