"""The way from the station to its CSMS beyond its own modem: carrier, routers, proxies, name servers.

The port is asked at five places: how long a message is held up on its way, whether the station reads at all, whether a
dial gets anywhere, whether an answer still comes through, and whether the connection has to end now. Both drivers carry
out what it says: the virtual one by moving events, the live one by holding bytes back and by not reading its socket. A
dial that fails here never leaves the station, because a name that is not resolved or a certificate that is not believed
is decided on this side; a CSMS sees nothing of it.

What a network does to packets, TCP hides: a lost packet is a pause, a packet that comes twice is nothing at all. What a
CSMS does get twice is a *message* that the station repeats because the connection broke before the answer: that is
``network.answer_lost``.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from simulator.hardware.fault import Fault, Part, fault

_MS, _SECOND_US = 1_000, 1_000_000
#: a packet that is lost so often in a row gets through all the same; TCP would give up much later
_RETRIES = 6


class Cut(msgspec.Struct, frozen=True, gc=False):
    """How an open connection ends now: ``reset``, ``close`` with a code, or ``vanish`` without the station noticing."""

    how: str
    code: int = 0


class NetworkFault(Fault):
    """Base of faults of the network; what it holds up it holds up in both directions."""

    component = "DataLink"

    def hold_us(self, number: int) -> int:
        """How much longer message ``number`` is on its way."""
        return 0

    def reads_at(self, now: int) -> int:
        """From when on what has arrived is read; ``now`` or earlier: at once."""
        return now

    def dial(self) -> tuple[str, int] | None:
        """The cause with which a dial fails and after how long (us); None when it does not."""
        return None

    def loses(self, number: int) -> bool:
        """Does the connection break before this answer is here?"""
        return False

    def traffic(self, now: int) -> None:
        """Something passes."""

    def due(self, now: int) -> Cut | None:
        """Does the connection end by itself now?"""
        return None


class Network(Part[NetworkFault], gc=False, eq=False):
    """``address`` counts how often the station got another address; ``cut`` is the end of the connection that is due;
    ``number`` counts messages."""

    address: int = 0
    number: int = 0
    cut: Cut | None = None

    def hold_us(self) -> int:
        """How much longer the next message, either way, is on its way."""
        self.number += 1
        return sum(one.hold_us(self.number) for one in self.faults)

    def reads_at(self, now: int) -> int:
        """From when on the station reads what has arrived."""
        return max((one.reads_at(now) for one in self.faults), default=now)

    def dial(self) -> tuple[str, int] | None:
        """The cause with which a dial fails and after how long (us), or None."""
        for one in self.faults:
            found = one.dial()
            if found is not None:
                return found
        return None

    def loses(self) -> bool:
        """Does the connection break before the answer that has just come is read?"""
        lost = [one.loses(self.number) for one in self.faults]  # each of them counts what it sees
        return any(lost)

    def traffic(self, now: int) -> None:
        """A message or a ping passes."""
        for one in self.faults:
            one.traffic(now)

    def refresh(self, now: int) -> None:
        """Has the time come for a connection to end?"""
        for one in self.faults:
            found = one.due(now)
            if found is not None:
                self.end(found)

    def end(self, cut: Cut) -> None:
        """The connection is to end now."""
        self.cut = cut
        self.pulse.beat()


_AGAIN = "takes the station back at once, even before it has noticed the end of the old connection; no session is lost"
_PATIENCE = "keeps its own time-outs longer than this, never answers a call twice, and takes messages in order"


@fault("network.latency")
class Latency(NetworkFault):
    """Every message takes longer, one more than the other; their order stays."""

    wire16 = "messages and answers come late, each by another time"
    wire2x = "messages and answers come late, each by another time"
    sound_csms = _PATIENCE

    latency_ms: Annotated[int, Meta(ge=0, le=60_000, description="added each way")] = 300
    jitter_ms: Annotated[int, Meta(ge=0, le=60_000, description="at most so much more, by lot")] = 200

    def hold_us(self, number: int) -> int:
        """Fixed part and lot."""
        return int((self.latency_ms + self.jitter_ms * self.lot("jitter", number)) * _MS)


@fault("network.loss")
class Loss(NetworkFault):
    """Packets get lost: TCP sends them again after a pause that doubles, and everything behind them waits."""

    wire16 = "pauses of parts of a second up to many seconds, then several messages at once"
    wire2x = "pauses of parts of a second up to many seconds, then several messages at once"
    sound_csms = _PATIENCE

    loss_share: Annotated[float, Meta(ge=0.0, le=0.9, description="share of the messages that lose a packet")] = 0.05
    retransmit_ms: Annotated[int, Meta(ge=1, le=10_000, description="pause before the first repetition")] = 300

    def hold_us(self, number: int) -> int:
        """The pauses of as many losses in a row as the lot says (RFC 6298, 5.5: each twice as long)."""
        lost = 0
        while lost < _RETRIES and self.lot(f"loss{lost}", number) < self.loss_share:
            lost += 1
        return ((1 << lost) - 1) * self.retransmit_ms * _MS


@fault("network.slow_read")
class SlowRead(NetworkFault):
    """The station reads its connection only now and then; between times the CSMS's bytes pile up."""

    moves = True
    wire16 = "requests and answers of the CSMS are taken late and many at a time; TCP's window closes"
    wire2x = "requests and answers of the CSMS are taken late and many at a time; TCP's window closes"
    sound_csms = "bounds what it keeps for one slow station, and lets no other wait for it"

    pause_s: Annotated[float, Meta(ge=0.1, le=3_600.0, description="how long it does not read")] = 8.0
    read_s: Annotated[float, Meta(ge=0.01, le=3_600.0, description="how long it reads then")] = 0.5

    def reads_at(self, now: int) -> int:
        """The end of the pause."""
        reading, until = self.duty(self.read_s, self.pause_s, 0.0, now)
        return now if reading else until

    def next_change(self, now: int) -> int | None:
        """The next begin or end of a pause."""
        return self.duty(self.read_s, self.pause_s, 0.0, now)[1]


