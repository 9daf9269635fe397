"""The file server of the reference CSMS: firmware to fetch, and a place for logs, over http, https, ftp, ftps and sftp.

Two folders: ``firmware``, which anybody may read unless ``private``, and ``uploads``, into which one user may put
files, each under a plain name. There are no sub-folders, so there is nothing to climb. ``file_http``,
``file_ftp`` and ``file_sftp`` serve them; all ask this module what may be done, and misbehave as :class:`FileFaults`
says.

The server's certificate is issued by the CSMS's own authority if it has one, else by one made for the occasion; a
publisher of firmware with a certificate for code signing comes from the same. A small image is there from the start.

It starts when it is first asked for, because its libraries take a third of a second to read and most runs move no file.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from simulator.pki.authority import DAY_US, YEAR_US, Authority, Issued
from simulator.pki.keystore import write_private
from simulator.pki.work import sign

if TYPE_CHECKING:
    from simulator.csms.file_ftp import FtpServer
    from simulator.csms.file_http import WebServer
    from simulator.csms.file_sftp import SftpServer

FIRMWARE, UPLOADS = "firmware", "uploads"
SCHEMES = ("http", "https", "ftp", "ftps", "sftp")
USER = "cpfarm"
#: bounds of what is kept: of one file, of all uploads, and their number
MAX_FILE_BYTES, MAX_UPLOAD_BYTES, MAX_UPLOADS = 16_000_000, 2_000_000_000, 20_000
DEMO_NAME, DEMO_VERSION, DEMO_BYTES = "cpfarm-demo-2.0.0.bin", "2.0.0", 65_536
#: what a file may be called; a name that begins with a point is ours
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}")
_PLACEHOLDER = re.compile(r"\{(files|uploads)(?::(https?|ftps?|sftp))?\}")


class FileFaults(BaseModel):
    """How the file server fails from now on; ``{}`` is not at all.

    ``wrong_password`` refuses every login, ``status`` answers every transfer so (404 and 500, in ftp 550 and 451, in
    sftp no such file and failure), ``break_after_bytes`` cuts each transfer there, ``slow_bytes_s`` is the most that
    passes in a second.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    wrong_password: bool = False
    status: Literal[404, 500] | None = None
    break_after_bytes: Annotated[int, Field(ge=1)] | None = None
    slow_bytes_s: Annotated[int, Field(ge=1)] | None = None


class NotKept(Exception):
    """A file is not taken; the message says why, ``full`` whether there is no room."""

    def __init__(self, message: str, *, full: bool = False) -> None:
        super().__init__(message)
        self.full = full


@dataclass
class FileStore:
    """What is served, on disk. ``folder`` is made (0700) with both folders in it and the image of the demo."""

    folder: Path
    password: str = field(repr=False)
    private: bool = False
    faults: FileFaults = field(default_factory=FileFaults)

    def __post_init__(self) -> None:
        for one in (self.folder, self.folder / FIRMWARE, self.folder / UPLOADS):
            one.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (self.folder / FIRMWARE / DEMO_NAME).exists():
            self.publish(DEMO_NAME, demo_image())
        kept = [path.stat().st_size for path in (self.folder / UPLOADS).iterdir()]
        self._count, self._bytes = len(kept), sum(kept)

    def knows(self, user: str, password: str) -> bool:
        """Is this the user who may upload?"""
        right = hmac.compare_digest(f"{user}:{password}".encode(), f"{USER}:{self.password}".encode())
        return right and not self.faults.wrong_password

    def file(self, folder: str, name: str) -> Path | None:
        """The file of this name, None if there is none or the name is not plain."""
        path = self.folder / folder / name
        return path if NAME.fullmatch(name) and path.is_file() and not path.is_symlink() else None

    def publish(self, name: str, content: bytes) -> Path:
        """Serve ``content`` as firmware; raises NotKept."""
        if not NAME.fullmatch(name):
            raise NotKept(f"{name!r} is not a plain file name (letters, digits, points, dashes)")
        if len(content) > MAX_FILE_BYTES:
            raise NotKept(f"{len(content)} bytes are more than {MAX_FILE_BYTES}", full=True)
        path = self.folder / FIRMWARE / name
        write_private(path, content)
        return path

    def begin_upload(self, name: str) -> Path:
        """Where to write an upload of this name until it is whole; raises NotKept."""
        if not NAME.fullmatch(name):
            raise NotKept(f"{name!r} is not a plain file name (letters, digits, points, dashes)")
        if self._count >= MAX_UPLOADS or self._bytes >= MAX_UPLOAD_BYTES:
            raise NotKept("there is no more room for uploads", full=True)
        return self.folder / UPLOADS / f".{secrets.token_hex(8)}.part"

    def end_upload(self, part: Path, name: str) -> Path:
        """The upload is whole: it takes its name, in place of an older file of that name."""
        path = self.folder / UPLOADS / name
        if path.exists():
            self._count, self._bytes = self._count - 1, self._bytes - path.stat().st_size
        part.replace(path)
        self.took(path)
        return path

    def took(self, path: Path) -> None:
        """One more upload is there."""
        self._count, self._bytes = self._count + 1, self._bytes + path.stat().st_size

    def files(self, folder: str) -> Iterator[Path]:
        """The files of a folder, by name."""
        yield from sorted(path for path in (self.folder / folder).iterdir() if NAME.fullmatch(path.name))


