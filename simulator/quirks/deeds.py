"""What quirks do to charging itself, beyond messages: charging profiles, a limit of the product's own, stops, damage.

A charging profile of the CSMS is looked at before the station sees it (:func:`asked`), refused or accepted in the
station's place (:func:`answer`), changed once it is installed (:func:`alter`), or lost (:func:`forget`). A limit that
the product imposes on itself is a charging profile beside those of the CSMS, which it can neither replace nor clear;
nobody is told of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import UNSET, structs

from simulator.blocks import charging_profiles, remote_control
from simulator.blocks import charging_schedule as cs
from simulator.core import hands
from simulator.core.desk import FACTS_AREA
from simulator.core.inputs import Clear, Inject
from simulator.core.power_path import SUSPENDED_EVSE, enough
from simulator.core.reports import TransactionReport
from simulator.quirks.payload import get, knows
from simulator.quirks.port import QuirkPort

if TYPE_CHECKING:
    from simulator.core.connector import Evse
    from simulator.core.reports import Report
    from simulator.core.station import Station
    from simulator.quirks.seams import Quirk

SET = "SetChargingProfile"
#: the only purpose that has another name in the older protocol
_PURPOSES = {"ChargePointMaxProfile": cs.STATION_MAX}
#: a limit of the product itself is listed under this source; ids of external limits are just below 0
_SOURCE, _ID = "Other", -1_001


#: things a quirk has noted at a time
_NOTED = 16


class Asked(NamedTuple):
    """A charging profile that the CSMS wants to set, in words of 2.x. ``periods``: of its longest schedule.

    ``started``: every schedule says when it begins."""

    evse_id: int
    purpose: str
    kind: str
    level: int
    units: frozenset[str]
    periods: int
    started: bool


def asked(action: str, req: Any) -> Asked | None:
    """What a request to set a charging profile wants; None for any other request."""
    if action != SET:
        return None
    older = get(req, "csChargingProfiles")
    wire = get(req, "chargingProfile") if older is UNSET else older
    schedules = wire.charging_schedule if isinstance(wire.charging_schedule, list) else [wire.charging_schedule]
    return Asked(
        evse_id=get(req, "evseId") if older is UNSET else get(req, "connectorId"),
        purpose=_PURPOSES.get(wire.charging_profile_purpose, wire.charging_profile_purpose),
        kind=wire.charging_profile_kind,
        level=wire.stack_level,
        units=frozenset(schedule.charging_rate_unit for schedule in schedules),
        periods=max((len(schedule.charging_schedule_period) for schedule in schedules), default=0),
        started=all(schedule.start_schedule is not UNSET for schedule in schedules),
    )


def answer(
    st: Station, quirk: Quirk, action: str, message_id: str, status: str, why: tuple[str, str] = ("", "")
) -> str:
    """Answer a request in the station's place by a status; ``why``: reason code and text, where there is room."""
    messages = st.dialect.messages
    reply = getattr(messages, f"{action}Response")(status=status)
    if why[0] and knows(reply, "statusInfo"):
        info = messages.StatusInfoType(reason_code=why[0], additional_info=why[1] or UNSET)
        reply = structs.replace(reply, status_info=info)
    return QuirkPort(st, quirk).answer(message_id, reply)


def of_csms(st: Station) -> list[charging_profiles.Installed]:
    """The installed profiles that the CSMS has set."""
    return [there for there in charging_profiles.installed(st) if there.source == charging_profiles.CSMS]


def alter(st: Station, change: Callable[[Evse, str, int], int]) -> None:
    """Replace every limit of the CSMS by ``change(evse, unit, limit)``, in 0.1 of the unit; it must not matter whether
    that is done once or twice."""
    for there in of_csms(st):
        evse = st.evses[max(there.evse_id, 1) - 1]
        schedules = tuple(
            structs.replace(
                schedule,
                periods=tuple(
                    structs.replace(period, limit=change(evse, schedule.unit, period.limit))
                    for period in schedule.periods
                ),
            )
            for schedule in there.profile.schedules
        )
        if schedules != there.profile.schedules:
            changed = structs.replace(there.profile, schedules=schedules)
            charging_profiles.keep(st, there.evse_id, changed, there.source)


def forget(st: Station) -> None:
    """The profiles of the CSMS are gone."""
    gone = [there.profile.id for there in of_csms(st)]
    if gone:
        charging_profiles.remove(st, gone)


def least(evse: Evse, unit: str) -> int:
    """The smallest limit on which a car on all phases of this EVSE charges, in 0.1 of the unit."""
    return 60 if unit == cs.AMPERE else int(60 * evse.spec.voltage_v * max(1, evse.spec.phases))


def limit(st: Station, evse_id: int, unit: str, amount: float) -> None:
    """The product limits an EVSE (0: itself as a whole) to so many A a phase, or W in all, until released."""
    schedule = cs.Schedule(unit, (cs.Period(0, int(amount * 10)),), None, 0)
    profile = cs.ChargingProfile(_ID - evse_id, 1, cs.EXTERNAL, cs.ABSOLUTE, (schedule,))
    there = {known.profile.id: known.profile for known in charging_profiles.installed(st)}
    if there.get(profile.id) != profile:
        charging_profiles.keep(st, evse_id, profile, _SOURCE)


def release(st: Station, evse_id: int) -> None:
    """That limit is gone, if there was one."""
    if any(there.profile.id == _ID - evse_id for there in charging_profiles.installed(st)):
        charging_profiles.remove(st, [_ID - evse_id])


def starved(evse: Evse) -> bool:
    """Does a limit leave this EVSE less than a car can charge with?"""
    return evse.limit is not None and not enough(evse, evse.limit)


def paused(st: Station, report: Report) -> bool:
    """Does this report say that a limit has suspended its transaction?"""
    if not isinstance(report, TransactionReport) or report.charging_state != SUSPENDED_EVSE:
        return False
    return starved(st.evses[report.evse_id - 1])


def stop(st: Station, evse: Evse, reason: str = "Other", trigger: str = "AbnormalCondition") -> None:
    """End what runs at an EVSE; from ``timer``, from ``moment``, or in answer to a request."""
    if evse.tx is not None:
        remote_control.request_stop(st, evse.tx.key, trigger, reason)


def noted(st: Station, quirk: Quirk) -> tuple[Any, ...]:
    """What a quirk has noted on flash, so that a message looks the same when it is told again after a reboot."""
    found = st.board.flash.get(FACTS_AREA, f"quirk {quirk.name}")
    return found if isinstance(found, tuple) else ()


def note(st: Station, quirk: Quirk, what: Any) -> None:
    """Note one thing more; the last few are kept."""
    kept = (*noted(st, quirk)[1 - _NOTED :], what)
    st.board.flash.write(FACTS_AREA, f"quirk {quirk.name}", kept, 48 * len(kept))


def damage(st: Station, fault_id: str, fault: str, evse_id: int, **params: Any) -> None:
    """A part breaks, unless this very damage is there already."""
    if fault_id not in st.board.active:
        hands.inject(st, Inject(fault_id, fault, evse_id, params), st.now)


def repair(st: Station, fault_id: str) -> None:
    """That damage is gone, if it was there."""
    if fault_id in st.board.active:
        hands.clear(st, Clear(fault_id), st.now)
