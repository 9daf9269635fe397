"""Every sign sees its quirk, and nothing where there is none."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simulator.quirks import QUIRKS
from simulator.traces import parts, signs
from simulator.traces.model import Mark, Trace
from simulator.traces.read import read_trace
from simulator.traces.signs import (
    SIGNS,
    UNSEEN,
    Story,
    boot,
    config,
    connect,
    meter,
    meter_form,
    meter_moment,
    remote,
    smart,
    status,
    table,
    tx,
    unseen,
    values,
)
from simulator.traces.signs import time as times
from tests.quirks.rig import Bench, build
from tests.quirks.test_smart import put
from tests.traces.law import ELSEWHERE, hits

TESTS = Path(__file__).parent.parent
ENERGY, CURRENT, POWER = "Energy.Active.Import.Register", "Current.Import", "Power.Active.Import"
WATCHED = {"MeterValuesSampledData": (ENERGY, CURRENT), "MeterValueSampleInterval": 10}


def read_keys(b: Bench) -> None:
    b.boot().ask("GetConfiguration")
    b.session(30)


def limited(*limits: float, purpose: str = "TxDefaultProfile") -> Callable[[Bench], None]:
    def scenario(b: Bench) -> None:
        b.boot().plug().token("TAG", 20)
        for limit in limits:
            put(b, purpose, limit)
            b.run(45)

    return scenario


def lost_on_reboot(b: Bench) -> None:
    limited(10)(b)
    b.ask("Reset", type="Hard")
    b.run(60).unplug().plug().token("TAG", 60)


def lost_with_the_link(b: Bench) -> None:
    limited(10)(b)
    b.drop_link()


def paused(b: Bench) -> None:
    limited(0, 16)(b)
    b.token("TAG", 5)


def free(b: Bench) -> None:
    b.boot().plug(60).unplug()


def short_interval(b: Bench) -> None:
    b.boot().ask("ChangeConfiguration", key="MeterValueSampleInterval", value="10")
    b.session(130)


def measurands(b: Bench) -> None:
    b.boot().ask("ChangeConfiguration", key="MeterValuesSampledData", value=f"{ENERGY},{CURRENT},{POWER}")
    b.session(130)


def profile_in_session(b: Bench) -> None:
    b.boot().plug().token("TAG", 130)
    put(b)


def remote_only(b: Bench) -> None:
    b.boot().plug().token("TAG", 40)
    b.remote_start()
    b.run(20)


def remote_start(b: Bench) -> None:
    b.boot().plug()
    b.remote_start()
    b.run(60).unplug()


Run = tuple[Callable[[Bench], Any], dict[str, Any]]

#: quirk -> what is played, and on which product
RUNS: dict[str, Run] = {
    "config-daily-reboot": (read_keys, {}),
    "free-charging-no-transaction": (free, {"free_vend": True}),
    "getconfiguration-no-answer": (read_keys, {}),
    "idtag-letter-case-setting": (read_keys, {}),
    "meter-interval-minimum": (short_interval, {}),
    "meter-no-phase-power": (measurands, {}),
    "msgid-short-numeric-leading-zero": (lambda b: b.smoke().session(), {}),
    "remotestart-accepted-no-start": (remote_start, {}),
    "remotestart-required": (remote_only, {}),
    "smart-accepted-no-effect": (limited(10), {"settings": WATCHED}),
    "smart-chargepointmax-accepted-ignored": (limited(10, purpose="ChargePointMaxProfile"), {"settings": WATCHED}),
    "smart-discrete-current-steps": (limited(15, 7), {"settings": WATCHED}),
    "smart-limit-clamped-to-minimum": (limited(0), {"settings": WATCHED}),
    "smart-rejected-load-balancer-disabled": (read_keys, {}),
    "smart-unsupported-cloud-mode": (profile_in_session, {"settings": {"MeterValuesSampledData": (ENERGY, POWER)}}),
    "smart-limit-lost-on-reboot": (lost_on_reboot, {"settings": WATCHED}),
    "smart-profile-lost-on-reconnect": (lost_with_the_link, {"settings": WATCHED}),
    "smart-zero-limit-breaks-resume": (paused, {"settings": WATCHED}),
    "smart-zero-needs-remotestop": (limited(0), {"settings": WATCHED}),
    "time-pre-sync-event-timestamps": (lambda b: b.smoke(), {"also": ("security-events-unsolicited",)}),
}


def test_every_quirk_that_is_not_seen_in_its_comparison_has_a_run_here() -> None:
    assert set(RUNS) == ELSEWHERE
    assert set(RUNS) <= set(SIGNS)


@pytest.mark.parametrize("name", sorted(RUNS))
def test_a_run_with_the_quirk_is_recognised_and_one_without_is_not(name: str) -> None:
    scenario, more = RUNS[name]
    also = more.get("also", ())
    product = {key: value for key, value in more.items() if key != "also"}
    plain, quirked = Bench(build(*also, **product)), Bench(build(*also, name, **product))
    scenario(plain)
    scenario(quirked)
    assert not hits(name, plain.log.trace())
    assert hits(name, quirked.log.trace()), quirked.log.text


def test_every_sign_is_that_of_a_quirk_and_is_held_to_the_law() -> None:
    assert set(SIGNS) <= set(QUIRKS)
    played = "\n".join(path.read_text(encoding="utf-8") for path in (TESTS / "quirks").glob("test_*.py"))
    assert [name for name in SIGNS if name not in ELSEWHERE and f'"{name}"' not in played] == []
    assert len(SIGNS) >= 200 and table.SIGNS is SIGNS


def test_what_no_log_shows_has_a_reason() -> None:
    assert UNSEEN is unseen.UNSEEN and set(UNSEEN) <= set(QUIRKS)
    assert set(UNSEEN) & set(SIGNS) == set()
    assert all(len(reason) > 20 for reason in UNSEEN.values())


def test_signs_are_in_the_modules_of_the_list() -> None:
    assert set(signs.MODULES) == {
        boot,
        config,
        connect,
        meter,
        meter_form,
        meter_moment,
        remote,
        smart,
        status,
        times,
        tx,
    }
    homes = {SIGNS.get(name).__module__ for name in SIGNS}
    assert homes == {module.__name__ for module in signs.MODULES}
    assert all((SIGNS.get(name).__doc__ or "").endswith(".") for name in SIGNS)


def golden(path: Path) -> str:
    """A golden transcript as somebody would paste it."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        at, side, kind, message_id, action, payload = json.loads(line)
        words = "CP -> CSMS" if side == "cp" else "CSMS -> CP"
        frame = [kind, message_id, action, payload] if kind == 2 else [kind, message_id, payload]
        if kind == 4:
            frame = [kind, message_id, *payload]
        lines.append(
            f"2026-03-01T{int(at) // 3600:02}:{int(at) // 60 % 60:02}:{at % 60:06.3f}Z {words} {json.dumps(frame)}"
        )
    return "\n".join(lines)


