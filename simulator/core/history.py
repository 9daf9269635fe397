"""What a station remembers of itself: the two logs it can upload.

The *history* is what a technician asks for: starts, links, statuses, transactions, settings, transfers. It lives in
RAM, goes to flash at an orderly restart and is lost with the power. The *security log* holds security events only, is
written to flash at once and survives everything (white paper N01.FR.05, A04.FR.04).

Both are one short text each, a line per event, the oldest dropped when the share is used up: text is nothing the
garbage collector looks at, and a fleet remembers in a few bytes per event. A line carries what the station's clock
showed then; a clock nobody should trust is marked, and such a line is in every range that is asked for.

Facts pass in one place: the desk hands every report and record of a class in :data:`LOGGED` to :func:`watch`. Samples
and heartbeats are not among them, and no line ever holds a secret.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from simulator.core import records as r
from simulator.core import reports as p
from simulator.core.settings import SETTINGS, WRITE_ONLY
from simulator.core.wiring import at

if TYPE_CHECKING:
    from simulator.core.station import Station

#: bounds of each log: lines, bytes, and characters of one line's text
MAX_EVENTS, MAX_BYTES, MAX_TEXT = 64, 2_048, 160
#: where both lie on flash
AREA, HISTORY_KEY, SECURITY_KEY = "facts", "history", "security_log"

#: (microseconds since 1970 by the station's clock, could that clock be trusted, text)
Line = tuple[int, bool, str]


def note(st: Station, text: str) -> None:
    """Write a line into the history. ``text`` holds no secret."""
    st.data["history"] = _append(st.data.get("history", ""), _line(st, text))


def secure(st: Station, kind: str, info: str = "") -> None:
    """Write a security event into the security log, critical or not. On a full flash the older half makes room."""
    flash = st.board.flash
    log = _append(flash.get(AREA, SECURITY_KEY) or "", _line(st, f"{kind} {info}" if info else kind))
    if not flash.write(AREA, SECURITY_KEY, log, len(log)) and flash.why == "full":
        half = log[log.find("\n", len(log) // 2) + 1 :]
        if not flash.write(AREA, SECURITY_KEY, half, len(half)):
            st.record(r.FlashTrouble(AREA, flash.why, "security event not logged"))


def lines(st: Station, *, security: bool, oldest_us: int | None = None, latest_us: int | None = None) -> list[Line]:
    """What the history (or the security log) holds of a time, oldest first; bounds are included, None is none."""
    log: str = (st.board.flash.get(AREA, SECURITY_KEY) or "") if security else st.data.get("history", "")
    found: list[Line] = []
    for row in log.splitlines():
        stamp, text = row.split(" ", 1)
        trusted = not stamp.endswith("~")
        wall_us = int(stamp.rstrip("~")) * 1000
        early = oldest_us is not None and wall_us < oldest_us // 1000 * 1000
        if not trusted or not (early or (latest_us is not None and wall_us > latest_us)):
            found.append((wall_us, trusted, text))
    return found


def _line(st: Station, text: str) -> str:
    rtc = st.board.rtc
    mark = "" if rtc.trusted(st.now) else "~"
    text = " ".join(text.encode("ascii", "replace").decode().split())[:MAX_TEXT]  # one byte a character
    return f"{rtc.wall(st.now) // 1000}{mark} {text}\n"


def _append(log: str, line: str) -> str:
    log += line
    while len(log) > MAX_BYTES or log.count("\n") > MAX_EVENTS:
        log = log[log.find("\n") + 1 :]
    return log


# -- lifetimes ---------------------------------------------------------------------------------------------------------


@at("start")
def begins(st: Station, now: int) -> None:
    """The history of before an orderly restart goes on; after a power cut it is what was saved last."""
    kept = st.board.flash.get(AREA, HISTORY_KEY)
    if isinstance(kept, str):
        st.data["history"] = kept
    note(st, f"start {st.boot_reason}")


def software_ends(st: Station, *, orderly: bool) -> None:
    """The software is about to end: an orderly end has the time to save the history."""
    if orderly:
        note(st, f"restart {st.boot_reason}")
        log: str = st.data["history"]
        if not st.board.flash.write(AREA, HISTORY_KEY, log, len(log)):
            st.record(r.FlashTrouble(AREA, st.board.flash.why, "history not saved"))


@at("settings")
def settings_changed(st: Station, now: int) -> None:
    """Which settings, and to what; a secret only that it was changed."""
    for key in sorted(st.changed_settings):
        found = SETTINGS.get(key)
        if WRITE_ONLY in (found.mutability, found.mutability16):
            note(st, f"setting {key} changed")
        else:
            note(st, f"setting {key} = {found.format(st.settings[found])[:60]}")


# -- what is worth a line ----------------------------------------------------------------------------------------------


def watch(st: Station, what: Any) -> None:
    """A report or record of a class in :data:`LOGGED`."""
    if isinstance(what, p.SecurityEvent):
        secure(st, what.kind, what.info)
        return
    note(st, LOGGED[type(what)](what))


def _status(report: p.StatusChanged) -> str:
    where = f"EVSE {report.evse_id}" if report.evse_id else "station"
    return " ".join(part for part in (where, report.status, report.error, report.info) if part)


def _component(report: p.ComponentEvent) -> str:
    where = f" of EVSE {report.evse_id}" if report.evse_id else ""
    over = " over" if report.cleared else ""
    return f"{report.component}{where}: {report.variable} {report.value}{over} {report.tech_code}"


def _upload(report: p.LogProgress) -> str:
    return f"log upload {report.status}"


def _firmware(report: p.FirmwareProgress) -> str:
    return f"firmware {report.status}"


LOGGED: dict[type, Callable[[Any], str]] = {
    p.StatusChanged: _status,
    p.ComponentEvent: _component,
    p.LogStep: _upload,
    p.FirmwareStep: _firmware,
    p.SecurityEvent: lambda event: str(event.kind),
    p.SecurityNote: lambda event: str(event.kind),
    r.Booted: lambda record: f"registered {record.reason}",
    r.BootRefused: lambda record: f"registration {record.status}",
    r.Connected: lambda record: "link up",
    r.Disconnected: lambda record: f"link down {record.cause} {record.code}",
    r.ConnectFailed: lambda record: f"no link {record.cause} {record.code}",
    r.TransactionOpened: lambda record: f"transaction {record.key} begins at EVSE {record.evse_id}",
    r.TransactionClosed: lambda record: (
        f"transaction {record.key} ends at EVSE {record.evse_id}: {record.reason}, {record.reported_energy_wh:.0f} Wh"
    ),
    r.FlashTrouble: lambda record: f"memory {record.why}: {record.area} {record.lost}",
}
