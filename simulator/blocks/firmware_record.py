"""L Firmware: the record of an update, what is installed, and where a version comes from.

Both records lie on flash as plain data. The one of the update has a schema; a record of another one is put aside. The
process that moves an update from step to step is ``blocks/firmware.py``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from simulator.blocks import transfer
from simulator.core.release import has_fix
from simulator.core.wiring import at

if TYPE_CHECKING:
    from simulator.core.station import Station

#: on flash: the update and what was installed last
AREA, UPDATE_KEY, INSTALLED_KEY = "firmware", "update", "installed"
SCHEMA = 1
MAX_VERSION = 50
#: an image of ours names its version in the first line, after this word
MAGIC = "CPFARM-FIRMWARE"
#: makers put versions together with all of these
_MAGIC_LINE = re.compile(rf"{MAGIC}[ \t]+([0-9A-Za-z._+:|/@,-]{{1,{MAX_VERSION}}})[ \t]*\r?$")
_IN_NAME = re.compile(r"\d+(?:\.\d+)+")


class Update(msgspec.Struct):
    """One update. Times are microseconds since 1970 by the station's clock. ``plain`` is one that a version tells by
    other messages than a signed one; without ``certificate`` nothing is checked. ``status`` is the state entered
    last."""

    url: str
    retrieve_us: int
    attempts: int
    pause_s: int
    plain: bool = False
    request_id: int | None = None
    install_us: int | None = None
    certificate: str = ""
    signature: str = ""
    schema: int = SCHEMA
    step: str = "scheduled"
    status: str = ""
    tried: int = 0
    sha256: str = ""
    size: int = 0
    version: str = ""


class Installed(msgspec.Struct, frozen=True):
    """The image that was installed last: its version, SHA-256 (hex) and size."""

    version: str
    sha256: str
    size: int


class Firmware:
    """RAM of the block, made when it is first used. ``answers`` of the check under way: outcome -> reply."""

    __slots__ = ("answers", "candidate", "check_by_us", "job", "token", "update", "withdrawn")

    def __init__(self, update: Update | None = None) -> None:
        self.update = update
        self.job: int | None = None
        self.withdrawn = False
        self.candidate: Update | None = None
        self.token = ""
        self.check_by_us = 0
        self.answers: Mapping[str, Any] = {}


def state(st: Station) -> Firmware | None:
    """The block's state; None on a station that has never been asked for an update."""
    found: Firmware | None = st.data.get("firmware")
    return found


def order(
    url: str,
    retrieve_us: int,
    retries: int | None,
    interval_s: int | None,
    *,
    plain: bool = False,
    request_id: int | None = None,
    install_us: int | None = None,
    certificate: str = "",
    signature: str = "",
) -> Update:
    """An update as the CSMS wants it; ``retries`` and ``interval_s`` None leave them to the station."""
    attempts, pause_s = transfer.plan(retries, interval_s)
    return Update(url, retrieve_us, attempts, pause_s, plain, request_id, install_us, certificate, signature)


def save(st: Station, update: Update) -> bool:
    """Keep it on flash; False when flash refuses."""
    size = 128 + len(update.url) + len(update.certificate) * 3 // 4 + len(update.signature)
    return st.board.flash.write(AREA, UPDATE_KEY, msgspec.structs.asdict(update), size)


def load(st: Station) -> Update | None:
    """The update that flash holds; one of another schema is put aside."""
    stored = st.board.flash.get(AREA, UPDATE_KEY)
    if stored is None:
        return None
    if not isinstance(stored, dict) or stored.get("schema") != SCHEMA:
        st.board.flash.delete(AREA, UPDATE_KEY)
        return None
    return msgspec.convert(stored, Update)


def installed(st: Station) -> Installed | None:
    """What was installed last by an update; None for the firmware of the factory."""
    found = st.board.flash.get(AREA, INSTALLED_KEY)
    return None if found is None else msgspec.convert(found, Installed)


def version(st: Station) -> str | None:
    """The firmware version that runs; None for a product that does not say."""
    found = st.board.flash.get(AREA, INSTALLED_KEY)
    return str(found["version"]) if found is not None else _factory(st)


def _factory(st: Station) -> str | None:
    pattern = st.model.identity.firmware
    return pattern.format(n=st.number, id=st.id) if pattern is not None and "{" in pattern else pattern


def mark_installed(st: Station, update: Update) -> bool:
    """From now on this firmware is the one that runs; False when flash refuses."""
    there = {"version": update.version, "sha256": update.sha256, "size": update.size}
    if not st.board.flash.write(AREA, INSTALLED_KEY, there, 128):
        return False
    outgrow(st, st.now)
    return True


@at("start")
def outgrow(st: Station, now: int) -> None:
    """Habits of the product that the running firmware has a fix for are gone; an older firmware brings them back."""
    found = installed(st)
    quirks = st.model.quirks if found is not None else ()
    fixed = [q.name for q in quirks if q.fixed_in and has_fix(found.version, _factory(st), q.fixed_in)]  # type: ignore[union-attr]
    st.model = st.model.outgrow(frozenset(fixed))


def version_of(head: bytes, size: int, file_name: str, sha256: str, old: str) -> str:
    """The version of an image, "" for one that is no firmware: empty, or of our own kind without a version.

    The first line of an image of ours says it; else the file name, if there is something like a version in it; else
    the old version with the beginning of the SHA-256. ``head`` and ``sha256`` are empty where the driver does not move
    the body.
    """
    first = head.partition(b"\n")[0].decode("ascii", "replace")
    if first.startswith(MAGIC):
        said = _MAGIC_LINE.match(first)
        return said.group(1) if said else ""
    if not size:
        return ""
    named = _IN_NAME.search(file_name)
    return (named.group(0) if named else f"{old.partition('+')[0][: MAX_VERSION - 9]}+{sha256[:8] or 'new'}")[
        :MAX_VERSION
    ]
