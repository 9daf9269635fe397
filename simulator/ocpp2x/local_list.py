"""SendLocalList and GetLocalListVersion of 2.x (D01, D02).

Where 1.6 has the word NotSupported for a list that is switched off, 2.x has Failed and the version 0 (D02.FR.03); a
product without a list refuses both requests. An emptied list keeps the version it was told (D01.FR.04).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from simulator.blocks import local_list
from simulator.blocks.local_list import LIST_MAX_BYTES, LIST_MAX_SENT, ListEntry
from simulator.core.dialect import REGISTERED, Table
from simulator.ocpp2x.authorization import token_info
from simulator.ocpp2x.types import reason

if TYPE_CHECKING:
    from simulator.core.station import Station

table = Table(feature=local_list.FEATURE)


@table.on("GetLocalListVersion", when=REGISTERED)
def version(st: Station, req: Any, m: Any) -> Any:
    """D02.FR.01-03."""
    return m.make(m.GetLocalListVersionResponse, version_number=max(0, local_list.version(st)))


#: a list that is there but empty is against the schema, yet D01.FR.05 and its cases know it: it is like none
MAY_BE_EMPTY = frozenset({"localAuthorizationList"})


@table.on("SendLocalList", when=REGISTERED, open_words=MAY_BE_EMPTY)
def send(st: Station, req: Any, m: Any) -> Any:
    """D01.FR.01-19: no list at all is an empty one; an entry without idTokenInfo is to be deleted."""
    rows = [] if req.local_authorization_list is UNSET else req.local_authorization_list
    code = _too_much(st, rows)
    if code:  # D01.FR.11
        return m.make(m.SendLocalListResponse, status="Failed", status_info=reason(m, code))
    word = local_list.update(
        st,
        req.version_number,
        ((local_list.typed(row.id_token.id_token, row.id_token.type), _entry(row)) for row in rows),
        full=req.update_type == "Full",
        empty_has_version=True,
    )
    if word == "NotSupported":
        return m.make(m.SendLocalListResponse, status="Failed", status_info=reason(m, "NotEnabled"))
    return m.make(m.SendLocalListResponse, status=word)


def _too_much(st: Station, rows: list[Any]) -> str:
    """Why a message is more than the station takes at a time, as a reason code; empty when it is not."""
    if len(rows) > st.settings[LIST_MAX_SENT]:
        return "TooManyElements"
    return "TooLargeElement" if len(msgspec.json.encode(rows)) > st.settings[LIST_MAX_BYTES] else ""


def _entry(row: Any) -> ListEntry | None:
    """What is to be kept of a token, None when it is to be deleted."""
    if row.id_token_info is UNSET:
        return None
    known = token_info(row.id_token_info)
    return ListEntry(known.status, known.group, known.expiry_us, row.id_token.type, known.evse_ids)
