"""N01: log files, sent to a place the tool names, not to be sent, and cancelled by a second request."""

from __future__ import annotations

from simulator.certify.case import case_201
from simulator.certify.rules import one_of, such_that
from simulator.certify.tester import Step
from simulator.certify.tester201 import Tester201
from simulator.lab.files import Server

#: the tool's file server, one without the folder that is named, and one that takes its time
FILES, WITHOUT_FOLDER, SLOW = "files.tool.test", "empty.tool.test", "slow.tool.test"
DIAGNOSTICS, SECURITY = "DiagnosticsLog", "SecurityLog"
WORK_S = 600.0
LOG_ID, SECOND_ID = 79, 80
RETRIES, RETRY_INTERVAL_S = 3, 60
#: four attempts need at most so long themselves
ATTEMPTS_S = 10.0
#: how a transfer that has failed may be told
FAILED = ("UploadFailure", "BadMessage", "PermissionDenied", "NotSupportedOperation")
NAMED = such_that("a name", lambda name: bool(name))


def place(t: Tester201, name: str, host: str = FILES) -> str:
    """An address at one of the tool's servers, by a protocol the station says it has."""
    protocols = (t.read("OCPPCommCtrlr.FileTransferProtocols", "protocols") or "FTP").split(",")
    t.rig.files.server(host)
    return f"{protocols[0].strip().lower()}://{host}/{name}"


def get_log(
    t: Tester201, step: Step, kind: str, url: str, *, request_id: int = LOG_ID, status: str = "Accepted", **more: int
) -> None:
    """The tool asks for a log; there is one, and it has a name (N01.FR.01-04)."""
    payload = {"logType": kind, "requestId": request_id, "log": {"remoteLocation": url}, **more}
    t.call(step, "GetLog", payload, status=status, filename=NAMED)


def steps(t: Tester201, *wanted: tuple[Step, str], request_id: int = LOG_ID) -> None:
    """One state of the upload after the other is told."""
    for step, status in wanted:
        t.expect(step, "LogStatusNotification", status=status, requestId=request_id, within_s=WORK_S)


def arrived(t: Tester201, step: Step, count: int = 1) -> None:
    """What was sent lies at the place named, and holds something."""
    held = [len(upload.content) for upload in t.rig.files.uploads]
    t.check(step, f"{count} file that is not empty at the place named", len(held) == count and all(held), held)


@case_201("TC_N_25")
def diagnostics(t: Tester201) -> None:
    """Retrieve Log Information: diagnostics Log, Success."""
    get_log(t, 2, DIAGNOSTICS, place(t, "logs/"))
    steps(t, (3, "Uploading"), (5, "Uploaded"))
    arrived(t, 5)


@case_201("TC_N_35")
def security(t: Tester201) -> None:
    """Retrieve Log Information: security Log, Success."""
    get_log(t, 2, SECURITY, place(t, "logs/"))
    steps(t, (3, "Uploading"), (5, "Uploaded"))
    arrived(t, 5)


@case_201("TC_N_26")
def not_taken(t: Tester201) -> None:
    """Retrieve Log Information: diagnostics Log, Upload failed.

    Four attempts, of which each is told, or (after the errata) the first and the last only.
    """
    server = t.rig.files.servers[WITHOUT_FOLDER] = Server(fail="http_status")
    url = place(t, "no/such/folder/", WITHOUT_FOLDER)
    get_log(t, 2, DIAGNOSTICS, url, retries=RETRIES, retryInterval=RETRY_INTERVAL_S)
    first = t.expect(3, "LogStatusNotification", status="Uploading", requestId=LOG_ID, within_s=WORK_S)
    t.wait(RETRIES * RETRY_INTERVAL_S + 30.0)
    told = [first]
    while t.told("LogStatusNotification"):
        status = one_of("Uploading", *FAILED)
        told.append(t.expect(5, "LogStatusNotification", status=status, requestId=LOG_ID))
    failures = [heard for heard in told if heard.payload["status"] != "Uploading"]
    t.check(3, "told 1 or 4 times that it is uploading", len(told) - len(failures) in (1, 4), len(told) - len(failures))
    t.check(5, "told 1 or 4 times that it has failed", len(failures) in (1, 4), len(failures))
    t.check(5, "4 attempts", server.attempts == 1 + RETRIES, server.attempts)
    late_s = (failures[-1].at_us - first.at_us) / 1e6 - RETRIES * RETRY_INTERVAL_S
    # what attempts need themselves comes on top
    t.check(5, "three intervals from the first to the last", 0 <= late_s <= ATTEMPTS_S, late_s)


@case_201("TC_N_36")
def second(t: Tester201) -> None:
    """Retrieve Log Information: second Request (N01.FR.12, FR.20)."""
    t.rig.files.servers[SLOW] = Server(kb_s=0.05)
    get_log(t, 2, DIAGNOSTICS, place(t, "logs/", SLOW))
    steps(t, (3, "Uploading"))
    get_log(t, 6, DIAGNOSTICS, place(t, "logs/"), request_id=SECOND_ID, status="AcceptedCanceled")
    steps(t, (7, "AcceptedCanceled"))
    steps(t, (9, "Uploading"), (11, "Uploaded"), request_id=SECOND_ID)
    arrived(t, 11)
