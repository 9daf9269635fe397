"""Firmware: fetched and installed, not to be had, not to be installed; the same signed by its maker."""

from __future__ import annotations

import hashlib
from typing import Any

from simulator.certify.case import case
from simulator.certify.cases16.diagnostics import place
from simulator.certify.rules import one_of
from simulator.certify.security import IMAGE, NO_IMAGE
from simulator.certify.tester import Tester, message
from simulator.core.wall import format_wall

PLAIN, SIGNED = "FirmwareStatusNotification", "SignedFirmwareStatusNotification"
#: fetching, installing and starting may each take so long
WORK_S = 900.0
REQUEST_ID = 80
#: before and while it works the station may withdraw its connectors
MAYBE_WITHDRAWN = "StatusNotification"


def served(t: Tester, name: str, content: bytes) -> str:
    """The address of a file the tool has."""
    return t.rig.files.serve(place(t, name), content)


def now(t: Tester) -> str:
    """A time to fetch that has come."""
    return format_wall(t.rig.fleet.epoch_us + t.rig.now_us)


def update(t: Tester, url: str, **more: Any) -> None:
    """The tool asks for an update; from here on connectors may be withdrawn at any time."""
    t.background.add(MAYBE_WITHDRAWN)
    t.call(2, "UpdateFirmware", {"location": url, "retrieveDate": now(t), **more})


def signed_update(t: Tester, signature: str) -> None:
    """The tool asks for a signed update."""
    t.background.add(MAYBE_WITHDRAWN)
    image = {
        "location": served(t, "image.bin", IMAGE),
        "retrieveDateTime": now(t),
        "signingCertificate": t.rig.security.signer.certificate,
        "signature": signature,
    }
    t.call(2, "SignedUpdateFirmware", {"requestId": REQUEST_ID, "firmware": image}, status="Accepted")


def steps(t: Tester, action: str, *wanted: tuple[int, str]) -> None:
    """One state after the other is told."""
    own = {"requestId": REQUEST_ID} if action == SIGNED else {}
    for step, status in wanted:
        t.expect(step, action, {**own, "status": status}, within_s=WORK_S)


def back_to_work(t: Tester, step: int) -> None:
    """Connectors that were withdrawn are told as free again."""
    t.background.discard(MAYBE_WITHDRAWN)
    told = [heard for heard in t.csms.pending if heard.action == MAYBE_WITHDRAWN]
    withdrawn = {heard.payload["connectorId"] for heard in told if heard.payload["status"] == "Unavailable"}
    drop_withdrawals(t)
    t.statuses(step, dict.fromkeys(sorted(withdrawn), "Available"))


def drop_withdrawals(t: Tester) -> None:
    """That connectors were withdrawn is allowed and no more."""
    t.csms.pending[:] = [
        heard
        for heard in t.csms.pending
        if heard.action != MAYBE_WITHDRAWN or heard.payload.get("status") != "Unavailable"
    ]


def runs_anew(t: Tester, action: str, step_boot: int, step_status: int, step_installed: int) -> None:
    """The station boots with the new firmware, says that it is installed, and every connector is free."""
    own = {"requestId": REQUEST_ID} if action == SIGNED else {}
    boot, _ = t.any_order(
        message(step_boot, "BootNotification"),
        message(step_installed, action, {**own, "status": "Installed"}),
        within_s=WORK_S,
    )
    t.background.discard(MAYBE_WITHDRAWN)
    drop_withdrawals(t)
    t.statuses(step_status, {}, others="Available")
    t.rig.firmware_version = boot.payload.get("firmwareVersion")
    t.rig.firmware_sha256 = hashlib.sha256(IMAGE).hexdigest()


@case("TC_044_1", fresh=True)
def installed(t: Tester) -> None:
    """Fetched, installed, booted."""
    update(t, served(t, "image.bin", IMAGE))
    steps(t, PLAIN, (3, "Downloading"), (5, "Downloaded"), (7, "Installing"))
    runs_anew(t, PLAIN, 9, 11, 13)


@case("TC_044_2", fresh=True)
def not_to_be_had(t: Tester) -> None:
    """The file is not there: the old firmware goes on."""
    update(t, place(t, "download_fail.fwi"), retries=0)
    heard = t.expect(3, PLAIN, status=one_of("Downloading", "DownloadFailed"), within_s=WORK_S)
    if heard.payload["status"] == "Downloading":
        steps(t, PLAIN, (5, "DownloadFailed"))
    t.never("5b", "BootNotification", 120)
    back_to_work(t, 5)


@case("TC_044_3", fresh=True)
def not_to_be_installed(t: Tester) -> None:
    """The file is no firmware: the old one goes on, perhaps after a restart."""
    update(t, served(t, "no-image.bin", NO_IMAGE))
    steps(t, PLAIN, (3, "Downloading"), (5, "Downloaded"))
    t.background.add("BootNotification")
    heard = t.expect(7, PLAIN, status=one_of("Installing", "InstallationFailed"), within_s=WORK_S)
    if heard.payload["status"] == "Installing":
        steps(t, PLAIN, (11, "InstallationFailed"))
    t.wait(120)  # the end of a restart, if there is one
    back_to_work(t, 13)


@case("TC_080", security=(1,))
def signed_installed(t: Tester) -> None:
    """Fetched, found to be the maker's, installed, booted."""
    signed_update(t, t.rig.security.signature)
    wanted = ((3, "Downloading"), (5, "Downloaded"), (7, "SignatureVerified"), (9, "Installing"))
    steps(t, SIGNED, *wanted)
    runs_anew(t, SIGNED, 11, 15, 17)


@case("TC_081", security=(1,))
def wrongly_signed(t: Tester) -> None:
    """Fetched, found not to be the maker's."""
    signed_update(t, t.rig.security.wrong_signature)
    steps(t, SIGNED, (3, "Downloading"), (5, "Downloaded"), (7, "InvalidSignature"))
    t.never("7b", "BootNotification", 120)
    back_to_work(t, 7)
