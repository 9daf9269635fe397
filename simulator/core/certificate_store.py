"""The certificates of a station, as they lie on flash: roots it trusts and its own.

Every entry of the flash area is the facts of one certificate (the result of the job ``inspect_certificate``, plain
data; the station's own with ``key``, the handle of its private key). The same facts may be shared by a whole fleet and
are never changed. Uses are in words of 2.x. Of the station's own certificates the newest in force counts, unless it has
been given up for another one for the time being (:func:`prefer`).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.core.station import Station

AREA = "certificates"
CSMS_ROOT, MANUFACTURER_ROOT = "CSMSRootCertificate", "ManufacturerRootCertificate"
V2G_ROOT, MO_ROOT = "V2GRootCertificate", "MORootCertificate"
STATION = "ChargingStationCertificate"
#: flash key of the certificate of the station that goes before a newer one
PREFERRED = "preferred"
ROOTS = (CSMS_ROOT, MANUFACTURER_ROOT, V2G_ROOT, MO_ROOT)
USES = (*ROOTS, STATION)

Facts = dict[str, Any]


def name_of(use: str, facts: Facts) -> str:
    """The key of a certificate on flash."""
    return f"{use}/{facts['issuer_key_hash'][:16]}/{facts['serial_number']}"


def entries(st: Station, use: str) -> list[tuple[str, Facts]]:
    """(name, facts) of every certificate for this use, oldest first."""
    return [(name, facts) for name, facts in st.board.flash.items(AREA) if name.startswith(use + "/")]


def count(st: Station) -> int:
    """How many certificates are installed, of all uses."""
    return sum(len(entries(st, use)) for use in USES)


def put(st: Station, use: str, facts: Facts) -> bool:
    """Store a certificate, in place of the same one; False (and ``flash.why``) when flash refuses."""
    assert use in USES, use
    pem = sys.intern(facts["pem"])
    if pem is not facts["pem"]:
        facts = {**facts, "pem": pem}
    return st.board.flash.write(AREA, name_of(use, facts), facts, 64 + len(pem) * 3 // 4)


def remove(st: Station, name: str) -> bool:
    """Delete a certificate; False when the memory cannot be written."""
    return st.board.flash.delete(AREA, name)


def find(st: Station, algorithm: str, name_hash: str, key_hash: str, serial: str) -> str | None:
    """The name of the certificate with this hash data, of any use; hexadecimal text compares without case."""
    wanted = (algorithm, name_hash.lower(), key_hash.lower(), serial.lower().lstrip("0"))
    for use in USES:
        for name, facts in entries(st, use):
            known = (facts["issuer_name_hash"], facts["issuer_key_hash"], facts["serial_number"].lstrip("0"))
            if (facts["hash_algorithm"], *(text.lower() for text in known)) == wanted:
                return name
    return None


def in_force(facts: Facts, wall_us: int) -> bool:
    """Is it valid at this time (microseconds since 1970)?"""
    return bool(facts["not_before_us"] <= wall_us <= facts["not_after_us"])


def station_certificate(st: Station) -> tuple[str, Facts] | None:
    """(name, facts) of the station's own certificate in use: of those in force the one preferred, else the one whose
    validity began last, and of several such the one that came last."""
    found = entries(st, STATION)
    if not found:
        return None
    wall_us = st.board.rtc.wall(st.now)
    valid = [row for row in reversed(found) if in_force(row[1], wall_us)]
    return _chosen(st, valid) if valid else None


def shown_certificate(st: Station) -> tuple[str, Facts] | None:
    """What the station shows a server: the one in use, else one that has expired; who takes it is the server's
    business (errata 2.6, A00.FR.430)."""
    own = station_certificate(st)
    if own is not None:
        return own
    wall_us = st.board.rtc.wall(st.now)
    past = [row for row in reversed(entries(st, STATION)) if row[1]["not_after_us"] < wall_us]
    return _chosen(st, past) if past else None


def _chosen(st: Station, rows: list[tuple[str, Facts]]) -> tuple[str, Facts]:
    preferred = st.board.flash.get(AREA, PREFERRED)
    named = [row for row in rows if row[0] == preferred]
    return named[0] if named else max(rows, key=lambda row: int(row[1]["not_before_us"]))


def prefer(st: Station, name: str | None) -> bool:
    """Use this certificate of the station from now on, whichever is newer; None: the newest again. False when the
    memory cannot be written."""
    if name is None:
        return st.board.flash.delete(AREA, PREFERRED)
    return st.board.flash.write(AREA, PREFERRED, name, 32 + len(name))


def has_root(st: Station, use: str = CSMS_ROOT) -> bool:
    """Is there a root in force for this use?"""
    wall_us = st.board.rtc.wall(st.now)
    return any(in_force(facts, wall_us) for _, facts in entries(st, use))
