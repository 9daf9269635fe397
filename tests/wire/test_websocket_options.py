"""What a product does otherwise in its handshake, and compression. Module under test: simulator.wire.websocket."""

from __future__ import annotations

from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.server import ServerProtocol

from simulator.wire.websocket import Opened, Pinged, Text
from tests.wire.test_websocket import agree, client


def test_compression_is_offered_used_and_taken_when_the_server_agrees() -> None:
    assert b"permessage-deflate" not in client().start()
    server = ServerProtocol(extensions=[ServerPerMessageDeflateFactory()])
    c = client(deflate=True, subprotocols=())
    server.receive_data(c.start())
    (request,) = server.events_received()
    server.send_response(server.accept(request))  # type: ignore[arg-type]
    assert c.receive(b"".join(server.data_to_send())) == [Opened(None)]
    for text in (b"[1]" * 100, b"[1]" * 100, b""):
        data = c.send_text(text)
        assert data[0] == 0xC1 and len(data) < 40
        server.receive_data(data)
        (heard,) = server.events_received()
        assert heard.data == text  # type: ignore[union-attr]
        server.send_text(text)
        server.send_ping(b"?")
        assert c.receive(b"".join(server.data_to_send())) == [Text(text), Pinged()] and c.pending()[0] == 0x8A
    refused = client(deflate=True)
    assert refused.receive(agree(refused.start())) == [Opened("ocpp1.6")]
    assert refused.send_text(b"plain")[0] == 0x81


def test_the_upgrade_header_is_what_it_is_told_to_be() -> None:
    assert b"Upgrade: websocket\r\n" in client().start()
    assert b"Upgrade: WebSockets\r\n" in client(upgrade="WebSockets").start()
    assert b"\r\nUpgrade:" not in client(upgrade="").start()
