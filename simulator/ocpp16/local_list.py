"""GetLocalListVersion and SendLocalList of 1.6 (5.10, 5.15).

A product without a local list, or with it switched off, answers with -1 and NotSupported, the words these messages have
for it, so the core does not refuse these requests by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from simulator.blocks import local_list
from simulator.blocks.local_list import ListEntry
from simulator.core.dialect import REGISTERED, Table
from simulator.ocpp16.authorization import token_info

if TYPE_CHECKING:
    from simulator.core.station import Station

table = Table(feature=local_list.FEATURE)


@table.on("GetLocalListVersion", when=REGISTERED, feature="")
def version(st: Station, req: Any, m: Any) -> Any:
    """5.10."""
    return m.GetLocalListVersionResponse(list_version=local_list.version(st))


@table.on("SendLocalList", when=REGISTERED, feature="")
def send(st: Station, req: Any, m: Any) -> Any:
    """5.15, 6.41: no list at all is an empty one; an entry without idTagInfo is to be deleted."""
    rows = () if req.local_authorization_list is UNSET else req.local_authorization_list
    word = local_list.update(
        st,
        req.list_version,
        ((row.id_tag, None if row.id_tag_info is UNSET else _entry(row.id_tag_info)) for row in rows),
        full=req.update_type == "Full",
    )
    return m.SendLocalListResponse(status=word)


def _entry(info: Any) -> ListEntry:
    known = token_info(info)
    return ListEntry(known.status, known.group, known.expiry_us)
