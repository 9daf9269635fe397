"""E05 What the CSMS says of a token in its answer to a transaction message, and what becomes of the session then.

A token that was taken locally may be refused when the CSMS hears of it, and one that was accepted at any time after.
What a refusal means is set: the authorisation ends, its energy stops, or it stops after a last allowance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.blocks import allowance, master_pass
from simulator.blocks.authorization import MAX_ENERGY_ON_INVALID, STOP_ON_INVALID, end
from simulator.blocks.grant import GrantEnd
from simulator.blocks.local_lookup import remember, same_token

if TYPE_CHECKING:
    from simulator.blocks.token_cache import TokenInfo
    from simulator.core.station import Station


def judge(st: Station, key: str, info: TokenInfo, id_token: str, token_type: str = "", *, cached: bool = True) -> None:
    """What the CSMS says of a token in its answer to a transaction message (1.6 4.8, E05, E06.FR.04).

    Only a word about the token that holds the authorisation concerns it, not one about a token that ended it before.
    One that is not for this EVSE (C01.FR.21), or a master pass (C16.FR.03), may not charge either."""
    if cached:
        remember(st, id_token, info, token_type)
    for evse in st.evses:
        tx, grant = evse.tx, evse.grant
        if tx is None or tx.key != key or grant is None:
            continue
        if not same_token(grant.id_token, id_token, grant.token_type, token_type):
            continue
        elsewhere = info.evse_ids and evse.evse_id not in info.evse_ids
        if info.status == "Accepted" and not elsewhere and not master_pass.is_one(st, info.group):
            grant.group = tx.group = info.group or grant.group
        elif st.settings[STOP_ON_INVALID]:
            end(st, evse, GrantEnd("Deauthorized", "DeAuthorized", st.now))  # E05.FR.09-10
        elif st.settings[MAX_ENERGY_ON_INVALID] > 0:
            allowance.grant(st, evse, grant, st.settings[MAX_ENERGY_ON_INVALID])  # E05.FR.03
        else:
            grant.energy = False  # E05.FR.02