@fault("network.reset")
class Reset(NetworkFault):
    """The connection breaks once with a TCP reset."""

    wire16 = "the connection ends without a Close frame; the station dials again"
    wire2x = "the connection ends without a Close frame; the station dials again"
    sound_csms = _AGAIN

    def begin(self, part: Network, now: int) -> None:
        """Now."""
        part.end(Cut("reset"))


@fault("network.closed")
class Closed(NetworkFault):
    """Something on the way, or the station's own stack, closes the connection once with this code."""

    wire16 = "a Close frame with this code from the station's side; the station dials again"
    wire2x = "a Close frame with this code from the station's side; the station dials again"
    sound_csms = f"answers the Close with the same code (RFC 6455, 5.5.1), whatever it is; {_AGAIN}"

    code_number: Annotated[
        Literal[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4000, 4999],
        Meta(description="the close code (RFC 6455, 7.4)"),
    ] = 1001

    def begin(self, part: Network, now: int) -> None:
        """Now."""
        part.end(Cut("close", self.code_number))


@fault("network.address_change")
class AddressChange(NetworkFault):
    """The station gets another address, as from a mobile carrier at night: its connection breaks, and it comes back."""

    wire16 = "a reset, then a connection from another source address, where the target names several"
    wire2x = "a reset, then a connection from another source address, where the target names several"
    sound_csms = f"knows a station by its id and credentials, not by its address; {_AGAIN}"

    def begin(self, part: Network, now: int) -> None:
        """Now."""
        part.address += 1
        part.end(Cut("reset"))


