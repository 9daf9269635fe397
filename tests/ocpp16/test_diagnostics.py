"""GetDiagnostics and GetLog: what is in the file, how often it is tried, and what is told (1.6 5.9, N01)."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.core import inputs as i
from simulator.core.link_policy import PASSWORD
from simulator.core.model import FlashSpec, HardwareSpec, ModemSpec
from simulator.core.records import FlashTrouble
from simulator.core.security_event import say
from simulator.lab.files import Server
from tests.bench import AT_ONCE
from tests.ocpp16.transfers import LOGS, Field


def get_log(lab: Field, number: int = 1, kind: str = "SecurityLog", url: str = LOGS, **more: Any) -> Any:
    return lab.ask("GetLog", logType=kind, requestId=number, log={"remoteLocation": url}, **more)


def test_a_diagnostics_file_is_made_and_uploaded() -> None:
    lab = Field()
    lab.charge().present("TAG").run(2)
    lab.unplug().run(1)
    lab.configure(PASSWORD, "00112233445566778899aabbccddeeff")
    lab.forget()
    answer = lab.ask("GetDiagnostics", location=LOGS)
    lab.run(5)
    assert lab.said() == ["Diagnostics Uploading", "Diagnostics Uploaded"]
    (file,) = lab.files.uploads
    assert answer["fileName"] == file.file_name and file.file_name.startswith("CP1_20260301T0000")
    assert file.file_name.endswith("Z_diagnostics.log") and file.url == LOGS
    text = file.content.decode()
    for part in (
        "station: CP1",
        "product: Maker Model",
        "firmware: 1.0",
        "registration: accepted",
        "EVSE 1: Available, operative",
        "setting: OCPPCommCtrlr.HeartbeatInterval = 300",
        "start PowerUp",
        "link up",
        "registered PowerUp",
        "EVSE 1 Charging",
        "begins at EVSE 1",
        "ends at EVSE 1: Local",
        "setting SecurityCtrlr.BasicAuthPassword changed",
    ):
        assert part in text, (part, text)
    assert "00112233" not in text
    assert lab.station.board.flash.get("facts", "upload") is None and "logs" not in lab.station.data


def test_the_range_picks_lines_and_an_empty_one_gives_no_file() -> None:
    lab = Field()
    lab.run(100)
    middle = lab.at()
    lab.run(100).plug().run(1).unplug().run(1)
    lab.ask("GetDiagnostics", location=LOGS, startTime=middle)
    lab.run(5)
    text = lab.files.uploads[0].content.decode().partition("history:")[2]
    assert "EVSE 1 Preparing" in text and "registered" not in text
    lab.ask("GetDiagnostics", location=LOGS, stopTime=middle)
    lab.run(5)
    text = lab.files.uploads[1].content.decode().partition("history:")[2]
    assert "registered" in text and "Preparing" not in text
    lab.forget()
    later = {"startTime": lab.at(1000), "stopTime": lab.at(2000)}
    assert lab.ask("GetDiagnostics", location=LOGS, **later) == {}
    assert lab.ask("GetDiagnostics", location=LOGS, startTime=later["stopTime"], stopTime=later["startTime"]) == {}
    log = {"remoteLocation": LOGS, "oldestTimestamp": later["startTime"]}
    assert lab.ask("GetLog", logType="SecurityLog", requestId=1, log=log) == {"status": "Rejected"}
    lab.run(60)
    assert lab.said() == [] and len(lab.files.uploads) == 2


def test_a_time_that_is_none_is_refused() -> None:
    lab = Field()
    answer = lab.ask("GetDiagnostics", location=LOGS, startTime="2026-13-45T00:00:00Z")
    assert answer[0] == "PropertyConstraintViolation" and "startTime" in answer[1]


@pytest.mark.parametrize(("retries", "attempts"), [(0, 1), (2, 3), (None, 3), (-5, 1)])
def test_attempts_and_pauses_are_those_asked_for(retries: int | None, attempts: int) -> None:
    lab = Field()
    lab.files.server().fail = "refused"
    lab.forget()
    begun = lab.fleet.now
    lab.ask("GetDiagnostics", location=LOGS, retryInterval=10, **({} if retries is None else {"retries": retries}))
    lab.run(200)
    assert len(lab.jobs("upload")) == attempts == lab.files.server().attempts
    assert lab.said() == ["Diagnostics Uploading", "Diagnostics UploadFailed"]
    end_us = [s.now for s in lab.csms.seen if s.action == "DiagnosticsStatusNotification"][-1]
    assert (end_us - begun) // 1_000_000 == 10 * (attempts - 1)


def test_a_later_attempt_may_succeed() -> None:
    lab = Field()
    lab.files.server().fail, lab.files.server().failures = "timeout", 1
    lab.forget()
    assert get_log(lab, 7, retries=1, retryInterval=5)["status"] == "Accepted"
    lab.run(120)
    assert lab.said() == ["Log Uploading 7", "Log Uploaded 7"] and len(lab.files.uploads) == 1


@pytest.mark.parametrize(
    ("url", "server", "status", "attempts"),
    [
        (LOGS, Server(password="u:p"), "PermissionDenied", 3),
        ("ftp://u:wrong@files.example/", Server(password="u:p"), "PermissionDenied", 3),
        ("ftp://u:p@files.example/", Server(password="u:p"), "Uploaded", 1),
        (LOGS, Server(fail="permission"), "PermissionDenied", 3),
        (LOGS, Server(fail="http_status"), "UploadFailure", 3),
        (LOGS, Server(break_after=10), "UploadFailure", 3),
        ("http://nowhere.example/", Server(), "UploadFailure", 3),
        ("sftp://u:p@files.example/", Server(password="u:p"), "Uploaded", 1),
        ("scp://files.example/x", Server(), "NotSupportedOperation", 0),
        ("no address", Server(), "BadMessage", 0),
        ("http://", Server(), "BadMessage", 0),
    ],
)
def test_every_end_is_told_as_precisely_as_possible(url: str, server: Server, status: str, attempts: int) -> None:
    lab = Field()
    lab.files.servers["files.example"] = server
    lab.forget()
    get_log(lab, 3, url=url, retries=2, retryInterval=1)
    lab.run(300)
    assert lab.said() == ["Log Uploading 3", f"Log {status} 3"]
    assert len(lab.jobs("upload")) == attempts and bool(lab.files.uploads) == (status == "Uploaded")
    said = " ".join(str(record) for _, _, record in lab.fleet.records)
    assert "u:p" not in said and "wrong" not in said


def test_the_security_log_holds_security_events_and_survives_a_power_cut() -> None:
    lab = Field()
    st = lab.station
    st._effects = []
    say(st, "InvalidTLSVersion", "a test of the log")
    lab.feed(i.PowerOff(), 5).feed(i.PowerOn(), 60)
    lab.forget()
    answer = get_log(lab, 9)
    lab.run(5)
    (file,) = lab.files.uploads
    assert answer == {"status": "Accepted", "filename": file.file_name} and "security" in file.file_name
    text = file.content.decode()
    assert "InvalidTLSVersion a test of the log" in text and "EVSE" not in text
    assert lab.said()[:2] == ["Log Uploading 9", "Log Uploaded 9"]


def test_a_new_request_cancels_the_upload_under_way() -> None:
    lab = Field(hardware=HardwareSpec(modem=ModemSpec(rtt_ms=(0, 0), bandwidth_kb_s=1.0)))
    lab.forget()
    assert get_log(lab, 1, kind="DiagnosticsLog")["status"] == "Accepted"
    lab.run(1)
    assert get_log(lab, 2, kind="DiagnosticsLog")["status"] == "AcceptedCanceled"
    lab.run(60)
    assert lab.said() == ["Log Uploading 1", "Log Uploading 2", "Log Uploaded 2"] and len(lab.files.uploads) == 1
    lab.forget()
    lab.ask("GetDiagnostics", location=LOGS)
    lab.run(1)
    get_log(lab, 3)
    lab.run(60)
    assert lab.said() == ["Diagnostics Uploading", "Diagnostics UploadFailed", "Log Uploading 3", "Log Uploaded 3"]


def test_triggers_tell_the_state() -> None:
    lab = Field(hardware=HardwareSpec(modem=ModemSpec(rtt_ms=(0, 0), bandwidth_kb_s=1.0)))

    def trigger() -> list[str]:
        lab.forget()
        lab.ask("TriggerMessage", requestedMessage="DiagnosticsStatusNotification")
        lab.ask("ExtendedTriggerMessage", requestedMessage="LogStatusNotification")
        lab.run(0.5)
        return lab.said()

    assert trigger() == ["Diagnostics Idle", "Log Idle"]
    lab.ask("GetDiagnostics", location=LOGS)
    lab.run(1)
    assert trigger() == ["Diagnostics Uploading", "Log Idle"]
    lab.run(60)
    get_log(lab, 5, kind="DiagnosticsLog")
    lab.run(1)
    assert trigger() == ["Diagnostics Idle", "Log Uploading 5"]


def test_without_room_on_flash_there_is_no_file() -> None:
    lab = Field()
    lab.inject("flash.full", free_bytes=300)
    lab.forget()
    assert lab.ask("GetDiagnostics", location=LOGS) == {}
    assert get_log(lab, kind="DiagnosticsLog") == {"status": "Rejected"}
    lab.run(60)
    assert not lab.jobs() and not [said for said in lab.said() if "Upload" in said]


def test_a_dead_modem_breaks_the_upload_and_the_end_is_told_when_it_is_back() -> None:
    lab = Field(hardware=HardwareSpec(modem=ModemSpec(rtt_ms=(0, 0), bandwidth_kb_s=0.5)))
    lab.forget()
    get_log(lab, 4, kind="DiagnosticsLog", retries=0)
    lab.run(2).inject("modem.outage").run(60)
    assert lab.said() == ["Log Uploading 4"] and not lab.files.uploads
    lab.clear().run(120)
    assert lab.said() == ["Log Uploading 4", "Log UploadFailure 4"]


@pytest.mark.parametrize("how", [i.Perform("reboot"), i.PowerOff()])
def test_a_restart_ends_the_upload_and_that_is_told(how: i.Input) -> None:
    lab = Field(hardware=HardwareSpec(modem=ModemSpec(rtt_ms=(0, 0), bandwidth_kb_s=0.5)))
    get_log(lab, 4, kind="DiagnosticsLog")
    lab.run(2).feed(how, 5)
    lab.forget().feed(i.PowerOn(), 200)
    assert "Log UploadFailure 4" in lab.said() and "Log Uploaded 4" not in lab.said()
    assert not lab.files.uploads, "what a station has forgotten arrives nowhere"


def test_the_history_survives_a_reboot_and_is_bounded() -> None:
    lab = Field()
    for _ in range(60):
        lab.plug().run(1).unplug().run(1)
    assert len(lab.station.data["history"]) <= 2_048
    lab.feed(i.Perform("reboot", {"reason": "Watchdog"}), 60)
    lab.ask("GetDiagnostics", location=LOGS)
    lab.run(5)
    text = lab.files.uploads[0].content.decode()
    assert "Preparing" in text and "restart Watchdog" in text and "start Watchdog" in text
    assert text.count("\n") < 64 + 200


def test_a_job_of_which_nothing_is_heard_is_given_up() -> None:
    lab = Field()
    lab.fleet.worker = None
    lab.forget()
    get_log(lab, 1, retries=0)
    lab.ask("UpdateFirmware", location="http://files.example/x", retrieveDate=lab.at(), retries=0)
    lab.run(86_000)
    assert lab.said() == ["Log Uploading 1", "Firmware Downloading"]
    lab.run(1_000)
    assert lab.said()[2:] == ["Firmware DownloadFailed", "Log UploadFailure 1"]


def test_a_product_without_the_feature_says_so() -> None:
    from simulator.blocks.product_settings import FEATURE_PROFILES

    lab = Field(settings={FEATURE_PROFILES: ("Core",)})
    assert lab.ask("GetDiagnostics", location=LOGS)[0] == "NotSupported"
    assert lab.ask("UpdateFirmware", location=LOGS, retrieveDate=lab.at())[0] == "NotSupported"
    assert get_log(lab)["status"] in ("Accepted", "Rejected")


def test_a_small_flash_keeps_the_newest_security_events() -> None:
    lab = Field(hardware=HardwareSpec(modem=AT_ONCE, flash=FlashSpec(capacity_bytes=3_000)))
    lab.station._effects = []
    for number in range(100):
        say(lab.station, "InvalidMessages", f"number {number} {'x' * 40}")
    log = lab.station.board.flash.get("facts", "security_log")
    assert "number 99 " in log and "number 1 " not in log
    assert not lab.fleet.recorded(FlashTrouble)
