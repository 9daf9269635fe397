"""The file server of the reference CSMS: its API, its folders, and who may do what."""

import asyncio
import base64
import hashlib
import json
from ftplib import FTP, FTP_TLS, error_perm
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from simulator.csms.app import CsmsOptions, ReferenceCsms, files_line
from simulator.csms.file_ftp import FtpServer
from simulator.csms.file_http import WebServer
from simulator.csms.files import (
    DEMO_NAME,
    MAX_FILE_BYTES,
    MAX_UPLOADS,
    FileServer,
    FileStore,
    NotKept,
    demo_image,
    has_placeholder,
)
from simulator.csms.options import parse_argv, to_argv
from simulator.errors import AuthorError
from simulator.pki.work import check_signature
from tests.csms.rig import run

pytestmark = pytest.mark.live


async def ask(csms: ReferenceCsms, method: str, path: str, body: bytes | None = None) -> tuple[int, Any]:
    """One request to the API."""
    async with aiohttp.ClientSession() as client, client.request(method, csms.http_url + path, data=body) as answer:
        return answer.status, json.loads(await answer.read())


def options(**more: Any) -> CsmsOptions:
    return CsmsOptions(port=0, http_port=0, **more)


def test_it_starts_when_it_is_asked_for_and_says_all(tmp_path: Path) -> None:
    async def main() -> None:
        async with ReferenceCsms(options(files=tmp_path / "f")) as csms:
            assert not (tmp_path / "f").exists()
            status, shown = await ask(csms, "GET", "/api/files")
            assert status == 200 and set(shown["urls"]) == {"http", "https", "ftp", "ftps", "sftp"}
            (image,) = shown["firmware"]
            assert image["sha256"] == hashlib.sha256(demo_image()).hexdigest() and shown["uploads"] == []
            check_signature(image["sha256"], shown["signing_certificate"], image["signature"])
            assert oct((tmp_path / "f").stat().st_mode)[-3:] == "700"
            assert not list((tmp_path / "f").glob(".*"))  # the server's key is gone
            files = await csms.files()
            assert files is await csms.files()
            assert all(url in files_line(files) for url in shown["urls"].values())
            assert shown["password"] not in files_line(files)

    run(main())


def test_firmware_is_published_and_served(tmp_path: Path) -> None:
    async def main() -> None:
        async with ReferenceCsms(options(files=tmp_path, file_auth=True, file_password="known")) as csms:
            status, shown = await ask(csms, "PUT", "/api/files/firmware/new-3.1.bin", b"CPFARM-FIRMWARE 3.1\nx")
            assert status == 201 and shown["size_bytes"] == 21
            async with aiohttp.ClientSession() as client:
                async with client.get(shown["urls"]["http"]) as answer:  # the address holds the login
                    assert await answer.read() == b"CPFARM-FIRMWARE 3.1\nx"
                async with client.get(shown["urls"]["http"].replace("cpfarm:known@", "")) as answer:
                    assert answer.status == 401 and answer.headers["WWW-Authenticate"].startswith("Basic")
            assert (await ask(csms, "PUT", "/api/files/firmware/..%2Fx", b"x"))[0] == 400
            assert (await ask(csms, "PUT", "/api/files/firmware/.hidden", b"x"))[0] == 400
            assert (await ask(csms, "PUT", "/api/files/faults", b'{"slow": 3}'))[0] == 400
            assert (await ask(csms, "PUT", "/api/files/faults", b'{"status": 500}'))[1]["status"] == 500
            assert (await ask(csms, "GET", "/api/files/faults"))[1]["status"] == 500

    run(main())


def test_a_port_that_is_taken_is_said() -> None:
    async def main() -> None:
        async with ReferenceCsms(options()) as first:
            taken = first.http_port
            async with ReferenceCsms(options()) as csms:
                csms.options = options(file_port=taken)
                status, shown = await ask(csms, "GET", "/api/files")
                assert status == 503 and "the file server cannot start" in shown["error"]
            with pytest.raises(OSError, match="in use"):
                async with ReferenceCsms(options(file_port=taken)):
                    pass

    run(main())


def test_names_are_plain_and_uploads_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text("s")
    store = FileStore(tmp_path / "f", "p")
    (tmp_path / "f" / "firmware" / "link").symlink_to(tmp_path / "secret")
    for name in ("..", "../secret", "/etc/passwd", ".x", "", "a/b", "link", "a" * 201, "a\n"):
        assert store.file("firmware", name) is None
    for name in ("../x", ".x", "", "a b", "é"):
        with pytest.raises(NotKept, match="plain"):
            store.begin_upload(name)
    with pytest.raises(NotKept, match=str(MAX_FILE_BYTES)):
        store.publish("big", b"x" * (MAX_FILE_BYTES + 1))
    part = store.begin_upload("a")
    part.write_bytes(b"12")
    store.end_upload(part, "a")
    part = store.begin_upload("a")
    part.write_bytes(b"345")
    store.end_upload(part, "a")
    assert (store._count, store._bytes) == (1, 3) and [path.name for path in store.files("uploads")] == ["a"]
    assert FileStore(tmp_path / "f", "p")._count == 1  # found again
    store._count = MAX_UPLOADS
    with pytest.raises(NotKept, match="no more room") as caught:
        store.begin_upload("b")
    assert caught.value.full


