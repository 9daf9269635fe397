"""F01 to F06: remote start and stop, unlocking, triggers."""

from __future__ import annotations

from typing import Any

from simulator.certify.case import case_201
from simulator.certify.cases201 import firmware
from simulator.certify.cases201.logs import DIAGNOSTICS, SLOW, get_log, place
from simulator.certify.cases201.logs import steps as log_steps
from simulator.certify.rules import OMITTED, one_of
from simulator.certify.security import IMAGE
from simulator.certify.states201 import (
    authorized_remotely,
    energy_started,
    ev_connected,
    stopped_remotely,
)
from simulator.certify.tester import message
from simulator.certify.tester201 import Tester201
from simulator.lab.files import Server

START, TIMEOUT = "TxCtrlr.TxStartPoint", "TxCtrlr.EVConnectionTimeOut"
ASKS = "AuthCtrlr.AuthorizeRemoteStart"
TIMEOUT_S = 30
NOBODY = "d1c2f0a4-nobody"


@case_201("TC_F_01", states=[ev_connected])
def cable_first(t: Tester201) -> None:
    """Remote start transaction: cable plugin first."""
    t.take_option("remote")
    authorized_remotely(t)
    energy_started(t)


@case_201("TC_F_02", settings={ASKS: True})
def asked_for(t: Tester201) -> None:
    """Remote start transaction: remote start first, AuthorizationRemoteStart is true."""
    t.take_option("remote")
    authorized_remotely(t)
    energy_started(t)


@case_201("TC_F_03", settings={ASKS: False})
def not_asked_for(t: Tester201) -> None:
    """Remote start transaction: remote start first, AuthorizationRemoteStart is false."""
    t.take_option("remote")
    authorized_remotely(t)
    energy_started(t)


@case_201("TC_F_04", settings={TIMEOUT: TIMEOUT_S, START: "Authorized"}, states=[authorized_remotely])
def no_cable(t: Tester201) -> None:
    """Remote start transaction: remote start first, Cable plugin timeout."""
    t.hear(t.event(1, "EVConnectTimeout", kind="Ended"), after_s=TIMEOUT_S - 1.0)
    t.authorized = False
    authorized_remotely(t)


@case_201("TC_F_08", states=[energy_started])
def stopped(t: Tester201) -> None:
    """Remote stop transaction: success."""
    stopped_remotely(t)


@case_201("TC_F_09", states=[energy_started])
def stop_of_another(t: Tester201) -> None:
    """Remote stop transaction: rejected."""
    t.call(2, "RequestStopTransaction", {"transactionId": NOBODY}, status="Rejected")


def _unlock(t: Tester201, status: str, connector: int = 1) -> None:
    t.call(2, "UnlockConnector", {"evseId": t.connector, "connectorId": connector}, status=status)


@case_201("TC_F_05", states=[energy_started])
def unlock_in_a_transaction(t: Tester201) -> None:
    """Remote unlock Connector: with ongoing transaction."""
    _unlock(t, "OngoingAuthorizedTransaction")


@case_201("TC_F_06")
def unlock(t: Tester201) -> None:
    """Remote unlock Connector: without ongoing transaction, Accepted."""
    t.plug()
    t.hear(t.status("plug", "Occupied"))
    _unlock(t, "Unlocked")


@case_201("TC_F_07")
def unlock_without_cable(t: Tester201) -> None:
    """Remote unlock Connector: without ongoing transaction, No cable connected."""
    _unlock(t, "Unlocked")


@case_201("TC_F_10")
def unlock_of_nothing(t: Tester201) -> None:
    """Remote unlock Connector: without ongoing transaction, UnknownConnector."""
    _unlock(t, "UnknownConnector", 999)


# -- triggers ----------------------------------------------------------------------------------------------------------


def _trigger(
    t: Tester201, what: str, where: dict[str, int] | None = None, *, step: int = 2, status: str = "Accepted"
) -> None:
    payload: dict[str, Any] = {"requestedMessage": what} | ({"evse": where} if where else {})
    t.call(step, "TriggerMessage", payload, status=status)


CONTEXT = "meterValue.0.sampledValue.0.context"


@case_201("TC_F_11")
def values_of_one(t: Tester201) -> None:
    """Trigger message: MeterValues, Specific EVSE."""
    _trigger(t, "MeterValues", {"id": t.connector})
    t.expect(3, "MeterValues", {"evseId": t.connector, CONTEXT: "Trigger"})


@case_201("TC_F_12")
def values_of_all(t: Tester201) -> None:
    """Trigger message: MeterValues, All EVSE."""
    _trigger(t, "MeterValues")
    t.any_order(*(message(3, "MeterValues", {"evseId": evse, CONTEXT: "Trigger"}) for evse in t.rig.connectors))


