"""Judges: for each word of BREAKS, does it hold of what a bench has seen? They know nothing of quirks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema

from simulator.blocks import local_list
from simulator.blocks.config_keys import LATER_PROTOCOLS
from simulator.core.records import Booted, Connected, ConnectFailed, Disconnected, FaultBegan, MessageFate
from simulator.core.settings import KEYS
from simulator.core.wall import parse_wall
from simulator.lab.csms import Seen
from simulator.wire.codec import is_datetime
from tests.quirks.charging_checks import CHARGING_CHECKS
from tests.quirks.meter_checks import (
    METER_CHECKS,
    context,
    default,
    outside_sessions,
    samples,
    stem,
    stop_values,
    values,
    written,
)
from tests.quirks.rig import ENERGY, Bench

_FOLDERS = {"1.6": "v16", "2.0.1": "v201", "2.1": "v21"}
_UNITS = {"Energy": {"Wh", "kWh"}, "Power": {"W", "kW"}, "Current": {"A"}, "Voltage": {"V"}, "SoC": {"Percent"}}
Finding = Iterator[str]


@cache
def _validator(version: str, action: str, kind: int) -> Any:
    name = {2: action if version == "1.6" else f"{action}Request", 3: f"{action}Response"}[kind]
    path = files("ocpp") / _FOLDERS[version] / "schemas" / f"{name}.json"
    schema = json.loads(path.read_text(encoding="utf-8-sig"))
    checker = jsonschema.FormatChecker()
    checker.checks("date-time")(lambda text: not isinstance(text, str) or is_datetime(text))
    return jsonschema.validators.validator_for(schema)(schema, format_checker=checker)


def schema_errors(version: str, seen: Seen) -> list[str]:
    """What the published schema says of one frame of a station."""
    if seen.kind not in (2, 3):
        return []
    return [error.message for error in _validator(version, seen.action, seen.kind).iter_errors(seen.payload)]


def broken(bench: Bench) -> dict[str, list[str]]:
    """Every word of BREAKS that does not hold, with what was found (the first few)."""
    found = {word: list(check(bench))[:3] for word, check in CHECKS.items()}
    return {word: findings for word, findings in found.items() if findings}


def _schema(b: Bench) -> Finding:
    for seen in b.csms.seen:
        if seen.direction == "cp":
            yield from (f"{seen.action}: {e}" for e in schema_errors(b.station.dialect.name, seen))


def _status_before_boot(b: Bench) -> Finding:
    for seen in b.csms.seen:
        if seen.direction == "csms" and seen.action == "BootNotification":
            return
        if seen.direction == "cp" and seen.kind == 2 and seen.action != "BootNotification":
            yield seen.action


def _status_true(b: Bench) -> Finding:
    for seen in b.calls():
        if seen.action != "StatusNotification" or seen.payload.get("connectorId") == 0 or "status" not in seen.payload:
            continue
        rows = [(at, status) for at, evse_id, status in b.derived if evse_id == seen.payload["connectorId"]]
        if not rows:
            yield f"there is no connector {seen.payload['connectorId']}"
            continue
        ends = [at for at, _ in rows[1:]] + [seen.now + 1]
        # what was true at some moment of the last instants may still be told
        since = seen.now - 400_000
        true = {status for (at, status), end in zip(rows, ends, strict=True) if at <= seen.now and end > since}
        if seen.payload["status"] not in true:
            yield f"{seen.payload['status']} told at {seen.now / 1e6}, true were {sorted(true)}"


def _error_true(b: Bench) -> Finding:
    if not b.fleet.recorded(FaultBegan):
        for seen in b.calls():
            if seen.payload.get("errorCode", "NoError") != "NoError":
                yield f"{seen.payload['errorCode']} while {seen.payload['status']}"


def _list_whole(b: Bench) -> Finding:
    told: set[str] = set()
    for seen in b.csms.seen:
        asked = seen.direction == "csms" and seen.action == "SendLocalList"
        if asked and b.csms.answers.get(seen.message_id) == {"status": "Accepted"}:
            rows = {row["idTag"] for row in seen.payload.get("localAuthorizationList", ())}
            told = rows if seen.payload["updateType"] == "Full" else told | rows
    if told and local_list.length(b.station) != len(told):
        yield f"{local_list.length(b.station)} of {len(told)}"


def _one_start(b: Bench) -> Finding:
    answered = {s.message_id for s in b.csms.seen if s.direction == "csms" and s.kind == 3}
    done: list[Any] = []
    for seen in b.calls():
        if seen.action == "StartTransaction":
            if seen.payload in done:
                yield f"again: {seen.payload}"
            if seen.message_id in answered:
                done.append(seen.payload)


def _register_never_falls(b: Bench) -> Finding:
    last: dict[int, float] = {}
    starts: list[Any] = []

    def rose(connector: int, wh: float) -> Finding:
        if wh < last.get(connector, 0.0) - 1e-6:
            yield f"{last.get(connector, 0.0)} to {wh}"
        last[connector] = wh

    for seen in b.calls():
        if seen.action == "StartTransaction" and seen.payload not in starts:
            starts.append(seen.payload)
            yield from rose(1, seen.payload["meterStart"])
        elif seen.action == "StopTransaction":
            yield from rose(1, seen.payload["meterStop"])
        elif seen.action == "MeterValues" and seen.payload["connectorId"]:
            for _, sample in samples(seen):
                if sample.get("context") == "Transaction.Begin" and len(seen.payload["meterValue"]) == 1:
                    continue  # told once more, beside what it is now
                if sample.get("measurand", ENERGY) == ENERGY and sample.get("unit", "Wh") == "Wh":
                    yield from rose(1, float(sample["value"]))


def _own_transaction_id(b: Bench) -> Finding:
    answered = {s.message_id for s in b.csms.seen if s.direction == "csms" and s.kind == 3}
    last = ""
    for seen in b.calls():
        last = seen.message_id if seen.action == "StartTransaction" else last
        named = seen.payload.get("transactionId", -1)
        if named != -1 and named not in b.csms.transactions:
            yield f"{seen.action}: {named}"
        elif named == -1 and seen.action == "StopTransaction" and last in answered:
            yield f"{seen.action}: {named}, although the start was answered"


def _every_call_answered(b: Bench) -> Finding:
    cuts = [now for now, _, record in b.fleet.records if isinstance(record, Disconnected)]
    for seen in b.csms.seen:
        asked = seen.direction == "csms" and seen.kind == 2 and not any(seen.now <= cut for cut in cuts)
        if asked and seen.message_id not in b.csms.answers:
            yield seen.action


def _every_fate(b: Bench) -> Finding:
    # samples that were given up go by the key of their transaction, all of them
    ends = [(fate.action, fate.key) for fate in b.fleet.recorded(MessageFate) if fate.key]
    ends = [end for end in ends if end[0] != "SampleTaken"]
    yield from (f"{action} of {key}" for action, key in sorted({end for end in ends if ends.count(end) > 1}))


def _message_ids(b: Bench) -> Finding:
    ids = [seen.message_id for seen in b.calls()]
    yield from sorted({one for one in ids if ids.count(one) > 1})


def _no_callerror(b: Bench) -> Finding:
    yield from (f"{s.action}: {s.payload}" for s in b.csms.seen if s.direction == "cp" and s.kind == 4)


def _true_time(b: Bench) -> Finding:
    epoch_us = b.fleet.epoch_us
    for seen in b.calls():
        stamps = [seen.payload.get("timestamp")] + [v["timestamp"] for v in values(seen.payload)]
        for stamp in filter(None, stamps):
            wall_us = parse_wall(stamp)
            if wall_us is None:
                continue  # what is no time stamp breaks the schema
            if not epoch_us - 1_000_000 <= wall_us <= epoch_us + seen.now + 1_000_000:
                yield f"{seen.action}: {stamp}"
    for seen in b.csms.seen:
        if seen.direction == "cp" and seen.kind == 3 and seen.action == "GetCompositeSchedule":
            begin = seen.payload.get("scheduleStart")
            if seen.payload.get("chargingSchedule", {}).get("startSchedule", begin) != begin:
                yield f"{seen.action}: {begin} and {seen.payload['chargingSchedule']['startSchedule']}"


def _token(b: Bench) -> Finding:
    serial = (b.station.model.identity.serial or "").format(n=b.station.number, id=b.station.id)
    fine = {token for _, token, _ in b.presented} | {b.station.model.free_vend_token, serial}
    yield from (f"{s.action}: {s.payload['idTag']}" for s in b.calls() if s.payload.get("idTag", serial) not in fine)


def _token_asked(b: Bench) -> Finding:
    free, asked = sum(free for _, _, free in b.presented), b.csms.actions().count("Authorize")
    if asked < free:
        yield f"{free} tokens at a free connector, {asked} questions"


#: follow from hardware, or from what the CSMS said at the boot
_DERIVED = {"HeartbeatInterval", "ConnectorPhaseRotation"}


def _reads_back(b: Bench) -> Finding:
    for seen in b.csms.seen:
        if seen.direction != "cp" or seen.kind != 3 or seen.action != "GetConfiguration":
            continue
        for row in seen.payload.get("configurationKey", ()):
            if row["key"] not in KEYS or row["key"] in _DERIVED or "value" not in row:
                continue
            found = KEYS.get(row["key"])
            value = b.station.model.defaults[found.index]
            if row["key"] == "NumberOfConnectors":
                value = len(b.station.evses)
            if row["key"] == "SupportedFileTransferProtocols":
                value = tuple(word for word in value if word not in LATER_PROTOCOLS)
            true = written(b, row["key"], seen) or found.format(value)
            if row["value"] != true:
                yield f"{row['key']} reads {row['value']!r}, is {true!r}"


def _required_keys(b: Bench) -> Finding:
    required = {key for key in KEYS if KEYS.get(key).required16}
    asked = [s for s in b.csms.seen if s.direction == "csms" and s.action == "GetConfiguration" and not s.payload]
    for message_id in {s.message_id for s in asked} & set(b.csms.answers):
        listed = {row["key"] for row in b.csms.answers[message_id]["configurationKey"]}
        yield from sorted(required - listed)


def _sessions(b: Bench) -> Iterator[tuple[int, int, list[Seen]]]:
    """(begin, end, periodic messages) of the sessions that have ended, by connector 1's messages."""
    begun: int | None = None
    messages: list[Seen] = []
    for seen in b.calls():
        if seen.action == "StartTransaction":
            begun, messages = begun or seen.now, messages if begun else []
        elif seen.action == "StopTransaction" and begun is not None:
            yield begun, seen.now, messages
            begun = None
        elif seen.action == "MeterValues" and begun is not None and seen.payload["connectorId"]:
            messages += [seen] if context(seen) not in ("Sample.Clock", "Trigger") else []


