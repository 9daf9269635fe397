"""Authorize and ClearCache of 1.6 (4.1, 5.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from simulator.blocks import authorization, token_cache
from simulator.blocks.token_cache import TokenInfo
from simulator.core.dialect import REGISTERED, Table
from simulator.core.reports import AuthorizeAsked
from simulator.core.wall import parse_wall

if TYPE_CHECKING:
    from simulator.core.station import Station

table = Table()


def token_info(info: Any) -> TokenInfo:
    """IdTagInfo as the blocks know it."""
    return TokenInfo(
        status=info.status,
        group=None if info.parent_id_tag is UNSET else info.parent_id_tag,
        expiry_us=None if info.expiry_date is UNSET else parse_wall(info.expiry_date),
    )


@table.render(AuthorizeAsked)
def authorize(st: Station, report: AuthorizeAsked, m: Any) -> Any:
    """4.1."""
    return "Authorize", m.AuthorizeRequest(id_tag=report.id_token[:20])


@table.reply("Authorize")
def authorized(st: Station, report: AuthorizeAsked, res: Any) -> None:
    """4.1."""
    authorization.answered(st, report.evse_id, report.id_token, token_info(res.id_tag_info))


@table.failure("Authorize")
def not_authorized(st: Station, report: AuthorizeAsked, code: str) -> None:
    """No usable answer."""
    authorization.unanswered(st, report.evse_id, code)


@table.on("ClearCache", when=REGISTERED)
def clear_cache(st: Station, req: Any, m: Any) -> Any:
    """5.4."""
    return m.ClearCacheResponse(status="Accepted" if token_cache.clear_cache(st) else "Rejected")
