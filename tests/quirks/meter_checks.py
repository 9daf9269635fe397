"""Judges of meter values: what they hold, when they come, and whose they are. They know nothing of quirks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import takewhile
from typing import Any

from simulator.core.settings import KEYS
from simulator.lab.csms import Seen
from tests.quirks.rig import Bench

Finding = Iterator[str]


def values(payload: Any, key: str = "meterValue") -> list[dict[str, Any]]:
    values = payload.get(key, [])
    return [values] if isinstance(values, dict) else values


def samples(seen: Seen) -> Iterator[tuple[str, dict[str, Any]]]:
    for value in values(seen.payload):
        for sample in value["sampledValue"]:
            yield value["timestamp"], sample


def context(seen: Seen) -> str | None:
    return next((sample.get("context") for _, sample in samples(seen)), None)


def written(b: Bench, key: str, before: Seen) -> str | None:
    """The text last written and accepted before this frame."""
    text = None
    for seen in takewhile(lambda seen: seen is not before, b.csms.seen):
        asked = seen.direction == "csms" and seen.action == "ChangeConfiguration"
        accepted = b.csms.answers.get(seen.message_id) == {"status": "Accepted"}
        if asked and accepted and seen.payload.get("key") == key:
            text = seen.payload["value"]
    return text


def stem(name: str) -> str:
    return name.removesuffix(".L1").removesuffix(".L2").removesuffix(".L3")


#: context of values outside of sessions -> the list they are made by
_LISTS = {"Sample.Clock": "MeterValuesAlignedData", "Trigger": "MeterValuesSampledData"}


def default(b: Bench, key: str) -> str:
    found = KEYS.get(key)
    return found.format(b.station.model.defaults[found.index])


def outside_sessions(b: Bench) -> Finding:
    for seen in b.calls():
        if seen.action == "MeterValues" and "transactionId" not in seen.payload and seen.payload["connectorId"]:
            key = _LISTS.get(context(seen) or "")
            if key:
                wanted = {stem(name) for name in (written(b, key, seen) or default(b, key)).split(",")}
                yield from sorted(wanted - {sample.get("measurand") for _, sample in samples(seen)})


def stop_values(b: Bench) -> Finding:
    for seen in b.calls():
        if seen.action == "StopTransaction" and default(b, "StopTxnSampledData"):
            told = [s.get("context") for v in values(seen.payload, "transactionData") for s in v["sampledValue"]]
            yield from (context for context in ("Transaction.Begin", "Transaction.End") if context not in told)


def _plain_numbers(b: Bench) -> Finding:
    for seen in b.calls():
        for _, sample in samples(seen):
            if not re.fullmatch(r"-?\d+(\.\d+)?(e[-+]\d+)?", str(sample["value"])):
                yield f"{sample['value']!r}"


def _samples_in_session(b: Bench) -> Finding:
    running: set[int] = set()
    for seen in b.csms.seen:
        if seen.direction == "csms" and seen.kind == 3 and seen.action == "StartTransaction":
            running.add(seen.payload["transactionId"])
        elif seen.direction == "cp" and seen.action == "StopTransaction":
            running.discard(seen.payload["transactionId"])
        elif seen.direction == "cp" and seen.action == "MeterValues" and seen.kind == 2:
            named = seen.payload.get("transactionId")
            if named in b.csms.transactions and named not in running:
                yield f"values of {named}"


def _connector_asked(b: Bench) -> Finding:
    asked = None
    for seen in b.csms.seen:
        if seen.direction == "csms" and seen.action == "TriggerMessage":
            asked = seen.payload.get("connectorId")
        elif asked and seen.direction == "cp" and seen.action == "MeterValues" and seen.kind == 2:
            told = seen.payload["connectorId"]
            wrong = context(seen) == "Trigger" and told != asked
            yield from [f"{told} instead of {asked}"] * wrong


def _value_true(b: Bench) -> Finding:
    for seen in b.calls():
        evse_id = seen.payload["connectorId"] if seen.action == "MeterValues" else 0
        for value in values(seen.payload) if evse_id else ():
            samples = value["sampledValue"]
            currents = [s for s in samples if s.get("measurand") == "Current.Import"]
            phased = sum(float(s["value"]) for s in currents if "phase" in s)
            for s in samples:
                told, measurand = float(s["value"]), s.get("measurand")
                volts = b.station.evses[evse_id - 1].spec.voltage_v
                if measurand == "Voltage" and not 0.8 * volts <= told <= 1.2 * volts:
                    yield f"{told} V"
                elif measurand == "Current.Offered" and told > _offered(b, evse_id, seen.now) + 0.1:
                    yield f"{told} A offered"
                elif s in currents and "phase" not in s and phased and abs(told - phased) > 0.1 * phased:
                    yield f"{told} A in all, {phased} A on the phases"


def _offered(b: Bench, evse_id: int, now: int) -> float:
    """The largest current that was offered at some moment of the last instants."""
    rows = [(at, amps) for at, evse, amps in b.offers if evse == evse_id and at <= now]
    ends = [at for at, _ in rows[1:]] + [now + 1]
    return max((amps for (_, amps), end in zip(rows, ends, strict=True) if end > now - 400_000), default=0.0)


METER_CHECKS: dict[str, Callable[[Bench], Finding]] = {
    "connector_asked": _connector_asked,
    "plain_numbers": _plain_numbers,
    "samples_in_session": _samples_in_session,
    "value_true": _value_true,
}
