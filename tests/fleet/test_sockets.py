"""Sockets that are taken over by a loop: nobody closes a descriptor that is not his."""

from __future__ import annotations

import os
import socket

import pytest

from simulator.fleet.sockets import Raw, new_socket


def test_an_ordinary_process_has_ordinary_sockets() -> None:
    """The only kind that uvloop lets go of when it has closed the descriptor."""
    with new_socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        assert type(sock) is socket.socket


def test_where_gevent_has_replaced_them_the_original_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    class Replaced(socket.socket):
        """As gevent's: of another module."""

    monkeypatch.setattr(socket, "socket", Replaced)
    sock = new_socket(socket.AF_INET, socket.SOCK_STREAM)
    assert type(sock) is Raw
    sock.close()
    assert sock.fileno() == -1


def test_a_number_that_somebody_else_has_got_is_left_alone() -> None:
    sock = Raw(socket.AF_INET, socket.SOCK_STREAM)
    number = sock.fileno()
    os.close(number)  # as libuv does
    file = os.open(os.devnull, os.O_RDONLY)
    try:
        assert file == number
        sock.close()
        assert os.fstat(file) and sock.fileno() == -1
    finally:
        os.close(file)


def test_a_number_that_nobody_has_is_let_go() -> None:
    sock = Raw(socket.AF_INET, socket.SOCK_STREAM)
    os.close(sock.fileno())
    sock.close()
    assert sock.fileno() == -1


def test_its_own_is_closed() -> None:
    sock = Raw(socket.AF_INET, socket.SOCK_STREAM)
    number = sock.fileno()
    sock.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(number)
