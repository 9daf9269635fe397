"""Quirks of the numbers and tokens in transaction messages: wrong ids, other ids, spoilt tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET, structs

from simulator.blocks import transaction_record
from simulator.core.reports import TransactionReport, TransactionStarted
from simulator.quirks.deeds import answer, note, noted
from simulator.quirks.payload import edit, get, plain, put
from simulator.quirks.port import QuirkPort
from simulator.quirks.seams import Quirk, quirk

if TYPE_CHECKING:
    from simulator.core.reports import Report
    from simulator.core.station import Station

_RESOLVE = (
    "Find the session of a stop by its connector when the id is 0, -1, null, unknown or old, and answer Accepted."
)
_RANGE = "Read ids as 64-bit numbers, give out ids from 1 to 2^31-1 only, and never the same one twice."
_TOKENS = (
    "Normalise tokens (case, separators) and map the tokens of the stations themselves to an account of their own."
)
START, STOP, VALUES = "StartTransaction", "StopTransaction", "MeterValues"
#: what stands for the id that the CSMS never gave
_NO_ID = -1
#: the first number that has no place in a signed 32-bit integer
_TOO_LARGE = 1 << 31
#: transactions and tokens that are kept in mind at a time
_KEPT = 8


@quirk(
    "tx-stop-null-transaction-id",
    vendors=("Legacy AC (generic)",),
    sources=("steve-community/steve:src/main/java/de/rwth/idsg/steve/ocpp/ws/JsonObjectMapper.java",),
    breaks=("own_transaction_id", "schema"),
    survive=_RESOLVE,
)
class StopWithNull(Quirk):
    """When StartTransaction was answered by an error, StopTransaction has the transactionId null."""

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """Where others say -1."""
        if action != STOP or get(payload, "transactionId") != _NO_ID:
            return payload
        return {**plain(payload), "transactionId": None}


@quirk(
    "tx-stop-transaction-id-zero",
    vendors=("Legacy AC (generic)", "Delta"),
    sources=(
        "steve-community/steve#1569",
        "sap-labs-france/ev-server:src/server/ocpp/services/OCPPService.ts",
        "sap-labs-france/ev-server@09369ac93",
    ),
    breaks=("own_transaction_id",),
    survive=_RESOLVE,
)
class StopWithZero(Quirk):
    """StopTransaction of a session whose start was never answered has the transactionId 0."""

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """Where others say -1."""
        unknown = action == STOP and get(payload, "transactionId") == _NO_ID
        return put(payload, transaction_id=0) if unknown else payload


@quirk(
    "tx-stop-transaction-id-minus-one",
    vendors=("Legacy AC (generic)",),
    sources=("steve-community/steve#292", "EVerest/libocpp#495"),
    breaks=("own_transaction_id",),
    survive=_RESOLVE,
)
class StopWithMinusOne(Quirk):
    """A session that began offline is stopped with the transactionId -1, although the CSMS has given it one since."""

    def report(self, st: Station, report: Report) -> Report:
        """Remember which began offline."""
        if isinstance(report, TransactionStarted) and report.offline:
            note(st, self, report.key)
        return report

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """Is it one of those?"""
        known = get(payload, "transactionId") if action == STOP else UNSET
        if any(transaction_record.csms_id(st, key) == str(known) for key in noted(st, self)):
            return put(payload, transaction_id=_NO_ID)
        return payload


@quirk(
    "txid-older-than-last-issued",
    vendors=("Simpson & Partners",),
    sources=("lbbrhzn/ocpp#1749",),
    breaks=("samples_in_session",),
    survive=_RESOLVE,
)
class OldId(Quirk):
    """MeterValues name the transaction before the present one."""

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """Keep the last two ids in mind."""
        known = get(payload, "transactionId") if action in (VALUES, STOP) else UNSET
        if not isinstance(known, int) or known < 0:
            return payload
        memory = QuirkPort(st, self).memory
        before, present = memory.get("ids", (None, None))
        if known != present:
            before, present = memory["ids"] = (present, known)
        return payload if before is None or action == STOP else put(payload, transaction_id=before)


@quirk(
    "txid-self-assigned",
    vendors=("Etrel",),
    sources=("lbbrhzn/ocpp:docs/supported-devices.md", "lbbrhzn/ocpp#1000"),
    breaks=("own_transaction_id",),
    survive=_RESOLVE,
    params={"first": (100_001, 1, 2_000_000_000)},
)
class OwnNumbers(Quirk):
    """The station numbers its transactions by itself, whatever id the CSMS gives.

    ``first``: its first number.
    """

    first: int

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """The same number in all messages of a transaction, on flash while it is among the last few."""
        known = get(payload, "transactionId") if action in (VALUES, STOP) else UNSET
        if not isinstance(known, int) or known < 0:
            return payload
        numbers = dict(noted(st, self))
        if known not in numbers:
            numbers[known] = max((number + 1 for number in numbers.values()), default=self.first)
            note(st, self, (known, numbers[known]))
        return put(payload, transaction_id=numbers[known])


@quirk(
    "txid-signed-int32-only",
    vendors=("Schneider",),
    sources=("sap-labs-france/ev-server@6e0cfa732", "sap-labs-france/ev-server@9445c99c6"),
    breaks=("own_transaction_id", "stoppable"),
    survive=_RANGE,
)
class SignedIds(Quirk):
    """An id of 2^31 or more is kept as a negative number, and a remote stop that names it is rejected."""

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """Cut to 32 bits, the first of which is the sign."""
        known = get(payload, "transactionId") if action in (VALUES, STOP) else UNSET
        if not isinstance(known, int) or known < _TOO_LARGE:
            return payload
        return put(payload, transaction_id=(known + _TOO_LARGE) % (2 * _TOO_LARGE) - _TOO_LARGE)

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """No such transaction."""
        unknown = action == "RemoteStopTransaction" and req.transaction_id >= _TOO_LARGE
        return answer(st, self, action, message_id, "Rejected") if unknown else None


# -- tokens


class TokenChange(Quirk):
    """Tells tokens of its reader otherwise than they were read; tokens of the CSMS are repeated as they came."""

    def told(self, st: Station, token: str) -> str:
        """The token as it is told."""
        raise NotImplementedError

    def _told(self, st: Station, token: Any) -> Any:
        """The same, for whatever may stand in the place of a token."""
        spared = (*QuirkPort(st, self).memory.get("remote", ()), st.model.free_vend_token)
        return self.told(st, token) if isinstance(token, str) and token and token not in spared else token

    def request(self, st: Station, action: str, req: Any, message_id: str) -> str | None:
        """Remember what came from the CSMS."""
        if action in ("RemoteStartTransaction", "RequestStartTransaction"):
            memory = QuirkPort(st, self).memory
            token = get(req, "idTag")
            named = req.id_token.id_token if token is UNSET else token
            memory["remote"] = (*memory.get("remote", ())[1 - _KEPT :], named)
        return None

    def report(self, st: Station, report: Report) -> Report:
        """What is told of a transaction is settled for good, so that it can be told again after a reboot."""
        if not isinstance(report, TransactionReport):
            return report
        tokens = {name: getattr(report, name, None) for name in ("id_token", "start_token", "stop_token")}
        changed = {name: told for name, token in tokens.items() if (told := self._told(st, token)) != token}
        return structs.replace(report, **changed) if changed else report

    def send(self, st: Station, action: str, payload: Any) -> Any:
        """The question is about the token as it was read."""
        if action != "Authorize":
            return payload
        older, newer = get(payload, "idTag"), get(payload, "idToken")
        if newer is UNSET or older is not UNSET:
            return put(payload, id_tag=self._told(st, older))
        told = self._told(st, plain(newer)["idToken"])
        return edit(payload, lambda message: message["idToken"].update(idToken=told))


@quirk(
    "idtag-colon-separated",
    vendors=("ABB Terra AC",),
    sources=("mobilityhouse/ocpp#186", "mikuso/ocpp-rpc#76"),
    breaks=("token",),
    survive=_TOKENS,
    fixed_in="1.6.7",
)
class TokenWithColons(TokenChange):
    """A token from the reader is told as pairs of hexadecimal digits with colons between them.

    Firmware of 2021; 1.6.7 is the first that was seen without.
    """

    def told(self, st: Station, token: str) -> str:
        """Only what is hexadecimal and leaves room for the colons."""
        pairs = [token[at : at + 2] for at in range(0, len(token), 2)]
        told = ":".join(pairs).upper()
        fits = len(token) % 2 == 0 and len(told) <= 20 and set(token.lower()) <= set("0123456789abcdef")
        return told if fits else token


@quirk(
    "idtag-corrupted",
    vendors=("Ocular",),
    sources=("lbbrhzn/ocpp:docs/supported-devices.md",),
    breaks=("reads_back", "token"),
    survive=_TOKENS + " Do not take a configuration value for whole.",
    params={"sound": (4, 0, 20), "value_chars": (20, 1, 500)},
)
class SpoiltTokens(TokenChange):
    """The end of a token is overwritten by zeros, and configuration values are cut off.

    ``sound``: characters of a token that arrive; ``value_chars``: longest value.
    """

    sound: int
    value_chars: int

    def told(self, st: Station, token: str) -> str:
        """As many characters as there were."""
        return token[: self.sound] + "0" * len(token[self.sound :])

    def setting(self, st: Station, name: str, value: str) -> str:
        """What fits."""
        return value[: self.value_chars]


@quirk(
    "idtag-letter-case-setting",
    vendors=("Bender/Ebee",),
    sources=("sap-labs-france/ev-server@01dd2be6b",),
    breaks=("token",),
    survive=_TOKENS,
    params={"key": ("idTagLetterCase",)},
    vendor_keys={"idTagLetterCase": ("UpperCase", True)},
)
class LetterCase(TokenChange):
    """A configuration key says in which case a token of the reader is told: UpperCase, LowerCase, or as it was read.

    ``key``: its name.
    """

    key: str

    def told(self, st: Station, token: str) -> str:
        """Only the beginning of the word counts."""
        wanted = QuirkPort(st, self).vendor_key(self.key).lower()
        if wanted.startswith("upper"):
            return token.upper()
        return token.lower() if wanted.startswith("lower") else token
