"""CONNECT through a proxy: what is sent, what opens the tunnel, what refuses it."""

from __future__ import annotations

import pytest

from simulator.wire.proxy import ProxyRefused, Tunnel, parse_proxy


def test_the_request_names_the_target_and_carries_the_credentials() -> None:
    plain = Tunnel("csms.example", 443, None, "cpfarm/1").request()
    assert plain == b"CONNECT csms.example:443 HTTP/1.1\r\nHost: csms.example:443\r\nUser-Agent: cpfarm/1\r\n\r\n"
    with_password = Tunnel("::1", 80, ("Aladdin", "open sesame"), "cpfarm/1").request()
    assert b"CONNECT [::1]:80 " in with_password
    assert b"Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n" in with_password  # RFC 7617 section 2


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_the_tunnel_opens_with_any_2xx_and_loses_nothing(size: int) -> None:
    stream = b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\nfirst bytes"
    tunnel = Tunnel("h", 1, None, "")
    got = b""
    opened = False
    for begin in range(0, len(stream), size):
        piece = stream[begin : begin + size]
        if opened:
            got += piece
        elif (rest := tunnel.receive(piece)) is not None:
            opened, got = True, rest
    assert opened and got == b"first bytes"


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", 407),
        (b"HTTP/1.0 502 Bad Gateway\r\nX: y\r\n\r\n", 502),
        (b"HTTP/1.1 403\r\n\r\n", 403),
        (b"\x15\x03\x03\x00\x02", 0),
        (b"SSH-2.0-x\r\n", 0),
        (b"HTTP/2 200 OK\r\n\r\n", 0),
        (b"HTTP/1.1 abc\r\n\r\n", 0),
        (b"HTTP/1.1 200 OK\r\n" + b"a" * 20_000, 0),
    ],
)
def test_what_opens_no_tunnel(answer: bytes, status: int) -> None:
    with pytest.raises(ProxyRefused) as caught:
        Tunnel("h", 1, None, "").receive(answer)
    assert caught.value.status == status and caught.value.detail


def test_addresses_of_proxies() -> None:
    assert parse_proxy("http://proxy:3128").port == 3128
    assert parse_proxy("http://proxy").port == 8080
    given = parse_proxy("http://us%40er:p%3Ass@[::1]:1/")
    assert (given.host, given.port, given.credentials) == ("::1", 1, ("us@er", "p:ss"))
    assert "p:ss" not in repr(given)


@pytest.mark.parametrize(
    "url", ["https://p:1", "socks5://p:1", "p:3128", "http://", "http://p:x", "http://p:0", "http://u:secret@p:1/path"]
)
def test_what_is_no_proxy_is_refused_without_being_quoted(url: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_proxy(url)
    assert "secret" not in str(caught.value)
