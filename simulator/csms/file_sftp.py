"""The sftp side of the file server, with asyncssh, in the loop of the CSMS.

The root holds ``firmware`` and ``uploads``. Anonymous may read firmware; the user of the store may read both and put
files into ``uploads``, and nothing else: no listing, no renaming, no deleting, no folders, no links, no shell. The host
key is made for the occasion; its public half is told by the API.
"""

from __future__ import annotations

import asyncio
import logging
import posixpath
from pathlib import Path
from typing import Any, NoReturn

import asyncssh

from simulator.csms.files import FIRMWARE, MAX_FILE_BYTES, UPLOADS, USER, FileStore, NotKept

ANONYMOUS = "anonymous"
#: connections that may be logging in at a time
BACKLOG = 100
LOGIN_S = 10.0
_FOLDER = asyncssh.SFTPAttrs(type=asyncssh.FILEXFER_TYPE_DIRECTORY, permissions=0o40500)
logging.getLogger("asyncssh").setLevel(logging.CRITICAL)


class SftpServer:
    """Serves a store on one port."""

    def __init__(self, store: FileStore) -> None:
        self._store = store
        self._key = asyncssh.generate_private_key("ssh-ed25519")
        self._listener: asyncssh.SSHAcceptor | None = None

    @property
    def host_key(self) -> str:
        """The public host key, as it stands in a file of known hosts."""
        return self._key.export_public_key().decode().strip()

    async def start(self, host: str, port: int) -> int:
        """Listen; the port. Raises OSError."""
        self._listener = await asyncssh.listen(
            host,
            port,
            backlog=BACKLOG,
            login_timeout=LOGIN_S,
            server_host_keys=[self._key],
            server_factory=lambda: _Login(self._store),
            sftp_factory=lambda channel: _Files(channel, self._store),
            allow_scp=False,
            config=None,
            agent_forwarding=False,
            x11_forwarding=False,
        )
        return self._listener.get_port()

    async def stop(self) -> None:
        """Close the port and every connection."""
        if self._listener is not None:
            self._listener.close()
            await self._listener.wait_closed()


class _Login(asyncssh.SSHServer):
    """Who may come in."""

    def __init__(self, store: FileStore) -> None:
        self._store = store

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """A client has connected."""
        conn.set_extra_info(login=self)
        self.user = ""

    def begin_auth(self, username: str) -> bool:
        """Must it prove who it is? Anonymous need not, where anybody may read."""
        self.user = username
        return username != ANONYMOUS or self._store.private or self._store.faults.wrong_password

    def password_auth_supported(self) -> bool:
        """By password only."""
        return True

    def validate_password(self, username: str, password: str) -> bool:
        """Is this the user who may upload?"""
        return self._store.knows(username, password)


class _Open:
    """A file that is being read or written; ``part``: where an upload is until it is whole."""

    def __init__(self, path: Path, name: str = "") -> None:
        self.name = name
        self.part = path if name else None
        self.file = path.open("xb" if name else "rb")
        if name:
            path.chmod(0o600)
        self.passed = 0


