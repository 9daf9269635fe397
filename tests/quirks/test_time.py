"""Quirks of time stamps, on the wire, with and without. Module under test: simulator.quirks.time."""

from simulator.core.model import RtcSpec
from simulator.core.wall import parse_wall
from simulator.quirks import time
from tests.quirks.rig import Bench, build, compare


def offline_session(b: Bench) -> list[str]:
    """A session before the CSMS has ever been reached, then the connection."""
    b.fleet.cut(b.station)
    b.boot().plug().token("TAG", 60).token("TAG", 5).unplug()
    b.disturbed = True
    b.fleet.mend(b.station)
    b.run(200)
    return [p["timestamp"][:13] for p in b.sent("StartTransaction", "StopTransaction")]


OFFLINE = {"settings": {"AllowOfflineTxForUnknownId": True}}


def test_before_the_synchronisation() -> None:
    assert time.PreSyncStamps.name == "time-pre-sync-event-timestamps"
    compare(
        "time-pre-sync-event-timestamps", offline_session,
        without=["2026-03-01T00"] * 2, with_=["2026-02-28T23"] * 2, **OFFLINE,
    )  # fmt: skip


def test_default_2014() -> None:
    no_battery = {**OFFLINE, "rtc": RtcSpec(drift_ppm=0.0, battery=False)}
    b = compare(
        "time-default-2014", offline_session, without=["2026-03-01T00"] * 2, with_=["2014-01-01T01"] * 2, **no_battery
    )
    b.plug().token("TAG", 30)
    assert b.sent("StartTransaction")[-1]["timestamp"].startswith("2026-03-01T00:")


def test_local_until_the_first_synchronisation() -> None:
    expected = ["2026-03-01T01"] * 2
    b = compare("time-local-until-sync", offline_session, without=["2026-03-01T00"] * 2, with_=expected, **OFFLINE)
    b.plug().token("TAG", 30)
    assert b.sent("StartTransaction")[-1]["timestamp"].startswith("2026-03-01T00:")


def test_2014_of_an_older_boot() -> None:
    from simulator.core import inputs as i

    b = Bench(build("time-default-2014", **OFFLINE))
    b.fleet.cut(b.station)
    b.boot().plug().token("TAG", 60).feed(i.PowerOff(), 5)
    b.fleet.mend(b.station)
    b.feed(i.PowerOn(), 120)
    assert b.sent("StartTransaction")[0]["timestamp"].startswith("2014-01-01T01:00:")


def test_local_offset() -> None:
    def scenario(b: Bench) -> tuple[set[str], list[int | None]]:
        stamps = [p["timestamp"] for p in b.smoke().sent("StatusNotification", "StartTransaction", "StopTransaction")]
        stamps += [v["timestamp"] for p in b.sent("MeterValues") for v in p["meterValue"]]
        return {stamp[23:] for stamp in stamps}, [parse_wall(stamp) for stamp in stamps]

    seen: list[list[int | None]] = []

    def ends(expected: str) -> object:
        return lambda found: seen.append(found[1]) or found[0] == {expected}

    for offset_h, end in ((1, "+01:00"), (-10, "-10:00")):
        params = {"offset_h": offset_h}
        compare("time-local-offset", scenario, without=ends("Z"), with_=ends(end), params=params)
    assert seen[0] == seen[1] == seen[2] == seen[3]  # the same moments


def test_no_zone() -> None:
    def scenario(b: Bench) -> set[tuple[int, str]]:
        stamps = [p["timestamp"] for p in b.smoke().sent("StatusNotification")]
        return {(len(stamp), stamp[-1:] if stamp.endswith("Z") else "") for stamp in stamps}

    compare("time-no-zone-suffix", scenario, without={(24, "Z")}, with_={(26, "")})


def test_no_zone_of_meter_values() -> None:
    def scenario(b: Bench) -> tuple[set[int], set[str]]:
        values = [v["timestamp"] for p in b.smoke().sent("MeterValues") for v in p["meterValue"]]
        others = [p["timestamp"] for p in b.sent("StatusNotification", "StartTransaction")]
        return {len(stamp) for stamp in values}, {stamp[-1] for stamp in others}

    params = {"of_values": True}
    compare("time-no-zone-suffix", scenario, without=({24}, {"Z"}), with_=({23}, {"Z"}), params=params)


def test_local_time_that_says_it_is_not() -> None:
    def scenario(b: Bench) -> tuple[str, str | None]:
        b.boot()
        answer = b.ask("GetCompositeSchedule", connectorId=1, duration=600)
        return answer["scheduleStart"][:16], answer["chargingSchedule"].get("startSchedule")

    with_ = lambda found: found[0] == "2026-03-01T00:00" and found[1][:16] == "2026-03-01T02:00"  # noqa: E731
    compare(
        "time-local-labelled-utc", scenario,
        without=("2026-03-01T00:00", None), with_=with_, params={"offset_h": 2}, evse={"max_power_w": 22_080.0},
    )  # fmt: skip


def stamps(b: Bench) -> list[str]:
    """Of the first status and, after the next Heartbeat, of a session."""
    b.csms.interval_s = 60
    b.boot().run(70).plug()
    told = [p["timestamp"][:10] for p in b.sent("StatusNotification")]
    return [told[0], told[-1]]


NO_BATTERY = {"rtc": RtcSpec(drift_ppm=0.0, battery=False)}


def test_not_from_the_boot() -> None:
    unset, today = "1970-01-01", "2026-03-01"
    compare("time-no-sync-from-boot", stamps, without=[today] * 2, with_=[unset, today], **NO_BATTERY)


def test_from_heartbeats_and_nothing_else() -> None:
    unset, today = "1970-01-01", "2026-03-01"
    name = "time-sync-from-heartbeat-only"
    compare(name, stamps, without=[today] * 2, with_=[unset, today], **NO_BATTERY)
    compare(name, stamps, without=[today] * 2, with_=[unset] * 2, params={"heartbeat": False}, **NO_BATTERY)