@pytest.mark.parametrize("path", sorted((TESTS / "golden").glob("generic-*.jsonl")), ids=lambda path: path.stem)
def test_a_product_without_quirks_shows_none(path: Path) -> None:
    trace = read_trace(golden(path))
    assert len(trace.frames) > 10
    assert {name: found for name in SIGNS if (found := hits(name, trace))} == {}


def names(text: str) -> list[str]:
    """Words, as a list."""
    return text.split()


FIELDS = names("""
connectorId status timestamp meterValue sampledValue value unit measurand context phase location transactionId
transactionData meterStart meterStop idTag reason key configurationKey unknownKey info vendorErrorCode
chargePointVendor firmwareVersion csChargingProfiles chargingSchedule chargingSchedulePeriod limit currentTime
idTagInfo requestedMessage readonly errorCode vendorId scheduleStart startPeriod localAuthorizationList
transactionInfo chargingStation modem iccid type chargingProfile stackLevel chargingRateUnit
""")
FROM_STATION = names("""
BootNotification StatusNotification MeterValues StartTransaction StopTransaction Authorize Heartbeat
SecurityEventNotification TransactionEvent
""")
FROM_CSMS = names("""
GetConfiguration ChangeConfiguration SetChargingProfile GetCompositeSchedule RemoteStartTransaction Reset
RemoteStopTransaction TriggerMessage ChangeAvailability SendLocalList
""")
TEXTS = ["", "Accepted", "Rejected", "Available", "Charging", "NaN", "1e999", "2024-01-01T00:00:00Z", "A", "Wh", ENERGY]


