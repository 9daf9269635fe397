"""The network beyond the modem: what it holds up, cuts and refuses, as functions of seed, time and number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simulator.hardware.board import Board
from simulator.hardware.network import Cut, Network

S = 1_000_000


def test_a_sound_network_is_in_nobodys_way(board: Board) -> None:
    network = board.network
    assert isinstance(network, Network) and not board.hampered
    assert (network.hold_us(), network.reads_at(5), network.dial(), network.loses(), network.cut) == (
        0,
        5,
        None,
        False,
        None,
    )


def test_latency_with_jitter(make_board: Callable[..., Board]) -> None:
    def holds(seed: int) -> list[int]:
        board = make_board(seed=seed)
        board.inject("f", "network.latency", 0, {"latency_ms": 100, "jitter_ms": 50}, 0)
        assert board.hampered
        return [board.network.hold_us() for _ in range(200)]

    assert holds(1) == holds(1) != holds(2)
    assert all(100_000 <= us <= 150_000 for us in holds(1)) and len(set(holds(1))) > 150


def test_loss_is_a_pause_that_doubles(board: Board) -> None:
    board.inject("f", "network.loss", 0, {"loss_share": 0.5, "retransmit_ms": 100}, 0)
    holds = [board.network.hold_us() for _ in range(2_000)]
    assert set(holds) == {((1 << n) - 1) * 100_000 for n in range(7)}
    assert 900 < holds.count(0) < 1_100 and 400 < holds.count(100_000) < 600


def test_slow_read_has_pauses(board: Board) -> None:
    board.inject("f", "network.slow_read", 0, {"pause_s": 8, "read_s": 2}, 0)
    assert [board.network.reads_at(at * S) for at in (0, 7, 8, 9, 10)] == [8 * S, 8 * S, 8 * S, 9 * S, 18 * S]
    assert [board.next_change(at * S) for at in (0, 7)] == [8 * S, 8 * S]


@pytest.mark.parametrize(
    ("name", "params", "cut"),
    [
        ("network.reset", {}, Cut("reset")),
        ("network.closed", {}, Cut("close", 1001)),
        ("network.closed", {"code_number": 4000}, Cut("close", 4000)),
        ("network.address_change", {}, Cut("reset")),
    ],
)
def test_what_ends_a_connection_once(board: Board, name: str, params: dict[str, Any], cut: Cut) -> None:
    before = board.version
    board.inject("f", name, 0, params, 0)
    assert board.network.cut == cut and board.version > before
    assert board.network.address == (name == "network.address_change")
    board.network.cut = None
    board.advance(100 * S)
    assert board.network.cut is None and board.next_change(100 * S) is None


def test_answers_are_lost_so_often(board: Board) -> None:
    board.inject("f", "network.answer_lost", 0, {"answers": 2}, 0)
    assert [board.network.loses() for _ in range(4)] == [True, True, False, False]


def test_an_idle_connection_is_cut_after_a_silence(board: Board) -> None:
    board.inject("f", "network.idle_cut", 0, {"idle_s": 60}, 0)
    assert board.next_change(0) == 60 * S
    board.network.traffic(50 * S)
    assert board.next_change(50 * S) == 110 * S
    board.advance(109 * S)
    assert board.network.cut is None
    board.advance(110 * S)
    assert board.network.cut == Cut("reset") and board.next_change(110 * S) == 170 * S
    board.clear("f", 111 * S)
    board.inject("g", "network.idle_cut", 0, {"how": "silent"}, 111 * S)
    board.advance(171 * S)
    assert board.network.cut == Cut("vanish")


@pytest.mark.parametrize(
    ("name", "params", "cause"),
    [
        ("network.dns_failure", {}, "dns"),
        ("network.tls_failure", {}, "tls_server_cert"),
        ("network.tls_failure", {"cause": "version"}, "tls_version"),
        ("network.unreachable", {}, "refused"),
        ("network.unreachable", {"answer": "timeout"}, "timeout"),
    ],
)
def test_how_a_dial_fails(board: Board, name: str, params: dict[str, Any], cause: str) -> None:
    board.inject("f", name, 0, params, 0)
    found = board.network.dial()
    assert found is not None and found[0] == cause and 0 < found[1] <= 30 * S
    board.clear("f", 1)
    assert board.network.dial() is None
