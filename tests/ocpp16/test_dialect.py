"""The 1.6 dialect as a whole: what it serves, what it says, which words it uses for errors."""

from __future__ import annotations

import simulator.ocpp16 as ocpp16
from simulator.core.reports import SecurityEvent
from simulator.ocpp16 import ERROR_CODES, certificates, diagnostics, firmware, security, smart_charging, triggers
from tests.bench import Lab, bench

CORE = {
    "ChangeAvailability",
    "ChangeConfiguration",
    "ClearCache",
    "DataTransfer",
    "GetConfiguration",
    "RemoteStartTransaction",
    "RemoteStopTransaction",
    "Reset",
    "UnlockConnector",
}


def test_core_and_remote_trigger_are_served() -> None:
    assert set(ocpp16.DIALECT_16.routes) >= CORE | {"TriggerMessage"}


def test_what_the_modules_of_the_dialect_declare_is_served() -> None:
    declared = {
        action
        for module in (certificates, diagnostics, firmware, security, smart_charging, triggers)
        for action, _, _ in module.table.handlers
    }
    assert {"GetDiagnostics", "GetLog", "UpdateFirmware", "SignedUpdateFirmware", "SetChargingProfile"} <= declared
    assert declared <= set(ocpp16.DIALECT_16.routes)


def test_the_words_of_errors() -> None:
    """OCPP-J 1.6 4.2.3, the misspelling included."""
    assert ERROR_CODES["occurrence"] == "OccurenceConstraintViolation"
    assert ERROR_CODES["formation"] == "FormationViolation"


def test_what_the_profile_does_not_offer_is_not_supported() -> None:
    lab = bench(not_offered=frozenset({"GetCompositeSchedule"}))
    assert lab.ask("GetCompositeSchedule", connectorId=1, duration=60)[0] == "NotSupported"
    assert lab.ask("Gibberish")[0] == "NotImplemented"


def test_a_frame_whose_id_cannot_be_read_gets_no_answer(lab: Lab) -> None:
    assert ocpp16.DIALECT_16.unreadable_id is None


def test_a_security_event(lab: Lab) -> None:
    """White paper edition 3, A04: kept until it is answered."""
    assert SecurityEvent in {kind for kind, _ in security.table.renderers}
    lab.fleet.cut(lab.station)
    lab.run(1)
    lab.station.publish(SecurityEvent("ResetOrReboot", lab.station.stamp(), "by hand"))
    lab.fleet.mend(lab.station)
    lab.run(120)
    (event,) = lab.csms.sent("SecurityEventNotification")
    assert (event["type"], event["techInfo"]) == ("ResetOrReboot", "by hand")
