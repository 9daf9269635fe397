"""L01: firmware signed by its maker: fetched and installed, now or later, not to be had, not the maker's, cancelled.

While an update is under way the station may withdraw its connectors, which is looked at only where the document asks
for it. What it does about restarts is told to the lab before; the reusable states RebootBeforeFirmwareInstallation and
RebootBeforeFirmwareActivation are in :func:`runs_anew`.
"""

from __future__ import annotations

import hashlib
from typing import Any

from simulator.certify.case import case_201
from simulator.certify.cases201.logs import place
from simulator.certify.rules import one_of
from simulator.certify.security import IMAGE, NO_IMAGE
from simulator.certify.states201 import energy_started, ev_disconnected, stop_authorized
from simulator.certify.tester import Step, message
from simulator.certify.tester201 import Tester201
from simulator.certify.wire import Heard
from simulator.core.wall import format_wall
from simulator.lab.files import Server

STATUS, SECURITY, BOOT = "FirmwareStatusNotification", "SecurityEventNotification", "BootNotification"
ALLOW_NEW = "ChargingStation.AllowNewSessionsPendingFirmwareUpdate"
REQUEST_ID, SECOND_ID = 80, 81
#: fetching, installing and starting may each take so long
WORK_S = 900.0
#: what is scheduled comes so much later
OFFSET_S = 300.0
PAST_S = -7_200.0
#: a server that takes half a minute for the image
SLOW, SLOW_KB_S = "slow.tool.test", 0.5
#: step 12a of TC_L_15
INSTALLS_S = 45.0
#: what comes when it comes while a driver ends a session
WHILE_ENDING = frozenset({STATUS, BOOT})


def wall(t: Tester201, offset_s: float) -> str:
    """A time, from now on."""
    return format_wall(t.rig.fleet.epoch_us + t.rig.now_us + int(offset_s * 1e6))


def served(t: Tester201, name: str, content: bytes, host: str = "files.tool.test") -> str:
    """The address of a file the tool has."""
    return t.rig.files.serve(place(t, name, host), content)


def statuses(t: Tester201) -> str:
    """The message by which the product tells a connector's status."""
    return "NotifyEvent" if t.rig.model.availability_by_event else "StatusNotification"


def update(
    t: Tester201,
    step: Step,
    url: str | None = None,
    *,
    status: Any = "Accepted",
    request_id: int = REQUEST_ID,
    **more: Any,
) -> None:
    """The tool asks for a signed update; from here on connectors may be withdrawn at any time. ``more``: fields of the
    image that are other than usual, None leaves them out."""
    t.background.add(statuses(t))
    security = t.rig.security
    image: dict[str, Any] = {
        "location": url or served(t, "image.bin", IMAGE),
        "retrieveDateTime": wall(t, PAST_S),
        "installDateTime": wall(t, PAST_S),
        "signingCertificate": security.signer.certificate,
        "signature": security.signature,
    } | more
    firmware = {name: value for name, value in image.items() if value is not None}
    t.call(step, "UpdateFirmware", {"requestId": request_id, "firmware": firmware}, status=status)


def steps(t: Tester201, *wanted: tuple[Step, Any], request_id: int = REQUEST_ID) -> Heard:
    """One state after the other is told; the last message."""
    for step, status in wanted:
        heard = t.expect(step, STATUS, status=status, requestId=request_id, within_s=WORK_S)
    return heard


def _status(heard: Heard) -> tuple[int, str]:
    """EVSE and status of a message that tells one."""
    told = heard.payload
    if heard.action == "StatusNotification":
        return told["evseId"], told["connectorStatus"]
    return told["eventData"][0]["component"].get("evse", {}).get("id", 0), told["eventData"][0]["actualValue"]


def withdrawn(t: Tester201) -> set[int]:
    """EVSEs that were told as unavailable: allowed, and not looked at any more."""
    name = statuses(t)
    told = [h for h in t.csms.pending if t.sort(h.action, h.payload) == name and _status(h)[1] == "Unavailable"]
    t.csms.pending[:] = [heard for heard in t.csms.pending if heard not in told]
    return {_status(heard)[0] for heard in told}


