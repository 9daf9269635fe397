"""The 2.x dialects as a whole: what their modules declare is served, and what 2.1 alone has is not known to 2.0.1."""

from __future__ import annotations

import pytest

from simulator.ocpp2x import (
    DIALECT_21,
    DIALECT_201,
    certificates,
    diagnostics,
    firmware,
    local_list,
    logs,
    monitoring,
    network,
    publishing,
    remote_control,
    reservation,
    smart_charging,
    tariff,
    triggers,
)
from tests.bench import bench

MODULES = (
    certificates, firmware, local_list, logs, monitoring, network, publishing, remote_control, reservation,
    smart_charging, tariff, triggers,
)  # fmt: skip


def test_what_the_modules_declare_is_served_in_both_versions() -> None:
    declared = {action for module in MODULES for action, _, since in module.table.handlers if since is None}
    assert {"SetVariableMonitoring", "UpdateFirmware", "InstallCertificate", "SetChargingProfile"} <= declared
    for dialect in (DIALECT_201, DIALECT_21):
        assert declared <= set(dialect.routes)


def test_what_they_tell_can_be_rendered_in_both_versions() -> None:
    told = {kind for module in (*MODULES, diagnostics) for kind, _ in module.table.renderers}
    assert told
    for dialect in (DIALECT_201, DIALECT_21):
        assert told <= set(dialect.renderers)


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
def test_what_only_the_newer_version_has_is_not_implemented(version: str) -> None:
    """What both have and nobody here serves is known, and not supported."""
    lab = bench(version)
    for action, code in (
        ("SetDefaultTariff", "NotImplemented"),
        ("GetTariffs", "NotImplemented"),
        ("ClearDERControl", "NotImplemented"),
        ("SetDisplayMessage", "NotSupported"),
        ("NoSuchThing", "NotImplemented"),
    ):
        assert lab.ask(action)[0] == code, action


def test_what_only_the_newer_version_has_is_unknown_to_the_older() -> None:
    newer = set(DIALECT_21.messages.REQUESTS) - set(DIALECT_201.messages.REQUESTS)
    assert newer and not newer & set(DIALECT_201.routes)
    assert not any(DIALECT_201.codec.knows(action) for action in newer)
