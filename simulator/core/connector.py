"""The facts of one EVSE and its connector, and the status that follows from them.

A status is never set: :func:`derive_status` computes it from facts, over the nine values of OCPP 1.6 (4.9), the finest
alphabet any version uses; coarser versions collapse it when they render. :data:`LEGAL_MOVES` is the table of 1.6 4.9.
It checks and draws; it drives nothing.

Points are composite facts by which a 2.x station is told when a transaction starts and stops (TxStartPoint and
TxStopPoint); they are bits so that "any of these" is one ``&``.

``OWNERS`` names the one module that may write each fact; a test reads the source and holds everybody to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.blocks.charging_schedule import Bound
    from simulator.blocks.grant import Asked, Grant, GrantEnd
    from simulator.blocks.remote_control import StartWish, StopWish
    from simulator.blocks.transaction_record import Transaction
    from simulator.core.model import EvseSpec
    from simulator.world.ev import Ev

AVAILABLE, PREPARING, CHARGING = "Available", "Preparing", "Charging"
SUSPENDED_EV, SUSPENDED_EVSE, FINISHING = "SuspendedEV", "SuspendedEVSE", "Finishing"
RESERVED, UNAVAILABLE, FAULTED = "Reserved", "Unavailable", "Faulted"

STATUSES = (
    AVAILABLE,
    PREPARING,
    CHARGING,
    SUSPENDED_EV,
    SUSPENDED_EVSE,
    FINISHING,
    RESERVED,
    UNAVAILABLE,
    FAULTED,
)

#: OCPP 1.6 4.9, rows A to I. Preparing to Unavailable and Finishing to the three energy states are not in the table but
#: follow from rules elsewhere: ChangeAvailability acts at once when no transaction runs (5.2), and a new transaction
#: may start without a Preparing of its own when token and plug are both still there (F2 passes through in one instant).
#: So it may where the cable is in a reserved connector when the token comes (G2).
LEGAL_MOVES: dict[str, frozenset[str]] = {
    AVAILABLE: frozenset({PREPARING, CHARGING, SUSPENDED_EV, SUSPENDED_EVSE, RESERVED, UNAVAILABLE, FAULTED}),
    PREPARING: frozenset({AVAILABLE, CHARGING, SUSPENDED_EV, SUSPENDED_EVSE, FINISHING, UNAVAILABLE, FAULTED}),
    CHARGING: frozenset({AVAILABLE, SUSPENDED_EV, SUSPENDED_EVSE, FINISHING, UNAVAILABLE, FAULTED}),
    SUSPENDED_EV: frozenset({AVAILABLE, CHARGING, SUSPENDED_EVSE, FINISHING, UNAVAILABLE, FAULTED}),
    SUSPENDED_EVSE: frozenset({AVAILABLE, CHARGING, SUSPENDED_EV, FINISHING, UNAVAILABLE, FAULTED}),
    FINISHING: frozenset({AVAILABLE, PREPARING, CHARGING, SUSPENDED_EV, SUSPENDED_EVSE, UNAVAILABLE, FAULTED}),
    RESERVED: frozenset({AVAILABLE, PREPARING, CHARGING, SUSPENDED_EV, SUSPENDED_EVSE, UNAVAILABLE, FAULTED}),
    UNAVAILABLE: frozenset({AVAILABLE, PREPARING, CHARGING, SUSPENDED_EV, SUSPENDED_EVSE, FAULTED, FINISHING}),
    FAULTED: frozenset(
        {AVAILABLE, PREPARING, CHARGING, SUSPENDED_EV, SUSPENDED_EVSE, FINISHING, RESERVED, UNAVAILABLE}
    ),
}

PARKING_BAY_OCCUPANCY, EV_CONNECTED, AUTHORIZED, DATA_SIGNED, POWER_PATH_CLOSED, ENERGY_TRANSFER = 1, 2, 4, 8, 16, 32

POINTS: dict[str, int] = {
    "ParkingBayOccupancy": PARKING_BAY_OCCUPANCY,
    "EVConnected": EV_CONNECTED,
    "Authorized": AUTHORIZED,
    "DataSigned": DATA_SIGNED,
    "PowerPathClosed": POWER_PATH_CLOSED,
    "EnergyTransfer": ENERGY_TRANSFER,
}


def points_of(names: tuple[str, ...]) -> int:
    """The bit mask of a list of point names; unknown names are our bug, settings are validated before."""
    mask = 0
    for name in names:
        mask |= POINTS[name]
    return mask


#: which module writes which fact of an Evse
OWNERS: dict[str, str] = {
    "ev": "core/world",
    "connected": "core/world",
    "plugged": "core/power_path",
    "felt_until": "core/power_path",
    "bay": "core/world",
    "evse_ready": "core/world",
    "ev_gone": "core/world core/power_path",
    #: a driver who leaves pulls at the socket end
    "taking_out": "core/world core/power_path",
    "grant": "blocks/authorization",
    "asked": "blocks/authorization",
    "grant_end": "blocks/authorization blocks/kept_cable",
    #: made by remote_control, consumed by authorization
    "wish": "blocks/remote_control blocks/authorization",
    "released": "blocks/remote_control",
    "tx": "blocks/transactions",
    "points": "blocks/transactions",
    "path_us": "blocks/transactions",
    "spent": "blocks/transactions",
    "used": "blocks/transactions",
    "flowing": "core/power_path",
    "handshake": "core/power_path",
    "power_w": "core/power_path",
    "charging_state": "core/power_path",
    "lock_failed": "core/power_path",
    "data_signed": "blocks/signed_values",
    "phases": "core/power_path",
    "limit": "blocks/smart_charging",
    "operative": "blocks/availability",
    "scheduled": "blocks/availability",
    "status": "blocks/availability",
    "told_status": "blocks/availability",
    "told_error": "blocks/availability",
    "held_since": "blocks/availability",
    "reserved": "blocks/reservation",
    "reset_wanted": "blocks/evse_reset",
    "restarting": "blocks/evse_reset",
}


class Evse:
    """Facts of one EVSE. Physical ones belong to the world and outlive a reboot; the others are rebuilt from flash."""

    __slots__ = (
        "asked",
        "bay",
        "charging_state",
        "connected",
        "data_signed",
        "ev",
        "ev_gone",
        "evse_id",
        "evse_ready",
        "felt_until",
        "flowing",
        "grant",
        "grant_end",
        "handshake",
        "held_since",
        "limit",
        "lock_failed",
        "operative",
        "path_us",
        "phases",
        "plugged",
        "points",
        "power_w",
        "released",
        "reserved",
        "reset_wanted",
        "restarting",
        "scheduled",
        "spec",
        "spent",
        "status",
        "taking_out",
        "told_error",
        "told_status",
        "tx",
        "used",
        "wish",
    )

    def __init__(self, spec: EvseSpec) -> None:
        self.spec = spec
        self.evse_id = spec.evse_id
        # the world
        self.ev: Ev | None = None
        #: a car is connected at both ends, in truth
        self.connected = False
        #: the same as the control pilot shows it
        self.plugged = False
        #: a socket without pilot feels a new load until then; None while nothing is plugged in
        self.felt_until: int | None = None
        #: the cable still sits in the station, the car end was pulled
        self.ev_gone = False
        self.taking_out = False
        self.bay = False
        self.evse_ready = True
        self.operative = True
        self.reset()

    def reset(self) -> None:
        """What a reboot forgets."""
        self.grant: Grant | None = None
        self.asked: Asked | None = None
        #: how the last authorisation ended; None while one holds or none has ended since the plug went in
        self.grant_end: GrantEnd | None = None
        self.wish: StartWish | StopWish | None = None
        #: the CSMS had the plug unlocked; it stays so until the cable is out
        self.released = False
        self.tx: Transaction | None = None
        self.points = 0
        #: since when the power path is closed, authorised and connected (monotonic); None: it is not
        self.path_us: int | None = None
        #: points that held when the last transaction ended; they start nothing until they have fallen
        self.spent = 0
        #: a transaction took place since the plug went in: the connector is Finishing until the user is done
        self.used = False
        self.flowing = False
        #: station and car are agreeing on energy: None not begun, else when it is over (0: done)
        self.handshake: int | None = None
        self.power_w = 0.0
        #: how many phases that is on
        self.phases = self.spec.phases
        #: what charging profiles allow; None: they forbid nothing
        self.limit: Bound | None = None
        self.charging_state = "EVConnected" if self.plugged else "Idle"
        self.lock_failed = False
        #: the meter has given a signed value for the session that is about to begin
        self.data_signed = False
        self.scheduled: bool | None = None
        self.status = AVAILABLE
        self.told_status: str | None = None
        self.told_error = ""
        self.held_since = 0
        self.reserved = False
        #: a reset of this EVSE alone that waits: "" until it is idle, else the reason that ends its transaction now
        self.reset_wanted: str | None = None
        #: ... and that is under way
        self.restarting = False

    @property
    def in_service(self) -> bool:
        """May something new begin here, as far as the EVSE's own state goes?"""
        return self.operative and not self.restarting