def junk(draw: random.Random, depth: int = 0) -> Any:
    """Any JSON, with names that signs look for."""
    kind = draw.randrange(12 if depth < 5 else 8)
    if kind >= 10:
        return {draw.choice(FIELDS): junk(draw, depth + 1) for _ in range(draw.randrange(8))}
    if kind >= 8:
        return [junk(draw, depth + 1) for _ in range(draw.randrange(3))]
    return (None, True, 0, -1, 2**70, 0.1, draw.choice(TEXTS), draw.choice(TEXTS))[kind]


@pytest.mark.parametrize("seed", range(8))
def test_hostile_payloads_harm_no_sign(seed: int) -> None:
    draw = random.Random(seed)
    lines = []
    for number in range(120):
        up = draw.random() < 0.6
        payload: Any = junk(draw, 0 if draw.random() < 0.2 else 1)
        if not isinstance(payload, dict) and draw.random() < 0.9:
            payload = {"connectorId": payload, "meterValue": junk(draw), "key": junk(draw), "timestamp": junk(draw)}
        call = [2, str(number), draw.choice(FROM_STATION if up else FROM_CSMS), payload]
        answer = [3, str(number), junk(draw, 1)] if number % 9 else [4, str(number), "NotSupported", "", junk(draw)]
        there, back = ("CP -> CSMS", "CSMS -> CP") if up else ("CSMS -> CP", "CP -> CSMS")
        lines += [f"{there} {json.dumps(call)}", f"{back} {json.dumps(answer)}"]
    trace = read_trace("\n".join(lines))
    assert len(trace.frames) == 240
    for name in SIGNS:
        for hit in hits(name, trace):
            assert 1 <= hit.line <= 240 and hit.why


def test_what_has_another_type_is_as_good_as_absent() -> None:
    assert parts.fields([1]) == {} and parts.items({}) == [] and parts.text(1) == ""
    assert values.number("1e999") is None and values.number(True) is None and values.number("7") == 7.0
    assert values.integer(1.0) is None and values.stamp("x" * 1000) is None
    empty = Story(read_trace(""), "")
    assert all(not list(SIGNS.get(name)(empty)) for name in SIGNS)
    assert empty.sessions == [] and empty.identity == {} and empty.setting("x") is None


@pytest.mark.parametrize(("away_s", "expected"), [(1, 1), (30, 0)])
def test_a_network_that_comes_and_goes_is_no_flapping_station(away_s: int, expected: int) -> None:
    """Connections of forty seconds each; a station that hangs up by itself is back at once."""
    begins = [number * (40 + away_s) * 1_000_000 for number in range(5)]
    marks = [
        Mark(line=2 * number + more, what="closed" if more else "opened", at_us=begin + more * 40_000_000)
        for number, begin in enumerate(begins)
        for more in (0, 1)
    ]
    beat = read_trace('[2,"1","Heartbeat",{}]').frames
    assert len(hits("ws-flapping", Trace(format="frames", frames=beat, marks=marks))) == expected


def test_a_stop_that_was_queued_while_nobody_listened_is_not_late() -> None:
    up, down = "10:00:00 CP -> CSMS ", "10:00:00 CSMS -> CP "
    start = '[2,"1","StartTransaction",{"connectorId":1,"idTag":"A","meterStart":0,"timestamp":"2024-01-01T10:00:00Z"}]'
    lines = [
        up + start,
        down + '[3,"1",{"transactionId":7,"idTagInfo":{"status":"Accepted"}}]',
        up + '[2,"2","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Charging"}]',
        "10:00:00 websocket connection opened",
        up + '[2,"3","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"Available"}]',
        up + '[2,"4","StopTransaction",{"transactionId":7,"meterStop":5,"timestamp":"2024-01-01T10:30:00Z"}]',
    ]
    assert hits("status-available-before-stop-tx", read_trace("\n".join(lines))) == []
    assert len(hits("status-available-before-stop-tx", read_trace("\n".join(lines[:3] + lines[4:])))) == 1
