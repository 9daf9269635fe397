"""Who the stations are: ids from a pattern or from a list, never two alike.

A CSMS knows a station by its id, and several people may test the same CSMS, so the default prefix carries a tag of the
machine. Lists come as CSV with a header; whatever a CSMS needs to know beforehand can stand beside the id.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from simulator.errors import FleetError
from simulator.yamlfile import hint

COLUMNS = ("id", "password", "cert", "key", "profile", "serial")
MAX_STATIONS = 100_000
_MAX_CSV_BYTES = 64 << 20
_MAX_PROBLEMS = 20
#: OCPP-J part 4 (2.0.1, 2.1) section 3.1; 1.6 sets no limit
_MAX_ID = 48
#: serial numbers in BootNotification, all versions
MAX_SERIAL = 25


def machine_tag(hostname: str) -> str:
    """Four hexadecimal digits that differ, most likely, from machine to machine."""
    return hashlib.sha256(hostname.encode()).hexdigest()[:4]


def default_prefix(hostname: str) -> str:
    """The prefix of ids when nobody chose one."""
    return f"CPF-{machine_tag(hostname)}-"


def id_problem(station_id: str) -> str | None:
    """What is wrong with an id; None when it can be used.

    A colon would end the user name of HTTP Basic, and a dot segment would vanish from the URL. Other odd characters
    are allowed: they are percent-encoded, and a CSMS should cope.
    """
    if not station_id or station_id != station_id.strip():
        return f"the id {station_id!r} is empty or has blanks around it"
    if len(station_id) > _MAX_ID:
        return f"the id {station_id!r} is longer than {_MAX_ID} characters"
    if ":" in station_id or not station_id.isprintable() or station_id in (".", ".."):
        return f"the id {station_id!r} cannot be used: no colon, no control characters, not '.' or '..'"
    return None


def fill(pattern: str, number: int, station_id: str, limit: int = MAX_SERIAL) -> str:
    """A serial number from its pattern. What is too long for the wire loses its beginning: ends tell stations apart."""
    return pattern.format(n=number, id=station_id)[-limit:]


@dataclass(frozen=True, slots=True)
class StationRow:
    """One line of a stations file; what it does not say is None."""

    id: str
    line: int
    password: SecretStr | None = field(default=None)
    cert: str | None = None
    key: str | None = None
    profile: str | None = None
    serial: str | None = None


def read_stations(path: Path) -> list[StationRow]:
    """The rows of a stations file; raises FleetError with one line for each problem."""
    try:
        if path.stat().st_size > _MAX_CSV_BYTES:
            raise FleetError(f"is larger than {_MAX_CSV_BYTES} bytes", file=str(path))
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _rows(file, str(path))
    except OSError as exc:
        raise FleetError(f"cannot be read: {exc.strerror or exc}", file=str(path)) from None
    except UnicodeDecodeError:
        raise FleetError("is not UTF-8 text", file=str(path)) from None


def _rows(lines: Iterator[str], name: str) -> list[StationRow]:
    reader = csv.reader(lines, strict=True)
    rows: list[StationRow] = []
    problems: list[FleetError] = []
    first: dict[str, int] = {}
    try:
        header = [column.strip() for column in next(reader, [])]
        _check_header(header, name)
        for cells in reader:
            line = reader.line_num
            if not any(cell.strip() for cell in cells):
                continue
            row, reason, column = _row(header, cells, line)
            if row is not None and row.id in first:
                reason, column = f"{row.id} stands twice, first in line {first[row.id]}", "id"
            if row is None or reason is not None:
                problems.append(FleetError(reason or "", file=name, line=line, field=column))
                if len(problems) == _MAX_PROBLEMS:
                    break
                continue
            first[row.id] = line
            rows.append(row)
            if len(rows) > MAX_STATIONS:
                raise FleetError(f"has more than {MAX_STATIONS} stations", file=name)
    except csv.Error as exc:
        problems.append(FleetError(str(exc), file=name, line=reader.line_num))
    if problems:
        joined = FleetError("\n".join(str(problem) for problem in problems))
        joined.file, joined.line, joined.field = problems[0].file, problems[0].line, problems[0].field
        raise joined
    if not rows:
        raise FleetError("has no stations", file=name)
    return rows


def _check_header(header: list[str], name: str) -> None:
    for column in header:
        if column not in COLUMNS:
            # A file without a header has an id, perhaps a password, here: say what is expected instead of quoting it.
            near = hint(column, COLUMNS)
            what = f"unknown column {column!r}{near}" if near else "must be a header of " + ", ".join(COLUMNS)
            raise FleetError(what, file=name, line=1)
        if header.count(column) > 1:
            raise FleetError(f"the column {column!r} stands twice", file=name, line=1)
    if "id" not in header:
        raise FleetError("the column 'id' is missing", file=name, line=1)


def _row(header: list[str], cells: list[str], line: int) -> tuple[StationRow | None, str | None, str | None]:
    """The row, or the reason why not and its column."""
    if len(cells) > len(header):
        return None, f"has {len(cells)} cells under {len(header)} columns", None
    # Blanks around a password may belong to it.
    values = {c: cell if c == "password" else cell.strip() for c, cell in zip(header, cells, strict=False)}
    if reason := id_problem(values.get("id", "")):
        return None, reason, "id"
    serial = values.get("serial") or None
    if serial is not None and len(serial) > MAX_SERIAL:
        return None, f"{serial!r} is longer than {MAX_SERIAL} characters", "serial"
    if bool(values.get("cert")) != bool(values.get("key")):
        return None, "cert and key go together", "cert"
    password = values.get("password")
    row = StationRow(
        id=values["id"],
        line=line,
        password=SecretStr(password) if password else None,
        cert=values.get("cert") or None,
        key=values.get("key") or None,
        profile=values.get("profile") or None,
        serial=serial,
    )
    return row, None, None
