"""Quirks of charging profiles that are refused, and of composite schedules, on the wire, with and without."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.core import inputs as i
from simulator.quirks import smart, smart_answers
from tests.bench import VERSIONS
from tests.quirks.rig import Bench, build, compare


def profile(purpose: str = "TxDefaultProfile", limit: float = 10.0, **more: Any) -> dict[str, Any]:
    """A charging profile of one period without end; ``unit``, ``periods`` and ``start`` concern its schedule."""
    unit, count, start = more.pop("unit", "A"), more.pop("periods", 1), more.pop("start", None)
    periods = [{"startPeriod": 60 * number, "limit": limit} for number in range(count)]
    schedule: dict[str, Any] = {"chargingRateUnit": unit, "chargingSchedulePeriod": periods}
    if start:
        schedule["startSchedule"] = start
    kind = "Relative" if purpose == "TxProfile" else "Absolute"
    return {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind,
        "chargingSchedule": schedule,
        **more,
    }


def put(b: Bench, purpose: str = "TxDefaultProfile", limit: float = 10.0, **more: Any) -> str:
    """The CSMS sets a profile; the status, or the code of a CALLERROR."""
    connector = more.pop("connector", 0 if purpose == "ChargePointMaxProfile" else 1)
    wanted = profile(purpose, limit, **more)
    answer = b.ask("SetChargingProfile", connectorId=connector, csChargingProfiles=wanted)
    return str(answer["status"] if isinstance(answer, dict) else answer[0])


PURPOSES = ("ChargePointMaxProfile", "TxDefaultProfile", "TxProfile")


def each_purpose(b: Bench) -> list[str]:
    b.boot().plug().token("TAG", 20)
    return [put(b, purpose, chargingProfileId=n) for n, purpose in enumerate(PURPOSES, 1)]


@pytest.mark.parametrize(
    ("name", "accepted"),
    [
        ("smart-chargepointmax-rejected", "TxDefaultProfile TxProfile"),
        ("smart-txdefault-rejected", "TxProfile"),
        ("smart-txprofile-unsupported", "ChargePointMaxProfile TxDefaultProfile"),
        ("smart-absolute-rejected-needs-relative", "ChargePointMaxProfile TxProfile"),
        ("smart-needs-beta-firmware", ""),
        ("smart-rejected-load-balancer-disabled", ""),
    ],
)
def test_purposes_that_are_rejected(name: str, accepted: str) -> None:
    with_ = ["Accepted" if purpose in accepted.split() else "Rejected" for purpose in PURPOSES]
    compare(name, each_purpose, without=["Accepted"] * 3, with_=with_)


def test_a_relative_default_is_taken() -> None:
    b = Bench(build("smart-absolute-rejected-needs-relative")).boot()
    assert put(b, chargingProfileKind="Relative") == "Accepted"


def test_no_unlocking() -> None:
    b = Bench(build("smart-txdefault-rejected")).boot()
    assert b.ask("UnlockConnector", connectorId=1) == {"status": "NotSupported"}


def test_relative_rejected() -> None:
    def scenario(b: Bench) -> list[str]:
        b.boot()
        later = "2026-03-01T00:00:00Z"
        station = [put(b, "ChargePointMaxProfile", start=start, chargingProfileId=7) for start in (None, later)]
        return [put(b), put(b, chargingProfileKind="Relative"), *station]

    with_ = ["Accepted", "Rejected", "Rejected", "Accepted"]
    compare("smart-relative-unsupported", scenario, without=["Accepted"] * 4, with_=with_)


def test_stack_levels() -> None:
    def scenario(b: Bench) -> list[str]:
        b.boot()
        return [put(b, stackLevel=level, chargingProfileId=level + 1) for level in (0, 1, 10)]

    with_ = ["Accepted", "Rejected", "Rejected"]
    compare("smart-stack-level-zero-only", scenario, without=["Accepted"] * 3, with_=with_)


def test_most_periods_and_connectors() -> None:
    def scenario(b: Bench) -> list[str]:
        b.boot()
        return [put(b, periods=16), put(b, periods=17), put(b, connector=2), put(b, connector=3)]

    with_ = ["Accepted", "Rejected", "Accepted", "Rejected"]
    b = compare("smart-max-periods", scenario, without=["Accepted"] * 4, with_=with_, evses=3)
    told = b.ask("GetConfiguration", key=["ChargingScheduleMaxPeriods"])["configurationKey"][0]
    assert told == {"key": "ChargingScheduleMaxPeriods", "readonly": True, "value": "16"}


@pytest.mark.parametrize(
    ("name", "amps", "watts"),
    [("smart-watts-rejected", "Accepted", "Rejected"), ("smart-watts-only", "Rejected", "Accepted")],
)
def test_units(name: str, amps: str, watts: str) -> None:
    def scenario(b: Bench) -> list[str]:
        b.boot()
        return [put(b), put(b, limit=7_000.0, unit="W")]

    b = compare(name, scenario, without=["Accepted"] * 2, with_=[amps, watts])
    key = "ChargingScheduleAllowedChargingRateUnit"
    told = b.ask("GetConfiguration", key=[key])["configurationKey"][0]["value"]
    assert told == ("Power" if watts == "Accepted" else "Current,Power")


def test_rejected_while_idle() -> None:
    def scenario(b: Bench) -> list[str]:
        b.boot().plug()
        idle = put(b, limit=0.0)
        b.token("TAG", 20)
        return [idle, put(b)]

    compare("smart-rejected-without-transaction", scenario, without=["Accepted"] * 2, with_=["Rejected", "Accepted"])


def test_the_load_balancer_is_switched_on() -> None:
    b = Bench(build("smart-rejected-load-balancer-disabled", vendor_keys={"EnergyManagementEnabled": ("false", True)}))
    assert put(b.boot()) == "Rejected"
    b.ask("ChangeConfiguration", key="EnergyManagementEnabled", value="True")
    assert put(b) == "Accepted"


def test_local_manager_first() -> None:
    def scenario(b: Bench) -> list[str]:
        b.boot()
        first = put(b)
        b.feed(i.Perform("charging_limit", {"limit_a": 20}), 1).feed(i.Perform("charging_limit_released"), 1)
        return [first, put(b)]

    name = "smart-limit-ignored-when-local-ems"
    b = compare(name, scenario, without=["Accepted"] * 2, with_=["Accepted", "Rejected"])
    b.feed(i.PowerOff(), 5).feed(i.PowerOn(), 60)
    assert put(b) == "Accepted"


def test_flash_wears() -> None:
    def scenario(b: Bench) -> list[str]:
        b.boot()
        answers = [put(b, limit=amps) for amps in (10.0, 11.0, 12.0)]
        b.disturbed = True
        b.feed(i.PowerOff(), 5).feed(i.PowerOn(), 60)
        return [*answers, put(b)]

    with_ = ["Accepted", "Accepted", "Rejected", "Rejected"]
    compare("smart-flash-wear-rate-limit", scenario, params={"endurance": 2}, without=["Accepted"] * 4, with_=with_)


def test_cloud_mode() -> None:
    def scenario(b: Bench) -> tuple[str, bool]:
        b.boot().plug().token("TAG", 70)
        powers = [float(s["value"]) for s in b.samples() if s["measurand"] == "Power.Active.Import"]
        return put(b), powers[0] > 10_000

    settings = {"MeterValuesSampledData": ("Energy.Active.Import.Register", "Power.Active.Import")}
    name = "smart-unsupported-cloud-mode"
    b = compare(name, scenario, settings=settings, without=("Accepted", True), with_=("Rejected", False))
    assert b.energies()[0] > 100


def test_not_supported() -> None:
    def scenario(b: Bench) -> Any:
        b.boot()
        told = b.ask("GetConfiguration", key=["SupportedFeatureProfiles"])["configurationKey"][0]["value"]
        return put(b), "SmartCharging" in told, ", " in told

    fine = ("Accepted", True, False)
    compare("smart-not-supported-callerror", scenario, without=fine, with_=("NotSupported", True, False))
    compare("smart-not-supported-result", scenario, without=fine, with_=("NotSupported", False, True))


def _composite(b: Bench) -> list[tuple[int, float]]:
    b.boot()
    put(b, "ChargePointMaxProfile", limit=12.0)
    put(b, limit=20.0, chargingProfileId=2)
    answer = b.ask("GetCompositeSchedule", connectorId=1, duration=600)
    periods = answer["chargingSchedule"]["chargingSchedulePeriod"]
    return [(period["startPeriod"], period["limit"]) for period in periods]


def test_composite_schedules() -> None:
    assert smart_answers.GarbagePeriod.name == "smart-composite-garbage-period"
    garbage, one = "smart-composite-garbage-period", "smart-composite-schedule-deviates"
    compare(garbage, _composite, without=[(0, 12.0)], with_=[(0, 12.0), (1_006_632_455, 12.0)])
    compare(one, _composite, without=[(0, 12.0)], with_=[(0, 20.0)])


def test_the_whole_schedule_of_the_one_profile() -> None:
    b = Bench(build("smart-composite-schedule-deviates")).boot()
    free = b.ask("GetCompositeSchedule", connectorId=1, duration=600)["chargingSchedule"]["chargingSchedulePeriod"]
    assert [period["limit"] for period in free] == [31.8]
    wanted = profile(periods=2, chargingProfileKind="Relative")
    wanted["chargingSchedule"]["duration"] = 300
    wanted["chargingSchedule"]["chargingSchedulePeriod"][1]["limit"] = 7.5
    b.ask("SetChargingProfile", connectorId=1, csChargingProfiles=wanted)
    told = b.ask("GetCompositeSchedule", connectorId=1, duration=600, chargingRateUnit="A")["chargingSchedule"]
    periods = [(round(p["startPeriod"], -1), p["limit"]) for p in told["chargingSchedulePeriod"]]
    assert periods == [(0, 10.0), (60, 7.5), (300, 31.8)]


@pytest.mark.parametrize("version", VERSIONS[1:])
def test_the_newer_versions_give_a_reason(version: str) -> None:
    uses = ("smart-stack-level-zero-only", "smart-not-supported-result", "smart-composite-garbage-period")
    for name in uses:
        b = Bench(build(name, version=version)).boot()
        period = {"startPeriod": 0, "limit": 16.0}
        schedule = {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [period]}
        wanted = {
            "id": 1,
            "stackLevel": 1,
            "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Relative",
            "chargingSchedule": [schedule],
        }
        answer = b.ask("SetChargingProfile", evseId=1, chargingProfile=wanted)
        if name == uses[2]:
            told = b.ask("GetCompositeSchedule", evseId=1, duration=600)
            assert [p["startPeriod"] for p in told["schedule"]["chargingSchedulePeriod"]] == [0, 1_006_632_455]
        else:
            code = "InvalidStackLevel" if name == uses[0] else "UnsupportedRequest"
            assert answer["status"] == "Rejected" and answer["statusInfo"]["reasonCode"] == code


def test_a_refusal_says_what_it_refuses() -> None:
    with pytest.raises(NotImplementedError):
        smart.Refusal().refuses(Bench(build()).station, None)  # type: ignore[arg-type]


def test_a_composite_schedule_that_is_not_given() -> None:
    def scenario(b: Bench) -> list[str]:
        b.boot()
        told = b.ask("SetChargingProfile", connectorId=1, csChargingProfiles=profile())
        return [told["status"], b.ask("GetCompositeSchedule", connectorId=1, duration=60)["status"]]

    compare("smart-composite-rejected", scenario, without=["Accepted"] * 2, with_=["Accepted", "Rejected"])
    b = Bench(build("smart-composite-rejected", version="2.0.1")).boot()
    assert b.ask("GetCompositeSchedule", evseId=1, duration=60)["status"] == "Rejected"


def test_a_composite_schedule_without_its_unit() -> None:
    def scenario(b: Bench) -> tuple[str | None, float]:
        told = b.boot().ask("GetCompositeSchedule", connectorId=1, duration=60)["chargingSchedule"]
        return told.get("chargingRateUnit"), told["chargingSchedulePeriod"][0]["limit"]

    b = compare("smart-composite-no-unit", scenario, without=("A", 31.8), with_=(None, -1.0))
    b.ask("SetChargingProfile", connectorId=1, csChargingProfiles=profile())
    told = b.ask("GetCompositeSchedule", connectorId=1, duration=60)["chargingSchedule"]
    assert "chargingRateUnit" not in told and told["chargingSchedulePeriod"][0]["limit"] > 0
