"""Sockets for the loop's thread, also in a process in which gevent has replaced ``socket.socket``.

A socket of gevent brings a hub and its watchers into the thread of this loop, where nothing ever runs them, so there
the socket is made of ``_socket``, which gevent leaves alone. uvloop lets go of an ordinary ``socket.socket`` when libuv
has closed the descriptor. Any other object it closes a second time, and by then the number may belong to a file that
another thread has just opened. :class:`Raw` looks whose the number is before it closes it.
"""

from __future__ import annotations

import _socket
import os
import socket
from typing import cast


class Raw(_socket.socket):
    """A socket whose ``close`` never closes what is not its own."""

    def __init__(self, family: int = -1, kind: int = -1, proto: int = -1) -> None:
        super().__init__(family, kind, proto)
        self._inode = os.fstat(self.fileno()).st_ino

    def close(self) -> None:
        """Close the descriptor if it is still this socket's; else somebody has closed it already, and it is let go."""
        try:
            own = os.fstat(self.fileno()).st_ino == self._inode
        except OSError:
            own = False
        if own:
            super().close()
        else:
            self.detach()


def new_socket(family: int, kind: int, proto: int = 0) -> socket.socket:
    """A socket that a loop of this process can take over, whoever has replaced ``socket.socket``."""
    if socket.socket.__module__ == "socket":
        return socket.socket(family, kind, proto)
    return cast(socket.socket, Raw(family, kind, proto))
