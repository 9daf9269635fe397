"""The frames of a certification run as JSON lines, in the exchange format every trace of this program has.

Made of the report, so what is secret there is secret here. ``meta.case`` says which case a frame belongs to; stamps are
those of the bench's clock.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from simulator.certify.rig import STATION_ID
from simulator.certify.wire import ATTEMPT, CONNECT
from simulator.fleet.trace import TRACE_VERSION, ConnectionEvent, connection_record, timestamp

_TYPES = {"call": "CALL", "result": "CALLRESULT", "error": "CALLERROR"}
#: what the tool notes as if it were a message, and what it is
_CONNECTIONS: dict[str, ConnectionEvent] = {CONNECT: "opened", ATTEMPT: "refused"}


_ERROR = ("code", "description", "details")


def lines(data: Mapping[str, Any], epoch_us: int) -> Iterator[str]:
    """One line for each frame of a report as made by ``report.report``; ``epoch_us`` is the bench's first moment."""
    for case in data["cases"]:
        for frame in case["frames"]:
            if frame["kind"] not in _TYPES:
                continue  # what the tool notes beside the frames
            ocpp, when = data["run"]["ocpp"], timestamp(epoch_us + round(frame["at_s"] * 1e6))
            if frame["action"] in _CONNECTIONS and frame["from"] == "station":
                event, place = _CONNECTIONS[frame["action"]], frame["payload"].get("endpoint") or "the CSMS"
                told = f"{place} {'lets the station in' if event == 'opened' else 'does not let the station in'}"
                noted = connection_record(
                    event, told, station_id=STATION_ID, ocpp=ocpp, when=when, case=case["name"], **frame["payload"]
                )
                yield json.dumps(noted, ensure_ascii=False)
                continue
            error = frame["kind"] == "error"
            payload = frame["payload"]
            record = {
                "schemaVersion": TRACE_VERSION,
                "timestamp": when,
                "ocppVersion": ocpp,
                "transport": "json",
                "chargePointId": STATION_ID,
                "direction": "cp-to-csms" if frame["from"] == "station" else "csms-to-cp",
                "messageType": _TYPES[frame["kind"]],
                "messageId": frame["id"],
                "action": frame["action"],
                **({"error": dict(zip(_ERROR, payload, strict=False))} if error else {"payload": payload}),
                "meta": {"case": case["name"]},
            }
            yield json.dumps(record, ensure_ascii=False)