def derive_status(evse: Evse, blocked: bool) -> str:
    """The status that follows from the facts; ``blocked`` is a hardware problem that prevents use (1.6 4.9).

    A running transaction keeps its energy state even on an inoperative EVSE (the change is scheduled, 1.6 5.2), and
    SuspendedEVSE goes before SuspendedEV.
    """
    if blocked or evse.lock_failed:  # a plug that cannot be locked is no use to anybody (G05.FR.01)
        return FAULTED
    if evse.restarting:
        # MAY be told (B11.FR.08); who keeps a reserved one need not be worried, and there is no way back (1.6 4.9, H)
        return RESERVED if evse.reserved else UNAVAILABLE
    if evse.tx is not None and (evse.grant is not None or evse.plugged or evse.ev_gone or evse.bay):
        if evse.reserved and evse.grant is None and not evse.tx.id_token:
            return RESERVED  # it began with the car, and whoever it is kept for has not come (G01.FR.09)
        if evse.flowing:
            return CHARGING
        state = evse.charging_state
        if state in (SUSPENDED_EV, SUSPENDED_EVSE) and evse.grant is not None:
            return state
        if evse.ev_gone and evse.grant is not None:
            return SUSPENDED_EV  # 1.6 4.9: EV side disconnected while the transaction goes on
        if evse.grant is None and evse.tx.id_token:
            # whose authorisation was over before the cable came has nothing to finish
            return PREPARING if evse.status in (AVAILABLE, PREPARING) else FINISHING
        # there is no way back to Preparing: a car that is lost or agreed with anew has suspended (4.9, rows C to E)
        return SUSPENDED_EV if evse.status in (CHARGING, SUSPENDED_EV, SUSPENDED_EVSE) else PREPARING
    if not evse.operative:
        return UNAVAILABLE
    if evse.used and not evse.reserved and evse.grant is None and (evse.plugged or evse.ev_gone or evse.bay):
        return FINISHING  # the cable is not out, or the vehicle has not left the bay
    if evse.grant is not None:
        return PREPARING
    if evse.reserved:
        return RESERVED  # only a token ends it, a cable does not (1.6 4.9, G2)
    if evse.plugged or evse.ev_gone or evse.bay:
        return PREPARING
    return AVAILABLE
