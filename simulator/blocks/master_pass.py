"""C16 The master pass: tokens of one group that end every session and begin none.

It is for people who have to free a cable, law enforcement say. A station without a user interface that could ask which
session is meant ends all of them (C16.FR.02). Whoever reads tokens asks here; nothing is kept but the group's name, and
the CSMS is always asked about such a token first: what is known locally may be used (C16.FR.04-05), but need not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.core.settings import setting

if TYPE_CHECKING:
    from simulator.core.station import Station

GROUP = setting(
    "AuthCtrlr.MasterPassGroupId",
    "str",
    "",
    max_len=36,
    description="group whose tokens end all sessions; empty: there is none",
)


def is_one(st: Station, group: str | None) -> bool:
    """Is a token of this group a master pass? Tokens compare without case."""
    known: str = st.settings[GROUP]
    return bool(known) and group is not None and group.upper() == known.upper()
