"""Words for tests of smart charging in 2.x: profiles as they go over the wire, and what becomes of them."""

from __future__ import annotations

from typing import Any

from tests.bench import Lab
from tests.schedules import clock, schedule

MAX, DEFAULT, TX = "ChargingStationMaxProfile", "TxDefaultProfile", "TxProfile"
EXTERNAL = "ChargingStationExternalConstraints"


def profile(
    *periods: tuple[float, ...],
    purpose: str = DEFAULT,
    number: int = 1,
    level: int = 0,
    kind: str = "Relative",
    unit: str = "A",
    start: str | None = None,
    duration: int | None = None,
    **fields: Any,
) -> dict[str, Any]:
    """``periods`` are (start, limit) or (start, limit, phases)."""
    return {
        "id": number,
        "stackLevel": level,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind,
        "chargingSchedule": [{"id": 1, **schedule(periods, unit, start, duration)}],
        **fields,
    }


def install_raw(lab: Lab, evse_id: int, wire: dict[str, Any]) -> Any:
    """SetChargingProfile: Accepted, or the reason code."""
    answer = lab.ask("SetChargingProfile", evseId=evse_id, chargingProfile=wire)
    if not isinstance(answer, dict):
        return answer[0]
    assert (answer["status"] == "Accepted") == ("statusInfo" not in answer)
    return answer["status"] if "statusInfo" not in answer else answer["statusInfo"]["reasonCode"]


def install(lab: Lab, evse_id: int, *periods: tuple[float, ...], **fields: Any) -> Any:
    return install_raw(lab, evse_id, profile(*periods, **fields))


def absolute(lab: Lab, evse_id: int, *periods: tuple[float, ...], **fields: Any) -> Any:
    return install(lab, evse_id, *periods, kind="Absolute", start=clock(lab), **fields)


def composite(lab: Lab, evse_id: int = 1, duration: int = 400, **fields: Any) -> Any:
    """[(start, limit)], or the reason why there is none."""
    answer = lab.ask("GetCompositeSchedule", evseId=evse_id, duration=duration, **fields)
    if answer["status"] != "Accepted":
        return answer["statusInfo"]["reasonCode"]
    assert answer["schedule"]["evseId"] == evse_id
    return [(p["startPeriod"], p["limit"]) for p in answer["schedule"]["chargingSchedulePeriod"]]


def reported(lab: Lab, evse_id: int | None = None, **criteria: Any) -> list[tuple[str, int, int]]:
    """GetChargingProfiles: (source, EVSE, id) of what is told."""
    before = len(lab.csms.sent("ReportChargingProfiles"))
    where = {} if evse_id is None else {"evseId": evse_id}
    answer = lab.ask("GetChargingProfiles", requestId=9, chargingProfile=criteria, **where)
    lab.run(1)
    pages = lab.csms.sent("ReportChargingProfiles")[before:]
    assert [page.get("tbc", False) for page in pages] == [True] * (len(pages) - 1) + [False] * bool(pages)
    assert (answer["status"] == "Accepted") == bool(pages) and all(page["requestId"] == 9 for page in pages)
    return [(page["chargingLimitSource"], page["evseId"], p["id"]) for page in pages for p in page["chargingProfile"]]


def power_kw(lab: Lab, evse_id: int = 1) -> float:
    return round(lab.evse(evse_id).power_w / 1000, 2)


def key(lab: Lab) -> str:
    return str(lab.sessions()[-1].begin["transactionInfo"]["transactionId"])
