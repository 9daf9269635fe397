"""N Logs: a file made of the station's own history, uploaded to where the CSMS wants it.

One upload at a time; a new request cancels the one under way (N01.FR.11). The file is made when it is asked for: lines
of the history, or of the security log, within the range asked for; a diagnostics file has a snapshot of the station
before them. It takes room on flash while it waits, and without that room there is no file. Every attempt is a job;
attempts, pauses and what is told are decided here. An upload that a restart has broken off has failed, and is told so.

Told are states in words of UploadLogStatusEnumType: Uploading once, then exactly one end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from simulator.blocks import device_model, firmware, transfer
from simulator.core import history, jobs, readings
from simulator.core.inputs import JobDone
from simulator.core.reports import LogProgress, LogStep
from simulator.core.settings import WRITE_ONLY, all_settings
from simulator.core.wall import format_wall
from simulator.core.wiring import at, keeps_busy, on_timer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.core.inputs import JobProgress
    from simulator.core.station import Station

#: what the upload under way is, on flash, so that a restart can tell that it has failed
AREA, KEY = "facts", "upload"
#: capability of a dialect: an upload that its server redirects has failed (2.1 N01.FR.30)
NO_REDIRECTS = "uploads_are_not_redirected"
#: longest file; the snapshot and both logs are far below
MAX_FILE_BYTES = 65_536
#: end of the last attempt -> how it is told; other causes are UploadFailure (N01.FR.10: as precise as possible)
STATUS_OF = {
    "bad_url": "BadMessage",
    "unsupported": "NotSupportedOperation",
    "auth": "PermissionDenied",
    "permission": "PermissionDenied",
    "host_not_allowed": "PermissionDenied",
}


@dataclass(frozen=True, slots=True)
class LogWish:
    """What the CSMS asks for. Times are microseconds since 1970 by the station's clock, None is open; ``retries`` and
    ``interval_s`` None leave it to the station. ``diagnostics``: the answer is told by the older message where a
    version has two; ``security``: the security log, else a diagnostics file."""

    url: str
    security: bool = False
    diagnostics: bool = False
    request_id: int | None = None
    retries: int | None = None
    interval_s: int | None = None
    oldest_us: int | None = None
    latest_us: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Accepted, AcceptedCanceled (an upload under way was cancelled for it) or Rejected (there is no file), and the
    file's name."""

    status: str
    file_name: str = ""


class Upload(msgspec.Struct, gc=False):
    """The upload under way."""

    wish: LogWish
    file_name: str
    content: bytes
    attempts: int
    pause_s: int
    tried: int = 0
    job: int | None = None


def upload_of(st: Station) -> Upload | None:
    """The upload under way, if any."""
    found: Upload | None = st.data.get("logs")
    return found


# -- asked for ---------------------------------------------------------------------------------------------------------


@keeps_busy
def under_way(st: Station) -> bool:
    """Is a log being uploaded, or about to be tried again?"""
    return upload_of(st) is not None


def request(st: Station, wish: LogWish) -> Verdict:
    """Make the file and begin to upload it; nothing happens when there is nothing to tell of that time, or no room."""
    content = make_file(st, wish)
    if content is None:
        return Verdict("Rejected")
    cancelled = upload_of(st)
    if not st.board.flash.write(AREA, KEY, (wish.request_id, wish.diagnostics), len(content)):
        return Verdict("Rejected")
    if cancelled is not None:
        _over(st, cancelled, "AcceptedCanceled")
    attempts, pause_s = transfer.plan(wish.retries, wish.interval_s)
    kind = "security" if wish.security else "diagnostics"
    stamp = format_wall(st.board.rtc.wall(st.now))[:19].replace("-", "").replace(":", "")
    own = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "_" for c in st.id)
    upload = st.data["logs"] = Upload(wish, f"{own}_{stamp}Z_{kind}.log", content, attempts, pause_s)
    st.timers.set("log_upload", st.now)  # after the answer
    return Verdict("Accepted" if cancelled is None else "AcceptedCanceled", upload.file_name)


def tell_status(st: Station, diagnostics: bool) -> None:
    """State on request whether something is being uploaded (N01.FR.12): by the older message for ``diagnostics``."""
    upload = upload_of(st)
    if upload is not None and upload.wish.diagnostics == diagnostics:
        st.publish(LogProgress("Uploading", upload.wish.request_id, diagnostics), triggered=True)
    else:
        st.publish(LogProgress("Idle", diagnostics=diagnostics), triggered=True)


# -- the upload --------------------------------------------------------------------------------------------------------


