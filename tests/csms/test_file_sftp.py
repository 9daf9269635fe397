"""The sftp side of the file server: what an independent client may do, and what becomes of a file without an end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from simulator.csms.file_sftp import SftpServer
from simulator.csms.files import DEMO_NAME, FileServer, demo_image
from tests.csms.rig import run

pytestmark = pytest.mark.live


@asynccontextmanager
async def client(files: FileServer, user: str = "cpfarm", **more: Any) -> AsyncIterator[Any]:
    """A connection that knows the host key beforehand, as the API tells it."""
    described = files.describe()
    port = int(described["urls"]["sftp"].rpartition(":")[2])
    hosts = asyncssh.import_known_hosts(f"[127.0.0.1]:{port} {described['sftp_host_key']}\n")
    options: dict[str, Any] = {"password": "pw", "client_keys": None, "agent_path": None, "config": None} | more
    async with asyncssh.connect("127.0.0.1", port, username=user, known_hosts=hosts, **options) as connection:
        yield connection


@asynccontextmanager
async def server(folder: Path) -> AsyncIterator[FileServer]:
    files = FileServer(folder=folder, password="pw")
    await files.start()
    try:
        yield files
    finally:
        await files.stop()


def test_files_are_read_and_put_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("s")

    async def main() -> None:
        async with server(tmp_path / "f") as files:
            async with client(files) as connection:
                sftp = await connection.start_sftp_client()
                assert await sftp.realpath("../..") == "/"
                async with sftp.open(f"/firmware/{DEMO_NAME}", "rb") as file:
                    assert await file.read() == demo_image()
                async with sftp.open("uploads/a.log", "wb") as file:
                    await file.write(b"one")
                async with sftp.open("uploads/a.log", "rb") as file:
                    assert await file.read() == b"one" and (await file.stat()).size == 3
                for refused in (
                    sftp.open("firmware/a.bin", "wb"),
                    sftp.open("uploads/.a", "wb"),
                    sftp.open("a.bin", "wb"),
                    sftp.open("uploads/a.log", "ab"),
                    sftp.listdir("uploads"),
                    sftp.mkdir("uploads/x"),
                    sftp.remove("uploads/a.log"),
                    sftp.rmdir("uploads"),
                    sftp.rename("uploads/a.log", "uploads/b.log"),
                    sftp.symlink("/etc/passwd", "uploads/b"),
                    sftp.readlink("uploads/a.log"),
                    sftp.chmod("uploads/a.log", 0o777),
                    sftp.statvfs("/"),
                ):
                    with pytest.raises(asyncssh.SFTPError):
                        await refused
                for missing in ("../outside", "/../outside", "/outside", "firmware/../../outside", "a/b/c"):
                    with pytest.raises(asyncssh.SFTPNoSuchFile):
                        await sftp.stat(missing)
                with pytest.raises(asyncssh.Error):  # there is no shell
                    await connection.run("true", check=True)
            async with client(files, "anonymous", password=None) as connection:
                sftp = await connection.start_sftp_client()
                assert (await sftp.stat(f"firmware/{DEMO_NAME}")).size == len(demo_image())
                for refused in (sftp.open("uploads/b.log", "wb"), sftp.open("uploads/a.log", "rb")):
                    with pytest.raises(asyncssh.SFTPPermissionDenied):
                        await refused
            with pytest.raises(asyncssh.PermissionDenied):
                async with client(files, password="wrong"):
                    pass
            assert [path.name for path in (tmp_path / "f" / "uploads").iterdir()] == ["a.log"]
        assert SftpServer.__doc__

    run(main())


@pytest.mark.parametrize("how", ["connection", "channel"])
def test_what_is_not_ended_by_its_writer_is_not_kept(tmp_path: Path, how: str) -> None:
    async def main() -> None:
        folder = tmp_path / "f" / "uploads"
        async with server(tmp_path / "f") as files, client(files) as connection:
            sftp = await connection.start_sftp_client()
            file = await sftp.open("uploads/a.log", "wb")
            await file.write(b"half of it")
            assert [path.suffix for path in folder.iterdir()] == [".part"]
            if how == "connection":
                connection.abort()
            else:
                sftp.exit()
            async with asyncio.timeout(5):
                while list(folder.iterdir()):
                    await asyncio.sleep(0.01)

    run(main())