def test_placeholders_become_addresses() -> None:
    async def main() -> None:
        files = FileServer(password="pw")
        await files.start()
        try:
            asked = {"location": "{files:ftps}/a.bin", "more": ["{uploads}/", 3, "{fileset}"]}
            assert has_placeholder(json.dumps(asked).encode()) and not has_placeholder(b'{"id": 1}')
            filled = files.fill(asked)
            assert filled["location"] == f"{files.base('ftps')}/firmware/a.bin"
            assert filled["more"] == [f"{files.base('http').replace('//', '//cpfarm:pw@')}/uploads/", 3, "{fileset}"]
        finally:
            await files.stop()
            await files.stop()

    run(main())


@pytest.mark.parametrize("tls", [False, True])
def test_what_ftp_does_not_do(tmp_path: Path, tls: bool) -> None:
    """An independent client; the standard library's."""
    (tmp_path / "outside").write_text("s")
    (tmp_path / "f").mkdir()

    def talk(files: FileServer) -> None:
        client = FTP_TLS() if tls else FTP()
        with client as ftp:
            ftp.connect("127.0.0.1", files._ports["ftps" if tls else "ftp"], timeout=5)
            if isinstance(ftp, FTP_TLS):
                with pytest.raises(error_perm, match="SSL/TLS required"):
                    FTP.login(ftp, "cpfarm", "pw")
                ftp.auth()
            with pytest.raises(error_perm, match="530"):
                FTP.login(ftp, "cpfarm", "wrong")
        with FTP_TLS() if tls else FTP() as ftp:
            ftp.connect("127.0.0.1", files._ports["ftps" if tls else "ftp"], timeout=5)
            ftp.login("cpfarm", "pw")
            if isinstance(ftp, FTP_TLS):
                with pytest.raises(error_perm, match="SSL/TLS required"):
                    ftp.nlst()
                ftp.prot_p()
            ftp.cwd("../..")
            assert ftp.pwd() == "/"  # the root has no parent
            for refused in (
                "RETR ../outside",
                "RETR /../outside",
                "MKD uploads/x",
                "DELE firmware/a",
                "STOR firmware/a.bin",
                "STOR a.bin",
                "STOR uploads/.a",
                "SITE CHMOD 777 uploads",
            ):
                with pytest.raises(error_perm):
                    ftp.voidcmd(refused)
            got: list[bytes] = []
            ftp.retrbinary(f"RETR firmware/{DEMO_NAME}", got.append)
            assert b"".join(got) == demo_image()
        with FTP_TLS() if tls else FTP() as ftp:
            ftp.connect("127.0.0.1", files._ports["ftps" if tls else "ftp"], timeout=5)
            ftp.login()
            with pytest.raises(error_perm):
                ftp.voidcmd("STOR uploads/a.log")
            with pytest.raises(error_perm):
                ftp.nlst("uploads")

    async def main() -> None:
        files = FileServer(folder=tmp_path / "f", password="pw")
        await files.start()
        try:
            await asyncio.to_thread(talk, files)
        finally:
            await files.stop()
        assert not list((tmp_path / "f" / "uploads").iterdir())

    run(main())


def test_http_keeps_to_its_two_folders(tmp_path: Path) -> None:
    async def main() -> None:
        files = FileServer(folder=tmp_path, password="pw")
        await files.start()
        login = {"Authorization": "Basic " + base64.b64encode(b"cpfarm:pw").decode()}
        base = files.base("http")
        try:
            async with aiohttp.ClientSession() as client:
                for method, path, known, status in (
                    ("GET", "/firmware/%2e%2e%2fsecret", True, 404),
                    ("GET", "/firmware/none", True, 404),
                    ("GET", "/uploads/none", False, 401),
                    ("GET", "/elsewhere/none", True, 404),
                    ("PUT", "/firmware/a", True, 405),
                    ("PUT", "/uploads/a", False, 401),
                    ("PUT", "/uploads/.a", True, 400),
                    ("PUT", "/uploads/", True, 405),
                    ("POST", "/uploads/", True, 415),
                    ("DELETE", f"/firmware/{DEMO_NAME}", True, 405),
                    ("HEAD", f"/firmware/{DEMO_NAME}", False, 200),
                ):
                    headers = login if known else None
                    async with client.request(method, base + path, headers=headers) as answer:
                        assert answer.status == status, (method, path)
                async with client.put(f"{base}/uploads/a", headers=login, data=b"x" * (MAX_FILE_BYTES + 1)) as answer:
                    assert answer.status == 413
            assert not list((tmp_path / "uploads").iterdir())
        finally:
            await files.stop()

    run(main())


def test_options_and_flags(tmp_path: Path) -> None:
    made = options(file_port=0, files=tmp_path, file_auth=True, file_password="not a flag")
    argv = to_argv(made)
    assert "not a flag" not in argv and "not a flag" not in repr(made)
    again = parse_argv(argv)
    assert (again.file_port, again.files, again.file_auth, again.file_password) == (0, tmp_path, True, None)
    with pytest.raises(AuthorError, match="five ports"):
        options(file_port=65_533)
    assert WebServer.__doc__ and FtpServer.__doc__
