"""Small types that many messages share: components, tokens, reasons, moments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from simulator.core.dialect import CallRefused
from simulator.core.reports import Stamp
from simulator.core.wall import format_wall, parse_wall
from simulator.ocpp2x.capabilities import V21

if TYPE_CHECKING:
    from simulator.core.station import Station

#: longest id of a token; 2.1 has room for more
TOKEN_CHARS, TOKEN_CHARS_21 = 36, 255
NO_AUTHORIZATION = "NoAuthorization"
#: data: remoteStartId -> additionalInfo of its token, of the last few that had any
ADDITIONAL, MAX_ADDITIONAL = "additional_info", 32


def cut(text: str, length: int) -> Any:
    """At most ``length`` characters, left out when empty."""
    return text[:length] or UNSET


def when(st: Station, stamp: Stamp) -> str:
    """A stamped moment as a date-time, repaired if it is from before the clock was set."""
    return format_wall(st.wall_of(stamp))


def now(st: Station) -> str:
    """This moment as a date-time."""
    return when(st, st.stamp())


def instant(text: str, field: str) -> int:
    """Microseconds since 1970 of a date-time; CallRefused when it is none."""
    wall_us = parse_wall(text)
    if wall_us is None:
        raise CallRefused("property", f"{field}: {text[:40]!r} is no date and time")
    return wall_us


def moment(text: Any, field: str) -> int | None:
    """Like :func:`instant`, None for a field that was left out."""
    return None if text is UNSET else instant(text, field)


def optional(value: Any) -> Any:
    """None for a field that was left out."""
    return None if value is UNSET else value


def elsewhere(evse: Any, evse_id: int, connector_id: int) -> bool:
    """Does a filter's ``evse`` mean another place than this one? Both numbers count from 1, a connector that is left
    out is any (EVSEType)."""
    wanted = evse.connector_id
    return evse.id < 1 or evse.id != evse_id or (wanted is not UNSET and (wanted < 1 or wanted != connector_id))


def id_token(st: Station, m: Any, text: str, kind: str, remote_start_id: int | None = None) -> Any:
    """An IdTokenType; without authorization the token is empty (C02.FR.01). That of a remote start is as the CSMS gave
    it (F01.FR.04)."""
    longest = TOKEN_CHARS_21 if V21 in st.dialect.capabilities else TOKEN_CHARS
    more = UNSET if remote_start_id is None else st.data.get(ADDITIONAL, {}).get(remote_start_id, UNSET)
    name = "" if kind == NO_AUTHORIZATION else text[:longest]
    return m.make(m.IdTokenType, id_token=name, type=kind, additional_info=more)


def remember_additional(st: Station, remote_start_id: int, more: Any) -> None:
    """What the CSMS gave along with the token of a remote start, to be told with it; a reboot forgets it."""
    known: dict[int, Any] = st.data.setdefault(ADDITIONAL, {})
    known.pop(remote_start_id, None)
    known[remote_start_id] = more
    if len(known) > MAX_ADDITIONAL:
        del known[next(iter(known))]


def group_of(token: Any) -> str | None:
    """The group a groupIdToken names; an empty one is none (C 1.2)."""
    return None if token is UNSET else token.id_token or None


def evse(m: Any, evse_id: int, connector_id: int = 0) -> Any:
    """An EVSEType, left out for the station as a whole; without a connector if that is 0."""
    if evse_id == 0:
        return UNSET
    return m.make(m.EVSEType, id=evse_id, connector_id=connector_id or UNSET)


def component(m: Any, name: str, evse_id: int = 0, connector_id: int = 0, instance: str = "") -> Any:
    """A ComponentType."""
    return m.make(m.ComponentType, name=name, evse=evse(m, evse_id, connector_id), instance=instance or UNSET)


def variable(m: Any, name: str, instance: str = "") -> Any:
    """A VariableType."""
    return m.make(m.VariableType, name=name, instance=instance or UNSET)


def reason(m: Any, code: str, info: str = "") -> Any:
    """A StatusInfoType; ``code`` is of the list of reason codes (part 2 appendices, 5)."""
    return m.make(m.StatusInfoType, reason_code=code, additional_info=cut(info, 512))