@on_timer("log_upload")
def attempt(st: Station, index: int, now: int) -> None:
    """The next attempt is due."""
    upload = upload_of(st)
    if upload is None:
        return
    if upload.job is not None:
        jobs.forget(st, upload.job)
        upload.job = None
        _failed(st, upload, "timeout", now)
        return
    if not upload.tried:
        _tell(st, upload, "Uploading")
    upload.tried += 1
    why = transfer.trouble_with(st, upload.wish.url)
    if not why:
        args = {
            "url": upload.wish.url,
            "file_name": upload.file_name,
            "content": upload.content,
            "roots": transfer.roots(st),
            "redirects": NO_REDIRECTS not in st.dialect.capabilities,
        }
        upload.job = jobs.start(st, "upload", "logs.upload", args)
        why = "" if upload.job is not None else "busy"
        st.timers.set("log_upload", now + transfer.GIVE_UP_US * st.speed)
    if why:
        _failed(st, upload, why, now)


@jobs.on_job("logs.upload")
def attempt_ended(st: Station, number: int, event: JobProgress | JobDone, now: int) -> None:
    """One attempt has come to its end."""
    upload = upload_of(st)
    if not isinstance(event, JobDone) or upload is None or upload.job != number:
        return
    upload.job = None
    if event.ok:
        _end(st, upload, "Uploaded")
    else:
        _failed(st, upload, str(event.result.get("cause", "")), now)


def _failed(st: Station, upload: Upload, cause: str, now: int) -> None:
    history.note(st, f"log upload attempt {upload.tried} of {upload.attempts}: {cause}")
    if upload.tried < upload.attempts and cause not in transfer.HOPELESS:
        st.timers.set("log_upload", now + upload.pause_s * 1_000_000)
    else:
        _end(st, upload, STATUS_OF.get(cause, "UploadFailure"))


def _end(st: Station, upload: Upload, status: str) -> None:
    st.board.flash.delete(AREA, KEY)
    _over(st, upload, status)


def _over(st: Station, upload: Upload, status: str) -> None:
    jobs.forget(st, upload.job)
    st.timers.cancel("log_upload")
    del st.data["logs"]
    _tell(st, upload, status)


def _tell(st: Station, upload: Upload, status: str) -> None:
    st.publish(LogStep(status, upload.wish.request_id, upload.wish.diagnostics))


@at("start")
def broken_off(st: Station, now: int) -> None:
    """A restart has ended the upload that was under way."""
    facts = st.board.flash.get(AREA, KEY)
    if facts is not None:
        st.board.flash.delete(AREA, KEY)
        st.publish(LogStep("UploadFailure", facts[0], bool(facts[1])))


# -- the file ----------------------------------------------------------------------------------------------------------


def make_file(st: Station, wish: LogWish) -> bytes | None:
    """The text of the file, None when the range holds nothing."""
    if wish.oldest_us is not None and wish.latest_us is not None and wish.latest_us < wish.oldest_us:
        return None
    found = history.lines(st, security=wish.security, oldest_us=wish.oldest_us, latest_us=wish.latest_us)
    if not found:
        return None
    text = [] if wish.security else [*_snapshot(st), "", "history:"]
    for wall_us, trusted, line in found:
        text.append(f"{format_wall(wall_us)}{'' if trusted else ' (clock not set)'} {line}")
    return ("\n".join(text) + "\n").encode()[:MAX_FILE_BYTES]


def _snapshot(st: Station) -> Iterator[str]:
    identity, flash = st.model.identity, st.board.flash
    yield f"station: {st.id}"
    yield f"product: {identity.vendor} {identity.model}"
    yield f"serial: {device_model.serial_of(st) or '-'}"
    yield f"firmware: {firmware.version(st) or '-'}"
    yield f"time: {format_wall(st.board.rtc.wall(st.now))}"
    yield f"boot: {st.boot_reason}, {(st.now - st.started_us) // 1_000_000} s ago"
    yield f"registration: {st.gate}"
    yield f"waiting messages: {st.outbox.waiting()}"
    yield f"flash: {flash.used_bytes} of {flash.capacity_bytes} bytes in use"
    signal_dbm = st.board.modem.signal_dbm()
    yield f"modem: {st.model.hardware.modem.kind}" + (f", {signal_dbm} dBm" if signal_dbm is not None else "")
    for evse in st.evses:
        running = f", transaction {evse.tx.key}" if evse.tx is not None else ""
        register_wh = readings.register_wh(st, evse)
        yield (
            f"EVSE {evse.evse_id}: {evse.status}, {'operative' if evse.operative else 'inoperative'}, "
            f"{evse.power_w:.0f} W, register {'-' if register_wh is None else f'{register_wh:.0f} Wh'}{running}"
        )
    for number in range(len(st.evses) + 1):
        for problem in st.board.problems(number):
            if problem.evse_id == number:
                where = f"EVSE {number}" if number else "station"
                yield f"problem: {where} {problem.component} {problem.code or ''} {problem.info}".rstrip()
    for found in all_settings():
        if device_model.exists(st, found):
            secret = WRITE_ONLY in (found.mutability, found.mutability16)
            yield f"setting: {found.key} = {'(secret)' if secret else device_model.text_of(st, found, found.key)}"
