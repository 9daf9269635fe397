"""L Firmware: fetch, check, install, restart, and say each state once.

The process is a record on flash with a ``step``; what moves it are requests (a new one cancels the old, L01.FR.26), the
clock (times to retrieve and install), the end of a job, the end of transactions, and a restart. The steps, with what
they wait for:

``scheduled``   the time to retrieve, or the end of transactions on a product that does not fetch while charging
``fetching``    a download job, or the pause before the next attempt; a restart counts as a failed attempt
``paused``      transactions that began meanwhile, where the product cannot do both
``checking``    the job that compares signature and image (signed updates only)
``ready``       the time to install, then the end of transactions; EVSEs not in use are withdrawn meanwhile (L01.FR.07)
``restarting``  the restart into the installer, where the product needs one (L01.FR.15)
``installing``  the time it takes; a restart that nobody planned ends it, the old firmware stays
``activating``  the planned restart into the new firmware; after it the update is ``Installed``
``over``        nothing; kept for the CSMS that asks for the last state (L01.FR.29)

States told are in words of FirmwareStatusEnumType. The certificate of a signed update is checked before the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from simulator.blocks import provisioning, transfer
from simulator.blocks.firmware_record import (
    Firmware,
    Installed,
    Update,
    installed,
    load,
    mark_installed,
    order,
    save,
    state,
    version,
    version_of,
)
from simulator.core import certificate_store, history, jobs
from simulator.core.inputs import JobDone
from simulator.core.reports import FirmwareProgress, FirmwareStep
from simulator.core.security_event import say
from simulator.core.settings import setting
from simulator.core.wiring import at, keeps_busy, on_timer, station_rule

if TYPE_CHECKING:
    from simulator.core.inputs import JobProgress
    from simulator.core.station import Station

__all__ = [
    "Installed", "Update", "installed", "installs", "order", "request", "request_signed", "signed_only", "state",
    "tell_status", "version", "withdraws",
]  # fmt: skip

ALLOW_NEW = setting(
    "ChargingStation.AllowNewSessionsPendingFirmwareUpdate",
    "bool",
    False,
    feature="FirmwareManagement",
    description="may sessions begin while an update waits for others to end",
)

#: capability of a dialect: what is installed is verified while it is installed, EVSEs are withdrawn too while a product
#: that does not fetch while charging waits to fetch, and waiting for transactions is told (part 6 TC_L_08, TC_L_13-15)
LATE_CHECK = "firmware_is_verified_late"
#: a certificate check takes no longer; after that nobody is answered any more
CHECK_US = 30_000_000
#: steps in which a new request cannot cancel the update any more (L01.FR.27)
BEYOND = frozenset({"restarting", "installing", "activating"})
#: ... and all in which it is under way
AT_WORK = BEYOND | {"fetching", "checking"}
#: steps that may be one more session away
WAITING = frozenset({"scheduled", "paused", "ready"})


@keeps_busy
def under_way(st: Station) -> bool:
    """Is an image being fetched, checked or installed?"""
    own = state(st)
    return own is not None and own.update is not None and own.update.step in AT_WORK


def installs(st: Station) -> bool:
    """Is it so far that nothing may come between any more?"""
    own = state(st)
    return own is not None and own.update is not None and own.update.step in BEYOND


def _own(st: Station) -> Firmware:
    own = state(st)
    if own is None:
        own = st.data["firmware"] = Firmware()
    return own


def withdraws(st: Station) -> bool:
    """Are EVSEs that are not in use to be unavailable for the sake of an update (L01.FR.07, L02.FR.04)? While it only
    waits, the operator may have it otherwise."""
    own = state(st)
    if own is None or own.update is None:
        return False
    return own.withdrawn and not (own.update.step in WAITING and st.settings[ALLOW_NEW])


def _waits_to_fetch(st: Station, update: Update) -> bool:
    """Is it only transactions that an update waits for before it is fetched?"""
    return update.step == "paused" or (update.step == "scheduled" and st.timers.get("firmware") is None)


# -- asked for ---------------------------------------------------------------------------------------------------------


def request(st: Station, update: Update) -> str:
    """Begin an update that needs no check beforehand: Accepted, AcceptedCanceled, or Rejected (it cannot be kept, or
    another one is being installed)."""
    own = _own(st)
    old = own.update if own.update is not None and own.update.step != "over" else None
    if old is not None and (old.step in BEYOND or not st.model.hardware.firmware.cancels):
        return "Rejected"
    if not save(st, update):
        return "Rejected"
    if old is not None:
        history.note(st, f"firmware update {old.status or 'accepted'} cancelled")
    _stop(st, own)
    own.update = update
    st.timers.set("firmware", st.now)  # after the answer
    return "Accepted" if old is None else "AcceptedCanceled"


def signed_only(st: Station) -> bool:
    """Does the station take nothing that is not signed? One that knows a root of its maker can check signatures, and
    what can be left out would protect nothing (L01.FR.09, part 6 TC_L_18)."""
    return bool(certificate_store.entries(st, certificate_store.MANUFACTURER_ROOT))


def request_signed(st: Station, update: Update, answers: Mapping[str, Any]) -> str | tuple[str, int]:
    """Check the certificate of a signed update first (L01.FR.23): an outcome at once (Rejected), else (token, deadline)
    of the answer that comes later: the one of ``answers`` for Accepted, AcceptedCanceled, Rejected, InvalidCertificate
    or RevokedCertificate."""
    own = _own(st)
    if own.candidate is not None and st.now < own.check_by_us:
        return "Rejected"
    roots = [facts["pem"] for _, facts in certificate_store.entries(st, certificate_store.MANUFACTURER_ROOT)]
    args = {
        "pem": update.certificate,
        "roots": roots,
        "at_us": st.board.rtc.wall(st.now),
        "purpose": "code",
    }
    number = jobs.start(st, "check_chain", "firmware.certificate", args)
    if number is None:
        return "Rejected"
    own.candidate, own.answers = update, answers
    own.token, own.check_by_us = f"firmware-{number}", st.now + CHECK_US * st.speed
    return own.token, own.check_by_us


@jobs.on_job("firmware.certificate")
def certificate_checked(st: Station, number: int, event: JobProgress | JobDone, now: int) -> None:
    """The certificate is good, or it is not; nothing begins if nobody waits for the answer any more."""
    own = state(st)
    if not isinstance(event, JobDone) or own is None or own.token != f"firmware-{number}":
        return
    update, answers, token = own.candidate, own.answers, own.token
    own.candidate, own.answers, own.token = None, {}, ""
    if update is None or token not in st.later:
        return
    if event.ok:
        outcome = request(st, update)
    else:
        cause = str(event.result.get("cause", ""))
        outcome = "RevokedCertificate" if cause == "revoked" else "InvalidCertificate"
    st.answer_later(token, answers[outcome])
    if not event.ok:
        say(st, "InvalidFirmwareSigningCertificate", str(event.result.get("detail", "")))  # L01.FR.02


def tell_status(st: Station, *, plain: bool = False) -> None:
    """State the status on request: the last one, Idle after Installed or when there was none (L01.FR.28-29).

    ``plain`` asks by the older message, which says Idle whenever nothing is under way (1.6 4.5).
    """
    own = state(st)
    update = own.update if own is not None else None
    silent = update is None or update.plain != plain or update.status in ("", "Installed")
    if update is None or silent or (plain and update.step == "over"):
        st.publish(FirmwareProgress("Idle", plain=plain), triggered=True)
    else:
        st.publish(FirmwareProgress(update.status, update.request_id, plain), triggered=True)


# -- from step to step -------------------------------------------------------------------------------------------------


def _enter(st: Station, update: Update, step: str, status: str = "") -> None:
    update.step = step
    if status and status != update.status:
        update.status = status
        st.publish(FirmwareStep(status, update.request_id, update.plain))
    save(st, update)


def _stop(st: Station, own: Firmware) -> None:
    """Whatever runs for the update is of no interest any more."""
    jobs.forget(st, own.job)
    own.job, own.withdrawn = None, False
    st.timers.cancel("firmware")


def _fail(st: Station, own: Firmware, update: Update, status: str) -> None:
    _stop(st, own)
    _enter(st, update, "over", status)


@on_timer("firmware")
def due(st: Station, index: int, now: int) -> None:
    """A time has come: to retrieve, to try again, to install, or an installation has taken its time."""
    own = state(st)
    if own is None or own.update is None:
        return
    update = own.update
    if own.job is not None:
        jobs.forget(st, own.job)
        own.job = None
        if update.step == "fetching":
            _attempt_failed(st, own, update, "timeout", now)
        else:
            _fail(st, own, update, "InstallVerificationFailed")
    elif update.step in ("scheduled", "fetching"):
        _fetch(st, own, update, now)
    elif update.step == "ready":
        _wait_to_install(st, own, update, now)
    elif update.step == "installing":
        _installed(st, own, update)


@at("clock")
def clock_set(st: Station, now: int) -> None:
    """Times of the CSMS are times of the clock."""
    own = state(st)
    if own is not None and own.update is not None and own.update.step in ("scheduled", "ready") and not own.withdrawn:
        st.timers.set("firmware", now)


def _until(st: Station, wall_us: int, now: int) -> bool:
    """Is it earlier than this? If so the timer is set."""
    wait_us = wall_us - st.board.rtc.wall(now)
    if wait_us > 0:
        st.timers.set("firmware", now + wait_us)
    return wait_us > 0


def _charging(st: Station) -> bool:
    return any(evse.tx is not None for evse in st.evses)


def _keep_out(st: Station, own: Firmware) -> None:
    """EVSEs that are free, or will be, are withdrawn until the update is over (L01.FR.07)."""
    own.withdrawn = LATE_CHECK in st.dialect.capabilities and not st.settings[ALLOW_NEW]


def _fetch(st: Station, own: Firmware, update: Update, now: int) -> None:
    """Begin an attempt, unless it is too early or the product is busy charging (L01.FR.13)."""
    if _until(st, update.retrieve_us, now):
        _enter(st, update, "scheduled", "DownloadScheduled")
        return
    if _charging(st) and not st.model.hardware.firmware.fetch_while_charging:
        _keep_out(st, own)
        _enter(st, update, "scheduled", "DownloadScheduled")  # the rule below goes on
        return
    update.tried += 1
    _enter(st, update, "fetching", "Downloading")
    why = transfer.trouble_with(st, update.url)
    if not why:
        spec = st.model.hardware.firmware
        args = {"url": update.url, "max_bytes": spec.max_bytes, "roots": transfer.roots(st)}
        own.job = jobs.start(st, "download", "firmware.download", args)
        why = "" if own.job is not None else "busy"
        st.timers.set("firmware", now + transfer.GIVE_UP_US * st.speed)
    if why:
        _attempt_failed(st, own, update, why, now)


@jobs.on_job("firmware.download")
def fetched(st: Station, number: int, event: JobProgress | JobDone, now: int) -> None:
    """One attempt has come to its end."""
    own = state(st)
    if not isinstance(event, JobDone) or own is None or own.update is None or own.job != number:
        return
    update = own.update
    own.job = None
    st.timers.cancel("firmware")
    if not event.ok:
        _attempt_failed(st, own, update, str(event.result.get("cause", "")), now)
        return
    update.sha256, update.size = str(event.result["sha256"]), int(event.result["bytes"])
    name = str(event.result.get("file_name") or transfer.last_name(update.url))
    unsigned = update.plain or not update.certificate  # a certificate was good, or the update had not begun
    update.version = version_of(
        bytes.fromhex(event.result["head"]), update.size, name, update.sha256, version(st) or "0"
    )
    _enter(st, update, "ready" if unsigned else "checking", "Downloaded")
    if unsigned:
        _wait_to_install(st, own, update, now)
    else:
        _check(st, own, update)


def _attempt_failed(st: Station, own: Firmware, update: Update, cause: str, now: int) -> None:
    history.note(st, f"firmware download attempt {update.tried} of {update.attempts}: {cause}")
    if update.tried < update.attempts and cause not in transfer.HOPELESS:
        st.timers.set("firmware", now + update.pause_s * 1_000_000)
    else:
        _fail(st, own, update, "DownloadFailed")


def _check(st: Station, own: Firmware, update: Update) -> None:
    args = {"sha256": update.sha256, "certificate": update.certificate, "signature": update.signature}
    own.job = jobs.start(st, "check_signature", "firmware.signature", args)
    st.timers.set("firmware", st.now + CHECK_US * st.speed)
    if own.job is None:  # nothing that cannot be checked is installed
        _fail(st, own, update, "InstallVerificationFailed")


@jobs.on_job("firmware.signature")
def signature_checked(st: Station, number: int, event: JobProgress | JobDone, now: int) -> None:
    """L01.FR.04: only what its maker has signed is installed."""
    own = state(st)
    if not isinstance(event, JobDone) or own is None or own.update is None or own.job != number:
        return
    own.job = None
    st.timers.cancel("firmware")
    if event.ok:
        _enter(st, own.update, "ready", "SignatureVerified")
        _wait_to_install(st, own, own.update, now)
    else:
        _fail(st, own, own.update, "InvalidSignature")
        say(st, "InvalidFirmwareSignature", str(event.result.get("detail", "")))  # L01.FR.03


def _wait_to_install(st: Station, own: Firmware, update: Update, now: int) -> None:
    """L01.FR.05, FR.16-19: at the time given, when nobody charges; until then nobody begins to."""
    if update.install_us is not None and _until(st, update.install_us, now):
        own.withdrawn = False  # until then who waits for nothing may charge
        _enter(st, update, "ready", "InstallScheduled")
        return
    at_any_time = st.model.hardware.firmware.install_while_charging
    own.withdrawn = not at_any_time
    if at_any_time or not _charging(st):
        _install(st, own, update, now)
    elif LATE_CHECK in st.dialect.capabilities:
        _enter(st, update, "ready", "InstallScheduled")  # L01.FR.34


def _install(st: Station, own: Firmware, update: Update, now: int) -> None:
    if LATE_CHECK not in st.dialect.capabilities and not _sound(st, update):
        _fail(st, own, update, "InstallVerificationFailed")
        return
    spec = st.model.hardware.firmware
    if spec.restart == "before" and update.step != "restarting":
        _enter(st, update, "restarting", "InstallRebooting")
        _restart(st)
        return
    _enter(st, update, "installing", "Installing")
    st.timers.set("firmware", now + int(spec.install_s * 1_000_000))


def _sound(st: Station, update: Update) -> bool:
    """Is the image what it should be?"""
    return bool(update.version) and st.board.flash.image_intact()


def _installed(st: Station, own: Firmware, update: Update) -> None:
    """The image is in place: it runs after a restart, or at once."""
    if not _sound(st, update):
        _fail(st, own, update, "InstallVerificationFailed")
    elif st.model.hardware.firmware.restart == "after":
        _enter(st, update, "activating")
        _restart(st)
    else:
        _done(st, own, update)


def _done(st: Station, own: Firmware, update: Update) -> None:
    """The new firmware runs, unless the mark that it is the one to run could not be written."""
    if not mark_installed(st, update):
        _fail(st, own, update, "InstallationFailed")
        return
    _stop(st, own)
    say(st, "FirmwareUpdated", update.version)  # L01.FR.31
    _enter(st, update, "over", "Installed")


def _restart(st: Station) -> None:
    provisioning.request_reset(st, kind="soft", reason="Reboot", boot_reason="FirmwareUpdate", patient=True)


@station_rule(45)
def follow_charging(st: Station, now: int) -> bool:
    """Go on when the last transaction has ended, or pause a download that the product cannot do while charging."""
    own = state(st)
    if own is None or own.update is None:
        return False
    update = own.update
    charging = _charging(st)
    if update.step == "ready" and own.withdrawn and not charging:
        _install(st, own, update, now)
        return True
    if st.model.hardware.firmware.fetch_while_charging:
        return False
    if _waits_to_fetch(st, update) and not charging:
        _fetch(st, own, update, now)
        return True
    if update.step == "fetching" and charging:
        update.tried -= own.job is not None  # an attempt that we break off is not held against the server
        _stop(st, own)
        _keep_out(st, own)
        _enter(st, update, "paused", "DownloadPaused")
        return True
    return False


@at("start")
def go_on(st: Station, now: int) -> None:
    """After a restart: where flash says the update was."""
    update = load(st)
    if update is None:
        return
    own = st.data["firmware"] = Firmware(update)
    step = update.step
    if step == "fetching":
        _attempt_failed(st, own, update, "broken", now)
    elif step == "checking":
        _check(st, own, update)
    elif step == "activating":
        _done(st, own, update)
    elif step == "installing":
        _fail(st, own, update, "InstallationFailed")
    elif step == "restarting":
        own.withdrawn = True
        _install(st, own, update, now)
    elif step in ("scheduled", "ready"):
        st.timers.set("firmware", now)