def _configured_samples(b: Bench) -> Finding:
    st = b.station
    interval_s = int(st.model.defaults[KEYS.get("MeterValueSampleInterval").index])
    measurands = KEYS.get("MeterValuesSampledData")
    default = measurands.format(st.model.defaults[measurands.index])
    for begun, ended, messages in _sessions(b):
        due = 0 if b.disturbed or not interval_s else (ended - begun) // (interval_s * 1_000_000)
        if len(messages) < due:
            yield f"{len(messages)} of {due} samples"
        for seen in messages:
            wanted = {stem(name) for name in (written(b, "MeterValuesSampledData", seen) or default).split(",")}
            yield from sorted(wanted - {sample.get("measurand") for _, sample in samples(seen)})
    yield from outside_sessions(b)
    yield from stop_values(b)


def _sample_context(b: Bench) -> Finding:
    for begun, _, messages in _sessions(b):
        for seen in messages:
            for _, sample in samples(seen):
                if sample.get("context") == "Transaction.Begin" and seen.now > begun + 5_000_000:
                    yield f"{(seen.now - begun) / 1e6} s after the begin"
    if default(b, "ClockAlignedDataInterval") == "0":
        yield from ("an aligned one" for seen in b.calls() if seen.action == "MeterValues" and _clocked(b, seen))


