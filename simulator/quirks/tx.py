"""Quirks of transactions: registers, ids, tokens, and messages that come twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET, structs

from simulator.blocks import authorization, device_model, transaction_record
from simulator.core.reports import TransactionEnded, TransactionStarted
from simulator.quirks.deeds import answer
from simulator.quirks.payload import get, put
from simulator.quirks.port import QuirkPort
from simulator.quirks.seams import Quirk, quirk

if TYPE_CHECKING:
    from simulator.core.reports import Report
    from simulator.core.station import Station

_TOKENS = (
    "Normalise tokens (case, separators) and map the tokens of the stations themselves to an account of their own."
)
_STARTS = ("RemoteStartTransaction", "RequestStartTransaction")
_TOKEN_MESSAGES = ("Authorize", "StartTransaction", "StopTransaction")
#: the largest signed 64-bit number
BOGUS_ID = (1 << 63) - 1


@quirk(
    "tx-meterstart-always-zero",
    vendors=("ABB Terra AC", "Tritium"),
    sources=(
        "lbbrhzn/ocpp#169",
        "mobilityhouse/ocpp#186",
        "public: a session of a US network in a blog of its operator",
    ),
    breaks=("register_never_falls",),
    survive="Bill on meterStop minus meterStart only after sanity checks; know for each station whether its register"
    " counts sessions or its life.",
)
class MeterStartZero(Quirk):
    """meterStart is 0 on every StartTransaction."""

    def report(self, st: Station, report: Report) -> Report:
        """Whatever the register says."""
        return structs.replace(report, register_wh=0.0) if isinstance(report, TransactionStarted) else report


@quirk(
    "tx-start-resent-on-reconnect",
    vendors=("ABB Terra AC",),
    sources=("mobilityhouse/ocpp#186",),
    breaks=("one_start", "every_fate"),
    survive="Make StartTransaction idempotent on connector, token, timestamp and register; give the same id again.",
)
class StartResent(Quirk):
    """After a lost connection the start of the running transaction is sent again, with its first timestamp."""

    def report(self, st: Station, report: Report) -> Report:
        """Keep the start as long as its transaction runs."""
        memory = QuirkPort(st, self).memory
        if isinstance(report, TransactionStarted):
            memory[report.evse_id] = report
        elif isinstance(report, TransactionEnded):
            memory.pop(report.evse_id, None)
        return report

    def moment(self, st: Station, name: str, now: int) -> None:
        """The connection is back, and the CSMS knows the transaction already."""
        if name != "link_up" or st.gate != "accepted":
            return
        port = QuirkPort(st, self)
        for evse in st.evses:
            report = port.memory.get(evse.evse_id)
            if report is not None and transaction_record.csms_id(st, report.key) is not None:
                port.publish(report)


@quirk(
    "idtag-equals-serial",
    vendors=("Alfen",),
    sources=("steve-community/steve#1347", "evcc-io/evcc#5021"),
    survive=_TOKENS,
    params={"key": ("PlugAndChargeIdentifier",)},
)
class TokenIsSerial(Quirk):
    """Sessions that start without a token carry the station's own serial, or what its identifier key says."""

    key: str

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """In the place of the token for free charging."""
        if action not in _TOKEN_MESSAGES or get(payload, "idTag") != st.model.free_vend_token:
            return payload
        return put(payload, id_tag=own_identifier(st, self.key)[:20])

    def answer(self, st: Station, action: str, reply: Any, message_id: str) -> Any:
        """The key reads as what is used."""
        return show_identifier(st, self.key, reply) if action == "GetConfiguration" else reply


def own_identifier(st: Station, key: str) -> str:
    """The token a station has of its own: the value of ``key`` if there is one, else its serial, else its id."""
    row = device_model.read_key(st, key)
    if row is not None and row[1]:
        return row[1]
    return device_model.serial_of(st) or st.id


def show_identifier(st: Station, key: str, reply: Any) -> Any:
    """A list of configuration keys in which an empty ``key`` shows the station's own token."""
    if reply.configuration_key is UNSET:
        return reply
    rows = [
        structs.replace(row, value=own_identifier(st, key)) if row.key == key and not row.value else row
        for row in reply.configuration_key
    ]
    return structs.replace(reply, configuration_key=rows)


@quirk(
    "txid-int64-max",
    vendors=("Alfen",),
    sources=("lorenzodonini/ocpp-go#188", "lbbrhzn/ocpp#361", "steve-community/steve#740", "mobilityhouse/ocpp#617"),
    breaks=("own_transaction_id",),
    survive="Read ids as 64-bit numbers and find the session by connector; give out ids from 1 to 2^31-1 only.",
    params={"after": (2, 0, 10_000)},
    fixed_in="6.0",
)
class IdFlips(Quirk):
    """In the middle of a session MeterValues change to the transaction id 2^63-1.

    Firmware about 5.4 to 5.8; gone with 6.0, says the maker. ``after``: that many are right.
    """

    after: int

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """Count the messages of the present transaction."""
        known = get(payload, "transactionId") if action == "MeterValues" else None
        if not isinstance(known, int):
            return payload
        memory = QuirkPort(st, self).memory
        connector = get(payload, "connectorId")
        seen, count = memory.get(connector, (None, 0))
        count = count + 1 if seen == known else 1
        memory[connector] = (known, count)
        return payload if count <= self.after else put(payload, transaction_id=BOGUS_ID)


@quirk(
    "tx-store-overflow",
    vendors=("Alfen",),
    sources=("lorenzodonini/ocpp-go#188",),
    breaks=("own_transaction_id", "stoppable"),
    survive="Find the session by connector when the id is unknown, and answer Accepted; alarm when a stop is refused.",
    params={"capacity": (4_100, 0, 1_000_000)},
    fixed_in="6.0",
)
class StoreOverflow(Quirk):
    """Once the store of past transactions is full, every later one has the id 2^63-1 and cannot be stopped remotely.

    ``capacity``: transactions until then (firmware 5.8; said to be gone with 6.0).
    """

    capacity: int

    def _full(self, st: Station) -> bool:
        return int(st.board.flash.get("facts", transaction_record.COUNTER) or 0) > self.capacity

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """The id that is always the same."""
        if action in ("MeterValues", "StopTransaction") and isinstance(get(payload, "transactionId"), int):
            return put(payload, transaction_id=BOGUS_ID) if self._full(st) else payload
        return payload

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """No transaction is found."""
        if action != "RemoteStopTransaction" or not self._full(st):
            return None
        reply = st.dialect.messages.RemoteStopTransactionResponse(status="Rejected")
        return QuirkPort(st, self).answer(message_id, reply)


@quirk(
    "tx-second-session-dead-until-reboot",
    vendors=("Wallbox",),
    sources=("evcc-io/evcc#24183",),
    breaks=("token_asked",),
    survive="Alarm when a plugged-in car gets no session; a reset by the CSMS helps.",
)
class SecondSessionDead(Quirk):
    """After the first session no other one works until the station is rebooted (Commander 2, firmware 6.7.33).

    A token at the reader has no effect any more, and a remote start is rejected.
    """

    def report(self, st: Station, report: Report) -> Report:
        """The first end is the end: the station takes every reader for busy with a token that is never decided on."""
        if isinstance(report, TransactionEnded):
            QuirkPort(st, self).memory["dead"] = True
            authorization.deafen(st)
        return report

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """No remote start either."""
        dead = action in _STARTS and QuirkPort(st, self).memory.get("dead")
        return answer(st, self, action, message_id, "Rejected") if dead else None
