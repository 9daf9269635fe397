"""C Which EVSE a token is about that was held to the station's common reader.

Its own session goes first, then a plug that waits for a token, then a free EVSE. Of several free ones, what is kept for
the token comes before what is kept for nobody, and what is kept for others comes last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.blocks import reservation
from simulator.blocks.local_lookup import lookup, same_token

if TYPE_CHECKING:
    from simulator.core.connector import Evse
    from simulator.core.station import Station

#: which of several free EVSEs is meant, by what is kept there
PREFERENCE = ("mine", "free", "ask", "refused")


def meant(st: Station, id_token: str, token_type: str = "") -> Evse | None:
    """The EVSE that is meant; None when every one is taken by somebody who is not known to have a session."""
    for evse in st.evses:
        if evse.grant is not None and same_token(evse.grant.id_token, id_token, evse.grant.token_type, token_type):
            return evse
    known = lookup(st, id_token, token_type)
    stances = {evse.evse_id: reservation.stance(st, evse, id_token, token_type, known) for evse in st.evses}
    for evse in st.evses:
        waits = not evse.used or (evse.tx is not None and not evse.tx.id_token)
        welcome = stances[evse.evse_id] != "refused"
        if evse.plugged and evse.grant is None and evse.asked is None and waits and welcome:
            return evse
    free = [
        evse
        for evse in st.evses
        if evse.grant is None and evse.asked is None and evse.tx is None and evse.in_service and not st.blocked(evse)
    ]
    if free:
        return min(free, key=lambda evse: (PREFERENCE.index(stances[evse.evse_id]), not evse.reserved))
    return st.evses[0] if len(st.evses) == 1 else next((e for e in st.evses if e.grant is not None), None)
