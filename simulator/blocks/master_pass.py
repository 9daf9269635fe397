"""C16 The master pass: tokens of one group that end every session and begin none.

It is for people who have to free a cable, law enforcement say. A station without a user interface that could ask which
session is meant ends all of them (C16.FR.02). One that ``shows`` its sessions asks (C16.FR.01): for a minute its stop
button means the session of that EVSE, or all of them where no EVSE is named. The CSMS is always asked about such a
token first: what is known locally may be used (C16.FR.04-05), but need not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from simulator.core.settings import setting

if TYPE_CHECKING:
    from simulator.blocks.local_lookup import Known
    from simulator.core.connector import Evse
    from simulator.core.station import Station

GROUP = setting(
    "AuthCtrlr.MasterPassGroupId",
    "str",
    "",
    max_len=36,
    description="group whose tokens end all sessions; empty: there is none",
)
#: what a display that can ask shows
SESSIONS = "sessions"
#: how long the question stands
ASKING_US = 60_000_000
#: data of the block: who is asked
ASKED = "master_pass"


class Choice(NamedTuple):
    """The EVSEs whose sessions a master pass ends, and the token."""

    evses: tuple[Evse, ...]
    id_token: str
    token_type: str


def is_one(st: Station, group: str | None) -> bool:
    """Is a token of this group a master pass? Tokens compare without case."""
    known: str = st.settings[GROUP]
    return bool(known) and group is not None and group.upper() == known.upper()


def may_be_one(st: Station, known: Known | None) -> bool:
    """Is it worth asking whether a token is a master pass, although nothing can begin with it here (C16.FR.02)?"""
    unsure = known is None or is_one(st, known.group)
    return bool(st.settings[GROUP]) and unsure and any(evse.grant is not None for evse in st.evses)


def read(st: Station, id_token: str, token_type: str) -> Choice:
    """A valid master pass was read: what ends at once. A station that asks first ends nothing yet."""
    if SESSIONS in st.model.shows:
        st.data[ASKED] = (st.now + ASKING_US, id_token, token_type)
        return Choice((), id_token, token_type)
    return Choice(tuple(st.evses), id_token, token_type)


def chosen(st: Station, evse_id: int) -> Choice | None:
    """The stop button was pressed; None when no master pass is being asked about. ``evse_id`` 0: all sessions."""
    asked: tuple[int, str, str] | None = st.data.pop(ASKED, None)
    if asked is None or asked[0] < st.now:
        return None
    evse = st.evse(evse_id) if evse_id else None
    meant = tuple(st.evses) if not evse_id else (evse,) if evse is not None else ()
    return Choice(meant, *asked[1:])
