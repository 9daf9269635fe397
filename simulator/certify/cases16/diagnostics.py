"""Diagnostics and the security log: sent to a place the tool names, or not to be sent."""

from __future__ import annotations

from simulator.certify.case import case
from simulator.certify.tester import Tester
from simulator.lab.files import Server

#: the tool's file server, and one that takes nothing
FILES, REFUSING = "files.tool.test", "refusing.tool.test"
WORK_S = 600.0
LOG_ID = 79


def place(t: Tester, name: str, host: str = FILES) -> str:
    """An address at one of the tool's servers, by a protocol the station says it has."""
    protocols = (t.read("SupportedFileTransferProtocols") or "FTP").split(",")
    t.rig.files.server(host)
    return f"{protocols[0].strip().lower()}://{host}/{name}"


def arrived(t: Tester, step: int) -> None:
    """The file is where it was to go, and holds something."""
    held = [len(upload.content) for upload in t.rig.files.uploads]
    t.check(step, "one file that is not empty at the place named", len(held) == 1 and held[0] > 0, held)


@case("TC_045_1")
def diagnostics(t: Tester) -> None:
    """Diagnostics are sent."""
    t.call(2, "GetDiagnostics", {"location": place(t, "logs/")})
    for step, status in ((3, "Uploading"), (5, "Uploaded")):
        t.expect(step, "DiagnosticsStatusNotification", status=status, within_s=WORK_S)
    arrived(t, 5)


@case("TC_045_2")
def diagnostics_not_taken(t: Tester) -> None:
    """The server does not take them: told, and the station goes on."""
    t.rig.files.servers[REFUSING] = Server(fail="permission")
    t.call(2, "GetDiagnostics", {"location": place(t, "failedLocation/", REFUSING), "retries": 0})
    for step, status in ((3, "Uploading"), (5, "UploadFailed")):
        t.expect(step, "DiagnosticsStatusNotification", status=status, within_s=WORK_S)
    t.never(5, "BootNotification", 60)


@case("TC_079", security=(1,))
def security_log(t: Tester) -> None:
    """The security log is sent."""
    log = {"remoteLocation": place(t, "logs/")}
    t.call(2, "GetLog", {"logType": "SecurityLog", "requestId": LOG_ID, "log": log}, status="Accepted")
    for step, status in ((3, "Uploading"), (5, "Uploaded")):
        t.expect(step, "LogStatusNotification", status=status, requestId=LOG_ID, within_s=WORK_S)
    arrived(t, 5)