def _clocked(b: Bench, seen: Seen) -> bool:
    """Does it claim to be aligned within a session, though nothing asks for aligned values?"""
    asked = written(b, "ClockAlignedDataInterval", seen)
    return "transactionId" in seen.payload and context(seen) == "Sample.Clock" and not asked


def _measurand_unit(b: Bench) -> Finding:
    for seen in b.calls():
        for _, sample in samples(seen) if seen.action == "MeterValues" else ():
            measurand = sample.get("measurand", ENERGY)
            units = _UNITS.get(measurand.partition(".")[0])
            if units and sample.get("unit", next(iter(units))) not in units:
                yield f"{sample}"


def _phases(b: Bench) -> Finding:
    if b.car.phases == 1:
        for sample in b.samples():
            flows = sample.get("measurand") == "Current.Import" and float(sample["value"]) > 0
            if flows and sample.get("phase", "L1") != "L1":
                yield f"{sample}"


def _accepted_has_effect(b: Bench) -> Finding:
    ids = [s.message_id for s in b.csms.seen if s.direction == "csms" and s.action == "RemoteStartTransaction"]
    accepted = sum(b.csms.answers.get(m) == {"status": "Accepted"} for m in ids)
    started = b.csms.actions().count("StartTransaction")
    if accepted > started:
        yield f"{accepted} accepted, {started} started"


