"""How a connection is opened, with and without: the request a live driver would send, byte for byte."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.core.records import Connected, ConnectFailed
from simulator.errors import AuthorError
from simulator.fleet.connection import DialSpec
from simulator.fleet.manner import in_manner
from simulator.lab.security import Door
from simulator.quirks import compile_quirks, connect_open
from simulator.wire.websocket import WebSocketClient
from tests.quirks.rig import Bench, build, compare
from tests.secure import authority, server_chain

USUAL = {"request": "GET /ocpp/CP1 HTTP/1.1", "Upgrade": "websocket", "Sec-WebSocket-Protocol": "ocpp1.6"}


def request(b: Bench) -> dict[str, str]:
    """Line and headers of the first handshake, the usual ones that no quirk touches left out."""
    b.smoke()
    dial = b.dials[0][1]
    spec = DialSpec(url="ws://csms.example/ocpp/CP1", subprotocols=dial.subprotocols)
    spec = in_manner(spec, "CP1", "S00000", dial.manner)
    auth = (("Authorization", ":".join(map(str, spec.basic_auth))),) if spec.basic_auth else ()
    client = WebSocketClient(
        spec.url, subprotocols=spec.subprotocols, headers=(*spec.manner.headers, *auth), user_agent="x",
        upgrade=spec.manner.upgrade, deflate=spec.manner.deflate,
    )  # fmt: skip
    line, *rest = client.start().decode().strip().split("\r\n")
    headers = dict(row.split(": ", 1) for row in rest)
    dull = ("Host", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "User-Agent")
    return {"request": line} | {name: value for name, value in headers.items() if name not in dull}


@pytest.mark.parametrize(
    ("name", "params", "changes"),
    [
        ("ws-no-subprotocol-header", {}, {"Sec-WebSocket-Protocol": None}),
        ("ws-no-upgrade-header", {}, {"Upgrade": None}),
        ("ws-no-upgrade-header", {"value": "WebSockets"}, {"Upgrade": "WebSockets"}),
        ("ws-origin-file-scheme", {}, {"Origin": "file://"}),
        (
            "ws-compression-option",
            {},
            {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"},
        ),
        ("identity-case-mismatch", {}, {"request": "GET /ocpp/cp1 HTTP/1.1"}),
        ("identity-vendor-prefix-lowercase", {}, {"request": "GET /ocpp/veefil-48310 HTTP/1.1"}),
        ("url-identity-in-path", {}, {"request": "GET /ocpp/CP1/CP1 HTTP/1.1"}),
        ("url-serial-auto-appended", {}, {"request": "GET /ocpp/CP1/S00000 HTTP/1.1"}),
        ("auth-empty-password-required", {}, {"Authorization": "CP1:"}),
    ],
)
def test_the_handshake(name: str, params: dict[str, Any], changes: dict[str, str | None]) -> None:
    expected = {key: value for key, value in {**USUAL, **changes}.items() if value is not None}
    b = compare(name, request, without=USUAL, with_=expected, params=params)
    assert len(b.fleet.recorded(Connected)) == 1 and b.csms.transactions, "whatever it is, it works"


def test_a_request_before_the_handshake() -> None:
    def scenario(b: Bench) -> tuple[bool, int]:
        b.boot()
        (connected,) = b.fleet.recorded(Connected)
        return b.dials[0][1].manner.probe, connected.took_us

    compare("http-probe-before-ws", scenario, without=(False, 20_000), with_=(True, 40_000))


def test_what_cannot_stand_in_a_header_is_refused() -> None:
    with pytest.raises(AuthorError, match="does not fit into a header"):
        compile_quirks([("ws-no-upgrade-header", {"value": "a\r\nb"})])
    assert connect_open.manner.__doc__


def test_the_other_subprotocol() -> None:
    def scenario(b: Bench) -> tuple[tuple[str, ...], str]:
        b.csms.also = ("ocpp2.0.1",)
        b.smoke()
        return b.dials[0][1].subprotocols, b.calls()[0].action

    compare(
        "v201-subprotocol-16-messages", scenario,
        without=(("ocpp1.6",), "BootNotification"), with_=(("ocpp2.0.1", "ocpp1.6"), "BootNotification"),
    )  # fmt: skip
    newer = Bench(build("v201-subprotocol-16-messages", version="2.1")).boot()
    assert newer.dials[0][1].subprotocols == ("ocpp2.1",) and newer.calls()


def test_a_server_that_does_not_speak_it_gets_the_older_one() -> None:
    b = Bench(build("v201-subprotocol-16-messages")).smoke()
    assert b.csms.transactions and b.fleet.recorded(ConnectFailed) == []


@pytest.mark.parametrize(("name", "silent"), [("tls-silent-drop-without-ca", True), ("tls-ca-limited", False)])
def test_a_public_chain_is_not_trusted(name: str, silent: bool) -> None:
    def scenario(b: Bench) -> tuple[int, bool]:
        root, password = authority("operator").pem, frozenset({"secret"})
        b.fleet.paths[0].door = Door(frozenset({2}), server_chain(), passwords=password, trust=root, password="secret")
        b.boot(100)
        return len(b.calls()), b.dials[0][1].manner.silent_tls

    heard = lambda found: found[0] > 1 and not found[1]  # noqa: E731
    compare(name, scenario, without=heard, with_=(0, silent), settings={"SecurityProfile": 2})


def test_a_root_that_is_too_large_cannot_be_installed() -> None:
    b = Bench(build("tls-ca-limited")).boot()
    root = authority("operator").pem
    answer = b.ask("InstallCertificate", certificateType="CentralSystemRootCertificate", certificate=root * 3)
    assert answer == {"status": "Failed"}
