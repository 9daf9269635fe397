"""Boot and reset (B01 to B03, B11, B12), and what a dialect is made of."""

from typing import Any

import pytest

from simulator.core import inputs as i
from simulator.core.model import Identity
from simulator.core.wall import parse_wall
from simulator.ocpp2x import DIALECT_21, DIALECT_201, ERROR_CODES
from simulator.ocpp2x.capabilities import V21
from simulator.ocpp2x.provisioning import table
from simulator.wire.codec import Codec
from tests.ocpp2x.bench import EPOCH_US, Bench, each_version


def test_both_versions_are_one_set_of_tables() -> None:
    assert set(DIALECT_201.routes) == set(DIALECT_21.routes)
    assert set(DIALECT_201.renderers) == set(DIALECT_21.renderers)
    assert DIALECT_201.routes["Reset"].handler is DIALECT_21.routes["Reset"].handler
    assert {action for action, _, _ in table.handlers} == {"Reset"}
    assert V21 in DIALECT_21.capabilities and V21 not in DIALECT_201.capabilities
    assert isinstance(DIALECT_21.codec, Codec) and DIALECT_21.codec.knows("NotifySettlement")
    assert (DIALECT_201.subprotocol, DIALECT_21.subprotocol) == ("ocpp2.0.1", "ocpp2.1")


@each_version
def test_boot_says_who_it_is_and_why(version: str) -> None:
    """B01.FR.01, FR.09."""
    bench = Bench(version).boot()
    assert bench.sent("BootNotification") == [
        {
            "reason": "PowerUp",
            "chargingStation": {
                "vendorName": "Acme",
                "model": "Wall-22",
                "serialNumber": "CP-1",
                "firmwareVersion": "3.1.4",
            },
        }
    ]
    assert bench.csms.actions()[:3] == ["BootNotification", "StatusNotification", "StatusNotification"]  # B01.FR.05


@each_version
def test_identity_is_cut_to_what_the_message_holds(version: str) -> None:
    long = Identity("V" * 60, "M" * 30, "F" * 60, serial="S" * 40, iccid="8" * 30, imsi="2" * 30)
    (boot,) = Bench(version, identity=long).boot().sent("BootNotification")
    station = boot["chargingStation"]
    lengths = {name: len(text) for name, text in station.items() if isinstance(text, str)}
    assert lengths == {"vendorName": 50, "model": 20, "serialNumber": 25, "firmwareVersion": 50}
    assert station["modem"] == {"iccid": "8" * 20, "imsi": "2" * 20}


@each_version
def test_boot_sets_clock_and_heartbeat(version: str) -> None:
    """B01.FR.04, FR.06."""
    bench = Bench(version)
    bench.csms.interval_s = 77
    bench.csms.script["BootNotification"] = lambda csms, payload: {
        "status": "Accepted",
        "currentTime": "2030-01-01T00:00:00Z",
        "interval": 77,
    }
    bench.boot()
    mark = bench.mark()
    bench.run(80)
    # the heartbeat is answered with another time: the clock is set by years, and that is a security event
    assert [action for action, _ in bench.since(mark)] == ["Heartbeat", "SecurityEventNotification"]
    stamp = parse_wall(bench.sent("StatusNotification")[0]["timestamp"])
    told = parse_wall("2030-01-01T00:00:00Z")
    assert stamp is not None and told is not None and abs(stamp - told) < 1_000_000


@each_version
def test_a_clock_with_another_source_is_left_alone(version: str) -> None:
    """B01.FR.06, G02.FR.06 hold only where the heartbeat is the source of time."""
    bench = Bench(version, {"ClockCtrlr.TimeSource": ("RealTimeClock",)})
    bench.csms.epoch_us += 3_600_000_000
    bench.boot()
    bench.run(400)
    assert bench.sent("Heartbeat")
    assert abs(bench.st.board.rtc.wall(bench.st.now) - EPOCH_US - bench.st.now) < 10_000_000


@each_version
@pytest.mark.parametrize(("status", "interval_s"), [("Pending", 20), ("Rejected", 20), ("Pending", 0)])
def test_not_accepted_waits_and_asks_again(version: str, status: str, interval_s: int) -> None:
    """B02.FR.02, FR.07-08, B03.FR.02, FR.05-06."""
    bench = Bench(version)
    bench.csms.boot_status, bench.csms.interval_s = status, interval_s
    bench.boot()
    bench.run(interval_s - 5 if interval_s else 20)
    assert bench.csms.actions() == ["BootNotification"]
    bench.run(60)
    assert set(bench.csms.actions()) == {"BootNotification"}
    assert 2 <= len(bench.csms.actions()) <= 5