def back_to_work(t: Tester201, step: Step, also: set[int] | None = None) -> None:
    """Connectors that were withdrawn are told as free again."""
    t.background.discard(statuses(t))
    t.any_order(*(t.status(step, "Available", evse) for evse in sorted(withdrawn(t) | (also or set()))))


def runs_anew(t: Tester201, first: int, *, request_id: int = REQUEST_ID, installing: bool = True) -> None:
    """The new firmware is installed (``first`` is the step of Installing, which has been told already without
    ``installing``) and runs: the rest of the document from there on."""
    restart = t.rig.model.hardware.firmware.restart
    if restart == "before":
        steps(t, (first - 1, "InstallRebooting"), request_id=request_id)
        t.expect(first - 1, BOOT, reason="FirmwareUpdate", within_s=WORK_S)
    if installing:
        steps(t, (first, "Installing"), request_id=request_id)
    wanted = [message(first + 6, STATUS, status="Installed", requestId=request_id)]
    if restart == "after":
        wanted.append(message(first + 2, BOOT, reason="FirmwareUpdate"))
    heard = t.any_order(*wanted, within_s=WORK_S)
    t.until(first + 8, message(first + 8, SECURITY, type="FirmwareUpdated"), within_s=WORK_S)
    before = withdrawn(t)
    if restart == "after":
        t.background.discard(statuses(t))
        t.all_statuses(first + 4, "Available")
        t.rig.firmware_version = heard[-1].payload["chargingStation"].get("firmwareVersion")
    else:
        back_to_work(t, first + 4, before)
    t.rig.firmware_sha256 = hashlib.sha256(IMAGE).hexdigest()


# -- without a session -------------------------------------------------------------------------------------------------


@case_201("TC_L_01", fresh=True)
def installed(t: Tester201) -> None:
    """Secure Firmware Update: installation successful."""
    update(t, 2)
    steps(t, (3, "Downloading"), (5, "Downloaded"), (7, "SignatureVerified"))
    runs_anew(t, 12)


@case_201("TC_L_02", fresh=True)
def install_scheduled(t: Tester201) -> None:
    """Secure Firmware Update: InstallScheduled."""
    update(t, 2, installDateTime=wall(t, OFFSET_S))
    steps(t, (3, "Downloading"), (5, "Downloaded"), (7, "SignatureVerified"), (9, "InstallScheduled"))
    due_s = OFFSET_S / 2
    t.never(14, STATUS, due_s, status="Installing")
    runs_anew(t, 14)


@case_201("TC_L_03", fresh=True)
def download_scheduled(t: Tester201) -> None:
    """Secure Firmware Update: DownloadScheduled."""
    update(t, 2, retrieveDateTime=wall(t, OFFSET_S))
    steps(t, (3, "DownloadScheduled"))
    due_s = OFFSET_S / 2
    t.never(5, STATUS, due_s, status="Downloading")
    steps(t, (5, "Downloading"), (7, "Downloaded"), (9, "SignatureVerified"))
    runs_anew(t, 14)


@case_201("TC_L_05")
def invalid_certificate(t: Tester201) -> None:
    """Secure Firmware Update: InvalidCertificate."""
    security = t.rig.security
    stranger = security.other_maker.code_signing("Other Firmware", **security.times)
    status = one_of("InvalidCertificate", "RevokedCertificate")
    update(t, 2, status=status, signingCertificate=stranger.certificate)
    t.expect(3, SECURITY, type="InvalidFirmwareSigningCertificate")


@case_201("TC_L_06")
def invalid_signature(t: Tester201) -> None:
    """Secure Firmware Update: InvalidSignature. Both messages of the end come in any order (errata)."""
    update(t, 2, signature=t.rig.security.wrong_signature)
    steps(t, (3, "Downloading"), (5, "Downloaded"))
    t.any_order(
        message(7, STATUS, status="InvalidSignature", requestId=REQUEST_ID),
        message(9, SECURITY, type="InvalidFirmwareSignature"),
        within_s=WORK_S,
    )
    back_to_work(t, 9)


