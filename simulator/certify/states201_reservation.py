"""States of 2.0.1 about reservations: an EVSE is kept for a token, and who comes for it is let in.

A token that uses a reservation may be authorised without asking the tool, and before or after the connector tells that
it is reserved no longer (part 6, Authorized; H03.FR.10), so the message Authorize is in nobody's way there.
"""

from __future__ import annotations

from typing import Any

from simulator.certify.states201 import REMOTE_START_ID, begins, running, start_request
from simulator.certify.tester201 import Tester201, same_token
from simulator.certify.wire import Heard
from simulator.core.wall import format_wall
from simulator.wire.rpc import CALL

RESERVATION_ID = 4711
#: how long a reservation is made for, and one that is to expire, s
HOUR_S, EXPIRES_S = 3600, 60
#: what a station needs to ask about a token and to hear the answer, s
ASKING_S = 5.0


def reservation(
    t: Tester201, *, number: int = RESERVATION_ID, evse: int = 0, token: str | None = None, for_s: int = HOUR_S
) -> dict[str, Any]:
    """The payload of a ReserveNow of the tool, for any EVSE unless one is named; noted, so that the basic state takes
    it back."""
    t.rig.hands.reservations.add(number)
    return {
        "id": number,
        "expiryDateTime": format_wall(t.rig.fleet.epoch_us + t.rig.now_us + for_s * 1_000_000),
        "idToken": t.token(token),
        **({"evseId": evse} if evse else {}),
    }


def reserve(t: Tester201, step: int, payload: dict[str, Any], status: str = "Accepted") -> None:
    """The tool asks for a reservation."""
    t.call(step, "ReserveNow", payload, status=status)


def reserved(t: Tester201) -> None:
    """The EVSE under test is reserved for the valid token (Reserved)."""
    reserved_for(t)


def reserved_for(t: Tester201, for_s: int = HOUR_S, **more: Any) -> None:
    """The same, for so long and with more fields."""
    with t.within("Reserved"):
        reserve(t, 2, {**reservation(t, evse=t.connector, for_s=for_s), **more})
        t.hear(t.status(3, "Reserved"))


def all_reserved(t: Tester201) -> None:
    """Every EVSE is reserved, each for a token of its own."""
    for number, (evse, token) in enumerate(zip(t.rig.connectors, tokens(t), strict=True)):
        with t.within("Reserved"):
            reserve(t, 2, reservation(t, number=RESERVATION_ID + number, evse=evse, token=token))
            t.hear(t.status(3, "Reserved", evse))


def tokens(t: Tester201) -> list[str]:
    """A valid token for every EVSE, none twice."""
    known = [t.tool.valid, t.tool.valid2, t.tool.group_member]
    return [known[n] if n < len(known) else f"{t.tool.valid}{n}" for n in range(len(t.rig.connectors))]


def claimed(t: Tester201, token: str, *, shown: bool = True) -> None:
    """The token a reservation is for (or one of its group) is authorised, before a car is connected, at a connector
    that was reserved (``shown``: it said so): it tells that it is available (Authorized)."""
    with t.within("Authorized"):
        before, t.valid = running(t), token
        fields = same_token(token)
        if t.local:
            t.present(token)
        else:
            t.call(2, "RequestStartTransaction", start_request(t), status="Accepted")
            fields |= {"transactionInfo.remoteStartId": REMOTE_START_ID}
        t.authorized, t.by_tool = True, not t.local
        t.maybe(1, "Authorize", same_token(token), within_s=ASKING_S)
        t.background.add("Authorize")
        wanted = [t.status(3, "Available")] if shown else []
        if before or begins(t):
            trigger = "Authorized" if t.local else "RemoteStart"
            wanted.append(t.event(3, trigger, kind="Updated" if before else "Started", fields=fields))
        t.any_order(*wanted)
        t.wait(ASKING_S)
        t.background.discard("Authorize")
        for heard in [h for h in t.csms.pending if h.action == "Authorize"]:
            t.csms.pending.remove(heard)
            t.validate(1, heard, same_token(token))


def names_reservation(t: Tester201, step: int | str, number: int = RESERVATION_ID) -> None:
    """An event of the transaction names the reservation it used (H01.FR.15), with the token at the latest."""
    rows = [row for row in t.csms.log if row["from"] == "station" and row["action"] == "TransactionEvent"]
    told = [row for row in rows if row["payload"]["transactionInfo"]["transactionId"] == t.transaction_id]
    chosen = sorted(told, key=lambda row: ("reservationId" not in row["payload"], "idToken" not in row["payload"]))
    t.check(step, "a transaction has begun", bool(chosen))
    row = chosen[0]
    heard = Heard(row["number"], int(row["at_s"] * 1e6), CALL, row["id"], row["action"], row["payload"])
    t.validate(step, heard, reservationId=number)