@each_version
def test_rejected_serves_nothing(version: str) -> None:
    """B03.FR.08."""
    bench = Bench(version)
    bench.csms.boot_status, bench.csms.interval_s = "Rejected", 1000
    bench.boot()
    answer = bench.ask("GetBaseReport", {"requestId": 1, "reportBase": "FullInventory"})
    assert answer[0] == ERROR_CODES["security"] == "SecurityError"


@each_version
def test_pending_answers_but_starts_nothing(version: str) -> None:
    """B02.FR.01, FR.05."""
    bench = Bench(version)
    bench.csms.boot_status, bench.csms.interval_s = "Pending", 1000
    bench.boot()
    token = {"idToken": "TAG", "type": "ISO14443"}
    start = bench.ask("RequestStartTransaction", {"idToken": token, "remoteStartId": 1, "evseId": 1})
    assert start["status"] == "Rejected" and start["statusInfo"]["reasonCode"] == "CSNotAccepted"
    assert bench.ask("RequestStopTransaction", {"transactionId": "x"})["status"] == "Rejected"
    wish = {"id": 1, "expiryDateTime": "2099-01-01T00:00:00Z", "idToken": token}
    about = {"requestId": 1, "report": True, "clear": False, "idToken": token}
    for action, payload in (("ReserveNow", wish), ("CustomerInformation", about)):  # part 2, FR.02: no error
        answer = bench.ask(action, payload)
        assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", "CSNotAccepted")
    assert bench.ask("CancelReservation", {"reservationId": 1})["status"] == "Rejected"
    assert bench.ask("TriggerMessage", {"requestedMessage": "BootNotification"})["status"] == "Accepted"
    bench.run(1)
    assert bench.csms.actions() == ["BootNotification", "BootNotification"]
    assert bench.sent("BootNotification")[-1]["reason"] == "Triggered"  # F06.FR.17


@each_version
def test_what_was_asked_for_while_pending_waits_unless_it_may_be_said(version: str) -> None:
    """B02.FR.02: only TriggerMessage, GetBaseReport and GetReport let a station speak before it is accepted."""
    bench = Bench(version)
    bench.csms.boot_status, bench.csms.interval_s = "Pending", 60
    bench.boot()
    power = {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "Power"}}
    monitor = {"value": 1, "type": "UpperThreshold", "severity": 3, **power}
    bench.ask("SetVariableMonitoring", {"setMonitoringData": [monitor]})
    assert bench.ask("GetMonitoringReport", {"requestId": 1})["status"] == "Accepted"
    period = {"startPeriod": 0, "limit": 10.0}
    schedule = {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [period]}
    profile = {
        "id": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "ChargingStationMaxProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": [{**schedule, "startSchedule": "2026-03-01T00:00:00Z"}],
    }
    assert bench.ask("SetChargingProfile", {"evseId": 0, "chargingProfile": profile})["status"] == "Accepted"
    assert bench.ask("GetChargingProfiles", {"requestId": 2, "chargingProfile": {}})["status"] == "Accepted"
    bench.ask("GetReport", {"requestId": 3, "componentVariable": [power]})
    bench.run(1)
    assert bench.csms.actions() == ["BootNotification", "NotifyReport"]
    bench.csms.boot_status = "Accepted"
    bench.run(80)
    assert {"NotifyMonitoringReport", "ReportChargingProfiles"} < set(bench.csms.actions())


