"""Quirks of the connection: how it is opened. What they change is data of the dial, carried out by the driver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import structs

from simulator.quirks.port import QuirkPort
from simulator.quirks.seams import Quirk, quirk

if TYPE_CHECKING:
    from simulator.core.effects import Dial
    from simulator.core.station import Station

_BY_URL = (
    "Accept a station by its address when the subprotocol or another upgrade header is missing or odd; make strictness"
    " configurable."
)
_IDENTITY = "Compare identities without case, take doubled path elements and empty passwords."
_CHAINS = "Serve a short public chain, let the root be uploaded, log failures of TLS by identity."
_PROTOCOL = "Pick the protocol per connection, recognise the version of a payload, offer to pin a station to 1.6."


def manner(dial: Dial, **changes: Any) -> Dial:
    """The dial with some of its manner changed."""
    return structs.replace(dial, manner=structs.replace(dial.manner, **changes))


@quirk(
    "ws-no-subprotocol-header",
    vendors=("Legacy AC (generic)", "Grizzl-E"),
    sources=("steve-community/steve#135", "sap-labs-france/ev-server#2761", "lbbrhzn/ocpp#442"),
    breaks=("handshake",),
    survive=_BY_URL,
)
class NoSubprotocol(Quirk):
    """The handshake names no subprotocol at all."""

    def dial(self, st: Station, dial: Dial) -> Dial:
        """Nothing is offered; the station takes what comes."""
        return structs.replace(dial, subprotocols=())


@quirk(
    "ws-no-upgrade-header",
    vendors=("Cahors",),
    sources=("sap-labs-france/ev-server@520c3f8c2",),
    breaks=("handshake",),
    survive=_BY_URL,
    params={"value": ("",)},
)
class NoUpgrade(Quirk):
    """The handshake has no Upgrade header, or one that does not say websocket.

    ``value``: what it says; without one there is no such header.
    """

    value: str

    def refuse_text(self, name: str, value: str) -> str | None:
        """It must fit into a header."""
        return None if value.isascii() and value.isprintable() and len(value) <= 50 else "does not fit into a header"

    def dial(self, st: Station, dial: Dial) -> Dial:
        """Another header."""
        return manner(dial, upgrade=self.value)


@quirk(
    "ws-origin-file-scheme",
    vendors=("Enercab/ELEDIO",),
    sources=("evcc-io/evcc@68cc29a96",),
    survive=_BY_URL,
)
class OriginFile(Quirk):
    """The handshake comes with the Origin file://, as from a page in a browser."""

    def dial(self, st: Station, dial: Dial) -> Dial:
        """One header more."""
        return manner(dial, headers=(*dial.manner.headers, ("Origin", "file://")))


@quirk(
    "ws-compression-option",
    vendors=("Circontrol",),
    sources=("manual: Circontrol Master/Slave, pages 66 and 67",),
    survive="Compress messages if a station offers it and you can, and know how to refuse it.",
)
class Compression(Quirk):
    """The station offers compression of messages, and compresses them when the server agrees."""

    def dial(self, st: Station, dial: Dial) -> Dial:
        """One extension."""
        return manner(dial, deflate=True)


@quirk(
    "http-probe-before-ws",
    vendors=("KEBA",),
    sources=("steve-community/steve#116",),
    survive="Answer a plain HTTP request at a station's address with any status, 400 as well, and do not count it as an"
    " attack.",
)
class HttpProbe(Quirk):
    """Before it opens a WebSocket it asks the same address by plain HTTP/1.0, and takes any answer as reachable."""

    def dial(self, st: Station, dial: Dial) -> Dial:
        """One request more."""
        return manner(dial, probe=True)


@quirk(
    "identity-case-mismatch",
    vendors=("Legacy AC (generic)",),
    sources=("steve-community/steve@02ed9345", "steve-community/steve@59a71901"),
    breaks=("handshake",),
    survive=_IDENTITY,
)
class IdentityCase(Quirk):
    """In address and user name the identity has small letters for capitals, and the other way round."""

    def dial(self, st: Station, dial: Dial) -> Dial:
        """The same letters in the other case."""
        return manner(dial, identity=st.id.swapcase())


