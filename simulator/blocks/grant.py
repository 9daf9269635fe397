"""C The facts of an authorisation: one that holds, one that has ended, and a token the CSMS is being asked about.

``blocks/authorization.py`` writes them; everybody else reads. A *grant* does not remember where its token came from in
any way that matters later: reader, CSMS and free vend are one code path. A *grant end* says how it was over, in the
words a transaction gives as its trigger and reason.
"""

from __future__ import annotations

NO_LIMIT_W = 1e12
#: component or problem code -> reason the transaction ends with (ReasonEnumType)
FAULT_REASONS = {
    "EmergencyStopSensor": "EmergencyStop",
    "ground_failure": "GroundFault",
    "over_current": "OvercurrentFault",
    "under_voltage": "PowerQuality",
    "over_voltage": "PowerQuality",
}


class Grant:
    """An authorisation that holds. ``energy`` False: charging is not (any more) allowed, the transaction goes on."""

    __slots__ = (
        "at_us",
        "bound",
        "energy",
        "group",
        "id_token",
        "limit_w",
        "plugged_seen",
        "priority",
        "remote_start_id",
        "source",
        "stop_at_wh",
        "token_type",
        "tx_priority",
    )

    def __init__(self, id_token: str, token_type: str, group: str | None, source: str, at_us: int) -> None:
        self.id_token, self.token_type, self.group, self.source, self.at_us = id_token, token_type, group, source, at_us
        self.remote_start_id: int | None = None
        self.energy = True
        self.limit_w = NO_LIMIT_W
        #: a transaction belongs to it
        self.bound = False
        self.plugged_seen = False
        #: chargingPriority of the token, and of the transaction alone, which goes before it (K03.FR.05-06)
        self.priority = 0
        self.tx_priority: int | None = None
        #: register at which a refused token's last allowance is used up
        self.stop_at_wh: float | None = None


class GrantEnd:
    """How an authorisation ended: ``trigger`` in TriggerReasonEnumType, ``reason`` in ReasonEnumType words.

    ``owner`` is the token that had it, ``owner_group`` its group: a cable that stays locked is theirs."""

    __slots__ = ("at_us", "owner", "owner_group", "reason", "stop_token", "stop_token_type", "trigger")

    def __init__(self, trigger: str, reason: str, at_us: int, token: str | None = None, token_type: str = "") -> None:
        self.trigger, self.reason, self.at_us = trigger, reason, at_us
        self.stop_token, self.stop_token_type = token, token_type
        self.owner = ""
        self.owner_group: str | None = None


class Asked:
    """A token the CSMS is being asked about. ``to_end``: it was presented while somebody else was charging."""

    __slots__ = ("id_token", "remote_start_id", "to_end", "token_type")

    def __init__(self, id_token: str, token_type: str, remote_start_id: int | None, *, to_end: bool = False) -> None:
        self.id_token, self.token_type, self.remote_start_id = id_token, token_type, remote_start_id
        self.to_end = to_end
