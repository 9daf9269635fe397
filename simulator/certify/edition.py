"""What differs between the versions of OCPP in a certification, in one object.

Runner, tester, mutants and report know no version: they ask the edition of the rig for the list of cases, the answers
that gate them, the tool's end of the wire, the words of a case, the way back to the basic state, and how a
configuration is judged. An edition is loaded when it is first asked for, with its cases.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulator.errors import UnknownName
from simulator.registry import nearest

if TYPE_CHECKING:
    from simulator.certify.case import Case
    from simulator.certify.catalogue import Row
    from simulator.certify.configuration import Finding
    from simulator.certify.pics import Pics
    from simulator.certify.reset import Reset
    from simulator.certify.tester import Tester
    from simulator.certify.wire import ToolCsms

EDITIONS = ("1.6", "2.0.1")


@dataclass(frozen=True, slots=True)
class Edition:
    """The certification of one version. ``rows``, ``runnable`` and ``wanted`` as in :mod:`simulator.certify.catalogue`;
    ``pics_of`` gives the answers of a profile; ``delivered``: settings a station comes to the lab with, as far as it
    has them; ``local_start``: the condition for "a session can be started at the station"; ``firmware_version`` reads
    it from a BootNotification."""

    ocpp: str
    cases: Mapping[str, Case]
    rows: Callable[[], dict[str, Row]]
    runnable: Callable[[], list[Row]]
    wanted: Callable[[list[str]], list[Row]]
    pics_of: Callable[[str], Pics]
    delivered: Mapping[str, Any]
    local_start: str
    csms: type[ToolCsms]
    tester: type[Tester]
    reset: type[Reset]
    check_configuration: Callable[[Mapping[str, tuple[str | None, bool]], Pics], list[Finding]]
    firmware_version: Callable[[dict[str, Any]], str | None]


def edition_of(ocpp: str) -> Edition:
    """The edition of a version; raises UnknownName when there is none."""
    if ocpp == "1.6":
        from simulator.certify.edition16 import EDITION_16  # an edition brings its cases, which need all the rest

        return EDITION_16
    if ocpp == "2.0.1":
        from simulator.certify.edition201 import EDITION_201

        return EDITION_201
    raise UnknownName("certification", ocpp, nearest(ocpp, list(EDITIONS)))