@fault("network.answer_lost")
class AnswerLost(NetworkFault):
    """The connection breaks after the CSMS has answered and before the answer is there: the message comes again."""

    wire16 = "a transaction message that was answered comes once more, with another message id, after a reconnect"
    wire2x = "a TransactionEvent that was answered comes once more, with the same seqNo, after a reconnect"
    sound_csms = (
        "knows the repetition by transaction and seqNo (newer, E04) or by connector, time and register (older, 3.7),"
        " and does not count it again"
    )

    answers: Annotated[int, Meta(ge=0, le=1_000_000, description="how many are lost; 0 is all of them")] = 1
    share: Annotated[float, Meta(ge=0.0, le=1.0, description="share of the answers, by lot")] = 1.0
    done: int = 0
    seen: int = 0

    def loses(self, number: int) -> bool:
        """By lot, until it was often enough."""
        if self.answers and self.done >= self.answers:
            return False
        self.seen += 1
        lost = self.lot("answer", self.seen) < self.share
        self.done += lost
        return lost


@fault("network.idle_cut")
class IdleCut(NetworkFault):
    """A proxy or router forgets a connection on which nothing has passed for a while; pings count as traffic."""

    moves = True
    wire16 = "the connection ends after a silence of that length, again and again on a quiet station"
    wire2x = "the connection ends after a silence of that length, again and again on a quiet station"
    sound_csms = f"pings more often than that, or lets the station do so (WebSocketPingInterval); {_AGAIN}"

    idle_s: Annotated[float, Meta(ge=0.1, le=86_400.0, description="silence after which it is cut")] = 60.0
    how: Annotated[Literal["reset", "silent"], Meta(description="with a reset, or so that neither side is told")] = (
        "reset"
    )
    last_us: int = 0

    def begin(self, part: Network, now: int) -> None:
        """The silence counts from here."""
        self.last_us = now

    def traffic(self, now: int) -> None:
        """The silence is over."""
        self.last_us = now

    def next_change(self, now: int) -> int | None:
        """The end of its patience."""
        return self.last_us + int(self.idle_s * _SECOND_US)

    def due(self, now: int) -> Cut | None:
        """Nothing has passed for so long; a new silence begins."""
        if now < self.last_us + int(self.idle_s * _SECOND_US):
            return None
        self.last_us = now
        return Cut("reset" if self.how == "reset" else "vanish")


@fault("network.dns_failure")
class DnsFailure(NetworkFault):
    """Names cannot be resolved: who is connected stays so, who dials gets nowhere."""

    wire16 = "no new connection until the end; the station dials again and again"
    wire2x = "no new connection until the end; the station dials again and again"
    sound_csms = "cannot help; it copes with all stations that come back at the same moment"

    def dial(self) -> tuple[str, int] | None:
        """No such name, after the resolver's two tries."""
        return "dns", 5 * _SECOND_US


@fault("network.tls_failure")
class TlsFailure(NetworkFault):
    """TLS cannot be agreed on, because of a box in between or of the station's own trust; dials get nowhere."""

    wire16 = "no new connection until the end; the station dials again and again"
    wire2x = "no new connection until the end; the station dials again and again"
    sound_csms = "cannot help; it copes with all stations that come back at the same moment"

    cause: Annotated[
        Literal["server_cert", "version", "cipher", "client_cert"],
        Meta(description="what they do not agree on: certificate of the CSMS, version, cipher, station's certificate"),
    ] = "server_cert"

    def dial(self) -> tuple[str, int] | None:
        """In the middle of the handshake."""
        return "tls_" + self.cause, 200 * _MS


@fault("network.unreachable")
class Unreachable(NetworkFault):
    """The way to the CSMS is closed to new connections: refused at once, or without any answer."""

    wire16 = "no new connection until the end; the station dials again and again"
    wire2x = "no new connection until the end; the station dials again and again"
    sound_csms = "cannot help; it copes with all stations that come back at the same moment"

    answer: Annotated[Literal["refused", "timeout"], Meta(description="what a dial meets")] = "refused"

    def dial(self) -> tuple[str, int] | None:
        """A word, or none within the time a station waits."""
        return ("refused", 50 * _MS) if self.answer == "refused" else ("timeout", 30 * _SECOND_US)
