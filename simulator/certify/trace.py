"""The frames of a certification run as JSON lines, in the exchange format every trace of this program has.

Made of the report, so what is secret there is secret here. ``meta.case`` says which case a frame belongs to; stamps are
those of the bench's clock.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from simulator.certify.rig import STATION_ID
from simulator.fleet.trace import TRACE_VERSION, timestamp

_TYPES = {"call": "CALL", "result": "CALLRESULT", "error": "CALLERROR"}


def lines(data: Mapping[str, Any], epoch_us: int) -> Iterator[str]:
    """One line for each frame of a report as made by ``report.report``; ``epoch_us`` is the bench's first moment."""
    for case in data["cases"]:
        for frame in case["frames"]:
            if frame["kind"] not in _TYPES:
                continue  # what the tool notes beside the frames, such as a connection
            record = {
                "schemaVersion": TRACE_VERSION,
                "timestamp": timestamp(epoch_us + round(frame["at_s"] * 1e6)),
                "ocppVersion": data["run"]["ocpp"],
                "transport": "json",
                "chargePointId": STATION_ID,
                "direction": "cp-to-csms" if frame["from"] == "station" else "csms-to-cp",
                "messageType": _TYPES[frame["kind"]],
                "messageId": frame["id"],
                "action": frame["action"],
                ("error" if frame["kind"] == "error" else "payload"): frame["payload"],
                "meta": {"case": case["name"]},
            }
            yield json.dumps(record, ensure_ascii=False)
