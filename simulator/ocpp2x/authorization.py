"""Authorize and ClearCache of 2.x (C01 to C03, C11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from simulator.blocks import authorization, token_cache
from simulator.blocks.token_cache import TokenInfo
from simulator.core.dialect import REGISTERED, Table
from simulator.core.reports import AuthorizeAsked
from simulator.core.wall import parse_wall
from simulator.ocpp2x import smart_charging, tariff
from simulator.ocpp2x.types import NO_AUTHORIZATION, group_of, id_token, reason

if TYPE_CHECKING:
    from simulator.core.station import Station

table = Table()

#: what the CSMS says of these is not cached (C02.FR.03, C03.FR.02)
NOT_CACHED = frozenset({NO_AUTHORIZATION, "Central"})


def token_info(info: Any) -> TokenInfo:
    """IdTokenInfoType as the blocks know it."""
    return TokenInfo(
        status=info.status,
        group=group_of(info.group_id_token),
        expiry_us=None if info.cache_expiry_date_time is UNSET else parse_wall(info.cache_expiry_date_time),
        evse_ids=() if info.evse_id is UNSET else tuple(info.evse_id),
    )


@table.render(AuthorizeAsked)
def authorize(st: Station, report: AuthorizeAsked, m: Any) -> Any:
    """C01.FR.02."""
    asked = st.evses[report.evse_id - 1].asked
    remote = None if asked is None else asked.remote_start_id
    token = id_token(st, m, report.id_token, report.token_type, remote)
    return "Authorize", m.make(m.AuthorizeRequest, id_token=token)


@table.reply("Authorize")
def authorized(st: Station, report: AuthorizeAsked, res: Any) -> None:
    """C01.FR.07."""
    authorization.answered(st, report.evse_id, report.id_token, token_info(res.id_token_info), report.token_type)
    tariff.identified(st, report.evse_id, res.id_token_info)
    smart_charging.identified(st, report.evse_id, report.id_token, res.id_token_info)


@table.failure("Authorize")
def not_authorized(st: Station, report: AuthorizeAsked, code: str) -> None:
    """No usable answer."""
    authorization.unanswered(st, report.evse_id, code)


@table.on("ClearCache", when=REGISTERED)
def clear_cache(st: Station, req: Any, m: Any) -> Any:
    """C11.FR.01-05."""
    if token_cache.clear_cache(st):
        return m.make(m.ClearCacheResponse, status="Accepted")
    code = "InternalError" if token_cache.has_cache(st) else "NotEnabled"
    return m.make(m.ClearCacheResponse, status="Rejected", status_info=reason(m, code))
