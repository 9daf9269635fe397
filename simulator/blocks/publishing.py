"""L Publishing firmware: a local controller fetches an image once and serves it to the stations behind it (L03, L04).

A product that is no local controller has none of this. The image is fetched by a job that keeps what it brings under
the checksum by which the CSMS names it; a second job serves it and says where. Each state that is entered is told
(L03.FR.01); how often an attempt is made is decided as for updates. What is published lies with the driver and is
listed on flash, so a restart ends a publication under way but none that is complete.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from simulator.blocks import transfer
from simulator.core import history, jobs
from simulator.core.inputs import JobDone
from simulator.core.reports import PublishProgress, PublishStep
from simulator.core.wiring import at, on_timer

if TYPE_CHECKING:
    from simulator.core.inputs import JobProgress
    from simulator.core.model import Model
    from simulator.core.station import Station

#: what is served, and what is under way
AREA, UNDER_WAY, CURRENT = "published", "publishing", "current"
STATE = "publishing"
#: images that are published at a time
MAX_PUBLISHED = 8
#: an answer about an unpublication takes no longer
ANSWER_US = 30_000_000
IDLE, PUBLISHED = "Idle", "Published"
#: statuses after which nothing is under way any more
ENDS = frozenset({PUBLISHED, "DownloadFailed", "InvalidChecksum", "PublishFailed"})


class Publication(msgspec.Struct):
    """One request, as it lies on flash. ``checksum``: MD5 in lower case, the name of the image."""

    request_id: int
    url: str
    checksum: str
    attempts: int
    pause_s: int
    tried: int = 0
    status: str = ""


class Published(msgspec.Struct, frozen=True):
    """An image that is served. ``places`` are its addresses."""

    request_id: int
    places: tuple[str, ...]


class Publishing:
    """What RAM knows: the publication under way or the last one, its job, and who waits for an unpublication."""

    __slots__ = ("answers", "current", "job", "leaving", "token")

    def __init__(self) -> None:
        self.current: Publication | None = None
        self.job: int | None = None
        #: checksum of what is being unpublished
        self.leaving = ""
        self.token = ""
        self.answers: dict[str, Any] = {}


def is_controller(model: Model) -> bool:
    """Does the product publish firmware for others?"""
    return model.local_controller


def _own(st: Station) -> Publishing:
    found: Publishing = st.data.setdefault(STATE, Publishing())
    return found


# -- asked for ---------------------------------------------------------------------------------------------------------


def request(
    st: Station, url: str, checksum: str, request_id: int, retries: int | None, interval_s: int | None
) -> tuple[str, str]:
    """Publish what lies there: (Accepted, "") or (Rejected, reason code) (L03.FR.05)."""
    own, checksum = _own(st), checksum.lower()
    if len(checksum) != 32 or not set(checksum) <= set("0123456789abcdef"):
        return "Rejected", "InvalidValue"
    if own.current is not None and own.current.status not in ENDS:
        return "Rejected", "Busy"
    if st.board.flash.get(AREA, checksum) is None and len(st.board.flash.items(AREA)) >= MAX_PUBLISHED:
        return "Rejected", "OutOfStorage"
    attempts, pause_s = transfer.plan(retries, interval_s)
    own.current = Publication(request_id, url, checksum, attempts, pause_s)
    st.timers.set("publish", st.now)  # after the answer
    return "Accepted", ""


def withdraw(st: Station, checksum: str, answers: dict[str, Any]) -> str | tuple[str, int]:
    """Serve an image no longer: NoFirmware or DownloadOngoing at once, else (token, deadline) of the answer that comes
    later, one of ``answers`` (L04.FR.01-04)."""
    own, checksum = _own(st), checksum.lower()
    if own.current is not None and own.current.checksum == checksum and own.current.status not in ENDS:
        return "DownloadOngoing"
    if st.board.flash.get(AREA, checksum) is None:
        return "NoFirmware"
    if own.leaving:
        return "DownloadOngoing"
    number = jobs.start(st, "unpublish", "publishing.withdrawn", {"name": checksum})
    if number is None:
        return "DownloadOngoing"
    own.leaving, own.answers, own.token = checksum, answers, f"unpublish-{number}"
    return own.token, st.now + ANSWER_US * st.speed


def tell_status(st: Station) -> None:
    """State the status on request: the last one told, Idle after Published or when there was none (L03.FR.10-11)."""
    current = _own(st).current
    if current is None or current.status in ("", PUBLISHED):
        st.publish(PublishProgress(IDLE), triggered=True)
    else:
        st.publish(PublishProgress(current.status, current.request_id), triggered=True)


# -- from step to step -------------------------------------------------------------------------------------------------


def _enter(st: Station, current: Publication, status: str, places: tuple[str, ...] = ()) -> None:
    if status != current.status:  # another attempt is no new status
        current.status = status
        st.publish(PublishStep(status, current.request_id, places))
    if status == PUBLISHED:
        st.board.flash.delete(UNDER_WAY, CURRENT)
    else:  # how it has failed may be asked for after a restart, too (L03.FR.11)
        st.board.flash.write(UNDER_WAY, CURRENT, current, 64 + len(current.url))


@on_timer("publish")
def attempt(st: Station, index: int, now: int) -> None:
    """Fetch it, or give up a job of which nothing is heard."""
    own = _own(st)
    current = own.current
    if current is None:
        return
    if own.job is not None:
        jobs.forget(st, own.job)
        own.job = None
        _failed(st, current, "timeout", now)
        return
    current.tried += 1
    _enter(st, current, "Downloading")
    why = transfer.trouble_with(st, current.url)
    if not why:
        args = {
            "url": current.url,
            "max_bytes": st.model.hardware.firmware.max_bytes,
            "roots": transfer.roots(st),
            "keep": current.checksum,
        }
        own.job = jobs.start(st, "download", "publishing.fetched", args)
        why = "" if own.job is not None else "busy"
        st.timers.set("publish", now + transfer.GIVE_UP_US * st.speed)
    if why:
        _failed(st, current, why, now)


def _failed(st: Station, current: Publication, cause: str, now: int) -> None:
    history.note(st, f"firmware to publish, attempt {current.tried} of {current.attempts}: {cause}")
    if current.tried < current.attempts and cause not in transfer.HOPELESS:
        st.timers.set("publish", now + current.pause_s * 1_000_000)
    else:
        st.timers.cancel("publish")
        _enter(st, current, "DownloadFailed")  # L03.FR.06


def _ended(st: Station, number: int, event: JobProgress | JobDone) -> Publication | None:
    """The publication whose job has ended, None for what is of no interest."""
    own = _own(st)
    if not isinstance(event, JobDone) or own.job != number:
        return None
    own.job = None
    st.timers.cancel("publish")
    return own.current


@jobs.on_job("publishing.fetched")
def fetched(st: Station, number: int, event: JobProgress | JobDone, now: int) -> None:
    """The image is here; the whole of it is compared with the checksum (L03.FR.02, FR.07)."""
    current = _ended(st, number, event)
    if current is None or not isinstance(event, JobDone):
        return
    if not event.ok:
        _failed(st, current, str(event.result.get("cause", "")), now)
        return
    _enter(st, current, "Downloaded")
    if event.result.get("md5") != current.checksum:
        jobs.start(st, "unpublish", "publishing.dropped", {"name": current.checksum})
        st.board.flash.delete(AREA, current.checksum)  # what was served under this name has been replaced
        _enter(st, current, "InvalidChecksum")
        return
    _enter(st, current, "ChecksumVerified")
    args = {"name": current.checksum, "file_name": transfer.last_name(current.url) or current.checksum}
    own = _own(st)
    own.job = jobs.start(st, "publish", "publishing.served", args)
    st.timers.set("publish", now + transfer.GIVE_UP_US * st.speed)
    if own.job is None:
        st.timers.cancel("publish")
        _enter(st, current, "PublishFailed")


@jobs.on_job("publishing.served")
def served(st: Station, number: int, event: JobProgress | JobDone, now: int) -> None:
    """It is served at the addresses told, or it is not (L03.FR.04, FR.08-09)."""
    current = _ended(st, number, event)
    if current is None or not isinstance(event, JobDone):
        return
    places = tuple(event.result.get("places", ()))
    row = Published(current.request_id, places)
    if event.ok and places and st.board.flash.write(AREA, current.checksum, row, 64 + sum(map(len, places))):
        _enter(st, current, PUBLISHED, places)
        return
    jobs.start(st, "unpublish", "publishing.dropped", {"name": current.checksum})
    _enter(st, current, "PublishFailed")


@jobs.on_job("publishing.dropped")
def dropped(st: Station, number: int, event: JobProgress | JobDone, now: int) -> None:
    """What was not what it should be is gone; nobody waits for it."""


@jobs.on_job("publishing.withdrawn")
def withdrawn(st: Station, number: int, event: JobProgress | JobDone, now: int) -> None:
    """It is served no longer, unless somebody is fetching it just now (L04.FR.02, FR.04)."""
    own = _own(st)
    if not isinstance(event, JobDone) or own.token != f"unpublish-{number}":
        return
    checksum, token, answers = own.leaving, own.token, own.answers
    own.leaving, own.token, own.answers = "", "", {}
    busy = not event.ok and event.result.get("cause") == "busy"
    if not busy:
        st.board.flash.delete(AREA, checksum)
    st.answer_later(token, answers["DownloadOngoing" if busy else "Unpublished"])


@at("start")
def go_on(st: Station, now: int) -> None:
    """A publication that a restart has broken off has failed; it is told when there is a connection."""
    stored: Publication | None = st.board.flash.get(UNDER_WAY, CURRENT)
    if stored is not None:
        current = _own(st).current = msgspec.structs.replace(stored)
        if current.status in ENDS:
            return
        history.note(st, "firmware to publish: broken off by a restart")
        _enter(st, current, "DownloadFailed" if current.status == "Downloading" else "PublishFailed")
