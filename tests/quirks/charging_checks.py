"""Judges of charging profiles, of what flows, and of how transactions end. They know nothing of quirks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

from simulator.core import inputs as i
from simulator.core.records import TransactionClosed, TransactionOpened
from simulator.core.settings import KEYS
from simulator.core.wall import parse_wall
from simulator.lab.csms import Seen
from simulator.quirks.payload import meter_values
from tests.quirks.rig import Bench

Finding = Iterator[str]
FREE_A = 1e9
_LEAST_A = 6.0
#: seconds within which a new limit must be followed
_SETTLED_S = 5


def _replies(b: Bench, action: str) -> Iterator[tuple[Seen, Any]]:
    """CALLs of the CSMS with this action, and their answers where there were any."""
    for seen in b.csms.seen:
        if seen.direction == "csms" and seen.kind == 2 and seen.action == action and seen.message_id in b.csms.answers:
            yield seen, b.csms.answers[seen.message_id]


def _key(b: Bench, name: str) -> Any:
    return b.station.model.defaults[KEYS.get(name).index]


def _amps(b: Bench, profile: dict[str, Any]) -> float:
    """The highest limit of a profile, in A a phase; those of test scenarios begin at once and last."""
    schedule = profile["chargingSchedule"]
    limit = max(float(period["limit"]) for period in schedule["chargingSchedulePeriod"])
    phases = max(1, b.station.model.evses[0].phases)
    return limit if schedule["chargingRateUnit"] == "A" else limit / (b.station.model.evses[0].voltage_v * phases)


def allowance(b: Bench) -> list[tuple[int, float]]:
    """(from, A a phase) that the accepted profiles allow at connector 1; one row when no profile was ever accepted."""
    accepted = {s.message_id for s in b.csms.seen if b.csms.answers.get(s.message_id) == {"status": "Accepted"}}
    there: dict[int, dict[str, Any]] = {}
    rows = [(0, FREE_A)]
    for seen in b.csms.seen:
        asks = seen.direction == "csms" and seen.kind == 2 and seen.message_id in accepted
        if asks and "csChargingProfiles" in seen.payload:
            profile = seen.payload["csChargingProfiles"]
            there[profile["chargingProfileId"]] = profile
        elif asks and seen.action == "ClearChargingProfile":
            wanted = seen.payload.get("id")
            there = {number: one for number, one in there.items() if wanted not in (None, number)}
        elif seen.action == "StopTransaction" and seen.direction == "cp" and seen.kind == 2:
            there = {n: one for n, one in there.items() if one["chargingProfilePurpose"] != "TxProfile"}
        else:
            continue
        leading: dict[str, dict[str, Any]] = {}
        for one in there.values():
            purpose = one["chargingProfilePurpose"]
            if purpose not in leading or leading[purpose]["stackLevel"] < one["stackLevel"]:
                leading[purpose] = one
        if "TxProfile" in leading:
            leading.pop("TxDefaultProfile", None)
        rows.append((seen.now, min((_amps(b, one) for one in leading.values()), default=FREE_A)))
    return rows


def _spans(b: Bench, rows: list[tuple[int, Any]]) -> Iterator[tuple[int, int, Any, float]]:
    """(begin, end, value, A allowed) of every span in which neither changes, but for the first seconds of it."""
    limits = allowance(b)
    end_us = b.fleet.now
    for (begin, value), (end, _) in pairwise([*rows, (end_us, None)]):
        for (since, allowed), (until, _) in pairwise([*limits, (end_us, FREE_A)]):
            first, last = max(begin, since + _SETTLED_S * 1_000_000), min(end, until)
            if last > first:
                yield first, last, value, allowed


def _limit_obeyed(b: Bench) -> Finding:
    spec = b.station.model.evses[0]
    phases = min(max(1, spec.phases), b.car.phases)
    for at, _, watts, allowed in _spans(b, [(at, watts) for at, evse_id, watts in b.power if evse_id == 1]):
        if watts > allowed * spec.voltage_v * phases + 1:
            yield f"{watts} W at {at / 1e6} s, allowed were {allowed} A"


def _limit_used(b: Bench) -> Finding:
    if any(isinstance(event, i.EvseReady | i.Inject) for _, event in b.inputs):
        return
    least = 1e-3 if b.station.model.evses[0].is_dc else _LEAST_A
    for begin, end, status, allowed in _spans(b, [(at, s) for at, evse_id, s in b.derived if evse_id == 1]):
        if status == "SuspendedEVSE" and allowed >= least and end - begin > _SETTLED_S * 1_000_000:
            yield f"nothing flows at {begin / 1e6} s, allowed were {allowed} A"


def _profile_accepted(b: Bench) -> Finding:
    units = {{"Current": "A", "Power": "W"}[word] for word in _key(b, "ChargingScheduleAllowedChargingRateUnit")}
    for seen, reply in _replies(b, "SetChargingProfile"):
        if "csChargingProfiles" not in seen.payload:
            continue  # another version's
        profile, connector = seen.payload["csChargingProfiles"], seen.payload["connectorId"]
        schedule, purpose = profile["chargingSchedule"], profile["chargingProfilePurpose"]
        fits = (
            profile["stackLevel"] <= _key(b, "ChargeProfileMaxStackLevel")
            and schedule["chargingRateUnit"] in units
            and len(schedule["chargingSchedulePeriod"]) <= _key(b, "ChargingScheduleMaxPeriods")
            and 0 <= connector <= len(b.station.evses)
            and (purpose != "ChargePointMaxProfile" or connector == 0)
            and (purpose != "TxProfile" or _running(b, seen))
        )  # fmt: skip
        if fits and reply != {"status": "Accepted"}:
            yield f"{profile}: {reply}"


def _running(b: Bench, before: Seen) -> bool:
    """Does a transaction run when this frame comes?"""
    running = 0
    for seen in b.csms.seen:
        if seen is before:
            break
        if seen.direction == "cp" and seen.kind == 2:
            running += (seen.action == "StartTransaction") - (seen.action == "StopTransaction")
    return running > 0


def _composite_true(b: Bench) -> Finding:
    limits = allowance(b)
    spec = b.station.model.evses[0]
    for seen, reply in _replies(b, "GetCompositeSchedule"):
        if reply.get("status") != "Accepted":
            continue
        schedule = reply["chargingSchedule"]
        starts = [period["startPeriod"] for period in schedule["chargingSchedulePeriod"]]
        if starts[0] != 0 or sorted(set(starts)) != starts or starts[-1] >= max(1, schedule["duration"]):
            yield f"periods begin at {starts}, all lasts {schedule['duration']} s"
        volts = spec.voltage_v * max(1, spec.phases)
        hardware = min(spec.max_current_a, spec.max_power_w / volts)
        allowed = min(hardware, next(value for at, value in reversed(limits) if at <= seen.now))
        unit, told = schedule.get("chargingRateUnit", "A"), schedule["chargingSchedulePeriod"][0]["limit"]
        if abs((told if unit == "A" else told / volts) - allowed) > 0.1:
            yield f"{told} {unit} told, {allowed} A allowed"


def _power_true(b: Bench) -> Finding:
    rows = [(at, watts) for at, evse_id, watts in b.power if evse_id == 1]
    for seen in b.calls():
        if seen.action != "MeterValues" or seen.payload["connectorId"] != 1:
            continue
        for value in meter_values(seen.payload):
            for sample in value["sampledValue"]:
                if sample.get("measurand") != "Power.Active.Import" or "phase" in sample:
                    continue
                flows = {watts for (at, watts), (end, _) in pairwise([*rows, (b.fleet.now + 1, 0)])
                         if at <= seen.now and end > seen.now - 1_000_000}  # fmt: skip
                factor = 1_000.0 if sample.get("unit") == "kW" else 1.0
                if not any(abs(float(sample["value"]) * factor - watts) <= 0.01 * watts + 1 for watts in flows):
                    yield f"{sample['value']} told at {seen.now / 1e6} s, {sorted(flows)} W flowed"


#: reasons for which somebody at the station, or hardware, may end a transaction
_BY_INPUT: dict[type, frozenset[str]] = {
    i.Present: frozenset({"Local"}),
    i.Press: frozenset({"Local", "EmergencyStop"}),
    i.Unplug: frozenset({"EVDisconnected"}),
    i.Inject: frozenset({"Other", "PowerLoss", "EVDisconnected", "EmergencyStop"}),
    i.Leave: frozenset({"Other", "Local"}),
}
_BY_CALL = {
    "RemoteStopTransaction": frozenset({"Remote"}),
    "Reset": frozenset({"SoftReset", "HardReset"}),
    "UnlockConnector": frozenset({"UnlockCommand"}),
}


def _stop_reason(b: Bench) -> Finding:
    if b.disturbed:
        return
    judged: list[Any] = []
    for seen in b.calls():
        if seen.action != "StopTransaction" or seen.payload in judged:
            continue
        judged.append(seen.payload)
        # it may have waited for its turn
        wall_us = parse_wall(seen.payload["timestamp"]) or 0
        since = min(seen.now, max(0, wall_us - b.fleet.epoch_us)) - _SETTLED_S * 1_000_000
        near = range(since, seen.now + 1)
        causes: set[str] = set()
        for now, event in b.inputs:
            if now in near:
                causes |= _BY_INPUT.get(type(event), frozenset())
            if isinstance(event, i.PowerOff | i.Perform):
                causes |= {"PowerLoss", "Reboot"}
        for other in b.csms.seen:
            if other.now in near and other.direction == "csms" and other.kind == 2:
                causes |= _BY_CALL.get(other.action, frozenset())
            refused = other.direction == "csms" and other.kind == 3 and isinstance(other.payload, dict)
            if (
                refused
                and other.now in near
                and other.payload.get("idTagInfo", {}).get("status", "Accepted") != "Accepted"
            ):
                causes.add("DeAuthorized")
        if seen.payload.get("reason", "Local") not in causes:
            yield f"{seen.payload.get('reason')} at {seen.now / 1e6} s, could have been {sorted(causes)}"


def _stays_usable(b: Bench) -> Finding:
    if any(isinstance(event, i.Inject | i.Press) for _, event in b.inputs):
        return
    yield from (f"EVSE {evse_id} at {at / 1e6} s" for at, evse_id, status in b.derived if status == "Faulted")


def _refusal_obeyed(b: Bench) -> Finding:
    for seen in b.csms.seen:
        if seen.action != "StartTransaction" or seen.direction != "csms" or seen.kind != 3:
            continue
        if seen.payload["idTagInfo"]["status"] == "Accepted":
            continue
        for (at, evse_id, watts), (end, _, _) in pairwise([*b.power, (b.fleet.now, 0, 0.0)]):
            if watts and end > max(at, seen.now) + _SETTLED_S * 1_000_000:
                yield f"{watts} W at {evse_id} after a refusal at {seen.now / 1e6} s"


def _sessions_told(b: Bench) -> Finding:
    for kind, action in ((TransactionOpened, "StartTransaction"), (TransactionClosed, "StopTransaction")):
        true = len(b.fleet.recorded(kind))
        told = len({str(seen.payload) for seen in b.calls() if seen.action == action})
        if told != true and not b.disturbed:
            yield f"{told} times {action}, {true} in truth"


def _attempts(b: Bench) -> Finding:
    stops = [str(seen.payload) for seen in b.calls() if seen.action == "StopTransaction"]
    for one in sorted(set(stops)):
        if stops.count(one) > _key(b, "TransactionMessageAttempts") and not b.disturbed:
            yield f"{stops.count(one)} times {one}"


CHARGING_CHECKS: dict[str, Callable[[Bench], Finding]] = {
    "attempts": _attempts,
    "composite_true": _composite_true,
    "limit_obeyed": _limit_obeyed,
    "limit_used": _limit_used,
    "power_true": _power_true,
    "profile_accepted": _profile_accepted,
    "refusal_obeyed": _refusal_obeyed,
    "sessions_told": _sessions_told,
    "stays_usable": _stays_usable,
    "stop_reason": _stop_reason,
}
