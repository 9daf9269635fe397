"""C The cable that stays locked in after its session, and how its owner gets it back.

A cable stays locked after a deauthorisation by the CSMS, and after the plug was pulled at the car where the station end
is not to be unlocked then (``core/power_path.py``). It is let go for the token its session began with, or one of the
same group, and for nobody else; that this token is no longer valid is the usual case (1.6 errata 3.5, E05.FR.11,
C15.FR.05, E09.FR.03).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.blocks.local_lookup import same_group, same_token

if TYPE_CHECKING:
    from simulator.core.connector import Evse
    from simulator.core.station import Station


def kept(st: Station, evse: Evse) -> bool:
    """Is a cable without a car locked in, after its session is over?"""
    return evse.ev_gone and evse.tx is None and evse.grant_end is not None and st.board.locks[evse.evse_id - 1].closed


def hand_back(st: Station, evse: Evse, id_token: str, group: str | None = None) -> bool:
    """Let the cable go if it is locked in and this token, of this group, has a right to it; was it so?"""
    over = evse.grant_end
    theirs = over is not None and (same_token(over.owner, id_token) or same_group(over.owner_group, group))
    if not theirs or evse.tx is not None or not st.board.locks[evse.evse_id - 1].closed:
        return False
    evse.grant_end = None
    return True
