"""N Customer information: what a station keeps about the holder of a token, and how it is forgotten (N09, N10).

Told is what lies in the cache, the local list, the reservations, the running transactions and the messages that are not
delivered yet. Cleared is what the station keeps for its own convenience: the cache. The local list is the CSMS's to
change (N10.FR.02); transactions, their messages and reservations are agreements that are still to be kept, and go when
they are over. A certificate or a customer's identifier leaves no trace here, so nothing is found by them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from simulator.blocks.local_list import LIST_AREA, LIST_KEY
from simulator.blocks.reservation import RESERVATION_AREA
from simulator.blocks.token_cache import CACHE_AREA, fold
from simulator.core.outbox import QUEUE_AREA
from simulator.core.reports import TransactionEnded, TransactionReport, TransactionStarted
from simulator.core.wall import format_wall

if TYPE_CHECKING:
    from simulator.core.station import Station


def known(st: Station, id_token: str) -> str:
    """What is kept about the holder of a token, a line each; empty when that is nothing."""
    return "\n".join(_lines(st, fold(id_token)))


def _lines(st: Station, token: str) -> Iterator[str]:
    flash = st.board.flash
    cached = flash.get(CACHE_AREA, token)
    if cached is not None:
        yield f"authorization cache: {token} {_about(cached)}, last used {format_wall(cached.used_us)}"
    listed = flash.get(LIST_AREA, LIST_KEY)
    for entry in () if listed is None else listed.every(token):
        yield f"local authorization list: {token} {_about(entry)}"
    for number, reservation in flash.items(RESERVATION_AREA):
        if fold(reservation.id_token) == token:
            yield f"reservation {number}: {token} until {format_wall(reservation.expiry_us)}"
    for evse in st.evses:
        if evse.tx is not None and fold(evse.tx.id_token) == token:
            yield f"transaction {evse.tx.key} at EVSE {evse.evse_id}: {token}, running"
    waiting: dict[str, int] = {}
    for _, report in flash.items(QUEUE_AREA):
        if isinstance(report, TransactionReport) and token in _tokens(report):
            waiting[report.key] = waiting.get(report.key, 0) + 1
    for key, count in waiting.items():
        yield f"transaction {key}: {token} in {count} message{'s' if count > 1 else ''} not delivered yet"


def _about(entry: Any) -> str:
    group = f" of group {entry.group}" if entry.group else ""
    expiry = f" until {format_wall(entry.expiry_us)}" if entry.expiry_us is not None else ""
    return f"{entry.status}{group}{expiry}"


def _tokens(report: TransactionReport) -> set[str]:
    found = {report.id_token or ""}
    if isinstance(report, TransactionStarted):
        found.add(report.start_token)
    if isinstance(report, TransactionEnded):
        found.add(report.stop_token or "")
    return {fold(token) for token in found if token}


def clear(st: Station, id_token: str) -> bool:
    """Forget the holder of a token, the local list aside (N10.FR.03, FR.06); False when flash refuses."""
    return st.board.flash.delete(CACHE_AREA, fold(id_token))
