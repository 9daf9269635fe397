"""The certification of OCPP 2.0.1: its list, the features that gate it, its cases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import simulator.certify.cases201  # noqa: F401 - the cases register themselves
from simulator.certify import catalogue201
from simulator.certify.case import CASES_201
from simulator.certify.configuration import Finding
from simulator.certify.edition import Edition
from simulator.certify.features201 import features_of
from simulator.certify.pics import Pics
from simulator.certify.required201 import missing
from simulator.certify.reset201 import Reset201
from simulator.certify.tester201 import Tester201
from simulator.certify.wire201 import ToolCsms201

#: part 6, 2.1: what holds before every case
DELIVERED = {"AuthCtrlr.LocalPreAuthorize": False}


def check_configuration(configuration: Mapping[str, tuple[str | None, bool]], pics: Pics) -> list[Finding]:
    """Required variables that the inventory does not have."""
    return [Finding(name, f"required by {who}, but not reported") for name, who in missing(configuration, pics)]


def firmware_version(boot: dict[str, Any]) -> str | None:
    """What a BootNotification says."""
    station: dict[str, Any] = boot["chargingStation"]
    return station.get("firmwareVersion")


EDITION_201 = Edition(
    ocpp="2.0.1",
    cases=CASES_201,
    rows=catalogue201.rows,
    runnable=catalogue201.runnable,
    wanted=catalogue201.wanted,
    pics_of=features_of,
    delivered=DELIVERED,
    local_start="C-30 OR C-31 OR C-32",
    csms=ToolCsms201,
    tester=Tester201,
    reset=Reset201,
    check_configuration=check_configuration,
    firmware_version=firmware_version,
)
