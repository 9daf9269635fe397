"""Words for tests of smart charging: profiles as they go over the wire, and what becomes of them."""

from __future__ import annotations

from typing import Any

from tests.bench import Lab
from tests.schedules import schedule

MAX, DEFAULT, TX = "ChargePointMaxProfile", "TxDefaultProfile", "TxProfile"


def profile(
    *periods: tuple[float, ...],
    purpose: str = DEFAULT,
    number: int = 1,
    level: int = 0,
    kind: str = "Absolute",
    unit: str = "A",
    start: str | None = None,
    duration: int | None = None,
    **fields: Any,
) -> dict[str, Any]:
    """csChargingProfiles; ``periods`` are (start, limit) or (start, limit, phases)."""
    return {
        "chargingProfileId": number,
        "stackLevel": level,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind,
        "chargingSchedule": schedule(periods, unit, start, duration),
        **fields,
    }


def install(lab: Lab, connector: int, *periods: tuple[float, ...], **fields: Any) -> Any:
    """SetChargingProfile; the status, or the code of a CALLERROR."""
    return install_raw(lab, connector, profile(*periods, **fields))


def install_raw(lab: Lab, connector: int, wire: dict[str, Any]) -> Any:
    """The same with a profile as it is."""
    answer = lab.ask("SetChargingProfile", connectorId=connector, csChargingProfiles=wire)
    return answer["status"] if isinstance(answer, dict) else answer[0]


def clear(lab: Lab, **fields: Any) -> str:
    """ClearChargingProfile; the status."""
    return str(lab.ask("ClearChargingProfile", **fields)["status"])


def composite(lab: Lab, connector: int = 1, duration: int = 400, **fields: Any) -> Any:
    """GetCompositeSchedule: [(start, limit)], or the status when it was not accepted."""
    answer = lab.ask("GetCompositeSchedule", connectorId=connector, duration=duration, **fields)
    if answer["status"] != "Accepted":
        return answer["status"]
    assert answer["connectorId"] == connector
    assert "startSchedule" not in answer["chargingSchedule"], "errata 3.57"
    return [(p["startPeriod"], p["limit"]) for p in answer["chargingSchedule"]["chargingSchedulePeriod"]]


def transaction(lab: Lab) -> int:
    """The id of the newest transaction."""
    return int(list(lab.csms.transactions)[-1])
