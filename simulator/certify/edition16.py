"""The certification of OCPP 1.6: its list, its PICS, its cases."""

from __future__ import annotations

from typing import Any

import simulator.certify.cases16  # noqa: F401 - the cases register themselves
from simulator.certify import catalogue
from simulator.certify.case import CASES
from simulator.certify.configuration import check_configuration
from simulator.certify.edition import Edition
from simulator.certify.pics import pics_of
from simulator.certify.reset import Reset
from simulator.certify.tester import Tester
from simulator.certify.wire import ToolCsms

#: what the procedure wants of a station that is delivered (PICS C-05)
DELIVERED = {"MinimumStatusDuration": 0}


def firmware_version(boot: dict[str, Any]) -> str | None:
    """What a BootNotification says."""
    return boot.get("firmwareVersion")


EDITION_16 = Edition(
    ocpp="1.6",
    cases=CASES,
    rows=catalogue.rows,
    runnable=catalogue.runnable,
    wanted=catalogue.wanted,
    pics_of=pics_of,
    delivered=DELIVERED,
    local_start="C-07",
    csms=ToolCsms,
    tester=Tester,
    reset=Reset,
    check_configuration=check_configuration,
    firmware_version=firmware_version,
)
