"""The ftp and ftps side of the file server, with pyftpdlib, in a thread of its own.

The root holds ``firmware`` and ``uploads``. Anonymous may read firmware; the user of the store may read both and put
files into ``uploads``, and nothing else: no renaming, no deleting, no folders. ftps is the explicit kind (AUTH TLS)
and demands TLS for both connections.
"""

from __future__ import annotations

import logging
import sys
import threading
from pathlib import Path
from typing import Any

from OpenSSL import SSL
from pyftpdlib.authorizers import AuthenticationFailed, DummyAuthorizer
from pyftpdlib.handlers import FTPHandler, ThrottledDTPHandler, TLS_DTPHandler, TLS_FTPHandler
from pyftpdlib.ioloop import IOLoop
from pyftpdlib.servers import FTPServer

from simulator.csms.files import FIRMWARE, MAX_FILE_BYTES, NAME, UPLOADS, USER, FileStore, NotKept

#: how soon the thread sees that it is to end
TICK_S = 0.05
JOIN_S = 5.0
#: after a wrong password; long enough to be polite, short enough for tests
REFUSAL_S = 0.05
MAX_CONNECTIONS = 512

_LOG = logging.getLogger("pyftpdlib")
_LOG.setLevel(logging.CRITICAL)
_LOG.addHandler(logging.NullHandler())  # without a handler the library would set up one of its own


class FtpServer:
    """Serves a store on two ports; they are bound when this is made, which raises OSError."""

    def __init__(self, store: FileStore, host: str, ftp_port: int, ftps_port: int, certificate: Path) -> None:
        self._loop, self._stop = IOLoop(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="cpfarm-ftp", daemon=True)
        self.ports: dict[str, int] = {}
        """By scheme."""
        more: dict[str, Any] = {"store": store, "authorizer": _Authorizer(store), "auth_failed_timeout": REFUSAL_S}
        plain = type("Plain", (_Control, FTPHandler), {**more, "dtp_handler": type("Data", (_Data,), {"store": store})})
        tls_data = type("TlsData", (_TlsData,), {"store": store})
        secure: dict[str, Any] = {"certfile": str(certificate), "tls_control_required": True, "tls_data_required": True}
        tls = type("Tls", (_Control, TLS_FTPHandler), {**more, **secure, "dtp_handler": tls_data, "ssl_context": None})
        try:
            for scheme, port, handler in (("ftp", ftp_port, plain), ("ftps", ftps_port, tls)):
                server = FTPServer((host, port), handler, ioloop=self._loop)
                server.max_cons = MAX_CONNECTIONS
                self.ports[scheme] = server.socket.getsockname()[1]
        except BaseException:
            self._loop.close()
            raise

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def stop(self) -> None:
        """Close everything; waits for the thread."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(JOIN_S)
        else:
            self._loop.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._loop.loop(timeout=TICK_S, blocking=False)
        self._loop.close()


class _Authorizer(DummyAuthorizer):
    """One user, and anonymous where anybody may read."""

    def __init__(self, store: FileStore) -> None:
        super().__init__()
        self._store = store
        root = str(store.folder)
        # e: enter a folder, l: list, r: read, w: put a file
        self.add_user(USER, store.password, root, perm="elr")
        self.override_perm(USER, str(store.folder / UPLOADS), "elrw")
        if not store.private:
            self.add_anonymous(root, perm="e")
            self.override_perm("anonymous", str(store.folder / FIRMWARE), "elr")

    def validate_authentication(self, username: str, password: str, handler: Any) -> None:
        """Raises AuthenticationFailed."""
        anonymous = username == "anonymous" and not self._store.private and not self._store.faults.wrong_password
        if not anonymous and not self._store.knows(username, password):
            raise AuthenticationFailed("Authentication failed.")


class _Control:
    """What a control connection does differently: plain names only, and the faults of the store."""

    store: FileStore
    respond: Any
    fs: Any

    def ftp_RETR(self, file: str) -> Any:
        """Fetch a file."""
        return None if self._failed(file) else super().ftp_RETR(file)  # type: ignore[misc]

    def ftp_SIZE(self, path: str) -> Any:
        """Ask for the size of a file."""
        return None if self._failed(path) else super().ftp_SIZE(path)  # type: ignore[misc]

    def ftp_STOR(self, file: str, mode: str = "w") -> Any:
        """Put a file."""
        if self._failed(file):
            return None
        try:
            self.store.begin_upload(Path(file).name)
        except NotKept as no:
            self.respond(f"{552 if no.full else 553} {no}")
            return None
        return super().ftp_STOR(file, mode)  # type: ignore[misc]

    def _failed(self, file: str) -> bool:
        status = self.store.faults.status
        if status == 404 or not NAME.fullmatch(Path(file).name):
            self.respond("550 No such file or directory.")
        elif status == 500:
            self.respond("451 Requested action aborted: local error in processing.")
        else:
            return False
        return True

    def on_file_received(self, file: str) -> None:
        """One more to be counted."""
        self.store.took(Path(file))

    def on_incomplete_file_received(self, file: str) -> None:
        """What is not whole is not kept."""
        Path(file).unlink(missing_ok=True)


class _Fallible:
    """What a data connection does differently: it may be slow or break, and takes no file without an end."""

    store: FileStore
    tot_bytes_sent: int
    tot_bytes_received: int
    cmd_channel: Any
    close: Any
    receive: bool
    ac_in_buffer_size: int
    ac_out_buffer_size: int

    def __init__(self, sock: Any, cmd_channel: Any) -> None:
        faults = self.store.faults
        if faults.slow_bytes_s is not None:
            self.read_limit = self.write_limit = faults.slow_bytes_s
        self._break_after = faults.break_after_bytes
        if self._break_after is not None:
            self.ac_in_buffer_size = self.ac_out_buffer_size = min(self._break_after, 65_536)
        self._sent = 0
        super().__init__(sock, cmd_channel)  # type: ignore[call-arg]

    def send(self, data: bytes) -> int:
        """Send some of it."""
        sent: int = super().send(data)  # type: ignore[misc]
        self._sent += sent
        if self._break_after is not None and self._sent >= self._break_after:
            self.cmd_channel.close()
        return sent

    def handle_read_event(self) -> None:
        """Something has come."""
        super().handle_read_event()  # type: ignore[misc]
        if self._break_after is not None and self.tot_bytes_received >= self._break_after:
            self.cmd_channel.close()
        elif self.tot_bytes_received > MAX_FILE_BYTES:
            self._resp = ("552 The file is too large.", _LOG.debug)
            self.close()

    def handle_close(self) -> None:
        """The other side is gone. A reset, or an end of TLS without its farewell, is not the end of a file."""
        error = sys.exc_info()[1]
        if error is None or isinstance(error, SSL.ZeroReturnError) or not self.receive:
            super().handle_close()  # type: ignore[misc]
        else:
            self._resp = ("426 Transfer aborted.", _LOG.debug)
            self.close()


class _Data(_Fallible, ThrottledDTPHandler):
    """Without TLS."""


class _TlsData(_Fallible, ThrottledDTPHandler, TLS_DTPHandler):
    """With TLS; the throttle counts what is inside."""