class FileServer:
    """All five servers. ``port`` is that of http, the others follow (https, ftp, ftps, sftp); 0 picks free ones.

    ``folder`` None: a temporary one, gone at the end. ``password`` None: a new one. ``authority`` issues certificates.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        folder: Path | None = None,
        password: str | None = None,
        private: bool = False,
        authority: Authority | None = None,
    ) -> None:
        self._host, self._port, self._given, self._private = host, port, folder, private
        self._password = password or secrets.token_urlsafe(12)
        self._authority = authority
        self._temporary: Path | None = None
        self._web: WebServer | None = None
        self._ftp: FtpServer | None = None
        self._sftp: SftpServer | None = None
        self._ports: dict[str, int] = {}
        self._publisher: Issued | None = None
        self.store: FileStore

    async def start(self) -> None:
        """Listen on five ports. Raises OSError when one cannot be had, or the folder cannot be used."""
        from simulator.csms.file_ftp import FtpServer
        from simulator.csms.file_http import WebServer
        from simulator.csms.file_sftp import SftpServer

        if self._given is None:
            self._temporary = Path(tempfile.mkdtemp(prefix="cpfarm-files-"))
        folder = self._given or self._temporary
        assert folder is not None
        try:
            self.store = FileStore(folder, self._password, self._private)
            certificate = self._certificates(folder)
            try:
                self._web = WebServer(self.store)
                ports = [self._port + number if self._port else 0 for number in range(5)]
                self._ports = await self._web.start(self._host, ports[0], ports[1], certificate)
                self._ftp = FtpServer(self.store, self._host, ports[2], ports[3], certificate)
                self._ports |= self._ftp.ports
                self._ftp.start()
                self._sftp = SftpServer(self.store)
                self._ports["sftp"] = await self._sftp.start(self._host, ports[4])
            finally:
                certificate.unlink()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Close everything; a temporary folder is removed. Harmless when repeated."""
        if self._web is not None:
            await self._web.stop()
            self._web = None
        if self._sftp is not None:
            await self._sftp.stop()
            self._sftp = None
        if self._ftp is not None:
            await asyncio.get_running_loop().run_in_executor(None, self._ftp.stop)
            self._ftp = None
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)
            self._temporary = None

    def _certificates(self, folder: Path) -> Path:
        """The server's key and chain in one file (0600), for libraries that read only files."""
        now_us = time.time_ns() // 1000
        begin, end = now_us - DAY_US, now_us + YEAR_US
        if self._authority is None:
            self._authority = Authority.root("cpfarm file server", not_before_us=begin, not_after_us=end)
        names = dict.fromkeys((self._host, "localhost", "127.0.0.1", "::1"))
        end = min(end, self._authority.not_after_us)
        server = self._authority.server(names, not_before_us=begin, not_after_us=end)
        self._publisher = self._authority.code_signing("cpfarm firmware", not_before_us=begin, not_after_us=end)
        path = folder / ".server.pem"
        write_private(path, server.key_pem + server.chain.encode())
        return path

    # -- what it says of itself

    @property
    def ca_pem(self) -> str:
        """The root that a station must trust for https and ftps."""
        assert self._authority is not None
        return self._authority.pem

    def base(self, scheme: str, *, login: bool = False) -> str:
        """``scheme://host:port``; with ``login`` the user and password are in it."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        who = f"{USER}:{self._password}@" if login else ""
        return f"{scheme}://{who}{host}:{self._ports[scheme]}"

    def url(self, folder: str, scheme: str = "http") -> str:
        """The address of a folder, with the login where one is needed."""
        return f"{self.base(scheme, login=folder == UPLOADS or self._private)}/{folder}"

    def fill(self, value: Any) -> Any:
        """JSON with ``{files}`` and ``{uploads}`` (also ``{files:ftps}``) in its texts replaced by addresses."""
        if isinstance(value, str):
            folders = {"files": FIRMWARE, "uploads": UPLOADS}
            return _PLACEHOLDER.sub(lambda found: self.url(folders[found[1]], found[2] or "http"), value)
        if isinstance(value, dict):
            return {key: self.fill(one) for key, one in value.items()}
        return [self.fill(one) for one in value] if isinstance(value, list) else value

    def describe(self) -> dict[str, Any]:
        """Addresses, login, roots and files, for the API."""
        assert self._publisher is not None
        return {
            "urls": {scheme: self.base(scheme) for scheme in SCHEMES},
            "user": USER,
            "password": self._password,
            "ca": self.ca_pem,
            "sftp_host_key": self._sftp.host_key if self._sftp is not None else "",
            "signing_certificate": self._publisher.certificate,
            FIRMWARE: [self._described(path, signed=True) for path in self.store.files(FIRMWARE)],
            UPLOADS: [self._described(path) for path in self.store.files(UPLOADS)],
            "faults": self.store.faults.model_dump(),
        }

    def _described(self, path: Path, *, signed: bool = False) -> dict[str, Any]:
        content = path.read_bytes()
        sha256 = hashlib.sha256(content).hexdigest()
        shown: dict[str, Any] = {"name": path.name, "size_bytes": len(content), "sha256": sha256}
        if signed:
            assert self._publisher is not None
            shown["signature"] = sign(sha256, self._publisher.key)
            shown["urls"] = {scheme: f"{self.url(FIRMWARE, scheme)}/{path.name}" for scheme in SCHEMES}
        return shown


def has_placeholder(text: bytes) -> bool:
    """Is there anything for :meth:`FileServer.fill`?"""
    return b"{files" in text or b"{uploads" in text


def demo_image() -> bytes:
    """A firmware image: its first line says its version, the rest is the same in every run."""
    head = f"CPFARM-FIRMWARE {DEMO_VERSION}\n".encode()
    rows = (hashlib.sha256(f"{DEMO_VERSION}/{number}".encode()).digest() for number in range(DEMO_BYTES // 32))
    return (head + b"".join(rows))[:DEMO_BYTES]
