"""E Transactions: when one begins and ends, what is told about it, and what survives a power cut.

One rule for every order of events: a transaction opens when **any** configured start point holds that has not been used
up by an earlier transaction, and closes when any configured stop point that has held during it **falls** (E01.FR.01-06,
E06.FR.01-07). Which points are configured is the dialect's policy; versions without the variables have fixed sets.

What is told is found by comparing facts with what the CSMS was told last, once a feed, after settling. The record lies
on flash from the first moment; ``seq_no`` and what was told are written with every message, so a power cut leaves
either the state before a message or after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from simulator.blocks.external_limit import differs
from simulator.blocks.grant import Grant, GrantEnd
from simulator.blocks.provisioning import interruption
from simulator.blocks.reservation import used_by
from simulator.blocks.signed_values import BEGIN, END, sign
from simulator.blocks.smart_charging import RATE_CHANGED
from simulator.blocks.transaction_record import TX_AREA, Transaction, new_key, save
from simulator.core import connector as c
from simulator.core import readings
from simulator.core.power_path import SUSPENDED_EVSE
from simulator.core.records import TransactionClosed, TransactionOpened
from simulator.core.reports import (
    MeterReading,
    Stamp,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)
from simulator.core.settings import setting
from simulator.core.wiring import at, drain, rule

if TYPE_CHECKING:
    from simulator.core.connector import Evse
    from simulator.core.station import Station


def _some(points: tuple[str, ...]) -> str | None:
    return None if points else "without any, no transaction would ever start or end"


TX_START_POINT = setting(
    "TxCtrlr.TxStartPoint",
    "list",
    ("PowerPathClosed",),
    values=tuple(c.POINTS),
    max_items=6,
    required=True,
    check=_some,
    description="a transaction starts when any of these holds",
)
TX_STOP_POINT = setting(
    "TxCtrlr.TxStopPoint",
    "list",
    ("Authorized", "EVConnected"),
    values=tuple(name for name in c.POINTS if name != "DataSigned"),  # it has no meaning as such (2.6.6.2)
    max_items=6,
    required=True,
    check=_some,
    description="a transaction stops when any of these falls",
)

# -- the rule ----------------------------------------------------------------------------------------------------------


def _points(st: Station, evse: Evse) -> int:
    points = 0
    if evse.bay:
        points |= c.PARKING_BAY_OCCUPANCY
    if evse.plugged:
        points |= c.EV_CONNECTED
    if evse.grant is not None:
        points |= c.AUTHORIZED
        if evse.plugged and not evse.lock_failed:  # power cannot flow: G05, "transaction is not started"
            points |= c.POWER_PATH_CLOSED
    if evse.data_signed:
        points |= c.DATA_SIGNED
    if evse.flowing:
        points |= c.ENERGY_TRANSFER
    return points


@rule(40)
def settle(st: Station, evse: Evse, now: int) -> bool:
    """Open or close the transaction of an EVSE; the order of arrival cannot matter."""
    points = _points(st, evse)
    changed = points != evse.points
    if (points ^ evse.points) & c.POWER_PATH_CLOSED:
        evse.path_us = now if points & c.POWER_PATH_CLOSED else None
    evse.points = points
    evse.spent &= points
    if not (evse.plugged or evse.ev_gone or evse.bay) and evse.used and evse.tx is None:
        evse.used = False
        changed = True
    tx = evse.tx
    if evse.restarting:
        changed = changed or evse.used or evse.spent != 0
        evse.used, evse.spent = False, 0
        return changed
    if tx is None:
        # the user starts anew (1.6 F2), and what has held all the time starts a transaction by that (E01.FR.01-06)
        anew = evse.used and evse.grant is not None
        starts = st.dialect.policy.start_points(st) & points & ~(0 if anew else evse.spent)
        if starts and evse.operative and st.board.supply.mains and not (st.link.is_up and st.gate != "accepted"):
            _open(st, evse, starts | c.AUTHORIZED if anew else starts, now)
            return True
        if anew:
            evse.used, evse.spent = False, 0
            return True
        return changed
    if points & c.POWER_PATH_CLOSED & ~tx.held:
        tx.path_closed = st.stamp()
    tx.held |= points
    tx.authorized = evse.grant is not None
    stops = st.dialect.policy.stop_points(st)
    if stops & c.POWER_PATH_CLOSED:
        stops = stops & ~c.POWER_PATH_CLOSED | c.EV_CONNECTED | c.AUTHORIZED  # E06.FR.06: it is exactly these two
    fell = stops & tx.held & ~points
    end = evse.grant_end
    if end is not None and not tx.id_token and end.at_us > tx.told_end_us:
        fell |= stops & c.AUTHORIZED  # F03.FR.03: who stops it does not wait until somebody is authorised
    if fell or interruption(st, evse) is not None or _ends_without_a_point(evse, tx, stops, points):
        _close(st, evse, tx, fell, now)
        return True
    return changed


def _ends_without_a_point(evse: Evse, tx: Transaction, stops: int, points: int) -> bool:
    """Does the end of the authorisation end it although the stop points that would say so have never held?"""
    end = evse.grant_end
    if end is None or points & c.AUTHORIZED:
        return False
    if end.trigger == "Deauthorized":  # E05.FR.10, C15.FR.04: also before any energy has flowed
        return bool(stops & c.ENERGY_TRANSFER) and end.at_us > tx.told_end_us
    # E03.FR.05, F02.FR.07; whoever is still in a bay ends it by leaving, where that is a stop point (E03.FR.15)
    stays = points & c.PARKING_BAY_OCCUPANCY & stops
    return end.trigger == "EVConnectTimeout" and not (points & c.EV_CONNECTED or stays or tx.told_plugged)


def _open(st: Station, evse: Evse, starts: int, now: int) -> None:
    meter = st.board.meters[evse.evse_id - 1]
    begin = readings.take(st, evse, "Transaction.Begin", st.dialect.policy.begin_measurands(st))
    tx = Transaction(
        key=new_key(st),
        evse_id=evse.evse_id,
        started=st.stamp(),
        register_wh=readings.register_wh(st, evse),
        physical_wh=meter.physical_wh(now),
        offline=not st.link.is_up,
        held=evse.points,
        start_trigger=_start_trigger(evse, starts, now),
        begin=sign(st, evse, begin, BEGIN, END),
    )
    if evse.path_us is not None and evse.path_us < now:
        ago_us = now - evse.path_us
        tx.path_closed = structs.replace(tx.started, mono_us=evse.path_us, wall_us=tx.started.wall_us - ago_us)
    grant = evse.grant
    if grant is not None:
        _name(st, evse, tx, grant)
        tx.authorized = True
    evse.tx, evse.used = tx, True
    if evse.grant_end is not None:
        tx.told_end_us = evse.grant_end.at_us
    save(st, tx)
    st.record(
        TransactionOpened(
            key=tx.key,
            evse_id=tx.evse_id,
            id_token=tx.id_token,
            wall_us=tx.started.wall_us,
            register_wh=tx.register_wh if tx.register_wh is not None else 0.0,
            physical_wh=tx.physical_wh,
            offline=tx.offline,
            remote_start_id=tx.remote_start_id,
        )
    )


def _name(st: Station, evse: Evse, tx: Transaction, grant: Grant) -> None:
    tx.id_token, tx.token_type, tx.group = grant.id_token, grant.token_type, grant.group
    tx.remote_start_id = grant.remote_start_id
    tx.reservation_id = used_by(st, evse, grant)  # 1.6 4.8, H01.FR.15


def _close(st: Station, evse: Evse, tx: Transaction, fell: int, now: int) -> None:
    trigger, reason, token, token_type = _cause(st, evse, tx, fell)
    if not tx.told_started:
        tell(st, now, evse)  # a transaction that begins and ends at one moment is told as both
    _finish(st, evse, tx, trigger, reason, token, token_type)


def _cause(st: Station, evse: Evse, tx: Transaction, fell: int) -> tuple[str, str, str | None, str]:
    end = evse.grant_end
    ends = interruption(st, evse)
    if ends is not None and (end is None or (end.trigger, end.reason) == ends):
        return *ends, None, ""
    if end is not None and evse.grant is None:
        fresh = end.at_us > tx.told_end_us or fell & (c.AUTHORIZED | c.POWER_PATH_CLOSED)
        if fresh and not (fell & c.EV_CONNECTED and not fell & c.AUTHORIZED and end.at_us < st.now):
            token = end.stop_token if end.at_us > tx.told_end_us else None
            return end.trigger, end.reason, token, end.stop_token_type
        # authorisation ended earlier (and was told); now the last stop point falls, the reason stays the first one
        return _physical_trigger(fell), end.reason, None, ""
    if fell & (c.EV_CONNECTED | c.POWER_PATH_CLOSED) or (fell & c.ENERGY_TRANSFER and not evse.plugged):
        return "EVCommunicationLost", "EVDisconnected", None, ""  # of two reasons the more specific one (E03.FR.12)
    if fell & c.PARKING_BAY_OCCUPANCY:
        return "EVDeparted", "EVDisconnected", None, ""
    if fell & c.ENERGY_TRANSFER:
        return *_why_no_energy(evse), None, ""
    return "AbnormalCondition", "Other", None, ""


def _why_no_energy(evse: Evse) -> tuple[str, str]:
    """(trigger, reason) of energy that has ceased to flow while car and authorisation are there."""
    grant = evse.grant
    if grant is not None and not grant.energy:  # refused by the CSMS, at once or with an allowance (E05.FR.02-03)
        limited = grant.stop_at_wh is not None
        return ("EnergyLimitReached", "EnergyLimitReached") if limited else ("Deauthorized", "DeAuthorized")
    return "ChargingStateChanged", "Other" if evse.charging_state == SUSPENDED_EVSE else "StoppedByEV"


def _physical_trigger(fell: int) -> str:
    if fell & c.PARKING_BAY_OCCUPANCY:
        return "EVDeparted"
    return "ChargingStateChanged" if fell == c.ENERGY_TRANSFER else "EVCommunicationLost"


def _finish(
    st: Station,
    evse: Evse,
    tx: Transaction,
    trigger: str,
    reason: str,
    token: str | None,
    token_type: str,
    at_stamp: Stamp | None = None,
) -> None:
    meter = st.board.meters[evse.evse_id - 1]
    register = readings.register_wh(st, evse)
    physical = meter.physical_wh(st.now)
    stamp = at_stamp or st.stamp()
    values = st.dialect.policy.end_readings(st, evse, tx)
    st.publish(
        TransactionEnded(
            key=tx.key,
            evse_id=evse.evse_id,
            connector_id=1,
            seq_no=-1,
            trigger=trigger,
            at=stamp,
            offline=not st.link.is_up,
            charging_state=evse.charging_state,
            id_token=tx.id_token if tx.id_token and not tx.told_token else None,
            token_type=tx.token_type,
            tell_evse=not tx.told_evse,
            remote_start_id=tx.remote_start_id if tx.remote_start_id is not None and not tx.told_remote else None,
            readings=values,
            reason=reason,
            register_wh=register,
            stop_token=token,
            stop_token_type=token_type,
            begun_wh=tx.register_wh,
        )
    )
    st.record(
        TransactionClosed(
            key=tx.key,
            evse_id=evse.evse_id,
            reason=reason,
            wall_us=stamp.wall_us,
            register_wh=register if register is not None else 0.0,
            physical_wh=physical,
            reported_energy_wh=(register - tx.register_wh)
            if register is not None and tx.register_wh is not None
            else 0.0,
            physical_energy_wh=physical - tx.physical_wh,
        )
    )
    st.board.flash.delete(TX_AREA, tx.key)
    st.board.flash.delete("samples", "samples:" + tx.key)
    evse.tx = None
    evse.spent = evse.points


# -- telling -----------------------------------------------------------------------------------------------------------


@drain(40)
def tell_all(st: Station, now: int) -> None:
    """Tell what has changed in the running transactions."""
    for evse in st.evses:
        if evse.tx is not None:
            tell(st, now, evse)


@drain(41)
def tell_rates(st: Station, now: int) -> None:
    """These had another limit, not by the CSMS: does the car charge faster or slower for it (K11.FR.04, K13.FR.03)?"""
    if RATE_CHANGED not in st.data:
        return
    for evse_id, before_w in st.data.pop(RATE_CHANGED).items():
        evse = st.evses[evse_id - 1]
        if evse.tx is not None and evse.tx.told_started and differs(st, before_w, evse.power_w):
            _tell(st, evse, evse.tx, TransactionUpdated, "ChargingRateChanged")


def tell(st: Station, now: int, evse: Evse) -> None:
    """Compare the facts of a transaction with what was told and publish what differs (E01.FR.15-18, E02.FR.15-20)."""
    tx = evse.tx
    assert tx is not None
    grant, end = evse.grant, evse.grant_end
    if grant is not None and not tx.id_token:
        _name(st, evse, tx, grant)
    if not tx.told_started:
        _tell(st, evse, tx, TransactionStarted, tx.start_trigger)
        tx.told_started = True
        tx.told_plugged, tx.told_bay, tx.told_state = evse.plugged, evse.bay, evse.charging_state
        tx.told_unlocked = evse.released
        save(st, tx)
        return
    if grant is not None and tx.lapsed:  # authorised anew: that is told like the first time (E01.FR.10, E02.FR.01)
        tx.lapsed = tx.told_token = tx.told_remote = False
        tx.remote_start_id, tx.reservation_id, tx.energy = grant.remote_start_id, None, grant.energy
    if tx.id_token and not tx.told_token:
        remote = tx.remote_start_id is not None and not tx.told_remote
        _tell(st, evse, tx, TransactionUpdated, "RemoteStart" if remote else "Authorized")  # E02.FR.20, F01.FR.19
    if end is not None and grant is None and end.at_us > tx.told_end_us:
        tx.told_end_us, tx.lapsed = end.at_us, bool(tx.id_token)
        _tell(st, evse, tx, TransactionUpdated, end.trigger, end)
        if end.trigger == "EVCommunicationLost":
            tx.told_plugged = evse.plugged  # the same event, told once
    if evse.released != tx.told_unlocked:  # E02.FR.17: by the CSMS
        tx.told_unlocked = evse.released
        if evse.released:
            _tell(st, evse, tx, TransactionUpdated, "UnlockCommand")
    if evse.bay != tx.told_bay:  # E02.FR.17
        tx.told_bay = evse.bay
        _tell(st, evse, tx, TransactionUpdated, "EVDetected" if evse.bay else "EVDeparted")
    if evse.plugged != tx.told_plugged:
        tx.told_plugged = evse.plugged
        _tell(st, evse, tx, TransactionUpdated, "CablePluggedIn" if evse.plugged else "EVCommunicationLost")
    if evse.charging_state != tx.told_state:
        if grant is not None and not grant.energy:
            tx.energy = False  # E05.FR.02: energy stops, the authorisation does not
        _tell(st, evse, tx, TransactionUpdated, "ChargingStateChanged")
    if tx.told_phases and evse.flowing and _phases(evse) != tx.told_phases:  # E02.FR.19, E03.FR.14
        _tell(st, evse, tx, TransactionUpdated, "ChargingRateChanged")


def _phases(evse: Evse) -> int:
    """How many phases the car draws from; 0 when none, or on direct current."""
    if not evse.flowing or not evse.phases or evse.ev is None:
        return evse.phases if evse.flowing else 0
    return max(1, min(evse.phases, evse.ev.spec.phases))


def _start_trigger(evse: Evse, starts: int, now: int) -> str:
    """What made the first of the start points ``starts`` hold (TriggerReasonEnumType)."""
    grant = evse.grant
    if grant is not None and grant.remote_start_id is not None:
        return "RemoteStart"  # F01.FR.19
    if starts == c.DATA_SIGNED:
        return "SignedDataReceived"  # E01.FR.04
    if starts & c.AUTHORIZED or (starts & c.POWER_PATH_CLOSED and grant is not None and grant.at_us == now):
        return "Authorized"
    if starts & (c.EV_CONNECTED | c.POWER_PATH_CLOSED):
        return "CablePluggedIn"
    return "EVDetected" if starts & c.PARKING_BAY_OCCUPANCY else "ChargingStateChanged"


def _tell(
    st: Station,
    evse: Evse,
    tx: Transaction,
    kind: type[TransactionStarted] | type[TransactionUpdated],
    trigger: str,
    end: GrantEnd | None = None,
) -> None:
    tell_evse = evse.plugged and not tx.told_evse  # E01.FR.16
    phases = _phases(evse)
    values: tuple[MeterReading, ...] = ()
    if tx.begin is not None and not tx.told_begin and (kind is TransactionStarted or evse.flowing):
        values = st.dialect.policy.started_readings(st, tx)
        tx.told_begin = True
    told_token = not tx.told_token and bool(tx.id_token)
    remote = tx.remote_start_id is not None and not tx.told_remote and (told_token or tx.told_token)
    fields = {
        "key": tx.key,
        "evse_id": evse.evse_id,
        "connector_id": 1,
        "seq_no": -1,
        "trigger": trigger,
        "at": tx.started if kind is TransactionStarted else st.stamp(),
        "offline": not st.link.is_up,
        "charging_state": evse.charging_state,
        "id_token": tx.id_token if told_token else (end.stop_token if end is not None else None),
        "token_type": tx.token_type if told_token or end is None else end.stop_token_type,
        "tell_evse": tell_evse or kind is TransactionStarted,
        "remote_start_id": tx.remote_start_id if remote else None,
        "reservation_id": tx.reservation_id if told_token else None,
        "phases_used": phases if phases and phases != tx.told_phases else None,
        "readings": values,
    }
    if kind is TransactionStarted:
        fields["register_wh"], fields["start_token"] = tx.register_wh, tx.id_token
    tx.told_token = tx.told_token or told_token
    tx.told_remote = tx.told_remote or remote
    tx.told_evse = tx.told_evse or tell_evse or kind is TransactionStarted
    tx.told_state = evse.charging_state
    if phases:
        tx.told_phases = phases
    st.publish(kind(**fields))  # type: ignore[arg-type]


# -- after a boot ------------------------------------------------------------------------------------------------------


@at("start")
def recover(st: Station, now: int) -> None:
    """Transactions that flash still has open: go on with them, or end them with the reason of the interruption."""
    for _, stored in sorted(st.board.flash.items(TX_AREA)):
        tx: Transaction = structs.replace(stored)
        evse = st.evses[tx.evse_id - 1]
        evse.tx, evse.used = tx, True
        tx.held |= c.AUTHORIZED if tx.id_token else 0
        lost_power = st.boot_reason == "PowerUp"
        there = st.board.pilots[tx.evse_id - 1].plugged  # the car may have left meanwhile
        if lost_power and st.model.hardware.power_loss == "resume" and there:
            tx.resumed = True
            continue
        if not tx.told_started:
            _tell(st, evse, tx, TransactionStarted, tx.start_trigger)
            tx.told_started = True
        reason = "PowerLoss" if lost_power else "Reboot"
        _finish(st, evse, tx, "AbnormalCondition", reason, None, "")
        evse.spent = ~0