@quirk(
    "identity-vendor-prefix-lowercase",
    vendors=("Tritium",),
    sources=("public: README of a Node-RED node for OCPP", "public: blog of a charging network"),
    breaks=("handshake",),
    survive="Register stations under the identity they dial with, and do not expect a scheme of your own in it.",
    params={"prefix": ("veefil-",), "first": (48_310, 0, 99_999_999)},
)
class IdentityFactory(Quirk):
    """It connects under the identity of its factory, the old name of the maker in small letters and a number.

    ``prefix``: the name. ``first``: the number of the first station, those after it count on.
    """

    prefix: str
    first: int

    def dial(self, st: Station, dial: Dial) -> Dial:
        """A name of its own."""
        return manner(dial, identity=f"{self.prefix}{self.first + st.number}")


@quirk(
    "url-identity-in-path",
    vendors=("Wallbox",),
    sources=("evcc-io/evcc#10371",),
    breaks=("handshake",),
    survive=_IDENTITY,
)
class IdentityTwice(Quirk):
    """The identity stands in the address two times, as the last two elements of its path."""

    def dial(self, st: Station, dial: Dial) -> Dial:
        """Once more."""
        return manner(dial, path="{id}/{id}")


@quirk(
    "url-serial-auto-appended",
    vendors=("EN+",),
    sources=("lbbrhzn/ocpp:docs/supported-devices.md",),
    breaks=("handshake",),
    survive=_IDENTITY,
)
class SerialAppended(Quirk):
    """The serial is appended to the address, behind the identity."""

    def dial(self, st: Station, dial: Dial) -> Dial:
        """One element more."""
        return manner(dial, path="{id}/{serial}")


@quirk(
    "auth-empty-password-required",
    vendors=("Wallbox",),
    sources=("lbbrhzn/ocpp:docs/supported-devices.md",),
    breaks=("handshake",),
    survive=_IDENTITY,
)
class EmptyPassword(Quirk):
    """It logs in by user name with an empty password, whatever the security profile."""

    def dial(self, st: Station, dial: Dial) -> Dial:
        """Basic authentication without a password."""
        return manner(dial, blank_password=True)


@quirk(
    "tls-silent-drop-without-ca",
    vendors=("Autel",),
    sources=("lbbrhzn/ocpp:docs/supported-devices.md",),
    breaks=("gets_in",),
    survive=_CHAINS,
)
class SilentTls(Quirk):
    """Unless a root was given to it, it leaves a TLS handshake without a word: no public root is known to it."""

    def dial(self, st: Station, dial: Dial) -> Dial:
        """Only its own store counts, and no alert is sent."""
        return manner(dial, own_trust=True, silent_tls=True)


@quirk(
    "tls-ca-limited",
    vendors=("KEBA",),
    sources=("steve-community/steve#116",),
    breaks=("gets_in",),
    survive=_CHAINS,
    fixed_in="1.9",
    params={"max_bytes": (1_500, 1, 100_000)},
)
class CaLimited(Quirk):
    """Public chains are not trusted, and a root to be installed fails when it is too large for the station.

    ``max_bytes``: the largest certificate it takes, as text.
    """

    max_bytes: int

    def dial(self, st: Station, dial: Dial) -> Dial:
        """Only its own store counts."""
        return manner(dial, own_trust=True)

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """Too large."""
        if action != "InstallCertificate" or len(req.certificate) <= self.max_bytes:
            return None
        return QuirkPort(st, self).answer(message_id, st.dialect.messages.InstallCertificateResponse(status="Failed"))


@quirk(
    "v201-subprotocol-16-messages",
    vendors=("FoxESS",),
    sources=("lbbrhzn/ocpp:docs/supported-devices.md", "lbbrhzn/ocpp#2008"),
    breaks=("handshake",),
    survive=_PROTOCOL,
    params={"subprotocol": ("ocpp2.0.1",)},
)
class OtherSubprotocol(Quirk):
    """It agrees with a server that can do so on the newer protocol, and then speaks the older one.

    ``subprotocol``: what it offers before its own.
    """

    subprotocol: str

    def dial(self, st: Station, dial: Dial) -> Dial:
        """Only where the older messages are spoken."""
        older = hasattr(st.dialect.messages, "StartTransactionRequest")
        return structs.replace(dial, subprotocols=(self.subprotocol, *dial.subprotocols)) if older else dial