class _Files(asyncssh.SFTPServer):
    """What may be done with files."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], store: FileStore) -> None:
        super().__init__(channel)
        self._store, self._over = store, False
        self._login: _Login = channel.get_extra_info("login")

    # -- what there is

    def realpath(self, path: bytes) -> bytes:
        """The root has no parent."""
        return posixpath.normpath(b"/" + path)

    def _where(self, path: bytes) -> tuple[str, str]:
        """Folder and name, each empty above it."""
        parts = [part for part in self.realpath(path).decode(errors="replace").split("/") if part]
        if len(parts) > 2 or (parts and parts[0] not in (FIRMWARE, UPLOADS)):
            raise asyncssh.SFTPNoSuchFile("no such file")
        return (*parts, "", "")[:2]  # type: ignore[return-value]

    def _found(self, path: bytes) -> Path:
        folder, name = self._where(path)
        self._fail()
        if folder == UPLOADS and self._login.user != USER:
            raise asyncssh.SFTPPermissionDenied("not without the login")
        found = self._store.file(folder, name)
        if found is None:
            raise asyncssh.SFTPNoSuchFile("no such file")
        return found

    def stat(self, path: bytes) -> Any:
        """Size and kind."""
        if not self._where(path)[1]:
            return _FOLDER
        return self._found(path).stat()

    lstat = stat

    def fstat(self, file_obj: object) -> Any:
        """Of an open file."""
        assert isinstance(file_obj, _Open)
        return Path(file_obj.file.name).stat()

    # -- moving files

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        """Read any file there is, or put a new one into ``uploads``."""
        if not pflags & (asyncssh.FXF_WRITE | asyncssh.FXF_CREAT | asyncssh.FXF_APPEND | asyncssh.FXF_TRUNC):
            return _Open(self._found(path))
        folder, name = self._where(path)
        self._fail()
        if folder != UPLOADS or self._login.user != USER or pflags & asyncssh.FXF_APPEND:
            raise asyncssh.SFTPPermissionDenied("only new files, into uploads, with the login")
        try:
            return _Open(self._store.begin_upload(name), name)
        except NotKept as no:
            kind = asyncssh.SFTPFailure if no.full else asyncssh.SFTPPermissionDenied
            raise kind(str(no)) from None

    def open56(self, path: bytes, desired_access: int, flags: int, attrs: asyncssh.SFTPAttrs) -> object:
        """The newer form of it is not offered; clients fall back to version 3."""
        _denied()

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        """A piece."""
        assert isinstance(file_obj, _Open)
        file_obj.file.seek(offset)
        piece: bytes = file_obj.file.read(size)
        await self._misbehave(file_obj, len(piece))
        return piece

    async def write(self, file_obj: object, offset: int, data: bytes) -> int:
        """A piece."""
        assert isinstance(file_obj, _Open)
        if file_obj.part is None or offset + len(data) > MAX_FILE_BYTES:
            raise asyncssh.SFTPFailure("the file is too large, or not open for writing")
        await self._misbehave(file_obj, len(data))
        file_obj.file.seek(offset)
        return file_obj.file.write(data)

    def close(self, file_obj: object) -> None:
        """The end of a file by its writer, or by the end of the session, which closes all and then calls exit."""
        assert isinstance(file_obj, _Open)
        file_obj.file.close()
        if file_obj.part is not None:
            asyncio.get_running_loop().call_soon(self._keep, file_obj.part, file_obj.name)

    def exit(self) -> None:
        """The session is over."""
        self._over = True

    def _keep(self, part: Path, name: str) -> None:
        """What was not ended by its writer is not kept."""
        if self._over:
            part.unlink(missing_ok=True)
        else:
            self._store.end_upload(part, name)

    # -- how it fails

    def _fail(self) -> None:
        status = self._store.faults.status
        if status == 404:
            raise asyncssh.SFTPNoSuchFile("no such file")
        if status == 500:
            raise asyncssh.SFTPFailure("failure")

    async def _misbehave(self, opened: _Open, size: int) -> None:
        faults = self._store.faults
        opened.passed += size
        if faults.slow_bytes_s is not None:
            await asyncio.sleep(size / faults.slow_bytes_s)
        if faults.break_after_bytes is not None and opened.passed >= faults.break_after_bytes:
            self.connection.abort()
            raise asyncssh.SFTPConnectionLost("cut by a fault")

    # -- and nothing else

    def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """Denied."""
        _denied()

    lsetstat = setstat

    def fsetstat(self, file_obj: object, attrs: asyncssh.SFTPAttrs) -> None:
        """Denied."""
        _denied()

    def scandir(self, path: bytes) -> NoReturn:
        """Denied."""
        _denied()

    def remove(self, path: bytes) -> None:
        """Denied."""
        _denied()

    rmdir = remove

    def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        """Denied."""
        _denied()

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Denied."""
        _denied()

    posix_rename = symlink = link = rename

    def readlink(self, path: bytes) -> NoReturn:
        """Denied."""
        _denied()

    def statvfs(self, path: bytes) -> NoReturn:
        """Denied."""
        _denied()

    def fstatvfs(self, file_obj: object) -> NoReturn:
        """Denied."""
        _denied()


def _denied() -> NoReturn:
    raise asyncssh.SFTPPermissionDenied("not here")