@case_201("TC_L_07")
def not_to_be_had(t: Tester201) -> None:
    """Secure Firmware Update: DownloadFailed."""
    update(t, 2, place(t, "image.bin_doesNotExist"))
    heard = steps(t, (3, one_of("Downloading", "DownloadFailed")))
    while heard.payload["status"] == "Downloading":  # of every attempt, if the product likes to (L01.FR.30)
        heard = steps(t, (5, one_of("Downloading", "DownloadFailed")))
    back_to_work(t, 5)


@case_201("TC_L_08", fresh=True)
def not_to_be_installed(t: Tester201) -> None:
    """Secure Firmware Update: InstallVerificationFailed or InstallationFailed."""
    update(t, 2, served(t, "no-image.bin", NO_IMAGE), signature=t.rig.security.wrong_signature)
    steps(t, (3, "Downloading"), (5, "Downloaded"), (7, "SignatureVerified"))
    if t.rig.model.hardware.firmware.restart == "before":
        steps(t, (11, "InstallRebooting"))
        t.expect(11, BOOT, reason="FirmwareUpdate", within_s=WORK_S)
    steps(t, (12, "Installing"), (16, one_of("InstallVerificationFailed", "InstallationFailed")))
    t.wait(120.0)  # the end of a restart into the firmware it had, if there is one
    back_to_work(t, 14)


@case_201("TC_L_10", fresh=True)
def cancelled(t: Tester201) -> None:
    """Secure Firmware Update: AcceptedCanceled. The end of the first one may be told as a failure (errata)."""
    t.rig.files.servers[SLOW] = Server(kb_s=SLOW_KB_S)
    update(t, 2, served(t, "image.bin", IMAGE, SLOW))
    steps(t, (3, "Downloading"))
    update(t, 6, status="AcceptedCanceled", request_id=SECOND_ID)
    front = t.peek()
    if front is not None and front.action == STATUS and front.payload.get("requestId") == REQUEST_ID:
        steps(t, (6, one_of("DownloadFailed", "InstallationFailed")))
    steps(t, (7, "Downloading"), (9, "Downloaded"), (11, "SignatureVerified"), request_id=SECOND_ID)
    runs_anew(t, 16, request_id=SECOND_ID)


@case_201("TC_L_11", fresh=True)
def not_cancelled(t: Tester201) -> None:
    """Secure Firmware Update: unable to cancel."""
    t.rig.files.servers[SLOW] = Server(kb_s=SLOW_KB_S)
    update(t, 2, served(t, "image.bin", IMAGE, SLOW))
    steps(t, (3, "Downloading"))
    update(t, 6, status="Rejected", request_id=SECOND_ID)
    steps(t, (7, "Downloaded"), (9, "SignatureVerified"))
    runs_anew(t, 14)


@case_201("TC_L_18")
def unsigned(t: Tester201) -> None:
    """Secure Firmware Update: missing firmware signing certificate and signature."""
    update(t, 2, status=one_of("Rejected", "InvalidCertificate"), signingCertificate=None, signature=None)


# -- while somebody charges --------------------------------------------------------------------------------------------


def others(t: Tester201) -> list[int]:
    """The EVSEs beside the one under test."""
    return [evse for evse in t.rig.connectors if evse != t.connector]


def others_withdrawn(t: Tester201, step: Step) -> None:
    """Every connector that is free is told as unavailable; what the update says meanwhile stays."""
    t.background.discard(statuses(t))
    t.background.add(STATUS)
    t.any_order(*(t.status(step, "Unavailable", evse) for evse in others(t)))
    t.background.discard(STATUS)


def session_ends(t: Tester201) -> set[int]:
    """The session under test is over and the car gone, whatever the update does meanwhile; EVSEs that were withdrawn
    by then. A connector that becomes free may be withdrawn at once (L01.FR.07), one whose car charges no more too."""
    t.background |= WHILE_ENDING
    stop_authorized(t)
    t.wait(1.0)
    gone = withdrawn(t)
    t.background.discard(statuses(t))
    ev_disconnected(t, None if t.connector in gone else one_of("Available", "Unavailable"))
    t.background -= WHILE_ENDING
    t.background.add(statuses(t))
    return gone