@case_201("TC_F_13", states=[energy_started])
def event_of_one(t: Tester201) -> None:
    """Trigger message: TransactionEvent, Specific EVSE."""
    _trigger(t, "TransactionEvent", {"id": t.connector})
    fields = {"evse.id": one_of(t.connector, OMITTED), CONTEXT: "Trigger"}
    t.hear(t.event(3, "Trigger", state="Charging", fields=fields))


@case_201("TC_F_14")
def event_of_all(t: Tester201) -> None:
    """Trigger message: TransactionEvent, All EVSE."""
    keys = {}
    for evse, token in zip(t.rig.connectors, (t.tool.valid, t.tool.valid2), strict=False):
        t.go_to(evse, token)
        energy_started(t)
        keys[evse] = t.transaction_id
    _trigger(t, "TransactionEvent")
    wanted = []
    for evse, key in keys.items():
        # the EVSE of a transaction has been told; that it is told again is not asked for (E01.FR.16)
        fields = {"evse.id": one_of(evse, OMITTED), CONTEXT: "Trigger", "transactionInfo.transactionId": key}
        wanted.append(t.event(3, "Trigger", state="Charging", fields=fields))
    t.any_order(*wanted)


@case_201("TC_F_15")
def log_idle(t: Tester201) -> None:
    """Trigger message: LogStatusNotification, Idle."""
    _trigger(t, "LogStatusNotification")
    t.expect(3, "LogStatusNotification", status="Idle")


@case_201("TC_F_16")
def log_under_way(t: Tester201) -> None:
    """Trigger message: LogStatusNotification, Uploading. The upload ends before the case does."""
    t.rig.files.servers[SLOW] = Server(kb_s=0.05)
    get_log(t, 2, DIAGNOSTICS, place(t, "logs/", SLOW))
    log_steps(t, (3, "Uploading"))
    _trigger(t, "LogStatusNotification", step=6)
    log_steps(t, (7, "Uploading"), ("end", "Uploaded"))


@case_201("TC_F_19")
def firmware_under_way(t: Tester201) -> None:
    """Trigger message: FirmwareStatusNotification, Downloading. What is fetched is not signed by the maker, and its end
    is not looked at (errata)."""
    t.rig.files.servers[SLOW] = Server(kb_s=firmware.SLOW_KB_S)
    url = firmware.served(t, "image.bin", IMAGE, SLOW)
    firmware.update(t, 2, url, installDateTime=None, signature=t.rig.security.wrong_signature)
    firmware.steps(t, (3, "Downloading"))
    _trigger(t, "FirmwareStatusNotification", step=6)
    firmware.steps(t, (7, "Downloading"))
    t.wait(2.0 * len(IMAGE) / 1_000 / firmware.SLOW_KB_S)


@case_201("TC_F_17")
def firmware_idle_whatever_evse(t: Tester201) -> None:
    """Trigger message: FirmwareStatusNotification, Specific EVSE not relevant."""
    _trigger(t, "FirmwareStatusNotification", {"id": t.connector})
    t.expect(3, "FirmwareStatusNotification", status="Idle")


@case_201("TC_F_18")
def firmware_idle(t: Tester201) -> None:
    """Trigger message: FirmwareStatusNotification, Idle."""
    _trigger(t, "FirmwareStatusNotification")
    t.expect(3, "FirmwareStatusNotification", status="Idle")


@case_201("TC_F_20")
def heartbeat(t: Tester201) -> None:
    """Trigger message: heartbeat."""
    _trigger(t, "Heartbeat")
    t.expect(3, "Heartbeat", within_s=10.0)


@case_201("TC_F_23")
def status_when_available(t: Tester201) -> None:
    """Trigger message: StatusNotification, Specific EVSE, Available."""
    _trigger(t, "StatusNotification", t.evse)
    t.hear(t.status(3, "Available"))


@case_201("TC_F_24", states=[ev_connected])
def status_when_occupied(t: Tester201) -> None:
    """Trigger message: StatusNotification, Specific EVSE, Occupied."""
    t.wait(2.0)
    t.drop("TransactionEvent")
    _trigger(t, "StatusNotification", t.evse)
    t.hear(t.status(3, "Occupied"))


@case_201("TC_F_26")
def boot_when_accepted(t: Tester201) -> None:
    """Trigger message: BootNotification, Rejected."""
    _trigger(t, "BootNotification", status="Rejected")


@case_201("TC_F_27")
def not_implemented(t: Tester201) -> None:
    """Trigger message: NotImplemented."""
    _trigger(t, "SignCombinedCertificate", status="NotImplemented")