def _stoppable(b: Bench) -> Finding:
    running: set[int] = set()
    for seen in b.csms.seen:
        if seen.action == "StartTransaction" and seen.direction == "csms":
            running.add(seen.payload["transactionId"])
        elif seen.action == "StopTransaction":
            running.clear()
        elif seen.action == "RemoteStopTransaction" and seen.direction == "csms":
            refused = b.csms.answers.get(seen.message_id) == {"status": "Rejected"}
            if refused and seen.payload["transactionId"] in running:
                yield f"transaction {seen.payload['transactionId']}"


def _stays_connected(b: Bench) -> Finding:
    if b.disturbed:  # by somebody else: then only what the station does without need counts
        yield from (f"closed at {now / 1e6}" for now, how, runs in b.hangups if how == "close" and runs)
        return
    for now, _, record in b.fleet.records:
        if isinstance(record, Disconnected) or (isinstance(record, Booted) and record.reason != "PowerUp"):
            yield f"{record} at {now / 1e6}"


def _frames(b: Bench) -> Finding:
    for seen in b.csms.seen:
        if seen.direction == "cp" and (seen.kind == 0 or (seen.kind == 4 and not isinstance(seen.payload[2], dict))):
            yield f"{seen.payload!r}"


def _handshake(b: Bench) -> Finding:
    for _, dial in b.dials:
        manner, usual = dial.manner, dial.subprotocols == (b.station.dialect.subprotocol,)
        own = manner.identity_in_path(b.station.id, "") == b.station.id
        if not (usual and own and manner.upgrade == "websocket" and not manner.blank_password):
            yield f"{dial.subprotocols} {manner}"


#: no wait of the settings' back-off is longer than this
_LONGEST_WAIT_US = 200_000_000


def _gets_in(b: Bench) -> Finding:
    """Benches never show a certificate that is not good."""
    for now, _, record in b.fleet.records:
        if isinstance(record, ConnectFailed) and record.cause == "tls_server_cert":
            yield f"{record.detail} at {now / 1e6}"
        if isinstance(record, ConnectFailed | Disconnected):
            again = next((at for at, _ in b.dials if at >= now), b.fleet.now)
            if again - now > _LONGEST_WAIT_US:
                yield f"nothing within {(again - now) / 1e6} s of {now / 1e6}"
    opened = [now for now, _, record in b.fleet.records if isinstance(record, Connected)]
    brief = [now for now, _, runs in b.hangups if runs and any(0 <= now - at < 2_000_000 for at in opened)]
    if len(brief) > 2:
        yield f"{len(brief)} connections were closed as soon as they stood"


def _says_goodbye(b: Bench) -> Finding:
    yield from (f"silent at {now / 1e6}" for now, how, _ in b.hangups if how == "vanish")


def _boot_once(b: Bench) -> Finding:
    accepted, last = False, -1
    for seen in b.csms.seen:
        dialled = any(last < at <= seen.now for at, _ in b.dials)  # a new link, perhaps after a restart
        last = seen.now
        if seen.action == "TriggerMessage" or dialled:
            accepted = False
        if seen.action == "BootNotification" and seen.direction == "cp" and accepted:
            yield f"at {seen.now / 1e6}"
        elif seen.action == "BootNotification" and seen.direction == "csms":
            accepted = seen.payload["status"] == "Accepted"


CHECKS: dict[str, Callable[[Bench], Finding]] = {
    **CHARGING_CHECKS,
    **METER_CHECKS,
    "accepted_has_effect": _accepted_has_effect,
    "configured_samples": _configured_samples,
    "error_true": _error_true,
    "boot_once": _boot_once,
    "frames": _frames,
    "gets_in": _gets_in,
    "handshake": _handshake,
    "says_goodbye": _says_goodbye,
    "every_call_answered": _every_call_answered,
    "every_fate": _every_fate,
    "list_whole": _list_whole,
    "measurand_unit": _measurand_unit,
    "message_ids": _message_ids,
    "no_callerror": _no_callerror,
    "one_start": _one_start,
    "own_transaction_id": _own_transaction_id,
    "phases": _phases,
    "reads_back": _reads_back,
    "register_never_falls": _register_never_falls,
    "required_keys": _required_keys,
    "sample_context": _sample_context,
    "schema": _schema,
    "status_before_boot": _status_before_boot,
    "status_true": _status_true,
    "stays_connected": _stays_connected,
    "stoppable": _stoppable,
    "token": _token,
    "token_asked": _token_asked,
    "true_time": _true_time,
}