def two_sessions_end(t: Tester201, steps_: tuple[int, int]) -> None:
    """A second session begins at another EVSE (the update has not kept it from it), then both end."""
    first, before = t.connector, t.transaction_id
    t.background.discard(statuses(t))
    t.background |= WHILE_ENDING
    t.go_to(others(t)[0], t.tool.valid2)
    with t.within(str(steps_[0])):
        energy_started(t)
    second, after = t.connector, t.transaction_id
    with t.within(str(steps_[1])):
        t.go_to(first, t.tool.valid, connected=True)
        t.transaction_id = before
        session_ends(t)
        t.go_to(second, t.tool.valid2, connected=True)
        t.transaction_id = after
        session_ends(t)
    t.go_to(first, t.tool.valid)


@case_201("TC_L_12", settings={ALLOW_NEW: True}, if_implemented=[ALLOW_NEW], states=[energy_started], fresh=True)
def fetched_after_two_sessions(t: Tester201) -> None:
    """Secure Firmware Update: unable to download/install with ongoing transaction, new sessions are allowed."""
    update(t, 2)
    steps(t, (3, "DownloadScheduled"))
    two_sessions_end(t, (5, 6))
    steps(t, (8, "Downloading"), (10, "Downloaded"), (12, "SignatureVerified"))
    runs_anew(t, 17)


@case_201("TC_L_13", settings={ALLOW_NEW: False}, if_implemented=[ALLOW_NEW], states=[energy_started], fresh=True)
def fetched_after_the_session(t: Tester201) -> None:
    """Secure Firmware Update: unable to download/install with ongoing transaction, new sessions are not allowed."""
    update(t, 2)
    others_withdrawn(t, 5)
    t.maybe(3, STATUS, status="DownloadScheduled", requestId=REQUEST_ID)
    session_ends(t)
    steps(t, (8, "Downloading"), (10, "Downloaded"), (12, "SignatureVerified"))
    runs_anew(t, 17)


@case_201("TC_L_14", settings={ALLOW_NEW: True}, if_implemented=[ALLOW_NEW], states=[energy_started], fresh=True)
def installed_after_two_sessions(t: Tester201) -> None:
    """Secure Firmware Update: unable to install and activate with ongoing transaction, new sessions are allowed."""
    update(t, 2)
    steps(t, (3, "Downloading"), (5, "Downloaded"), (7, "SignatureVerified"))
    heard = steps(t, (9, one_of("InstallScheduled", "Installing")))
    two_sessions_end(t, (11, 12))
    runs_anew(t, 17, installing=heard.payload["status"] == "InstallScheduled")


@case_201("TC_L_15", settings={ALLOW_NEW: False}, if_implemented=[ALLOW_NEW], states=[energy_started], fresh=True)
def installed_after_the_session(t: Tester201) -> None:
    """Secure Firmware Update: unable to install with ongoing transaction, new sessions are not allowed."""
    update(t, 2)
    steps(t, (3, "Downloading"), (5, "Downloaded"), (7, "SignatureVerified"))
    heard = steps(t, (9, one_of("InstallScheduled", "Installing")))
    others_withdrawn(t, 11)
    scheduled = heard.payload["status"] == "InstallScheduled"
    if not scheduled:
        t.wait(INSTALLS_S)
    session_ends(t)
    runs_anew(t, 17, installing=scheduled)


@case_201("TC_L_16", states=[energy_started], fresh=True)
def installed_in_a_session(t: Tester201) -> None:
    """Secure Firmware Update: able to update firmware with ongoing transaction."""
    update(t, 2)
    wanted = ((3, "Downloading"), (5, "Downloaded"), (7, "SignatureVerified"), (9, "Installing"), (12, "Installed"))
    steps(t, *wanted)
    t.expect(14, SECURITY, type="FirmwareUpdated")