@each_version
def test_frames_that_are_no_message(version: str) -> None:
    """Part 4, 4.2.3: the id of an unreadable frame is -1. 4.4: the newer version ignores an unknown message type."""
    bench = Bench(version).boot()
    for text, code, message_id in (
        ("[2", "RpcFrameworkError", "-1"),
        ('[9,"a",{}]', "MessageTypeNotSupported", "a"),
        ('[2,"b","NoSuchThing",{}]', "NotImplemented", "b"),
        ('[2,"c","GetDisplayMessages",{"requestId":1}]', "NotSupported", "c"),
        ('[2,"d","Reset",{"type":"Later"}]', "PropertyConstraintViolation", "d"),
        ('[2,"e","Reset",{}]', "OccurrenceConstraintViolation", "e"),
        ('[2,"f","Reset",{"type":1}]', "TypeConstraintViolation", "f"),
        ('[2,"g","Reset",{"type":"OnIdle","more":1}]', "FormatViolation", "g"),
    ):
        effects: list[Any] = bench.fleet.feed(bench.st, i.Frame(bench.st.link.number, text.encode()))
        sent = [effect.data.decode() for effect in effects if type(effect).__name__ == "Send"]
        if code == "MessageTypeNotSupported" and version == "2.1":
            assert sent == []
            continue
        assert len(sent) == 1 and sent[0].startswith(f'[4,"{message_id}","{code}"'), (text, sent)


# -- reset -------------------------------------------------------------------------------------------------------------


@each_version
@pytest.mark.parametrize("kind", ["Immediate", "OnIdle"])
def test_reset_without_transaction(version: str, kind: str) -> None:
    """B11.FR.01, FR.03-04."""
    bench = Bench(version).boot()
    assert bench.ask("Reset", {"type": kind}) == {"status": "Accepted"}
    bench.run(60)
    assert [boot["reason"] for boot in bench.sent("BootNotification")] == ["PowerUp", "RemoteReset"]


@each_version
def test_reset_of_one_evse(version: str) -> None:
    """B11.FR.08: each type arrives as what it is; a reason code is given only where there is one."""
    bench = Bench(version, resets_evse=True).boot()
    for kind in ("Immediate", "OnIdle"):
        assert bench.ask("Reset", {"type": kind, "evseId": 2}) == {"status": "Accepted"}
        bench.run(60)
    answer = bench.ask("Reset", {"type": "OnIdle", "evseId": 9})
    assert answer == {"status": "Rejected", "statusInfo": {"reasonCode": "UnknownEvse"}}
    assert len(bench.sent("BootNotification")) == 1


@each_version
def test_reset_of_one_evse_is_not_offered(version: str) -> None:
    """B11.FR.09."""
    bench = Bench(version).boot()
    assert bench.ask("Reset", {"type": "OnIdle", "evseId": 1})["status"] == "Rejected"
    bench.run(60)
    assert len(bench.sent("BootNotification")) == 1


def test_reset_with_resumption_is_not_offered() -> None:
    """2.1 B13.FR.01."""
    bench = Bench("2.1").boot()
    assert bench.ask("Reset", {"type": "ImmediateAndResume"})["status"] == "Rejected"
    bench = Bench("2.1", resets_evse=True).boot()
    assert bench.ask("Reset", {"type": "ImmediateAndResume", "evseId": 1})["statusInfo"]["reasonCode"] == (
        "UnsupportedParam"
    )


@each_version
def test_immediate_reset_ends_the_transaction_first(version: str) -> None:
    """B12.FR.02, FR.04 as the errata (2.16) have it."""
    bench = Bench(version).boot()
    bench.charge()
    assert bench.ask("Reset", {"type": "Immediate"}) == {"status": "Accepted"}
    bench.run(60)
    (ended,) = bench.events("Ended")
    assert ended["triggerReason"] == "ResetCommand"
    assert ended["transactionInfo"]["stoppedReason"] == "ImmediateReset"
    actions = bench.csms.actions()
    assert actions.index("BootNotification", 1) > len(actions) - 1 - actions[::-1].index("TransactionEvent")


@each_version
def test_reset_on_idle_waits_for_the_transaction(version: str) -> None:
    """B12.FR.01, FR.03; the reason of the boot after it is ScheduledReset. However long the transaction took, its end
    is delivered before the reboot."""
    bench = Bench(version).boot()
    bench.charge()
    assert bench.ask("Reset", {"type": "OnIdle"}) == {"status": "Scheduled"}
    bench.run(300)
    assert len(bench.sent("BootNotification")) == 1
    bench.feed(i.Present("TAG", 1))
    bench.run(1)
    bench.feed(i.Unplug(1))
    bench.run(60)
    assert [boot["reason"] for boot in bench.sent("BootNotification")] == ["PowerUp", "ScheduledReset"]
    assert bench.events("Ended")[0]["transactionInfo"]["stoppedReason"] == "Local"
    actions = bench.csms.actions()
    assert actions.index("BootNotification", 1) > len(actions) - 1 - actions[::-1].index("TransactionEvent")
