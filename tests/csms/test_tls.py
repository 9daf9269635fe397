"""The reference CSMS over TLS: who may connect, and certificates that it signs."""

from __future__ import annotations

import asyncio
import ssl
import time
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidMessage

from simulator.csms.app import CsmsOptions
from simulator.csms.options import parse_argv, to_argv
from simulator.csms.tls import authority, server_context
from simulator.errors import AuthorError
from simulator.pki.authority import DAY_US, Authority
from simulator.pki.keystore import Keystore, write_private
from simulator.pki.work import check_chain
from tests.csms.rig import Rig, Station, rig, run

NOW_US = time.time_ns() // 1000
TIMES: dict[str, int] = {"not_before_us": NOW_US - DAY_US, "not_after_us": NOW_US + DAY_US}


class Files:
    """An authority, a server and a station on disk."""

    def __init__(self, folder: Path) -> None:
        self.ca = Authority.root("CA", **TIMES)
        server = self.ca.server(["127.0.0.1"], **TIMES)
        station = self.ca.station("S1", **TIMES)
        self.paths = {}
        for name, text in (
            ("ca.pem", self.ca.pem.encode()),
            ("ca.key", self.ca.key_pem),
            ("server.pem", server.chain.encode()),
            ("server.key", server.key_pem),
            ("station.pem", station.chain.encode()),
            ("station.key", station.key_pem),
        ):
            self.paths[name] = folder / name
            write_private(folder / name, text)

    def __getitem__(self, name: str) -> Path:
        return self.paths[name]

    def client(self, *, certificate: bool) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self["ca.pem"])
        if certificate:
            context.load_cert_chain(self["station.pem"], self["station.key"])
        return context


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files(tmp_path_factory.mktemp("csms-tls"))


async def hello(rig: Rig, context: ssl.SSLContext) -> Any:
    assert rig.csms.url.startswith("wss://")
    async with connect(f"{rig.csms.url}/S1", subprotocols=["ocpp1.6"], ssl=context, proxy=None) as socket:  # type: ignore[list-item]
        return await Station(socket, "1.6").boot()


def test_stations_connect_over_tls_and_only_with_a_certificate_if_that_is_demanded(files: Files) -> None:
    async def main() -> None:
        server = {"tls_cert": files["server.pem"], "tls_key": files["server.key"]}
        async with rig(**server) as open_to_all:
            assert (await hello(open_to_all, files.client(certificate=False)))["status"] == "Accepted"
        async with rig(**server, tls_client_ca=files["ca.pem"]) as strict:
            asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # the loop complains of the client
            assert (await hello(strict, files.client(certificate=True)))["status"] == "Accepted"
            with pytest.raises((OSError, InvalidMessage)):
                await hello(strict, files.client(certificate=False))

    run(main())


def test_an_authority_signs_and_the_certificate_follows_the_answer(files: Files) -> None:
    keys = Keystore()
    keys.make("k")
    csr = keys.csr("k", {"CN": "S1", "O": "Operator"})

    async def main() -> None:
        async with rig(ca_cert=files["ca.pem"], ca_key=files["ca.key"]) as r:
            async with r.station("S1") as s:
                await s.boot()
                assert await s.call("SignCertificate", {"csr": csr}) == {"status": "Accepted"}
                call = await s.answer({"status": "Accepted"})
                assert call[2] == "CertificateSigned" and set(call[3]) == {"certificateChain"}
                args = {"public_key": keys.public_key("k"), "common_name": "S1", "purpose": "client"}
                facts = check_chain(call[3]["certificateChain"], [files.ca.pem], NOW_US, **args)  # type: ignore[arg-type]
                assert facts["organization"] == "Operator"
                assert await s.call("SignCertificate", {"csr": "nonsense"}) == {"status": "Rejected"}
                assert "csr" in await r.rules()
            async with r.station("S2", "2.1") as s:
                await s.boot()
                kind = {"certificateType": "ChargingStationCertificate", "requestId": 7}
                assert (await s.call("SignCertificate", {"csr": csr, **kind}))["status"] == "Accepted"
                call = await s.answer({"status": "Accepted"})
                assert {name: call[3][name] for name in kind} == kind
                shown = (await r.http("GET", "/api/stations/S2"))["notices"]
                assert shown["SignCertificate"]["count"] == 1
        async with rig() as r, r.station("S1") as s:
            await s.boot()
            assert await s.call("SignCertificate", {"csr": csr}) == {"status": "Rejected"}

    run(main())


def test_options_that_do_not_go_together_or_files_that_are_none_are_said(files: Files, tmp_path: Path) -> None:
    for given in ({"tls_cert": files["ca.pem"]}, {"ca_key": files["ca.key"]}, {"tls_client_ca": files["ca.pem"]}):
        with pytest.raises(AuthorError, match=r"tls_|ca_"):
            CsmsOptions(**given)  # type: ignore[arg-type]
    broken = tmp_path / "broken"
    broken.write_text("nothing")
    for cert, key in (
        (files["server.pem"], broken),
        (broken, files["server.key"]),
        (files["server.pem"], files["ca.key"]),
        (tmp_path / "none", broken),
    ):
        with pytest.raises(AuthorError, match="tls_cert"):
            server_context(CsmsOptions(tls_cert=cert, tls_key=key))
    with pytest.raises(AuthorError, match="tls_client_ca"):
        server_context(CsmsOptions(tls_cert=files["server.pem"], tls_key=files["server.key"], tls_client_ca=broken))
    for cert, key in (
        (files["server.pem"], files["server.key"]),
        (files["ca.pem"], files["server.key"]),
        (files["ca.pem"], broken),
        (broken, files["ca.key"]),
    ):
        with pytest.raises(AuthorError, match="ca_cert"):
            authority(CsmsOptions(ca_cert=cert, ca_key=key))
    assert server_context(CsmsOptions()) is None and authority(CsmsOptions()) is None


def test_the_options_survive_the_way_into_a_child(files: Files) -> None:
    options = CsmsOptions(
        tls_cert=files["server.pem"],
        tls_key=files["server.key"],
        tls_client_ca=files["ca.pem"],
        ca_cert=files["ca.pem"],
        ca_key=files["ca.key"],
    )
    assert parse_argv(to_argv(options)) == options
